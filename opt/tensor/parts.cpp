// parts: long reductions with few results. A block of threads computes a result, or a thread does; where
// there are fewer results than a GPU runs at once, most of it waits. So the longest range is cut into
// pieces, and a tensor takes what each piece comes to:
//
//     %s = compute [] { sum[i: 1000000](e(i)) }
//
//     %s.part = compute [i: 488] { sum[j: 2048](e(i * 2048 + j)) }
//     %s = compute [] { sum[i: 488](%s.part[i]) + sum[i: 576](e(i + 999424)) }
//
// What no piece takes the second one adds. A reduction that does not depend on the indices around it gets a
// compute of its own first, for the others wait for it. How many pieces there are depends on the extents
// alone: the same bits on every card. Sums and products of floats are added in another order then, which
// --strict forbids; there they stay as they are.
#include <algorithm>
#include <optional>

#include "opt/pass.h"
#include "opt/rewrite.h"
#include "opt/tensor/outer_reductions.h"

namespace tenon::opt {
namespace {

using namespace ir;

constexpr int64_t kBlocks = 1024;      ///< that a large GPU has at work, about
constexpr int64_t kThreads = 1 << 16;  ///< likewise, where a thread computes a result alone
constexpr int64_t kBlockPiece = 2048;  ///< elements that are worth a block: several for each thread
constexpr int64_t kThreadPiece = 64;   ///< likewise a thread
constexpr int64_t kRounded = 256;      ///< pieces of rows are multiples of it, and begin where a sector does

/// What puts the values of two pieces together; nothing of what is not put together so.
std::optional<ScalarOp> combining(Reduction reduction) {
  switch (reduction) {
    case Reduction::sum: return ScalarOp::add;
    case Reduction::prod: return ScalarOp::mul;
    case Reduction::max: return ScalarOp::max;
    case Reduction::min: return ScalarOp::min;
    case Reduction::any: return ScalarOp::or_;
    case Reduction::all: return ScalarOp::and_;
    default: return {};
  }
}

struct Pieces {
  size_t axis = 0;             ///< of the reduction's indices, the one that is cut
  int64_t count = 0, length = 0, rest = 0;
};

class Parts {
 public:
  Parts(Module& module, Function& function, PassContext& context)
      : module_(module), function_(function), exprs_(function.exprs), context_(context) {}

  void run() {
    rewrite_computes(function_, [&](Inst& inst, std::vector<Inst>& before) { rewrite(inst, before); });
  }

 private:
  void rewrite(Inst& inst, std::vector<Inst>& before) {
    for (const OuterReduction& found : outer_reductions(module_, function_, inst.get<Compute>())) {
      const std::optional<Pieces> pieces = cut(found);
      if (!pieces || !context_.may_rewrite("long reduction")) continue;
      const auto& compute = inst.get<Compute>();
      const ValueId parts = add_parts(inst, found, *pieces, before);
      const auto rank = static_cast<uint32_t>(compute.extents.size());
      const ExprId whole = found.is_everywhere(compute)
                               ? together(compute, found, *pieces, parts, rank, indices(found.levels))
                               : read_whole(inst, found, *pieces, parts, before);
      inst.attribute = with_replaced(exprs_, inst.get<Compute>(), found.id, whole);
    }
  }

  /// Whether neighbouring results lie beside each other in what is read, and neighbouring elements of the
  /// reduction do not: then each thread computes a result.
  bool is_by_columns(const OuterReduction& found) const {
    const Expr& reduction = exprs_[found.id];
    bool columns = false, rows = false;
    for_each_node(exprs_, reduction.reduce_body(), [&](ExprId id) {
      if (exprs_[id].kind != ExprKind::read || exprs_[id].args.empty()) return;
      bool own = false, outer = false;
      for_each_node(exprs_, exprs_[id].args.back(), [&](ExprId inside) {
        const Expr& index = exprs_[inside];
        if (index.kind != ExprKind::index) return;
        own |= index.level >= reduction.level;
        outer |= index.level < reduction.level;
      });
      rows |= own, columns |= outer && !own;
    });
    return columns && !rows;
  }

  /// The outermost index that has turns enough, for its pieces lie together; the longest if none has.
  static size_t axis_for(const std::vector<int64_t>& turns, int64_t most) {
    const auto enough = std::ranges::find_if(turns, [&](int64_t each) { return each >= most / 2; });
    return static_cast<size_t>((enough != turns.end() ? enough : std::ranges::max_element(turns)) -
                               turns.begin());
  }

  std::optional<Pieces> cut(const OuterReduction& found) const {
    const Expr& reduction = exprs_[found.id];
    const bool rounds = runtime::is_floating(reduction.type) &&
                        (reduction.reduction == Reduction::sum || reduction.reduction == Reduction::prod);
    if (!combining(reduction.reduction) || found.results == 0 || (rounds && context_.strict)) return {};
    const bool columns = is_by_columns(found);
    const int64_t all = found.turns_in_all();
    const int64_t most = std::min((columns ? kThreads : kBlocks) / found.results,
                                  all / (columns ? kThreadPiece : kBlockPiece));
    if (most < 2) return {};
    Pieces pieces;
    pieces.axis = axis_for(found.turns, most);
    const int64_t turns = found.turns[pieces.axis];
    pieces.length = (turns + most - 1) / most;
    if (pieces.axis + 1 == found.turns.size() && !columns)
      pieces.length = (pieces.length + kRounded - 1) / kRounded * kRounded;
    pieces.count = turns / pieces.length;
    pieces.rest = turns % pieces.length;
    if (pieces.count < 2) return {};
    return pieces;
  }

  ExprId number(int64_t value) { return exprs_.constant(Scalar::integer(DType::i64, value)); }
  ExprId sum(ExprId a, int64_t b) {
    return b == 0 ? a : exprs_.apply(ScalarOp::add, {a, number(b)});
  }
  std::vector<ExprId> indices(const std::vector<uint32_t>& levels) {
    std::vector<ExprId> all;
    for (const uint32_t level : levels) all.push_back(exprs_.index(level));
    return all;
  }
  std::vector<ExprId> bounds(const OuterReduction& found, size_t axis, int64_t turns) {
    std::vector<ExprId> all;
    for (size_t i = 0; i < found.turns.size(); ++i) {
      all.push_back(number(i == axis ? 0 : found.lo[i]));
      all.push_back(number(i == axis ? turns : found.lo[i] + found.turns[i]));
    }
    return all;
  }

  /// The reduction over `turns` turns of the axis that is cut, which begin at `first` of them, in a compute
  /// of `rank` indices.
  ExprId piece(const Compute& compute, const OuterReduction& found, const Pieces& pieces, uint32_t rank,
               const std::vector<ExprId>& levels, ExprId first, int64_t turns) {
    std::vector<ExprId> own;
    for (size_t i = 0; i < found.turns.size(); ++i) {
      const ExprId index = exprs_.index(rank + static_cast<uint32_t>(i));
      own.push_back(i == pieces.axis
                        ? sum(exprs_.apply(ScalarOp::add, {first, index}), found.lo[i])
                        : index);
    }
    const ExprId body = moved_body(exprs_, compute, found, rank, levels, own);
    return exprs_.reduce(exprs_[found.id].reduction, rank, bounds(found, pieces.axis, turns), body);
  }

  ValueId add(const Inst& inst, Compute made, std::string_view suffix, std::vector<Inst>& before) {
    const std::string hint = function_.value(inst.results[0]).name + std::string(suffix);
    const ValueId value = function_.add_value(
        module_.types.intern({exprs_[made.bodies[0]].type, made.extents}), hint);
    before.push_back({Op::compute, {value}, {}, std::move(made), inst.span});
    return value;
  }

  /// An index for each that the reduction depends on.
  std::vector<ExprId> add_extents(Compute& made, const Compute& compute, const OuterReduction& found) {
    std::vector<ExprId> levels;
    for (const uint32_t level : found.levels) {
      levels.push_back(exprs_.index(static_cast<uint32_t>(made.extents.size())));
      made.extents.push_back(compute.extents[level]);
    }
    return levels;
  }

  /// Pieces outermost: the results of one lie beside each other, as the threads that compute them do.
  ValueId add_parts(const Inst& inst, const OuterReduction& found, const Pieces& pieces,
                    std::vector<Inst>& before) {
    const auto& compute = inst.get<Compute>();
    Compute made{{pieces.count}, {}, {}};
    const std::vector<ExprId> levels = add_extents(made, compute, found);
    const auto rank = static_cast<uint32_t>(made.extents.size());
    const ExprId first = exprs_.apply(ScalarOp::mul, {exprs_.index(0), number(pieces.length)});
    made.bodies = {piece(compute, found, pieces, rank, levels, first, pieces.length)};
    return add(inst, std::move(made), ".part", before);
  }

  /// The parts and the rest, in a compute of `rank` indices where `levels` are those that the reduction
  /// depends on.
  ExprId together(const Compute& compute, const OuterReduction& found, const Pieces& pieces, ValueId parts,
                  uint32_t rank, const std::vector<ExprId>& levels) {
    const Reduction reduction = exprs_[found.id].reduction;
    std::vector<ExprId> subscripts{exprs_.index(rank)};
    subscripts.insert(subscripts.end(), levels.begin(), levels.end());
    const ExprId part = exprs_.read(parts, exprs_[found.id].type, subscripts);
    const ExprId all = exprs_.reduce(reduction, rank, {number(0), number(pieces.count)}, part);
    if (pieces.rest == 0) return all;
    const ExprId rest =
        piece(compute, found, pieces, rank, levels, number(pieces.count * pieces.length), pieces.rest);
    return exprs_.apply(*combining(reduction), {all, rest});
  }

  /// What several points of the compute share, as a tensor that is read.
  ExprId read_whole(const Inst& inst, const OuterReduction& found, const Pieces& pieces, ValueId parts,
                    std::vector<Inst>& before) {
    const auto& compute = inst.get<Compute>();
    Compute made;
    const std::vector<ExprId> levels = add_extents(made, compute, found);
    std::vector<ExprId> subscripts = indices(found.levels);
    if (levels.empty()) made.extents.push_back(1), subscripts.push_back(number(0));
    const auto rank = static_cast<uint32_t>(made.extents.size());
    made.bodies = {together(compute, found, pieces, parts, rank, levels)};
    const ValueId whole = add(inst, std::move(made), ".whole", before);
    return exprs_.read(whole, exprs_[found.id].type, subscripts);
  }

  Module& module_;
  Function& function_;
  Exprs& exprs_;
  PassContext& context_;
};

}  // namespace

void parts(Module& module, PassContext& context) {
  for (Function& function : module.functions) {
    context.enter(function);
    if (!has_owners(function)) Parts(module, function, context).run();
  }
}

}  // namespace tenon::opt
