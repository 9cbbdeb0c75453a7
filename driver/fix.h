// `tenon check --fix`: the changes that hints are certain of.
#pragma once
#include "driver/session.h"

namespace tenon::driver {

/// Changes the program's files until no hint is certain any more, and says on standard error what
/// was changed. A file is written whole or not at all.
void apply_fixes(const Options& options);

}  // namespace tenon::driver
