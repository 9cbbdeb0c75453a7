#include "bench/support/machine.h"

#include <fmt/format.h>

#include <fstream>
#include <thread>

namespace tenon::bench {
namespace {

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

}  // namespace

std::string machine() {
#ifdef __clang__
  constexpr std::string_view kCompiler = "clang " __clang_version__;
#else
  constexpr std::string_view kCompiler = "g++ " __VERSION__;
#endif
  return fmt::format("{}, {} processors; built by {} {}", processor(),
                     std::thread::hardware_concurrency(), kCompiler, TENON_BENCH_FLAGS);
}

}  // namespace tenon::bench
