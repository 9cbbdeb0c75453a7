#include "tests/differential/oracle/oracle.h"

#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <exception>

#include "backend/backend.h"
#include "ir/lower.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "opt/pass.h"
#include "opt/pipelines.h"
#include "tests/differential/generator/choices.h"
#include "tests/support/text.h"

namespace tenon::differential {

std::string shuffled_passes(uint64_t salt) {
  Random random(salt);
  std::string list;
  for (size_t wanted = 2 + random() % 8; wanted > 0; --wanted) {
    const opt::PassRow& pass = opt::passes()[random() % opt::passes().size()];
    const std::string longer = fmt::format("{}{}{}", list, list.empty() ? "" : ",", pass.name);
    try {
      opt::parse_pipeline(longer + ",own");
      list = longer;
    } catch (const opt::BadPipeline&) {
      continue;  // a constraint forbids it
    }
  }
  return list.empty() ? "own" : list + ",own";
}

void Oracle::enter(std::string_view phase) const {
  const size_t size = std::min(phase.size(), kMaxPhase - 1);
  std::memcpy(phase_, phase.data(), size);
  phase_[size] = '\0';
}

template <class Work>
auto Oracle::timed(const char* engine, const Work& work) const {
  struct Timer {
    double& seconds;
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    ~Timer() {
      seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
  } timer{seconds[engine]};
  return work();
}

std::optional<Finding> Oracle::compare(const std::string& engine, const Outcome& expected,
                                       const Outcome& actual) const {
  if (expected.out != actual.out) {
    return Finding{engine, "another output", tests::difference(expected.out, actual.out), {}};
  }
  if (expected.fault == actual.fault) return {};
  return Finding{
      engine, "another error", fmt::format("- {}\n+ {}\n", expected.fault, actual.fault), {}};
}

/// Whether the IR verifies, and its text says all that it is.
std::optional<Finding> Oracle::check_text(const std::string& engine,
                                          const ir::Module& module) const {
  const std::vector<ir::Violation> violations = ir::verify(module);
  if (!violations.empty()) {
    return Finding{engine,
                   "the IR does not verify",
                   violations[0].message + ", in " + violations[0].where,
                   {}};
  }
  const std::string text = ir::print(module);
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const ir::Module again = ir::parse(sources, sources.add("program.ir", text), diagnostics);
  if (diagnostics.any()) {
    return Finding{
        engine, "the IR does not read back", lexer::render(diagnostics.all()[0], sources), {}};
  }
  const std::string printed = ir::print(again);
  if (printed == text) return {};
  return Finding{engine, "the IR reads back as another text", tests::difference(text, printed), {}};
}

std::optional<Finding> Oracle::check_passes(const Source& source, const Outcome& expected,
                                            const std::string& passes, ir::Module& module,
                                            Verdict& verdict) const {
  passes_ = passes;
  std::string before = ir::print(module);
  for (const opt::PassRow* pass : opt::parse_pipeline(passes)) {
    const std::string engine = fmt::format("ir after {}", pass->name);
    enter(engine);
    opt::PassContext context;
    timed("passes", [&] { pass->run(module, context); });
    for (const auto& [what, times] : context.counts) {
      verdict.rewrites[fmt::format("{}: {}", pass->name, what)] += times;
    }
    std::string after = timed("IR text", [&] { return ir::print(module); });
    if (after == before) continue;
    std::optional<Finding> finding = timed("IR text", [&] { return check_text(engine, module); });
    if (!finding) {
      finding =
          compare(engine, expected, timed("ir", [&] { return interpret_ir(source, module); }));
    }
    if (finding) return finding;
    before = std::move(after);
  }
  return {};
}

std::optional<Finding> Oracle::check_compiled(const Source& source, const Outcome& expected,
                                              const ir::Module& module, const Compiled& how) const {
  const std::string engine = fmt::format("cpu -O{}{}", how.level, how.strict ? " --strict" : "");
  enter(engine);
  return compare(engine, expected, timed(how.level == 0 ? "cpu -O0" : "cpu -O3", [&] {
                   return run_compiled(source, module, how);
                 }));
}

std::optional<Finding> Oracle::find(const Case& test, Verdict& verdict) const {
  enter("check");
  std::optional<Source> checked;
  try {
    checked = timed("front end", [&] { return frontend_.check(test.text); });
  } catch (const Frontend::Refused& refused) {
    return Finding{"check", "refused with " + refused.code, refused.diagnostics, {}};
  }
  const Source& source = *checked;
  enter("interp");
  const Outcome expected = timed("interp", [&] { return interpret_tree(source); });
  verdict.fails = !expected.fault.empty();

  enter("ir as lowered");
  ir::Module lowered = timed("lowering", [&] { return ir::lower(source.typed); });
  if (auto finding = check_text("ir as lowered", lowered)) return finding;
  const Outcome first = timed("ir", [&] { return interpret_ir(source, lowered); });
  if (auto finding = compare("ir as lowered", expected, first)) return finding;

  ir::Module optimized = lowered;
  const std::string best = opt::pipeline(3);
  if (auto finding = check_passes(source, expected, best, optimized, verdict)) return finding;
  if (!test.shuffled.empty()) {
    ir::Module shuffled = lowered;
    if (auto finding = check_passes(source, expected, test.shuffled, shuffled, verdict)) {
      return finding;
    }
  }
  if (auto finding = check_passes(source, expected, opt::pipeline(0), lowered, verdict))
    return finding;

  if (auto finding = check_compiled(source, expected, lowered, {0, true})) return finding;
  if (auto finding = check_compiled(source, expected, optimized, {3, true})) return finding;
  const Compiled by_default{3, false};
  if (!test.exact || llvm_text(optimized, by_default) == llvm_text(optimized, {3, true})) return {};
  return check_compiled(source, expected, optimized, by_default);
}

Verdict Oracle::check(const Case& test) const {
  Verdict verdict;
  try {
    verdict.finding = find(test, verdict);
  } catch (const backend::BackendError& error) {
    verdict.finding = Finding{phase_, "LLVM refuses it", error.message, {}};
  } catch (const std::exception& error) {
    verdict.finding = Finding{phase_, "an internal error", error.what(), {}};
  }
  if (verdict.finding && verdict.finding->engine.starts_with("ir after")) {
    verdict.finding->passes = passes_;
  }
  return verdict;
}

}  // namespace tenon::differential
