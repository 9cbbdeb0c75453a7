// What a rule does to failures. A term that a variable stands for may fail when it is computed, and
// the program must fail as before: at the same place, or not at all.
#pragma once
#include "opt/rules/rule.h"

namespace tenon::opt {

/// Whether both sides compute just those variables in the same order, in every case of their
/// conditions, whose slots are bits of `failing`.
bool same_evaluation(const RuleSet& rules, ir::ExprId left, ir::ExprId right, uint32_t failing);

}  // namespace tenon::opt
