// tenon doctor: what is present on this machine, and what is switched off without it.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "driver/commands.h"
#include "runtime/threads.h"
#if TENON_UPTO >= 9
#include "backend/backend.h"
#endif
#if TENON_UPTO >= 13
#include "runtime/cuda_device.h"
#endif

namespace tenon::driver {

namespace {

struct Tool {
  std::string_view program, needed_for;
};

constexpr Tool kTools[] = {
    {"re2c", "building the scanner"},
    {"bison", "building the parser"},
    {"cmake", "building"},
    {"cc", "linking of programs and libraries that tenon build makes"},
    {"objcopy", "object files and archives of tenon build"},
    {"dot", "drawing graphs as SVG"},
    {"ptxas", "checking PTX against NVIDIA's assembler"},
    {"nvidia-smi", "running on a GPU"},
};

/// Where a program is on the PATH; empty if nowhere.
std::string find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string candidate = folder + "/" + std::string(name);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

#if TENON_UPTO >= 13
/// Its name, or why there is none.
std::string gpu_text() {
  try {
    runtime::CudaInfo info;
    runtime::open_cuda(&info);
    return fmt::format("{}, compute capability {}.{}", info.name, info.capability / 10, info.capability % 10);
  } catch (const runtime::DeviceError& error) {
    return error.message;
  }
}
#endif

}  // namespace

void command_doctor(Session&) {
  fmt::print("{:<11} {}\n", "built",
             TENON_UPTO < 19 ? fmt::format("up to lesson {}", TENON_UPTO) : "all folders");
  fmt::print("threads     {}\n", runtime::threads_text());
#if TENON_UPTO >= 9
  fmt::print("LLVM        {}\n", backend::cpu::llvm_version());
#endif
#if TENON_UPTO >= 13
  fmt::print("GPU         {}\n", gpu_text());
#endif
  for (const Tool& tool : kTools) {
    std::string where = find_program(tool.program);
    fmt::print("{:<11} {}\n", tool.program,
               where.empty() ? fmt::format("not found: no {}", tool.needed_for) : where);
  }
}

}  // namespace tenon::driver
