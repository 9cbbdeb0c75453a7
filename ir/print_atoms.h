// What both text forms are made of, written; parse_expr.h reads it.
#pragma once
#include <string>
#include <string_view>

#include "runtime/scalar.h"

namespace tenon::ir {

/// `3`, `1.0`, `true`; other types than i64, f32 and bool stand behind the number: `3i32`.
std::string constant_text(runtime::Scalar value);
/// In quotes, with escapes.
std::string string_text(std::string_view text);

}  // namespace tenon::ir
