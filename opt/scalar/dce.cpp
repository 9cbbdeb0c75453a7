// dce: aggressive dead code elimination (Cytron, Ferrante, Rosen, Wegman and Zadeck, "Efficiently
// Computing Static Single Assignment Form and the Control Dependence Graph", TOPLAS 13(4), 1991,
// section 7.1).
//
// Everything is dead until somebody needs it: an effect, or a failure, is needed; so is what a needed
// instruction uses; and so is a branch that decides whether, or from where, something needed is
// reached. What is left when nothing more is needed goes: instructions, parameters with what is passed
// to them, and branches with all that they decide about, loops included, which become jumps to where
// their ways meet again. Last go blocks that nothing reaches and functions that nobody calls.
//
// A loop that computes nothing needed may go only if it surely ends (opt/analysis/termination.h), as
// one that goes on for ever keeps the program from what comes after.
//
// It always pays.
#include <algorithm>

#include "ir/dominators.h"
#include "opt/analysis/purity.h"
#include "opt/analysis/termination.h"
#include "opt/pass.h"
#include "opt/rewrite.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// Which branches decide whether a block runs: it comes after one of their ways on every path, but
/// not after the other. Behind a branch both ways meet at its nearest postdominator.
class ControlDependence {
 public:
  explicit ControlDependence(const Function& function)
      : postdominators_(reversed(function)), deciders_(function.blocks.size()) {
    const std::vector<uint32_t> order = reverse_postorder(control_flow(function));
    known_ = std::ranges::all_of(order, [&](uint32_t b) { return postdominators_.reachable(b + 1); });
    size_t steps = 0;
    for (uint32_t b : order) {
      for (const Edge& edge : successors(function.blocks[b])) {
        if (!known_ || successors(function.blocks[b]).size() < 2) continue;
        const uint32_t meet = postdominators_.immediate(b + 1);
        for (uint32_t at = edge.target.index + 1; at != meet; at = postdominators_.immediate(at)) {
          deciders_[at - 1].push_back({b});
          known_ = known_ && ++steps <= kStepsPerBlock * deciders_.size();
          if (!known_) break;
        }
      }
    }
  }

  /// Not where some block never comes to the end, or where the answer would take too long: repeated
  /// nesting can make it quadratic.
  bool known() const { return known_; }
  const std::vector<BlockId>& deciders(BlockId block) const { return deciders_[block.index]; }
  /// None if the ways meet only at the end of the function, or nothing reaches the branch.
  BlockId meet(BlockId branch) const {
    if (!postdominators_.reachable(branch.index + 1)) return {};
    const uint32_t node = postdominators_.immediate(branch.index + 1);
    return node == 0 ? BlockId{} : BlockId{node - 1};
  }

 private:
  static constexpr size_t kStepsPerBlock = 100;

  /// Node 0 is behind every `ret`; node b + 1 is block b.
  static Graph reversed(const Function& function) {
    std::vector<Arc> arcs;
    for (uint32_t b : reverse_postorder(control_flow(function))) {
      if (function.blocks[b].insts.back().op == Op::ret) arcs.push_back({0, b + 1});
      for (const Edge& edge : successors(function.blocks[b]))
        arcs.push_back({edge.target.index + 1, b + 1});
    }
    return Graph(function.blocks.size() + 1, arcs);
  }

  Dominators postdominators_;
  std::vector<std::vector<BlockId>> deciders_;  ///< by block
  bool known_ = true;
};

class Dce {
 public:
  Dce(const Module& module, Function& function, const Purity& purity, PassContext& context)
      : function_(function),
        context_(context),
        effects_(module, function, purity),
        control_(function),
        live_(function.values.size()),
        decides_(function.blocks.size()),
        needed_(function.blocks.size()),
        definitions_(function.values.size()) {}

  void run() {
    find_definitions();
    mark();
    if (ask_for_all()) sweep();  // or nothing: what is dead may be used by what is dead
  }

 private:
  struct Definition {
    BlockId block;
    const Inst* inst = nullptr;  ///< none: a parameter
    size_t param = 0;
  };
  struct WayIn {
    BlockId from;
    const Edge* edge;
  };

  bool is_live(ValueId value) const { return live_[value.index]; }
  /// None of its values is live. What has none is there for its effect; of calls, not all have one.
  bool is_dead(const Inst& inst) const {
    if (inst.results.empty()) return inst.op == Op::call && !effects_.would_be_missed(inst);
    return std::ranges::none_of(inst.results, [&](ValueId result) { return is_live(result); });
  }
  bool has_dead_result(const Inst& inst) const {
    return !std::ranges::all_of(inst.results, [&](ValueId result) { return is_live(result); });
  }
  bool is_droppable(const Inst& inst) const {
    return is_dead(inst) || (inst.op == Op::compute && has_dead_result(inst));
  }
  bool is_dead_branch(uint32_t block) const {
    return function_.blocks[block].insts.back().op == Op::branch && !decides_[block] &&
           control_.meet({block});
  }

  void find_definitions() {
    ways_in_.resize(function_.blocks.size());
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      const Block& block = function_.blocks[b];
      for (size_t p = 0; p < block.params.size(); ++p)
        definitions_[block.params[p].index] = {{b}, nullptr, p};
      for (const Inst& inst : block.insts) {
        for (ValueId result : inst.results) definitions_[result.index] = {{b}, &inst, 0};
      }
      for (const Edge& edge : successors(block)) ways_in_[edge.target.index].push_back({{b}, &edge});
    }
  }

  // ---- what is needed

  void mark() {
    const Termination termination(function_);
    for (BlockId block : termination.endless()) need_end(block);
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      for (const Inst& inst : function_.blocks[b].insts) {
        const bool ends = row(inst.op).trait == Trait::terminator;
        const bool decides = inst.op != Op::ret && control_.known();
        if (ends ? !decides : inst.results.empty() && !is_dead(inst)) need(b, inst);
      }
    }
    follow();
    // Whether something may fail takes long to find out; now most need not be asked.
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      for (const Inst& inst : function_.blocks[b].insts) {
        if (has_dead_result(inst) && effects_.would_be_missed(inst))
          for (ValueId result : inst.results) reach(result);
        follow();
      }
    }
  }

  void need(uint32_t block, const Inst& inst) {
    if (inst.op == Op::branch) decides_[block] = true;
    for (ValueId arg : inst.args) reach(arg);
    need_block({block});
  }
  /// That control comes to this end, and where it goes from there.
  void need_end(BlockId block) {
    const Inst& end = function_.block(block).insts.back();
    if (end.op != Op::branch) return need_block(block);
    if (!decides_[block.index]) need(block.index, end);
  }
  /// That control comes here.
  void need_block(BlockId block) {
    if (needed_[block.index]) return;
    needed_[block.index] = true;
    if (control_.known()) blocks_.push_back(block);
  }
  void reach(ValueId value) {
    if (is_live(value)) return;
    live_[value.index] = true;
    values_.push_back(value);
  }

  // [snippet follow]
  void follow() {
    while (!values_.empty() || !blocks_.empty()) {
      if (!blocks_.empty()) {
        const BlockId block = blocks_.back();
        blocks_.pop_back();
        for (BlockId decider : control_.deciders(block)) need_end(decider);
        continue;
      }
      const ValueId value = values_.back();
      values_.pop_back();
      const Definition& definition = definitions_[value.index];
      if (!definition.block) continue;  // a parameter of the function
      if (definition.inst) {
        reach_operands(*definition.inst, value);
        need_block(definition.block);
        continue;
      }
      for (const WayIn& way : ways_in_[definition.block.index]) {
        reach(way.edge->args[definition.param]);
        need_end(way.from);
      }
    }
  }
  // [end]

  /// Of a compute a result needs what its own body reads.
  void reach_operands(const Inst& inst, ValueId result) {
    if (inst.op != Op::compute)
      return for_each_use(function_, inst, [&](ValueId used) { reach(used); });
    const auto which = std::ranges::find(inst.results, result) - inst.results.begin();
    for_each_node(function_.exprs, inst.get<Compute>().bodies[which], [&](ExprId id) {
      if (const ValueId used = function_.exprs[id].value) reach(used);
    });
  }

  // ---- the rest goes

  bool ask_for_all() {
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      for (ValueId param : function_.blocks[b].params)
        if (!is_live(param) && !context_.may_rewrite("block parameter")) return false;
      for (const Inst& inst : function_.blocks[b].insts)
        if (is_droppable(inst) && !context_.may_rewrite(row(inst.op).text)) return false;
      if (is_dead_branch(b) && !context_.may_rewrite("branch")) return false;
    }
    return !has_unreachable(function_) || context_.may_rewrite("unreachable blocks");
  }

  void sweep() {
    remove_params(function_, [&](ValueId param) { return !is_live(param); });
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      std::vector<Inst>& insts = function_.blocks[b].insts;
      std::erase_if(insts, [&](const Inst& inst) { return is_dead(inst); });
      for (Inst& inst : insts)
        if (inst.op == Op::compute && has_dead_result(inst)) drop_dead_results(inst);
      if (!is_dead_branch(b)) continue;
      // No parameter of the block where the ways meet is live: it would need this branch.
      const Edge meet{control_.meet({b}), {}};
      insts.back() = {Op::jump, {}, {}, std::vector<Edge>{meet}, insts.back().span};
    }
    remove_unreachable(function_);
  }

  void drop_dead_results(Inst& inst) const {
    Compute& compute = inst.get<Compute>();
    size_t next = 0;
    std::erase_if(compute.bodies, [&](ExprId) { return !is_live(inst.results[next++]); });
    std::erase_if(inst.results, [&](ValueId result) { return !is_live(result); });
  }

  Function& function_;
  PassContext& context_;
  InstEffects effects_;
  ControlDependence control_;
  std::vector<bool> live_;     ///< by value
  std::vector<bool> decides_;  ///< by block: its branch is needed
  std::vector<bool> needed_;   ///< by block
  std::vector<Definition> definitions_;
  std::vector<std::vector<WayIn>> ways_in_;
  std::vector<ValueId> values_;  ///< live, with what they use still to be followed
  std::vector<BlockId> blocks_;  ///< needed, likewise
};

void drop_uncalled(Module& module, PassContext& context) {
  std::vector<bool> called(module.functions.size());
  std::vector<FuncId> work = module.entries();
  while (!work.empty()) {
    const FuncId function = work.back();
    work.pop_back();
    if (called[function.index]) continue;
    called[function.index] = true;
    for_each_callee(module.function(function), [&](FuncId callee) { work.push_back(callee); });
  }
  // All or nothing, as one may call another.
  for (bool keep : called)
    if (!keep && !context.may_rewrite("function")) return;
  keep_functions(module, called);
}

}  // namespace

void dce(ir::Module& module, PassContext& context) {
  const Purity purity(module);
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (!has_owners(function)) Dce(module, function, purity, context).run();
  }
  drop_uncalled(module, context);
}

}  // namespace tenon::opt
