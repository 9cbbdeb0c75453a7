#include "tests/passes/measure.h"

#include <fmt/format.h>

#include <memory>
#include <stdexcept>

#include "ir/interpret.h"
#include "ir/text.h"
#include "opt/loops/choose.h"
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
  ir::Counts counts;
  run(module, counts);
  known->second = {counts.instructions(), counts.loaded.bytes + counts.stored.bytes};
  return known->second;
}

void Subject::run(const ir::Module& module, ir::Counts& counts, ir::loops::KernelEngine* engine) const {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"),
                                                                std::fclose);
  runtime::Context context;
  context.out = nowhere.get();
  context.data_dir = folder_;
  ir::interpret(module, context, counts, engine);
  runtime::flush(context);
}

Cost Subject::cost_of_nests(std::string_view passes) const {
  ir::Module module = module_;
  opt::run_pipeline(module, passes, {});
  std::vector<ir::loops::Kernel> kernels;
  for (opt::loops::Scheduled& scheduled : opt::loops::lower_all(module, opt::loops::kSimulated, {}, true))
    kernels.push_back(std::move(scheduled.kernel));
  const size_t count = kernels.size();
  ir::loops::KernelEngine engine(module, std::move(kernels), true);
  ir::Counts counts;
  run(module, counts, &engine);
  Cost cost{counts.instructions(), counts.loaded.bytes + counts.stored.bytes};
  for (size_t i = 0; i < count; ++i) {
    const ir::loops::KernelCounts& kernel = engine.counts(i);
    cost.instructions += kernel.issued();
    cost.bytes += kernel.counts.loaded.bytes + kernel.counts.stored.bytes;
  }
  return cost;
}

std::string without(std::string_view passes, std::string_view pass) {
  std::string rest;
  for (const opt::PassRow* row : opt::parse_pipeline(passes))
    if (row->name != pass) rest += fmt::format("{}{}", rest.empty() ? "" : ",", row->name);
  return rest;
}

}  // namespace tenon::tests
