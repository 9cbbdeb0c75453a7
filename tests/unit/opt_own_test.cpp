// own: owners, shares, drops and copies, as IR text.
#include "tests/unit/opt_helpers.h"

namespace tenon::tests {
namespace {

TEST_CASE("own lets an update of a last use happen in place") {
  CHECK(lines_after("own", "%x: f32, %k: i64",
                    "  %a = compute [i: 4] { 0.0 }\n  %b = update %a[%k] = %x\n  print %b") ==
        "  %a = compute [i: 4] { 0.0 }\n  %b = update %a[%k] = %x\n  print %b\n  drop %b\n");
  CHECK(lines_after("own", "%x: f32, %k: i64",
                    "  %a = compute [i: 4] { 0.0 }\n  %b = update %a[%k] = %x\n  print %a, %b") ==
        "  %a = compute [i: 4] { 0.0 }\n  %a1 = compute [i: 4] { 0.0 }\n"
        "  %b = update %a1[%k] = %x\n  print %a, %b\n  drop %a\n  drop %b\n");
}

TEST_CASE("own copies in front of a loop what the loop updates, also behind a branch") {
  CHECK(after("own", R"(func @f(%n: i64, %c: bool) -> i64[4] {
entry:
  %a = compute [i: 4] { i * %n }
  branch %c, loop(%n, %a), none
loop(%k: i64, %t: i64[4]):
  %u = update %t[%k] = %n
  %go = ne %k, %n
  branch %go, loop(%k, %u), done
done:
  %x = element %u[%n]
  drop %u
  ret %a
none:
  ret %a
}
)") == R"(func @f(%n: i64, %c: bool) -> i64[4] {
entry:
  %a = compute [i: 4] { i * %n }
  branch %c, edge, none
loop(%k: i64, %t: i64[4]):
  %u = update %t[%k] = %n
  %go = ne %k, %n
  branch %go, edge1, done
done:
  %x = element %u[%n]
  drop %u
  ret %a
none:
  ret %a
edge:
  %a1 = compute [i: 4] { %a[i] }
  jump loop(%n, %a1)
edge1:
  jump loop(%k, %u)
}
)");
}

TEST_CASE("own borrows parameters from the caller") {
  CHECK(after("own", R"(func @f(%t: f32[4], %k: i64, %x: f32) -> f32[4] {
entry:
  %u = update %t[%k] = %x
  ret %t
}
)") == R"(func @f(%t: f32[4], %k: i64, %x: f32) -> f32[4] {
entry:
  %t1 = compute [i: 4] { %t[i] }
  %u = update %t1[%k] = %x
  drop %u
  share %t
  ret %t
}
)");
}

TEST_CASE("own drops on the edge where a tensor dies") {
  CHECK(after("own", R"(func @f(%c: bool) -> f32[2] {
entry:
  %a = compute [i: 2] { 1.0 }
  %b = compute [i: 2] { 2.0 }
  branch %c, join(%a), join(%b)
join(%r: f32[2]):
  ret %r
}
)") == R"(func @f(%c: bool) -> f32[2] {
entry:
  %a = compute [i: 2] { 1.0 }
  %b = compute [i: 2] { 2.0 }
  branch %c, edge, edge1
join(%r: f32[2]):
  ret %r
edge:
  drop %b
  jump join(%a)
edge1:
  drop %a
  jump join(%b)
}
)");
}

TEST_CASE("own twice is own once") {
  for (const std::string& text : kTrickyPrograms) {
    const Source source(text);
    ir::Module module = ir::lower(source.program);
    run(module, "own");
    const std::string once = ir::print(module);
    run(module, "own");
    CHECK(ir::print(module) == once);
  }
}

TEST_CASE("own gives each returned value an owner") {
  CHECK(after("own", R"(func @f(%t: f32[2]) -> (f32[2], f32[2], f32[2]) {
entry:
  %u = compute [i: 2] { %t[i] * 2.0 }
  ret %u, %t, %u
}
)") == R"(func @f(%t: f32[2]) -> (f32[2], f32[2], f32[2]) {
entry:
  %u = compute [i: 2] { %t[i] * 2.0 }
  share %t
  share %u
  ret %u, %t, %u
}
)");
}

}  // namespace
}  // namespace tenon::tests
