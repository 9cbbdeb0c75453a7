// The tree interpreter: what the language means.
#include "tests/unit/source_helpers.h"

namespace tenon::tests {
namespace {

std::string printed(const std::string& text) {
  return interpreted(Source(text));
}
std::string printed_by_main(const std::string& lines) {
  return printed(in_main(lines));
}

TEST_CASE("scalars and operators") {
  CHECK(printed_by_main("print(-7 / 2, -7 % 2, 7 % -2, 1.5 * 2.0);") == "-4 1 -1 3.0\n");
  CHECK(printed_by_main("print(i32(2.75), i32(true), f32(1) / 3.0);") == "2 1 0.33333334\n");
  CHECK(printed_by_main("var x = 0.0; let n = x / x; print(n == n, max(n, 1.0), min(x, -x));") ==
        "false nan -0.0\n");
}

TEST_CASE("integer division by zero fails where it stands") {
  CHECK(printed_by_main("var z = 0; z += 0;\nprint(1 + 2 / z);") ==
        "division by zero at 3:11 `2 / z`\n");
  CHECK(printed_by_main("var z = 0; z += 0;\nprint(5 % z);") ==
        "division by zero at 3:7 `5 % z`\n");
  CHECK(printed_by_main("var z = 0.0; print(1.0 / z);") == "inf\n");
}

TEST_CASE("and, or and if evaluate only what decides") {
  CHECK(printed_by_main("var z = 0; z += 0; print(z != 0 and 1 / z > 0, z == 0 or 1 / z > 0, "
                        "if z == 0 { 7 } else { 1 / z });") == "false true 7\n");
}

TEST_CASE("elements") {
  CHECK(printed_by_main(
            "let a = [[1, 2], [3, 4]]; print(a[1, 0], a[5, 0 else 9], a[0, -1 else 8]);") ==
        "3 9 8\n");
  SUBCASE("all subscripts are evaluated, then checked from the left") {
    CHECK(printed_by_main("let a = [[1, 2], [3, 4]]; var k = 2; k += 0;\nprint(a[k, k + 1]);") ==
          "subscript 2 is out of range for extent 2 at 3:9 `k, k + 1`\n");
    CHECK(printed_by_main(
              "let a = [[1, 2], [3, 4]]; var k = 2; k += 0;\nprint(a[k, 1 / (k - 2)]);") ==
          "division by zero at 3:12 `1 / (k - 2)`\n");
  }
  SUBCASE("with a value for outside the rest is not evaluated") {
    CHECK(printed_by_main(
              "let a = [[1, 2], [3, 4]]; var k = 2; k += 0; print(a[k, 1 / (k - 2) else 5]);") ==
          "5\n");
  }
  SUBCASE("assignments evaluate subscripts and value before they check") {
    CHECK(printed_by_main("var a = [1, 2]; var k = 2; k += 0;\na[k] = 1 / (k - 2);") ==
          "division by zero at 3:8 `1 / (k - 2)`\n");
    CHECK(printed_by_main("var a = [1, 2]; var k = 2; k += 0;\na[k] = 1;") ==
          "subscript 2 is out of range for extent 2 at 3:3 `k`\n");
  }
}

TEST_CASE("reductions") {
  const std::string xs = "let x = [3.0, 1.0, 3.0, 2.0]; let n: i64 = 0;\n";
  CHECK(printed_by_main(xs + "print(sum[i] x[i], prod[i] x[i], max[i] x[i], min[i] x[i], "
                             "argmax[i] x[i], argmin[i] x[i]);") == "9.0 18.0 3.0 1.0 0 1\n");
  CHECK(printed_by_main(xs +
                        "print(argmax[i: 1..4] x[i], any[i] (x[i] > 2.5), all[i] (x[i] > 2.5));") ==
        "2 true false\n");
  CHECK(printed_by_main(xs +
                        "print(sum[i: 5..2] x[i], prod[i: 0..n] x[i], any[i: 0..n] (x[i] > 0.0), "
                        "all[i: 0..n] (x[i] > 0.0));") == "0.0 1.0 false true\n");
  CHECK(printed_by_main(xs + "print(max[i: 0..n] x[i]);") ==
        "max over an empty range has no value at 3:7 `max[i: 0..n] x[i]`\n");
  SUBCASE("the first NaN wins") {
    CHECK(printed_by_main("var z = 0.0; let n = z / z; let x = [1.0, n, 3.0, n];\n"
                          "print(argmax[i] x[i], argmin[i] x[i], max[i] x[i], min[i] x[i]);") ==
          "1 1 nan nan\n");
  }
  SUBCASE("sums go in order, the last index fastest, in the body's type") {
    CHECK(printed_by_main(
              "let x = [[100000000.0, 1.0], [-100000000.0, 1.0]]; print(sum[i, j] x[i, j]);") ==
          "1.0\n");
    CHECK(printed_by_main("let b = [100, 100]; print(sum[i] i8(b[i]));") == "-56\n");
  }
  SUBCASE("any and all evaluate every element") {
    CHECK(printed_by_main("let q = [1, 0];\nprint(any[i] (2 / q[i] > 1));") ==
          "division by zero at 3:15 `2 / q[i]`\n");
  }
}

TEST_CASE("index definitions") {
  CHECK(printed_by_main("let a[i: 2, j: 3..5] = i * 10 + j; print(a);") ==
        "[[3, 4],\n [13, 14]]\n");
  CHECK(printed_by_main("let a[i: 0, j: 1000000000000] = 1; print(a);") == "[]\n");
  SUBCASE("the first failing element in row-major order is reported") {
    CHECK(
        printed_by_main("let q = [[2, 1], [0, 0]];\nlet r[j: 2, i: 2] = 2 / q[i, j]; print(r);") ==
        "division by zero at 3:21 `2 / q[i, j]`\n");
  }
}

TEST_CASE("tensors are values") {
  CHECK(printed_by_main(
            "var a = [1, 2]; var b = a; b[0] = 9; let c = b; b[1] = 8; print(a, b, c);") ==
        "[1, 2] [9, 8] [9, 2]\n");
}

TEST_CASE("loops") {
  CHECK(
      printed_by_main(
          "var n = 0; for i in 0..10 { if i == 2 { continue; } if i == 5 { break; } n += i32(i); } "
          "for i in 5..2 { n = 100; } while n < 20 { n += 7; } print(n);") == "22\n");
  CHECK(printed_by_main("var n = 3; for i in 0..n { n = 10; print(i); }") == "0\n1\n2\n");
}

TEST_CASE("print evaluates everything before it writes") {
  CHECK(printed_by_main("var z = 0; z += 0;\nprint(\"a\", z); print(z, 1 / z);") ==
        "a 0\ndivision by zero at 3:25 `1 / z`\n");
  CHECK(printed_by_main("print(); print(\"x\", \"y\", 1);") == "\nx y 1\n");
  CHECK(printed_by_main("print(\"\", 1, \"\", 2);") == " 1  2\n");
}

TEST_CASE("assertions fail with their message") {
  CHECK(printed_by_main("assert(true, \"fine\");\nassert(1 > 2, \"order\");") ==
        "assertion failed: order at 3:1 `assert(1 > 2, \"order\");`\n");
}

TEST_CASE("recursion is 1,000 calls deep") {
  const std::string f = "fn f(n: i64) -> i64 { if n <= 1 { return n; } return 1 + f(n - 1); }\n";
  CHECK(printed(f + "fn main() { print(f(1000)); }") == "1000\n");
  CHECK(printed(f + "fn main() { print(f(1001)); }") ==
        "recursion is more than 1000 calls deep at 1:58 `f(n - 1)`\n");
}

TEST_CASE("a missing file fails at its load") {
  CHECK(printed_by_main("print(1);\nlet x: f32[2] = load(\"no such file.npy\");") ==
        "1\ncannot read no such file.npy: No such file or directory at 3:17 `load(\"no such "
        "file.npy\")`\n");
}

TEST_CASE("emit types writes every type out") {
  const Source source(
      "fn twice[N](x: f32[N]) -> f32[N] { let y[i] = x[i] * 2.0; return y; }\n"
      "fn main() { var t = twice([1.0, 2.0]); t[0] = t[1]; let n: i64 = 3; print(t, n, \"a\\n\"); "
      "}\n");
  CHECK(ast::typed::print(source.program).find(R"(fn twice[N = 2](x: f32[2]) -> f32[2] {
  let y: f32[2] = f32[i: 2] { x[i] * 2.0 };
  return y;
}
)") != std::string::npos);
  CHECK(ast::typed::print(source.program).find(R"(  t[0i64] = t[1i64];
  let n: i64 = 3i64;
  print(t, n, "a\n");
)") != std::string::npos);
}

}  // namespace
}  // namespace tenon::tests
