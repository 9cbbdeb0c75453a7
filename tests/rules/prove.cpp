#include "tests/rules/prove.h"

#include <algorithm>

#include "opt/rules/known.h"
#include "opt/rules/order.h"
#include "tests/rules/model.h"
#include "tests/rules/values.h"

namespace tenon::tests {

using namespace ir;
using opt::Rule;
using opt::RuleClass;
using opt::RuleSet;
using opt::Variable;
using runtime::Kind;

namespace {

std::vector<DType> types_of(const RuleSet& rules, const Rule& rule) {
  std::vector<DType> types;
  for (const ExprId root : {rule.left, rule.right, rule.guard}) {
    if (!root) continue;
    for_each_node(rules.exprs(), root, [&](ExprId id) {
      if (std::ranges::find(types, rules[id].type) == types.end()) types.push_back(rules[id].type);
    });
  }
  return types;
}

bool has_floats(const RuleSet& rules, const Rule& rule) {
  return std::ranges::any_of(types_of(rules, rule), runtime::is_floating);
}

// ---- every value of a small domain

Answer search(const RuleSet& rules, const Rule& rule, std::map<DType, Domain> domains) {
  domains[DType::bool_] = Domain{};
  Model model(rules, domains);
  const std::vector<Variable> variables = variables_of(rules, rule);
  std::vector<std::vector<Number>> values;
  std::vector<size_t> counts;
  for (const Variable& v : variables) {
    values.push_back(model.domain(v.type).values());
    counts.push_back(values.back().size());
  }
  const Domain& domain = model.domain(rules[rule.left].type);
  Answer answer{Answer::proved, ""};
  for_each_choice(counts, [&](const std::vector<size_t>& at) {
    for (size_t i = 0; i < variables.size(); ++i) model.set(variables[i].slot, values[i][at[i]]);
    if (rule.guard) {
      const auto holds = model.evaluate(rule.guard);
      if (!holds || holds->i == 0) return true;
    }
    const auto left = model.evaluate(rule.left), right = model.evaluate(rule.right);
    if (left && right && same(domain, *left, *right)) return true;
    answer.kind = Answer::refuted;
    for (size_t i = 0; i < variables.size(); ++i) {
      answer.values += fmt::format("{}{} = {}", i > 0 ? ", " : "", variables[i].name,
                                   model.domain(variables[i].type).text(values[i][at[i]]));
    }
    const auto text = [&](std::optional<Number> side) {
      return side ? domain.text(*side) : "divides by zero";
    };
    answer.values +=
        fmt::format(": left {}, right {} ({})", text(left), text(right), domain.text());
    return false;
  });
  return answer;
}

/// Small formats for a rule's float types, each of which holds what the narrower ones do, and the
/// integers of 8 bits as far as the real ones hold the real integers.
std::map<DType, Domain> small_formats(const RuleSet& rules, const Rule& rule) {
  const std::vector<DType> types = types_of(rules, rule);
  const size_t variables = variables_of(rules, rule).size();
  bool by_bits = false;  // which takes as many bits on either side
  for_each_node(rules.exprs(), rule.left, [&](ExprId id) {
    by_bits = by_bits || rules[id].op == ScalarOp::bits || rules[id].op == ScalarOp::from_bits;
  });
  const bool integers = std::ranges::any_of(types, runtime::is_integer);
  const auto floats = std::ranges::count_if(types, runtime::is_floating);
  std::map<DType, Domain> domains;
  for (const DType type : types) {
    if (runtime::is_integer(type)) domains[type] = Domain::integer(8);
  }
  if (floats == 1) {
    Domain domain = variables > 2 ? Domain::floating(3, 2) : Domain::floating(4, 3);
    if (integers) domain = by_bits ? Domain::floating(4, 3) : Domain::floating(5, 8);
    for (const DType type : types)
      if (runtime::is_floating(type)) domains[type] = domain;
    return domains;
  }
  const std::pair<DType, Domain> kWider[] = {{DType::f16, Domain::floating(4, 3)},
                                             {DType::bf16, Domain::floating(4, 3)},
                                             {DType::f32, Domain::floating(5, 8)},
                                             {DType::f64, Domain::floating(6, 18)}};
  for (const auto& [type, domain] : kWider) {
    if (std::ranges::find(types, type) != types.end()) domains[type] = domain;
  }
  if (!domains.contains(DType::f16) && !domains.contains(DType::bf16))
    domains[DType::f32] = Domain::floating(4, 3);
  return domains;
}

// ---- the values of the real types that are known for trouble

/// Constants alone: there are no terms to ask about.
class NoTerms : public opt::Terms {
 public:
  opt::TermNode node(opt::Term) const override { return {}; }
  Range range(opt::Term) override { return {0, 0}; }
  bool may_fail(opt::Term) const override { return false; }
  bool is_shared(opt::Term) const override { return false; }
  opt::Term constant(Scalar) override { return 0; }
  opt::Term apply(ScalarOp, std::vector<opt::Term>) override { return 0; }
  opt::Term convert(DType, opt::Term) override { return 0; }
  opt::Term if_(opt::Term, opt::Term, opt::Term) override { return 0; }
};

Answer try_special(const RuleSet& rules, const Rule& rule) {
  const std::vector<Variable> variables = variables_of(rules, rule);
  std::vector<std::vector<Scalar>> values;
  std::vector<size_t> counts;
  for (const Variable& v : variables) {
    values.push_back(troublesome(v.type));
    counts.push_back(values.back().size());
  }
  NoTerms terms;
  opt::Match match;
  const opt::Known known(rules, match, terms);
  Answer answer{Answer::proved, ""};
  for_each_choice(counts, [&](const std::vector<size_t>& at) {
    for (size_t i = 0; i < variables.size(); ++i)
      match.constants[variables[i].slot] = values[i][at[i]];
    if (rule.guard && !known.holds(rule.guard, true)) return true;
    const auto left = known.constant(rule.left), right = known.constant(rule.right);
    if (left && right && *left == *right) return true;
    const auto text = [](std::optional<Scalar> s) {
      if (!s) return std::string("divides by zero");
      return runtime::is_floating(s->type) ? fmt::format("{}", s->f) : std::to_string(s->i);
    };
    for (size_t i = 0; i < variables.size(); ++i)
      answer.values +=
          fmt::format("{}{} = {}", i > 0 ? ", " : "", variables[i].name, text(values[i][at[i]]));
    answer.values += fmt::format(": left {}, right {} ({})", text(left), text(right),
                                 runtime::row(rules[rule.left].type).text);
    answer.kind = Answer::refuted;
    return false;
  });
  return answer;
}

/// Every value at 8 bits, or at 4 where there are many variables.
Case searched(const RuleSet& rules, const Rule& rule) {
  const std::vector<Variable> variables = variables_of(rules, rule);
  const auto integers = std::ranges::count_if(
      variables, [](const Variable& v) { return runtime::is_integer(v.type); });
  const int width = integers > 2 ? 4 : 8;
  std::map<DType, Domain> domains;
  const std::vector<DType> types = types_of(rules, rule);
  for (const DType type : types)
    if (runtime::is_integer(type)) domains[type] = Domain::integer(width);
  if (domains.size() > 1) {  // narrower ones by name: i8, i32, i64
    int bits = width / 2;
    for (auto& [type, domain] : domains) domain = Domain::integer(std::min(bits += 2, 8));
  }
  return {.label = fmt::format("all of {} bits", width),
          .search = [&rules, &rule, domains] { return search(rules, rule, domains); }};
}

Case asked(std::string label, const RuleSet& rules, const Rule* rule, const Encoding& encoding,
           bool quick = true) {
  return {.label = std::move(label), .question = question(rules, *rule, encoding), .quick = quick};
}

}  // namespace

std::string RuleLine::text() const {
  const Rule& rule = *instances[0];
  const std::string guard = rule.guard ? fmt::format(" if {}", rule.guard_text) : "";
  return fmt::format("{} => {}{}", rule.left_text, rule.right_text, guard);
}

std::vector<RuleLine> lines_of(const RuleSet& rules) {
  std::vector<RuleLine> lines;
  for (const Rule& rule : rules.rules()) {
    if (lines.empty() || lines.back().name != rule.name) lines.push_back({rule.name, {}});
    lines.back().instances.push_back(&rule);
  }
  return lines;
}

std::vector<Case> cases_of(const RuleSet& rules, const RuleLine& line, bool solver) {
  std::vector<Case> cases;
  bool integers = false, floats = false;
  for (const Rule* rule : line.instances) {
    const DType first = rule->types[0].second;
    const bool alone = rule->types.size() == 1;
    if (has_floats(rules, *rule)) {
      if (!std::exchange(floats, alone)) {
        const auto domains = small_formats(rules, *rule);
        cases.push_back(
            {.label = alone ? "small floats" : types_text(*rule),
             .search = [&rules, rule, domains] { return search(rules, *rule, domains); }});
      }
      cases.push_back({.label = fmt::format("special {}", types_text(*rule)),
                       .search = [&rules, rule] { return try_special(rules, *rule); }});
    } else if (alone && runtime::is_integer(first)) {
      if (std::exchange(integers, true)) continue;
      if (!solver) {
        cases.push_back(searched(rules, *rule));
      } else if (rule->rule_class == RuleClass::subscript) {
        cases.push_back(asked("unbounded", rules, rule, {}));
        cases.back().helped = with_theorems(rules, *rule);
        cases.back().question->brief = !cases.back().helped.empty();
      } else {
        for (const int width : {8, 16, 32, 64})
          cases.push_back(
              asked(std::to_string(width), rules, rule, {{{first, width}}}, width == 8));
      }
    } else if (!solver) {
      cases.push_back(searched(rules, *rule));
    } else {
      Encoding widths;
      for (const DType type : types_of(rules, *rule)) widths.widths[type] = runtime::bits_of(type);
      cases.push_back(asked(types_text(*rule), rules, rule, widths));
    }
  }
  return cases;
}

std::string order_problem(const RuleSet& rules, const RuleLine& line) {
  for (const Rule* rule : line.instances) {
    for (const ExprId form : rule->forms)
      if (!opt::goes_down(rules, form, rule->right, 0))
        return fmt::format("the right side is not below the left one (T = {})", types_text(*rule));
  }
  return "";
}

}  // namespace tenon::tests
