#include <fmt/format.h>

#include <exception>

#include "ir/interpret.h"
#include "ir/lower.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "opt/diff.h"
#include "opt/pass.h"
#include "opt/pipelines.h"
#include "tests/differential/oracle/reduce.h"

namespace tenon::differential {
namespace {

/// The module after so many rewrites, and which they were.
struct Stopped {
  ir::Module module;
  std::map<std::string, int64_t> counts;  ///< by `fold: constant`
  int64_t rewrites = 0;
};

/// The passes run until `limit` rewrites are done; the later ones change nothing then.
Stopped stopped_after(const Source& source, std::span<const opt::PassRow* const> passes,
                      int64_t limit) {
  Stopped result{ir::lower(source.typed), {}, 0};
  for (const opt::PassRow* pass : passes) {
    opt::PassContext context;
    context.limit = limit - result.rewrites;
    pass->run(result.module, context);
    result.rewrites += context.rewrites;
    for (const auto& [what, times] : context.counts) {
      result.counts[fmt::format("{}: {}", pass->name, what)] += times;
    }
    if (result.rewrites >= limit) break;
  }
  return result;
}

bool is_right(const Source& source, const Outcome& expected, const ir::Module& module) {
  try {
    return ir::verify(module).empty() && interpret_ir(source, module) == expected;
  } catch (const std::exception&) {  // an internal error
    return false;
  }
}

}  // namespace

std::string blame(const Frontend& frontend, const std::string& text, const std::string& passes) {
  return blame(frontend, text, opt::parse_pipeline(passes));
}

std::string blame(const Frontend& frontend, const std::string& text,
                  std::span<const opt::PassRow* const> passes) {
  const Source source = frontend.check(text);
  const Outcome expected = interpret_tree(source);
  int64_t good = 0, bad = stopped_after(source, passes, INT64_MAX).rewrites;
  if (is_right(source, expected, stopped_after(source, passes, bad).module)) return {};
  while (bad - good > 1) {
    const int64_t middle = good + (bad - good) / 2;
    const bool right = is_right(source, expected, stopped_after(source, passes, middle).module);
    (right ? good : bad) = middle;
  }
  const Stopped before = stopped_after(source, passes, good),
                after = stopped_after(source, passes, bad);
  std::string last;
  for (const auto& [what, times] : after.counts) {
    const auto found = before.counts.find(what);
    if (found == before.counts.end() || found->second != times) last = what;
  }
  return fmt::format("rewrite {}, {}:\n{}", bad, last,
                     opt::unified_diff(ir::print(before.module), ir::print(after.module)));
}

}  // namespace tenon::differential
