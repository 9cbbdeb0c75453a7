// The corpus: a few seeds whose programs, together, have everything that the generator can make and
// set off every kind of rewrite of every pass. `make test` runs them.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

namespace tenon::differential {

/// Runs the seeds of FOLDER/seeds.txt on all engines, and fails where a feature or rewrite is
/// missing that FOLDER/unreached.txt does not name. Returns the exit status.
int run_corpus(const std::filesystem::path& folder);

/// Prints seeds of first … first + count - 1 that have all that any of them has, each with what it
/// adds.
int choose_corpus(uint64_t first, uint64_t count);

}  // namespace tenon::differential
