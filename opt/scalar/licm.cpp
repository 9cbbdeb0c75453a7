// licm: loop-invariant code motion. What gives the same on every turn of a loop is computed once, in
// front of it: in the loop's preheader (Aho, Lam, Sethi, Ullman, "Compilers", 9.1.7 and 9.5).
//
// An instruction is invariant if all that it uses is defined outside the loop. Loops are taken from
// the innermost outward, so that what leaves one is looked at again in the next. In SSA form
// nothing else has to be asked of what cannot fail: no other definition can come between.
//
// What may fail, or may not end, moves only if it surely would have run, and before anything that
// could be noticed: so it is looked for from the header on, along what the first turn surely
// executes, up to the first effect that stays. What is `unchecked` moves likewise, or if the proof
// holds in the preheader too.
//
// It does not pay
//   - for a whole tensor, if a turn may go past it: the loop may never have needed it;
//   - for a tensor whose owner an update or an edge takes over: the turn would then have to copy
//     what it now makes afresh, which costs as much and takes twice the memory.
#include <algorithm>
#include <iterator>

#include "opt/analysis/loops.h"
#include "opt/analysis/purity.h"
#include "opt/analysis/value_ranges.h"
#include "opt/pass.h"
#include "opt/rewrite.h"

namespace tenon::opt {
namespace {

using namespace ir;

class Licm {
 public:
  Licm(const Module& module, Function& function, const Purity& purity, PassContext& context)
      : module_(module),
        function_(function),
        purity_(purity),
        context_(context),
        loops_(function),
        effects_(module, function, purity) {}

  void run() {
    find_definitions();
    for (uint32_t l = 0; l < loops_.all().size(); ++l) {
      if (loops_[{l}].preheader) empty(LoopId{l});
    }
  }

 private:
  void find_definitions() {
    defined_in_.resize(function_.values.size());
    taken_over_.resize(function_.values.size());
    constants_.resize(function_.values.size());
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      for (ValueId param : function_.blocks[b].params) defined_in_[param.index] = {b};
      for (const Inst& inst : function_.blocks[b].insts) {
        for (ValueId result : inst.results) defined_in_[result.index] = {b};
        if (inst.op == Op::update) taken_over_[inst.args[0].index] = true;
        if (inst.op == Op::constant) constants_[inst.result().index] = inst.get<Scalar>();
        if (inst.unchecked && !ranges_) ranges_.emplace(module_, function_);
      }
      for (const Edge& edge : successors(function_.blocks[b])) {
        for (ValueId arg : edge.args) taken_over_[arg.index] = true;
      }
    }
  }

  /// Of a loop whose inner loops have been emptied before: first decides what leaves it, in the order
  /// in which it then runs, and then moves that.
  void empty(LoopId loop) {
    certain_ = loops_[loop].header;
    const BlockId end = common_dominator(loops_[loop].latches);
    std::vector<std::vector<bool>> leaving;  ///< by block and instruction
    for (BlockId block : loops_[loop].own) {
      leaving.push_back(choose(loop, block, loops_.dominators().dominates(block, end)));
      if (block == certain_) certain_ = surely_next(loop, block);
    }
    for (size_t b = 0; b < leaving.size(); ++b)
      move(loops_[loop].own[b], leaving[b], loops_[loop].preheader);
  }

  /// Which instructions of a block leave the loop.
  std::vector<bool> choose(LoopId loop, BlockId block, bool every_turn) {
    std::vector<bool> leaves;
    for (const Inst& inst : function_.block(block).insts) {
      leaves.push_back(may_move(loop, block, every_turn, inst) &&
                       context_.may_rewrite(row(inst.op).text));
      if (leaves.back()) {
        for (ValueId result : inst.results) defined_in_[result.index] = loops_[loop].preheader;
      } else if (block == certain_ && ends_certainty(inst)) {
        certain_ = {};
      }
    }
    return leaves;
  }

  void move(BlockId from, const std::vector<bool>& leaving, BlockId to) {
    std::vector<Inst>& before = function_.block(to).insts;
    size_t i = 0;
    std::erase_if(function_.block(from).insts, [&](Inst& inst) {
      if (!leaving[i++]) return false;
      before.insert(before.end() - 1, std::move(inst));
      return true;
    });
  }

  /// The closest block that every turn comes through before it goes back.
  BlockId common_dominator(const std::vector<BlockId>& blocks) const {
    uint32_t common = blocks[0].index;
    for (BlockId block : blocks) {
      while (!loops_.dominators().dominates(common, block.index))
        common = loops_.dominators().immediate(common);
    }
    return {common};
  }

  bool may_move(LoopId loop, BlockId block, bool every_turn, const Inst& inst) const {
    if (!effects_.is_movable(inst) || !is_invariant(loop, inst) || !pays(inst)) return false;
    if (block == certain_) return true;
    if (!every_turn && !is_scalar(inst)) return false;
    return inst.unchecked ? is_proved_before(loop, inst) : !effects_.would_be_missed(inst);
  }

  bool is_proved_before(LoopId loop, const Inst& inst) const {
    const BlockId preheader = loops_[loop].preheader;
    const size_t end = function_.block(preheader).insts.size() - 1;
    Inst checked = inst;
    checked.unchecked = false;
    const Known known = {[&](FuncId callee) { return purity_.of(callee).may_fail; },
                         [&](ValueId value) { return ranges_->at(value, preheader, end); }};
    return !effects_.besides_failure(inst).would_be_missed() &&
           !may_fail(module_, function_, checked, known);
  }

  bool is_invariant(LoopId loop, const Inst& inst) const {
    bool invariant = true;
    for_each_use(function_, inst, [&](ValueId used) {
      const BlockId block = defined_in_[used.index];  // none: a parameter of the function
      invariant = invariant && !(block && loops_.contains(loop, block));
    });
    return invariant;
  }

  bool is_scalar(const Inst& inst) const {
    switch (inst.op) {
      case Op::constant:
      case Op::apply:
      case Op::convert:
      case Op::element: return true;
      default: return false;
    }
  }
  bool pays(const Inst& inst) const {
    return std::ranges::none_of(inst.results,
                                [&](ValueId result) { return taken_over_[result.index]; }) ||
           is_scalar(inst);
  }

  // ---- what the first turn surely executes

  bool ends_certainty(const Inst& inst) const {
    return row(inst.op).trait != Trait::terminator && effects_.would_be_missed(inst);
  }

  /// Where the first turn goes on behind `block`, if that is known; not into an inner loop, which
  /// might not end.
  BlockId surely_next(LoopId loop, BlockId block) const {
    const Inst& end = function_.block(block).insts.back();
    if (end.op != Op::jump && end.op != Op::branch) return {};
    size_t way = 0;
    if (end.op == Op::branch) {
      const std::optional<Scalar> condition = first_condition(loop, block, end.args[0]);
      if (!condition) return {};
      way = condition->i ? 0 : 1;
    }
    const BlockId next = successors(function_.block(block))[way].target;
    return loops_.around(next) == loop && next != loops_[loop].header ? next : BlockId{};
  }

  /// The value of a comparison on the first turn, if its operands are constants then.
  std::optional<Scalar> first_condition(LoopId loop, BlockId block, ValueId condition) const {
    for (const Inst& inst : function_.block(block).insts) {
      if (inst.result() != condition || inst.op != Op::apply) continue;
      std::vector<Scalar> operands;
      for (ValueId arg : inst.args) {
        const std::optional<Scalar> known = constants_[first_value(loop, arg).index];
        if (!known) return std::nullopt;
        operands.push_back(*known);
      }
      if (runtime::divides_by_zero(inst.get<ScalarOp>(), operands)) return std::nullopt;
      return runtime::eval(inst.get<ScalarOp>(), operands);
    }
    return std::nullopt;
  }
  ValueId first_value(LoopId loop, ValueId value) const {
    const std::vector<ValueId>& params = function_.block(loops_[loop].header).params;
    const auto param = std::ranges::find(params, value);
    if (param == params.end()) return value;
    const Block& preheader = function_.block(loops_[loop].preheader);
    return successors(preheader)[0].args[static_cast<size_t>(param - params.begin())];
  }

  const Module& module_;
  Function& function_;
  const Purity& purity_;
  PassContext& context_;
  Loops loops_;
  InstEffects effects_;
  std::optional<ValueRanges> ranges_;  ///< if anything is unchecked
  std::vector<BlockId> defined_in_;
  std::vector<bool> taken_over_;  ///< tensors whose owner an update or an edge may take
  std::vector<std::optional<Scalar>> constants_;
  BlockId certain_;  ///< the block that the first turn surely comes to, with no effect before it
};

}  // namespace

void licm(ir::Module& module, PassContext& context) {
  const Purity purity(module);
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (has_owners(function)) continue;
    add_preheaders(function, context);
    Licm(module, function, purity, context).run();
  }
}

}  // namespace tenon::opt
