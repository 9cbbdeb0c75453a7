// Innermost rewriting: operands first, then the operation itself. What a rule puts in the place of
// a term is built from the leaves up, every part of it brought into normal form at once, so that
// nothing is looked at twice and the work is proportional to the rewrites. It ends, because each
// rewrite goes down in a well-founded order (order.h).
#include "opt/rules/normal_form.h"

#include "opt/rules/known.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// Parts of right sides are rewritten inside each other no deeper than this: terms can be made for
/// which a rule that moves an operation inwards goes on for as long as they are deep.
constexpr int kMaxDepth = 64;

class Rewriter {
 public:
  Rewriter(Terms& terms, const Matcher& matcher, PassContext& context)
      : terms_(terms), matcher_(matcher), context_(context) {}

  // [snippet normal]
  Term normal(Term term, int depth) {
    while (depth < kMaxDepth) {
      if (const auto value = folded(terms_.node(term))) {
        return context_.may_rewrite("constant") ? terms_.constant(*value) : term;
      }
      const auto match = matcher_.find(terms_, term, context_.strict);
      if (!match || !context_.may_rewrite(match->rule->name)) return term;
      term = built(*match, match->rule->right, depth);
    }
    return term;
  }
  // [end]

 private:
  /// The value of an operation on constants; what fails at run time is left to fail there.
  std::optional<Scalar> folded(const TermNode& node) const {
    if (node.arity == 0) return std::nullopt;
    std::array<Scalar, 3> args;
    for (uint32_t i = 0; i < node.arity; ++i) {
      const TermNode arg = terms_.node(node.args[i]);
      if (arg.kind != ExprKind::constant) return std::nullopt;
      args[i] = arg.constant;
    }
    if (node.kind == ExprKind::convert) return runtime::convert(node.type, args[0]);
    if (node.kind == ExprKind::if_) return args[args[0].i != 0 ? 1 : 2];
    const std::span<const Scalar> given(args.data(), node.arity);
    if (runtime::divides_by_zero(node.op, given)) return std::nullopt;
    return runtime::eval(node.op, given);
  }

  /// A right side with its variables replaced; its operands are in normal form, itself it need not
  /// be.
  Term built(const Match& match, ExprId id, int depth) {
    const RuleSet& rules = matcher_.rules();
    if (rules.is_constant(id)) {
      const auto value = Known(rules, match, terms_).constant(id);
      return terms_.constant(value.value());  // the matcher has seen that it has one
    }
    const Expr& node = rules[id];
    if (node.kind == ExprKind::value) return match.terms[rules.variable(node).slot];
    std::vector<Term> args;
    for (const ExprId arg : node.args) {
      const bool leaf = rules.is_constant(arg) || rules[arg].kind == ExprKind::value;
      const Term part = built(match, arg, depth);
      args.push_back(leaf ? part : normal(part, depth + 1));
    }
    switch (node.kind) {
      case ExprKind::convert: return terms_.convert(node.type, args[0]);
      case ExprKind::if_: return terms_.if_(args[0], args[1], args[2]);
      default: return terms_.apply(node.op, std::move(args));
    }
  }

  Terms& terms_;
  const Matcher& matcher_;
  PassContext& context_;
};

}  // namespace

Term normal_form(Terms& terms, Term root, const Matcher& matcher, PassContext& context) {
  return Rewriter(terms, matcher, context).normal(root, 0);
}

}  // namespace tenon::opt
