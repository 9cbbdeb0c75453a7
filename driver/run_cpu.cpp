#include <fmt/format.h>

#include "driver/commands.h"
#include "driver/cpu.h"
#include "driver/run.h"

namespace tenon::driver {

void run_cpu(Session& session) {
  const opt::loops::NamedMachine* machine = opt::loops::find_machine(session.options.cpu);
  if (machine != nullptr && !machine->runs_here())
    throw UsageError{
        fmt::format("--cpu {}: this machine has not got {}", machine->name, machine->meaning)};
  with_llvm([&] {
    const std::jthread ahead = prepare_ahead();
    if (!session.options.profile.empty()) return run_profiled(session);
    backend::Generated generated = generate_llvm(session);
    session.phase = "compiling with LLVM";
    std::vector<backend::PhaseTime> times;
    backend::cpu::Executable executable(generated, backend_options(session), &times);
    for (auto& t : times) session.add_time(t.name, t.ms);
    int64_t peak = 0;
    execute(session, [&](runtime::Context& context) {
      executable.run(context);
      peak = context.peak_bytes;
    });
    if (session.options.stats)
      fmt::print(stderr, "memory: {} bytes at most; {} of them one frame for {} live at once\n", peak,
                 generated.memory.frame, generated.memory.live);
  });
}

}  // namespace tenon::driver
