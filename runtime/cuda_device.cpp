#include "runtime/cuda_device.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "runtime/fault.h"

namespace tenon::runtime {
namespace {

// The driver's interface, as far as it is used here: it has kept to it since CUDA 3.2.
using CuResult = int;
using CuDevice = int;
using CuPointer = unsigned long long;
struct CuContextTag;
struct CuModuleTag;
struct CuFunctionTag;
struct CuStreamTag;
struct CuEventTag;

constexpr CuResult kSuccess = 0, kOutOfMemory = 2;
constexpr int kMajor = 75, kMinor = 76, kMostShared = 97;  // of cuDeviceGetAttribute
constexpr int kErrorLog = 5, kErrorLogBytes = 6;           // of cuModuleLoadDataEx
constexpr int kLaunchShared = 8;                           // of cuFuncSetAttribute
constexpr int kOldest = 75;                                // compute capability

/// The functions by their exported names: those whose meaning once changed carry a version.
struct Driver {
  CuResult (*cuInit)(unsigned);
  CuResult (*cuDriverGetVersion)(int*);
  CuResult (*cuDeviceGetCount)(int*);
  CuResult (*cuDeviceGet)(CuDevice*, int);
  CuResult (*cuDeviceGetName)(char*, int, CuDevice);
  CuResult (*cuDeviceGetAttribute)(int*, int, CuDevice);
  CuResult (*cuDevicePrimaryCtxRetain)(CuContextTag**, CuDevice);
  CuResult (*cuDevicePrimaryCtxRelease_v2)(CuDevice);
  CuResult (*cuCtxSetCurrent)(CuContextTag*);
  CuResult (*cuModuleLoadDataEx)(CuModuleTag**, const void*, unsigned, int*, void**);
  CuResult (*cuModuleUnload)(CuModuleTag*);
  CuResult (*cuModuleGetFunction)(CuFunctionTag**, CuModuleTag*, const char*);
  CuResult (*cuFuncSetAttribute)(CuFunctionTag*, int, int);
  CuResult (*cuMemAlloc_v2)(CuPointer*, size_t);
  CuResult (*cuMemFree_v2)(CuPointer);
  CuResult (*cuMemcpyHtoD_v2)(CuPointer, const void*, size_t);
  CuResult (*cuMemcpyDtoH_v2)(void*, CuPointer, size_t);
  CuResult (*cuMemcpyDtoD_v2)(CuPointer, CuPointer, size_t);
  CuResult (*cuLaunchKernel)(CuFunctionTag*, unsigned, unsigned, unsigned, unsigned, unsigned,
                             unsigned, unsigned, CuStreamTag*, void**, void**);
  CuResult (*cuEventCreate)(CuEventTag**, unsigned);
  CuResult (*cuEventDestroy_v2)(CuEventTag*);
  CuResult (*cuEventRecord)(CuEventTag*, CuStreamTag*);
  CuResult (*cuEventSynchronize)(CuEventTag*);
  CuResult (*cuEventElapsedTime)(float*, CuEventTag*, CuEventTag*);
  CuResult (*cuGetErrorName)(CuResult, const char**);
  CuResult (*cuGetErrorString)(CuResult, const char**);
};

template <class Function>
void find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr)
    throw DeviceError{fmt::format("the CUDA driver has no function `{}`: it is too old", name)};
}

const Driver& driver() {
  static const Driver opened = [] {
    void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
      throw DeviceError{
          "there is no CUDA driver (libcuda.so.1) on this machine; it comes with NVIDIA's driver. "
          "`--target sim` runs the same program on a simulated GPU"};
    Driver d;
#define FIND(name) find(library, #name, d.name);
    FIND(cuInit) FIND(cuDriverGetVersion) FIND(cuDeviceGetCount) FIND(cuDeviceGet)
    FIND(cuDeviceGetName) FIND(cuDeviceGetAttribute) FIND(cuDevicePrimaryCtxRetain)
    FIND(cuDevicePrimaryCtxRelease_v2) FIND(cuCtxSetCurrent) FIND(cuModuleLoadDataEx)
    FIND(cuModuleUnload) FIND(cuModuleGetFunction) FIND(cuFuncSetAttribute) FIND(cuMemAlloc_v2) FIND(cuMemFree_v2)
    FIND(cuMemcpyHtoD_v2) FIND(cuMemcpyDtoH_v2) FIND(cuMemcpyDtoD_v2) FIND(cuLaunchKernel)
    FIND(cuEventCreate) FIND(cuEventDestroy_v2) FIND(cuEventRecord) FIND(cuEventSynchronize)
    FIND(cuEventElapsedTime) FIND(cuGetErrorName) FIND(cuGetErrorString)
#undef FIND
    return d;
  }();
  return opened;
}

std::string text_of(CuResult result) {
  const char *name = nullptr, *meaning = nullptr;
  driver().cuGetErrorName(result, &name);
  driver().cuGetErrorString(result, &meaning);
  return fmt::format("{} ({})", name == nullptr ? "error " + std::to_string(result) : name,
                     meaning == nullptr ? "unknown" : meaning);
}

void check(CuResult result, std::string_view what) {
  if (result != kSuccess)
    throw DeviceError{fmt::format("the GPU cannot {}: {}", what, text_of(result))};
}

class CudaDevice : public Device {
 public:
  explicit CudaDevice(CudaInfo* info) {
    check(driver().cuInit(0), "be started");
    int count = 0;
    check(driver().cuDeviceGetCount(&count), "be counted");
    if (count == 0)
      throw DeviceError{
          "there is a CUDA driver on this machine, but no GPU; `--target sim` runs the same program on "
          "a simulated one"};
    check(driver().cuDeviceGet(&device_, 0), "be opened");
    char name[256] = {};
    check(driver().cuDeviceGetName(name, sizeof name, device_), "say its name");
    int major = 0, minor = 0, shared = 0;
    check(driver().cuDeviceGetAttribute(&major, kMajor, device_), "say its version");
    check(driver().cuDeviceGetAttribute(&minor, kMinor, device_), "say its version");
    check(driver().cuDeviceGetAttribute(&shared, kMostShared, device_), "say what blocks share");
    info_ = *info = {name, 10 * major + minor, shared};
    if (info->capability < kOldest)
      throw DeviceError{fmt::format("the GPU {} has compute capability {}.{}; at least 7.5 is wanted",
                                    name, major, minor)};
    check(driver().cuDevicePrimaryCtxRetain(&context_, device_), "give a context");
    enter();
  }

  ~CudaDevice() override {
    if (context_ != nullptr) driver().cuCtxSetCurrent(context_);
    if (module_ != nullptr) driver().cuModuleUnload(module_);
    if (context_ != nullptr) driver().cuDevicePrimaryCtxRelease_v2(device_);
  }

  void load(const std::string& ptx) override {
    enter();
    std::vector<char> log(16 << 10);
    functions_.clear();
    if (module_ != nullptr) check(driver().cuModuleUnload(std::exchange(module_, nullptr)), "forget its kernels");
    int options[] = {kErrorLog, kErrorLogBytes};
    void* values[] = {log.data(), reinterpret_cast<void*>(log.size())};
    const CuResult result = driver().cuModuleLoadDataEx(&module_, ptx.c_str(), 2, options, values);
    if (result == kSuccess) return;
    log.back() = 0;
    throw DeviceError{fmt::format("the GPU does not take the PTX: {}\n{}", text_of(result), log.data())};
  }

  DeviceAddress allocate(int64_t bytes) override {
    enter();
    CuPointer address = 0;
    const CuResult result = driver().cuMemAlloc_v2(&address, static_cast<size_t>(bytes));
    if (result == kOutOfMemory) throw Fault{FaultKind::out_of_memory, bytes};
    check(result, fmt::format("allocate {} bytes", bytes));
    return address;
  }
  void release(DeviceAddress address) noexcept override {
    if (driver().cuCtxSetCurrent(context_) == kSuccess) driver().cuMemFree_v2(address);
  }

  void copy_in(DeviceAddress to, const void* from, int64_t bytes) override {
    enter();
    check(driver().cuMemcpyHtoD_v2(to, from, static_cast<size_t>(bytes)), "take a tensor");
  }
  void copy_out(void* to, DeviceAddress from, int64_t bytes) override {
    enter();
    check(driver().cuMemcpyDtoH_v2(to, from, static_cast<size_t>(bytes)), "give a tensor back");
  }
  void copy(DeviceAddress to, DeviceAddress from, int64_t bytes) override {
    enter();
    check(driver().cuMemcpyDtoD_v2(to, from, static_cast<size_t>(bytes)), "copy a tensor");
  }

  void launch(const std::string& kernel, const LaunchSize& size,
              std::span<const LaunchArgument> arguments) override {
    if (size.blocks > std::numeric_limits<int32_t>::max())
      throw DeviceError{fmt::format("kernel `{}` asks for {} blocks, more than 2^31", kernel, size.blocks)};
    if (size.shared_bytes > info_.shared_bytes)
      throw DeviceError{fmt::format("kernel `{}` wants {} bytes of shared memory for a block; the GPU {} has {}", kernel,
                                    size.shared_bytes, info_.name, info_.shared_bytes)};
    enter();
    CuFunctionTag* function = function_for(kernel, static_cast<int>(size.shared_bytes));
    std::vector<uint64_t> bits;
    for (const LaunchArgument& argument : arguments) bits.push_back(argument.bits);
    std::vector<void*> values;
    for (uint64_t& value : bits) values.push_back(&value);
    check(driver().cuLaunchKernel(function, static_cast<unsigned>(size.blocks), 1, 1,
                                  static_cast<unsigned>(size.threads), 1, 1, static_cast<unsigned>(size.shared_bytes),
                                  nullptr, values.data(), nullptr),
          fmt::format("launch kernel `{}`", kernel));
  }

 private:
  /// A context is current in one thread; whichever calls takes it up.
  void enter() { check(driver().cuCtxSetCurrent(context_), "take up its context"); }

  /// The kernel, which has been told that blocks of it may share so much.
  CuFunctionTag* function_for(const std::string& kernel, int shared_bytes) {
    Found& found = functions_[kernel];
    if (found.function == nullptr)
      check(driver().cuModuleGetFunction(&found.function, module_, kernel.c_str()), fmt::format("find kernel `{}`", kernel));
    if (shared_bytes > found.shared_bytes) {
      check(driver().cuFuncSetAttribute(found.function, kLaunchShared, shared_bytes),
            fmt::format("give kernel `{}` {} bytes of shared memory for a block", kernel, shared_bytes));
      found.shared_bytes = shared_bytes;
    }
    return found.function;
  }

  struct Found {
    CuFunctionTag* function = nullptr;
    int shared_bytes = kSharedBytes;
  };

  CudaInfo info_;
  CuDevice device_ = 0;
  CuContextTag* context_ = nullptr;
  CuModuleTag* module_ = nullptr;
  std::map<std::string, Found> functions_;  ///< of the module, those that were launched
};

}  // namespace

struct CudaClock::Events {
  CuEventTag *first = nullptr, *last = nullptr;
};

CudaClock::CudaClock() : events_(std::make_unique<Events>()) {
  check(driver().cuEventCreate(&events_->first, 0), "give an event");
  check(driver().cuEventCreate(&events_->last, 0), "give an event");
}

CudaClock::~CudaClock() {
  for (CuEventTag* event : {events_->first, events_->last})
    if (event != nullptr) driver().cuEventDestroy_v2(event);
}

void CudaClock::start() { check(driver().cuEventRecord(events_->first, nullptr), "note a time"); }

double CudaClock::stop() {
  check(driver().cuEventRecord(events_->last, nullptr), "note a time");
  check(driver().cuEventSynchronize(events_->last), "finish");
  float milliseconds = 0;
  check(driver().cuEventElapsedTime(&milliseconds, events_->first, events_->last), "tell a time");
  return milliseconds * 1e-3;
}

std::unique_ptr<Device> open_cuda(CudaInfo* info) { return std::make_unique<CudaDevice>(info); }

}  // namespace tenon::runtime
