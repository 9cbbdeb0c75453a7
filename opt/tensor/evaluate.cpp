// evaluate: computes of constants, and calls of pure functions with constant arguments, are evaluated
// when compiling, by the interpreter of the IR. The result is a constant, or a `pack` of constants,
// which the backend copies as a block. (Partial evaluation of what depends on nothing; Jones, Gomard
// and Sestoft, "Partial Evaluation and Automatic Program Generation", 1993. To C++ it is constexpr.)
//
// When it may: the interpreter is what --strict means, and its order of summation is one of those
// that the default mode may take. What fails, reads a file, or counts its depth of recursion is left
// for the program to do.
//
// When it pays: within kSteps for a function, so that compiling stays fast, and for tensors of up to
// kMaxElements, kMaxConstants in all, so that text and program stay small. One that reads none and
// is cheap at every point (a row of zeros, the identity matrix) stays a compute: it can be fused, and
// is not loaded then.
#include <algorithm>
#include <memory>

#include "ir/dominators.h"
#include "ir/interpret.h"
#include "opt/pass.h"
#include "opt/rewrite.h"
#include "opt/tensor/cost.h"

namespace tenon::opt {
namespace {

using namespace ir;

constexpr int64_t kSteps = 1 << 18;
constexpr int64_t kMaxElements = 256, kMaxConstants = 4096;

class Evaluate {
 public:
  Evaluate(Module& module, Function& function, PassContext& context)
      : module_(module), function_(function), context_(context) {}

  void run() {
    // Definitions before uses.
    for (uint32_t b : reverse_postorder(control_flow(function_))) {
      std::vector<Inst> before;
      before.swap(function_.blocks[b].insts);
      for (Inst& inst : before) {
        learn(inst);
        if (!try_evaluate(inst)) after_.push_back(std::move(inst));
      }
      function_.blocks[b].insts.swap(after_);
      after_.clear();
    }
  }

 private:
  // ---- what is known

  void learn(const Inst& inst) {
    if (inst.op == Op::constant) know(inst.result(), {inst.get<Scalar>(), {}});
    if (inst.op != Op::pack || !all_known(inst) || !is_small(inst.result())) return;
    const Type& type = module_.type(function_, inst.result());
    if (type.is_scalar()) return know(inst.result(), known_[inst.args[0].index]);
    runtime::Tensor tensor(type.dtype, type.shape);
    for (size_t i = 0; i < inst.args.size(); ++i)
      tensor.set(static_cast<int64_t>(i), known_[inst.args[i].index].scalar);
    know(inst.result(), {{}, std::make_shared<TensorObject>(TensorObject{std::move(tensor), 1})});
  }

  void know(ValueId value, Slot slot) {
    known_.resize(function_.values.size());
    is_known_.resize(function_.values.size());
    known_[value.index] = std::move(slot);
    is_known_[value.index] = true;
  }
  bool all_known(const Inst& inst) const {
    bool all = true;
    for_each_use(function_, inst, [&](ValueId value) {
      all &= value.index < is_known_.size() && is_known_[value.index];
    });
    return all;
  }

  // ---- the choice

  bool try_evaluate(const Inst& inst) {
    const bool calls = inst.op == Op::call && module_.function(inst.get<FuncId>()).pure;
    const bool computes = inst.op == Op::compute && pays(inst.get<Compute>());
    if (!(calls || computes) || inst.results.empty() || !all_known(inst)) return false;
    if (!std::ranges::all_of(inst.results, [&](ValueId v) { return is_small(v); })) return false;
    known_.resize(function_.values.size());
    const auto results = ir::evaluate(module_, function_, known_, inst, steps_);
    if (!results || !context_.may_rewrite(row(inst.op).text)) return false;
    for (size_t i = 0; i < inst.results.size(); ++i) emit(inst, inst.results[i], (*results)[i]);
    return true;
  }

  bool is_small(ValueId value) const {
    const auto count = runtime::element_count(module_.type(function_, value).shape);
    return count && *count <= std::min(kMaxElements, constants_left_);
  }

  bool pays(const Compute& compute) const {
    bool reads = false;
    for_each_node(function_.exprs, compute.bodies,
                  [&](ExprId id) { reads |= function_.exprs[id].kind == ExprKind::read; });
    return reads || compute.extents.empty() ||
           cost_of_point(module_, function_, compute) > kElementary;
  }

  // ---- what comes in its place

  void emit(const Inst& inst, ValueId result, Slot slot) {
    if (!slot.object) {
      after_.push_back({Op::constant, {result}, {}, slot.scalar, inst.span});
      return know(result, std::move(slot));
    }
    const runtime::Tensor& tensor = slot.object->tensor;
    constants_left_ -= tensor.count();
    Inst pack{Op::pack, {result}, {}, {}, inst.span};
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const Scalar element = tensor.at(i);
      const ValueId value = function_.add_value(module_.types.scalar(element.type), "c");
      after_.push_back({Op::constant, {value}, {}, element, inst.span});
      pack.args.push_back(value);
    }
    after_.push_back(std::move(pack));
    know(result, std::move(slot));
  }

  Module& module_;
  Function& function_;
  PassContext& context_;
  int64_t steps_ = kSteps, constants_left_ = kMaxConstants;
  Frame known_;  ///< what is known, by value
  std::vector<bool> is_known_;
  std::vector<Inst> after_;  ///< the block being written
};

}  // namespace

void evaluate(ir::Module& module, PassContext& context) {
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (!has_owners(function)) Evaluate(module, function, context).run();
  }
}

}  // namespace tenon::opt
