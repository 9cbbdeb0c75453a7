// Rules stand in lists by the operation and the type at their root, in the order of the files. Of a
// list, those are skipped at once whose operands' operations are other ones.
#include "opt/rules/match.h"

#include <algorithm>

#include "opt/rules/evaluation.h"
#include "opt/rules/known.h"
#include "opt/rules/order.h"

namespace tenon::opt {

using namespace ir;

namespace {

constexpr size_t kHeads = std::size(runtime::kScalarOps) + 8;

}  // namespace

Matcher::Head Matcher::head(ExprKind kind, ScalarOp op) {
  switch (kind) {
    case ExprKind::constant: return 1;
    case ExprKind::convert: return 2;
    case ExprKind::if_: return 3;
    case ExprKind::apply: return static_cast<Head>(4 + static_cast<int>(op));
    default: return static_cast<Head>(kHeads - 1);
  }
}

/// Of an apply, `type` is its last operand's: comparisons all give bool.
size_t Matcher::root_key(Head head, DType type) {
  return static_cast<size_t>(head) * std::size(runtime::kDTypes) + static_cast<size_t>(type);
}

Matcher::Head Matcher::head_of_pattern(ExprId id) const {
  const Expr& node = rules_[id];
  if (rules_.is_constant(id)) return head(ExprKind::constant, {});
  return node.kind == ExprKind::value ? kAny : head(node.kind, node.op);
}

Matcher::Matcher(const RuleSet& rules) : rules_(rules) {
  by_root_.resize(kHeads * std::size(runtime::kDTypes));
  for (uint32_t r = 0; r < rules.rules().size(); ++r) {
    for (const ExprId form : rules.rules()[r].forms) {
      const Expr& node = rules[form];
      Entry entry{r, form};
      for (size_t i = 0; i < node.args.size(); ++i)
        entry.operands[i] = head_of_pattern(node.args[i]);
      const DType type = node.kind == ExprKind::apply ? rules[node.args.back()].type : node.type;
      by_root_[root_key(head(node.kind, node.op), type)].push_back(entry);
    }
  }
}

std::optional<Match> Matcher::find(Terms& terms, Term root, bool strict) const {
  const TermNode node = terms.node(root);
  if (node.arity == 0) return std::nullopt;
  std::array<Head, 3> operands{kAny, kAny, kAny};
  DType type = node.type;
  for (uint32_t i = 0; i < node.arity; ++i) {
    const TermNode operand = terms.node(node.args[i]);
    operands[i] = head(operand.kind, operand.op);
    if (node.kind == ExprKind::apply) type = operand.type;
  }
  for (const Entry& entry : by_root_[root_key(head(node.kind, node.op), type)]) {
    bool rejected = false;
    for (size_t i = 0; i < 3; ++i)
      rejected |= entry.operands[i] != kAny && entry.operands[i] != operands[i];
    const Rule& rule = rules_.rules()[entry.rule];
    if (rejected || (strict && rule.rule_class == RuleClass::by_default)) continue;
    Match match;
    match.rule = &rule;
    match.form = entry.form;
    match.root = root;
    if (fits(terms, entry.form, root, match) && applies(terms, match)) return match;
  }
  return std::nullopt;
}

bool Matcher::fits(Terms& terms, ExprId pattern, Term term, Match& match) const {
  const Expr& wanted = rules_[pattern];
  if (wanted.kind == ExprKind::value) return bind(terms, rules_.variable(wanted), term, match);
  const TermNode node = terms.node(term);
  if (!wanted.args.empty() && rules_.is_constant(pattern)) {  // width - 1
    return node.kind == ExprKind::constant &&
           Known(rules_, match, terms).constant(pattern) == node.constant;
  }
  if (node.kind != wanted.kind || node.type != wanted.type) return false;
  if (node.kind == ExprKind::constant) return node.constant == wanted.constant;
  if (node.kind == ExprKind::apply && node.op != wanted.op) return false;
  if (term == match.root || !terms.is_shared(term)) ++match.saved;
  for (size_t i = 0; i < wanted.args.size(); ++i)
    if (!fits(terms, wanted.args[i], node.args[i], match)) return false;
  return true;
}

bool Matcher::bind(Terms& terms, const Variable& variable, Term term, Match& match) const {
  const TermNode node = terms.node(term);
  if (node.type != variable.type) return false;
  const bool constant = node.kind == ExprKind::constant;
  if (variable.kind > Variable::constant) {
    const auto value = Known(rules_, match, terms).constant(variable);
    return constant && node.constant == value;
  }
  if (variable.kind == Variable::constant && !constant) return false;
  const uint32_t bit = 1u << variable.slot;
  if ((match.bound & bit) != 0) {
    const std::optional<Scalar>& before = match.constants[variable.slot];
    return match.terms[variable.slot] == term || (constant && before == node.constant);
  }
  match.bound |= bit;
  match.terms[variable.slot] = term;
  if (constant) match.constants[variable.slot] = node.constant;
  if (constant && variable.kind == Variable::term) match.constant_terms |= bit;
  return true;
}

bool Matcher::applies(Terms& terms, Match& match) const {
  uint32_t failing = 0;
  for (uint32_t slot = 0; slot < kMaxVariables; ++slot) {
    if ((match.bound >> slot & 1) != 0 && terms.may_fail(match.terms[slot])) failing |= 1u << slot;
  }
  const Rule& rule = *match.rule;
  return rule.operations <= match.saved &&
         (match.constant_terms == 0 ||
          goes_down(rules_, match.form, rule.right, match.constant_terms)) &&
         same_evaluation(rules_, match.form, rule.right, failing) && guard_holds(terms, match);
}

bool Matcher::guard_holds(Terms& terms, Match& match) const {
  const Rule& rule = *match.rule;
  const Known known(rules_, match, terms);
  const bool wraps = rule.rule_class != RuleClass::subscript;
  const auto holds = [&] {
    return (!rule.guard || known.holds(rule.guard, wraps)) && known.is_computable(rule.right) &&
           (wraps || (known.never_wraps(match.form) && known.never_wraps(rule.right)));
  };
  if (!rule.sought) return holds();
  const Variable& sought = rules_.variable(rules_[rule.sought]);
  for (int64_t candidate = 0; candidate < runtime::bits_of(sought.type); ++candidate) {
    match.constants[sought.slot] = Scalar::integer(sought.type, candidate);
    if (holds()) return true;
  }
  return false;
}

const Matcher& built_in_matcher() {
  static const Matcher matcher(built_in_rules());
  return matcher;
}

}  // namespace tenon::opt
