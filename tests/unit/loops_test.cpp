// Loop lowering, by the text of what it makes.
#include "ir/loops.h"

#include <doctest/doctest.h>

#include "backend/backend.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

/// The last kernel of a module given as text.
std::string last_kernel(const std::string& text) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const ir::Module module = ir::parse(sources, sources.add("test.ir", text), diagnostics);
  for (const lexer::Diagnostic& d : diagnostics.all()) FAIL_CHECK(lexer::render(d, sources));
  for (const ir::Violation& v : ir::verify(module)) FAIL_CHECK(v.where << ": " << v.message);
  const auto kernels = backend::lower_kernels(module, {false, 0, true});
  REQUIRE_FALSE(kernels.empty());
  return ir::loops::print(module, kernels.back().kernel);
}

/// That of a compute in a function of two tensors, two indices and a scalar.
std::string kernel_of(const std::string& compute) {
  return last_kernel(R"(
func @costly(%n: i64) -> i64 {
entry:
  %m = mul %n, %n
  jump end
end:
  ret %m
}
func @straight(%n: i64) -> i64 {
entry:
  %m = add %n, %n
  %k = mul %m, %m
  ret %k
}
func @twice(%n: i64) -> i64 {
entry:
  %m = call @straight(%n)
  %k = call @straight(%m)
  ret %k
}
func @f(%x: f32[4, 3], %y: f32[3], %at: i64[3], %n: i64, %s: f64) {
entry:
  %out = compute )" + compute + "\n  ret\n}\n");
}

void check_kernel(const std::string& compute, std::string_view expected) {
  const std::string got = kernel_of(compute);
  CHECK_MESSAGE(got == expected, difference(expected, got));
}

TEST_CASE("a product of matrices") {
  check_kernel("[i: 4, j: 4] { max(sum[k: 3](%x[i, k] * %x[j, k]), 0.0) }",
               R"(kernel @f.0(%x: f32[4, 3]) -> %out: f32[4, 4] {
  for i in 0..4 {
    for j in 0..4 {
      local a: f32 = 0.0
      for k in 0..3 {
        a = a + %x[i, k] * %x[j, k]
      }
      %out[i, j] = max(a, 0.0)
    }
  }
}
)");
}

TEST_CASE("rank 0, scalar parameters, two indices, the last innermost") {
  check_kernel("[] { prod[i: %n..4, j: 3](f64(%x[i, j]) + %s) }",
               R"(kernel @f.0(%x: f32[4, 3], %n: i64, %s: f64) -> %out: f64 {
  local a: f64 = 1.0f64
  for i in %n..4 {
    for j in 0..3 {
      check 0 <= i else subscript_out_of_range(i, 4)
      a = a * (f64(%x[i, j]) + %s)
    }
  }
  %out[] = a
}
)");
}

TEST_CASE("a check for each subscript that may be out of range, from left to right") {
  check_kernel("[i: 3] { %x[%at[i], %at[i]] + %y[i] }",
               R"(kernel @f.0(%at: i64[3], %x: f32[4, 3], %y: f32[3]) -> %out: f32[3] {
  for i in 0..3 {
    check 0 <= %at[i] and %at[i] < 4 else subscript_out_of_range(%at[i], 4)
    check 0 <= %at[i] and %at[i] < 3 else subscript_out_of_range(%at[i], 3)
    %out[i] = %x[%at[i], %at[i]] + %y[i]
  }
}
)");
}

TEST_CASE("an if of cheap branches selects; one whose branch may fail does not evaluate it") {
  check_kernel("[i: 3] { if %y[i] > 0.0 { %y[i] } else { %y[i] * 0.5 } }",
               R"(kernel @f.0(%y: f32[3]) -> %out: f32[3] {
  for i in 0..3 {
    %out[i] = select(%y[i] > 0.0, %y[i], %y[i] * 0.5)
  }
}
)");
  check_kernel("[i: 3] { 1.0 + (if %at[i] < 3 { %y[%at[i]] } else { exp(%y[i]) }) }",
               R"(kernel @f.0(%at: i64[3], %y: f32[3]) -> %out: f32[3] {
  for i in 0..3 {
    local a: f32
    if %at[i] < 3 {
      check 0 <= %at[i] and %at[i] < 3 else subscript_out_of_range(%at[i], 3)
      a = %y[%at[i]]
    } else {
      a = exp(%y[i])
    }
    %out[i] = 1.0 + a
  }
}
)");
}

TEST_CASE("division by what may be zero") {
  check_kernel("[i: 3] { %at[i] / 2 + i % %at[i] }",
               R"(kernel @f.0(%at: i64[3]) -> %out: i64[3] {
  for i in 0..3 {
    check %at[i] != 0 else division_by_zero()
    %out[i] = %at[i] / 2 + i % %at[i]
  }
}
)");
}

TEST_CASE("argmax keeps the best and where it stood; a range that may be empty is checked") {
  check_kernel("[] { argmax[i: 0..%n](%at[i]) }",
               R"(kernel @f.0(%at: i64[3], %n: i64) -> %out: i64 {
  check 0 < %n else empty_reduction("argmax")
  local a: i64 = -9223372036854775808
  local b: i64 = 0
  for i in 0..%n {
    check i < 3 else subscript_out_of_range(i, 3)
    local c: i64 = %at[i]
    if c > a {
      b = i
      a = c
    }
  }
  %out[] = b
}
)");
  check_kernel("[] { argmin[i: 3](%y[i]) }",
               R"(kernel @f.0(%y: f32[3]) -> %out: i64 {
  local a: f32 = inf
  local b: i64 = 0
  for i in 0..3 {
    local c: f32 = %y[i]
    if c < a or isnan(c) and not(isnan(a)) {
      b = i
      a = c
    }
  }
  %out[] = b
}
)");
}

TEST_CASE("a call is a statement; what is shared is computed once") {
  check_kernel("[i: 4] { @costly(i) + sum[j: 3](%at[j]) * (@costly(i) + sum[j: 3](%at[j])) }",
               R"(kernel @f.0(%at: i64[3]) -> %out: i64[4] {
  local b: i64 = 0
  for j in 0..3 {
    b = b + %at[j]
  }
  for i in 0..4 {
    local a: i64 = @costly(i)
    %out[i] = a + b * (a + b)
  }
}
)");
}

TEST_CASE("a straight function is written out, with a local for what it uses twice") {
  check_kernel("[i: 4] { @straight(i + 1) }",
               R"(kernel @f.0() -> %out: i64[4] {
  for i in 0..4 {
    local a: i64 = i + 1
    local b: i64 = a + a
    %out[i] = b * b
  }
}
)");
}

TEST_CASE("so are the straight functions that it calls") {
  check_kernel("[i: 4] { @twice(i) }",
               R"(kernel @f.0() -> %out: i64[4] {
  for i in 0..4 {
    local a: i64 = i + i
    local b: i64 = a * a
    local c: i64 = b + b
    %out[i] = c * c
  }
}
)");
}

TEST_CASE("a branch that calls one is evaluated whether it is taken or not") {
  check_kernel("[i: 4] { if i < 2 { @straight(i) } else { 0 } }",
               R"(kernel @f.0() -> %out: i64[4] {
  for i in 0..4 {
    local a: i64 = i + i
    %out[i] = select(i < 2, a * a, 0)
  }
}
)");
}

TEST_CASE("what does not depend on a loop is computed in front of it") {
  check_kernel("[i: 3, j: 4] { exp(%y[i]) * %x[j, 0] }",
               R"(kernel @f.0(%y: f32[3], %x: f32[4, 3]) -> %out: f32[3, 4] {
  for i in 0..3 {
    local a: f32 = exp(%y[i])
    for j in 0..4 {
      %out[i, j] = a * %x[j, 0]
    }
  }
}
)");
}

TEST_CASE("a reduction that is met again deeper inside is computed once") {
  check_kernel("[i: 4, j: 3] { (%x[i, j] - max[k: 3](%x[i, k])) / sum[k: 3](%x[i, k] - max[l: 3](%x[i, l])) }",
               R"(kernel @f.0(%x: f32[4, 3]) -> %out: f32[4, 3] {
  for i in 0..4 {
    local a: f32 = -inf
    for k in 0..3 {
      a = max(a, %x[i, k])
    }
    local b: f32 = 0.0
    for k2 in 0..3 {
      b = b + (%x[i, k2] - a)
    }
    for j in 0..3 {
      %out[i, j] = (%x[i, j] - a) / b
    }
  }
}
)");
}

TEST_CASE("what both branches share is computed in each, for neither may be taken") {
  check_kernel("[i: 3] { if i > 0 { exp(%y[i]) } else { exp(%y[i]) + 1.0 } }",
               R"(kernel @f.0(%y: f32[3]) -> %out: f32[3] {
  for i in 0..3 {
    local a: f32
    if i > 0 {
      a = exp(%y[i])
    } else {
      a = exp(%y[i]) + 1.0
    }
    %out[i] = a
  }
}
)");
}

TEST_CASE("parentheses stand where the tree needs them, and other constants carry their type") {
  check_kernel("[i: 3] { (i - (1 - i)) * neg(i * 2) - i64(i8(i) % 3i8) }",
               R"(kernel @f.0() -> %out: i64[3] {
  for i in 0..3 {
    %out[i] = (i - (1 - i)) * neg(i * 2) - i64(i8(i) % 3i8)
  }
}
)");
}

}  // namespace
}  // namespace tenon::tests
