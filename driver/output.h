// Where a command's text goes: standard output, or a file that is written whole or not at all.
#pragma once
#include <string>
#include <string_view>

namespace tenon::driver {

/// `path` empty or "-": standard output. Throws UsageError if the file cannot be made; if writing then fails,
/// says so and throws Exit.
void write_output(const std::string& path, std::string_view text);

/// What is buffered goes out. False, and a message, if not everything that was written there arrived.
bool finish_output();

}  // namespace tenon::driver
