#include "ir/interval.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace tenon::ir {
namespace {

using runtime::DType;
using runtime::ScalarOp;

__extension__ using Wide = __int128;  ///< holds any product of two i64

constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();

constexpr Range kEither{0, 1};

int64_t floor_div(int64_t a, int64_t positive) {
  return a / positive - (a % positive < 0 ? 1 : 0);
}

/// [lo, hi] where that fits.
Range unwrapped(Wide lo, Wide hi, Range all) {
  if (lo < all.lo || hi > all.hi) return all;
  return {static_cast<int64_t>(lo), static_cast<int64_t>(hi)};
}

Range product(Range x, Range y, Range all) {
  const Wide corners[] = {Wide{x.lo} * y.lo, Wide{x.lo} * y.hi, Wide{x.hi} * y.lo,
                          Wide{x.hi} * y.hi};
  const auto [lo, hi] = std::minmax_element(std::begin(corners), std::end(corners));
  return unwrapped(*lo, *hi, all);
}

/// By a positive number: monotone in x, and toward 0 in y.
Range quotient(Range x, Range y) {
  return {floor_div(x.lo, x.lo < 0 ? y.lo : y.hi), floor_div(x.hi, x.hi < 0 ? y.hi : y.lo)};
}

Range magnitude(Range x, Range all) {
  if (x.lo == all.lo) return all;  // whose magnitude wraps around
  return {x.lo > 0 ? x.lo : x.hi < 0 ? -x.hi : 0, std::max(-x.lo, x.hi)};
}

/// All numbers of as many bits as the greatest has; neither is negative.
Range any_of_the_bits(Range x, Range y) {
  const auto bits = static_cast<uint64_t>(std::max(x.hi, y.hi));
  return {0, static_cast<int64_t>(std::bit_ceil(bits + 1) - 1)};
}

Range comparison(ScalarOp op, Range x, Range y) {
  const auto decided = [](bool yes, bool no) { return yes ? Range{1, 1} : no ? Range{0, 0} : kEither; };
  const bool apart = x.hi < y.lo || y.hi < x.lo;
  const bool same = x.lo == x.hi && x == y;
  switch (op) {
    case ScalarOp::lt: return decided(x.hi < y.lo, x.lo >= y.hi);
    case ScalarOp::le: return decided(x.hi <= y.lo, x.lo > y.hi);
    case ScalarOp::gt: return decided(x.lo > y.hi, x.hi <= y.lo);
    case ScalarOp::ge: return decided(x.lo >= y.hi, x.hi < y.lo);
    case ScalarOp::eq: return decided(same, apart);
    case ScalarOp::ne: return decided(apart, same);
    default: return kEither;
  }
}

/// Shifts by a known count.
Range shifted(ScalarOp op, Range x, int64_t count, Range all) {
  switch (op) {
    case ScalarOp::shl: return unwrapped(Wide{x.lo} << count, Wide{x.hi} << count, all);
    case ScalarOp::shr: return {x.lo >> count, x.hi >> count};
    default: return x.lo < 0 ? all : Range{x.lo >> count, x.hi >> count};
  }
}

}  // namespace

Range hull(Range a, Range b) {
  if (a.is_empty()) return b;
  if (b.is_empty()) return a;
  return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)};
}
Range intersection(Range a, Range b) {
  return {std::max(a.lo, b.lo), std::min(a.hi, b.hi)};
}

Range range_of_type(DType type) {
  if (type == DType::bool_) return kEither;
  if (!runtime::is_integer(type)) return {kLowest, kHighest};
  return {runtime::lowest(type), runtime::highest(type)};
}

Range range_of_apply(ScalarOp op, DType type, std::span<const Range> operands) {
  if (runtime::row(op).result == runtime::Result::bits)
    return range_of_type(runtime::result_type(op, type));
  const Range all = range_of_type(type);
  if (op == ScalarOp::isnan) return kEither;
  const bool compares = runtime::row(op).result == runtime::Result::boolean;
  if (!runtime::is_integer(type) && type != DType::bool_) return compares ? kEither : all;
  const Range x = operands[0], y = operands.size() > 1 ? operands[1] : x;
  switch (op) {
    case ScalarOp::add: return unwrapped(Wide{x.lo} + y.lo, Wide{x.hi} + y.hi, all);
    case ScalarOp::sub: return unwrapped(Wide{x.lo} - y.hi, Wide{x.hi} - y.lo, all);
    case ScalarOp::neg: return unwrapped(-Wide{x.hi}, -Wide{x.lo}, all);
    case ScalarOp::mul: return product(x, y, all);
    case ScalarOp::div:
      return y.lo < 0 || y.hi <= 0 ? all : quotient(x, {std::max<int64_t>(y.lo, 1), y.hi});
    case ScalarOp::mod:
      if (y.lo < 0 || y.hi <= 0) return all;
      if (x.lo >= 0 && x.hi < y.lo) return x;
      return {0, x.lo < 0 ? y.hi - 1 : std::min(x.hi, y.hi - 1)};
    case ScalarOp::min: return {std::min(x.lo, y.lo), std::min(x.hi, y.hi)};
    case ScalarOp::max: return {std::max(x.lo, y.lo), std::max(x.hi, y.hi)};
    case ScalarOp::abs: return magnitude(x, all);
    case ScalarOp::not_: return {1 - x.hi, 1 - x.lo};
    case ScalarOp::and_: return {std::min(x.lo, y.lo), std::min(x.hi, y.hi)};
    case ScalarOp::or_: return {std::max(x.lo, y.lo), std::max(x.hi, y.hi)};
    case ScalarOp::select:
      return x.lo == 1 ? y : x.hi == 0 ? operands[2] : hull(y, operands[2]);
    case ScalarOp::bit_and:
      if (x.lo < 0 && y.lo < 0) return all;
      return {0, std::min(x.lo < 0 ? y.hi : x.hi, y.lo < 0 ? x.hi : y.hi)};
    case ScalarOp::bit_or:
    case ScalarOp::bit_xor: return x.lo < 0 || y.lo < 0 ? all : any_of_the_bits(x, y);
    case ScalarOp::shl:
    case ScalarOp::shr:
    case ScalarOp::ushr: {
      const int64_t width = runtime::bits_of(type);
      if (y.lo != y.hi) return all;
      return shifted(op, x, ((y.lo % width) + width) % width, all);
    }
    default: return compares ? comparison(op, x, y) : all;
  }
}

Range range_of_convert(DType to, DType from, Range range) {
  const Range all = range_of_type(to);
  if (!runtime::is_integer(from) && from != DType::bool_) return all;
  if (to == DType::bool_) return range.contains(0) ? Range{0, range == Range{0, 0} ? 0 : 1} : Range{1, 1};
  return intersection(range, all) == range ? range : all;
}

}  // namespace tenon::ir
