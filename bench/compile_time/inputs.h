// Programs and IR of any size, the same each time, for measuring how compile time grows.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tenon::bench {

/// A program of `lines` lines, or up to 40 more: records, generic functions with index definitions,
/// loops, conditions, calls.
std::string source_text(size_t lines);

/// One shape of large IR function, of about `instructions` instructions.
struct IrShape {
  std::string_view name, meaning;
  std::string (*text)(size_t instructions);
  size_t largest;  ///< measured unless asked otherwise
};
std::span<const IrShape> ir_shapes();

}  // namespace tenon::bench
