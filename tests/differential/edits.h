// The converse of the verifier's tests: IR text with one random edit is refused, or it runs; and
// then passes do not change what it does.
#pragma once
#include <cstdint>

namespace tenon::differential {

/// Edits the IR of the programs of seeds first … first + count - 1. Returns the exit status.
int run_edits(uint64_t first, uint64_t count);

}  // namespace tenon::differential
