// The text of numbers and tensors. The layouts are NumPy's.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "runtime/print.h"

namespace tenon::runtime {
namespace {

std::string f32(double value) {
  return to_text(Scalar::floating(DType::f32, value));
}
std::string f64(double value) {
  return to_text(Scalar::floating(DType::f64, value));
}

/// 0, 1, 2, ... in a tensor of this shape.
std::string counting(const Shape& shape) {
  Tensor tensor(DType::i32, shape);
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, Scalar::integer(DType::i32, i));
  return to_text(tensor);
}

TEST_CASE("integers and bools") {
  CHECK(to_text(Scalar::integer(DType::i8, -128)) == "-128");
  CHECK(to_text(Scalar::integer(DType::i64, std::numeric_limits<int64_t>::min())) ==
        "-9223372036854775808");
  CHECK(to_text(Scalar::boolean(true)) == "true");
  CHECK(to_text(Scalar::boolean(false)) == "false");
}

TEST_CASE("floats: the shortest digits of their own type") {
  CHECK(f32(0.1) == "0.1");
  CHECK(f64(0.1f) == "0.10000000149011612");
  CHECK(f64(0.1 + 0.2) == "0.30000000000000004");
  CHECK(f32(1.0 / 3) == "0.33333334");
  CHECK(f32(16777216) == "16777216.0");
  CHECK(f32(1e10) == "10000000000.0");  // digits that f32 does not hold are zeros
  CHECK(f64(123.456) == "123.456");
  CHECK(f64(100) == "100.0");
  CHECK(f64(-2.5) == "-2.5");
}

TEST_CASE("floats: where the exponent form begins") {
  CHECK(f64(1e-4) == "0.0001");
  CHECK(f32(1e-4) == "0.0001");
  CHECK(f64(9.999e-5) == "9.999e-05");
  CHECK(f32(1e-5) == "1e-05");
  CHECK(f64(1e15) == "1000000000000000.0");
  CHECK(f64(9007199254740993) == "9007199254740992.0");
  CHECK(f64(1e16) == "1e+16");
  CHECK(f32(1e20) == "1e+20");
  CHECK(f64(-1.5e300) == "-1.5e+300");
  CHECK(f64(5e-324) == "5e-324");
  CHECK(f32(0x1p-149) == "1e-45");
  CHECK(f32(std::numeric_limits<float>::max()) == "3.4028235e+38");
}

TEST_CASE("floats: zeros, infinities, NaN") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(f32(0.0) == "0.0");
  CHECK(f64(-0.0) == "-0.0");
  CHECK(f32(inf) == "inf");
  CHECK(f64(-inf) == "-inf");
  CHECK(f32(nan) == "nan");
  CHECK(f64(std::copysign(nan, -1)) == "nan");
}

TEST_CASE("printed floats read back as the same number") {
  std::mt19937_64 random(1);
  int wrong = 0;
  for (int i = 0; i < 20000; ++i) {
    const Scalar n = Scalar::integer(DType::i64, static_cast<int64_t>(random()));
    const Scalar x = eval(ScalarOp::from_bits, {&n, 1});
    if (!std::isnan(x.f)) wrong += std::strtod(to_text(x).c_str(), nullptr) != x.f;
    const Scalar m = convert(DType::i32, n);
    const Scalar y = eval(ScalarOp::from_bits, {&m, 1});
    if (!std::isnan(y.f)) wrong += std::strtof(to_text(y).c_str(), nullptr) != y.f;
  }
  CHECK(wrong == 0);
}

TEST_CASE("small tensors") {
  CHECK(counting({}) == "0");
  CHECK(counting({3}) == "[0, 1, 2]");
  CHECK(counting({2, 2}) == "[[0, 1],\n [2, 3]]");
  CHECK(counting({2, 2, 2}) == "[[[0, 1],\n  [2, 3]],\n\n [[4, 5],\n  [6, 7]]]");
  CHECK(counting({2, 1, 2, 2}) == "[[[[0, 1],\n   [2, 3]]],\n\n\n [[[4, 5],\n   [6, 7]]]]");
  CHECK(counting({1, 1, 1}) == "[[[0]]]");

  Tensor truth(DType::bool_, {2});
  truth.set(1, Scalar::boolean(true));
  CHECK(to_text(truth) == "[false, true]");
  Tensor floats(DType::f32, {2});
  floats.set(0, Scalar::floating(DType::f32, -0.0));
  floats.set(1, Scalar::floating(DType::f32, 1e20));
  CHECK(to_text(floats) == "[-0.0, 1e+20]");
}

TEST_CASE("empty tensors") {
  CHECK(counting({0}) == "[]");
  CHECK(counting({3, 0, 2}) == "[]");
}

TEST_CASE("summaries begin above a thousand elements, on axes longer than six") {
  const std::string whole = counting({1000});
  CHECK(whole.find("...") == std::string::npos);
  CHECK(whole.ends_with("998, 999]"));
  CHECK(counting({1001}) == "[0, 1, 2, ..., 998, 999, 1000]");
  CHECK(counting({6, 200}).starts_with("[[0, 1, 2, ..., 197, 198, 199],\n [200, 201,"));
  CHECK(counting({2, 501}) ==
        "[[0, 1, 2, ..., 498, 499, 500],\n [501, 502, 503, ..., 999, 1000, 1001]]");
}

TEST_CASE("a summary of rank 2") {
  CHECK(counting({12, 100}) ==
        "[[0, 1, 2, ..., 97, 98, 99],\n"
        " [100, 101, 102, ..., 197, 198, 199],\n"
        " [200, 201, 202, ..., 297, 298, 299],\n"
        " ...,\n"
        " [900, 901, 902, ..., 997, 998, 999],\n"
        " [1000, 1001, 1002, ..., 1097, 1098, 1099],\n"
        " [1100, 1101, 1102, ..., 1197, 1198, 1199]]");
}

TEST_CASE("a summary of rank 3") {
  CHECK(counting({300, 2, 2}) ==
        "[[[0, 1],\n  [2, 3]],\n\n"
        " [[4, 5],\n  [6, 7]],\n\n"
        " [[8, 9],\n  [10, 11]],\n\n"
        " ...,\n\n"
        " [[1188, 1189],\n  [1190, 1191]],\n\n"
        " [[1192, 1193],\n  [1194, 1195]],\n\n"
        " [[1196, 1197],\n  [1198, 1199]]]");
}

TEST_CASE("a summary of rank 4") {
  CHECK(counting({1, 7, 1, 200}) ==
        "[[[[0, 1, 2, ..., 197, 198, 199]],\n\n"
        "  [[200, 201, 202, ..., 397, 398, 399]],\n\n"
        "  [[400, 401, 402, ..., 597, 598, 599]],\n\n"
        "  ...,\n\n"
        "  [[800, 801, 802, ..., 997, 998, 999]],\n\n"
        "  [[1000, 1001, 1002, ..., 1197, 1198, 1199]],\n\n"
        "  [[1200, 1201, 1202, ..., 1397, 1398, 1399]]]]");
}

TEST_CASE("a rank in the thousands is only long") {
  const std::string text = counting(Shape(5000, 1));
  CHECK(text == std::string(5000, '[') + "0" + std::string(5000, ']'));
}

}  // namespace
}  // namespace tenon::runtime
