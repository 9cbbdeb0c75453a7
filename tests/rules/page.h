// docs/rules.md, from the rule files and the record of what is proved, and what is argued.
#pragma once
#include "tests/rules/record.h"

namespace tenon::tests {

std::string rules_page(const opt::RuleSet& rules, const std::vector<RuleLine>& lines,
                       const Record& record, const Arguments& arguments);

}  // namespace tenon::tests
