#include "opt/scalar/known_conditions.h"

#include "ir/dominators.h"

namespace tenon::opt {
namespace {

using namespace ir;

class KnownConditions {
 public:
  KnownConditions(Function& function, PassContext& context)
      : function_(function),
        context_(context),
        dominators_(control_flow(function)),
        definitions_(function.values.size()),
        facts_(function.values.size()),
        constants_(function.blocks.size()) {}

  void run() {
    const Graph graph = control_flow(function_);
    std::vector<std::vector<uint32_t>> children(graph.size());
    std::vector<int> ways_in(graph.size());
    for (uint32_t block : reverse_postorder(graph)) {
      for (uint32_t next : graph[block]) ++ways_in[next];
      if (block != 0) children[dominators_.immediate(block)].push_back(block);
      for (const Inst& inst : function_.blocks[block].insts)
        for (ValueId result : inst.results) definitions_[result.index] = &inst;
    }
    std::vector<uint32_t> stack = {0};  // the dominator tree, in preorder
    while (!stack.empty()) {
      const BlockId block{stack.back()};
      stack.pop_back();
      if (block.index != 0 && ways_in[block.index] == 1)
        learn_from_branch({dominators_.immediate(block.index)}, block);
      for (Inst& inst : function_.block(block).insts) use_facts(block, inst);
      stack.insert(stack.end(), children[block.index].rbegin(), children[block.index].rend());
    }
    for (uint32_t b = 0; b < constants_.size(); ++b) {
      std::vector<Inst>& insts = function_.blocks[b].insts;
      insts.insert(insts.begin(), constants_[b].begin(), constants_[b].end());
    }
  }

 private:
  /// Holds in what `block` dominates. The constant is defined there, once somebody uses it.
  struct Fact {
    BlockId block;
    Scalar value;
    ValueId constant;
  };

  /// Constants that were made here are not looked into: all is known of them.
  const Inst* definition(ValueId value) const {
    return value.index < definitions_.size() ? definitions_[value.index] : nullptr;
  }
  void add(ValueId value, Fact fact) {
    if (value.index < facts_.size()) facts_[value.index].push_back(fact);
  }

  void learn_from_branch(BlockId from, BlockId block) {
    const Inst& end = function_.block(from).insts.back();
    if (end.op != Op::branch) return;
    learn(block, end.args[0], end.get<std::vector<Edge>>()[0].target == block);
  }

  void learn(BlockId block, ValueId condition, bool holds) {
    std::vector<std::pair<ValueId, bool>> work = {{condition, holds}};
    while (!work.empty()) {
      const auto [known, is_true] = work.back();
      work.pop_back();
      add(known, {block, Scalar::boolean(is_true), {}});
      const Inst* inst = definition(known);
      if (!inst || inst->op != Op::apply) continue;
      const ScalarOp op = inst->get<ScalarOp>();
      if (op == ScalarOp::not_) work.push_back({inst->args[0], !is_true});
      if (op == (is_true ? ScalarOp::and_ : ScalarOp::or_)) {
        for (ValueId arg : inst->args) work.push_back({arg, is_true});
      }
      if (op == (is_true ? ScalarOp::eq : ScalarOp::ne)) learn_equal(block, *inst);
    }
  }
  /// Not of floats: 0.0 equals -0.0.
  void learn_equal(BlockId block, const Inst& equal) {
    for (size_t i = 0; i < 2; ++i) {
      const Inst* other = definition(equal.args[1 - i]);
      if (!other || other->op != Op::constant) continue;
      if (runtime::is_floating(other->get<Scalar>().type)) continue;
      add(equal.args[i], {block, other->get<Scalar>(), {}});
    }
  }

  void use_facts(BlockId block, Inst& inst) {
    bool any = false;
    for_each_use(function_, inst, [&](ValueId used) { any = any || constant_for(used, block); });
    if (!any || !context_.may_rewrite("known condition")) return;
    map_uses(function_, inst, [&](ValueId used) {
      Fact* fact = constant_for(used, block);
      if (!fact) return used;
      if (!fact->constant) {
        fact->constant = function_.add_value(function_.value(used).type, "known");
        constants_[fact->block.index].push_back(
            {Op::constant, {fact->constant}, {}, fact->value, inst.span});
      }
      return fact->constant;
    });
  }
  Fact* constant_for(ValueId value, BlockId block) {
    if (value.index >= facts_.size()) return nullptr;
    std::vector<Fact>& facts = facts_[value.index];
    while (!facts.empty() && !dominators_.dominates(facts.back().block, block)) facts.pop_back();
    return facts.empty() ? nullptr : &facts.back();
  }

  Function& function_;
  PassContext& context_;
  Dominators dominators_;
  std::vector<const Inst*> definitions_;
  std::vector<std::vector<Fact>> facts_;      ///< by value
  std::vector<std::vector<Inst>> constants_;  ///< by block: to be put at its head
};

}  // namespace

void use_known_conditions(Function& function, PassContext& context) {
  KnownConditions(function, context).run();
}

}  // namespace tenon::opt
