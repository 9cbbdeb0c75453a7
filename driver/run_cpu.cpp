#include <thread>

#include "driver/commands.h"
#include "driver/cpu.h"
#include "driver/run.h"

namespace tenon::driver {

void run_cpu(Session& session) {
  with_llvm([&] {
    std::jthread opening = backend::cpu::preload();
    backend::Generated generated = generate_llvm(session);
    session.phase = "compiling with LLVM";
    std::vector<backend::PhaseTime> times;
    backend::cpu::Executable executable(generated, backend_options(session), &times);
    for (auto& t : times) session.add_time(t.name, t.ms);
    execute(session, [&](runtime::Context& context) { executable.run(context); });
  });
}

}  // namespace tenon::driver
