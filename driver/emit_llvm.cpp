#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>
#include <system_error>

#include "backend/gpu/placement.h"
#include "driver/commands.h"
#include "driver/cpu.h"
#include "driver/gpu.h"
#include "driver/ir_module.h"
#include "driver/optimize.h"
#include "driver/run.h"
#include "opt/memory/draw.h"
#include "opt/rules/match.h"

namespace tenon::driver {

namespace fs = std::filesystem;

namespace {

/// Where an error is, and the source line as under `tenon run`: taken apart from a rendered one.
backend::Place place_of(const Session& session, const lexer::Span& span) {
  if (span.file >= session.sources.size()) return {};
  const std::string text = lexer::render({"E", span, "m"}, session.sources);
  const std::string middle = ": error[E]: m\n";
  const size_t at = text.find(middle);
  if (at == text.npos) return {};
  return {text.substr(0, at), text.substr(at + middle.size())};
}

std::string absolute_data_folder(const Options& options) {
  std::error_code ignored;
  return fs::absolute(data_folder(options), ignored).lexically_normal().string();
}

}  // namespace

backend::Options backend_options(const Session& session) {
  const Options& o = session.options;
  backend::Options options{o.strict, o.level, o.llvm_opt};
  const bool on_gpu = o.target == "gpu" || o.target == "sim";
  if (on_gpu) options.gpu = gpu_arch(session);
  if (on_gpu || o.debug) options.lines = &session.sources;
  options.target = opt::loops::find_machine(o.cpu);
  options.gpu_shared_bytes = o.gpu_shared_bytes;
  options.tf32 = o.tf32;
  options.profile = !o.profile.empty();
  return options;
}

backend::Generated generate_alone(Session& session, const ir::Module& module) {
  return session.timed("writing LLVM IR", [&] {
    const backend::Alone alone{[&](const lexer::Span& span) { return place_of(session, span); },
                               absolute_data_folder(session.options)};
    return with_schedules(
        session, [&] { return backend::generate_alone(module, backend_options(session), alone); });
  });
}

backend::Generated generate_llvm(Session& session) {
  ir::Module module = load_owned(session);
  if (!session.options.exports.empty()) return generate_alone(session, module);
  return session.timed("writing LLVM IR", [&] {
    return with_schedules(session, [&] { return backend::generate(module, backend_options(session)); });
  });
}

std::jthread prepare_ahead() {
  try {
    return std::jthread([] {
      opt::built_in_matcher();
      backend::cpu::preload();
    });
  } catch (const std::system_error&) {
    return {};  // no thread is to be had: it is done when it is needed
  }
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

namespace {

bool is_for_gpu(const Options& o) { return !o.gpu_arch.empty() || o.target == "gpu" || o.target == "sim"; }

/// For the machine of --cpu, or the one that --target loops simulates.
std::vector<opt::loops::Scheduled> lower_kernels(Session& session, const ir::Module& module) {
  const Options& o = session.options;
  return with_schedules(session, [&] {
    const bool gpu = is_for_gpu(o);
    return opt::loops::lower_all(module, machine_of(o),
                                 {o.strict, gpu, o.tf32, opt::loops::capability_of(gpu ? gpu_arch(session) : "")},
                                 o.level >= 2);
  });
}

/// `schedule main.y { … }`; behind `//` if that could not be read back. What the nest would not have stands in front.
std::string as_text(const opt::loops::Scheduled& scheduled, const std::string& path, bool as_comment) {
  const std::string_view margin = as_comment ? "// " : "";
  std::string text;
  for (const std::string& reason : scheduled.given_up) text += fmt::format("// {}\n", reason);
  text += fmt::format("{}schedule {} {{\n", margin, path);
  for (const ir::Directive& directive : scheduled.schedule)
    text += fmt::format("{}  {};\n", margin, print(directive));
  return text + fmt::format("{}}}\n", margin);
}

}  // namespace

std::string emit_loops(Session& session) {
  const ir::Module module = load_owned(session);
  std::string out;
  for (const opt::loops::Scheduled& scheduled : lower_kernels(session, module)) {
    if (!out.empty()) out += '\n';
    out += ir::loops::print(module, scheduled.kernel);
  }
  return out;
}

/// What --schedule reads. Computes of no definition have no path, and are shown as comments; so are those
/// of several schedules with one path, as calls with other extents make them. Of a GPU's kernels it says which stay on
/// the host.
std::string emit_schedule(Session& session) {
  const ir::Module module = load_owned(session);
  const std::vector<opt::loops::Scheduled> nests = lower_kernels(session, module);
  std::map<std::string, std::vector<ir::Schedule>> by_path;
  for (const opt::loops::Scheduled& nest : nests) {
    std::vector<ir::Schedule>& known = by_path[nest.path];
    if (std::ranges::count(known, nest.schedule) == 0) known.push_back(nest.schedule);
  }
  std::string out;
  for (const opt::loops::Scheduled& nest : nests) {
    const std::string function = nest.kernel.name.substr(0, nest.kernel.name.rfind('.'));
    const std::string path = nest.path.empty()
                                 ? fmt::format("{}.{}", function, nest.kernel.buffers.back().name)
                                 : nest.path;
    if (!out.empty()) out += '\n';
    if (is_for_gpu(session.options))
      if (const std::string why = backend::gpu::why_not_on_gpu(module, nest.kernel); !why.empty())
        out += fmt::format("// on the host: {}\n", why);
    out += as_text(nest, path, nest.path.empty() || by_path[nest.path].size() > 1);
  }
  return out;
}

std::string emit_memory(Session& session) {
  if (!session.options.dot.empty())
    throw UsageError{"the picture of `memory` is no graph: --svg draws it"};
  const ir::Module module = load_owned(session);
  const opt::memory::MemoryPlan plan = session.timed(
      "planning memory", [&] {
        return with_schedules(session,
                              [&] { return backend::plan_memory(module, backend_options(session)); });
      });
  return session.options.svg.empty() ? opt::memory::draw(module, plan)
                                     : opt::memory::draw_svg(module, plan);
}

std::string emit_llvm(Session& session) {
  if (!backend_options(session).gpu.empty()) return generate_for_gpu(session).device;
  return generate_llvm(session).text;
}

std::string emit_asm_(Session& session) {
  std::string text;
  with_llvm(
      [&] { text = backend::cpu::assembly(generate_llvm(session), backend_options(session)); });
  return text;
}

}  // namespace tenon::driver
