// gvn: congruent values share one definition, where that dominates (global value numbering).
//
//   %a = mul %x, %y          %a = mul %x, %y
//   %b = mul %y, %x    =>
//   print %a, %b             print %a, %a
//
// opt/analysis/value_numbers.h says which values are congruent: also whole computes, calls of pure
// functions, elements and updates of tensors, and parameters of loops that go in step. Here the
// dominator tree is walked from the root with, for every class, the definitions met on the way down
// to where it is: the last one dominates, so it takes the place of any other (Briggs, Cooper and
// Simpson, "Value Numbering", Software: Practice and Experience 27(6), 1997, section 4).
//
// It always pays in instructions; what it costs is that values live longer. For tensors that are filled
// with zeros, say, to be updated, that is too much: whichever is updated first would have to be copied.
#include <algorithm>

#include "ir/dominators.h"
#include "opt/analysis/overwritten.h"
#include "opt/analysis/value_numbers.h"
#include "opt/pass.h"
#include "opt/rewrite.h"

namespace tenon::opt {
namespace {

using namespace ir;

class Gvn {
 public:
  Gvn(Function& function, const ValueNumbers& numbers, PassContext& context)
      : function_(function),
        numbers_(numbers),
        context_(context),
        graph_(control_flow(function)),
        dominators_(graph_),
        overwritten_(find_overwritten(function)),
        leaders_(function.values.size()) {}

  void run() {
    std::vector<std::vector<uint32_t>> children(graph_.size());
    for (uint32_t node : reverse_postorder(graph_)) {
      if (node != 0) children[dominators_.immediate(node)].push_back(node);
    }
    for (ValueId param : function_.params) leaders_of(param).push_back({{0}, param});
    std::vector<uint32_t> stack = {0};  // the dominator tree, in preorder
    while (!stack.empty()) {
      const uint32_t node = stack.back();
      stack.pop_back();
      visit({node});
      stack.insert(stack.end(), children[node].rbegin(), children[node].rend());
    }
    if (replacements_.empty()) return;
    remove_params(function_, [&](ValueId param) { return replacements_.contains(param); });
    replacements_.apply(function_);  // blocks that nothing reaches
  }

 private:
  struct Leader {
    BlockId block;
    ValueId value;
  };
  std::vector<Leader>& leaders_of(ValueId value) { return leaders_[numbers_.of(value).index]; }

  /// The definition of the class of `value` that dominates `block`. What does not is of no use in
  /// the rest of the walk either: its part of the tree has been left.
  ValueId leader(ValueId value, BlockId block) {
    std::vector<Leader>& leaders = leaders_of(value);
    while (!leaders.empty() && !dominators_.dominates(leaders.back().block, block))
      leaders.pop_back();
    return leaders.empty() ? ValueId{} : leaders.back().value;
  }

  void visit(BlockId block) {
    for (ValueId param : function_.block(block).params) {
      share({&param, 1}, block, "block parameter");
    }
    std::erase_if(function_.block(block).insts, [&](Inst& inst) {
      replacements_.apply(function_, inst);
      return !inst.results.empty() && !is_to_be_overwritten(inst) &&
             share(inst.results, block, row(inst.op).text);
    });
  }

  /// A tensor that costs no more to make again than to copy, if an update may overwrite it.
  bool is_to_be_overwritten(const Inst& inst) const {
    if (!overwritten_[inst.results[0].index]) return false;
    if (inst.op != Op::compute) return inst.op == Op::pack;
    return function_.exprs[inst.get<Compute>().bodies[0]].kind == ExprKind::constant;
  }

  // [snippet share]
  /// Whether what one instruction defines is replaced; else it is there for others.
  bool share(std::span<const ValueId> values, BlockId block, std::string_view what) {
    const bool shared =
        std::ranges::all_of(values, [&](ValueId value) { return bool(leader(value, block)); }) &&
        context_.may_rewrite(what);
    for (ValueId value : values) {
      if (shared) replacements_.add(value, leader(value, block));
      else leaders_of(value).push_back({block, value});
    }
    return shared;
  }
  // [end]

  Function& function_;
  const ValueNumbers& numbers_;
  PassContext& context_;
  Graph graph_;
  Dominators dominators_;
  std::vector<bool> overwritten_;             ///< by value
  std::vector<std::vector<Leader>> leaders_;  ///< by the value that stands for the class
  Replacements replacements_;
};

}  // namespace

void gvn(ir::Module& module, PassContext& context) {
  const Purity purity(module);
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (has_owners(function)) continue;
    const ValueNumbers numbers(module, function, purity);
    Gvn(function, numbers, context).run();
  }
}

}  // namespace tenon::opt
