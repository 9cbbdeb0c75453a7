// A CUDA driver for machines that have none: libcuda.so.1 over the simulated GPU, as far as runtime/cuda_device.cpp
// asks for it. With it in LD_LIBRARY_PATH everything that is for a card runs and is tested here.
//
// The environment says what card it is: FAKE_CUDA=none (a driver without a GPU), refuses (a driver that does not
// start), or a compute capability, 90 if nothing is said. FAKE_CUDA_SHARED=101376: what its blocks have of shared
// memory. FAKE_CUDA_BREAKS=3: the launch of that number, from 0, fails, and so does whatever is asked for behind it.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/device.h"
#include "runtime/fault.h"
#include "runtime/sim/simulator.h"

namespace {

namespace sim = tenon::runtime::sim;

enum Result { success = 0, invalid_value = 1, out_of_memory = 2, no_device = 100, invalid_context = 201,
              invalid_ptx = 218, not_found = 500, illegal_address = 700, launch_failed = 719 };

/// Each thread says for itself which context it works in.
thread_local void* current = nullptr;

struct Module;
struct Function {
  Module* module;
  std::string name;
  int shared = tenon::runtime::kSharedBytes;  ///< that launches may ask for
};
struct Module {
  sim::Module code;
  std::map<std::string, Function> functions = {};
};

struct Card {
  sim::Device device;
  std::map<Module*, std::unique_ptr<Module>> modules;
  int launches = 0;
  bool broken = false;
};

Card& card() {
  static Card one;
  return one;
}

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int capability() {
  const int said = std::atoi(setting("FAKE_CUDA").c_str());
  return said > 0 ? said : 90;
}

/// That a block has at most: as cards of the same capability have it.
int shared_bytes() {
  const int said = std::atoi(setting("FAKE_CUDA_SHARED").c_str());
  if (said > 0) return said;
  uint32_t bytes = tenon::runtime::kSharedBytes, sm = 0;
  for (const sim::GpuModel& model : sim::gpu_models())
    if (model.sm > sm && static_cast<int>(model.sm) <= capability()) sm = model.sm, bytes = model.shared_per_block;
  return static_cast<int>(bytes);
}

/// What fails once fails from then on, as a context does in which a kernel went wrong.
template <class Body>
int answer(const Body& body) {
  if (current == nullptr) return invalid_context;
  if (card().broken) return illegal_address;
  try {
    return body();
  } catch (const tenon::runtime::Fault&) {
    return out_of_memory;
  } catch (const std::exception&) {
    return invalid_value;
  }
}

}  // namespace

#define API extern "C" __attribute__((visibility("default"))) int

API cuInit(unsigned) { return setting("FAKE_CUDA") == "refuses" ? no_device : success; }
API cuDriverGetVersion(int* version) { return *version = 12040, success; }
API cuDeviceGetCount(int* count) { return *count = setting("FAKE_CUDA") == "none" ? 0 : 1, success; }
API cuDeviceGet(int* device, int) { return *device = 0, success; }
API cuDeviceGetName(char* name, int size, int) { return std::strncpy(name, "simulated", static_cast<size_t>(size)), success; }
API cuDeviceGetAttribute(int* value, int attribute, int) {
  switch (attribute) {
    case 75: return *value = capability() / 10, success;
    case 76: return *value = capability() % 10, success;
    case 97: return *value = shared_bytes(), success;
    default: return invalid_value;
  }
}
API cuDevicePrimaryCtxRetain(void** context, int) { return *context = &card(), success; }
API cuDevicePrimaryCtxRelease_v2(int) { return success; }
API cuCtxSetCurrent(void* context) { return current = context, success; }

API cuModuleLoadDataEx(Module** module, const void* ptx, unsigned count, int* options, void** values) {
  if (current == nullptr) return invalid_context;
  try {
    auto made = std::make_unique<Module>(Module{sim::parse(static_cast<const char*>(ptx), "program.ptx")});
    *module = made.get();
    card().modules.emplace(*module, std::move(made));
    return success;
  } catch (const sim::PtxError& error) {
    for (unsigned i = 0; i + 1 < count; ++i)  // the buffer for messages, its size behind it
      if (options[i] == 5)
        std::strncpy(static_cast<char*>(values[i]), error.what(), reinterpret_cast<size_t>(values[i + 1]) - 1);
    return invalid_ptx;
  }
}
API cuModuleUnload(Module* module) { return card().modules.erase(module) == 1 ? success : invalid_value; }
API cuModuleGetFunction(Function** function, Module* module, const char* name) {
  if (current == nullptr) return invalid_context;
  if (module == nullptr || module->code.kernel(name) == nullptr) return not_found;
  return *function = &module->functions.emplace(name, Function{module, name}).first->second, success;
}

API cuFuncSetAttribute(Function* function, int attribute, int value) {
  if (attribute != 8 || value < 0 || value > shared_bytes()) return invalid_value;
  return function->shared = value, success;
}

API cuMemAlloc_v2(uint64_t* address, size_t bytes) {
  return answer([&] { return *address = card().device.allocate(bytes), success; });
}
API cuMemFree_v2(uint64_t address) { return answer([&] { return card().device.free(address), success; }); }
API cuMemcpyHtoD_v2(uint64_t to, const void* from, size_t bytes) {
  return answer([&] { return card().device.write(to, {static_cast<const std::byte*>(from), bytes}), success; });
}
API cuMemcpyDtoH_v2(void* to, uint64_t from, size_t bytes) {
  return answer([&] { return card().device.read(from, {static_cast<std::byte*>(to), bytes}), success; });
}
API cuMemcpyDtoD_v2(uint64_t to, uint64_t from, size_t bytes) {
  std::vector<std::byte> between(bytes);
  const int read = cuMemcpyDtoH_v2(between.data(), from, bytes);
  return read == success ? cuMemcpyHtoD_v2(to, between.data(), bytes) : read;
}

API cuLaunchKernel(Function* function, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void*, void** parameters, void**) {
  const std::string breaks = setting("FAKE_CUDA_BREAKS");
  if (!breaks.empty() && std::atoi(breaks.c_str()) == card().launches++) card().broken = true;
  return answer([&]() -> int {
    if (shared > static_cast<unsigned>(function->shared)) return invalid_value;
    const sim::KernelInfo& info = *function->module->code.kernel(function->name);
    std::vector<std::span<const std::byte>> values;
    for (size_t i = 0; i < info.params.size(); ++i)
      values.push_back({static_cast<const std::byte*>(parameters[i]), info.params[i].size});
    const sim::Report report = card().device.launch(function->module->code, function->name, {x, y, z}, {bx, by, bz},
                                                    shared, sim::pack(info, values));
    card().broken = !report.ok();
    return report.ok() ? success : launch_failed;
  });
}

using Moment = std::chrono::steady_clock::time_point;

API cuEventCreate(Moment** event, unsigned) { return *event = new Moment, success; }
API cuEventDestroy_v2(Moment* event) { return delete event, success; }
API cuEventRecord(Moment* event, void*) {
  if (current == nullptr) return invalid_context;
  return *event = std::chrono::steady_clock::now(), success;
}
API cuEventSynchronize(Moment*) { return card().broken ? illegal_address : success; }
API cuEventElapsedTime(float* milliseconds, const Moment* first, const Moment* last) {
  return *milliseconds = std::chrono::duration<float, std::milli>(*last - *first).count(), success;
}

API cuGetErrorName(int result, const char** name) {
  const std::map<int, const char*> names = {{out_of_memory, "CUDA_ERROR_OUT_OF_MEMORY"},
                                            {no_device, "CUDA_ERROR_NO_DEVICE"},
                                            {invalid_context, "CUDA_ERROR_INVALID_CONTEXT"},
                                            {invalid_ptx, "CUDA_ERROR_INVALID_PTX"},
                                            {illegal_address, "CUDA_ERROR_ILLEGAL_ADDRESS"},
                                            {launch_failed, "CUDA_ERROR_LAUNCH_FAILED"}};
  const auto found = names.find(result);
  return *name = found == names.end() ? "CUDA_ERROR_UNKNOWN" : found->second, success;
}
API cuGetErrorString(int, const char** text) { return *text = "of the driver that is none", success; }
