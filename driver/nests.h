// Loop nests by themselves: a file of kernels (ending in .loops) read and printed.
#pragma once
#include <vector>

#include "driver/session.h"
#include "ir/loops.h"

namespace tenon::driver {

/// Kernels, and a module that declares the functions that they call.
struct Nests {
  ir::Module module;
  std::vector<ir::loops::Kernel> kernels;

  /// A blank line between them.
  std::string text() const;
};

/// Verified. Ends the invocation on errors.
Nests parse_nests(Session& session);

/// tenon opt FILE.loops
void opt_nests(Session& session);

}  // namespace tenon::driver
