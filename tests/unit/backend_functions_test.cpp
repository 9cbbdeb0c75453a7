// The CPU target: functions, recursion, blocks; what the library that holds LLVM refuses and tells.
#include "tests/unit/backend_helpers.h"

namespace tenon::tests {
namespace {

// ---- functions and recursion

/// Counts down by way of `@between`, which is not recursive by itself in the text.
std::string countdown(int64_t from) {
  return fmt::format(R"(
func @down(%n: i64) -> i64 recursive {{
entry:
  %one = const 1
  %stop = lt %n, %one
  branch %stop, done, on
done:
  ret %n
on:
  %m = sub %n, %one
  %r = call @down(%m)
  %s = add %r, %one
  ret %s
}}
func @wrap(%n: i64) -> i64 {{
entry:
  %r = call @down(%n)
  ret %r
}}
func @main() effects {{
entry:
  %n = const {0}
  %direct = call @wrap(%n)
  %inside = compute [i: 2] {{ @wrap({0} + i) }}
  print %direct, " ", %inside
  ret
}}
)", from);
}

TEST_CASE("recursion is 1,000 calls deep, and no deeper") {
  const Run fits = check_agrees(Program(countdown(998)));
  CHECK(fits.printed == "998 [998, 999]\n");
  check_fails(Program(countdown(999)), FaultKind::recursion_too_deep,
              "recursion is more than 1000 calls deep", "call @down(%m)");
  check_fails(Program(countdown(int64_t{1} << 40)), FaultKind::recursion_too_deep,
              "recursion is more than 1000 calls deep", "call @down(%m)");
}

TEST_CASE("functions of tensors, loops, and blocks with parameters") {
  check_agrees(Program(R"(
func @scale(%x: f32[3], %by: f32, %up: bool) -> f32[3] {
entry:
  branch %up, twice(%x, %by), twice(%x, %by)
twice(%t: f32[3], %k: f32):
  %r = compute [i: 3] { %t[i] * %k }
  ret %r
}
func @main() effects {
entry:
  %x = compute [i: 3] { f32(i) + 1.0 }
  %zero = const 0
  %one = const 1
  %four = const 4
  %up = const true
  %by = const 0.5
  jump loop(%zero, %x, %one)
loop(%i: i64, %t: f32[3], %product: i64):
  %more = lt %i, %four
  branch %more, body, done
body:
  %u = call @scale(%t, %by, %up)
  %next = add %i, %one
  %p = mul %product, %next
  jump loop(%next, %u, %p)
done:
  print %t, %product, %x
  ret
}
)"));
}

TEST_CASE("functions of several results: kinds of them, many, and those that may fail") {
  const Run outcome = check_agrees(Program(R"(
func @divmod(%a: i64, %b: i64) -> (i64, i64) {
entry:
  %q = div %a, %b
  %r = mod %a, %b
  ret %q, %r
}
func @kinds(%x: f32, %t: f32[3]) -> (f32, f32[3], bool, f64, i8, f32[3]) {
entry:
  %u = compute [i: 3] { %t[i] * %x }
  %b = lt %x, %x
  %d = convert %x to f64
  %n = convert %x to i8
  ret %x, %u, %b, %d, %n, %t
}
func @plain(%x: f32) -> (f32, i32) {
entry:
  %n = convert %x to i32
  ret %x, %n
}
func @swap(%n: i64, %a: i64, %b: i64) -> (i64, i64) recursive {
entry:
  %one = const 1
  %stop = lt %n, %one
  branch %stop, done, on
done:
  ret %a, %b
on:
  %m = sub %n, %one
  %x, %y = call @swap(%m, %b, %a)
  ret %x, %y
}
func @main() effects {
entry:
  %a = const -7
  %b = const 2
  %q, %r = call @divmod(%a, %b)
  %h = const 2.5
  %t = compute [i: 3] { f32(i) }
  %x, %u, %c, %d, %n, %same = call @kinds(%h, %t)
  %p, %whole = call @plain(%h)
  %five = const 5
  %y, %z = call @swap(%five, %a, %b)
  print %q, " ", %r, " ", %x, " ", %u, " ", %c, " ", %d, " ", %n, " ", %same
  print %p, " ", %whole, " ", %y, " ", %z
  ret
}
)"));
  CHECK(outcome.printed == "-4 1 2.5 [0.0, 2.5, 5.0] false 2.5 2 [0.0, 1.0, 2.0]\n2.5 2 2 -7\n");

  check_fails(Program(R"(
func @divmod(%a: i64, %b: i64) -> (i64, i64[2]) {
entry:
  %t = compute [i: 2] { %a + i }
  %q = div %a, %b
  ret %q, %t
}
func @main() effects {
entry:
  %a = const 7
  %zero = const 0
  %q, %t = call @divmod(%a, %a)
  %r, %u = call @divmod(%a, %zero)
  print %q, %r, %t, %u
  ret
}
)"),
              FaultKind::division_by_zero, "division by zero", "div %a, %b");

  // More than any calling convention has registers for.
  std::string types, values, names;
  for (int i = 0; i < 40; ++i) {
    const char* separator = i > 0 ? ", " : "";
    types += fmt::format("{}{}", separator, i % 3 == 0 ? "i64" : i % 3 == 1 ? "f64" : "i64[2]");
    values += fmt::format("{}{}", separator, i % 3 == 0 ? "%n" : i % 3 == 1 ? "%x" : "%t");
    names += fmt::format("{}%v{}", separator, i);
  }
  check_agrees(Program(fmt::format(R"(
func @many(%n: i64, %x: f64, %t: i64[2]) -> ({0}) {{
entry:
  ret {1}
}}
func @main() effects {{
entry:
  %n = const 3
  %x = const 0.5f64
  %t = compute [i: 2] {{ i }}
  {2} = call @many(%n, %x, %t)
  print {2}
  ret
}}
)",
                                   types, values, names)));
}

TEST_CASE("two edges to one block carry the values of the one that is taken") {
  check_agrees(Program(R"(
func @pick(%c: bool, %a: i32, %b: i32) -> i32 {
entry:
  branch %c, out(%a), out(%b)
out(%r: i32):
  ret %r
}
func @main() effects {
entry:
  %t = const true
  %f = const false
  %a = const 3i32
  %b = const 4i32
  %x = call @pick(%t, %a, %b)
  %y = call @pick(%f, %a, %b)
  print %x, %y
  ret
}
)"));
}

// ---- the interface

TEST_CASE("what LLVM refuses is an error with its reason") {
  if (!finds_llvm()) return;
  const auto message = [](std::string text) {
    try {
      const backend::cpu::Executable executable({std::move(text), {}}, {}, nullptr);
    } catch (const backend::BackendError& error) {
      CHECK_FALSE(error.llvm_missing);
      return error.message;
    }
    return std::string();
  };
  CHECK(contains(message("define i32 @tenon_main(ptr %c) { ret i32 %x }"), "%x"));
  CHECK(contains(message("define i32 @other(ptr %c) { ret i32 0 }"), "tenon_main"));
  CHECK(contains(message("declare i32 @missing()\n"
                         "define i32 @tenon_main(ptr %c) {\n  %r = call i32 @missing()\n"
                         "  ret i32 %r\n}\n"), "missing"));
}

TEST_CASE("assembly and the times of the phases") {
  if (!finds_llvm()) return;
  const Program program(main_text("  %x = const 1\n  print %x\n"));
  const backend::Generated generated = backend::generate(program.module, {});
  CHECK(contains(backend::cpu::assembly(generated, {}), "tenon_main"));
  std::vector<backend::PhaseTime> times;
  const backend::cpu::Executable executable(generated, {}, &times);
  REQUIRE(times.size() == 4);
  CHECK(times[0].name == "llvm parse");
  CHECK(times[2].name == "llvm codegen");
  CHECK(times[2].ms > 0);
}

}  // namespace
}  // namespace tenon::tests
