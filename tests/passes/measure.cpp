#include "tests/passes/measure.h"

#include <fmt/format.h>

#include <memory>
#include <stdexcept>

#include "ir/interpret.h"
#include "ir/text.h"
#include "opt/pipelines.h"
#include "tests/support/process.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

ir::Module lowered(const std::string& tenon, const fs::path& program) {
  const Outcome outcome = run({{tenon, "emit", "ir", program.string()}, ".", "", 60});
  if (outcome.status != 0) throw std::runtime_error(describe(outcome) + "\n" + outcome.err);
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  ir::Module module = ir::parse(sources, sources.add(program.string(), outcome.out), diagnostics);
  if (diagnostics.any()) throw std::runtime_error(program.string() + ": its IR does not read back");
  return module;
}

}  // namespace

Subject::Subject(const std::string& tenon, const fs::path& program)
    : folder_(program.parent_path()), module_(lowered(tenon, program)) {}

Cost Subject::cost(std::string_view passes) {
  ir::Module module = module_;
  opt::run_pipeline(module, passes, {});
  const auto [known, is_new] = known_.try_emplace(ir::print(module));
  if (!is_new) return known->second;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"),
                                                                std::fclose);
  runtime::Context context;
  context.out = nowhere.get();
  context.data_dir = folder_;
  ir::Counts counts;
  ir::interpret(module, context, counts);
  runtime::flush(context);
  known->second = {counts.instructions(), counts.loaded.bytes + counts.stored.bytes};
  return known->second;
}

std::string without(std::string_view passes, std::string_view pass) {
  std::string rest;
  for (const opt::PassRow* row : opt::parse_pipeline(passes))
    if (row->name != pass) rest += fmt::format("{}{}", rest.empty() ? "" : ",", row->name);
  return rest;
}

}  // namespace tenon::tests
