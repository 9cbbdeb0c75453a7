// The CPU target: updates of elements and parts, in place and not.
#include "tests/unit/backend_helpers.h"

namespace tenon::tests {
namespace {

TEST_CASE("updates of parts: every choice of open axes, for elements of every size") {
  for (const runtime::DTypeRow& type : runtime::kDTypes) {
    std::string body = fmt::format(
        "  %t = compute [i: 3, j: 4, k: 2] {{ {}(i * 8 + j * 2 + k) }}\n"
        "  %s0 = const 2\n  %s1 = const 3\n  %s2 = const 1\n",
        type.text);
    constexpr std::string_view kIndices[] = {"i: 3", "i: 4", "i: 2"};
    for (int open = 0; open < 8; ++open) {
      std::string subscripts, indices, number = "100";
      int rank = 0;
      for (int axis = 0; axis < 3; ++axis) {
        const char* separator = axis > 0 ? ", " : "";
        const bool is_open = (open >> axis & 1) != 0;
        subscripts +=
            is_open ? fmt::format("{}:", separator) : fmt::format("{}%s{}", separator, axis);
        if (!is_open) continue;
        const char index = static_cast<char>('i' + rank);
        indices += fmt::format("{}{}{}", rank > 0 ? ", " : "", index, kIndices[axis].substr(1));
        number = fmt::format("({}) * 5 + {}", number, index);
        ++rank;
      }
      body += fmt::format(
          "  %v{0} = compute [{1}] {{ {2}({3}) }}\n"
          "  %u{0} = update %t[{4}] = %v{0}\n  print %u{0}, %v{0}\n",
          open, indices, type.text, number, subscripts);
    }
    CAPTURE(body);
    CHECK_FALSE(check_agrees(Program(main_text(body + "  print %t\n"))).fault.has_value());
  }
}

TEST_CASE("updates of parts: in a loop in place, of itself, of what is shared, of nothing") {
  const Run outcome = check_agrees(Program(R"(
func @rows(%t: f32[3, 2], %row: f32[2], %whole: f32[3, 2]) -> (f32[3, 2], f32[3, 2]) {
entry:
  %one = const 1
  %u = update %t[%one, :] = %row
  %w = update %t[:, :] = %whole
  ret %u, %w
}
func @main() effects {
entry:
  %zero = const 0
  %one = const 1
  %n = const 3
  %t = compute [i: 3, j: 2] { f32(i * 2 + j) }
  jump loop(%zero, %t)
loop(%i: i64, %c: f32[3, 2]):
  %more = lt %i, %n
  branch %more, body, done
body:
  %row = compute [j: 2] { f32(%i) * 0.5 - %c[%i, j] }
  %d = update %c[%i, :] = %row
  %next = add %i, %one
  jump loop(%next, %d)
done:
  %other = compute [j: 2] { 9.0 }
  %r, %s = call @rows(%c, %other, %c)
  print %r, %s, %c
  %self = update %c[:, :] = %c
  %copied = update %self[:, :] = %self
  %x = update %copied[%zero, :] = %other
  print %copied, %x
  %none = compute [i: 0, j: 2] { 1.0 }
  %no = compute [i: 0] { 1.0 }
  %still = update %none[:, %one] = %no
  %as = update %none[:, :] = %still
  print %as, %still
  ret
}
)"));
  CHECK(outcome.printed ==
        "[[0.0, -1.0],\n [9.0, 9.0],\n [-3.0, -4.0]]"
        "[[0.0, -1.0],\n [-1.5, -2.5],\n [-3.0, -4.0]]"
        "[[0.0, -1.0],\n [-1.5, -2.5],\n [-3.0, -4.0]]\n"
        "[[0.0, -1.0],\n [-1.5, -2.5],\n [-3.0, -4.0]]"
        "[[9.0, 9.0],\n [-1.5, -2.5],\n [-3.0, -4.0]]\n[][]\n");
}

TEST_CASE("updates of parts check every subscript first, of empty parts too") {
  struct Wrong {
    std::string_view update, value, message;
  };
  constexpr Wrong kWrong[] = {
      {"%t[%s9, :, %s0]", "[i: 4]", "subscript 9 is out of range for extent 3"},
      {"%t[%s9, %low, :]", "[i: 2]", "subscript 9 is out of range for extent 3"},
      {"%t[%s0, %low, :]", "[i: 2]", "subscript -1 is out of range for extent 4"},
      {"%t[:, %s9, :]", "[i: 3, j: 2]", "subscript 9 is out of range for extent 4"},
      {"%t[:, :, %s2]", "[i: 3, j: 4]", "subscript 2 is out of range for extent 2"},
      {"%e[%s9, :, %s0]", "[i: 0]", "subscript 9 is out of range for extent 3"},
      {"%e[:, :, %s2]", "[i: 3, j: 0]", "subscript 2 is out of range for extent 2"},
      {"%e[:, %s0, :]", "[i: 3, j: 2]", "subscript 0 is out of range for extent 0"},
  };
  for (const Wrong& wrong : kWrong) {
    CAPTURE(wrong.update);
    for (const bool known : {true, false}) {  // by a constant, and by what is not one
      const char* define = known ? "%{} = const {}\n" : "%{} = compute [] {{ %one * {} }}\n";
      std::string body =
          "  %one = compute [] { sum[i: 2](i) }\n"
          "  %t = compute [i: 3, j: 4, k: 2] { i }\n"
          "  %e = compute [i: 3, j: 0, k: 2] { i }\n";
      for (const auto& [name, value] : {std::pair("s0", 0), {"s2", 2}, {"s9", 9}, {"low", -1}})
        body += fmt::format(fmt::runtime(define), name, value);
      body += fmt::format("  %v = compute {} {{ 7 }}\n  print \"before\"\n  %u = update {} = %v\n",
                          wrong.value, wrong.update);
      check_fails(Program(main_text(body + "  print %u, %t\n")), FaultKind::subscript_out_of_range,
                  wrong.message, wrong.update);
    }
  }
}

TEST_CASE("where the last axes are open, a part is one copy") {
  const Program program(main_text(R"(
  %t = compute [i: 3, j: 4, k: 5] { i }
  %v = compute [i: 4, j: 5] { j }
  %w = compute [i: 3, j: 5] { j }
  %n = const 2
  %a = update %t[%n, :, :] = %v
  %b = update %a[:, %n, :] = %w
  print %b
)"));
  const std::string text = backend::generate(program.module, {}).text;
  CAPTURE(text);
  CHECK(contains(text, "i64 160, i1 false)"));  // 4 * 5 elements, with no loop around
  CHECK(contains(text, "i64 40, i1 false)"));
  CHECK(contains(text, "copy:"));
  CHECK_FALSE(contains(text, "copy.1:"));
  check_agrees(program);
}

TEST_CASE("an update is in place for its last owner, and copies for others") {
  const Program program(R"(
func @main() effects {
entry:
  %t = compute [i: 4] { i }
  share %t
  %zero = const 0
  %three = const 3
  %ten = const 10
  %one = const 1
  jump loop(%zero, %t)
loop(%i: i64, %u: i64[4]):
  %more = lt %i, %three
  branch %more, body, done
body:
  %old = element %u[%i]
  %new = add %old, %ten
  %v = update %u[%i] = %new
  %next = add %i, %one
  jump loop(%next, %v)
done:
  print %t, " ", %u
  drop %t
  drop %u
  ret
}
)", true);
  const Run outcome = check_agrees(program);
  CHECK(outcome.printed == "[0, 1, 2, 3] [10, 11, 12, 3]\n");
}

}  // namespace
}  // namespace tenon::tests
