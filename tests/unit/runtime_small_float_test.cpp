// f16 and bf16 against their definition: a table of all values, and the nearest entry.
#include "runtime/small_float.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "runtime/decimal.h"
#include "runtime/print.h"

namespace tenon::runtime {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A format by its definition: fraction bits, and the weight of the last bit of a subnormal number.
struct Format {
  DType type;
  int fraction, lowest_exponent;

  /// From 0 on; as the next number after the largest comes what an infinity stands for.
  std::vector<double> values() const {
    std::vector<double> result;
    const int exponents = (1 << (15 - fraction)) - 1, fractions = 1 << fraction;
    for (int e = 0; e < exponents; ++e)
      for (int f = 0; f < fractions; ++f)
        result.push_back(
            std::ldexp(e == 0 ? f : f + fractions, lowest_exponent + std::max(e - 1, 0)));
    result.push_back(std::ldexp(fractions, lowest_exponent + exponents - 1));
    return result;
  }
};
const Format kFormats[] = {{DType::f16, 10, -24}, {DType::bf16, 7, -133}};

/// Rounding by search. The points halfway between two values are doubles.
class Nearest {
 public:
  explicit Nearest(const Format& format) : values_(format.values()) {}

  const std::vector<double>& values() const { return values_; }
  double halfway(size_t i) const { return (values_[i] + values_[i + 1]) / 2; }
  bool is_last(size_t i) const { return i + 1 == values_.size(); }

  double operator()(double x) const {
    if (std::isnan(x)) return x;
    const double size = std::fabs(x);
    size_t i = std::upper_bound(values_.begin(), values_.end(), size) - values_.begin() - 1;
    if (!is_last(i) && (size > halfway(i) || (size == halfway(i) && i % 2 == 1))) ++i;
    return std::copysign(is_last(i) ? kInf : values_[i], x);
  }

 private:
  std::vector<double> values_;
};

double rounded(DType type, double x) {
  return Scalar::floating(type, x).f;
}
bool same(double a, double b) {
  return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
}

template <class Small>
int wrong_bits(const Format& format) {
  const std::vector<double> values = format.values();
  int wrong = 0;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto small = Small::from_bits(static_cast<uint16_t>(bits));
    const uint32_t place = bits & 0x7fff;
    const bool number = place + 1 < values.size();
    const double size = number ? values[place] : place + 1 == values.size() ? kInf : kNan;
    const double meant = bits < 0x8000 ? size : -size;
    wrong += !same(static_cast<double>(small), meant);
    wrong += !same(static_cast<float>(small), meant);
    if (std::isnan(meant)) continue;
    wrong += Small(meant).bits() != bits;
    wrong += Small(static_cast<float>(meant)).bits() != bits;
  }
  return wrong;
}

TEST_CASE("all bit patterns of f16 and bf16 are the numbers of their definition, and back") {
  CHECK(wrong_bits<Half>(kFormats[0]) == 0);
  CHECK(wrong_bits<BFloat>(kFormats[1]) == 0);
  CHECK(Half(65504.0).bits() == 0x7bff);
  CHECK(Half(0x1p-24).bits() == 1);
  CHECK(BFloat(1.0).bits() == 0x3f80);
  CHECK(Half(kNan).bits() == 0x7e00);
  CHECK(BFloat(kNan).bits() == 0x7fc0);
  CHECK(std::isnan(static_cast<float>(Half(std::nanf("")))));
}

TEST_CASE("f64 and f32 round to f16 and bf16 once, to the nearest, ties to even") {
  for (const Format& format : kFormats) {
    const Nearest nearest(format);
    const auto wrong = [&](double x) {
      return !same(rounded(format.type, x), nearest(x)) +
             !same(rounded(format.type, -x), nearest(-x));
    };
    int wrongs = 0;
    for (size_t i = 0; !nearest.is_last(i); ++i) {
      for (const double x : {nearest.values()[i], nearest.halfway(i)}) {
        wrongs += wrong(x) + wrong(std::nextafter(x, kInf)) + wrong(std::nextafter(x, -kInf));
        const auto f = static_cast<float>(x);
        wrongs += wrong(std::nextafter(f, HUGE_VALF)) + wrong(std::nextafter(f, -HUGE_VALF));
      }
    }
    CAPTURE(row(format.type).text);
    CHECK(wrongs == 0);
    for (const double x : {5e-324, 1e-310, 1e39, 1.7e308, kInf, kNan}) CHECK(wrong(x) == 0);
  }
}

TEST_CASE("integers round to f16 and bf16 once") {
  for (const Format& format : kFormats) {
    const Nearest nearest(format);
    int wrongs = 0, tried = 0;
    const auto check = [&](int64_t n, double meant) {
      wrongs += !same(convert(format.type, Scalar::integer(DType::i64, n)).f, meant);
      ++tried;
    };
    for (size_t i = 0; !nearest.is_last(i) && nearest.halfway(i) < 0x1p62; ++i) {
      const double half = nearest.halfway(i);
      if (half != std::floor(half)) continue;
      // A double has no room for the one more or less of a large integer; its neighbors have.
      const auto n = static_cast<int64_t>(half);
      check(n, nearest(half));
      check(n + 1, nearest(std::nextafter(half, kInf)));
      check(n - 1, nearest(std::nextafter(half, -kInf)));
      check(-n - 1, nearest(-std::nextafter(half, kInf)));
      check(-n + 1, nearest(-std::nextafter(half, -kInf)));
    }
    CHECK(wrongs == 0);
    CHECK(tried > 1000);
    for (const int64_t n : {INT64_MAX, INT64_MIN}) check(n, nearest(static_cast<double>(n)));
    for (int64_t n = -300; n <= 300; ++n) check(n, nearest(static_cast<double>(n)));
    CHECK(wrongs == 0);
  }
}

/// Numbers of a type in no particular order, the same in every run.
class Numbers {
 public:
  explicit Numbers(const Format& format) : values_(format.values()) { values_.pop_back(); }
  double next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    const double value = values_[(state_ >> 33) % values_.size()];
    return (state_ >> 32 & 1) != 0 ? -value : value;
  }

 private:
  std::vector<double> values_;
  uint64_t state_ = 1;
};

/// f64 has more than twice the digits of either type: what it rounds is not rounded wrongly twice.
TEST_CASE("arithmetic on f16 and bf16 is correctly rounded") {
  for (const Format& format : kFormats) {
    const Nearest nearest(format);
    Numbers numbers(format);
    int wrongs = 0;
    for (int i = 0; i < 100000; ++i) {
      const double a = numbers.next(), b = i % 4 == 0 ? nearest(a * 1.07) : numbers.next();
      const Scalar args[] = {Scalar::floating(format.type, a), Scalar::floating(format.type, b)};
      const auto is = [&](ScalarOp op, double meant) {
        wrongs += !same(eval(op, args).f, nearest(meant));
      };
      is(ScalarOp::add, a + b);
      is(ScalarOp::sub, a - b);
      is(ScalarOp::mul, a * b);
      is(ScalarOp::div, a / b);
      const Scalar one[] = {args[0]};
      wrongs += !same(eval(ScalarOp::sqrt, one).f, nearest(std::sqrt(a)));
    }
    CHECK(wrongs == 0);
  }
}

TEST_CASE("fma of f16 rounds the exact sum once") {
  const Nearest nearest(kFormats[0]);
  Numbers numbers(kFormats[0]);
  const auto scaled = [](double x) { return static_cast<__int128>(std::ldexp(x, 24)); };
  int wrongs = 0;
  for (int i = 0; i < 100000; ++i) {
    const double a = numbers.next(), b = numbers.next();
    const double c = i % 2 == 0 ? numbers.next() : -nearest(nearest(a * b) * 1.001);
    if (std::isinf(c)) continue;
    // In units of 2^-48 everything is whole. What a double cannot hold is far below a half.
    const __int128 exact = scaled(a) * scaled(b) + (scaled(c) << 24);
    auto high = static_cast<double>(exact);
    const __int128 left = exact - static_cast<__int128>(high);
    if (left != 0) high = std::nextafter(high, left > 0 ? kInf : -kInf);
    double meant = nearest(std::ldexp(high, -48));
    if (exact == 0) meant = a * b + c;  // the sign of zero
    const Scalar args[] = {Scalar::floating(DType::f16, a), Scalar::floating(DType::f16, b),
                           Scalar::floating(DType::f16, c)};
    wrongs += !same(eval(ScalarOp::fma, args).f, meant);
  }
  CHECK(wrongs == 0);
}

TEST_CASE("fma of bf16 sees an addend that f64 would drop") {
  const auto fma = [](double a, double b, double c) {
    const Scalar args[] = {Scalar::floating(DType::bf16, a), Scalar::floating(DType::bf16, b),
                           Scalar::floating(DType::bf16, c)};
    return eval(ScalarOp::fma, args).f;
  };
  // 1.5 * (1 + 2^-7) = 1.5 + 2^-7 + 2^-8 is halfway between two numbers.
  const double below = 1.5 + 0x1p-7, above = 1.5 + 0x1p-6;
  CHECK(fma(1.5, 1 + 0x1p-7, 0) == above);  // even
  CHECK(fma(1.5, 1 + 0x1p-7, -0x1p-100) == below);
  CHECK(fma(1.5, 1 + 0x1p-7, 0x1p-100) == above);
  CHECK(fma(1.5, -1 - 0x1p-7, 0x1p-100) == -below);
  CHECK(fma(0x1p100, 0x1p100, -kInf) == -kInf);
  CHECK(fma(0x1p100, 0x1p100, 1) == kInf);
  CHECK(std::isnan(fma(kInf, 0, 1)));
}

// ---- decimals

TEST_CASE("f16 and bf16 print in as few digits as read back, and read back") {
  for (const Format& format : kFormats) {
    const Nearest nearest(format);
    int unread = 0, longer = 0;
    for (size_t i = 1; !nearest.is_last(i); ++i) {
      const Scalar value = Scalar::floating(format.type, nearest.values()[i]);
      unread += !(read_decimal(format.type, to_text(value)) == value);
      const Decimal shortest = shortest_decimal(value);
      const int length = static_cast<int>(shortest.digits.size()) - 1;
      if (length == 0) continue;
      // With a digit less there are two decimals around it, and neither would read back.
      const int exponent = shortest.exponent - length + 1;
      for (int units = std::stoi(shortest.digits.substr(0, length)), n = 0; n < 2; ++units, ++n) {
        const std::string text = std::to_string(units) + "e" + std::to_string(exponent);
        const double decimal = std::strtod(text.c_str(), nullptr);
        longer += nearest(decimal) == value.f;
      }
    }
    CAPTURE(row(format.type).text);
    CHECK(unread == 0);
    CHECK(longer == 0);
  }
}

TEST_CASE("f16 and bf16 in text") {
  const auto f16 = [](double x) { return to_text(Scalar::floating(DType::f16, x)); };
  const auto bf16 = [](double x) { return to_text(Scalar::floating(DType::bf16, x)); };
  CHECK(f16(65504) == "65500.0");
  CHECK(f16(0.1) == "0.1");
  CHECK(f16(1.0 / 3) == "0.3333");
  CHECK(f16(0.015625) == "0.01563");  // 0.01562 is nearer, and another number
  CHECK(f16(2048) == "2048.0");
  CHECK(f16(0x1p-24) == "6e-08");
  CHECK(f16(-0.0) == "-0.0");
  CHECK(f16(1e9) == "inf");
  CHECK(f16(kNan) == "nan");
  CHECK(bf16(1.0 / 3) == "0.334");
  CHECK(bf16(-256) == "-256.0");
  CHECK(bf16(0x1.fep127) == "3.39e+38");
  CHECK(bf16(0x1p-133) == "9e-41");
}

TEST_CASE("a decimal is rounded once to f16 and bf16, however long it is") {
  const auto f16 = [](const std::string& text) { return read_decimal(DType::f16, text).f; };
  CHECK(f16("1.00048828125") == 1);  // halfway: 1 + 2^-11
  CHECK(f16("1.00048828125000000000000000000000001") == 1 + 0x1p-10);
  CHECK(f16("-1.00048828125000000000000000000000001") == -1 - 0x1p-10);
  CHECK(f16("1.00048828124999999999999999999999999") == 1);
  CHECK(f16("65519.99999999999999999999999999") == 65504);
  CHECK(f16("65520") == kInf);
  CHECK(f16("-1e999") == -kInf);
  CHECK(f16("1e-999") == 0);
  CHECK(std::signbit(f16("-1e-999")));
  CHECK(read_decimal(DType::bf16, "1.00390625000000000000000000001").f == 1 + 0x1p-7);
  CHECK(read_decimal(DType::f32, "0.1").f == static_cast<double>(0.1f));
  CHECK(read_decimal(DType::f64, "0.1").f == 0.1);
}

}  // namespace
}  // namespace tenon::runtime
