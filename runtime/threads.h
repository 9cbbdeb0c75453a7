// Work on several threads. It is split into stretches of turns, and what comes out does not depend
// on how many there are: turns do not depend on each other, and of several faults the one counts that
// turns one after the other would have met first.
#pragma once
#include <cstdint>
#include <functional>

#include "runtime/context.h"

namespace tenon::runtime {

/// Does turns [first, end) in a context of their own; false if one failed.
using Turns = std::function<bool(Context& context, int64_t first, int64_t end)>;

/// All of [first, end), on as many threads as the context allows; with one, in the context itself.
/// False if a turn failed: the context then has the fault of the lowest one that did.
bool in_parallel(Context& context, int64_t first, int64_t end, const Turns& turns) noexcept;

/// How many threads a context may use that is told so many (0: one for each core).
int threads_of(int wanted);

/// "2 threads, oneTBB 2021.8", for `tenon doctor`.
std::string threads_text();

}  // namespace tenon::runtime
