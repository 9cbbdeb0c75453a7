// What one run of a program carries with it: where it prints, where load() looks, the tensors that
// generated code holds, and its failure if it had one.
#pragma once
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

#include "runtime/fault.h"

namespace tenon::runtime {

struct Context {
  std::FILE* out = stdout;
  std::filesystem::path data_dir = ".";  ///< what relative paths of load() are relative to

  std::optional<Fault> fault;            ///< set by generated code before it returns "failed"

  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();  ///< frees what a failed program still held

  /// Blocks that generated code holds: a doubly linked list, so that a failed run leaks nothing.
  struct Block;
  Block* blocks = nullptr;
  int64_t live_bytes = 0, peak_bytes = 0;
};

/// Writes one line of print().
void write_line(Context& context, std::string_view text);

/// Runs `body` on a thread whose stack holds deeply nested programs (1,000 calls deep, each in the
/// deepest expression the parser lets through) and rethrows what it throws.
void run_on_large_stack(const std::function<void()>& body);

}  // namespace tenon::runtime
