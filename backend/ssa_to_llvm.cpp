// SSA functions as LLVM functions. Blocks with parameters become blocks with phis; a tensor is a
// pointer to its data, whose owners the pass `own` has made explicit (share, drop; update takes
// over its tensor's owner, ret and edges too). What a failed function still holds the context
// frees.
#include "backend/ssa_to_llvm.h"

#include <algorithm>

#include "backend/copies.h"
#include "backend/elements.h"
#include "backend/scalar_to_llvm.h"
#include "ir/dominators.h"
#include "opt/analysis/stack_tensors.h"
#include "runtime/abi.h"

namespace tenon::backend {
namespace {

using ir::BlockId;
using ir::Edge;
using ir::Function;
using ir::Inst;
using ir::Module;
using ir::Op;
using ir::Type;
using ir::ValueId;
using ir::loops::Kernel;
using runtime::FaultKind;
using runtime::ScalarOp;

int dtype_number(DType type) { return static_cast<int>(type); }

class FunctionWriter {
 public:
  FunctionWriter(ModuleText& module_text, const Module& module, const Conventions& conventions,
                 const opt::UniqueOwners& owners, const Function& function,
                 std::span<const Kernel> kernels, std::span<const ValueId> placed, bool strict)
      : out_(module_text),
        module_(module),
        conventions_(conventions),
        owners_(owners),
        id_(module.find(function.name)),
        on_stack_(module, id_, owners),
        function_(function),
        kernels_(kernels),
        placed_(placed),
        constants_(module, function),
        strict_(strict),
        convention_(conventions.of(id_)),
        names_(function.values.size()) {}

  std::string write();

 private:
  /// An LLVM block may end elsewhere than it began: checks split it.
  struct BlockEnds {
    std::string label, last;
    size_t phis = 0;  ///< the space for them
  };
  /// What arrives at a block from one other.
  struct Arrival {
    std::string from;
    std::vector<std::string> args;
  };

  std::string parameters();
  void name_values();
  void find_products();
  void write_block(uint32_t index);
  void write_phis();
  void write_inst(const Inst& inst);

  void write_constant(const Inst&) {}  // stands where it is used
  void write_apply(const Inst& inst);
  void write_convert(const Inst& inst);
  void write_compute(const Inst& inst);
  void write_pack(const Inst& inst);
  void write_element(const Inst& inst);
  void write_update(const Inst& inst);
  void write_call(const Inst& inst);
  void write_load(const Inst& inst);
  void write_save(const Inst& inst);
  void write_write(const Inst& inst);
  void write_print(const Inst& inst);
  void write_assert_(const Inst& inst);
  void write_share(const Inst& inst) { out_.line("call void @tn_share(ptr {})", arg(inst, 0)); }
  void write_drop(const Inst& inst) {
    if (!on_stack_.contains(inst.args[0])) drop(arg(inst, 0));
  }
  void write_jump(const Inst& inst);
  void write_branch(const Inst& inst);
  void write_ret(const Inst& inst);

  const Type& type(ValueId value) const { return module_.type(function_, value); }
  const std::string& name(ValueId value) const { return names_[value.index]; }
  const std::string& arg(const Inst& inst, size_t i) const { return name(inst.args[i]); }
  std::string typed(ValueId value) const {
    return fmt::format("{} {}", value_type(type(value)), name(value));
  }
  std::vector<std::string> names(std::span<const ValueId> values) const;
  int64_t bytes(const Type& type) const;
  void drop(const std::string& tensor) {
    out_.line("call void @tn_drop(ptr %context, ptr {})", tensor);
  }
  void fail_if_null(const std::string& pointer);
  void allocate(const Inst& inst, ValueId result);
  bool is_in_place(const Inst& update) const {
    return update.op == Op::update && owners_.is_unique(id_, update.args[0]);
  }
  void own(const Inst& update);
  std::string stack_slot(DType type);
  bool write_as_block(const Inst& inst);
  ValueId copied(const ir::Compute& compute) const;
  std::optional<int> repeated_byte(const ir::Expr& body) const;
  void check_subscripts(const Inst& inst);
  void arrive(const Edge& edge, std::vector<std::string> args);
  FastMath fast_math(const Inst& inst) const;
  const std::string& label(const Edge& edge) const { return blocks_[edge.target.index].label; }

  FunctionText out_;
  const Module& module_;
  const Conventions& conventions_;
  const opt::UniqueOwners& owners_;
  ir::FuncId id_;
  const opt::StackTensors on_stack_;
  const Function& function_;
  std::span<const Kernel> kernels_;
  std::span<const ValueId> placed_;  ///< their memory is a parameter
  Constants constants_;
  bool strict_;
  Convention convention_;
  std::vector<std::string> names_;  ///< of values: registers or constants, all from the start
  std::vector<bool> fusible_;       ///< values that are products of which nothing but sums is made
  std::vector<BlockEnds> blocks_;
  std::vector<std::vector<Arrival>> arrivals_;
  std::string depth_ = "0", stack_slots_;
};

// ---- functions and blocks

std::string FunctionWriter::write() {
  const std::string params = parameters();
  name_values();
  find_products();
  for (const ir::Block& block : function_.blocks) blocks_.push_back({out_.fresh(block.name), {}});
  arrivals_.resize(blocks_.size());
  for (uint32_t i = 0; i < blocks_.size(); ++i) write_block(i);
  write_phis();

  const ResultTypes results = result_types(module_, function_);
  const std::string signature = fmt::format("internal {} {}({})", result_type(results, convention_),
                                            symbol("fn." + function_.name), params);
  return out_.definition(signature, return_failed(results, convention_));
}

std::string FunctionWriter::parameters() {
  std::string text = "ptr " + out_.fresh("context");
  if (convention_.deep) text += ", i64 " + (depth_ = out_.fresh("depth"));
  for (ValueId param : function_.params) {
    names_[param.index] = out_.fresh(function_.value(param).name);
    text += ", " + typed(param);
  }
  for (ValueId result : placed_) {
    names_[result.index] = out_.fresh(function_.value(result).name);
    text += ", ptr noalias align 64 " + name(result);
  }
  return text;
}

void FunctionWriter::name_values() {
  for (uint32_t i = 0; i < names_.size(); ++i) {
    const Scalar* constant = constants_.find({i});
    if (constant != nullptr) names_[i] = literal(*constant);
    if (names_[i].empty()) names_[i] = out_.fresh(function_.values[i].name);
  }
  // An update in place gives the same pointer under another name.
  for (uint32_t block : ir::definition_order(ir::control_flow(function_))) {
    for (const Inst& inst : function_.blocks[block].insts)
      if (is_in_place(inst)) names_[inst.result().index] = arg(inst, 0);
  }
}

void FunctionWriter::find_products() {
  std::vector<bool> product(names_.size()), summed(names_.size()), used(names_.size());
  const auto is = [&](const Inst& inst, auto... ops) {
    return inst.op == Op::apply && runtime::is_floating(type(inst.result()).dtype) &&
           ((inst.get<ScalarOp>() == ops) || ...);
  };
  for (const ir::Block& block : function_.blocks) {
    for (const Inst& inst : block.insts) {
      if (is(inst, ScalarOp::mul)) product[inst.result().index] = true;
      std::vector<bool>& use = is(inst, ScalarOp::add, ScalarOp::sub) ? summed : used;
      ir::for_each_use(function_, inst, [&](ValueId value) { use[value.index] = true; });
    }
  }
  fusible_.resize(names_.size());
  for (size_t i = 0; i < names_.size(); ++i) fusible_[i] = product[i] && summed[i] && !used[i];
}

void FunctionWriter::write_block(uint32_t index) {
  out_.label(blocks_[index].label);
  blocks_[index].phis = out_.leave_space();
  for (const Inst& inst : function_.blocks[index].insts) write_inst(inst);
}

/// When all blocks are written it is known from where each is reached. The entry is reached from
/// nowhere; its space is for the stack slots.
void FunctionWriter::write_phis() {
  out_.fill(blocks_[0].phis, stack_slots_);
  for (uint32_t i = 1; i < blocks_.size(); ++i) {
    std::string lines;
    const std::vector<ValueId>& params = function_.blocks[i].params;
    for (size_t p = 0; p < params.size() && !arrivals_[i].empty(); ++p) {
      std::string from;
      for (const Arrival& a : arrivals_[i])
        from += fmt::format("{}[ {}, {} ]", from.empty() ? "" : ", ", a.args[p], a.from);
      lines +=
          fmt::format("  {} = phi {} {}\n", name(params[p]), value_type(type(params[p])), from);
    }
    out_.fill(blocks_[i].phis, std::move(lines));
  }
}

void FunctionWriter::write_inst(const Inst& inst) {
  using Writer = void (FunctionWriter::*)(const Inst&);
  static constexpr Writer kWriters[] = {
#define OP(name, text, arity, result, trait, meaning) &FunctionWriter::write_##name,
#include "ir/ops.def"
  };
  (this->*kWriters[static_cast<int>(inst.op)])(inst);
}

void FunctionWriter::arrive(const Edge& edge, std::vector<std::string> args) {
  arrivals_[edge.target.index].push_back({out_.current_label(), std::move(args)});
}

void FunctionWriter::write_jump(const Inst& inst) {
  const Edge& edge = inst.get<std::vector<Edge>>()[0];
  arrive(edge, names(edge.args));
  out_.line("br label {}", label(edge));
}

/// LLVM's phis know blocks, not edges: two edges to one block become one that selects the
/// arguments.
void FunctionWriter::write_branch(const Inst& inst) {
  const std::vector<Edge>& edges = inst.get<std::vector<Edge>>();
  std::vector<std::string> then = names(edges[0].args), otherwise = names(edges[1].args);
  if (edges[0].target != edges[1].target) {
    out_.line("br i1 {}, label {}, label {}", arg(inst, 0), label(edges[0]), label(edges[1]));
    arrive(edges[0], std::move(then));
    arrive(edges[1], std::move(otherwise));
    return;
  }
  for (size_t i = 0; i < then.size(); ++i) {
    const std::string_view what = value_type(type(edges[0].args[i]));
    const std::string chosen = out_.fresh("chosen");
    out_.line("{} = select i1 {}, {} {}, {} {}", chosen, arg(inst, 0), what, then[i], what,
              otherwise[i]);
    then[i] = chosen;
  }
  arrive(edges[0], std::move(then));
  out_.line("br label {}", label(edges[0]));
}

void FunctionWriter::write_ret(const Inst& inst) {
  const std::string ret =
      return_values(result_types(module_, function_), names(inst.args), convention_, out_);
  out_.line("{}", ret);
}

// ---- scalars

std::vector<std::string> FunctionWriter::names(std::span<const ValueId> values) const {
  std::vector<std::string> result;
  for (ValueId value : values) result.push_back(name(value));
  return result;
}

FastMath FunctionWriter::fast_math(const Inst& inst) const {
  FastMath fast;
  if (strict_ || !runtime::is_floating(type(inst.result()).dtype)) return fast;
  const ScalarOp op = inst.get<ScalarOp>();
  fast.contract = fusible_[inst.result().index];
  if (op == ScalarOp::add || op == ScalarOp::sub)
    for (ValueId value : inst.args) fast.contract = fast.contract || fusible_[value.index];
  return fast;
}

void FunctionWriter::write_apply(const Inst& inst) {
  const std::vector<std::string> args = names(inst.args);
  const DType operand = type(inst.args.back()).dtype;
  if (constants_.may_divide_by_zero(inst)) {
    const std::string divides = out_.fresh("divides");
    out_.line("{} = icmp ne {} {}, 0", divides, register_type(operand), args[1]);
    out_.fail_unless(divides, FaultKind::division_by_zero, inst.span);
  }
  write_scalar(out_, name(inst.result()), inst.get<ScalarOp>(), operand, args, fast_math(inst));
}

void FunctionWriter::write_convert(const Inst& inst) {
  backend::write_convert(out_, name(inst.result()), type(inst.args[0]).dtype,
                         type(inst.result()).dtype, arg(inst, 0));
}

// ---- tensors

int64_t FunctionWriter::bytes(const Type& type) const {
  return runtime::byte_count(type.dtype, type.shape).value_or(INT64_MAX);  // verified to have one
}

void FunctionWriter::fail_if_null(const std::string& pointer) {
  const std::string null = out_.fresh("null");
  out_.line("{} = icmp eq ptr {}, null", null, pointer);
  out_.fail_if(null);
}

void FunctionWriter::allocate(const Inst& inst, ValueId result) {
  if (std::ranges::find(placed_, result) != placed_.end()) return;
  if (on_stack_.contains(result)) {
    stack_slots_ += fmt::format("  {} = alloca i8, i64 {}, align 64\n", name(result),
                                std::max<int64_t>(bytes(type(result)), 1));
    return;
  }
  out_.line("{} = call ptr @tn_alloc(ptr %context, i64 {}, i32 {})", name(result),
            bytes(type(result)), out_.module.site(inst.span));
  fail_if_null(name(result));
}

/// Memory for one number, in the frame of the function.
std::string FunctionWriter::stack_slot(DType type) {
  const std::string slot = out_.fresh("slot");
  stack_slots_ += fmt::format("  {} = alloca {}, align 64\n", slot, memory_type(type));
  return slot;
}

/// Of a compute of rank 0 the results are scalars: its kernel writes to slots of the stack.
void FunctionWriter::write_compute(const Inst& inst) {
  const Kernel& kernel = kernels_.front();
  kernels_ = kernels_.subspan(1);
  const bool scalars = inst.get<ir::Compute>().extents.empty();
  std::vector<std::string> args, targets;
  for (ValueId tensor : kernel.buffer_values) args.push_back(typed(tensor));
  for (ValueId result : inst.results) {
    if (!scalars) allocate(inst, result);
    targets.push_back(scalars ? stack_slot(type(result).dtype) : name(result));
    args.push_back("ptr " + targets.back());
  }
  if (write_as_block(inst)) return;
  for (ValueId scalar : kernel.scalar_values) args.push_back(typed(scalar));
  backend::write_call(out_, symbol("kernel." + kernel.name), conventions_.of(kernel), {}, {},
                      depth_, args);
  for (size_t i = 0; scalars && i < targets.size(); ++i) {
    const ValueId result = inst.results[i];
    backend::write_load(out_, name(result), type(result).dtype, targets[i]);
  }
}

/// A tensor that is a copy, or one byte repeated, needs no loops. False if it is neither.
bool FunctionWriter::write_as_block(const Inst& inst) {
  const ir::Compute& compute = inst.get<ir::Compute>();
  if (compute.bodies.size() != 1 || compute.extents.empty()) return false;
  const std::string& to = name(inst.result());
  const int64_t size = bytes(type(inst.result()));
  const ir::Expr& body = function_.exprs[compute.bodies[0]];
  if (const std::optional<int> byte = repeated_byte(body)) {
    out_.line("call void @llvm.memset.p0.i64(ptr align 64 {}, i8 {}, i64 {}, i1 false)", to, *byte,
              size);
    return true;
  }
  const ValueId from = copied(compute);
  if (from) write_copy(out_, to, name(from), size);
  return bool(from);
}

/// The tensor that a compute copies as it is, if it does nothing else.
ValueId FunctionWriter::copied(const ir::Compute& compute) const {
  const ir::Expr& body = function_.exprs[compute.bodies[0]];
  if (body.kind != ir::ExprKind::read || type(body.value).shape != compute.extents) return {};
  for (uint32_t level = 0; level < body.args.size(); ++level) {
    const ir::Expr& subscript = function_.exprs[body.args[level]];
    if (subscript.kind != ir::ExprKind::index || subscript.level != level) return {};
  }
  return body.value;
}

/// The byte that all of a tensor consists of, if it is one: zeros, or bools.
std::optional<int> FunctionWriter::repeated_byte(const ir::Expr& body) const {
  if (body.kind != ir::ExprKind::constant) return std::nullopt;
  std::byte element[sizeof(int64_t)];
  runtime::write_element(element, 0, body.constant);
  for (int i = 1; i < runtime::row(body.type).bytes; ++i)
    if (element[i] != element[0]) return std::nullopt;
  return static_cast<int>(element[0]);
}

/// Constants are copied as a block, unless they are few: stores in thousands take LLVM seconds.
void FunctionWriter::write_pack(const Inst& inst) {
  constexpr size_t kFew = 8;
  const Type& result = type(inst.result());
  const Type flat{result.dtype, {static_cast<int64_t>(inst.args.size())}};
  allocate(inst, inst.result());
  std::vector<Scalar> constants;
  for (ValueId element : inst.args) {
    if (const Scalar* constant = constants_.find(element)) constants.push_back(*constant);
  }
  if (constants.size() > kFew && constants.size() == inst.args.size()) {
    return write_copy(out_, name(inst.result()), out_.module.data_constant(constants),
                      bytes(result));
  }
  for (size_t i = 0; i < inst.args.size(); ++i) {
    const std::string offset[] = {std::to_string(i)};
    write_store(out_, result.dtype, arg(inst, i),
                write_address(out_, flat, name(inst.result()), offset));
  }
}

void FunctionWriter::check_subscripts(const Inst& inst) {
  if (inst.unchecked) return;
  const Shape& shape = type(inst.args[0]).shape;
  ir::for_each_subscript(inst, [&](size_t axis, ValueId value) {
    if (!constants_.may_leave_range(value, shape[axis])) return;
    const std::string &subscript = name(value), extent = std::to_string(shape[axis]);
    const std::string inside = out_.fresh("inside");
    // Compared as unsigned numbers, a negative subscript is beyond every extent.
    out_.line("{} = icmp ult i64 {}, {}", inside, subscript, extent);
    out_.fail_unless(inside, FaultKind::subscript_out_of_range, inst.span, subscript, extent);
  });
}

void FunctionWriter::write_element(const Inst& inst) {
  const Type& tensor = type(inst.args[0]);
  check_subscripts(inst);
  const std::vector<std::string> subscripts = names(std::span(inst.args).subspan(1));
  backend::write_load(out_, name(inst.result()), tensor.dtype,
                      write_address(out_, tensor, arg(inst, 0), subscripts));
}

/// The tensor's owner passes on to the result: in place unless there are others.
void FunctionWriter::write_update(const Inst& inst) {
  const Type& tensor = type(inst.args[0]);
  check_subscripts(inst);
  const std::string& result = name(inst.result());
  if (!is_in_place(inst)) own(inst);
  const std::vector<std::string> subscripts =
      names(std::span(inst.args).subspan(1, inst.args.size() - 2));
  write_part(out_, tensor, result, inst.get<ir::Part>(), subscripts, name(inst.args.back()));
}

/// Makes the result of an update a tensor with one owner: only where there are others by calling.
void FunctionWriter::own(const Inst& update) {
  const std::string &tensor = arg(update, 0), counter = out_.fresh("counter"),
                    owners = out_.fresh("owners"), shared = out_.fresh("shared"),
                    copy = out_.fresh("copy"), copying = out_.fresh("copying"),
                    owned = out_.fresh("owned");
  out_.line("{} = getelementptr i8, ptr {}, i64 {}", counter, tensor, runtime::kOwnersOffset);
  out_.line("{} = load i64, ptr {}", owners, counter);
  out_.line("{} = icmp ne i64 {}, 1", shared, owners);
  const std::string from = out_.current_label();
  out_.line("br i1 {}, label {}, label {}", shared, copying, owned);
  out_.label(copying);
  out_.line("{} = call ptr @tn_own(ptr %context, ptr {}, i64 {}, i32 {})", copy, tensor,
            bytes(type(update.args[0])), out_.module.site(update.span));
  fail_if_null(copy);
  const std::string copied = out_.current_label();
  out_.line("br label {}", owned);
  out_.label(owned);
  out_.line("{} = phi ptr [ {}, {} ], [ {}, {} ]", name(update.result()), tensor, from, copy, copied);
}

void FunctionWriter::write_call(const Inst& inst) {
  std::vector<std::string> args;
  for (ValueId value : inst.args) args.push_back(typed(value));
  write_function_call(out_, module_, conventions_, inst.get<ir::FuncId>(), names(inst.results),
                      depth_, args, inst.span);
}

// ---- effects

void FunctionWriter::write_load(const Inst& inst) {
  const Type& result = type(inst.result());
  const std::string block = result.is_scalar() ? out_.fresh("loaded") : name(inst.result());
  const auto& [path, tensor] = inst.get<ir::LoadFrom>();
  const std::string file = out_.module.string_constant(path);
  const std::string named = tensor.empty() ? "null" : out_.module.string_constant(tensor);
  out_.line("{} = call ptr @tn_load(ptr %context, i32 {}, ptr {}, ptr {}, i32 {}, i32 {}, ptr {})",
            block, out_.module.site(inst.span), file, named, dtype_number(result.dtype),
            result.shape.size(), out_.module.shape_constant(result.shape));
  fail_if_null(block);
  if (!result.is_scalar()) return;
  backend::write_load(out_, name(inst.result()), result.dtype, block);
  drop(block);
}

void FunctionWriter::write_save(const Inst& inst) {
  const Type& saved = type(inst.args[0]);
  std::string data = arg(inst, 0);
  if (saved.is_scalar()) {
    data = stack_slot(saved.dtype);
    write_store(out_, saved.dtype, arg(inst, 0), data);
  }
  const std::string status = out_.fresh("status"), failed = out_.fresh("failed");
  out_.line("{} = call i32 @tn_save(ptr %context, i32 {}, ptr {}, i32 {}, i32 {}, ptr {}, ptr {})",
            status, out_.module.site(inst.span),
            out_.module.string_constant(inst.get<std::string>()), dtype_number(saved.dtype),
            saved.shape.size(), out_.module.shape_constant(saved.shape), data);
  out_.line("{} = icmp ne i32 {}, 0", failed, status);
  out_.fail_if(failed);
}

void FunctionWriter::write_write(const Inst& inst) {
  out_.line("call void @tn_write(ptr %context, ptr {}, i64 {})", arg(inst, 0),
            type(inst.args[0]).shape[0]);
}

void FunctionWriter::write_print(const Inst& inst) {
  const auto& texts = inst.get<std::vector<std::string>>();
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!texts[i].empty())
      out_.line("call void @tn_print_text(ptr %context, ptr {}, i64 {})",
                out_.module.string_constant(texts[i]), texts[i].size());
    if (i == inst.args.size()) break;
    const Type& printed = type(inst.args[i]);
    const int dtype = dtype_number(printed.dtype);
    if (!printed.is_scalar()) {
      out_.line("call void @tn_print_tensor(ptr %context, i32 {}, i32 {}, ptr {}, ptr {})", dtype,
                printed.shape.size(), out_.module.shape_constant(printed.shape), arg(inst, i));
      continue;
    }
    const bool floating = runtime::is_floating(printed.dtype);
    const DType wide = floating ? DType::f64 : DType::i64;
    const std::string number = out_.fresh("printed");
    backend::write_convert(out_, number, printed.dtype, wide, arg(inst, i));
    out_.line("call void @tn_print_{}(ptr %context, i32 {}, {} {})", floating ? "float" : "int",
              dtype, register_type(wide), number);
  }
  out_.line("call void @tn_print_end(ptr %context)");
}

void FunctionWriter::write_assert_(const Inst& inst) {
  out_.fail_unless(arg(inst, 0), FaultKind::assertion_failed, inst.span, "0", "0",
                   inst.get<std::string>());
}

}  // namespace

std::string write_function(ModuleText& module_text, const Module& module,
                           const Conventions& conventions, const opt::UniqueOwners& owners,
                           const Function& function, std::span<const Kernel> kernels,
                           std::span<const ValueId> placed, bool strict) {
  return FunctionWriter(module_text, module, conventions, owners, function, kernels, placed, strict)
      .write();
}

}  // namespace tenon::backend
