#include "opt/pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ostream>

#include "ir/text.h"
#include "opt/diff.h"
#include "opt/pipelines.h"

namespace tenon::opt {

#define PASS(name, function, level, lesson, meaning) \
  void function(ir::Module& module, PassContext& context);
#include "opt/passes.def"

namespace {

constexpr PassRow kPasses[] = {
#define PASS(name, function, level, lesson, meaning) {#name, function, level, lesson, meaning},
#include "opt/passes.def"
};

/// Runs one pass with everything around it that the options ask for.
void run_pass(const PassRow& pass, ir::Module& module, PassContext& context,
              const PipelineOptions& options) {
  const std::string before = options.print_changed ? ir::print(module) : std::string();
  const auto start = std::chrono::steady_clock::now();
  context.counts.clear();
  pass.run(module, context);
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  if (options.on_time) options.on_time(pass.name, time.count());

  if (options.log) {
    std::ostream& log = *options.log;
    const auto asked = [&](std::string_view name) {
      return std::ranges::find(options.print_after, name) != options.print_after.end();
    };
    if (options.print_changed) {
      const std::string diff = unified_diff(before, ir::print(module));
      if (!diff.empty()) log << fmt::format("; {} changed\n{}", pass.name, diff);
    }
    if (asked(pass.name) || asked("all")) {
      log << fmt::format("; after {}\n{}", pass.name, ir::print(module));
    }
    if (options.stats) {
      for (const auto& [what, count] : context.counts) {
        log << fmt::format("{:>8}  {}: {}\n", count, pass.name, what);
      }
    }
  }
  if (!options.verify_each) return;
  std::vector<ir::Violation> violations = ir::verify(module);
  if (!violations.empty()) throw BrokenIr{std::string(pass.name), std::move(violations)};
}

}  // namespace

bool PassContext::may_rewrite(std::string_view what) {
  if (limit >= 0 && rewrites >= limit) return false;
  ++rewrites;
  ++counts[std::string(what)];
  return true;
}

std::span<const PassRow> passes() {
  return kPasses;
}

const PassRow* find_pass(std::string_view name) {
  const auto row = std::ranges::find(kPasses, name, &PassRow::name);
  return row == std::end(kPasses) ? nullptr : row;
}

void run_pipeline(ir::Module& module, std::string_view pipeline, const PipelineOptions& options) {
  PassContext context;
  context.limit = options.bisect;
  context.strict = options.strict;
  for (const PassRow* pass : parse_pipeline(pipeline)) {
    run_pass(*pass, module, context, options);
    if (pass->name == options.stop_after) return;
  }
}

}  // namespace tenon::opt
