#include <fmt/format.h>

#include <functional>
#include <stdexcept>

#include "driver/commands.h"
#include "driver/cpu.h"
#include "driver/ir_module.h"

namespace tenon::driver {

backend::Options backend_options(const Session& session) {
  return {session.options.strict, session.options.level, session.options.llvm_opt};
}

backend::Generated generate_llvm(Session& session) {
  ir::Module module = load_owned(session);
  return session.timed("writing LLVM IR",
                       [&] { return backend::generate(module, backend_options(session)); });
}

void with_llvm(const std::function<void()>& work) {
  try {
    work();
  } catch (const backend::BackendError& e) {
    if (!e.llvm_missing) throw std::runtime_error(e.message);
    fmt::print(stderr, "tenon: {}\n", e.message);
    throw Exit{kProgramWrong};
  }
}

std::string emit_loops(Session& session) {
  ir::Module module = load_owned(session);
  std::string out;
  for (const auto& [kernel, schedule] : backend::lower_kernels(module, backend_options(session))) {
    if (!out.empty()) out += '\n';
    out += ir::loops::print(module, kernel);
  }
  return out;
}

std::string emit_schedule(Session& session) {
  ir::Module module = load_owned(session);
  std::string out;
  for (const auto& [kernel, schedule] : backend::lower_kernels(module, backend_options(session))) {
    const std::string function = kernel.name.substr(0, kernel.name.rfind('.'));
    if (!out.empty()) out += '\n';
    out += fmt::format("schedule {}.{} {{\n", function, kernel.buffers.back().name);
    for (const ir::Directive& directive : schedule) out += fmt::format("  {};\n", ir::print(directive));
    out += "}\n";
  }
  return out;
}

std::string emit_llvm(Session& session) {
  return generate_llvm(session).text;
}

std::string emit_asm_(Session& session) {
  std::string text;
  with_llvm(
      [&] { text = backend::cpu::assembly(generate_llvm(session), backend_options(session)); });
  return text;
}

}  // namespace tenon::driver
