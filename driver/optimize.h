// Passes over a module, with everything that the command line asks of the pass manager.
#pragma once
#include <string_view>

#include "driver/session.h"
#include "ir/ir.h"
#include "opt/loops/machine.h"
#include "opt/refused.h"

namespace tenon::driver {

/// That code is made for: of --cpu, or the one that --target loops simulates.
opt::loops::Machine machine_of(const Options& options);

/// Runs "a,b,c" as the options say. --bisect=auto ends the invocation with the wrong rewrite that
/// it finds. Throws UsageError if a pass is not there or may not stand where it does; a pass that
/// throws or breaks the IR is a bug of ours, and leaves what reproduces it (reproducer.h).
/// A schedule that a pass refuses ends the invocation too.
void optimize(Session& session, ir::Module& module, std::string_view passes);
/// The same, but throws Refused.
void optimize_or_refuse(Session& session, ir::Module& module, std::string_view passes);

/// Reports a directive that is refused, at its place, and ends the invocation.
[[noreturn]] void stop_as_refused(Session& session, const opt::Refused& refused);
/// Does what applies schedules.
template <class Work>
auto with_schedules(Session& session, Work work) {
  try {
    return work();
  } catch (const opt::Refused& refused) {
    stop_as_refused(session, refused);
  }
}

/// The search of --bisect=auto: prints the first wrong rewrite and throws Exit. What is right, the
/// command of --bisect-with says, or else the interpreter: the module does what it did before.
[[noreturn]] void bisect(Session& session, const ir::Module& module, std::string_view passes);

}  // namespace tenon::driver
