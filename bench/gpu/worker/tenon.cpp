// Tenon: what it launches for the work was planned where there is a compiler (plan.py).
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "bench/gpu/worker/plan.h"

namespace tenon::bench {
namespace {

std::optional<Plan> plan;

std::string key_of(const work& work) {
  std::string key = work.kind;
  for (const long parameter : work.p) key += "-" + std::to_string(parameter);
  return key;
}

std::optional<std::string> file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return {};
  return std::string(std::istreambuf_iterator<char>(in), {});
}

/// For the best GPU that this card can pass for.
std::optional<runtime::Recording> planned(const work& work) {
  const char* folder = std::getenv("TENON_PLANS");
  for (const int capability : {90, 80, 75}) {
    if (folder == nullptr || capability > gpu_capability()) continue;
    const std::string name = std::string(folder) + "/sm_" + std::to_string(capability) + "/" + key_of(work);
    const auto calls = file(name + ".calls"), ptx = file(name + ".ptx"), data = file(name + ".data");
    if (calls && ptx && data) return runtime::parse_recording(*calls, *ptx, *data);
  }
  return {};
}

void run(work*) { plan->run(); }

run_function prepare(work* work) {
  plan.reset();
  try {
    std::optional<runtime::Recording> recording = planned(*work);
    if (!recording) return nullptr;
    plan.emplace(std::move(*recording), *work);
    return run;
  } catch (const runtime::RecordingError& error) {
    throw runtime::DeviceError{"the plan is damaged: line " + std::to_string(error.line) + ": " + error.reason};
  }
}

void fetch(work* work) { plan->fetch(*work); }

}  // namespace

const GpuPeer kTenon = {"tenon", prepare, fetch};

}  // namespace tenon::bench
