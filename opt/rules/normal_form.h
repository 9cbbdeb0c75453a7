// Terms into normal form: until no rule applies.
#pragma once
#include "opt/pass.h"
#include "opt/rules/match.h"

namespace tenon::opt {

/// What `root` comes to, whose operands are in normal form already. Each rewrite is one that
/// `context` allows, under the rule's name.
Term normal_form(Terms& terms, Term root, const Matcher& matcher, PassContext& context);

}  // namespace tenon::opt
