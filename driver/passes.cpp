// tenon passes: which passes there are, what each level runs, and which orders are refused.
#include <fmt/format.h>

#include "driver/commands.h"
#include "driver/output.h"
#include "opt/pipelines.h"

namespace tenon::driver {

void command_passes(Session&) {
  std::string text =
      fmt::format("{:<20} {:<5} {:<7} {}\n", "pass", "from", "lesson", "what it does");
  const auto add = [&](std::span<const opt::PassRow> rows) {
    for (const opt::PassRow& pass : rows)
      text += fmt::format("{:<20} -O{:<3} {:<7} {}\n", pass.name, pass.level, pass.lesson, pass.meaning);
  };
  add(opt::passes());
  text += "\nonly for GPUs, before own\n";
  add(opt::gpu_passes());
  text += "\nonly for processors\n";
  add(opt::cpu_passes());
  text += "\nlevel pipeline\n";
  for (int level = 0; level <= 3; ++level)
    text += fmt::format("-O{}   {}\n", level, opt::pipeline(level));
  text += "\nrefused orders\n";
  for (const opt::Constraint& constraint : opt::constraints())
    text += fmt::format("{},{}: {}\n", constraint.first, constraint.second, constraint.reason);
  write_output("", text);
}

}  // namespace tenon::driver
