// What can be proved of subscripts; and that nothing proved is wrong.
#include <random>

#include "ir/interpret_body.h"
#include "ir/ranges.h"
#include "tests/unit/ir_helpers.h"

namespace tenon::tests {
namespace {

using ir::Range;

constexpr std::string_view kParams =
    "%n: i64, %m: i64, %small: i8, %b: bool, %t: f32[8], %ids: i64[8]";

struct Body {
  explicit Body(std::string_view text)
      : module(valid_ir(
            "func @ok(%x: i64) -> i64 {\na:\n  %one = const 1\n  %y = div %x, %one\n  ret %y\n}\n"
            "func @bad(%x: i64) -> i64 {\na:\n  %y = div %x, %x\n  ret %y\n}\n" +
            ir_function(kParams, "  %r = compute [i: 8, j: 4] { " + std::string(text) + " }"))),
        function(module.functions[2]),
        compute(function.blocks[0].insts[0].get<ir::Compute>()) {}

  ir::Module module;
  const ir::Function& function;
  const ir::Compute& compute;
};

std::string range(std::string_view text) {
  const Body body(text);
  const std::vector<Range> levels = {{0, 7}, {0, 3}};
  const Range r = ir::range_of(body.function, body.compute.bodies[0], levels);
  if (r.lo == INT64_MIN && r.hi == INT64_MAX) return "any";
  return std::to_string(r.lo) + ".." + std::to_string(r.hi);
}

/// The nodes that may fail, as text.
std::string fallible(std::string_view text) {
  const Body body(text);
  std::string all;
  for (const ir::ExprId id : ir::fallible_nodes(body.module, body.function, body.compute))
    all += (all.empty() ? "" : "; ") + ir::print(body.module, body.function, id);
  return all;
}

TEST_CASE("ranges of integer expressions") {
  CHECK(range("i") == "0..7");
  CHECK(range("i * 4 + j") == "0..31");
  CHECK(range("i - i") == "0..0");
  CHECK(range("i + j - i") == "0..3");
  CHECK(range("2 * (i - j) - i + 3 * j") == "0..10");
  CHECK(range("neg(i) - 1") == "-8..-1");
  CHECK(range("%n") == "any");
  CHECK(range("%n - %n") == "0..0");
  CHECK(range("%n + 1 - %n") == "any");  // %n + 1 may wrap around
  CHECK(range("i64(%small) + i") == "-128..134");
  CHECK(range("i64(%b)") == "0..1");
  CHECK(range("%small + 1i8") == "-128..127");
  CHECK(range("(i * 4 + j) / 8") == "0..3");
  // The reduction in the bound has the same level as the one that it bounds.
  CHECK(range("max[k: max[k: 4](k)](k)") == "0..2");
  CHECK(range("max[k: max[k: 4](k) + max[k: 3](k)](k * 10 + max[l: k + 1](l))") == "0..44");
  CHECK(range("(i - 4) / 3") == "-2..1");
  CHECK(range("(i - 4) % 3") == "0..2");
  CHECK(range("i % 10") == "0..7");
  CHECK(range("%n % 8") == "0..7");
  CHECK(range("i / %n") == "any");
  CHECK(range("min(%n, 7)") == "-9223372036854775808..7");
  CHECK(range("min(max(%n, 0), 7)") == "0..7");
  CHECK(range("select(%b, i, 10)") == "0..10");
  CHECK(range("abs(i - 5)") == "0..5");
  CHECK(range("bit_and(%n, 15)") == "0..15");
  CHECK(range("i * j") == "0..21");
  CHECK(range("argmax[k: 2..i + 3](%t[k])") == "2..9");
  CHECK(range("max[k: 5](k - i)") == "-7..4");
  CHECK(range("if i > 3 { i } else { 10 }") == "4..10");
  CHECK(range("if i > 30 { i } else { j }") == "0..3");
}

TEST_CASE("reads that are in range need no check") {
  CHECK(fallible("%t[i]") == "");
  CHECK(fallible("%t[i + 1]") == "%t[i + 1]");
  CHECK(fallible("%t[i + j - j]") == "");
  CHECK(fallible("%t[%n]") == "%t[%n]");
  CHECK(fallible("%t[%ids[i]]") == "%t[%ids[i]]");
  CHECK(fallible("sum[k: 3](%t[k + 5])") == "");
  CHECK(fallible("sum[k: %n](%t[k])") == "%t[k]");
  CHECK(fallible("sum[k: i + 1](%t[k])") == "");
  CHECK(fallible("sum[k: i + 1](%t[i - k])") == "");
  CHECK(fallible("sum[k: i..8](%t[k - i])") == "");
  CHECK(fallible("sum[k: 5..2](%t[k + 100])") == "");
}

TEST_CASE("conditions around a read count") {
  CHECK(fallible("if i >= 1 { %t[i - 1] } else { 0.0 }") == "");
  CHECK(fallible("if i < 1 { 0.0 } else { %t[i - 1] }") == "");
  CHECK(fallible("if %n >= 0 and %n < 8 { %t[%n] } else { 0.0 }") == "");
  CHECK(fallible("if if 0 <= %n { %n < 8 } else { false } { %t[%n] } else { 0.0 }") == "");
  CHECK(fallible("if %n < 0 or %n >= 8 { 0.0 } else { %t[%n] }") == "");
  CHECK(
      fallible("if not(%n < 0) and i + j - 1 >= 0 and i + j <= 8 { %t[i + j - 1] } else { 0.0 }") ==
      "");
  CHECK(fallible("if %n == 3 { %t[%n] } else { 0.0 }") == "");
  CHECK(fallible("if j <= i { %t[i - j] } else { 0.0 }") == "");
  CHECK(fallible("if j < i { %t[i - j - 1] } else { 0.0 }") == "");
  CHECK(fallible("if i > 9 { %t[100] } else { 0.0 }") == "");
  CHECK(fallible("if i >= 1 { 0.0 } else { %t[i - 1] }") == "%t[i - 1]");
  CHECK(fallible("if %b { %t[%n] } else { 0.0 }") == "%t[%n]");
  CHECK(fallible("if %n < 8 or %b { %t[%n] } else { 0.0 }") == "%t[%n]");
}

TEST_CASE("divisions, reductions and calls that may fail") {
  CHECK(fallible("i / 2 + i % -3") == "");
  CHECK(fallible("i / j") == "i / j");
  CHECK(fallible("i / (j + 1)") == "");
  CHECK(fallible("if %n != 0 { i % %n } else { 0 }") == "");
  CHECK(fallible("1.0 / f32(i)") == "");
  CHECK(fallible("max[k: 3](k)") == "");
  CHECK(fallible("max[k: i + 1](k)") == "");
  CHECK(fallible("max[k: i](k)") == "max[k: i](k)");
  CHECK(fallible("argmin[k: %n](k)") == "argmin[k: %n](k)");
  CHECK(fallible("max[k: %n..%n + 1](k)") == "max[k: %n..%n + 1](k)");
  CHECK(fallible("sum[k: %n](k)") == "");
  CHECK(fallible("@ok(i)") == "");
  CHECK(fallible("@bad(i)") == "@bad(i)");
}

TEST_CASE("instructions with effects are told from those without") {
  const ir::Module module = parse_ir(R"(func @f(%n: i64, %t: f32[4]) effects {
a:
  %zero = const 0
  %four = const 4
  %q = div %n, %n
  %p = div %n, %four
  %e = element %t[%zero]
  %x = element %t[%four]
  %c = compute [i: 4] { %t[i] }
  %d = compute [i: 4] { %t[i + 1] }
  %l = load "x.npy" : f32
  drop %t
  print %n
  ret
}
)");
  const ir::Function& f = module.functions[0];
  std::string effects;
  for (const ir::Inst& inst : f.blocks[0].insts)
    effects += ir::has_effect(module, f, inst) ? '!' : '.';
  CHECK(effects == "..!..!.!!!!!");
}

/// A random integer expression over i, j and what is bound around it.
std::string random_expr(std::mt19937& random, int depth, int bound) {
  auto sub = [&] { return random_expr(random, depth - 1, bound); };
  auto number = [&] { return std::to_string(static_cast<int>(random() % 13) - 4); };
  switch (depth > 0 ? random() % 13 : random() % 3) {
    case 0: return number();
    case 1:
    case 2: return ir::index_name(random() % bound);
    case 3: return "(" + sub() + " + " + sub() + ")";
    case 4: return "(" + sub() + " - " + sub() + ")";
    case 5: return "(" + sub() + " * " + number() + ")";
    case 6: return "(" + sub() + " / " + sub() + ")";
    case 7: return "(" + sub() + " % " + sub() + ")";
    case 8: return "min(" + sub() + ", " + sub() + ")";
    case 9: return "i64(i8(" + sub() + "))";
    case 10: return "%ids[" + sub() + "]";
    case 11: {
      const char* const compare[] = {"<", "<=", ">", ">=", "==", "!="};
      return "(if " + sub() + " " + compare[random() % 6] + " " + sub() + " { " + sub() +
             " } else { " + sub() + " })";
    }
    default:
      return "max[" + ir::index_name(bound) + ": " + sub() + ".." + sub() + "](" +
             random_expr(random, depth - 1, bound + 1) + ")";
  }
}

struct NoCalls : ir::Caller {
  std::vector<ir::Slot> call(ir::FuncId, std::vector<ir::Slot>, lexer::Span) override { return {}; }
};

TEST_CASE("what is proved of random expressions holds when they run") {
  std::mt19937 random(3);
  int proved = 0, failed = 0;
  for (int round = 0; round < 4000; ++round) {
    const std::string text = random_expr(random, 4, 2);
    CAPTURE(text);
    const Body body(text);
    ir::Frame frame(body.function.values.size());
    runtime::Tensor ids(runtime::DType::i64, {8});
    for (int i = 0; i < 8; ++i)
      ids.set(i, runtime::Scalar::integer(runtime::DType::i64, random() % 20));
    frame[body.function.params[5].index].object =
        std::make_shared<ir::TensorObject>(ir::TensorObject{ids, 1});
    const bool may_fail = !ir::fallible_nodes(body.module, body.function, body.compute).empty();
    proved += !may_fail;
    const std::vector<Range> levels = {{0, 7}, {0, 3}};
    const Range r = ir::range_of(body.function, body.compute.bodies[0], levels);
    NoCalls caller;
    ir::Counts counts;
    try {
      const runtime::Tensor values =
          ir::BodyInterpreter(caller, counts, body.function, frame,
                              body.function.blocks[0].insts[0])
              .tensors()[0];
      for (int64_t i = 0; i < values.count(); ++i) {
        CHECK(r.lo <= values.at(i).i);
        CHECK(values.at(i).i <= r.hi);
      }
    } catch (const ast::RunError&) {
      ++failed;
      CHECK(may_fail);
    }
  }
  CHECK(proved > 500);
  CHECK(failed > 500);
}

TEST_CASE("hostile expressions are given up on, not pondered") {
  std::string nested = "i";
  for (int k = 0; k < 300; ++k)
    nested = "if " + nested + " < 3 { " + std::to_string(k) + " } else { 1 }";
  CHECK(fallible("%t[" + nested + "]") != "");
}

}  // namespace
}  // namespace tenon::tests
