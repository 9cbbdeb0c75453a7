// A run-time error on its way to the user: which row of faults.def, where, and the values.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tenon::runtime {

enum class FaultKind : uint8_t {
#define FAULT(name, code, message) name,
#include "runtime/faults.def"
};

struct FaultRow {
  std::string_view name, code, message;
};
inline constexpr FaultRow kFaults[] = {
#define FAULT(name, code, message) {#name, code, message},
#include "runtime/faults.def"
};
constexpr const FaultRow& row(FaultKind kind) { return kFaults[static_cast<int>(kind)]; }

inline constexpr uint32_t kNoSite = 0xffffffff;
inline constexpr int kMaxCallDepth = 1000;  ///< nested calls of recursive functions, on every engine

/// Thrown by the interpreters and the runtime's own functions; generated code records one in its
/// Context instead and returns.
struct Fault {
  FaultKind kind;
  int64_t a = 0, b = 0;
  std::string text = {};
  uint32_t site = kNoSite;  ///< index into the table of places of whoever runs the program

  std::string message() const;  ///< the row's message with the values filled in
};

}  // namespace tenon::runtime
