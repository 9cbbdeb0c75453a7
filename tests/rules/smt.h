// Rules as questions to an SMT solver, in the SMT-LIB language (https://smt-lib.org): "is there a
// case in which the guard holds and the sides differ, or one of them divides by zero?" The answer
// `unsat` proves the rule.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "opt/rules/rule.h"

namespace tenon::tests {

/// How the question is put: integers of type t as bit vectors of widths.at(t), or, where that is
/// empty, as the unbounded integers.
struct Encoding {
  std::map<runtime::DType, int> widths;
  bool unbounded() const { return widths.empty(); }
};

struct Question {
  std::string text;    ///< SMT-LIB, up to the check
  bool brief = false;  ///< there is help where the solver gives up
  std::vector<std::string>
      names;  ///< of the variables, then `left` and `right`: to ask for in a model
};

Question question(const opt::RuleSet& rules, const opt::Rule& rule, const Encoding& encoding);

/// The question over the unbounded integers again, for rules that divide: quotients taken apart
/// into equations, each time with one more theorem about them. One `unsat` among the answers is a
/// proof; other answers mean nothing. Z3 has to be helped so far, as it does not multiply
/// equations.
std::vector<Question> with_theorems(const opt::RuleSet& rules, const opt::Rule& rule);

}  // namespace tenon::tests
