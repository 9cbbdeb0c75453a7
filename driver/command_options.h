// Which options each command takes.
#pragma once
#include "driver/session.h"

namespace CLI {
class App;
}

namespace tenon::driver {

/// A subcommand for each row of commands.def; parsing fills `o`, which has to outlive `app`.
void add_commands(CLI::App& app, Options& o);

}  // namespace tenon::driver
