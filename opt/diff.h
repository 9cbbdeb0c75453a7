// Two texts compared line by line, as --print-changed shows them.
#pragma once
#include <string>
#include <string_view>

namespace tenon::opt {

/// A unified diff without file names: changed lines begin with - or +, three lines of context with a
/// blank, and `@@ -12,7 +12,6 @@` heads each stretch. Empty if the texts are equal.
std::string unified_diff(std::string_view before, std::string_view after);

}  // namespace tenon::opt
