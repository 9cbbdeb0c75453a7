// The SSA interpreter: instructions here, bodies of computes in interpret_body.cpp. What fails,
// fails as in the tree interpreter: the same fault at the same place.
#include "ir/interpret.h"

#include <fmt/format.h>

#include <array>
#include <stdexcept>

#include "ir/interpret_body.h"
#include "ir/loops_interpret.h"
#include "ir/text.h"
#include "runtime/npy.h"
#include "runtime/print.h"
#include "runtime/tensor_file.h"

namespace tenon::ir {

using runtime::Fault;
using runtime::FaultKind;
using runtime::Tensor;

namespace {

/// Whether the pass `own` has run. If so every tensor's owners are counted by its protocol
/// (opt/tensor/own.cpp): instructions borrow, but `update` takes an owner of its tensor over, `ret`
/// hands one to the caller and an edge to the parameter of the block it leads to.
bool has_ownership(const Module& module) {
  for (const Function& function : module.functions)
    for (const Block& block : function.blocks)
      for (const Inst& inst : block.insts)
        if (row(inst.op).trait == Trait::ownership) return true;
  return false;
}

class Interpreter : public Caller {
 public:
  Interpreter(const Module& module, runtime::Context& context, Counts& counts,
              loops::KernelEngine* kernels)
      : module_(module),
        context_(context),
        counts_(counts),
        kernels_(kernels),
        counts_owners_(has_ownership(module)) {}
  /// For single instructions.
  Interpreter(const Module& module, runtime::Context& context, Counts& counts, int64_t& steps)
      : module_(module), context_(context), counts_(counts), counts_owners_(false) {
    steps_ = &steps;
  }

  std::vector<Slot> results_of(const Function& function, const Frame& frame, const Inst& inst) {
    return inst.op == Op::compute
               ? compute(function, frame, inst)
               : call(inst.get<FuncId>(), uses(function, frame, inst), inst.span);
  }

  void run_main() {
    call(module_.main, {}, module_.function(module_.main).span);
    if (counts_owners_ && owned_ != 0)
      throw std::logic_error(fmt::format("{} tensors still have owners at the end", owned_));
  }

  std::vector<Slot> call(FuncId callee, std::vector<Slot> args, Span span) override;

 private:
  std::vector<Slot> run(const Function& function, Frame frame);
  std::vector<Slot> uses(const Function& function, const Frame& frame, const Inst& inst) const;
  void exec(const Function& function, Frame& frame, const Inst& inst);
  void exec_unchecked(const Function& function, Frame& frame, const Inst& inst);
  Slot value_of(const Function& function, Frame& frame, const Inst& inst);
  std::vector<Slot> compute(const Function& function, const Frame& frame, const Inst& inst);
  Frame produced(const Function& function, const Frame& frame, const Inst& inst);
  void pass(const Function& function, Frame& frame, const Edge& edge);
  std::string line(const Function& function, const Frame& frame, const Inst& inst) const;

  /// A value as an operand. Throws if it is a tensor that is gone.
  const Slot& use(const Function& function, const Frame& frame, ValueId id) const {
    if (!module_.type(function, id).is_scalar()) tensor_of(function, frame, id);
    return frame[id.index];
  }
  Slot new_tensor(Tensor tensor);
  Slot pack(const Frame& frame, const Inst& inst, const Type& type);
  Slot update(const Function& function, Frame& frame, const Inst& inst);
  void count_update(const Slot& slot, const Tensor& from);
  void give_up_owner(const Slot& slot);
  int64_t offset(const Function& function, const Frame& frame, const Inst& inst) const;

  const Module& module_;
  runtime::Context& context_;
  Counts& counts_;
  loops::KernelEngine* const kernels_ = nullptr;  ///< runs computes; none: by their bodies
  const bool counts_owners_;
  int64_t owned_ = 0;  ///< tensors that have an owner
  int active_recursive_ = 0;
  std::vector<Slot> passed_;  ///< by the edge that is gone along
};

[[noreturn]] void fail(Span span, FaultKind kind, int64_t a = 0, int64_t b = 0,
                       std::string_view text = {}) {
  throw ast::RunError{Fault{kind, a, b, std::string(text)}, span};
}

std::vector<Slot> Interpreter::call(FuncId callee, std::vector<Slot> args, Span span) {
  const Function& function = module_.function(callee);
  if (function.recursive && active_recursive_ == runtime::kMaxCallDepth)
    fail(span, FaultKind::recursion_too_deep, runtime::kMaxCallDepth);
  if (steps_ != nullptr && function.recursive) throw OutOfSteps{};
  take_steps(1, static_cast<int64_t>(function.values.size()));
  Frame frame(function.values.size());
  for (size_t i = 0; i < args.size(); ++i) frame[function.params[i].index] = std::move(args[i]);
  active_recursive_ += function.recursive;
  std::vector<Slot> results = run(function, std::move(frame));
  active_recursive_ -= function.recursive;
  return results;
}

std::vector<Slot> Interpreter::run(const Function& function, Frame frame) {
  const Block* block = &function.blocks[0];
  for (;;) {
    take_steps(static_cast<int64_t>(block->insts.size()), 1);
    for (const Inst& inst : block->insts) {
      if (row(inst.op).trait == Trait::terminator) break;
      try {
        inst.unchecked ? exec_unchecked(function, frame, inst) : exec(function, frame, inst);
      } catch (Fault& fault) {  // from the runtime, which knows no places
        throw ast::RunError{std::move(fault), inst.span};
      }
    }
    const Inst& last = block->insts.back();
    counts_.add(last.op);
    if (last.op == Op::ret) return uses(function, frame, last);
    const auto& edges = last.get<std::vector<Edge>>();
    const bool second = last.op == Op::branch && frame[last.args[0].index].scalar.i == 0;
    pass(function, frame, edges[second ? 1 : 0]);
    block = &function.block(edges[second ? 1 : 0].target);
  }
}

/// All arguments are read before the first parameter is written: a loop may pass a parameter on.
void Interpreter::pass(const Function& function, Frame& frame, const Edge& edge) {
  passed_.clear();
  for (const ValueId arg : edge.args) {
    use(function, frame, arg);
    Slot& slot = frame[arg.index];
    // The only owner moves: what is left behind must not be used again.
    const bool moves = counts_owners_ && slot.object && slot.object->owners == 1;
    passed_.push_back(moves ? std::move(slot) : slot);
  }
  const std::vector<ValueId>& params = function.block(edge.target).params;
  for (size_t i = 0; i < params.size(); ++i) frame[params[i].index] = std::move(passed_[i]);
}

std::vector<Slot> Interpreter::uses(const Function& function, const Frame& frame,
                                    const Inst& inst) const {
  std::vector<Slot> slots;
  for (const ValueId arg : inst.args) slots.push_back(use(function, frame, arg));
  return slots;
}

void Interpreter::exec(const Function& function, Frame& frame, const Inst& inst) {
  inst.op == Op::apply ? counts_.add(inst.get<ScalarOp>()) : counts_.add(inst.op);
  if (inst.op != Op::call && inst.op != Op::compute) {
    Slot value = value_of(function, frame, inst);
    if (const ValueId result = inst.result()) frame[result.index] = std::move(value);
    return;
  }
  std::vector<Slot> given = results_of(function, frame, inst);
  for (size_t i = 0; i < given.size(); ++i) frame[inst.results[i].index] = std::move(given[i]);
}

std::vector<Slot> Interpreter::compute(const Function& function, const Frame& frame,
                                       const Inst& inst) {
  const bool gives_scalars = inst.get<Compute>().extents.empty();
  std::vector<Slot> given;
  if (kernels_ != nullptr) {
    for (Tensor& tensor : kernels_->run(*this, function, frame, inst))
      given.push_back(gives_scalars ? Slot{tensor.at(0), {}} : new_tensor(std::move(tensor)));
    return given;
  }
  const Frame with_producers = produced(function, frame, inst);
  BodyInterpreter body(*this, counts_, function, with_producers.empty() ? frame : with_producers, inst);
  if (gives_scalars) {
    for (const Scalar scalar : body.scalars()) given.push_back({scalar, {}});
  } else {
    for (Tensor& tensor : body.tensors()) given.push_back(new_tensor(std::move(tensor)));
  }
  return given;
}

/// The frame with what a compute works out for itself; empty if that is nothing.
Frame Interpreter::produced(const Function& function, const Frame& frame, const Inst& inst) {
  Frame all;
  for (const Inst& producer : inst.get<Compute>().producers) {
    if (all.empty()) all = frame;
    counts_.add(producer.op);
    std::vector<Tensor> made = BodyInterpreter(*this, counts_, function, all, producer).tensors();
    all[producer.result().index] = {{}, std::make_shared<TensorObject>(TensorObject{std::move(made[0])})};
  }
  return all;
}

/// Here all is checked: if a proof was wrong, that is a bug of ours, not of the program.
void Interpreter::exec_unchecked(const Function& function, Frame& frame, const Inst& inst) {
  try {
    exec(function, frame, inst);
  } catch (const ast::RunError& error) {
    throw std::logic_error(fmt::format("@{}: `{}` is marked as proved, but: {}", function.name,
                                       print(module_, function, inst), error.fault.message()));
  }
}

/// What an instruction gives that defines one value at most.
Slot Interpreter::value_of(const Function& function, Frame& frame, const Inst& inst) {
  auto scalar = [&](size_t i) { return frame[inst.args[i].index].scalar; };
  auto type = [&] { return module_.type(function, inst.result()); };
  switch (inst.op) {
    case Op::constant: return {inst.get<Scalar>(), {}};
    case Op::apply: {
      std::array<Scalar, 3> args;
      for (size_t i = 0; i < inst.args.size(); ++i) args[i] = scalar(i);
      const std::span<const Scalar> used(args.data(), inst.args.size());
      if (runtime::divides_by_zero(inst.get<ScalarOp>(), used))
        fail(inst.span, FaultKind::division_by_zero);
      return {runtime::eval(inst.get<ScalarOp>(), used), {}};
    }
    case Op::convert: return {runtime::convert(type().dtype, scalar(0)), {}};
    case Op::pack: return pack(frame, inst, type());
    case Op::element: {
      const Tensor& whole = tensor_of(function, frame, inst.args[0]);
      const int64_t at = offset(function, frame, inst);
      counts_.loaded.add(whole.type(), 1);
      return {whole.at(at), {}};
    }
    case Op::update: return update(function, frame, inst);
    case Op::load: {
      if (steps_ != nullptr) throw OutOfSteps{};
      const Type loaded_type = type();
      const auto& [path, name] = inst.get<LoadFrom>();
      Tensor loaded = runtime::load_tensor(context_.data_dir / path, name, loaded_type.dtype,
                                           loaded_type.shape);
      if (loaded_type.is_scalar()) return {loaded.at(0), {}};
      return new_tensor(std::move(loaded));
    }
    case Op::save: {
      const Slot& saved = use(function, frame, inst.args[0]);
      runtime::save_npy(inst.get<std::string>(),
                        saved.object ? saved.object->tensor : Tensor::scalar(saved.scalar));
      return {};
    }
    case Op::write: {
      const Tensor& bytes = use(function, frame, inst.args[0]).object->tensor;
      runtime::write_bytes(context_, bytes.data(), bytes.count());
      return {};
    }
    case Op::print: {
      runtime::write_line(context_, line(function, frame, inst));
      return {};
    }
    case Op::assert_:
      if (scalar(0).i == 0)
        fail(inst.span, FaultKind::assertion_failed, 0, 0, inst.get<std::string>());
      return {};
    case Op::share: ++use(function, frame, inst.args[0]).object->owners; return {};
    case Op::drop: give_up_owner(use(function, frame, inst.args[0])); return {};
    case Op::compute:
    case Op::call:
    case Op::jump:
    case Op::branch:
    case Op::ret: break;
  }
  return {};
}

std::string Interpreter::line(const Function& function, const Frame& frame,
                              const Inst& inst) const {
  const auto& texts = inst.get<std::vector<std::string>>();
  std::string line;
  for (size_t i = 0; i < texts.size(); ++i) {
    line += texts[i];
    if (i == inst.args.size()) break;
    const Slot& slot = use(function, frame, inst.args[i]);
    line += slot.object ? runtime::to_text(slot.object->tensor) : runtime::to_text(slot.scalar);
  }
  return line;
}

// ---- tensors

Slot Interpreter::new_tensor(Tensor tensor) {
  ++owned_;
  return {{}, std::make_shared<TensorObject>(TensorObject{std::move(tensor), 1})};
}

Slot Interpreter::pack(const Frame& frame, const Inst& inst, const Type& type) {
  if (type.is_scalar()) return frame[inst.args[0].index];
  Tensor packed(type.dtype, type.shape);
  std::byte* data = packed.mutable_data();
  for (size_t i = 0; i < inst.args.size(); ++i)
    runtime::write_element(data, static_cast<int64_t>(i), frame[inst.args[i].index].scalar);
  counts_.stored.add(type.dtype, packed.count());
  return new_tensor(std::move(packed));
}

/// Row-major, of the subscripts behind the tensor; at open axes, of their first element.
int64_t Interpreter::offset(const Function& function, const Frame& frame, const Inst& inst) const {
  const Shape& shape = tensor_of(function, frame, inst.args[0]).shape();
  std::vector<int64_t> subscripts(shape.size());
  for_each_subscript(inst, [&](size_t axis, ValueId subscript) {
    const int64_t value = subscripts[axis] = frame[subscript.index].scalar.i;
    if (value < 0 || value >= shape[axis])
      fail(inst.span, FaultKind::subscript_out_of_range, value, shape[axis]);
  });
  int64_t offset = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    offset = offset * shape[axis] + subscripts[axis];
  return offset;
}

/// Writes the elements of `from`, in order, to the part of `to` whose first one is at `first`.
void write_part(Tensor& to, const Part& part, int64_t first, const Tensor& from) {
  for (int64_t number = 0; number < from.count(); ++number) {
    int64_t offset = first, stride = 1, rest = number;
    for (size_t axis = part.open.size(); axis-- > 0;) {
      const int64_t extent = to.shape()[axis];
      if (part.open[axis]) {
        offset += rest % extent * stride;
        rest /= extent;
      }
      stride *= extent;
    }
    to.set(offset, from.at(number));
  }
}

/// In place where the tensor has no other owner; a copy is made on the first write otherwise.
Slot Interpreter::update(const Function& function, Frame& frame, const Inst& inst) {
  const int64_t first = offset(function, frame, inst);
  const Slot& written = use(function, frame, inst.args.back());
  // What is held here is not overwritten, should it be the tensor that is written to.
  const Tensor from = written.object ? written.object->tensor : Tensor();
  const auto write = [&, element = written.scalar](Tensor& to) {
    if (from.rank() == 0) return to.set(first, element);
    write_part(to, inst.get<Part>(), first, from);
  };
  Slot& slot = frame[inst.args[0].index];
  count_update(slot, from);
  if (counts_owners_ && slot.object->owners == 1 && slot.object.use_count() == 1) {
    write(slot.object->tensor);
    return std::move(slot);  // the owner moves on with the object
  }
  take_steps(slot.object->tensor.count(), 1);
  Tensor updated = slot.object->tensor;
  if (counts_owners_) give_up_owner(slot);
  write(updated);
  return new_tensor(std::move(updated));
}

void Interpreter::count_update(const Slot& slot, const Tensor& from) {
  const Tensor& to = slot.object->tensor;
  if (from.rank() > 0) counts_.loaded.add(from.type(), from.count());
  counts_.stored.add(to.type(), from.rank() > 0 ? from.count() : 1);
  if (counts_owners_ && slot.object->owners == 1) return;
  counts_.loaded.add(to.type(), to.count());
  counts_.stored.add(to.type(), to.count());
}

void Interpreter::give_up_owner(const Slot& slot) {
  if (--slot.object->owners > 0) return;
  --owned_;
  slot.object->tensor = Tensor();
}

}  // namespace

const Tensor& tensor_of(const Function& function, const Frame& frame, ValueId id) {
  const TensorObject* object = frame[id.index].object.get();
  if (object == nullptr || object->owners <= 0) {
    throw std::logic_error(fmt::format("@{} uses %{} after its last owner gave it up",
                                       function.name, function.value(id).name));
  }
  return object->tensor;
}

void interpret(const Module& module, runtime::Context& context) {
  Counts counts;
  interpret(module, context, counts);
}

void interpret(const Module& module, runtime::Context& context, Counts& counts,
               loops::KernelEngine* kernels) {
  if (!module.main) throw std::logic_error("a module without main cannot be run");
  Interpreter(module, context, counts, kernels).run_main();
}

std::optional<std::vector<Slot>> evaluate(const Module& module, const Function& function,
                                          const Frame& frame, const Inst& inst, int64_t& steps) {
  runtime::Context context;
  Counts counts;  // of the compiler's time, not the program's
  try {
    return Interpreter(module, context, counts, steps).results_of(function, frame, inst);
  } catch (const ast::RunError&) {
    return std::nullopt;
  } catch (const Caller::OutOfSteps&) {
    return std::nullopt;
  }
}

}  // namespace tenon::ir
