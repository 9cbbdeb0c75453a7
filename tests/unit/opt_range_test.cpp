// Value ranges, the checks that they remove, and intervals against all values of a small type.
#include <algorithm>

#include "ir/ranges.h"
#include "opt/analysis/value_ranges.h"
#include "tests/unit/opt_helpers.h"

namespace tenon::tests {
namespace {

using ir::Range;
using runtime::DType;
using runtime::Scalar;
using runtime::ScalarOp;

TEST_CASE("intervals hold every result, on i8") {
  const std::vector<int64_t> ends = {-128, -127, -5, -1, 0, 1, 3, 7, 64, 126, 127};
  std::vector<Range> ranges;
  for (int64_t lo : ends)
    for (int64_t hi : ends)
      if (lo <= hi) ranges.push_back({lo, hi});
  for (size_t o = 0; o < std::size(runtime::kScalarOps); ++o) {
    const ScalarOp op = static_cast<ScalarOp>(o);
    if (!runtime::accepts(op, DType::i8) || runtime::row(op).arity != 2) continue;
    for (Range x : ranges) {
      for (Range y : ranges) {
        const Range operands[] = {x, y};
        const Range result = ir::range_of_apply(op, DType::i8, operands);
        bool holds = true;
        for (int64_t a : {x.lo, (x.lo + x.hi) / 2, x.hi}) {
          for (int64_t b : {y.lo, (y.lo + y.hi) / 2, y.hi}) {
            const Scalar args[] = {Scalar::integer(DType::i8, a), Scalar::integer(DType::i8, b)};
            if (runtime::divides_by_zero(op, args)) continue;
            holds = holds && result.contains(runtime::eval(op, args).i);
          }
        }
        CHECK_MESSAGE(holds, runtime::row(op).text, " [", x.lo, ", ", x.hi, "] [", y.lo, ", ",
                      y.hi, "]");
      }
    }
  }
}

TEST_CASE("intervals of whatever operation lie in the type of its result") {
  for (size_t o = 0; o < std::size(runtime::kScalarOps); ++o) {
    const ScalarOp op = static_cast<ScalarOp>(o);
    for (size_t t = 0; t < std::size(runtime::kDTypes); ++t) {
      const DType type = static_cast<DType>(t);
      if (!runtime::accepts(op, type)) continue;
      const Range all = ir::range_of_type(type);
      const Range condition = op == ScalarOp::select ? ir::range_of_type(DType::bool_) : all;
      const Range result = ir::range_of_apply(op, type, std::vector<Range>{condition, all, all});
      const Range holds = ir::range_of_type(runtime::result_type(op, type));
      CHECK_MESSAGE(ir::intersection(result, holds) == result, runtime::row(op).text, " ",
                    runtime::row(type).text);
    }
  }
}

/// Where `%name` lies, at whatever place; or before the last instruction of a block.
Range range_of(const ir::Module& module, std::string_view name, std::string_view block = {}) {
  const ir::Function& function = module.functions.back();
  const opt::ValueRanges ranges(module, function);
  for (uint32_t v = 0; v < function.values.size(); ++v) {
    if (function.values[v].name != name) continue;
    if (block.empty()) return ranges.of({v});
    for (uint32_t b = 0; b < function.blocks.size(); ++b)
      if (function.blocks[b].name == block)
        return ranges.at({v}, {b}, function.blocks[b].insts.size() - 1);
  }
  FAIL("no such value or block");
  return {};
}

/// The same for a value of main's, by its source.
Range range_in_source(const std::string& lines, std::string_view name, std::string_view block = {}) {
  const Source source(in_main(lines));
  ir::Module module = ir::lower(source.program);
  run(module, "simplify,simplify_cfg,dce");
  return range_of(module, name, block);
}

std::string show(Range range) { return fmt::format("[{}, {}]", range.lo, range.hi); }

TEST_CASE("ranges of counters are exact") {
  const std::string loop = "for i in 2..10 { print(i); }";
  CHECK(show(range_in_source(loop, "i")) == "[2, 10]");
  CHECK(show(range_in_source(loop, "i", "body")) == "[2, 9]");
  CHECK(show(range_in_source(loop, "i", "done")) == "[10, 10]");
  const std::string nested =
      "for i in 0..10 { for j in i + 1..10 { let d = j - i; print(d); } }";
  CHECK(show(range_in_source(nested, "j", "body1")) == "[1, 9]");
  CHECK(show(range_in_source(nested, "d")) == "[-8, 9]");
  const std::string down = "var n: i64 = 9; while n != 1 { print(n); n -= 1; }";
  CHECK(show(range_in_source(down, "n1", "body")) == "[2, 9]");
  const std::string steps = "var j: i64 = 4; while j < 100 { print(j); j += 7; }";
  CHECK(show(range_in_source(steps, "j1", "body")) == "[4, 99]");
}

/// Found by tests/differential: an endless loop, as bits were thought to be of more than their type, and
/// widening knows better.
TEST_CASE("ranges of bits come to an end") {
  const std::string bits =
      "var t: i32[2] = zeros(); for i in 0..2 { for j in 0..2 { t[j] = i32(i); }"
      " for k in 0..2 { t[k] = bits(f32(t[0])); } let x = t[1]; print(x); }";
  CHECK(show(range_in_source(bits, "x")) == "[-2147483648, 2147483647]");
}

TEST_CASE("ranges follow conditions") {
  const std::string both =
      "var n: i64 = 0; let t: i64[3] = load(\"t.npy\"); let x = t[n];"
      "if x > 3 and x <= 20 { let y = x * 2; print(y); }";
  CHECK(show(range_in_source(both, "y")) == "[8, 40]");
  const std::string clamped =
      "let t: i64[3] = load(\"t.npy\"); let x = min(max(t[0], 1), 9); print(x);";
  CHECK(show(range_in_source(clamped, "x")) == "[1, 9]");
}

TEST_CASE("what is known on entering a loop is known in it") {
  const ir::Module module = valid_ir(R"(func @f(%i: i64, %n: i64) effects {
entry:
  %zero = const 0
  %ten = const 10
  %small = lt %i, %ten
  branch %small, loop(%zero), done
loop(%j: i64):
  print %i, %j
  %one = const 1
  %next = add %j, %one
  %more = lt %next, %n
  branch %more, again, done
again:
  jump loop(%next)
done:
  ret
}
)");
  CHECK(range_of(module, "i", "loop").hi == 9);
  CHECK(range_of(module, "i", "done").hi == ir::range_of_type(DType::i64).hi);
}

TEST_CASE("a condition that a loop passes on is about its last turn") {
  const ir::Module module = valid_ir(R"(func @f(%t: i64[9]) effects {
entry:
  %no = const false
  %zero = const 0
  %ten = const 10
  jump loop(%no, %zero)
loop(%was_small: bool, %i: i64):
  %x = element %t[%i]
  branch %was_small, after, step
after:
  print %x
  jump step
step:
  %small = lt %x, %ten
  %one = const 1
  %next = add %i, %one
  jump loop(%small, %next)
}
)");
  CHECK(range_of(module, "x", "after") == ir::range_of_type(DType::i64));
}

TEST_CASE("ranges of tensors are those of all elements") {
  const std::string lines =
      "var t: i64[9] = zeros(); for i in 0..9 { t[i] = i; }"
      "for i in 0..8 { let a = t[i]; t[i] = t[i + 1]; t[i + 1] = a; } let e = t[3]; print(e);";
  CHECK(show(range_in_source(lines, "e")) == "[0, 8]");
}

TEST_CASE("what wraps around or is not known is everything") {
  const std::string grows = "var n: i64 = 1; while n != 0 { print(n); n *= 3; }";
  CHECK(range_in_source(grows, "n1") == ir::range_of_type(DType::i64));
  CHECK(range_of(valid_ir(effectful("%x: i32", "  %y = add %x, %x\n  print %y")), "y") ==
        ir::range_of_type(DType::i32));
}

TEST_CASE("ranges of a long chain of loops are found in few steps") {
  std::string lines = "var n: i64 = 0; var m: i64 = 0;\n";
  for (int i = 0; i < 200; ++i) lines += "while m < n { m += 3; } while n < m + 5 { n += 2; }\n";
  range_in_source(lines + "print(n, m);", "n");
}

// ---- range_checks

/// The instructions that are still checked.
std::string checks_left(const std::string& lines) {
  const Source source(in_main(lines));
  ir::Module module = ir::lower(source.program);
  run(module, "simplify,gvn,simplify_cfg,dce,range_checks");
  std::string left;
  for (const ir::Function& function : module.functions)
    for (const ir::Block& block : function.blocks)
      for (const ir::Inst& inst : block.insts)
        if (ir::can_be_unchecked(inst.op) && ir::may_fail(module, function, inst))
          left += std::string(row(inst.op).text) + " ";
  CHECK(executed(source, module) == interpreted(source));
  return left;
}

TEST_CASE("range_checks removes what ranges prove") {
  CHECK(checks_left("var t: i64[50] = zeros(); for i in 2..50 { if t[i] == 0 { var j = i * i;"
                    " while j < 50 { t[j] = 1; j += i; } } } print(t);") == "");
  CHECK(checks_left("var d: i64[5, 7] = zeros(); for i in 1..5 { for j in 1..7 {"
                    " d[i, j] = max(d[i - 1, j], d[i, j - 1]) + i / j; } } print(d);") == "");
  CHECK(checks_left("var t: i64[5] = zeros(); for i in 0..5 { t[i] = 4 - i; }"
                    " for i in 0..5 { print(t[t[i]]); }") == "");
  CHECK(checks_left("var t: i64[9] = zeros(); for k in 0..9 { t[k] = k; }"
                    "for k in 0..8 { let s = sum[i: 2] t[k + i]; print(s, 10 / (k + 1)); }") == "");
  SUBCASE("but nothing else") {
    CHECK(checks_left("var t: i64[5] = zeros(); for i in 0..6 { t[i % 5] = i; }"
                      " for i in 0..4 { print(t[i + 1], t[t[i] - 1]); }") ==
          "element ");
    CHECK(checks_left("var n: i64 = 0; var t: i64[5] = zeros();"
                      " while n < 7 { t[n] = 1; n += 1; } print(t);") ==
          "update ");
  }
  SUBCASE("behind a check stands that it passed") {
    CHECK(checks_left("var t: i64[5] = zeros(); let k: i64[2] = [3, 9]; var n: i64 = 0;"
                      " while n < 2 { t[k[n]] += 1; n += 1; } print(t);") ==
          "element ");
  }
}

TEST_CASE("a wrong proof is an error of ours") {
  const ir::Module module = valid_ir(R"(func @main() effects {
entry:
  %k = const 7
  %t = compute [i: 3] { i }
  %e = element unchecked %t[%k]
  print %e
  ret
}
)");
  runtime::Context context;
  CHECK_THROWS_AS(ir::interpret(module, context), std::logic_error);
}

TEST_CASE("unchecked is read, printed and verified") {
  const std::string text = R"(func @f(%t: i64[3], %k: i64) -> i64 {
entry:
  %e = element unchecked %t[%k]
  %u = update unchecked %t[%k] = %e
  %d = div unchecked %e, %k
  %c = compute unchecked [i: 3] { %u[%k] / %d }
  %r = element %c[%k]
  ret %r
}
)";
  CHECK(ir::print(valid_ir(text)) == text);
  const ir::Module wrong = parse_ir(ir_function("%x: i64", "  %y = add unchecked %x, %x"));
  REQUIRE(ir::verify(wrong).size() == 1);
  CHECK(ir::verify(wrong)[0].message == "it checks nothing, so it cannot be `unchecked`");
}

}  // namespace
}  // namespace tenon::tests
