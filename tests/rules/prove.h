// What has to be shown of a rule, case by case: for integers at each width, for bools, for the
// unbounded integers, for the floats of a small format and the special values of the real ones.
#pragma once
#include <functional>

#include "tests/rules/solver.h"

namespace tenon::tests {

/// One thing to show. Either a question for the solver, or a search through all values.
struct Case {
  std::string label = {};                 ///< "8", "i8 i32", "bool", "unbounded", "small floats"
  std::optional<Question> question = {};  ///< for the solver
  std::vector<Question> helped = {};      ///< where the solver gives up on that
  std::function<Answer()> search = {};    ///< without it
  bool quick = true;                      ///< part of every test, not only of `make verify-rules`
};

/// The rules of one name: one line of a file, for each of its types.
struct RuleLine {
  std::string name;
  std::vector<const opt::Rule*> instances;
  std::string text() const;  ///< x % c1 => … if …
};
std::vector<RuleLine> lines_of(const opt::RuleSet& rules);

/// The cases of a rule. Without a solver, those for it are searches at a few bits, where that is
/// possible.
std::vector<Case> cases_of(const opt::RuleSet& rules, const RuleLine& line, bool solver);

/// Why a right side is not below the left one in the order of opt/rules/order.h; empty if it is.
std::string order_problem(const opt::RuleSet& rules, const RuleLine& line);

}  // namespace tenon::tests
