// What to say of an error in the compiler itself: it is ours, unless a file of it is the user's.
#pragma once
#include <string_view>

namespace tenon::driver {

/// One or two sentences without the last full stop, which ask for a report where that helps.
std::string_view whose_bug();

}  // namespace tenon::driver
