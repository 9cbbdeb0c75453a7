#include "tests/differential/oracle/engines.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <stdexcept>

#include "ast/check.h"
#include "ast/interpret.h"
#include "backend/backend.h"
#include "backend/gpu/generate.h"
#include "ir/interpret.h"
#include "ir/loops_interpret.h"
#include "ir/text.h"
#include "opt/loops/choose.h"
#include "opt/memory/verify.h"
#include "parser/parser.h"
#include "runtime/device_session.h"
#include "runtime/simulated_device.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::differential {

namespace {

void append(ast::Program& to, ast::Program from) {
  const auto move = [](auto& target, auto& source) {
    target.insert(target.end(), std::make_move_iterator(source.begin()),
                  std::make_move_iterator(source.end()));
  };
  move(to.consts, from.consts);
  move(to.records, from.records);
  move(to.functions, from.functions);
}

std::string rendered(const lexer::Diagnostics& diagnostics, const lexer::SourceMap& sources) {
  std::string text;
  for (const lexer::Diagnostic& each : diagnostics.all()) text += lexer::render(each, sources);
  return text;
}

std::string fault_text(const lexer::SourceMap& sources, const runtime::Fault& fault,
                       const lexer::Span& span) {
  std::string place = "nowhere";
  if (span.known()) {
    const lexer::SourceFile& file = sources.file(span.file);
    const lexer::Position at = file.position(span.begin), end = file.position(span.end);
    place = fmt::format("{}:{}:{}-{}:{}", file.name(), at.line, at.column, end.line, end.column);
  }
  return fmt::format("{} at {}: {}", row(fault.kind).code, place, fault.message());
}

}  // namespace

Frontend::Frontend() {
  lexer::Diagnostics diagnostics;
  for (const auto& path : tests::entries_of(tests::root() / "prelude")) {
    if (path.extension() != ".tn") continue;
    const uint32_t file = sources_.add(path.filename().string(), tests::read_file(path));
    append(prelude_, parser::parse(sources_, file, diagnostics));
  }
}

Source Frontend::check(const std::string& text) const {
  Source source{sources_, {}};
  lexer::Diagnostics diagnostics;
  const uint32_t file = source.sources.add("program.tn", text);
  const ast::Program tree = parser::parse(source.sources, file, diagnostics);
  ast::CheckOptions options;
  options.root_file = file;
  for (const lexer::Diagnostic& each : diagnostics.all())
    options.syntax_errors.push_back(each.span);
  source.typed = ast::check(prelude_, tree, options, diagnostics);
  if (diagnostics.any()) {
    throw Refused{diagnostics.all()[0].code, rendered(diagnostics, source.sources)};
  }
  return source;
}

Outcome observe(const lexer::SourceMap& sources,
                const std::function<void(runtime::Context&)>& program) {
  char* printed = nullptr;
  size_t size = 0;
  std::FILE* file = open_memstream(&printed, &size);
  Outcome outcome;
  const auto close = [&] {
    std::fclose(file);
    outcome.out.assign(printed, size);
    std::free(printed);
  };
  try {
    runtime::Context context;
    context.out = file;
    context.data_dir = "/nonexistent";
    try {
      program(context);
    } catch (const ast::RunError& error) {
      outcome.fault = fault_text(sources, error.fault, error.span);
    }
    runtime::flush(context);
  } catch (...) {
    close();
    throw;
  }
  close();
  return outcome;
}

Outcome interpret_tree(const Source& source) {
  return observe(source.sources,
                 [&](runtime::Context& context) { ast::interpret(source.typed, context); });
}

Outcome interpret_ir(const Source& source, const ir::Module& module) {
  return observe(source.sources,
                 [&](runtime::Context& context) { ir::interpret(module, context); });
}

Outcome interpret_loops(const Source& source, const ir::Module& module, bool scheduled,
                        opt::loops::Mode mode) {
  std::vector<ir::loops::Kernel> kernels;
  for (auto& made : opt::loops::lower_all(module, {}, mode, scheduled))
    kernels.push_back(std::move(made.kernel));
  ir::loops::KernelEngine engine(module, std::move(kernels), false);
  return observe(source.sources, [&](runtime::Context& context) {
    ir::Counts counts;
    ir::interpret(module, context, counts, &engine);
  });
}

namespace {

backend::Options options_of(const Compiled& how) {
  backend::Options options;
  options.strict = how.strict;
  options.level = how.level;
  options.llvm_opt = how.level > 0;
  options.target = how.machine;
  return options;
}

}  // namespace

std::string llvm_text(const ir::Module& module, const Compiled& how) {
  return backend::generate(module, options_of(how)).text;
}

/// Every program that is tried is one more case for the memory plan.
void check_plan(const ir::Module& module, const Compiled& how) {
  std::vector<ir::loops::Kernel> kernels;
  for (opt::loops::Scheduled& scheduled : backend::lower_kernels(module, options_of(how)))
    kernels.push_back(std::move(scheduled.kernel));
  const opt::memory::MemoryPlan plan(module, opt::UniqueOwners(module), kernels);
  for (const std::string& wrong : opt::memory::verify(module, kernels, plan))
    throw std::logic_error("the memory plan is wrong: " + wrong);
}

Outcome run_compiled(const Source& source, const ir::Module& module, const Compiled& how) {
  return run_on_threads(source, module, how, {0})[0];
}

std::vector<Outcome> run_on_threads(const Source& source, const ir::Module& module, const Compiled& how,
                                    const std::vector<int>& threads) {
  check_plan(module, how);
  const backend::Generated generated = backend::generate(module, options_of(how));
  const backend::cpu::Executable executable(generated, options_of(how), nullptr);
  std::vector<Outcome> outcomes;
  for (const int count : threads)
    outcomes.push_back(observe(source.sources, [&](runtime::Context& context) {
      context.threads = count;
      executable.run(context);
    }));
  return outcomes;
}

Outcome simulate(const Source& source, const ir::Module& module, const Compiled& how, bool late_copies) {
  backend::Options options = options_of(how);
  options.gpu = "sm_80";
  const backend::gpu::GeneratedForGpu generated = backend::gpu::generate_for_gpu(module, options);
  const std::string ptx = backend::gpu::ptx(generated, options);
  runtime::sim::LaunchOptions launch;
  launch.late_copies = late_copies;
  runtime::SimulatedDevice device(std::move(launch));
  if (!ptx.empty()) device.load(ptx);
  const backend::cpu::Executable host(generated.host, options_of(how), nullptr);
  return observe(source.sources, [&](runtime::Context& context) {
    runtime::DeviceSession on_device(device, generated.kernels);
    context.device = &on_device;
    try {
      host.run(context);
    } catch (...) {
      context.device = nullptr;
      throw;
    }
    context.device = nullptr;
    if (!on_device.error.empty()) throw std::runtime_error(on_device.error);
  });
}

/// By their texts, in which each function gets its module's number before its name.
ir::Module joined(const std::vector<const ir::Module*>& modules) {
  std::string text, calls;
  for (size_t i = 0; i < modules.size(); ++i) {
    for (const char c : ir::print(*modules[i])) {
      text += c;
      if (c == '@') text += fmt::format("p{}.", i);
    }
    calls += fmt::format("  call @p{}.main()\n  print \"{}\"\n", i,
                         kBetween.substr(0, kBetween.size() - 1));
  }
  text += fmt::format("func @main() effects {{\nentry:\n{}  ret\n}}\n", calls);
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  ir::Module module = ir::parse(sources, sources.add("joined.ir", text), diagnostics);
  if (diagnostics.any()) throw std::logic_error(rendered(diagnostics, sources));
  return module;
}

}  // namespace tenon::differential
