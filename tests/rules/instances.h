// An instance of each rule: a function in which it applies.
#pragma once
#include "tests/rules/prove.h"
#include "tests/support/text.h"

namespace tenon::tests {

/// Tries every rule for all of its types, before and after, on the interpreter. Returns the text of
/// a module with one instance of each.
std::string try_instances(const opt::RuleSet& rules, const std::vector<RuleLine>& lines,
                          Tally& tally);

}  // namespace tenon::tests
