// Which parameters of a library's functions are the same in every call: what --constant says.
#pragma once
#include "driver/session.h"
#include "ir/ir.h"

namespace tenon::driver {

/// Gives every function that --constant names one that prepares these parameters (ir/prepared.h). X may be
/// a pattern, `w*`. Throws UsageError for what is not written F.X,Y, and where there is no such function or
/// parameter.
void bind_constants(const Session& session, ir::Module& module);

}  // namespace tenon::driver
