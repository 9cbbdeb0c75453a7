// What one run of a program carries with it: where it prints, where load() looks, the tensors that
// generated code holds, and its failure if it had one.
#pragma once
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/fault.h"

namespace tenon::runtime {

class DeviceSession;
struct Profile;

struct Context {
  std::FILE* out = stdout;
  std::filesystem::path data_dir = ".";  ///< what relative paths of load() are relative to

  int threads = 0;                       ///< that parallel loops may use; 0: one for each core

  DeviceSession* device = nullptr;       ///< where kernels run, if not on the host
  Profile* profile = nullptr;     ///< where times of kernels go, if anywhere

  std::optional<Fault> fault;            ///< set by generated code before it returns "failed"
  std::string line;                      ///< what tn_print_* has gathered

  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();  ///< frees what a failed program still held

  /// Blocks that generated code holds: a doubly linked list, so that a failed run leaks nothing.
  struct Block;
  Block* blocks = nullptr;
  /// Freed blocks of up to so many bytes wait to be taken again, a few by size in steps of
  /// `kSpareStep`: a loop that makes and frees a small tensor per turn need not ask the system.
  static constexpr int64_t kSpareBytes = 1024, kSpareStep = 64;
  struct Spares {
    Block* first = nullptr;
    int count = 0;
  } spares[kSpareBytes / kSpareStep + 1];
  Spares* spares_for(int64_t bytes);
  int64_t live_bytes = 0, peak_bytes = 0;
};

/// Writes one line of print(), buffered. Throws Fault cannot_write.
void write_line(Context& context, std::string_view text);
/// write(): `count` bytes, but none from the first zero on.
void write_bytes(Context& context, const std::byte* bytes, int64_t count);
/// Hands what was printed to the system: at the end, and before a fault is shown. Throws Fault
/// cannot_write.
void flush(Context& context);

/// Runs `body` on a thread whose stack holds deeply nested programs (1,000 calls deep, each in the
/// deepest expression the parser lets through) and rethrows what it throws. Throws Fault
/// out_of_memory where no such stack can be had.
void run_on_large_stack(const std::function<void()>& body);

}  // namespace tenon::runtime
