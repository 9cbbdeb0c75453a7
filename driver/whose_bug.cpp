#include "driver/whose_bug.h"

namespace tenon::driver {

/// TENON_REPLACED: the source files that an exercise has replaced (cmake/TenonFolder.cmake), with blanks between.
std::string_view whose_bug() {
  constexpr std::string_view kReplaced = TENON_REPLACED;
  if constexpr (kReplaced.empty()) return "This is a bug in Tenon, not in your program. Please report it";
  return "This tenon was built with a file of yours in the place of " TENON_REPLACED
         ": look there first. If it happens without your file too, please report it";
}

}  // namespace tenon::driver
