// The SSA interpreter on small IR texts.
#include <filesystem>
#include <stdexcept>

#include "ir/interpret.h"
#include "tests/support/text.h"
#include "tests/unit/ir_helpers.h"

namespace tenon::tests {
namespace {

/// A file in memory.
struct Printed {
  ~Printed() {
    std::fclose(out);
    std::free(bytes);
  }
  std::string text() const {
    std::fflush(out);
    return {bytes, size};
  }
  char* bytes = nullptr;
  size_t size = 0;
  std::FILE* out = open_memstream(&bytes, &size);
};

/// What a module prints; a failure is a last line `kind: message at "text"`.
std::string output_of(const std::string& text, const std::filesystem::path& data_dir = ".") {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const ir::Module module = ir::parse(sources, sources.add("test.ir", text), diagnostics);
  for (const lexer::Diagnostic& d : diagnostics.all())
    FAIL(lexer::render(d, sources, lexer::DiagFormat::short_));
  for (const ir::Violation& v : ir::verify(module)) FAIL(v.where, ": ", v.message);

  std::string failure;
  Printed printed;
  runtime::Context context;
  context.out = printed.out;
  context.data_dir = data_dir;
  try {
    runtime::run_on_large_stack([&] { ir::interpret(module, context); });
  } catch (const ast::RunError& error) {
    failure = error.fault.message() + " at `" + std::string(sources.text(error.span)) + "`\n";
  }
  return printed.text() + failure;
}

std::string main_output(const std::string& lines, const std::filesystem::path& data_dir = ".") {
  return output_of("func @main() effects {\nentry:\n  %one = const 1\n  %zero = const 0\n" + lines +
                       "\n  ret\n}\n",
                   data_dir);
}
/// The value of an expression under `i` = 0, 1, 2.
std::string value_of(const std::string& expr) {
  return main_output(
      "  %t = compute [i: 4] { f32(i) * 1.5 }\n  %big = const 100\n  %r = compute [i: 3] { " +
      expr + " }\n  print %r");
}

TEST_CASE("a compute gives a value for each body") {
  CHECK(main_output("  %a, %b = compute [i: 3] { i, f32(i) * 0.5 }\n"
                    "  %low, %high = compute [] { min[i: 3](%a[i]), max[i: 3](%b[i]) }\n"
                    "  print %a, %b, %low, %high") == "[0, 1, 2][0.0, 0.5, 1.0]01.0\n");
  CHECK(main_output("  %t = compute [i: 2] { 1 - i }\n"  // both bodies before the next element
                    "  %a, %b = compute [i: 2] { 1 / (i - 1), %t[i - 1] }") ==
        "subscript -1 is out of range for extent 2 at `%t[i - 1]`\n");
}

TEST_CASE("a compute has what it computes for itself") {
  CHECK(main_output("  %y = compute %g = [i: 4] { i * 2 } in %h = [i: 3] { %g[i] + %g[i + 1] } in [i: 2] { %h[i + 1] }\n"
                    "  print %y") == "[6, 10]\n");
}

TEST_CASE("expressions") {
  CHECK(value_of("i * 2 + 1") == "[1, 3, 5]\n");
  CHECK(value_of("%t[i + 1]") == "[1.5, 3.0, 4.5]\n");
  CHECK(value_of("if i < 2 { i } else { 1 / (i - i) * 0 + %big }") ==
        "division by zero at `1 / (i - i)`\n");
  CHECK(value_of("if i < 3 { i } else { 1 / 0 }") == "[0, 1, 2]\n");
  CHECK(value_of("i32(%t[i])") == "[0, 1, 3]\n");
  CHECK(value_of("select(i == 1, nan, inf)") == "[inf, nan, inf]\n");
}

TEST_CASE("reductions") {
  CHECK(value_of("sum[k: 4](%t[k])") == "[9.0, 9.0, 9.0]\n");
  CHECK(value_of("sum[k: i](k + 1)") == "[0, 1, 3]\n");
  CHECK(value_of("prod[k: i](k + 1)") == "[1, 1, 2]\n");
  CHECK(value_of("sum[j: 2, k: 3](j * 10 + k)") == "[36, 36, 36]\n");
  CHECK(value_of("any[k: i](k == 1)") == "[false, false, true]\n");
  CHECK(value_of("all[k: i](k == 0)") == "[true, true, false]\n");
  CHECK(value_of("max[k: i + 1](2 - k)") == "[2, 2, 2]\n");
  CHECK(value_of("min[k: i + 1](2 - k)") == "[2, 1, 0]\n");
  CHECK(value_of("max[k: 3](if k == i { nan } else { f32(k) })") == "[nan, nan, nan]\n");
  CHECK(value_of("max[k: 2](if k == 0 { -0.0 } else { 0.0 })") == "[0.0, 0.0, 0.0]\n");
  CHECK(value_of("argmax[k: 2..5](neg(k))") == "[2, 2, 2]\n");
  CHECK(value_of("argmin[k: 2..5](k % 2)") == "[2, 2, 2]\n");
  CHECK(value_of("argmax[k: 4](if k > i { nan } else { f32(k) })") == "[1, 2, 3]\n");
  CHECK(value_of("sum[k: 0..0, l: 9223372036854775807](1)") == "[0, 0, 0]\n");
  CHECK(value_of("max[k: i](k)") == "max over an empty range has no value at `max[k: i](k)`\n");
  CHECK(value_of("argmin[k: i..0](k)") ==
        "argmin over an empty range has no value at `argmin[k: i..0](k)`\n");
  CHECK(value_of("if any[k: 3](1 / (1 - k) == 1) { 1 } else { 0 }") ==
        "division by zero at `1 / (1 - k)`\n");  // every element is evaluated
}

TEST_CASE("the first failing element in row-major order is told, operands from the left") {
  CHECK(value_of("%t[i * 3]") == "subscript 6 is out of range for extent 4 at `%t[i * 3]`\n");
  CHECK(value_of("%t[i - 1]") == "subscript -1 is out of range for extent 4 at `%t[i - 1]`\n");
  CHECK(value_of("%t[i + 2] + %t[i - 1]") ==
        "subscript -1 is out of range for extent 4 at `%t[i - 1]`\n");
  CHECK(value_of("%t[i + 9] + %t[i - 1]") ==
        "subscript 9 is out of range for extent 4 at `%t[i + 9]`\n");
  CHECK(value_of("%t[1 / i + 9]") == "division by zero at `1 / i`\n");
}

TEST_CASE("instructions") {
  CHECK(
      main_output(
          "  %h = const 0.5\n  %x = add %h, %h\n  %y = convert %x to i32\n  print %x, \" \", %y") ==
      "1.0 1\n");
  CHECK(main_output("  %d = div %one, %zero") == "division by zero at `%d = div %one, %zero`\n");
  CHECK(main_output("  %p = pack [%one, %zero] : i64[2]\n  %e = element %p[%one]\n  print %p, \" "
                    "-> \", %e") == "[1, 0] -> 0\n");
  CHECK(main_output("  %p = pack [%one] : i64[1]\n  %e = element %p[%one]") ==
        "subscript 1 is out of range for extent 1 at `%e = element %p[%one]`\n");
  CHECK(main_output("  %p = pack [%one, %one] : i64[2]\n  %q = update %p[%one] = %zero\n  print "
                    "%p, \" \", %q") == "[1, 1] [1, 0]\n");
  CHECK(main_output("  %s = compute [] { 3 + %one }\n  print %s") == "4\n");
  CHECK(main_output("  print\n  print \"a\"") == "\na\n");
  CHECK(main_output("  print \"a\", \"b\", %one, %zero") == "ab10\n");
  CHECK(
      main_output("  %a = const 97i8\n  %nul = const 0i8\n  %t = pack [%a, %a, %nul, %a] : i8[4]\n"
                  "  write %t") == "aa");
  CHECK(main_output(
            "  %no = const false\n  print \"before\"\n  assert %no, \"why\"\n  print \"after\"") ==
        "before\nassertion failed: why at `assert %no, \"why\"`\n");
}

TEST_CASE("loops pass all arguments at once") {
  CHECK(output_of(R"(func @main() effects {
entry:
  %a = const 0
  %b = const 1
  %end = const 50
  jump loop(%a, %b, %a)
loop(%x: i64, %y: i64, %i: i64):
  %next = add %x, %y
  %step = add %i, %b
  %more = lt %step, %end
  branch %more, loop(%y, %next, %step), done
done:
  print %y
  ret
}
)") == "12586269025\n");
}

const std::string kDown = R"(func @down(%n: i64) -> i64 recursive {
entry:
  %zero = const 0
  %done = le %n, %zero
  branch %done, stop, go
stop:
  ret %zero
go:
  %one = const 1
  %less = sub %n, %one
  %r = call @down(%less)
  %s = add %r, %one
  ret %s
}

func @main() effects {
entry:
  %n = const COUNT
  %r = WHAT
  print %r
  ret
}
)";

TEST_CASE("recursion goes 1,000 calls deep and no deeper") {
  auto run = [](const std::string& count, const std::string& what) {
    std::string text = kDown;
    text.replace(text.find("COUNT"), 5, count);
    text.replace(text.find("WHAT"), 4, what);
    return output_of(text);
  };
  CHECK(run("999", "call @down(%n)") == "999\n");
  CHECK(run("1000", "call @down(%n)") ==
        "recursion is more than 1000 calls deep at `%r = call @down(%less)`\n");
  CHECK(run("999", "compute [i: 2] { @down(i + 998) }") == "[998, 999]\n");
}

TEST_CASE("an update of a part") {
  const std::string make =
      "  %t = compute [i: 2, j: 3] { i * 10 + j }\n  %two = const 2\n"
      "  %row = compute [i: 3] { i - 100 }\n  %column = compute [i: 2] { i - 100 }\n"
      "  %all = compute [i: 2, j: 3] { i - j }\n  %none = compute [i: 0, j: 3] { 1 }\n"
      "  %empty = compute [i: 0] { 1 }\n";
  const auto updated = [&](const std::string& update) {
    return main_output(make + "  %u = update " + update + "\n  print %u, %t");
  };
  const std::string before = "[[0, 1, 2],\n [10, 11, 12]]\n";
  CHECK(updated("%t[%one, :] = %row") == "[[0, 1, 2],\n [-100, -99, -98]]" + before);
  CHECK(updated("%t[:, %two] = %column") == "[[0, 1, -100],\n [10, 11, -99]]" + before);
  CHECK(updated("%t[:, :] = %all") == "[[0, -1, -2],\n [1, 0, -1]]" + before);
  CHECK(updated("%t[:, :] = %t") == "[[0, 1, 2],\n [10, 11, 12]]" + before);
  CHECK(updated("%none[:, %one] = %empty") == "[]" + before);
  CHECK(updated("%t[%two, :] = %row") ==
        "subscript 2 is out of range for extent 2 at `%u = update %t[%two, :] = %row`\n");
  CHECK(updated("%none[:, %two] = %empty") == "[]" + before);
  CHECK(main_output(make + "  %u = update %none[%zero, :] = %row\n") ==
        "subscript 0 is out of range for extent 0 at `%u = update %none[%zero, :] = %row`\n");
}

TEST_CASE("a call gives all that its function returns") {
  CHECK(output_of(R"(func @both(%x: i64) -> (i64, i64[2], i64[2]) {
entry:
  %t = compute [i: 2] { i + %x }
  %one = const 1
  %y = add %x, %one
  ret %y, %t, %t
}

func @main() effects {
entry:
  %n = const 7
  %zero = const 0
  %y, %t, %u = call @both(%n)
  %v = update %t[%zero] = %y
  print %y, " ", %t, " ", %u, " ", %v
  ret
}
)") == "8 [7, 8] [7, 8] [8, 8]\n");
}

TEST_CASE("files") {
  const ScratchFolder folder;
  const std::string path = folder.path() / "x.npy";
  CHECK(main_output("  %x = compute [i: 2] { f64(i) }\n  save \"" + path +
                        "\", %x\n  %y = load \"" + path +
                        "\" : f64[2]\n  %z = load \"x.npy\" : f64[2]\n  print %y, \" \", %z",
                    folder.path()) == "[0.0, 1.0] [0.0, 1.0]\n");
  CHECK(main_output("  save \"" + path + "\", %one\n  %y = load \"x.npy\" : i64\n  print %y",
                    folder.path()) == "1\n");
  const std::string failed = main_output("  %y = load \"none.npy\" : i64", folder.path());
  CHECK(failed.find("cannot read") == 0);
  CHECK(failed.find("at `%y = load \"none.npy\" : i64`") != std::string::npos);
}

TEST_CASE("owners are counted where ownership is explicit") {
  const std::string make = "  %t = compute [i: 2] { i }\n";
  CHECK(main_output(make + "  print %t\n  drop %t") == "[0, 1]\n");
  CHECK(main_output(make + "  share %t\n  drop %t\n  print %t\n  drop %t") == "[0, 1]\n");
  CHECK(main_output(make + "  share %t\n  %u = update %t[%one] = %zero\n  print %t, \" \", %u\n  "
                           "drop %t\n  drop %u") == "[0, 1] [0, 0]\n");
  CHECK_THROWS_AS(main_output(make + "  drop %t\n  print %t"), std::logic_error);
  CHECK_THROWS_AS(main_output(make + "  drop %t\n  drop %t"), std::logic_error);
  CHECK_THROWS_AS(main_output(make + "  drop %t\n  %u = compute [i: 2] { %t[i] }\n  drop %u"),
                  std::logic_error);
  CHECK_THROWS_AS(main_output(make + "  share %t\n  drop %t"), std::logic_error);  // a leak
  CHECK_THROWS_AS(main_output(make + "  %u = update %t[%one] = %zero\n  print %t\n  drop %u"),
                  std::logic_error);
}

}  // namespace
}  // namespace tenon::tests
