#include "tests/differential/oracle/oracle.h"

#include <fmt/format.h>

#include <chrono>
#include <exception>

#include "backend/backend.h"
#include "ir/lower.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "opt/pass.h"
#include "opt/pipelines.h"
#include "tests/differential/generator/choices.h"
#include "tests/differential/nests.h"
#include "tests/differential/random_schedules.h"
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

namespace {

template <size_t N>
void copy(char (&to)[N], std::string_view from) {
  to[from.copy(to, N - 1)] = '\0';
}

}  // namespace

void Oracle::enter(std::string_view engine) const {
  copy(phase_->engine, engine);
  if (!engine.starts_with("ir after")) copy(phase_->passes, "");
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
  copy(phase_->passes, passes);
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

/// Whether nests verify and read back, and do what the program does.
std::optional<Finding> Oracle::check_loops(const Source& source, const Outcome& expected,
                                           const ir::Module& module, bool scheduled) const {
  const char* engine = scheduled ? "loops, scheduled" : "loops as lowered";
  enter(engine);
  const std::string problem = timed("loops", [&] { return tests::nests_problem(module); });
  if (!problem.empty()) return Finding{engine, "a nest is wrong", problem, {}};
  return compare(engine, expected,
                 timed("loops", [&] { return interpret_loops(source, module, scheduled); }));
}

/// Under schedules that nobody would write, for a processor and for a GPU; the text says which.
std::optional<Finding> Oracle::check_drawn(const Source& source, const Outcome& expected, const ir::Module& module,
                                           uint64_t seed) const {
  for (const bool gpu : {false, true}) {
    const char* engine = gpu ? "loops, scheduled at random for a GPU" : "loops, scheduled at random";
    const opt::loops::Mode mode{.strict = true, .gpu = gpu};
    ir::Module drawn = module;
    enter(engine);
    timed("loops", [&] { return draw_schedules(drawn, seed, mode); });
    if (auto finding = check_text(engine, drawn)) return finding;
    auto finding = compare(engine, expected, timed("loops", [&] { return interpret_loops(source, drawn, false, mode); }));
    if (finding) return finding;
  }
  return {};
}

std::optional<Finding> Oracle::find(const Case& test, Verdict& verdict,
                                    std::optional<Prepared>& prepared) const {
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
  ir::Module plain = timed("lowering", [&] { return ir::lower(source.typed); });
  if (auto finding = check_text("ir as lowered", plain)) return finding;
  const Outcome first = timed("ir", [&] { return interpret_ir(source, plain); });
  if (auto finding = compare("ir as lowered", expected, first)) return finding;

  ir::Module optimized = plain;
  if (!test.shuffled.empty()) {
    if (auto finding = check_passes(source, expected, test.shuffled, optimized, verdict)) {
      return finding;
    }
    optimized = plain;
  }
  const std::string best = opt::pipeline(3, opt::cpu_passes()), least = opt::pipeline(0);
  if (auto finding = check_passes(source, expected, best, optimized, verdict)) return finding;
  if (auto finding = check_passes(source, expected, least, plain, verdict)) return finding;
  for (const bool scheduled : {false, true}) {
    if (auto finding = check_loops(source, expected, scheduled ? optimized : plain, scheduled))
      return finding;
  }
  uint64_t seed = 0;
  for (const char c : test.text) seed = seed * 31 + static_cast<unsigned char>(c);
  if (auto finding = check_drawn(source, expected, optimized, seed)) return finding;
  prepared.emplace(
      Prepared{std::move(*checked), expected, std::move(plain), std::move(optimized), test.exact});
  return {};
}

// ---- compiled code

std::optional<Finding> Oracle::check_compiled(const Prepared& prepared, const Compiled& how) const {
  const std::string engine = fmt::format("cpu -O{}{}", how.level, how.strict ? " --strict" : "");
  enter(engine);
  const ir::Module& module = how.level == 0 ? prepared.plain : prepared.optimized;
  return compare(engine, prepared.expected, timed(how.level == 0 ? "cpu -O0" : "cpu -O3", [&] {
                   return run_compiled(prepared.source, module, how);
                 }));
}

namespace {

/// Whether the default mode is other code, and must print the same all the same.
bool default_counts(const Prepared& prepared) {
  const ir::Module& module = prepared.optimized;
  return prepared.exact && llvm_text(module, {3, false}) != llvm_text(module, {3, true});
}

}  // namespace

std::optional<Finding> Oracle::compile(const Prepared& prepared) const {
  return guarded([&]() -> std::optional<Finding> {
    if (auto finding = check_compiled(prepared, {0, true})) return finding;
    if (auto finding = check_compiled(prepared, {3, true})) return finding;
    return default_counts(prepared) ? check_compiled(prepared, {3, false}) : std::nullopt;
  });
}

bool Oracle::compiles_together(const std::vector<const Prepared*>& programs) const {
  const auto agree = [&](const Compiled& how) {
    enter(fmt::format("cpu -O{}{}", how.level, how.strict ? " --strict" : ""));
    std::vector<const ir::Module*> modules;
    std::string expected;
    for (const Prepared* each : programs) {
      if (!how.strict && !default_counts(*each)) continue;
      modules.push_back(how.level == 0 ? &each->plain : &each->optimized);
      expected += each->expected.out + std::string(kBetween);
    }
    return modules.empty() || timed(how.level == 0 ? "cpu -O0" : "cpu -O3", [&] {
             return run_compiled({}, joined(modules), how) == Outcome{expected, ""};
           });
  };
  bool agreed = true;
  const auto finding = guarded([&]() -> std::optional<Finding> {
    agreed = agree({0, true}) && agree({3, true}) && agree({3, false});
    return {};
  });
  return agreed && !finding;
}

// ---- all of it

template <class Work>
std::optional<Finding> Oracle::guarded(const Work& work) const {
  std::optional<Finding> finding;
  try {
    finding = work();
  } catch (const backend::BackendError& error) {
    finding = Finding{phase_->engine, "LLVM refuses it", error.message, {}};
  } catch (const std::exception& error) {
    finding = Finding{phase_->engine, "an internal error", error.what(), {}};
  }
  if (finding) finding->passes = phase_->passes;
  return finding;
}

Verdict Oracle::interpret(const Case& test, std::optional<Prepared>& prepared) const {
  Verdict verdict;
  verdict.finding = guarded([&] { return find(test, verdict, prepared); });
  return verdict;
}

Verdict Oracle::check(const Case& test) const {
  std::optional<Prepared> prepared;
  Verdict verdict = interpret(test, prepared);
  if (prepared) verdict.finding = compile(*prepared);
  return verdict;
}

}  // namespace tenon::differential
