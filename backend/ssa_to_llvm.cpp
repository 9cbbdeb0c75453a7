// SSA functions as LLVM functions. Blocks with parameters become blocks with phis; a tensor is a
// pointer to its data, whose owners the pass `own` has made explicit (share, drop; update takes
// over its tensor's owner, ret and edges too). What a failed function still holds the context
// frees.
#include "backend/ssa_to_llvm.h"

#include <utility>

#include "backend/function_writer.h"
#include "backend/scalar_to_llvm.h"
#include "ir/dominators.h"

namespace tenon::backend {

using ir::Op;
using runtime::FaultKind;
using runtime::ScalarOp;

std::string FunctionWriter::write() {
  out_.at(function_.span, function_.name);
  const std::string params = parameters();
  name_values();
  find_products();
  for (const ir::Block& block : function_.blocks) blocks_.push_back({out_.fresh(block.name), 0});
  arrivals_.resize(blocks_.size());
  for (uint32_t i = 0; i < blocks_.size(); ++i) write_block(i);
  write_phis();
  out_.fill(blocks_[0].phis, stack_slots_);  // the entry has no phis

  const ResultTypes results = result_types(module_, function_);
  const std::string signature = fmt::format("internal {} {}({})", result_type(results, convention_),
                                            symbol("fn." + function_.name), params);
  return out_.definition(signature, return_failed(results, convention_));
}

std::string FunctionWriter::parameters() {
  std::string text = "ptr " + out_.fresh("context");
  if (convention_.deep) text += ", i64 " + (depth_ = out_.fresh("depth"));
  if (plan_.frame_bytes > 0) text += ", ptr noalias align 64 " + (frame_ = out_.fresh("frame"));
  for (ValueId param : function_.params) {
    names_[param.index] = out_.fresh(function_.value(param).name);
    text += ", " + typed(param);
  }
  result_memory_.resize(function_.results.size());
  for (size_t i = 0; i < result_memory_.size(); ++i) {
    if (!plan_.result_is_placed[i]) continue;
    result_memory_[i] = out_.fresh("result");
    text += ", ptr noalias align 64 " + result_memory_[i];
  }
  return text;
}

void FunctionWriter::name_values() {
  name_nothing();
  name_memory();
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

/// A block that no edge leads to is never run, and has nothing for its parameters.
void FunctionWriter::name_nothing() {
  std::vector<bool> entered(function_.blocks.size());
  for (const ir::Block& block : function_.blocks)
    for (const ir::Edge& edge : ir::successors(block)) entered[edge.target.index] = true;
  for (size_t i = 0; i < entered.size(); ++i)
    if (!entered[i])
      for (ValueId param : function_.blocks[i].params) names_[param.index] = "poison";
}

/// A product that is also read otherwise stays what it is everywhere: who subtracts it from what it was
/// rounded from (Dekker's way to carry a rest along, as prelude/math.tn does) counts on that.
void FunctionWriter::find_products() {
  std::vector<int> sums(names_.size());
  std::vector<bool> read_otherwise(names_.size());
  for (const ir::Block& block : function_.blocks) {
    for (const Inst& inst : block.insts) {
      const ScalarOp* op = inst.op == ir::Op::apply ? &inst.get<ScalarOp>() : nullptr;
      if (op != nullptr && *op == ScalarOp::mul) products_[inst.result()] = {&inst};
      const bool sum = op != nullptr && (*op == ScalarOp::add || *op == ScalarOp::sub);
      ir::for_each_use(function_, inst, [&](ValueId value) {
        if (sum) ++sums[value.index];
        else read_otherwise[value.index] = true;
      });
    }
  }
  std::erase_if(products_, [&](const auto& product) { return read_otherwise[product.first.index]; });
  for (auto& [value, product] : products_) product.sums = sums[value.index];
}

void FunctionWriter::write_block(uint32_t index) {
  out_.label(blocks_[index].label);
  blocks_[index].phis = out_.leave_space();
  for (const Inst& inst : function_.blocks[index].insts) write_inst(inst);
}

void FunctionWriter::write_inst(const Inst& inst) {
  using Writer = void (FunctionWriter::*)(const Inst&);
  static constexpr Writer kWriters[] = {
#define OP(name, text, arity, result, trait, meaning) &FunctionWriter::write_##name,
#include "ir/ops.def"
  };
  out_.at(inst.span, function_.name);
  (this->*kWriters[static_cast<int>(inst.op)])(inst);
}

// ---- scalars

std::vector<std::string> FunctionWriter::names(std::span<const ValueId> values) const {
  std::vector<std::string> result;
  for (ValueId value : values) result.push_back(name(value));
  return result;
}

/// `a * b + c` by llvm.fmuladd, which a processor with fused instructions makes one, as C compilers
/// write it. That the product was found in front of a loop is no reason against it: the sum takes the
/// same time. One with several sums to go into is fused only with another product, for the same reason
/// as above.
bool FunctionWriter::write_fused(const Inst& inst) {
  const std::string_view in = register_type(type(inst.result()).dtype);
  const bool minus = inst.get<ScalarOp>() == ScalarOp::sub;
  if (strict_ || (in != "float" && in != "double")) return false;
  if (!minus && inst.get<ScalarOp>() != ScalarOp::add) return false;
  const size_t at = products_.contains(inst.args[0]) ? 0 : 1;
  const auto product = products_.find(inst.args[at]);
  if (product == products_.end()) return false;
  if (product->second.sums > 1 && !products_.contains(inst.args[1 - at])) return false;
  std::vector<std::string> terms = names(product->second.inst->args);
  terms.push_back(arg(inst, 1 - at));
  if (minus) {
    std::string& subtracted = terms[at == 0 ? 2 : 0];
    const std::string negated = out_.fresh("negated");
    out_.line("{} = fneg {} {}", negated, in, subtracted);
    subtracted = negated;
  }
  out_.line("{0} = call {1} @llvm.fmuladd.{2}({1} {3}, {1} {4}, {1} {5})", name(inst.result()), in,
            in == "float" ? "f32" : "f64", terms[0], terms[1], terms[2]);
  return true;
}

// [snippet apply]
void FunctionWriter::write_apply(const Inst& inst) {
  const std::vector<std::string> args = names(inst.args);
  const DType operand = type(inst.args.back()).dtype;
  if (constants_.may_divide_by_zero(inst)) {
    const std::string divides = out_.fresh("divides");
    out_.line("{} = icmp ne {} {}, 0", divides, register_type(operand), args[1]);
    out_.fail_unless(divides, FaultKind::division_by_zero, inst.span);
  }
  if (write_fused(inst)) return;
  write_scalar(out_, name(inst.result()), inst.get<ScalarOp>(), operand, args);
}
// [end]

void FunctionWriter::write_convert(const Inst& inst) {
  backend::write_convert(out_, name(inst.result()), type(inst.args[0]).dtype,
                         type(inst.result()).dtype, arg(inst, 0));
}

void FunctionWriter::write_call(const Inst& inst) {
  const ir::FuncId callee = inst.get<ir::FuncId>();
  std::vector<std::string> args, results = names(inst.results);
  if (memory_.of(callee).frame_bytes > 0) {
    const std::string frame = out_.fresh("frame");
    out_.line("{} = getelementptr i8, ptr {}, i64 {}", frame, frame_, plan_.callee_frames.at(&inst));
    args.push_back("ptr " + frame);
  }
  for (ValueId value : inst.args) args.push_back(typed(value));
  for (size_t i = 0; i < results.size(); ++i) {
    if (!memory_.of(callee).result_is_placed[i]) continue;
    allocate(inst, inst.results[i]);
    args.push_back("ptr " + std::exchange(results[i], out_.fresh("given")));
  }
  write_function_call(out_, module_, conventions_, callee, results, depth_, args, inst.span);
}

void FunctionWriter::write_ret(const Inst& inst) {
  const std::string ret =
      return_values(result_types(module_, function_), names(inst.args), convention_, out_);
  out_.line("{}", ret);
}

std::string write_function(ModuleText& module_text, const ir::Module& module,
                           const Conventions& conventions, const opt::UniqueOwners& owners,
                           const MemoryPlan& plan, const ir::Function& function,
                           std::span<const Kernel> kernels, bool strict,
                           const gpu::Placement* on_gpu, std::optional<size_t> timed) {
  return FunctionWriter(module_text, module, conventions, owners, plan, function, kernels, strict,
                        on_gpu, timed)
      .write();
}

}  // namespace tenon::backend
