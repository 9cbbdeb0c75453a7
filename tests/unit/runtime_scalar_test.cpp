// Scalar arithmetic against expectations written down independently of it.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <set>
#include <vector>

#include "runtime/abi.h"
#include "runtime/print.h"
#include "runtime/scalar.h"

namespace tenon::runtime {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr DType kIntegers[] = {DType::i8, DType::i32, DType::i64};
constexpr DType kFloats[] = {DType::f16, DType::bf16, DType::f32, DType::f64};

using Args = std::vector<Scalar>;

/// What one evaluation must give.
struct Case {
  ScalarOp op;
  Args args;
  Scalar expected;
};

Scalar number(DType type, double value) {
  return is_floating(type) ? Scalar::floating(type, value)
                           : Scalar::integer(type, static_cast<int64_t>(value));
}
Args numbers(DType type, const std::vector<double>& values) {
  Args args;
  for (const double value : values) args.push_back(number(type, value));
  return args;
}

/// The cases of this file: one list, so that a test can see that no row is left out.
class Cases {
 public:
  using Values = std::vector<double>;

  Cases() {
    integers();
    extremes();
    floats();
    zeros_and_nans();
    library();
    comparisons();
    booleans();
    bits();
  }

  std::vector<Case> all;

 private:
  void same(ScalarOp op, DType type, const Values& args, double expected) {
    all.push_back({op, numbers(type, args), number(type, expected)});
  }
  void for_integers(ScalarOp op, const Values& args, double expected) {
    for (const DType type : kIntegers) same(op, type, args, expected);
  }
  void for_floats(ScalarOp op, const Values& args, double expected) {
    for (const DType type : kFloats) same(op, type, args, expected);
  }
  void for_numbers(ScalarOp op, const Values& args, double expected) {
    for_integers(op, args, expected);
    for_floats(op, args, expected);
  }

  void integers() {
    for_numbers(ScalarOp::add, {3, -5}, -2);
    for_numbers(ScalarOp::sub, {3, -5}, 8);
    for_numbers(ScalarOp::mul, {3, -5}, -15);
    for_numbers(ScalarOp::neg, {3}, -3);
    for_numbers(ScalarOp::abs, {-3}, 3);
    for_numbers(ScalarOp::min, {3, -5}, -5);
    for_numbers(ScalarOp::max, {3, -5}, 3);
    for_integers(ScalarOp::div, {7, 2}, 3);
    for_integers(ScalarOp::div, {-7, 2}, -4);
    for_integers(ScalarOp::div, {7, -2}, -4);
    for_integers(ScalarOp::div, {-7, -2}, 3);
    for_integers(ScalarOp::mod, {7, 2}, 1);
    for_integers(ScalarOp::mod, {-7, 2}, 1);
    for_integers(ScalarOp::mod, {7, -2}, -1);
    for_integers(ScalarOp::mod, {-7, -2}, -1);
    for_integers(ScalarOp::mod, {-8, 2}, 0);
    for_integers(ScalarOp::bit_and, {12, 10}, 8);
    for_integers(ScalarOp::bit_or, {12, 10}, 14);
    for_integers(ScalarOp::bit_xor, {12, -1}, -13);
    for_integers(ScalarOp::shl, {3, 2}, 12);
    for_integers(ScalarOp::shr, {-7, 1}, -4);
    for_integers(ScalarOp::ushr, {12, 2}, 3);
  }

  void extremes() {
    for (const DType type : kIntegers) {
      const Scalar low = Scalar::integer(type, lowest(type));
      const Scalar high = Scalar::integer(type, highest(type));
      const Scalar one = number(type, 1), minus = number(type, -1), zero = number(type, 0);
      const Scalar last = number(type, bits_of(type) - 1), width = number(type, bits_of(type));
      all.insert(all.end(),
                 {
                     {ScalarOp::add, {high, one}, low},   {ScalarOp::sub, {low, one}, high},
                     {ScalarOp::mul, {low, minus}, low},  {ScalarOp::mul, {high, high}, one},
                     {ScalarOp::neg, {low}, low},         {ScalarOp::abs, {low}, low},
                     {ScalarOp::div, {low, minus}, low},  {ScalarOp::mod, {low, minus}, zero},
                     {ScalarOp::div, {low, one}, low},    {ScalarOp::div, {high, low}, minus},
                     {ScalarOp::min, {low, high}, low},   {ScalarOp::max, {low, high}, high},
                     {ScalarOp::shl, {one, last}, low},   {ScalarOp::shl, {one, width}, one},
                     {ScalarOp::shl, {one, minus}, low},  {ScalarOp::shr, {low, last}, minus},
                     {ScalarOp::ushr, {low, last}, one},  {ScalarOp::ushr, {minus, one}, high},
                     {ScalarOp::ushr, {low, width}, low}, {ScalarOp::shr, {low, width}, low},
                 });
    }
  }

  void floats() {
    for_floats(ScalarOp::div, {1, -4}, -0.25);
    for_floats(ScalarOp::div, {1, 0}, kInf);
    for_floats(ScalarOp::div, {0, 0}, kNan);
    for_floats(ScalarOp::floor, {-1.5}, -2);
    for_floats(ScalarOp::ceil, {-1.5}, -1);
    for_floats(ScalarOp::ceil, {-0.5}, -0.0);
    for_floats(ScalarOp::round, {0.5}, 0);
    for_floats(ScalarOp::round, {1.5}, 2);
    for_floats(ScalarOp::round, {2.5}, 2);
    for_floats(ScalarOp::round, {-0.25}, -0.0);
    for_floats(ScalarOp::round, {-3.5}, -4);
    for_floats(ScalarOp::sqrt, {2.25}, 1.5);
    for_floats(ScalarOp::sqrt, {-1}, kNan);
    for_floats(ScalarOp::sqrt, {-0.0}, -0.0);
    for_floats(ScalarOp::rsqrt, {4}, 0.5);
    for_floats(ScalarOp::rsqrt, {0}, kInf);
    for_floats(ScalarOp::fma, {2, 3, 4}, 10);
    // The product's last bit, which a rounded product loses: (1 + e)(1 - e) - 1 = -e^2.
    same(ScalarOp::fma, DType::f32, {1 + 0x1p-13, 1 - 0x1p-13, -1}, -0x1p-26);
    same(ScalarOp::fma, DType::f64, {1 + 0x1p-30, 1 - 0x1p-30, -1}, -0x1p-60);
    // f32 rounds after each operation; in f64 these would differ.
    same(ScalarOp::add, DType::f32, {16777216, 1}, 16777216);
    same(ScalarOp::mul, DType::f32, {1 + 0x1p-13, 1 - 0x1p-13}, 1);
    same(ScalarOp::mul, DType::f32, {1e30f, 1e30f}, kInf);
    same(ScalarOp::sub, DType::f32, {0x1p-149, 0x1p-148}, -0x1p-149);
    same(ScalarOp::div, DType::f32, {1, 3}, 0x1.555556p-2);
    same(ScalarOp::sqrt, DType::f32, {2}, 0x1.6a09e6p+0);
    same(ScalarOp::sqrt, DType::f64, {2}, 0x1.6a09e667f3bcdp+0);
    same(ScalarOp::rsqrt, DType::f32, {6}, 0x1.a20bd6p-2);  // rounded once it would end in 8
  }

  void zeros_and_nans() {
    for_floats(ScalarOp::neg, {0}, -0.0);
    for_floats(ScalarOp::abs, {-0.0}, 0);
    for_floats(ScalarOp::abs, {-kInf}, kInf);
    for_floats(ScalarOp::add, {-0.0, -0.0}, -0.0);
    for_floats(ScalarOp::add, {-0.0, 0.0}, 0);
    for_floats(ScalarOp::sub, {kInf, kInf}, kNan);
    for (const ScalarOp op : {ScalarOp::min, ScalarOp::max}) {
      for_floats(op, {kNan, 1}, kNan);
      for_floats(op, {1, kNan}, kNan);
      for_floats(op, {kNan, -kInf}, kNan);
      for_floats(op, {kNan, kNan}, kNan);
    }
    for_floats(ScalarOp::min, {0, -0.0}, -0.0);
    for_floats(ScalarOp::min, {-0.0, 0}, -0.0);
    for_floats(ScalarOp::max, {0, -0.0}, 0);
    for_floats(ScalarOp::max, {-0.0, 0}, 0);
    for_floats(ScalarOp::max, {-0.0, -0.0}, -0.0);
    for_floats(ScalarOp::max, {-kInf, kInf}, kInf);
    for (const DType type : kFloats) {
      for (const double value : {kNan, 1.0, kInf})
        all.push_back({ScalarOp::isnan, numbers(type, {value}), Scalar::boolean(value != value)});
    }
  }

  void library() {
    for_floats(ScalarOp::exp, {0}, 1);
    for_floats(ScalarOp::exp, {-kInf}, 0);
    for_floats(ScalarOp::exp, {kInf}, kInf);
    for_floats(ScalarOp::log, {1}, 0);
    for_floats(ScalarOp::log, {0}, -kInf);
    for_floats(ScalarOp::log, {-1}, kNan);
    for_floats(ScalarOp::log2, {8}, 3);
    for_floats(ScalarOp::sin, {-0.0}, -0.0);
    for_floats(ScalarOp::sin, {kInf}, kNan);
    for_floats(ScalarOp::cos, {0}, 1);
    for_floats(ScalarOp::tanh, {-kInf}, -1);
    for_floats(ScalarOp::erf, {kInf}, 1);
    for_floats(ScalarOp::pow, {2, 10}, 1024);
    for_floats(ScalarOp::pow, {-2, 3}, -8);
    for_floats(ScalarOp::pow, {0, 0}, 1);
    for_floats(ScalarOp::pow, {-8, 1.0 / 3}, kNan);
    same(ScalarOp::exp, DType::f32, {89}, kInf);
    same(ScalarOp::exp, DType::f64, {710}, kInf);
  }

  void comparisons() {
    struct Row {
      double a, b;
      bool eq, lt, gt;
    };
    const Row ordered[] = {
        {1, 2, false, true, false}, {2, 2, true, false, false}, {2, -1, false, false, true}};
    const Row unordered[] = {{kNan, 1, false, false, false},
                             {1, kNan, false, false, false},
                             {kNan, kNan, false, false, false},
                             {0.0, -0.0, true, false, false},
                             {-kInf, kInf, false, true, false}};
    const auto add = [&](DType type, const Row& row) {
      const Args args = numbers(type, {row.a, row.b});
      const auto expect = [&](ScalarOp op, bool holds) {
        all.push_back({op, args, Scalar::boolean(holds)});
      };
      expect(ScalarOp::eq, row.eq);
      expect(ScalarOp::ne, !row.eq);
      expect(ScalarOp::lt, row.lt);
      expect(ScalarOp::le, row.lt || row.eq);
      expect(ScalarOp::gt, row.gt);
      expect(ScalarOp::ge, row.gt || row.eq);
    };
    for (const Row& row : ordered) {
      for (const DType type : kIntegers) add(type, row);
      for (const DType type : kFloats) add(type, row);
    }
    for (const Row& row : unordered) {
      for (const DType type : kFloats) add(type, row);
    }
  }

  void booleans() {
    const Scalar no = Scalar::boolean(false), yes = Scalar::boolean(true);
    all.insert(all.end(), {
                              {ScalarOp::and_, {no, no}, no},
                              {ScalarOp::and_, {no, yes}, no},
                              {ScalarOp::and_, {yes, no}, no},
                              {ScalarOp::and_, {yes, yes}, yes},
                              {ScalarOp::or_, {no, no}, no},
                              {ScalarOp::or_, {no, yes}, yes},
                              {ScalarOp::or_, {yes, no}, yes},
                              {ScalarOp::or_, {yes, yes}, yes},
                              {ScalarOp::not_, {no}, yes},
                              {ScalarOp::not_, {yes}, no},
                              {ScalarOp::eq, {no, no}, yes},
                              {ScalarOp::eq, {no, yes}, no},
                              {ScalarOp::ne, {yes, yes}, no},
                              {ScalarOp::ne, {no, yes}, yes},
                              {ScalarOp::select, {yes, no, yes}, no},
                              {ScalarOp::select, {no, no, yes}, yes},
                          });
    for (const auto& types : {std::span<const DType>(kIntegers), std::span<const DType>(kFloats)}) {
      for (const DType type : types) {
        const Scalar a = number(type, 3), b = number(type, -5);
        all.push_back({ScalarOp::select, {yes, a, b}, a});
        all.push_back({ScalarOp::select, {no, a, b}, b});
      }
    }
  }

  void bits() {
    struct Row {
      double value;
      int64_t f32, f64;
    };
    const Row rows[] = {{0.0, 0, 0},
                        {-0.0, -0x80000000LL, std::numeric_limits<int64_t>::min()},
                        {1.0, 0x3f800000, 0x3ff0000000000000},
                        {-2.0, -0x40000000LL, -0x4000000000000000},
                        {kInf, 0x7f800000, 0x7ff0000000000000},
                        {kNan, 0x7fc00000, 0x7ff8000000000000},
                        {-kNan, 0x7fc00000, 0x7ff8000000000000}};
    for (const Row& row : rows) {
      const Scalar f32 = Scalar::floating(DType::f32, row.value);
      const Scalar f64 = Scalar::floating(DType::f64, row.value);
      const Scalar i32 = Scalar::integer(DType::i32, row.f32);
      const Scalar i64 = Scalar::integer(DType::i64, row.f64);
      all.insert(all.end(), {{ScalarOp::bits, {f32}, i32},
                             {ScalarOp::bits, {f64}, i64},
                             {ScalarOp::from_bits, {i32}, f32},
                             {ScalarOp::from_bits, {i64}, f64}});
    }
    // A NaN with a payload and a sign: what is read back is the canonical one.
    all.push_back({ScalarOp::bits,
                   {eval(ScalarOp::from_bits, Args{Scalar::integer(DType::i32, -1)})},
                   Scalar::integer(DType::i32, 0x7fc00000)});
    all.push_back({ScalarOp::bits,
                   {eval(ScalarOp::from_bits, Args{Scalar::integer(DType::i64, -1)})},
                   Scalar::integer(DType::i64, 0x7ff8000000000000)});
  }
};

TEST_CASE("scalar operations give what they are meant to") {
  for (const Case& c : Cases().all) {
    CAPTURE(row(c.op).text);
    CAPTURE(row(c.args.back().type).text);
    CAPTURE(to_text(c.args[0]));
    CAPTURE(to_text(c.args.back()));
    REQUIRE(accepts(c.op, c.args.back().type));
    const Scalar actual = eval(c.op, c.args);
    CHECK(row(actual.type).text == row(c.expected.type).text);
    CHECK(to_text(actual) == to_text(c.expected));
    CHECK(actual == c.expected);
    CHECK(result_type(c.op, c.args.back().type) == c.expected.type);
  }
}

TEST_CASE("every scalar operation is evaluated here on every type that it accepts") {
  std::set<std::pair<ScalarOp, DType>> seen;
  for (const Case& c : Cases().all) seen.insert({c.op, c.args.back().type});
  for (size_t i = 0; i < std::size(kScalarOps); ++i) {
    for (size_t j = 0; j < std::size(kDTypes); ++j) {
      const auto op = static_cast<ScalarOp>(i);
      const auto type = static_cast<DType>(j);
      CAPTURE(row(op).text);
      CAPTURE(row(type).text);
      CHECK(seen.contains({op, type}) == accepts(op, type));
    }
  }
}

TEST_CASE("what an operation accepts") {
  CHECK_FALSE(accepts(ScalarOp::add, DType::bool_));
  CHECK(accepts(ScalarOp::eq, DType::bool_));
  CHECK_FALSE(accepts(ScalarOp::lt, DType::bool_));
  CHECK_FALSE(accepts(ScalarOp::mod, DType::f32));
  CHECK_FALSE(accepts(ScalarOp::exp, DType::i32));
  CHECK_FALSE(accepts(ScalarOp::and_, DType::i8));
  CHECK_FALSE(accepts(ScalarOp::bits, DType::i32));
  CHECK_FALSE(accepts(ScalarOp::bits, DType::f16));
  CHECK_FALSE(accepts(ScalarOp::from_bits, DType::i8));
  CHECK_THROWS_AS(eval(ScalarOp::from_bits, Args{number(DType::i8, 1)}), std::logic_error);
}

TEST_CASE("library functions are those of the C interface, and right") {
  struct Row {
    ScalarOp op;
    double x, value;  // to more digits than f64 has
    float (*f32)(float);
    double (*f64)(double);
  };
  const Row rows[] = {
      {ScalarOp::exp, 1.25, 3.490342957461841376, tn_exp_f32, tn_exp_f64},
      {ScalarOp::log, 1.25, 0.2231435513142097558, tn_log_f32, tn_log_f64},
      {ScalarOp::log2, 1.25, 0.3219280948873623479, tn_log2_f32, tn_log2_f64},
      {ScalarOp::sin, 1.25, 0.9489846193555862144, tn_sin_f32, tn_sin_f64},
      {ScalarOp::cos, 1.25, 0.3153223623952687032, tn_cos_f32, tn_cos_f64},
      {ScalarOp::tanh, 1.25, 0.8482836399575129037, tn_tanh_f32, tn_tanh_f64},
      {ScalarOp::erf, 1.25, 0.9229001282564582302, tn_erf_f32, tn_erf_f64},
  };
  for (const Row& r : rows) {
    CAPTURE(row(r.op).text);
    const Scalar f32 = eval(r.op, numbers(DType::f32, {r.x}));
    const Scalar f64 = eval(r.op, numbers(DType::f64, {r.x}));
    CHECK(std::fabs(f32.f - r.value) <= 0x1p-23 * r.value);
    CHECK(std::fabs(f64.f - r.value) <= 0x1p-52 * r.value);
    CHECK(f32 == Scalar::floating(DType::f32, r.f32(static_cast<float>(r.x))));
    CHECK(f64 == Scalar::floating(DType::f64, r.f64(r.x)));
  }
}

/// The value of `x` modulo 2^8 in -128..128.
int64_t wrapped(int64_t x) {
  return ((x + 128) % 256 + 256) % 256 - 128;
}

TEST_CASE("i8 arithmetic agrees with wide integers everywhere") {
  struct Row {
    ScalarOp op;
    std::function<int64_t(int64_t, int64_t)> wide;
  };
  const auto floor_div = [](int64_t a, int64_t b) {
    return static_cast<int64_t>(std::floor(static_cast<double>(a) / static_cast<double>(b)));
  };
  const auto count = [](int64_t b) { return (b % 8 + 8) % 8; };
  const Row rows[] = {
      {ScalarOp::add, [](int64_t a, int64_t b) { return a + b; }},
      {ScalarOp::sub, [](int64_t a, int64_t b) { return a - b; }},
      {ScalarOp::mul, [](int64_t a, int64_t b) { return a * b; }},
      {ScalarOp::div, floor_div},
      {ScalarOp::mod, [&](int64_t a, int64_t b) { return a - b * floor_div(a, b); }},
      {ScalarOp::shl, [&](int64_t a, int64_t b) { return a * (1 << count(b)); }},
      {ScalarOp::shr, [&](int64_t a, int64_t b) { return floor_div(a, 1 << count(b)); }},
      {ScalarOp::ushr, [&](int64_t a, int64_t b) { return (a + 256) % 256 / (1 << count(b)); }},
  };
  for (const Row& r : rows) {
    int wrong = 0;
    for (int64_t a = -128; a < 128; ++a) {
      for (int64_t b = -128; b < 128; ++b) {
        const Args args = {Scalar::integer(DType::i8, a), Scalar::integer(DType::i8, b)};
        const bool fails = (r.op == ScalarOp::div || r.op == ScalarOp::mod) && b == 0;
        if (divides_by_zero(r.op, args) != fails) {
          ++wrong;
        } else if (!fails) {
          wrong += !(eval(r.op, args) == Scalar::integer(DType::i8, wrapped(r.wide(a, b))));
        }
      }
    }
    CAPTURE(row(r.op).text);
    CHECK(wrong == 0);
  }
}

TEST_CASE("only integers fail on division by zero") {
  for (const DType type : kIntegers) CHECK(divides_by_zero(ScalarOp::mod, numbers(type, {1, 0})));
  CHECK_FALSE(divides_by_zero(ScalarOp::div, numbers(DType::f64, {1, 0})));
  CHECK_FALSE(divides_by_zero(ScalarOp::mul, numbers(DType::i32, {1, 0})));
}

TEST_CASE("conversions to integers truncate, saturate or wrap") {
  struct Row {
    double from;
    int64_t i8, i32, i64;
  };
  constexpr int64_t kLow64 = std::numeric_limits<int64_t>::min();
  constexpr int64_t kHigh64 = std::numeric_limits<int64_t>::max();
  const Row rows[] = {{2.75, 2, 2, 2},
                      {-2.75, -2, -2, -2},
                      {-0.0, 0, 0, 0},
                      {kNan, 0, 0, 0},
                      {127.5, 127, 127, 127},
                      {128, 127, 128, 128},
                      {-128.5, -128, -128, -128},
                      {-129, -128, -129, -129},
                      {3e9, 127, 2147483647, 3000000000},
                      {-3e9, -128, -2147483647 - 1, -3000000000},
                      {0x1p63, 127, 2147483647, kHigh64},
                      {-0x1p63, -128, -2147483647 - 1, kLow64},
                      {kInf, 127, 2147483647, kHigh64},
                      {-kInf, -128, -2147483647 - 1, kLow64}};
  for (const Row& r : rows) {
    CAPTURE(r.from);
    const Scalar from = Scalar::floating(DType::f64, r.from);
    CHECK(convert(DType::i8, from) == Scalar::integer(DType::i8, r.i8));
    CHECK(convert(DType::i32, from) == Scalar::integer(DType::i32, r.i32));
    CHECK(convert(DType::i64, from) == Scalar::integer(DType::i64, r.i64));
  }
  CHECK(convert(DType::i8, Scalar::integer(DType::i32, 300)).i == 44);
  CHECK(convert(DType::i8, Scalar::integer(DType::i64, -129)).i == 127);
  CHECK(convert(DType::i32, Scalar::integer(DType::i64, int64_t{1} << 32)).i == 0);
  CHECK(convert(DType::i64, Scalar::integer(DType::i8, -1)).i == -1);
  CHECK(convert(DType::i32, Scalar::boolean(true)) == Scalar::integer(DType::i32, 1));
}

TEST_CASE("conversions to bool and to floats") {
  for (const double x : {kNan, 0.5, -kInf})
    CHECK(convert(DType::bool_, Scalar::floating(DType::f32, x)) == Scalar::boolean(true));
  CHECK(convert(DType::bool_, Scalar::floating(DType::f64, -0.0)) == Scalar::boolean(false));
  CHECK(convert(DType::bool_, Scalar::integer(DType::i64, int64_t{1} << 40)).i == 1);

  CHECK(convert(DType::f32, Scalar::boolean(true)) == Scalar::floating(DType::f32, 1));
  CHECK(convert(DType::f32, Scalar::floating(DType::f64, 0.1)).f == static_cast<double>(0.1f));
  CHECK(convert(DType::f32, Scalar::floating(DType::f64, 1e300)).f == kInf);
  CHECK(convert(DType::f64, Scalar::floating(DType::f32, kNan)) == number(DType::f64, kNan));
  // Just above a tie between two f32: rounded to f64 first, it would be the tie, and go to even.
  const int64_t above_tie = (int64_t{1} << 60) + (int64_t{1} << 36) + 1;
  CHECK(convert(DType::f32, Scalar::integer(DType::i64, above_tie)).f == 0x1p60 + 0x1p37);
}

TEST_CASE("scalars of one type are equal when their bits are, all NaNs being one") {
  CHECK(Scalar::floating(DType::f32, kNan) == Scalar::floating(DType::f32, -kNan));
  CHECK_FALSE(Scalar::floating(DType::f32, 0.0) == Scalar::floating(DType::f32, -0.0));
  CHECK_FALSE(Scalar::floating(DType::f32, 1.0) == Scalar::floating(DType::f64, 1.0));
  CHECK_FALSE(Scalar::integer(DType::i8, 1) == Scalar::integer(DType::i32, 1));
  CHECK(Scalar::integer(DType::i8, 257) == Scalar::integer(DType::i8, 1));
  CHECK(Scalar::integer(DType::bool_, 2) == Scalar::boolean(true));
}

TEST_CASE("the bounds of the integer types") {
  CHECK(lowest(DType::i8) == -128);
  CHECK(highest(DType::i8) == 127);
  CHECK(lowest(DType::i32) == std::numeric_limits<int32_t>::min());
  CHECK(highest(DType::i32) == std::numeric_limits<int32_t>::max());
  CHECK(lowest(DType::i64) == std::numeric_limits<int64_t>::min());
  CHECK(highest(DType::i64) == std::numeric_limits<int64_t>::max());
}

}  // namespace
}  // namespace tenon::runtime
