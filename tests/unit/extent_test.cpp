#include "ast/extent.h"

#include <doctest/doctest.h>

#include <limits>

using tenon::ast::Extent;

namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

const Extent N = Extent::parameter("N"), M = Extent::parameter("M");

Extent operator+(const Extent& a, const Extent& b) {
  return Extent::add(a, b).value();
}
Extent operator-(const Extent& a, const Extent& b) {
  return Extent::sub(a, b).value();
}
Extent operator*(const Extent& a, const Extent& b) {
  return Extent::mul(a, b).value();
}
Extent operator/(const Extent& a, const Extent& b) {
  return Extent::div(a, b).value();
}
Extent operator%(const Extent& a, const Extent& b) {
  return Extent::mod(a, b).value();
}

TEST_CASE("extents that are one polynomial are equal, however they are written") {
  CHECK(N * 2 + N == Extent(3) * N);
  CHECK((N + M) * (N - M) == N * N - M * M);
  CHECK((N + 1) * (N + 1) - 1 == N * (N + 2));
  CHECK(N - N == Extent(0));
  CHECK(N * 0 == Extent(0));
  CHECK_FALSE(N == M);
  CHECK_FALSE(N + 1 == N);
}

TEST_CASE("division and remainder are atoms") {
  CHECK_FALSE(N / 2 * 2 == N);
  CHECK(N / 2 + N / 2 == Extent(2) * (N / 2));
  CHECK(N / 1 == N);
  CHECK(N % 1 == Extent(0));
  CHECK_FALSE((N + 1) / 2 == N / 2);
}

TEST_CASE("numbers round toward minus infinity") {
  CHECK((Extent(-7) / Extent(2)).value() == -4);
  CHECK((Extent(-7) % Extent(2)).value() == 1);
  CHECK((Extent(7) / Extent(-2)).value() == -4);
  CHECK((Extent(7) % Extent(-2)).value() == -1);
  CHECK((Extent(kMin) % Extent(-1)).value() == 0);
}

TEST_CASE("a constant is known as one") {
  CHECK(Extent().constant() == 0);
  CHECK((N - N + 5).constant() == 5);
  CHECK_FALSE(N.constant());
  CHECK_THROWS(N.value());
}

TEST_CASE("an extent prints as it would be written") {
  CHECK(Extent(0).text() == "0");
  CHECK((N * 2 + 1).text() == "2*N + 1");
  CHECK((M - N).text() == "M - N");
  CHECK((Extent(0) - N).text() == "-N");
  CHECK((N * M * N - 3).text() == "M*N*N - 3");
  CHECK((N / 2).text() == "(N / 2)");
  CHECK(((N + 1) / 2).text() == "((N + 1) / 2)");
  CHECK((N / 2 / 3).text() == "((N / 2) / 3)");
  CHECK((N * 2 % M).text() == "((2*N) % M)");
  CHECK(Extent(kMin).text() == "-9223372036854775808");
}

TEST_CASE("what overflows or divides by zero is nothing") {
  CHECK_FALSE(Extent::add(Extent(kMax), Extent(1)));
  CHECK_FALSE(Extent::sub(Extent(kMin), Extent(1)));
  CHECK_FALSE(Extent::sub(Extent(0), Extent(kMin)));
  CHECK_FALSE(Extent::mul(Extent(kMax), Extent(2)));
  CHECK_FALSE(Extent::mul(N * kMax, N * 2));
  CHECK_FALSE(Extent::div(Extent(kMin), Extent(-1)));
  CHECK_FALSE(Extent::div(N, Extent(0)));
  CHECK_FALSE(Extent::mod(N, N - N));
}

TEST_CASE("extents do not grow without limit") {
  Extent square = N + 1;  // its degree doubles each time
  int squarings = 0;
  while (auto next = Extent::mul(square, square)) {
    square = *next;
    REQUIRE(++squarings < 20);
  }
  CHECK(squarings >= 3);

  Extent quotient = N;  // its name doubles each time
  int divisions = 0;
  while (auto next = Extent::div(quotient, quotient + 1)) {
    quotient = *next;
    REQUIRE(++divisions < 20);
  }
  CHECK(quotient.text().size() < 2 * Extent::kMaxSize);
}

}  // namespace
