#include "backend/lanes.h"

namespace tenon::backend {

std::string lane_type(std::string_view type, Lanes lanes) {
  return lanes.scalar() ? std::string(type) : fmt::format("<{} x {}>", lanes.width, type);
}

std::string lane_name(std::string_view name, Lanes lanes) {
  return lanes.scalar() ? std::string(name) : fmt::format("v{}{}", lanes.width, name);
}

std::string operand(std::string_view type, std::string_view text, Lanes lanes) {
  if (lanes.scalar() || !is_constant(text) || text == "poison") return std::string(text);
  return fmt::format("splat ({} {})", type, text);
}

std::string used_lanes(Lanes lanes) {
  std::string all;
  for (uint32_t lane = 0; lane < lanes.width; ++lane)
    all += fmt::format("{}i1 {}", lane > 0 ? ", " : "", lane < lanes.used);
  return "<" + all + ">";
}

std::string lane_numbers(Lanes lanes, int64_t first) {
  std::string all;
  for (uint32_t lane = 0; lane < lanes.width; ++lane)
    all += fmt::format("{}i64 {}", lane > 0 ? ", " : "", first + lane);
  return "<" + all + ">";
}

std::string lanes_from(uint32_t first, uint32_t count) {
  std::string all;
  for (uint32_t lane = 0; lane < count; ++lane)
    all += fmt::format("{}i32 {}", lane > 0 ? ", " : "", first + lane);
  return fmt::format("<{} x i32> <{}>", count, all);
}

std::string write_splat(FunctionText& out, std::string_view type, const std::string& value,
                        Lanes lanes) {
  const std::string vector = lane_type(type, lanes);
  const std::string one = out.fresh(value.substr(1) + ".lane");
  const std::string all = out.fresh(value.substr(1) + ".all");
  out.line("{} = insertelement {} poison, {} {}, i64 0", one, vector, type, value);
  out.line("{} = shufflevector {} {}, {} poison, <{} x i32> zeroinitializer", all, vector, one,
           vector, lanes.width);
  return all;
}

std::string write_lane(FunctionText& out, std::string_view type, const std::string& value,
                       Lanes lanes, uint32_t lane) {
  const std::string result = out.fresh("lane");
  out.line("{} = extractelement {} {}, i64 {}", result, lane_type(type, lanes),
           operand(type, value, lanes), lane);
  return result;
}

std::string write_with_lane(FunctionText& out, std::string_view type, const std::string& vector,
                            Lanes lanes, uint32_t lane, const std::string& value) {
  const std::string result = out.fresh("lanes");
  out.line("{} = insertelement {} {}, {} {}, i64 {}", result, lane_type(type, lanes),
           operand(type, vector, lanes), type, value, lane);
  return result;
}

}  // namespace tenon::backend
