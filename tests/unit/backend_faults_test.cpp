// The CPU target: what is not evaluated, and programs that fail.
#include "tests/unit/backend_helpers.h"

namespace tenon::tests {
namespace {

// ---- laziness and failure

TEST_CASE("the branch not taken is not evaluated") {
  const Run outcome = check_agrees(Program(main_text(R"(
  %x = compute [i: 5] { i * 10 }
  %a = compute [i: 7] { if i < 5 { %x[i] } else { -1 } }
  %b = compute [i: 5] { if i == 0 { 0 } else { 100 / i } }
  %c = compute [i: 5] { sum[j: i..5](if %x[j] > 9 { %x[%x[j] / 10] } else { 1 / (j + 1) }) }
  print %a, %b, %c
)")));
  CHECK_FALSE(outcome.fault.has_value());
}

TEST_CASE("a subscript out of range: the first failing element, after the output before it") {
  check_fails(Program(main_text(R"(
  %x = compute [i: 4, j: 3] { i }
  print "before", %x
  %y = compute [i: 4, j: 9] { %x[i, j + i] }
  print "after"
)")),
              FaultKind::subscript_out_of_range, "subscript 3 is out of range for extent 3",
              "%x[i, j + i]");
  check_fails(Program(main_text(R"(
  %x = compute [i: 4] { i }
  %y = compute [i: 4] { %x[2 - i] }
)")), FaultKind::subscript_out_of_range, "subscript -1 is out of range for extent 4", "%x[2 - i]");
  check_fails(Program(main_text(R"(
  %x = compute [i: 4, j: 4] { i }
  %a = const 3
  %b = const -9223372036854775808
  %y = element %x[%a, %b]
)")), FaultKind::subscript_out_of_range,
              "subscript -9223372036854775808 is out of range for extent 4", "element %x[%a, %b]");
  check_fails(Program(main_text(R"(
  %x = compute [i: 4, j: 4] { i }
  %a = const 4
  %y = update %x[%a, %a] = %a
)")), FaultKind::subscript_out_of_range, "subscript 4 is out of range for extent 4", "update %x");
}

TEST_CASE("division by zero") {
  check_fails(Program(main_text(R"(
  %a = const 3i8
  %b = const 0i8
  %c = mod %a, %b
)")), FaultKind::division_by_zero, "division by zero", "mod %a, %b");
  check_fails(Program(main_text(R"(
  %y = compute [i: 4] { sum[j: 4](7 / (2 - j)) }
)")), FaultKind::division_by_zero, "division by zero", "7 / (2 - j)");
}

TEST_CASE("division by constants") {
  std::string lines;
  for (std::string_view type : {"i8", "i32", "i64"}) {
    const int64_t lowest = type == "i8" ? -128 : type == "i32" ? INT32_MIN : INT64_MIN;
    for (int64_t value : {lowest, lowest + 1, int64_t{-9}, int64_t{-8}, int64_t{-1}, int64_t{0},
                          int64_t{1}, int64_t{7}, int64_t{8}, -(lowest + 1)}) {
      const std::string n = std::to_string(lines.size());
      lines += fmt::format("  %t{} = compute [i: 1] {{ {}{} }}\n  %a{} = element %t{}[%zero]\n", n,
                           value, type == "i64" ? "" : type, n, n);
      for (int64_t divisor : {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{8}, int64_t{100},
                              int64_t{-1}, int64_t{-2}, int64_t{-7}, lowest}) {
        const std::string m = std::to_string(lines.size());
        lines += fmt::format("  %d{} = const {}{}\n  %q{} = div %a{}, %d{}\n"
                             "  %r{} = mod %a{}, %d{}\n  print %q{}, %r{}\n",
                             m, divisor, type == "i64" ? "" : type, m, n, m, m, n, m, m, m);
      }
    }
  }
  const Program program("func @main() effects {\nentry:\n  %zero = const 0\n" + lines +
                        "  ret\n}\n");
  CHECK_FALSE(check_agrees(program).fault);
}

TEST_CASE("an empty reduction") {
  for (const char* name : {"max", "min", "argmax", "argmin"})
    check_fails(
        Program(main_text(fmt::format("  %y = compute [i: 4] {{ {}[j: i..2](j) }}\n", name))),
        FaultKind::empty_reduction, fmt::format("{} over an empty range has no value", name), name);
}

TEST_CASE("a failed assertion, in a function that was called") {
  check_fails(Program(R"(
func @half(%n: i64) -> i64 effects {
entry:
  %two = const 2
  %r = mod %n, %two
  %zero = const 0
  %even = eq %r, %zero
  assert %even, "an \"odd\" number\n"
  %h = div %n, %two
  ret %h
}
func @main() effects {
entry:
  %a = const 12
  %b = call @half(%a)
  print %b
  %c = call @half(%b)
  %d = call @half(%c)
  print %d
  ret
}
)"), FaultKind::assertion_failed, "assertion failed: an \"odd\" number\n", "assert %even");
}

TEST_CASE("files: what is saved is loaded, and a missing one is a fault") {
  const ScratchFolder folder;
  const std::string path = (folder.path() / "t.npy").string();
  const Run outcome = check_agrees(Program(main_text(fmt::format(R"(
  %x = compute [i: 2, j: 3] {{ i > j }}
  save "{0}", %x
  %y = load "{0}": bool[2, 3]
  %s = const 2.5f64
  save "{0}", %s
  %t = load "{0}": f64
  print %y, " ", %t
)", path))));
  CHECK(outcome.printed == "[[false, false, false],\n [true, false, false]] 2.5\n");
  check_fails(Program(main_text(fmt::format("  %x = load \"{}/none.npy\": f32[3]\n", folder.path().string()))),
              FaultKind::cannot_read,
              fmt::format("cannot read {}/none.npy: No such file or directory", folder.path().string()), "load");
}

TEST_CASE("memory that runs out") {
  if (!finds_llvm()) return;
  const Program program(main_text("  %x = compute [i: 70368744177664] { i }\n"));
  const Run outcome = compiled(program, {});
  REQUIRE(outcome.fault.has_value());
  CHECK(outcome.fault->kind == FaultKind::out_of_memory);
  CHECK(contains(program.sources.text(outcome.span), "%x = compute"));
}

}  // namespace
}  // namespace tenon::tests
