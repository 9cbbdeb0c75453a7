// Values of several lanes: the turns of a vectorized loop side by side, `<16 x float>` in a register.
//
// A constant is spelled as for one lane, `0x3FF0000000000000`, until it becomes an operand; what has
// a value for each lane is a register (`%x`) or a vector constant (`<i64 0, i64 1>`).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "backend/llvm_text.h"

namespace tenon::backend {

struct Lanes {
  uint32_t width = 1;  ///< a power of two; 1: plain scalars
  uint32_t used = 1;   ///< the first so many mean something, the others are harmless

  bool scalar() const { return width == 1; }
  bool partial() const { return used != width; }
  bool operator==(const Lanes&) const = default;
};

/// Whether it is the same constant in all lanes.
inline bool is_constant(std::string_view text) { return text[0] != '%' && text[0] != '<'; }

/// `float` or `<16 x float>`.
std::string lane_type(std::string_view type, Lanes lanes);
inline std::string lane_type(DType type, Lanes lanes) {
  return lane_type(register_type(type), lanes);
}
/// How intrinsics name it: `f32` or `v16f32`.
std::string lane_name(std::string_view name, Lanes lanes);
/// As an operand: constants as `splat (float 0x…)`.
std::string operand(std::string_view type, std::string_view text, Lanes lanes);

/// `<i1 true, …, i1 false>`: the lanes that are used.
std::string used_lanes(Lanes lanes);
/// `<i64 4, i64 5>`: numbers from `first` on.
std::string lane_numbers(Lanes lanes, int64_t first);
/// `<2 x i32> <i32 4, i32 5>`: an operand of shufflevector that picks `count` lanes from `first` on.
std::string lanes_from(uint32_t first, uint32_t count);

/// A register with `value`, a scalar register, in all lanes.
std::string write_splat(FunctionText& out, std::string_view type, const std::string& value,
                        Lanes lanes);
/// A register with lane `lane` of `value`.
std::string write_lane(FunctionText& out, std::string_view type, const std::string& value,
                       Lanes lanes, uint32_t lane);
/// A register with `lane` of `vector` replaced.
std::string write_with_lane(FunctionText& out, std::string_view type, const std::string& vector,
                            Lanes lanes, uint32_t lane, const std::string& value);

}  // namespace tenon::backend
