// Pipelines as text: which passes run, in which order.
#pragma once
#include <string_view>
#include <vector>

#include "opt/pass.h"

namespace tenon::opt {

/// The passes of "a,b,c" (blanks are allowed, the empty text is no pass). Throws BadPipeline.
std::vector<const PassRow*> parse_pipeline(std::string_view text);

}  // namespace tenon::opt
