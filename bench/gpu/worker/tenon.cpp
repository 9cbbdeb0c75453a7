// Tenon: its plan for the work (plan.py), the launches of which are timed.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>

#include "bench/gpu/worker/tensors.h"
#include "runtime/recording.h"

namespace tenon::bench {
namespace {

using runtime::LaunchArgument;
using runtime::Recording;

/// The work on the device: its tensors are there, and only launches are left. Where the program used memory again,
/// for another input or another result, each has its own here, so that the launches can be done over and over.
struct Planned {
  Recording recording = {};
  std::vector<std::string> arguments = {};  ///< of the function, as the work's inputs follow each other
  Buffers memory = {};
  std::map<int32_t, int64_t> sizes = {};                  ///< of buffers, in bytes
  std::map<int32_t, runtime::DeviceAddress> current = {};  ///< what a buffer stands for now
  std::map<int32_t, bool> filled = {};
  std::vector<std::pair<const Recording::Launch*, std::vector<LaunchArgument>>> launches = {};
  std::optional<LaunchArgument> result = {};  ///< what the last kernel leaves

  runtime::DeviceAddress renew(int32_t buffer) {
    filled[buffer] = false;
    return current[buffer] = memory.add(sizes.at(buffer));
  }
};

std::optional<Planned> planned;

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
bool find(const work& work, Planned& plan) {
  const char* folder = std::getenv("TENON_PLANS");
  if (folder == nullptr) return false;
  for (const int capability : {90, 80, 75}) {
    if (capability > gpu_capability()) continue;
    const std::string plan_of = std::string(folder) + "/sm_" + std::to_string(capability) + "/" + key_of(work);
    const auto calls = file(plan_of + ".calls"), ptx = file(plan_of + ".ptx"), names = file(plan_of + ".arguments");
    if (!calls || !ptx || !names) continue;
    plan.recording = runtime::parse_recording(*calls, *ptx, "");
    std::istringstream words(*names);
    plan.arguments.assign(std::istream_iterator<std::string>(words), {});
    return true;
  }
  return false;
}

[[noreturn]] void refuse(const std::string& why) { throw runtime::DeviceError{"the plan cannot be timed: " + why}; }

/// A tensor that nobody has written to is an input.
runtime::DeviceAddress read_place(Planned& plan, const work& work, const Recording::Argument& argument) {
  const auto found = plan.current.find(argument.buffer);
  if (found == plan.current.end()) refuse("`" + argument.name + "` has never been given");
  const runtime::DeviceAddress address = found->second;
  if (plan.filled[argument.buffer]) return address;
  const auto input = std::ranges::find(plan.arguments, argument.name) - plan.arguments.begin();
  if (input >= std::min<long>(work.inputs, std::ssize(plan.arguments)))
    refuse("`" + argument.name + "` is no argument of the work");
  const auto& tensor = *argument.value.tensor;
  if (tensor.bytes != bytes_of(tensor.type, work.in_size[input])) refuse("`" + argument.name + "` has another size");
  put(address, tensor.type, work.in[input], work.in_size[input]);
  plan.filled[argument.buffer] = true;
  return address;
}

/// Reads come first: what a kernel writes may be memory that it does not read any more.
void place(Planned& plan, const work& work, const Recording::Launch& launch) {
  std::vector<LaunchArgument> arguments;
  for (const Recording::Argument& argument : launch.arguments) {
    arguments.push_back(argument.value);
    const auto& tensor = argument.value.tensor;
    if (tensor && tensor->use == LaunchArgument::Use::fails) refuse("its kernels may fail");
    if (tensor && tensor->use == LaunchArgument::Use::reads) arguments.back().bits = read_place(plan, work, argument);
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].tensor || arguments[i].tensor->use != LaunchArgument::Use::writes) continue;
    arguments[i].bits = plan.renew(launch.arguments[i].buffer);
    plan.filled[launch.arguments[i].buffer] = true;
    plan.result = arguments[i];
  }
  plan.launches.emplace_back(&launch, std::move(arguments));
}

void run(work*) {
  for (const auto& [launch, arguments] : planned->launches)
    gpu().launch(launch->kernel, launch->blocks, launch->threads, arguments);
}

run_function prepare(work* work) {
  planned.reset();
  try {
    Planned& plan = planned.emplace();
    if (!find(*work, plan)) return nullptr;
    gpu().load(plan.recording.ptx);
    for (const Recording::Call& call : plan.recording.calls) {
      if (const auto* memory = std::get_if<Recording::Allocate>(&call)) plan.sizes[memory->buffer] = memory->bytes;
      else if (const auto* input = std::get_if<Recording::CopyIn>(&call)) plan.renew(input->to.buffer);
      else if (const auto* launch = std::get_if<Recording::Launch>(&call)) place(plan, *work, *launch);
      else if (std::holds_alternative<Recording::Copy>(call)) refuse("it copies tensors");
    }
    if (!plan.result) refuse("no kernel is launched");
    return run;
  } catch (const runtime::RecordingError& error) {
    refuse("line " + std::to_string(error.line) + ": " + error.reason);
  }
}

void fetch(work* work) {
  const auto& tensor = *planned->result->tensor;
  if (tensor.bytes != bytes_of(tensor.type, work->out_size)) refuse("the result has another size");
  get(work->out, tensor.type, planned->result->bits, work->out_size);
}

}  // namespace

const GpuPeer kTenon = {"tenon", prepare, fetch};

}  // namespace tenon::bench
