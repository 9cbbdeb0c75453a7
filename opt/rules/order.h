// Why rewriting ends: every rule's right side is less than its left side in one well-founded order,
// that of D. Knuth and P. Bendix, "Simple word problems in universal algebras", 1970. A term weighs
// what its operations (weights.def), variables and constants weigh together; of two that weigh the
// same, the outermost operations decide, then the operands from the left. No variable may occur
// more often on the right, since any term may stand for it.
//
// An operation with a constant operand counts as an operation of its own, of the other operands
// only:
// `_ + 1` has one operand. So `(x + c1) + y => (x + y) + c1` goes down: of operations, the heavier
// one is greater; where they weigh the same, one with its constant on the right is the least, and
// one with it on the left the greatest.
#pragma once
#include "opt/rules/rule.h"

namespace tenon::opt {

/// Whether the right side is less than the left one, where just those variables stand for constants
/// whose slots are bits of `constants`.
bool goes_down(const RuleSet& rules, ir::ExprId left, ir::ExprId right, uint32_t constants);

}  // namespace tenon::opt
