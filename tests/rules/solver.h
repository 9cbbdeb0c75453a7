// Z3, asked over a pipe.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/rules/smt.h"

namespace tenon::tests {

struct Answer {
  enum Kind { proved, refuted, unknown } kind = unknown;
  std::string values;  ///< refuted: "x = -128, c1 = 3: left 4, right 5"
};

/// Whether there is a Z3 to ask.
bool has_solver();
/// The questions' answers, each after at most `seconds`.
std::vector<Answer> ask(std::span<const Question> questions, double seconds);

}  // namespace tenon::tests
