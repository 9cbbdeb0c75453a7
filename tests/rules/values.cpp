#include "tests/rules/values.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tenon::tests {

using namespace ir;
using opt::Rule;
using opt::RuleSet;
using opt::Variable;

std::vector<Variable> variables_of(const RuleSet& rules, const Rule& rule) {
  std::vector<Variable> found;
  for (const ExprId root : {rule.left, rule.right, rule.guard}) {
    if (!root) continue;
    for_each_node(rules.exprs(), root, [&](ExprId id) {
      if (rules[id].kind != ExprKind::value) return;
      const Variable& v = rules.variable(rules[id]);
      const bool known = std::ranges::find(found, v.slot, &Variable::slot) != found.end();
      if (v.kind <= Variable::constant && !known) found.push_back(v);
    });
  }
  std::ranges::sort(found, {}, &Variable::slot);
  return found;
}

std::string types_text(const Rule& rule) {
  std::string text;
  for (const auto& [name, type] : rule.types)
    text += fmt::format("{}{}", text.empty() ? "" : " ", runtime::row(type).text);
  return text;
}

void for_each_choice(const std::vector<size_t>& counts,
                     const std::function<bool(const std::vector<size_t>&)>& try_) {
  std::vector<size_t> at(counts.size());
  for (;;) {
    if (!try_(at)) return;
    size_t digit = 0;
    while (digit < at.size() && ++at[digit] == counts[digit]) at[digit++] = 0;
    if (digit == at.size()) return;
  }
}

std::vector<Scalar> troublesome(DType type) {
  std::vector<Scalar> values;
  if (type == DType::bool_) return {Scalar::boolean(false), Scalar::boolean(true)};
  if (runtime::is_integer(type)) {
    for (const int64_t v : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{2}, int64_t{7},
                            int64_t{-100}, runtime::lowest(type), runtime::highest(type)})
      values.push_back(Scalar::integer(type, v));
    return values;
  }
  const double inf = std::numeric_limits<double>::infinity();
  for (const double v : {0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 0.1, 1e-310, 1e-40, 6e-8, 1e30, -65504.0,
                         1.7e308, inf, -inf, std::nan("")})
    values.push_back(Scalar::floating(type, v));
  return values;
}

}  // namespace tenon::tests
