// What a schedule's path leads to: `main.logits.y` is the definition `y` in what `main`'s definition
// `logits` calls.
#pragma once
#include <string>

#include "ast/typed.h"
#include "lexer/diag.h"

namespace tenon::ast::typed {

/// Says where the path of a schedule that has found no definition leads astray, and what was near; or that
/// what it leads to has no loops.
void report_lost(const Program& program, const PlacedSchedule& schedule,
                 lexer::Diagnostics& diagnostics);

}  // namespace tenon::ast::typed
