// One walk over a body from the leaves up. What is known of a node differs from place to place: in
// a branch its condition holds, in a reduction its indices have ranges. So nodes are remembered per
// scope, and a body that is a small graph but a huge tree is left as it is once the prover has run
// out of fuel.
#include "opt/scalar/simplify_body.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "ir/range_prover.h"
#include "opt/rules/normal_form.h"
#include "opt/scalar/idle_indices.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// The nodes of a body as terms.
class BodyTerms : public Terms {
 public:
  BodyTerms(const Module& module, Function& function, const Compute& compute)
      : exprs_(function.exprs), prover_(function, compute) {
    for (const ExprId id : fallible_nodes(module, function, compute)) fallible_.insert(id);
  }

  TermNode node(Term term) const override {
    const Expr& expr = exprs_[ExprId{term}];
    TermNode node{.type = expr.type};
    switch (expr.kind) {
      case ExprKind::constant:
      case ExprKind::apply:
      case ExprKind::convert:
      case ExprKind::if_: break;
      default: return node;
    }
    node.kind = expr.kind;
    node.op = expr.op;
    node.constant = expr.constant;
    for (const ExprId arg : expr.args) node.args[node.arity++] = arg.index;
    return node;
  }
  Range range(Term term) override { return prover_.range({term}); }
  bool may_fail(Term term) const override { return may_fail(ExprId{term}); }
  /// An element is computed as its expression is written.
  bool is_shared(Term) const override { return false; }

  Term constant(Scalar value) override { return exprs_.constant(value).index; }
  Term apply(ScalarOp op, std::vector<Term> args) override {
    std::vector<ExprId> ids;
    for (const Term arg : args) ids.push_back({arg});
    return exprs_.apply(op, std::move(ids)).index;
  }
  Term convert(DType to, Term operand) override { return exprs_.convert(to, {operand}).index; }
  Term if_(Term condition, Term then, Term otherwise) override {
    return exprs_.if_({condition}, {then}, {otherwise}).index;
  }

  RangeProver& prover() { return prover_; }

  bool may_fail(ExprId id) const {
    if (const auto known = may_fail_.find(id); known != may_fail_.end()) return known->second;
    bool result = fallible_.contains(id);
    for (const ExprId arg : exprs_[id].args) result = may_fail(arg) || result;
    return may_fail_[id] = result;
  }
  /// `now` stands in the place of `before`, with other operands.
  void replaced(ExprId before, ExprId now) {
    if (fallible_.contains(before) && fallible_.insert(now).second) may_fail_.clear();
  }

 private:
  Exprs& exprs_;
  RangeProver prover_;
  std::unordered_set<ExprId> fallible_;  ///< that fail themselves
  mutable std::unordered_map<ExprId, bool> may_fail_;
};

class BodySimplifier {
 public:
  BodySimplifier(Module& module, Function& function, Compute& compute, PassContext& context,
                 const std::function<std::optional<Scalar>(ValueId)>& constant_of)
      : function_(function),
        compute_(compute),
        context_(context),
        constant_of_(constant_of),
        terms_(module, function, compute) {
    for (const auto& [id, span] : compute.sites) sites_before_.emplace(id, span);
  }

  void run() {
    for (ExprId& body : compute_.bodies) body = visit(body);
    compute_.sites.clear();
    for_each_node(function_.exprs, compute_.bodies, [&](ExprId id) {
      const bool is_new = sites_.contains(id);
      const auto site = is_new ? sites_.find(id) : sites_before_.find(id);
      if (is_new || site != sites_before_.end()) compute_.sites.emplace_back(*site);
    });
  }

 private:
  using Done = std::unordered_map<ExprId, ExprId>;

  ExprId visit(ExprId id) {
    if (const auto done = done_.find(id); done != done_.end()) return done->second;
    if (!terms_.prover().step()) return id;
    const Expr before = function_.exprs[id];
    const ExprId rebuilt = function_.exprs.with_args(id, operands(before));
    terms_.replaced(id, rebuilt);
    if (const auto site = sites_before_.find(id); site != sites_before_.end())
      sites_.emplace(rebuilt, site->second);
    return done_[id] = {normal_form(terms_, simpler(rebuilt).index, built_in_matcher(), context_)};
  }

  std::vector<ExprId> operands(const Expr& node) {
    std::vector<ExprId> args = node.args;
    if (node.kind == ExprKind::if_) {
      args[0] = visit(args[0]);
      for (const size_t branch : {1, 2})
        terms_.prover().in_branch(args[0], branch == 1,
                                  [&] { args[branch] = visit_inside(args[branch]); });
      return args;
    }
    const bool reduces = node.kind == ExprKind::reduce;
    const size_t outside = args.size() - (reduces ? 1 : 0);
    for (size_t i = 0; i < outside; ++i) args[i] = visit(args[i]);
    if (reduces && !terms_.prover().never_runs(node))
      terms_.prover().in_reduction(node, [&] { args.back() = visit_inside(args.back()); });
    return args;
  }

  /// In a scope of its own.
  ExprId visit_inside(ExprId id) {
    Done outside = std::exchange(done_, {});
    const ExprId now = visit(id);
    done_ = std::move(outside);
    return now;
  }

  /// What no rule says: of values that are known, and of reductions that come to nothing.
  ExprId simpler(ExprId id) {
    const Expr& node = function_.exprs[id];
    std::optional<Scalar> known;
    if (node.kind == ExprKind::value) {
      known = constant_of_(node.value);
      if (known && context_.may_rewrite("constant")) return function_.exprs.constant(*known);
    } else if (node.kind == ExprKind::reduce) {
      known = identity(node);
      if (known && changes_nothing(node, *known) && context_.may_rewrite("idle reduction"))
        return function_.exprs.constant(*known);
      const ExprId shorter =
          without_idle_indices(function_.exprs, id, terms_.may_fail(node.reduce_body()));
      if (shorter != id && context_.may_rewrite("idle index")) {
        if (const auto site = sites_.find(id); site != sites_.end()) sites_.emplace(shorter, site->second);
        return shorter;
      }
    }
    return id;
  }

  /// What sum, prod, any and all start from.
  static std::optional<Scalar> identity(const Expr& reduce) {
    const auto number = [&](int n) {
      return runtime::is_floating(reduce.type) ? Scalar::floating(reduce.type, n)
                                               : Scalar::integer(reduce.type, n);
    };
    switch (reduce.reduction) {
      case Reduction::sum: return number(0);
      case Reduction::prod: return number(1);
      case Reduction::any: return Scalar::boolean(false);
      case Reduction::all: return Scalar::boolean(true);
      default: return std::nullopt;
    }
  }

  /// Its range is empty, or its body always the identity.
  bool changes_nothing(const Expr& reduce, Scalar identity) {
    for (size_t i = 0; i + 1 < reduce.args.size(); ++i)
      if (terms_.may_fail(reduce.args[i])) return false;
    const Expr& body = function_.exprs[reduce.reduce_body()];
    return (body.kind == ExprKind::constant && body.constant == identity) ||
           terms_.prover().never_runs(reduce);
  }

  Function& function_;
  Compute& compute_;
  PassContext& context_;
  const std::function<std::optional<Scalar>(ValueId)>& constant_of_;
  BodyTerms terms_;
  Done done_;
  std::unordered_map<ExprId, Span> sites_before_, sites_;
};

}  // namespace

void simplify_body(Module& module, Function& function, Compute& compute, PassContext& context,
                   const std::function<std::optional<Scalar>(ValueId)>& constant_of) {
  for (const int64_t extent : compute.extents)
    if (extent == 0) return;  // nothing is evaluated
  BodySimplifier(module, function, compute, context, constant_of).run();
}

}  // namespace tenon::opt
