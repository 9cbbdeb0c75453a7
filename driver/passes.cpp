// tenon passes: which passes there are, what each level runs, and which orders are refused.
#include <fmt/format.h>

#include "driver/commands.h"
#include "driver/output.h"
#include "opt/pipelines.h"

namespace tenon::driver {

void command_passes(Session&) {
  std::string text =
      fmt::format("{:<20} {:<5} {:<7} {}\n", "pass", "from", "lesson", "what it does");
  for (const opt::PassRow& pass : opt::passes())
    text +=
        fmt::format("{:<20} -O{:<3} {:<7} {}\n", pass.name, pass.level, pass.lesson, pass.meaning);
  text += "\nonly for GPUs, before own\n";
  for (const opt::PassRow& pass : opt::gpu_passes())
    text +=
        fmt::format("{:<20} -O{:<3} {:<7} {}\n", pass.name, pass.level, pass.lesson, pass.meaning);
  text += "\nlevel pipeline\n";
  for (int level = 0; level <= 3; ++level)
    text += fmt::format("-O{}   {}\n", level, opt::pipeline(level));
  text += "\nrefused orders\n";
  for (const opt::Constraint& constraint : opt::constraints())
    text += fmt::format("{},{}: {}\n", constraint.first, constraint.second, constraint.reason);
  write_output("", text);
}

}  // namespace tenon::driver
