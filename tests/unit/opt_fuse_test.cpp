// fuse: what goes into its consumers, and what stays.
#include "tests/support/text.h"
#include "tests/unit/opt_helpers.h"

namespace tenon::tests {
namespace {

TEST_CASE("fuse puts element-wise producers into their consumers") {
  CHECK(lines_after(
            "fuse", "%x: f32[4], %y: f32[4]",
            "  %a = compute [i: 4] { %x[i] + %y[i] }\n  %b = compute [i: 4] { max(%a[i], 0.0) }\n"
            "  %s = compute [] { sum[i: 4](%b[i]) }\n  print %s") ==
        "  %s = compute [] { sum[i: 4](max(%x[i] + %y[i], 0.0)) }\n  print %s\n");
}

TEST_CASE("fuse ends a matrix product with the rest of the formula") {
  CHECK(lines_after("fuse", "%x: f32[2, 3], %w: f32[3, 4], %b: f32[4]",
                    "  %p = compute [i: 2, j: 4] { sum[k: 3](%x[i, k] * %w[k, j]) }\n"
                    "  %t = compute [i: 4, j: 2] { max(%p[j, i] + %b[i], 0.0) }\n  print %t") ==
        "  %t = compute [i: 4, j: 2] { max(sum[k: 3](%x[j, k] * %w[k, i]) + %b[i], 0.0) }\n"
        "  print %t\n");
}

TEST_CASE("fuse leaves producers where computing again would cost") {
  const auto unchanged = [](std::string_view params, const std::string& lines) {
    CHECK(lines_after("fuse", params, lines) == lines);
  };
  unchanged("%x: f32[4], %w: f32[4, 800]",  // each element 800 times
            "  %a = compute [i: 4] { exp(%x[i]) }\n"
            "  %b = compute [i: 800] { sum[j: 4](%a[j] * %w[j, i]) }\n  print %b\n");
  unchanged("%x: f32[4]",  // two users
            "  %a = compute [i: 4] { exp(%x[i]) }\n  %b = compute [i: 4] { %a[i] + 1.0 }\n  print "
            "%a, %b\n");
  unchanged("%x: f32[4, 4], %w: f32[4, 4]",  // a product inside a reduction
            "  %a = compute [i: 4, j: 4] { sum[k: 4](%x[i, k] * %w[k, j]) }\n"
            "  %s = compute [] { sum[i: 4, j: 4](%a[i, j]) }\n  print %s\n");
}

TEST_CASE("fuse always moves mere copies") {
  CHECK(lines_after(
            "fuse", "%x: f32[4, 8], %y: f32[4, 8]",
            "  %t = compute [i: 8, j: 4] { %x[j, i] }\n"
            "  %p = compute [i: 4, j: 4] { sum[k: 8](%y[i, k] * %t[k, j]) }\n  print %t, %p") ==
        "  %t = compute [i: 8, j: 4] { %x[j, i] }\n"
        "  %p = compute [i: 4, j: 4] { sum[k: 8](%y[i, k] * %x[j, k]) }\n  print %t, %p\n");
}

TEST_CASE("fuse leaves each of two products its own blocks") {
  const std::string lines =
      "  %a = compute [i: 4, j: 4] { sum[k: 4](%x[i, k] * %w[k, j]) }\n"
      "  %b = compute [i: 4, j: 4] { sum[k: 4](%w[i, k] * %x[k, j]) + %a[i, j] }\n  print %b\n";
  CHECK(lines_after("fuse", "%x: f32[4, 4], %w: f32[4, 4]", lines) == lines);
}

TEST_CASE("fuse makes one kernel of a softmax: what a row shares is computed once for it") {
  CHECK(lines_after("fuse", "%x: f32[4096, 4096]",
                    "  %m = compute [i: 4096] { max[j: 4096](%x[i, j]) }\n"
                    "  %e = compute [i: 4096, j: 4096] { exp(%x[i, j] - %m[i]) }\n"
                    "  %s = compute [i: 4096] { sum[j: 4096](%e[i, j]) }\n"
                    "  %y = compute [i: 4096, j: 4096] { %e[i, j] / %s[i] }\n  print %y") ==
        "  %y = compute [i: 4096, j: 4096] { exp(%x[i, j] - max[k: 4096](%x[i, k])) / "
        "sum[k: 4096](exp(%x[i, k] - max[l: 4096](%x[i, l]))) }\n  print %y\n");
}

TEST_CASE("fuse keeps reductions out of the loops of a product") {
  const std::string lines =
      "  %m = compute [i: 4] { sum[j: 4](%x[i, j]) }\n"
      "  %p = compute [i: 4, j: 4] { sum[k: 4](%x[i, k] * %w[k, j]) - %m[i] }\n  print %p\n";
  CHECK(lines_after("fuse", "%x: f32[4, 4], %w: f32[4, 4]", lines) == lines);
}

TEST_CASE("fuse moves a slice whose place the ranges around it prove") {
  const std::string text = R"(func @f(%x: f32[5, 4], %y: f32[4]) effects {
entry:
  %zero = const 0
  jump loop(%zero)
loop(%i: i64):
  %five = const 5
  %go = lt %i, %five
  branch %go, body, done
body:
  %row = compute [j: 4] { %x[%i, j] }
  %s = compute [] { sum[j: 4](%row[j] * %y[j]) }
  print %s
  %one = const 1
  %next = add %i, %one
  jump loop(%next)
done:
  ret
}
)";
  CHECK(contains(after("fuse", text), "sum[i: 4](%x[%i, i] * %y[i])"));
}

TEST_CASE("fuse leaves failures alone") {
  const auto unchanged = [](std::string_view params, const std::string& lines) {
    CHECK(lines_after("fuse", params, lines) == lines);
  };
  unchanged(
      "%x: i64[4]",  // the producer's
      "  %a = compute [i: 4] { 1 / %x[i] }\n  %b = compute [i: 2] { %a[i] + 1 }\n  print %b\n");
  unchanged(
      "%x: i64[4]",  // the read's
      "  %a = compute [i: 4] { %x[i] + 1 }\n  %b = compute [i: 4] { %a[%x[i]] }\n  print %b\n");
}

TEST_CASE("fuse does not move work into a loop") {
  const std::string text = R"(func @main(%x: f32[4], %n: i64) effects {
entry:
  %a = compute [i: 4] { exp(%x[i]) }
  %zero = const 0
  jump loop(%zero)
loop(%i: i64):
  %b = compute [i: 4] { %a[i] + 1.0 }
  print %b
  %one = const 1
  %next = add %i, %one
  %go = lt %next, %n
  branch %go, again, done
again:
  jump loop(%next)
done:
  ret
}
)";
  std::string plain = text;
  plain.replace(plain.find("@main"), 5, "@f");
  CHECK(after("fuse", plain) == plain);
}

}  // namespace
}  // namespace tenon::tests
