// Tensors in SSA functions: where their data lies, and the instructions on them.
#include <algorithm>
#include <map>

#include "backend/copies.h"
#include "backend/elements.h"
#include "backend/function_writer.h"
#include "backend/ssa_to_llvm.h"
#include "runtime/abi.h"

namespace tenon::backend {

using runtime::FaultKind;

int64_t FunctionWriter::bytes(const Type& type) const {
  return runtime::byte_count(type.dtype, type.shape).value_or(INT64_MAX);  // verified to have one
}

void FunctionWriter::fail_if_null(const std::string& pointer) {
  const std::string null = out_.fresh("null");
  out_.line("{} = icmp eq ptr {}, null", null, pointer);
  out_.fail_if(null);
}

/// What lies on the stack or where a result is wanted has one name from the start, for all the instructions
/// that make it.
void FunctionWriter::name_memory() {
  std::map<int64_t, std::string> on_stack;
  const auto name_one = [&](ValueId result) {
    const auto [home, at] = plan_.places[result.index];
    if (home == Home::result) names_[result.index] = result_memory_[static_cast<size_t>(at)];
    if (home != Home::stack) return;
    std::string& slot = on_stack[at];
    if (slot.empty()) {
      slot = out_.fresh(function_.value(result).name);
      stack_slots_ += fmt::format("  {} = alloca i8, i64 {}, align 64\n", slot,
                                  std::max<int64_t>(bytes(type(result)), 1));
    }
    names_[result.index] = slot;
  };
  for (const ir::Block& block : function_.blocks)
    for (const Inst& inst : block.insts)
      for (ValueId result : inst.results)
        if (!type(result).is_scalar()) name_one(result);
}

void FunctionWriter::allocate(const Inst& inst, ValueId result) {
  const auto [home, at] = plan_.places[result.index];
  if (home == Home::stack || home == Home::result) return;
  if (home == Home::frame)
    return out_.line("{} = getelementptr i8, ptr {}, i64 {}", name(result), frame_, at);
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
  const std::string begin = timed_ ? out_.fresh("begin") : "";
  if (timed_) out_.line("{} = call i64 @tn_clock()", begin);
  run_kernel(inst, kernel, std::move(args));
  if (timed_)
    out_.line("call void @tn_profile(ptr %context, i32 {}, i64 {})", (*timed_)++, begin);
  for (size_t i = 0; scalars && i < targets.size(); ++i) {
    const ValueId result = inst.results[i];
    backend::write_load(out_, name(result), type(result).dtype, targets[i]);
  }
}

void FunctionWriter::run_kernel(const Inst& inst, const Kernel& kernel,
                                std::vector<std::string> args) {
  if (on_gpu_ == nullptr && write_as_block(inst)) return;
  for (ValueId scalar : kernel.scalar_values) args.push_back(typed(scalar));
  if (on_gpu_ != nullptr) return launch(inst, kernel, args);
  backend::write_call(out_, symbol("kernel." + kernel.name), conventions_.of(kernel), {}, {},
                      depth_, args);
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

// [snippet check]
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
// [end]

void FunctionWriter::write_element(const Inst& inst) {
  const Type& tensor = type(inst.args[0]);
  check_subscripts(inst);
  to_host(inst.args[0]);
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
  const bool whole_runs = on_gpu_ != nullptr && !type(inst.args.back()).is_scalar();
  if (!whole_runs) to_host(inst.result(), Access::changes);
  const std::vector<std::string> subscripts =
      names(std::span(inst.args).subspan(1, inst.args.size() - 2));
  write_part(out_, tensor, result, inst.get<ir::Part>(), subscripts, name(inst.args.back()), whole_runs);
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
  out_.line("{} = phi ptr [ {}, {} ], [ {}, {} ]", name(update.result()), tensor, from, copy,
            copied);
}

std::string write_frame(FunctionText& out, const FunctionPlan& plan) {
  const std::string frame = out.fresh("frame"), null = out.fresh("null");
  out.line("{} = call ptr @tn_alloc(ptr %context, i64 {}, i32 {})", frame, plan.frame_bytes,
           out.module.site(plan.site));
  out.line("{} = icmp eq ptr {}, null", null, frame);
  out.fail_if(null);
  return frame;
}

}  // namespace tenon::backend
