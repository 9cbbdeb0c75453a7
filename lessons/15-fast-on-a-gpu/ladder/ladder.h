// The parts of tenon_ladder.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lessons/tool/grading.h"

namespace tenon::lessons {

/// The launch of a function's first nest. Throws std::runtime_error if there is none.
LaunchReport launch_of(std::string_view function, const std::string& profile);

/// A program by several schedules, a line each: what the simulated GPU counts, or the cycles that the estimate gives
/// each resource. Throws std::runtime_error if a run ends badly, or not all print the same.
std::string counters_table(const std::string& program, const std::vector<std::filesystem::path>& schedules);
std::string limits_table(const std::string& program, const std::vector<std::filesystem::path>& schedules);

/// A picture of a tile in shared memory whose rows have so many bf16: in which banks the pieces lie that a matrix unit
/// takes together, as they come and as `swizzle_of` exchanges them. Throws std::runtime_error if it does not take such
/// rows.
std::string tile_picture(int64_t columns);

}  // namespace tenon::lessons
