#include "runtime/print.h"

#include <fmt/format.h>

#include <cmath>

#include "runtime/decimal.h"

namespace tenon::runtime {
namespace {

constexpr int64_t kSummaryAbove = 1000;  ///< elements; NumPy's threshold
constexpr int64_t kEdge = 3;             ///< entries shown at each end of a summarized axis

void append_decimal(std::string& out, const Decimal& number) {
  std::string digits = number.digits;
  if (number.exponent < -4 || number.exponent >= 16) {
    if (digits.size() > 1) digits.insert(1, 1, '.');
    fmt::format_to(std::back_inserter(out), "{}e{:+03}", digits, number.exponent);
    return;
  }
  const int before_point = number.exponent + 1;
  if (before_point <= 0) {
    out += "0." + std::string(-before_point, '0') + digits;
  } else {
    if (static_cast<int>(digits.size()) <= before_point) digits.resize(before_point + 1, '0');
    out += digits.insert(before_point, 1, '.');
  }
}

void append_float(std::string& out, Scalar value) {
  if (std::isnan(value.f)) {
    out += "nan";
    return;
  }
  if (std::signbit(value.f)) out += '-';
  if (std::isinf(value.f)) {
    out += "inf";
  } else {
    append_decimal(out, shortest_decimal(value));
  }
}

void append(std::string& out, Scalar value) {
  switch (row(value.type).kind) {
    case Kind::boolean: out += value.i != 0 ? "true" : "false"; return;
    case Kind::integer: fmt::format_to(std::back_inserter(out), "{}", value.i); return;
    case Kind::floating: append_float(out, value); return;
  }
}

int64_t row_major(const Shape& shape, const Shape& index) {
  int64_t offset = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis) offset = offset * shape[axis] + index[axis];
  return offset;
}

}  // namespace

std::string to_text(Scalar value) {
  std::string out;
  append(out, value);
  return out;
}

std::string to_text(const Tensor& tensor) {
  return to_text(tensor.type(), tensor.shape(), tensor.data());
}

// An odometer rather than a recursion over axes: a rank as high as a program can write must not
// exhaust the stack.
std::string to_text(DType type, const Shape& shape, const std::byte* data) {
  const int64_t count = element_count(shape).value_or(0);
  if (count == 0) return "[]";
  const int rank = static_cast<int>(shape.size());
  Shape index(rank, 0);
  std::string out(rank, '[');
  for (;;) {
    append(out, read_element(type, data, row_major(shape, index)));
    int axis = rank - 1;
    for (; axis >= 0 && index[axis] == shape[axis] - 1; --axis) {
      index[axis] = 0;
      out += ']';
    }
    if (axis < 0) return out;

    // Within a row a blank; between the blocks of outer axes a line break for each axis inside,
    // then blanks up to where this axis' bracket stands.
    const int inside = rank - 1 - axis;
    std::string separator = ",";
    separator += inside == 0 ? " " : std::string(inside, '\n') + std::string(axis + 1, ' ');
    out += separator;
    ++index[axis];
    if (count > kSummaryAbove && shape[axis] > 2 * kEdge && index[axis] == kEdge) {
      out += "..." + separator;
      index[axis] = shape[axis] - kEdge;
    }
    out.append(inside, '[');
  }
}

}  // namespace tenon::runtime
