// The command line: which subcommand, with which options.
#pragma once
#include <optional>
#include <string>

#include "driver/session.h"

namespace tenon::driver {

/// Fills `command` and `options`; or gives the exit status, if there is nothing to run: help was
/// asked for and printed, or the command line is wrong and that was said.
std::optional<Status> read_command_line(int argc, char** argv, std::string& command,
                                        Options& options);

}  // namespace tenon::driver
