// The text form under single edits: each one is refused, by the reader or by the verifier, with the
// message it deserves. Edits of modules in memory, which no text can express, are in
// ir_verify_test.cpp; random ones, by the thousand, are `tenon_fuzz edits`.
#include <algorithm>
#include <regex>
#include <set>
#include <string>

#include "tests/support/root.h"
#include "tests/support/text.h"
#include "tests/unit/ir_helpers.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kText = R"(func @half(%x: f32) -> f32 {
entry:
  %two = const 2.0
  %h = div %x, %two
  ret %h
}

func @pair(%x: f32) -> (f32, i64) {
entry:
  %one = const 1
  ret %x, %one
}

func @down(%n: i64) -> i64 recursive {
entry:
  %zero = const 0
  %done = le %n, %zero
  branch %done, stop, more
stop:
  ret %zero
more:
  %one = const 1
  %less = sub %n, %one
  %r = call @down(%less)
  ret %r
}

func @say(%x: f32) effects {
entry:
  print "x is ", %x
  ret
}

func @main() effects {
entry:
  %n = const 3
  %f = const 1.5
  %b = const true
  %small = const 7i8
  %c = lt %n, %n
  %g = convert %n to f32
  %t = compute [i: 4] { f32(i) + sum[j: 3](f32(j)) }
  %u = compute [i: 4] { if i < 2 { @half(%t[i]) } else { %f } }
  %best = compute [i: 4] { argmax[j: 4](%t[j]) + i }
  %every = compute [i: 4] { all[j: i + 1](%t[j] > 0.0) }
  %p = pack [%f, %f] : f32[2]
  %e = element %t[%n]
  %w = update %t[%n] = %e
  %s = compute [i: 3, j: 4] { f32(i * j) }
  %o = update %s[%n, :] = %t
  %h = call @half(%e)
  %first, %second = call @pair(%f)
  %d = call @down(%n)
  call @say(%f)
  %l = load "a.npy" : f32[4]
  save "b.npy", %l
  %bytes = pack [%small] : i8[1]
  write %bytes
  print "n ", %n
  assert %c, "c"
  share %w
  drop %w
  branch %c, left(%n), right
left(%k: i64):
  %m = add %k, %n
  jump right
right:
  ret
}
)";

struct Edit {
  const char* from;  ///< its first occurrence becomes `to`
  const char* to;
  const char* message;  ///< part of what is said
};

constexpr Edit kEdits[] = {
    // functions
    {"%h = div %x, %two", "%h = div unchecked %x, %two",
     "it checks nothing, so it cannot be `unchecked`"},
    {"@half(%x: f32)", "@half(%x: f3)", "there is no type `f3`"},
    {"@half(%x: f32)", "@half(%x: f32, %x: f32)", "`%x` is defined twice"},
    {"func @pair", "func @half", "function `@half` is defined twice"},
    {"func @half", "func half", "expected the name of a function"},
    {"-> (f32, i64)", "-> (f32, f32)", "the returned `%one` is `i64`, not `f32`"},
    {"-> (f32, i64)", "-> f32", "this gives 1 values, but 2 are named"},
    {" recursive", "", "can reach itself, but is not marked recursive"},
    {"@say(%x: f32) effects", "@say(%x: f32)", "a pure function has an effect"},
    {"@main() effects", "@main()", "a pure function calls `@say`, which has effects"},
    {"@main()", "@main(%z: i64)", "main takes and returns nothing"},
    {"@main() effects", "@main() -> i64 effects", "main takes and returns nothing"},
    {"func @main", "func @other.", "expected"},
    {"ret %x, %one", "ret %x", "the function returns 2 values, not 1"},
    // constants and operations
    {"const 2.0", "const 2", "operand 1 of `div` is `f32`, not `i64`"},
    {"const 2.0", "const 2.0i8", "is not a constant of any type"},
    {"const 7i8", "const 300i8", "is not a constant of any type"},
    {"const 3", "const", "expected"},
    {"div %x, %two", "div %x", "`div` takes 2 operands, but 1 is given"},
    {"div %x, %two", "mod %x, %two", "`mod` does not take `f32`"},
    {"div %x, %two", "divide %x, %two", "there is no instruction `divide`"},
    {"lt %n, %n", "lt %n, %f", "operand 1 of `lt` is `i64`, not `f32`"},
    {"lt %n, %n", "lt %n, %b", "`lt` does not take `bool`"},
    {"lt %n, %n", "add %n, %n", "the condition `%c` is `i64`, not `bool`"},
    {"convert %n to f32", "convert %n to", "expected a type"},
    {"convert %n to f32", "convert %z to f32", "`%z` is not defined before this"},
    {"%g = convert", "%n = convert", "`%n` is defined twice"},
    {"add %k, %n", "add %k, %t", "`add` does not take `f32[4]`"},
    {"convert %n", "convert %main", "`%main` is not defined before this"},
    {"div %x, %two", "div unchecked %x, %two", "it checks nothing, so it cannot be `unchecked`"},
    // computes
    {"[i: 4] { f32(i)", "[i: 5] { f32(i)", "the new part `%t` is `f32[5]`, not `f32[4]`"},
    {"[i: 4] { f32(i)", "[i: -4] { f32(i)", "expected an extent"},
    {"[i: 4] { f32(i)", "[i: 99999999999999999999] { f32(i)", "is not an extent"},
    {"[i: 4] { f32(i)", "[i: 9000000000000000000] { f32(i)", "is too large for memory"},
    {"[i: 3, j: 4]", "[i: 3, i: 4]", "index `i` is bound twice"},
    {"f32(i * j)", "f32(i * k)", "index `k` is not bound here"},
    {"f32(i * j)", "f32(i * 2.0)", "operand 1 of `mul` is `i64`, not `f32`"},
    {"f32(i * j)", "f33(i * j)", "expected a scalar operation or type before `(`"},
    {"f32(i * j)", "i * ", "expected an expression"},
    {"@half(%t[i])", "@half(%t[i, i])", "`%t` has rank 1, but 2 subscripts are given"},
    {"@half(%t[i])", "@half(%t[1.0])", "a subscript is `f32`, not `i64`"},
    {"@half(%t[i])", "@half(%t)", "expected `[`, found `)`"},
    {"@half(%t[i])", "@half(%n)", "`@half`"},
    {"@half(%t[i])", "@pair(%t[i])", "only functions that return one scalar"},
    {"@half(%t[i])", "@say(%t[i])", "only functions that return one scalar"},
    {"@half(%t[i])", "@hal(%t[i])", "there is no function `@hal`"},
    {"if i < 2", "if i", "a condition is `i64`, not `bool`"},
    {"else { %f }", "else { %n }", "is `i64`, not `f32`"},
    {"{ f32(i) + sum[j: 3](f32(j)) }", "{ sum[j: 3](j < 2) }", "`sum` does not reduce `bool`"},
    {"all[j: i + 1](%t[j] > 0.0)", "all[j: i + 1](j)", "`all` does not reduce `i64`"},
    {"all[j: i + 1]", "all[j: 0..1.0]", "a bound is `f32`, not `i64`"},
    {"argmax[j: 4](%t[j])", "argmax[j: 4, k: 4](%t[j])", "`argmax` takes one index, not 2"},
    {"argmax[j: 4](%t[j]) + i", "argmax[j: 4](%t[j]) + 1.0",
     "operand 1 of `add` is `i64`, not `f32`"},
    // tensors
    {"pack [%f, %f] : f32[2]", "pack [%f, %f] : f32[3]", "`f32[3]` does not have 2 elements"},
    {"pack [%f, %f] : f32[2]", "pack [%f, %n] : f32[2]", "element `%n` is `i64`, not `f32`"},
    {"element %t[%n]", "element %t[%n, %n]", "`%t` has rank 1, but 2 subscripts are given"},
    {"element %t[%n]", "element %t[%f]", "subscript `%f` is `f32`, not `i64`"},
    {"element %t[%n]", "element %n[%n]", "`%n`"},
    {"update %t[%n] = %e", "update %t[%n] = %n", "the new part `%n` is `i64`, not `f32`"},
    {"update %t[%n] = %e", "update %t[:] = %e", "the new part `%e` is `f32`, not `f32[4]`"},
    {"update %s[%n, :] = %t", "update %s[:, %n] = %t",
     "the new part `%t` is `f32[4]`, not `f32[3]`"},
    {"update %s[%n, :] = %t", "update %s[%n] = %t", "`%s` has rank 2, but 1 subscripts are given"},
    // calls and effects
    {"%h = call @half(%e)", "%h = call @half()", "`@half` takes 1 arguments, but 0 are given"},
    {"%h = call @half(%e)", "%h = call @half(%n)", "argument `%n` is `i64`, not `f32`"},
    {"%first, %second = call", "%first = call", "this gives 2 values, but 1 are named"},
    {"%first, %second = call", "%first, %first = call", "`%first` is defined twice"},
    {"call @say(%f)", "call @half(%f)", "gives 1 values"},
    {"\"a.npy\"", "\"a.txt\"", "tells no known format"},
    {"\"a.npy\"", "\"a.npy", "no closing quote"},
    {"\"a.npy\" : f32[4]", "\"a.npy\", \"w\" : f32[4]", "its file holds one tensor without a name"},
    {"write %bytes", "write %t", "it does not write an i8 tensor of rank 1"},
    {"print \"n \", %n", "print \"\\q\", %n", "unknown escape"},
    {"assert %c", "assert %n", "the condition `%n` is `i64`, not `bool`"},
    {"share %w", "share %n", "scalars have no owners"},
    {"drop %w", "drop %n", "scalars have no owners"},
    // control flow
    {"branch %c,", "branch %n,", "the condition `%n` is `i64`, not `bool`"},
    {"left(%n), right", "left, right", "block `left` takes 1 arguments, but 0 are given"},
    {"left(%n), right", "left(%f), right", "argument `%f` is `f32`, not `i64`"},
    {"left(%n), right", "left(%n), write", "there is no block `write`"},
    {"left(%n), right", "left(%n), entry", "it goes to the entry block"},
    {"jump right", "jump left", "block `left` takes 1 arguments, but 0 are given"},
    {"jump right", "jump", "expected a block"},
    {"  jump right\n", "", "does not end with a terminator"},
    {"branch %done, stop, more\nstop:\n", "branch %done, stop, more\n  ret %zero\nstop:\n",
     "a terminator stands inside the block"},
    {"right:\n  ret\n}", "left:\n  ret\n}", "block `left` is defined twice"},
    {"jump right\nright:\n  ret", "jump right\nright:\n  print \"\", %m\n  ret",
     "`%m` is not defined on every path to this use"},
    {"entry:\n  %two", "  %two", "expected a block's label"},
};

std::string edited(const Edit& edit) {
  std::string text(kText);
  const size_t at = text.find(edit.from);
  REQUIRE_MESSAGE(at != text.npos, "the text does not hold ", edit.from);
  return text.replace(at, std::string_view(edit.from).size(), edit.to);
}

/// What the reader, or else the verifier, has against it, a line each.
std::string objections(const std::string& text) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const ir::Module module = ir::parse(sources, sources.add("test.ir", text), diagnostics);
  std::string all;
  for (const lexer::Diagnostic& each : diagnostics.all()) all += each.message + "\n";
  if (diagnostics.any()) return all;
  for (const ir::Violation& each : ir::verify(module)) all += each.message + "\n";
  return all;
}

TEST_CASE("the text that is edited is valid, and as it prints") {
  CHECK(ir::print(valid_ir(kText)) == kText);
}

TEST_CASE("every single edit of the text is refused with its message") {
  for (const Edit& edit : kEdits) {
    const std::string said = objections(edited(edit));
    CHECK_MESSAGE(said.find(edit.message) != said.npos, "from `", std::string(edit.from), "` to `",
                  std::string(edit.to), "`: wanted ", std::string(edit.message), ", said ", said);
  }
}

/// What stands between the braces of a message, the longest of it: `two values are named`.
std::string longest_piece(std::string_view message) {
  std::string_view longest;
  while (!message.empty()) {
    const size_t end = std::min(message.find("{}"), message.size());
    if (end > longest.size()) longest = message.substr(0, end);
    message.remove_prefix(std::min(end + 2, message.size()));
  }
  while (!longest.empty() && (longest.front() == '`' || longest.front() == ' ')) {
    longest.remove_prefix(1);
  }
  while (!longest.empty() && (longest.back() == '`' || longest.back() == ' ')) {
    longest.remove_suffix(1);
  }
  return std::string(longest);
}

/// A rule that nobody breaks is a rule that nobody knows to work.
TEST_CASE("every message of the verifier is wanted by a test") {
  // These say where a violation is.
  static const std::set<std::string> kPlaces = {"instruction", ", block", "the module",
                                                ": {:.200}"};
  const fs::path root = tests::root();
  const std::string wanted = read_file(root / "tests/unit/ir_verify_test.cpp") +
                             read_file(root / "tests/unit/ir_edits_test.cpp");
  static const std::regex literal(R"re("((?:[^"\\\n]|\\.)*)")re");
  size_t messages = 0;
  for (const fs::path& path : entries_of(root / "ir")) {
    if (!path.filename().string().starts_with("verify") || path.extension() != ".cpp") continue;
    const std::string text = read_file(path);
    for (std::sregex_iterator each(text.begin(), text.end(), literal), end; each != end; ++each) {
      const std::string piece = longest_piece((*each)[1].str());
      if (piece.find(' ') == piece.npos || kPlaces.contains(piece)) continue;
      ++messages;
      CHECK_MESSAGE(wanted.find(piece) != wanted.npos, path.filename().string(), ": ", piece);
    }
  }
  CHECK(messages > 40);
}

}  // namespace
}  // namespace tenon::tests
