// Loop nests built by hand and run as machine code.
//
//   Nest nest("scaled");
//   const Tensor x = nest.input("x", DType::f32, {4, 16}), y = nest.output("y", DType::f32, {4,
//   16}); nest.loop(LoopKind::serial, 0, 4, [&](E i) {
//     nest.loop(LoopKind::vectorized, 0, 16, [&](E j) { nest.store(y, {i, j}, x(i, j) * x(i, j));
//     });
//   });
#pragma once
#include <doctest/doctest.h>

#include <cctype>
#include <cstdlib>
#include <cstring>

#include "backend/backend.h"
#include "backend/declarations.h"
#include "backend/loops_to_llvm.h"
#include "backend/ssa_to_llvm.h"
#include "tests/support/text.h"

namespace tenon::tests {

namespace loops = ir::loops;
using loops::ExprPtr;
using loops::LoopKind;
using runtime::DType;
using runtime::Scalar;
using runtime::ScalarOp;

/// An expression, with operators; whole numbers stand for i64 constants.
struct E {
  ExprPtr expr;
  E(ExprPtr e) : expr(std::move(e)) {}
  E(int64_t number) : E(Scalar::integer(DType::i64, number)) {}
  E(int number) : E(int64_t{number}) {}
  E(Scalar number) : E(number.type, loops::Constant{number}) {}
  E(DType type, decltype(loops::Expr::node) node)
      : expr(std::make_shared<const loops::Expr>(loops::Expr{type, std::move(node)})) {}
};

inline std::vector<ExprPtr> exprs(const std::vector<E>& es) {
  std::vector<ExprPtr> result;
  for (const E& e : es) result.push_back(e.expr);
  return result;
}
inline E operation(ScalarOp op, const std::vector<E>& args) {
  return {runtime::result_type(op, args.back().expr->type), loops::Apply{op, exprs(args)}};
}
inline E operator+(const E& a, const E& b) {
  return operation(ScalarOp::add, {a, b});
}
inline E operator-(const E& a, const E& b) {
  return operation(ScalarOp::sub, {a, b});
}
inline E operator*(const E& a, const E& b) {
  return operation(ScalarOp::mul, {a, b});
}
inline E convert(DType to, const E& e) {
  return {to, loops::Convert{e.expr}};
}
inline E select(const E& c, const E& a, const E& b) {
  return {a.expr->type, loops::Select{c.expr, a.expr, b.expr}};
}
inline E number(DType type, double value) {
  return runtime::is_floating(type) ? E(Scalar::floating(type, value))
                                    : E(Scalar::integer(type, static_cast<int64_t>(value)));
}

struct Tensor {
  loops::BufferId id;
  DType type;
  template <class... Es>
  E operator()(const Es&... subscripts) const {
    return {type, loops::Read{id, exprs(std::vector<E>{E(subscripts)...})}};
  }
};
struct Variable {
  loops::LocalId id;
  DType type;
  template <class... Es>
  E operator()(const Es&... subscripts) const {
    return {type, loops::Local{id, exprs(std::vector<E>{E(subscripts)...})}};
  }
};

class Nest {
 public:
  explicit Nest(std::string name) { kernel.name = std::move(name); }
  loops::Kernel kernel;

  Tensor input(std::string name, DType type, ir::Shape shape) {
    kernel.buffer_values.push_back({});
    return output(std::move(name), type, std::move(shape));
  }
  /// Behind the inputs.
  Tensor output(std::string name, DType type, ir::Shape shape) {
    kernel.buffers.push_back({std::move(name), {type, std::move(shape)}});
    return {static_cast<loops::BufferId>(kernel.buffers.size() - 1), type};
  }
  Variable local(DType type, ir::Shape shape = {}) {
    kernel.locals.push_back({type, std::move(shape)});
    const auto id = static_cast<loops::LocalId>(kernel.locals.size() - 1);
    emit(loops::SetLocal{id, nullptr, true});
    return {id, type};
  }
  Variable local(const E& value) {
    kernel.locals.push_back({value.expr->type, {}});
    const auto id = static_cast<loops::LocalId>(kernel.locals.size() - 1);
    emit(loops::SetLocal{id, value.expr, true});
    return {id, value.expr->type};
  }

  template <class Body>
  void loop(LoopKind kind, const E& lo, const E& hi, const Body& body) {
    const auto id = static_cast<loops::LoopId>(kernel.loops.size());
    kernel.loops.push_back(fmt::format("i{}", id));
    loops::Block stmts = block([&] { body(E(DType::i64, loops::Loop{id})); });
    emit(loops::For{id, lo.expr, hi.expr, std::move(stmts), kind});
  }
  template <class Then>
  void branch(const E& condition, const Then& then) {
    emit(loops::If{condition.expr, block(then), {}});
  }
  void set(Variable v, const E& value) { emit(loops::SetLocal{v.id, value.expr}); }
  void set(Variable v, const std::vector<E>& at, const E& value) {
    emit(loops::SetLocal{v.id, value.expr, false, false, exprs(at)});
  }
  /// A step of a float sum.
  void add(Variable v, const E& value) {
    emit(loops::SetLocal{v.id, (v() + value).expr, false, true});
  }
  void store(Tensor t, const std::vector<E>& at, const E& value, bool stream = false) {
    emit(loops::Store{t.id, exprs(at), value.expr, stream});
  }
  void prefetch(Tensor t, const std::vector<E>& at) { emit(loops::Prefetch{t.id, exprs(at)}); }
  void check(const E& holds, runtime::FaultKind fault, const E& a) {
    kernel.may_fail = true;
    emit(loops::Check{holds.expr, fault, a.expr, E(0).expr, "", {}});
  }
  Variable call(ir::FuncId callee, DType result, const std::vector<E>& args) {
    kernel.locals.push_back({result, {}});
    const auto id = static_cast<loops::LocalId>(kernel.locals.size() - 1);
    emit(loops::CallInto{id, callee, exprs(args), {}});
    return {id, result};
  }

 private:
  template <class Body>
  loops::Block block(const Body& body) {
    loops::Block outer = std::exchange(*open_, {});
    body();
    return std::exchange(*open_, std::move(outer));
  }
  void emit(decltype(loops::Stmt::node) node) { open_->push_back({std::move(node)}); }
  loops::Block* open_ = &kernel.body;
};

/// So many elements, aligned as the runtime aligns tensors.
template <class T>
class Elements {
 public:
  explicit Elements(size_t count, T value = {})
      : count_(count),
        data_(static_cast<T*>(std::aligned_alloc(64, (count * sizeof(T) + 127) / 64 * 64))) {
    for (T& e : *this) e = value;
  }
  Elements(const Elements& other) : Elements(other.count_) {
    std::memcpy(data_, other.data_, count_ * sizeof(T));
  }
  ~Elements() { std::free(data_); }
  T* begin() { return data_; }
  T* end() { return data_ + count_; }
  T& operator[](size_t i) { return data_[i]; }
  size_t size() const { return count_; }
  bool operator==(const Elements& other) const {
    return count_ == other.count_ && std::memcmp(data_, other.data_, count_ * sizeof(T)) == 0;
  }

 private:
  size_t count_;
  T* data_;
};

/// The module of a kernel, of a main that runs it on tensors at these addresses, and of the scalar
/// functions that it calls, those of `module`.
inline backend::Generated generated(const loops::Kernel& kernel, const std::vector<void*>& tensors,
                                    bool strict = false, const ir::Module& module = {}) {
  const backend::Conventions conventions(module);
  const opt::UniqueOwners owners(module);
  const opt::memory::MemoryPlan plan(module, owners, {});
  backend::ModuleText shared;
  std::string text = backend::write_kernel(shared, module, conventions, kernel, {}, strict);
  for (const ir::Function& function : module.functions)
    text += "\n" +
            backend::write_function(shared, module, conventions, owners, plan, function, {}, strict);
  std::string args = "ptr %context";
  if (conventions.of(kernel).deep) args += ", i64 0";
  for (void* tensor : tensors)
    args += fmt::format(", ptr inttoptr (i64 {} to ptr)", reinterpret_cast<uintptr_t>(tensor));
  const bool fails = conventions.of(kernel).fails;
  text += fmt::format("\ndefine i32 @tenon_main(ptr %context) {{\n  {}call {} @kernel.{}({})\n",
                      fails ? "%failed = " : "", fails ? "i1" : "void", kernel.name, args);
  text += fails ? "  %status = zext i1 %failed to i32\n  ret i32 %status\n}\n" : "  ret i32 0\n}\n";
  return {backend::module_of(shared, text), shared.take_sites()};
}

/// Runs it on so many threads (0: all cores); the fault if it failed.
inline std::optional<runtime::Fault> run(const backend::Generated& generated,
                                         const backend::Options& options, int threads = 0) {
  const backend::cpu::Executable executable(generated, options, nullptr);
  runtime::Context context;
  context.threads = threads;
  try {
    executable.run(context);
  } catch (const ast::RunError& error) {
    return error.fault;
  }
  if (context.live_bytes != 0) return runtime::Fault{runtime::FaultKind::cannot_write};
  return std::nullopt;
}

inline constexpr backend::Options kOptions{true, 2, false};

inline bool has_llvm() {
  return std::isdigit(static_cast<unsigned char>(backend::cpu::llvm_version()[0]));
}

inline std::string text_of(const loops::Kernel& kernel) {
  return generated(kernel, std::vector<void*>(kernel.buffers.size())).text;
}

/// Runs the kernel on these tensors.
inline void run_nest(const Nest& nest, const std::vector<void*>& tensors, bool strict = false,
                     int threads = 0) {
  const backend::Generated text = generated(nest.kernel, tensors, strict);
  CAPTURE(text.text);
  const std::optional<runtime::Fault> fault = run(text, kOptions, threads);
  CHECK_FALSE(fault.has_value());
}

}  // namespace tenon::tests
