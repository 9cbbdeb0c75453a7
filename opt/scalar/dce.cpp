// dce: removes what nobody can notice. Blocks that nothing reaches, jumps to jumps, blocks with one
// way in and out; then instructions whose value nobody uses, and block parameters likewise.
#include <algorithm>

#include "ir/dominators.h"
#include "opt/pass.h"
#include "opt/rewrite.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// `jump A` to an empty A that only jumps on becomes a jump to where A goes. (A branch to A stays:
/// its edges belong to it alone, see ir/ssa_builder.h.)
void skip_empty_blocks(Function& function, PassContext& context) {
  for (Block& block : function.blocks) {
    Inst& end = block.insts.back();
    // At most as many steps as there are blocks: empty blocks may jump in a circle.
    for (size_t steps = 0; end.op == Op::jump && steps < function.blocks.size(); ++steps) {
      const Block& target = function.block(end.get<std::vector<Edge>>()[0].target);
      const Inst& next = target.insts.back();
      const bool empty = target.insts.size() == 1 && target.params.empty() && next.op == Op::jump;
      if (!empty || &target == &block || !context.may_rewrite("jump to a jump")) break;
      const std::vector<Edge> edges = next.get<std::vector<Edge>>();
      end.attribute = edges;
    }
  }
}

/// A block that jumps to one with no other way in takes that one's instructions over.
void join_blocks(Function& function, PassContext& context) {
  std::vector<int> ways_in(function.blocks.size());
  for (const Block& block : function.blocks) {
    for (const Edge& edge : successors(block)) ++ways_in[edge.target.index];
  }
  std::vector<bool> keep(function.blocks.size(), true);
  Replacements replacements;
  for (uint32_t i = 0; i < function.blocks.size(); ++i) {
    if (!keep[i]) continue;
    for (;;) {
      Block& block = function.blocks[i];
      if (block.insts.back().op != Op::jump) break;
      const Edge edge = block.insts.back().get<std::vector<Edge>>()[0];
      const uint32_t target = edge.target.index;
      if (target == i || target == 0 || ways_in[target] != 1) break;
      if (!context.may_rewrite("blocks joined")) break;
      Block& next = function.blocks[target];
      for (size_t p = 0; p < next.params.size(); ++p)
        replacements.add(next.params[p], edge.args[p]);
      block.insts.pop_back();
      std::ranges::move(next.insts, std::back_inserter(block.insts));
      next.insts = {{Op::ret, {}, {}, {}, {}}};
      keep[target] = false;
    }
  }
  if (std::ranges::find(keep, false) == keep.end()) return;
  keep_blocks(function, keep);
  replacements.apply(function);
}

/// Mark and sweep over values: live is what an effect, or what decides where to go on, uses, and
/// what that is computed from; what an edge passes on is live if the parameter is.
class Sweep {
 public:
  Sweep(const Module& module, Function& function, PassContext& context)
      : module_(module), function_(function), context_(context), live_(function.values.size()) {}

  void run() {
    find_definitions();
    mark();
    // All or nothing: what is dead may be used by what is dead.
    bool granted = true;
    for (const Block& block : function_.blocks) {
      for (ValueId param : block.params)
        granted = granted && (is_live(param) || ask("block parameter"));
      for (const Inst& inst : block.insts) {
        granted = granted && (!is_droppable(inst) || ask(row(inst.op).text));
      }
    }
    if (granted) sweep();
  }

 private:
  bool is_live(ValueId value) const { return live_[value.index]; }
  /// None of its values is live, and it has some: what has none is there for its effect.
  bool is_dead(const Inst& inst) const {
    const auto live = [&](ValueId result) { return is_live(result); };
    return !inst.results.empty() && std::ranges::none_of(inst.results, live);
  }
  bool has_dead_result(const Inst& inst) const {
    return !std::ranges::all_of(inst.results, [&](ValueId result) { return is_live(result); });
  }
  /// Dead, or a compute some of whose results are.
  bool is_droppable(const Inst& inst) const {
    return is_dead(inst) || (inst.op == Op::compute && has_dead_result(inst));
  }
  bool ask(std::string_view what) { return context_.may_rewrite(what); }

  void find_definitions() {
    for (const Block& block : function_.blocks) {
      for (const Inst& inst : block.insts) {
        for (ValueId result : inst.results) definitions_[result] = &inst;
      }
      for (const Edge& edge : successors(block)) {
        const std::vector<ValueId>& params = function_.block(edge.target).params;
        for (size_t p = 0; p < params.size(); ++p) incoming_[params[p]].push_back(edge.args[p]);
      }
    }
  }

  void mark() {
    for (const Block& block : function_.blocks) {
      for (const Inst& inst : block.insts) {
        if (!inst.results.empty()) continue;
        for (ValueId arg : inst.args) reach(arg);
      }
    }
    follow();
    // Whether something may fail takes long to find out; now most need not be asked.
    for (const Block& block : function_.blocks) {
      for (const Inst& inst : block.insts) {
        if (has_dead_result(inst) && has_effect(module_, function_, inst))
          for (ValueId result : inst.results) reach(result);
        follow();
      }
    }
  }
  void follow() {
    while (!work_.empty()) {
      const ValueId value = work_.back();
      work_.pop_back();
      if (const auto inst = definitions_.find(value); inst != definitions_.end()) {
        reach_operands(*inst->second, value);
      } else {
        for (ValueId passed : incoming_[value]) reach(passed);
      }
    }
  }
  /// Of a compute a result needs what its own body reads.
  void reach_operands(const Inst& inst, ValueId result) {
    if (inst.op != Op::compute)
      return for_each_use(function_, inst, [&](ValueId used) { reach(used); });
    const auto which = std::ranges::find(inst.results, result) - inst.results.begin();
    for_each_node(function_.exprs, inst.get<Compute>().bodies[which], [&](ExprId id) {
      if (const ValueId used = function_.exprs[id].value) reach(used);
    });
  }
  void reach(ValueId value) {
    if (is_live(value)) return;
    live_[value.index] = true;
    work_.push_back(value);
  }

  void sweep() {
    for (Block& from : function_.blocks) {
      auto* edges = std::get_if<std::vector<Edge>>(&from.insts.back().attribute);
      for (Edge& edge : edges ? *edges : no_edges_) {
        const std::vector<ValueId>& params = function_.block(edge.target).params;
        size_t p = 0;
        std::erase_if(edge.args, [&](ValueId) { return !is_live(params[p++]); });
      }
    }
    for (Block& block : function_.blocks) {
      std::erase_if(block.params, [&](ValueId param) { return !is_live(param); });
      std::erase_if(block.insts, [&](const Inst& inst) { return is_dead(inst); });
      for (Inst& inst : block.insts)
        if (inst.op == Op::compute && has_dead_result(inst)) drop_dead_results(inst);
    }
  }

  void drop_dead_results(Inst& inst) const {
    Compute& compute = inst.get<Compute>();
    size_t next = 0;
    std::erase_if(compute.bodies, [&](ExprId) { return !is_live(inst.results[next++]); });
    std::erase_if(inst.results, [&](ValueId result) { return !is_live(result); });
  }

  const Module& module_;
  Function& function_;
  PassContext& context_;
  std::vector<bool> live_;
  std::vector<ValueId> work_;
  std::vector<Edge> no_edges_;
  std::unordered_map<ValueId, const Inst*> definitions_;
  std::unordered_map<ValueId, std::vector<ValueId>> incoming_;  ///< of block parameters
};

}  // namespace

void dce(ir::Module& module, PassContext& context) {
  for (ir::Function& function : module.functions) {
    if (has_owners(function)) continue;
    skip_empty_blocks(function, context);
    if (has_unreachable(function) && context.may_rewrite("unreachable blocks")) {
      remove_unreachable(function);
    }
    join_blocks(function, context);
    Sweep(module, function, context).run();
  }
}

}  // namespace tenon::opt
