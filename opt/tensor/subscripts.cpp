// A subscript is written as a sum of multiples of atoms (ir/linear.h). Quotients and remainders of
// sums by a constant c are taken apart. Whole multiples of c come out:
//   (c * A + B) / c = A + B / c            (c * A + B) % c = B % c
// and if g divides c and 0 <= B < g, then B need not be divided:
//   (g * A + B) / c = A / (c / g)          (g * A + B) % c = g * (A % (c / g)) + B
// (Exact integer division of affine forms, as in Halide's
// simplifier and in TVM's arith::IntervalSet and IterMap; Ragan-Kelley et al., PLDI 2013.)
#include "opt/tensor/subscripts.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "ir/range_prover.h"

namespace tenon::opt {
namespace {

using namespace ir;

constexpr int64_t kFuel = 100'000;

bool is_everything(Range r) {
  return r.lo == std::numeric_limits<int64_t>::min() || r.hi == std::numeric_limits<int64_t>::max();
}

class Subscripts {
 public:
  Subscripts(Function& function, const Compute& compute)
      : function_(function),
        exprs_(function.exprs),
        compute_(compute),
        prover_(function, levels(compute), kFuel) {}

  Compute run() {
    Compute simpler = compute_;
    for (ExprId& body : simpler.bodies) body = rewritten(body);
    simpler.sites.clear();
    for (const auto& [id, span] : compute_.sites) {
      const auto end = now_.upper_bound({id, kNoContext});
      for (auto now = now_.lower_bound({id, 0}); now != end; ++now)
        simpler.sites.emplace_back(now->second, span);
    }
    return prover_.exhausted() ? compute_ : simpler;
  }

 private:
  static constexpr uint32_t kNoContext = 0xffffffff;

  static std::vector<Range> levels(const Compute& compute) {
    std::vector<Range> levels;
    for (const int64_t extent : compute.extents) levels.push_back({0, extent - 1});
    return levels;
  }

  // ---- the walk: what is known differs between the branches of an if and the bodies of reductions

  ExprId rewritten(ExprId id) {
    if (const auto known = now_.find({id, context_}); known != now_.end()) return known->second;
    if (!prover_.step()) return id;
    const Expr node = exprs_[id];
    std::vector<ExprId> args = node.args;
    ExprId now = id;
    if (node.kind == ExprKind::if_) {
      now = rewritten_if(id, node);
    } else {
      const bool reduces = node.kind == ExprKind::reduce, reads = node.kind == ExprKind::read;
      for (size_t i = 0; i + (reduces ? 1 : 0) < args.size(); ++i)
        args[i] = reads ? simplest(args[i]) : rewritten(args[i]);
      if (reduces) {
        within([&](auto inside) { prover_.in_reduction(node, inside); },
               [&] { args.back() = rewritten(args.back()); });
      }
      now = exprs_.with_args(id, std::move(args));
    }
    now_[{id, context_}] = now;
    return now;
  }

  ExprId rewritten_if(ExprId id, const Expr& node) {
    std::vector<ExprId> args = {rewritten(node.args[0]), {}, {}};
    for (const bool holds : {true, false}) {
      ExprId& branch = args[holds ? 1 : 2];
      within([&](auto inside) { prover_.in_branch(node.args[0], holds, inside); },
             [&] { branch = rewritten(node.args[holds ? 1 : 2]); });
    }
    // A branch that was not entered cannot be taken.
    if (!args[1] || !args[2]) {
      if (cannot_fail(node.args[0])) return args[1] ? args[1] : args[2];
      if (!args[1]) args[1] = node.args[1];
      if (!args[2]) args[2] = node.args[2];
    }
    return exprs_.with_args(id, std::move(args));
  }

  /// Runs `work` in what `enter` knows, with results of its own.
  template <class Enter, class Work>
  void within(Enter enter, Work work) {
    const uint32_t around = context_;
    context_ = ++contexts_;
    enter(work);
    context_ = around;
  }

  bool cannot_fail(ExprId root) const {
    bool fails = false;
    for_each_node(exprs_, root, [&](ExprId id) {
      const Expr& node = exprs_[id];
      fails |= node.kind == ExprKind::read || node.kind == ExprKind::call ||
               node.kind == ExprKind::reduce;
      if (node.kind == ExprKind::apply && (node.op == ScalarOp::div || node.op == ScalarOp::mod))
        fails |= runtime::is_integer(node.type) && !divisor(node);
    });
    return !fails;
  }

  /// Of a quotient or a remainder by a positive constant.
  std::optional<int64_t> divisor(const Expr& node) const {
    const Expr& by = exprs_[node.args[1]];
    if (by.kind != ExprKind::constant || by.constant.i <= 0) return {};
    return by.constant.i;
  }

  // ---- sums

  /// The subscript itself, unless its sum has fewer divisions, or as many and fewer nodes.
  ExprId simplest(ExprId id) {
    const ExprId inside = rewritten(id);
    if (!cannot_fail(id)) return inside;
    const std::optional<Linear> sum = linear(id);
    if (!sum) return inside;
    const ExprId now = built(*sum);
    const auto cost = [&](ExprId e) { return std::pair(divisions(e), exprs_[e].tree_size); };
    return cost(now) < cost(inside) ? now : inside;
  }

  size_t divisions(ExprId root) const {
    size_t count = 0;
    for_each_node(exprs_, root, [&](ExprId id) {
      const Expr& node = exprs_[id];
      count += node.kind == ExprKind::apply &&
               (node.op == ScalarOp::div || node.op == ScalarOp::mod);
    });
    return count;
  }

  /// As a sum; as a single atom where it may wrap around or is no sum; nothing if a number does not
  /// fit.
  std::optional<Linear> linear(ExprId id) {
    const Expr node = exprs_[id];
    const Linear atom{{{id, 1}}, 0};
    if (node.kind == ExprKind::constant) return Linear{{}, node.constant.i};
    if (!prover_.step()) return {};
    if (node.kind != ExprKind::apply || is_everything(prover_.range(id))) return atom;
    switch (node.op) {
      case ScalarOp::add: return combined(linear(node.args[0]), 1, linear(node.args[1]));
      case ScalarOp::sub: return combined(linear(node.args[0]), -1, linear(node.args[1]));
      case ScalarOp::neg: return combined(Linear{}, -1, linear(node.args[0]));
      case ScalarOp::mul: {
        auto left = linear(node.args[0]), right = linear(node.args[1]);
        if (left && !left->terms.empty()) std::swap(left, right);
        if (!left || !right || !left->terms.empty()) return atom;
        return combined(Linear{}, left->constant, right);
      }
      case ScalarOp::div:
      case ScalarOp::mod: {
        const auto by = divisor(node);
        const auto sum = by ? linear(node.args[0]) : std::nullopt;
        if (!sum) return atom;
        return node.op == ScalarOp::div ? quotient(*sum, *by) : remainder(*sum, *by);
      }
      default: return atom;
    }
  }

  std::optional<Linear> combined(const std::optional<Linear>& a, int64_t factor,
                                 const std::optional<Linear>& b) {
    if (!a || !b) return {};
    std::optional<Linear> sum = add(*a, factor, *b);
    return sum ? recombined(*sum) : sum;
  }

  /// k * c * (A / c) + k * (A % c) is k * A.
  std::optional<Linear> recombined(Linear sum) {
    for (const auto& [quotient, factor] : sum.terms) {
      const Expr& node = exprs_[quotient];
      if (node.kind != ExprKind::apply || node.op != ScalarOp::div || !divisor(node)) continue;
      const int64_t by = *divisor(node);
      const ExprId whole = node.args[0], rest = exprs_.apply(ScalarOp::mod, {whole, node.args[1]});
      for (const auto& [other, k] : sum.terms) {
        if (other != rest || factor % by != 0 || factor / by != k) continue;
        const auto without = add(sum, -1, {{{quotient, factor}}, 0});
        const auto both = without ? add(*without, -k, {{{rest, 1}}, 0}) : without;
        return combined(both, k, linear(whole));
      }
    }
    return sum;
  }

  /// L = g * A + B, with all in A that is a multiple of g, and 0 <= B's constant < g.
  struct Split {
    int64_t g;
    Linear a, b;
  };
  static Split split(const Linear& sum, int64_t g) {
    Split parts{g, {}, {}};
    for (const auto& [id, factor] : sum.terms) {
      const bool whole = factor % g == 0;
      (whole ? parts.a : parts.b).terms.emplace_back(id, whole ? factor / g : factor);
    }
    parts.b.constant = sum.constant % g + (sum.constant % g < 0 ? g : 0);
    parts.a.constant = (sum.constant - parts.b.constant) / g;
    return parts;
  }

  /// With the largest g that divides `by` and leaves 0 <= B < g; 1 always does.
  Split split_small(const Linear& sum, int64_t by) {
    Split best{1, sum, {}};
    std::vector<int64_t> candidates = {by};
    for (const auto& [id, factor] : sum.terms) candidates.push_back(std::gcd(by, factor));
    for (const int64_t g : candidates) {
      if (g <= best.g) continue;
      Split parts = split(sum, g);
      const Range rest = prover_.range(built(parts.b));
      if (rest.lo >= 0 && rest.hi < g) best = std::move(parts);
    }
    return best;
  }

  std::optional<Linear> quotient(const Linear& sum, int64_t by) {
    const Split multiples = split(sum, by), small = split_small(multiples.b, by);
    return combined(multiples.a, 1, single(ScalarOp::div, small.a, by / small.g));
  }

  std::optional<Linear> remainder(const Linear& sum, int64_t by) {
    const Split small = split_small(split(sum, by).b, by);
    return combined(small.b, small.g, single(ScalarOp::mod, small.a, by / small.g));
  }

  /// A quotient or remainder that stays, unless its range decides it.
  Linear single(ScalarOp op, const Linear& sum, int64_t by) {
    if (by == 1) return op == ScalarOp::div ? sum : Linear{};
    const ExprId whole = built(sum);
    const ExprId id = exprs_.apply(op, {whole, integer(by)});
    const Range all = prover_.range(whole), r = prover_.range(id);
    if (r.lo == r.hi) return {{}, r.lo};
    if (op == ScalarOp::mod && all.lo >= 0 && all.hi < by) return sum;
    return {{{id, 1}}, 0};
  }

  // ---- sums as expressions

  ExprId integer(int64_t value) { return exprs_.constant(Scalar::integer(DType::i64, value)); }

  ExprId built(const Linear& sum) {
    std::optional<ExprId> so_far;
    const auto put = [&](ExprId term, int64_t factor) {
      const bool minus = factor < 0 && so_far;
      const int64_t times = minus ? -factor : factor;
      if (times != 1) term = exprs_.apply(ScalarOp::mul, {term, integer(times)});
      so_far = so_far ? exprs_.apply(minus ? ScalarOp::sub : ScalarOp::add, {*so_far, term}) : term;
    };
    for (const auto& [id, factor] : sum.terms)
      if (factor > 0) put(id, factor);
    for (const auto& [id, factor] : sum.terms)
      if (factor < 0) put(id, factor);
    if (!so_far) return integer(sum.constant);
    if (sum.constant == 0) return *so_far;
    return sum.constant > 0 ? exprs_.apply(ScalarOp::add, {*so_far, integer(sum.constant)})
                            : exprs_.apply(ScalarOp::sub, {*so_far, integer(-sum.constant)});
  }

  Function& function_;
  Exprs& exprs_;
  const Compute& compute_;
  RangeProver prover_;
  uint32_t context_ = 0, contexts_ = 0;
  std::map<std::pair<ExprId, uint32_t>, ExprId> now_;  ///< by node and context
};

}  // namespace

Compute with_simple_subscripts(Function& function, const Compute& compute) {
  bool divides = false;
  for_each_node(function.exprs, compute.bodies, [&](ExprId id) {
    const Expr& node = function.exprs[id];
    divides |= node.kind == ExprKind::if_ ||
               (node.type == DType::i64 && node.kind == ExprKind::apply &&
                (node.op == ScalarOp::div || node.op == ScalarOp::mod));
  });
  const bool empty = std::ranges::find(compute.extents, 0) != compute.extents.end();
  if (!divides || empty) return compute;  // there is nothing to undo, or nothing is evaluated
  return Subscripts(function, compute).run();
}

}  // namespace tenon::opt
