// The C compiler and the archiver, which put object files together.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace tenon::driver {

/// libtenon_runtime.a, beside this program. Throws Exit if it is gone, having said so.
std::filesystem::path runtime_archive();

/// What has to stand behind that archive on a command line of cc.
const std::vector<std::string>& libraries_of_runtime();

/// Runs a program of the PATH; what it says goes where our messages go. Throws Exit, having said
/// so, if it is not there or fails. `needed_for`: "to link programs and shared libraries".
void run_tool(const std::vector<std::string>& command, std::string_view needed_for);

}  // namespace tenon::driver
