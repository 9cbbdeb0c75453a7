// If-conversion (Allen, Kennedy, Porterfield and Warren, POPL 1983), for what is cheaper to compute in
// vain than to decide:
//
//     branch %c, then, else            %a = add %x, %y
//   then:                              %s = sub %x, %y
//     %a = add %x, %y          =>      %r = select %c, %a, %s
//     jump join(%a)                    jump join(%r)
//   else:
//     %s = sub %x, %y
//     jump join(%s)
//
// The cost: both sides are always computed. A branch that the processor predicts wrongly costs some
// fifteen cycles, one that it predicts rightly costs what it decides about; so up to kBudget operations
// of a cycle or two each are taken into the bargain, selects included, and a division or root, of which
// one takes longer than a right guess saves, never is. Tensors are not selected, as that would copy.
// Nothing that may fail is computed where it was not asked for.
#include "opt/scalar/if_to_select.h"

#include <algorithm>
#include <optional>

#include "ir/dominators.h"
#include "opt/rewrite.h"

namespace tenon::opt {
namespace {

using namespace ir;

constexpr int kBudget = 4;

/// A cycle or two on every processor, and no way to fail.
bool is_cheap(const Inst& inst) {
  if (inst.op == Op::constant || inst.op == Op::convert) return true;
  if (inst.op != Op::apply) return false;
  switch (inst.get<ScalarOp>()) {
    case ScalarOp::div:
    case ScalarOp::mod:
    case ScalarOp::sqrt:
    case ScalarOp::rsqrt:
    case ScalarOp::exp:
    case ScalarOp::log:
    case ScalarOp::log2:
    case ScalarOp::sin:
    case ScalarOp::cos:
    case ScalarOp::tanh:
    case ScalarOp::erf:
    case ScalarOp::pow: return false;
    default: return true;
  }
}

class IfToSelect {
 public:
  IfToSelect(Module& module, Function& function, PassContext& context)
      : module_(module), function_(function), context_(context), ways_in_(function.blocks.size()) {
    for (const Block& block : function.blocks)
      for (const Edge& edge : successors(block)) ++ways_in_[edge.target.index];
  }

  bool run() {
    bool any = false;
    for (uint32_t b = 0; b < function_.blocks.size(); ++b)
      while (convert({b})) any = true;
    return any;
  }

 private:
  /// One way out of a branch, as far as where both meet.
  struct Side {
    Block* between = nullptr;  ///< what must be computed on it; none if it leads there at once
    Edge to;
  };

  bool convert(BlockId from) {
    const Inst& end = function_.block(from).insts.back();
    if (end.op != Op::branch) return false;
    const auto& edges = end.get<std::vector<Edge>>();
    const std::optional<Side> through[] = {side_through(edges[0]), side_through(edges[1])};
    const Side at_once[] = {{nullptr, edges[0]}, {nullptr, edges[1]}};
    for (const auto& [then, otherwise] :
         {std::pair(std::optional(at_once[0]), std::optional(at_once[1])),
          {through[0], at_once[1]}, {at_once[0], through[1]}, {through[0], through[1]}}) {
      if (!then || !otherwise || then->to.target != otherwise->to.target) continue;
      if (cost(*then, *otherwise) > kBudget || !context_.may_rewrite("if to select")) return false;
      rewrite(from, *then, *otherwise);
      return true;
    }
    return false;
  }

  /// Through a block that only this edge leads to, and that is cheap.
  std::optional<Side> side_through(const Edge& edge) {
    Block& between = function_.block(edge.target);
    const Inst& end = between.insts.back();
    if (ways_in_[edge.target.index] != 1 || !between.params.empty() || end.op != Op::jump)
      return std::nullopt;
    const bool cheap = std::all_of(between.insts.begin(), between.insts.end() - 1, is_cheap);
    if (!cheap) return std::nullopt;
    return Side{&between, end.get<std::vector<Edge>>()[0]};
  }

  // [snippet cost]
  /// In operations; constants are none. Too much if a tensor would have to be selected.
  int cost(const Side& then, const Side& otherwise) const {
    int cost = 0;
    for (const Side* side : {&then, &otherwise}) {
      if (!side->between) continue;
      cost += static_cast<int>(std::ranges::count_if(
          side->between->insts, [](const Inst& inst) { return inst.op != Op::constant; }));
      --cost;  // the jump
    }
    for (size_t i = 0; i < then.to.args.size(); ++i) {
      const ValueId arg = then.to.args[i];
      if (arg == otherwise.to.args[i]) continue;
      cost += module_.type(function_, arg).is_scalar() ? 1 : kBudget + 1;
    }
    return cost;
  }
  // [end]

  void rewrite(BlockId from, const Side& then, const Side& otherwise) {
    std::vector<Inst>& insts = function_.block(from).insts;
    const Inst branch = std::move(insts.back());
    insts.pop_back();
    for (const Side* side : {&then, &otherwise}) {
      if (!side->between) continue;
      std::vector<Inst>& moved = side->between->insts;
      std::move(moved.begin(), moved.end() - 1, std::back_inserter(insts));
      moved.erase(moved.begin(), moved.end() - 1);
    }
    Edge edge = then.to;
    for (size_t i = 0; i < edge.args.size(); ++i) {
      ValueId& arg = edge.args[i];
      if (arg == otherwise.to.args[i]) continue;
      const ValueId param = function_.block(edge.target).params[i];
      const Value like = function_.value(param);
      const ValueId selected = function_.add_value(like.type, without_number(like.name));
      insts.push_back({Op::apply, {selected}, {branch.args[0], arg, otherwise.to.args[i]},
                       ScalarOp::select, branch.span});
      arg = selected;
    }
    for (const Edge& old : branch.get<std::vector<Edge>>()) --ways_in_[old.target.index];
    ++ways_in_[edge.target.index];
    insts.push_back({Op::jump, {}, {}, std::vector<Edge>{std::move(edge)}, branch.span});
  }

  Module& module_;
  Function& function_;
  PassContext& context_;
  std::vector<int> ways_in_;
};

}  // namespace

bool ifs_to_selects(Module& module, Function& function, PassContext& context) {
  return IfToSelect(module, function, context).run();
}

}  // namespace tenon::opt
