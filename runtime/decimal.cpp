#include "runtime/decimal.h"

#include <fmt/format.h>

#include <bit>
#include <cfenv>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace tenon::runtime {
namespace {

/// A number as to_chars writes it in exponent form: `d.ddde+dd`.
Decimal split(std::string_view text) {
  const size_t e = text.find('e');
  Decimal number{std::string(1, text[0]), 0};
  if (e > 2) number.digits += text.substr(2, e - 2);
  const char* exponent = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(exponent, text.data() + text.size(), number.exponent);
  return number;
}

template <class... Precision>
Decimal decimal(auto value, Precision... precision) {
  char buffer[160];
  const auto end =
      std::to_chars(buffer, std::end(buffer), value, std::chars_format::scientific, precision...);
  return split({buffer, end.ptr});
}

/// `units` * 10^exponent.
Decimal whole(int units, int exponent) {
  std::string digits = std::to_string(units);
  exponent += static_cast<int>(digits.size()) - 1;
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  return {digits, exponent};
}

/// For f16 and bf16, which the C++ library does not print. All digits of the number are at most
/// 112; for each length the decimals below and above are tried, the nearer first. The other counts
/// too: above a power of two numbers are further apart than below it.
Decimal shortest_by_trial(Scalar value) {
  const Decimal exact = decimal(std::fabs(value.f), 120);
  for (int length = 1;; ++length) {
    const int below = std::stoi(exact.digits.substr(0, length));
    const std::string rest = exact.digits.substr(length);
    const std::string half = "5" + std::string(rest.size() - 1, '0');
    const bool up = rest > half || (rest == half && below % 2 == 1);
    const int exponent = exact.exponent - length + 1;
    for (const int units : {below + up, below + !up}) {
      const std::string text = fmt::format("{}e{}", units, exponent);
      if (read_decimal(value.type, text).f == std::fabs(value.f)) return whole(units, exponent);
    }
  }
}

/// Rounded to odd, so that it can be rounded again (small_float.h): of the doubles around what the
/// text says, the one whose last bit is 1.
double read_to_odd(const std::string& text) {
  const auto read = [&](int direction) {
    std::fesetround(direction);
    const double value = std::strtod(text.c_str(), nullptr);
    std::fesetround(FE_TONEAREST);
    return value;
  };
  const double below = read(FE_DOWNWARD), above = read(FE_UPWARD);
  return (std::bit_cast<uint64_t>(below) & 1) == 1 ? below : above;
}

}  // namespace

Decimal shortest_decimal(Scalar value) {
  if (is_small_float(value.type)) return shortest_by_trial(value);
  if (value.type == DType::f32) return decimal(static_cast<float>(std::fabs(value.f)));
  return decimal(std::fabs(value.f));
}

Scalar read_decimal(DType type, const std::string& text) {
  if (is_small_float(type)) return Scalar::floating(type, read_to_odd(text));
  const bool is_f32 = type == DType::f32;
  return Scalar::floating(
      type, is_f32 ? std::strtof(text.c_str(), nullptr) : std::strtod(text.c_str(), nullptr));
}

}  // namespace tenon::runtime
