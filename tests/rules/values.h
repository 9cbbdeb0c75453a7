// The variables of a rule, and values to try for them.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "opt/rules/rule.h"

namespace tenon::tests {

/// The variables that stand for values, in order.
std::vector<opt::Variable> variables_of(const opt::RuleSet& rules, const opt::Rule& rule);
/// `i8 i32`: for which types this is the rule.
std::string types_text(const opt::Rule& rule);

/// Calls try_(number of the choice of each) for every combination; stops where it gives false.
void for_each_choice(const std::vector<size_t>& counts,
                     const std::function<bool(const std::vector<size_t>&)>& try_);

/// Values of a type that are known for trouble.
std::vector<runtime::Scalar> troublesome(runtime::DType type);

}  // namespace tenon::tests
