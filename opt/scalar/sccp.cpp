// sccp: sparse conditional constant propagation (Wegman and Zadeck, "Constant Propagation with
// Conditional Branches", TOPLAS 13(2), 1991).
//
//   jump loop(%one)                    jump loop
//   loop(%x: i64):              =>   loop:
//     %y = mul %x, %x                  %y = const 1
//     branch %c, again, out            branch %c, again, out
//   again:                           again:
//     jump loop(%y)                    jump loop
//
// Two questions answer each other: which values are constant, if only some edges are ever taken; and
// which edges are taken, if some conditions are constant. Both start out hopeful: every value is
// unknown and no edge is taken. What is evaluated then only falls, unknown -> constant -> varying, and
// twice at most, so that the work is linear in uses and edges; what has not fallen when nothing
// changes any more is true. `simplify`, which trusts what it has seen so far, must give up at every loop.
//
// What branches on the way make known (known_conditions.h) becomes constant first, so that the search
// starts from it.
//
// It always pays. Arithmetic is the interpreter's; a division by a constant zero stays and fails.
#include <array>

#include "ir/dominators.h"
#include "opt/analysis/uses.h"
#include "opt/pass.h"
#include "opt/rewrite.h"
#include "opt/scalar/known_conditions.h"

namespace tenon::opt {
namespace {

using namespace ir;

class Sccp {
 public:
  Sccp(const Module& module, Function& function, PassContext& context)
      : module_(module),
        function_(function),
        context_(context),
        uses_(function),
        cells_(function.values.size()),
        taken_(function.blocks.size()),
        reached_(function.blocks.size()) {}

  void run() {
    solve();
    rewrite();
  }

 private:
  struct Cell {
    enum { unknown, constant, varying } state = unknown;
    Scalar value;
  };
  struct TakenEdge {
    BlockId from;
    size_t edge;
  };

  // ---- the two questions

  void solve() {
    for (ValueId param : function_.params) lower(param, {Cell::varying, {}});
    reach({0});
    while (!edges_.empty() || !changed_.empty()) {
      while (!edges_.empty()) {
        const auto [from, number] = edges_.back();
        edges_.pop_back();
        const Edge& edge = successors(function_.block(from))[number];
        pass(edge);
        reach(edge.target);
      }
      if (changed_.empty()) continue;
      const ValueId value = changed_.back();
      changed_.pop_back();
      for (const User& user : uses_.of(value)) {
        if (reached_[user.block.index])
          visit(user.block, function_.block(user.block).insts[user.position]);
      }
    }
  }

  void reach(BlockId block) {
    if (reached_[block.index]) return;
    reached_[block.index] = true;
    for (const Inst& inst : function_.block(block).insts) visit(block, inst);
  }

  void take(BlockId from, size_t number) {
    if (taken_[from.index][number]) return;
    taken_[from.index][number] = true;
    edges_.push_back({from, number});
  }

  void pass(const Edge& edge) {
    const std::vector<ValueId>& params = function_.block(edge.target).params;
    for (size_t p = 0; p < params.size(); ++p) lower(params[p], cells_[edge.args[p].index]);
  }

  // [snippet lower]
  /// The cell becomes the meet of itself and `to`.
  void lower(ValueId value, const Cell& to) {
    Cell& cell = cells_[value.index];
    if (to.state == Cell::unknown || cell.state == Cell::varying) return;
    if (cell.state == Cell::constant) {
      if (to.state == Cell::constant && to.value == cell.value) return;
      cell.state = Cell::varying;
    } else {
      cell = to;
    }
    changed_.push_back(value);
  }
  // [end]

  void visit(BlockId block, const Inst& inst) {
    if (row(inst.op).trait == Trait::terminator) return visit_terminator(block, inst);
    for (ValueId result : inst.results) lower(result, value_of(inst));
  }

  // [snippet terminator]
  void visit_terminator(BlockId block, const Inst& inst) {
    if (inst.op == Op::branch) {
      const Cell& condition = cells_[inst.args[0].index];
      const bool varies = condition.state == Cell::varying;
      const bool known = condition.state == Cell::constant;
      if (varies || (known && condition.value.i)) take(block, 0);
      if (varies || (known && !condition.value.i)) take(block, 1);
    } else if (inst.op == Op::jump) {
      take(block, 0);
    }
    const std::vector<Edge>& edges = successors(function_.block(block));
    for (size_t e = 0; e < edges.size(); ++e)
      if (taken_[block.index][e]) pass(edges[e]);
  }
  // [end]

  Cell value_of(const Inst& inst) const {
    if (inst.op == Op::constant) return {Cell::constant, inst.get<Scalar>()};
    if (inst.op != Op::apply && inst.op != Op::convert) return {Cell::varying, {}};
    std::vector<Scalar> args;
    bool varies = false;
    for (ValueId arg : inst.args) {
      const Cell& cell = cells_[arg.index];
      if (cell.state == Cell::unknown) return {};
      varies = varies || cell.state == Cell::varying;
      args.push_back(cell.value);
    }
    const bool selects = inst.op == Op::apply && inst.get<ScalarOp>() == ScalarOp::select;
    if (selects && cells_[inst.args[0].index].state == Cell::constant)
      return cells_[inst.args[args[0].i ? 1 : 2].index];
    if (varies) return {Cell::varying, {}};
    if (inst.op == Op::convert) {
      const DType to = module_.type(function_, inst.result()).dtype;
      return {Cell::constant, runtime::convert(to, args[0])};
    }
    if (runtime::divides_by_zero(inst.get<ScalarOp>(), args)) return {Cell::varying, {}};
    return {Cell::constant, runtime::eval(inst.get<ScalarOp>(), args)};
  }

  // ---- what follows from the answers

  void rewrite() {
    bool took_branch = false;
    std::vector<bool> settled(function_.values.size());  // parameters that become constants
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      if (!reached_[b]) continue;
      Block& block = function_.blocks[b];
      for (Inst& inst : block.insts) become_constant(inst);
      took_branch |= become_jump({b}, block.insts.back());
      std::vector<Inst> constants;
      for (ValueId param : block.params) {
        const Cell& cell = cells_[param.index];
        if (cell.state != Cell::constant || !context_.may_rewrite("block parameter")) continue;
        settled[param.index] = true;
        const Span span = block.insts[0].span;
        constants.push_back({Op::constant, {param}, {}, cell.value, span});
      }
      block.insts.insert(block.insts.begin(), constants.begin(), constants.end());
    }
    remove_params(function_, [&](ValueId param) { return settled[param.index]; });
    if (took_branch) remove_unreachable(function_);
  }

  void become_constant(Inst& inst) {
    if ((inst.op != Op::apply && inst.op != Op::convert) || !inst.result()) return;
    const Cell& cell = cells_[inst.result().index];
    if (cell.state != Cell::constant || !context_.may_rewrite("constant")) return;
    inst = {Op::constant, inst.results, {}, cell.value, inst.span};
  }

  bool become_jump(BlockId block, Inst& end) {
    const std::array<bool, 2>& taken = taken_[block.index];
    if (end.op != Op::branch || taken[0] == taken[1] || !context_.may_rewrite("branch")) return false;
    Edge edge = end.get<std::vector<Edge>>()[taken[0] ? 0 : 1];
    end = {Op::jump, {}, {}, std::vector<Edge>{std::move(edge)}, end.span};
    return true;
  }

  const Module& module_;
  Function& function_;
  PassContext& context_;
  Uses uses_;
  std::vector<Cell> cells_;                   ///< by value
  std::vector<std::array<bool, 2>> taken_;    ///< by block: its edges
  std::vector<bool> reached_;                 ///< by block
  std::vector<TakenEdge> edges_;              ///< still to be followed
  std::vector<ValueId> changed_;              ///< values whose users are still to be visited
};

}  // namespace

void sccp(ir::Module& module, PassContext& context) {
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (has_owners(function)) continue;
    use_known_conditions(function, context);
    Sccp(module, function, context).run();
  }
}

}  // namespace tenon::opt
