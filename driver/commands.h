// The subcommands: each in a file of its own, listed in commands.def.
#pragma once
#include <string>

#include "driver/session.h"

namespace tenon::driver {

/// The whole program: parses the command line, runs the command, gives the exit status.
int run_driver(int argc, char** argv);

#define COMMAND(name, lesson, summary) void command_##name(Session& session);
#include "driver/commands.def"

#define STAGE(name, text, lesson, summary) std::string emit_##name(Session& session);
#include "driver/stages.def"

#define TARGET(name, lesson, summary) void run_##name(Session& session);
#include "driver/targets.def"

}  // namespace tenon::driver
