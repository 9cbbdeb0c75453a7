// tenon run --profile on cpu: times of kernels beside what they had to do and what the machine could.
#include <fmt/format.h>

#include "backend/profile.h"
#include "driver/commands.h"
#include "driver/cpu.h"
#include "driver/ir_module.h"
#include "driver/output.h"
#include "driver/run.h"
#include "runtime/threads.h"

namespace tenon::driver {
namespace {

std::string place_text(const Session& session, const lexer::Span& span) {
  if (!span.known()) return "";
  const lexer::SourceFile& file = session.sources.file(span.file);
  const lexer::Position at = file.position(span.begin);
  return fmt::format("{}:{}:{}", file.name(), at.line, at.column);
}

/// Of every kernel, in the order of their numbers.
std::vector<backend::KernelFacts> facts_of(const Session& session, const ir::Module& module) {
  std::vector<backend::KernelFacts> facts;
  for (const opt::loops::Scheduled& scheduled : backend::lower_kernels(module, backend_options(session)))
    facts.push_back({scheduled.kernel.name, "", ir::loops::work_of(scheduled.kernel)});
  size_t next = 0;
  for (const ir::Function& function : module.functions)
    for (const ir::Block& block : function.blocks)
      for (const ir::Inst& inst : block.insts)
        if (inst.op == ir::Op::compute) facts[next++].place = place_text(session, inst.span);
  return facts;
}

}  // namespace

void run_profiled(Session& session) {
  const ir::Module module = load_owned(session);
  const std::vector<backend::KernelFacts> facts = facts_of(session, module);
  const std::string& file = session.options.profile;
  session.phase = "compiling with LLVM";
  const backend::Options options = backend_options(session);
  const backend::cpu::Executable executable(backend::generate(module, options), options, nullptr);
  const int threads = runtime::threads_of(session.options.threads);
  const backend::Roofline roofline = session.timed("measuring the machine", [&] {
    return backend::Roofline{backend::cpu::peak_flops(threads), runtime::memory_bandwidth(threads),
                             threads};
  });

  runtime::Profile profile(facts.size(), file != kProfileTable);
  const auto show = [&] {
    fmt::print(stderr, "{}", backend::profile_table(facts, profile, roofline));
    if (file != kProfileTable) write_output(file, backend::profile_trace(facts, profile));
  };
  try {
    execute(session, [&](runtime::Context& context) {
      context.profile = &profile;
      executable.run(context);
    });
  } catch (const Exit&) {
    show();  // of what it did before it failed
    throw;
  }
  show();
}

}  // namespace tenon::driver
