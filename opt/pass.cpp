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
#define PASS(name, function, level, lesson, meaning) \
  void function(ir::Module& module, PassContext& context);
#include "opt/gpu_passes.def"
#define PASS(name, function, level, before, lesson, meaning) \
  void function(ir::Module& module, PassContext& context);
#include "opt/cpu_passes.def"

namespace {

constexpr PassRow kPasses[] = {
#define PASS(name, function, level, lesson, meaning) {#name, function, level, lesson, meaning},
#include "opt/passes.def"
};

constexpr PassRow kGpuPasses[] = {
#define PASS(name, function, level, lesson, meaning) {#name, function, level, lesson, meaning},
#include "opt/gpu_passes.def"
};

constexpr PassRow kCpuPasses[] = {
#define PASS(name, function, level, before, lesson, meaning) {#name, function, level, lesson, meaning, before},
#include "opt/cpu_passes.def"
};

std::vector<const PassRow*>& added() {
  static std::vector<const PassRow*> rows;
  return rows;
}

bool names(const std::vector<std::string>& asked, std::string_view pass) {
  return std::ranges::find(asked, pass) != asked.end() ||
         std::ranges::find(asked, "all") != asked.end();
}

/// The options ask for passes that run, not for misspelled ones that would print nothing.
void check_names(std::span<const PassRow* const> list, const PipelineOptions& options) {
  const auto check = [&](std::string_view option, std::string_view name) {
    if (std::ranges::find(list, name, &PassRow::name) != list.end()) return;
    throw BadPipeline{fmt::format("{}={}: no pass of that name runs here", option, name)};
  };
  for (const std::string& name : options.print_before)
    if (name != "all") check("--print-before", name);
  for (const std::string& name : options.print_after)
    if (name != "all") check("--print-after", name);
  if (!options.stop_after.empty()) check("--stop-after", options.stop_after);
}

/// What the options want printed after a pass.
void print_result(const PassRow& pass, const ir::Module& module, const PassContext& context,
                  const std::string& before, const PipelineOptions& options) {
  std::ostream& log = *options.log;
  if (options.print_changed) {
    const std::string diff = unified_diff(before, ir::print(module));
    if (!diff.empty()) log << fmt::format("; {} changed\n{}", pass.name, diff);
  }
  if (names(options.print_after, pass.name))
    log << fmt::format("; after {}\n{}", pass.name, ir::print(module));
  if (options.stats) {
    for (const auto& [what, count] : context.counts)
      log << fmt::format("{:>8}  {}: {}\n", count, pass.name, what);
  }
}

/// Runs one pass with everything around it that the options ask for.
void run_pass(const PassRow& pass, ir::Module& module, PassContext& context,
              const PipelineOptions& options) {
  const std::string before = options.print_changed ? ir::print(module) : std::string();
  if (options.log && names(options.print_before, pass.name))
    *options.log << fmt::format("; before {}\n{}", pass.name, ir::print(module));
  context.counts.clear();
  context.progress->function.clear();
  const auto start = std::chrono::steady_clock::now();
  pass.run(module, context);
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  if (options.on_time) options.on_time(pass.name, time.count());
  if (options.log) print_result(pass, module, context, before, options);
  if (!options.verify_each) return;
  std::vector<ir::Violation> violations = ir::verify(module);
  if (!violations.empty()) throw BrokenIr{std::string(pass.name), std::move(violations)};
}

}  // namespace

bool PassContext::may_rewrite(std::string_view what) {
  if (limit >= 0 && rewrites >= limit) return false;
  ++rewrites;
  ++counts[std::string(what)];
  if (rewrites == limit) {
    last = what;
    last_function = progress->function;
  }
  return true;
}

std::span<const PassRow> passes() {
  return kPasses;
}

std::span<const PassRow> gpu_passes() {
  return kGpuPasses;
}

std::span<const PassRow> cpu_passes() {
  return kCpuPasses;
}

void add_passes(std::span<const PassRow> rows) {
  for (const PassRow& row : rows) added().push_back(&row);
}

const PassRow* find_pass(std::string_view name) {
  for (const std::span<const PassRow> rows : {passes(), gpu_passes(), cpu_passes()}) {
    const auto row = std::ranges::find(rows, name, &PassRow::name);
    if (row != rows.end()) return &*row;
  }
  const auto other = std::ranges::find(added(), name, &PassRow::name);
  return other == added().end() ? nullptr : *other;
}

PipelineResult run_passes(ir::Module& module, std::span<const PassRow* const> list,
                          const PipelineOptions& options) {
  check_names(list, options);
  PassContext context;
  if (options.progress) context.progress = options.progress;
  context.limit = options.bisect;
  context.strict = options.strict;
  context.machine = options.machine;
  PipelineResult result;
  for (size_t at = 0; at < list.size(); ++at) {
    context.progress->at = at;
    run_pass(*list[at], module, context, options);
    if (context.rewrites > result.rewrites) {
      result = {context.rewrites, at, context.last_function, context.last};
    }
    if (list[at]->name == options.stop_after) break;
  }
  return result;
}

PipelineResult run_pipeline(ir::Module& module, std::string_view pipeline,
                            const PipelineOptions& options) {
  return run_passes(module, parse_pipeline(pipeline), options);
}

}  // namespace tenon::opt
