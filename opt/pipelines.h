// Pipelines as text: which passes run, in which order.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "opt/pass.h"

namespace tenon::opt {

/// The passes of "a,b,c" (blanks are allowed, the empty text is no pass); `O2` stands for those of
/// a level. Throws BadPipeline.
std::vector<const PassRow*> parse_pipeline(std::string_view text);

/// `second` may not run after `first`; it is a pass, kAnyOther or kAnyButOwn.
struct Constraint {
  std::string_view first, second, reason;
};
inline constexpr std::string_view kAnyOther = "any other";
inline constexpr std::string_view kAnyButOwn = "any but `own`";
std::span<const Constraint> constraints();

}  // namespace tenon::opt
