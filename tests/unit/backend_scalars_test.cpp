// The CPU target: every scalar operation and every reduction computes what the interpreter computes.
#include "tests/unit/backend_helpers.h"

namespace tenon::tests {
namespace {

/// `op` on all pairs of %x (or, with three operands, all triples of its first six).
std::string all_values_of(ScalarOp op, DType type, size_t count) {
  const auto& row = runtime::row(op);
  const bool divides =
      runtime::is_integer(type) && (op == ScalarOp::div || op == ScalarOp::mod);
  std::string body, indices;
  if (op == ScalarOp::select) {
    body = "select(i < j, %x[i], %x[j])";
  } else if (row.arity == 1) {
    body = fmt::format("{}(%x[i])", row.text);
  } else if (row.arity == 2) {
    body = row.infix.empty() ? fmt::format("{}(%x[i], %x[j])", row.text)
                             : fmt::format("%x[i] {} %x[j]", row.infix);
    if (divides) {
      const std::string zero = constant_text(Scalar::integer(type, 0));
      body = fmt::format("if %x[j] == {} {{ {} }} else {{ {} }}", zero, zero, body);
    }
  } else {
    body = fmt::format("{}(%x[i], %x[j], %x[k])", row.text);
  }
  if (row.arity == 1) {
    indices = fmt::format("i: {}", count);
  } else if (row.arity == 3 && op != ScalarOp::select) {
    indices = "i: 6, j: 6, k: 6";
  } else {
    indices = fmt::format("i: {}, j: {}", count, count);
  }
  return fmt::format("  %r.{0} = compute [{1}] {{ {2} }}\n  print \"{0}\", %r.{0}\n", row.text,
                     indices, body);
}

TEST_CASE("every scalar operation computes what the interpreter computes, on special values") {
  for (size_t t = 0; t < std::size(runtime::kDTypes); ++t) {
    const auto type = static_cast<DType>(t);
    const std::vector<Scalar> values = specials(type);
    std::string body = pack_text("x", type, values);
    for (size_t o = 0; o < std::size(runtime::kScalarOps); ++o) {
      const auto op = static_cast<ScalarOp>(o);
      if (runtime::accepts(op, type)) body += all_values_of(op, type, values.size());
    }
    for (const runtime::DTypeRow& to : runtime::kDTypes)
      body +=
          fmt::format("  %to.{0} = compute [i: {1}] {{ {0}(%x[i]) }}\n  print \"{0}\", %to.{0}\n",
                      to.text, values.size());
    CAPTURE(runtime::row(type).text);
    const Run outcome = check_agrees(Program(main_text(body)));
    CHECK_FALSE(outcome.fault.has_value());
  }
}

/// Of f32 with every upper half, and of numbers scattered over f64, i64 and three operands. The bits
/// of the results make one number each, in which every bit counts.
TEST_CASE("rounding to f16 and bf16 is the interpreter's") {
  std::string body;
  const auto add = [&](std::string_view name, std::string_view indices, std::string_view number) {
    for (std::string_view type : {"f16", "bf16"})
      body += fmt::format(
          "  %{0}.{1} = compute [] {{ sum[{2}]((i64(bits(f32({1}({3})))) + 1) * (i * 2 + 1)) }}\n"
          "  print \"{0} {1}\", %{0}.{1}\n",
          name, type, indices, number);
  };
  const std::string_view scattered = "i * 6364136223846793005";
  for (int low : {0, 1, 0x0fff, 0x1000, 0x1001, 0x7fff, 0x8000, 0x8001})
    add(fmt::format("f32.{}", low), "i: 65536", fmt::format("from_bits(i32(i * 65536 + {}))", low));
  add("i64", "i: 5000", fmt::format("ushr({}, i)", scattered));
  add("negative", "i: 5000", fmt::format("shr(bit_or({}, -9223372036854775808), i)", scattered));
  // Exponents around those of f32: what is far out is infinite or zero.
  add("f64", "i: 50000",
      fmt::format("from_bits(bit_and({}, -9218868437227405313) + "
                  "(i % 320 - 160 + 1023) * 4503599627370496)", scattered));
  // What is halfway between two numbers, and the next f64 on either side: from 2^-26 in steps of the
  // 11th fraction bit, from 2^-136 in steps of the 8th.
  add("ties.f16", "i: 264192", "from_bits(i / 3 * 2199023255552 + 4490088828488384512 + i % 3 - 1)");
  add("ties.bf16", "i: 204000", "from_bits(i / 3 * 17592186044416 + 3994692869477629952 + i % 3 - 1)");
  for (std::string_view type : {"f16", "bf16"}) {
    const auto small = [&](int shift) {
      return fmt::format("{}(from_bits(i32(ushr({}, {}) % 4294967296)))", type, scattered, shift);
    };
    body += fmt::format(
        "  %fma.{0} = compute [] {{ sum[i: 20000]((i64(bits(f32(fma({1}, {2}, {3})))) + 1) * "
        "(i * 2 + 1)) }}\n  print \"fma {0}\", %fma.{0}\n",
        type, small(8), small(20), small(31));
  }
  const Run outcome = check_agrees(Program(main_text(body)));
  CHECK_FALSE(outcome.fault.has_value());
}

TEST_CASE("scalar instructions outside computes") {
  check_agrees(Program(main_text(R"(
  %a = const -7
  %b = const 2
  %q = div %a, %b
  %r = mod %a, %b
  %c = lt %q, %r
  %s = select %c, %q, %r
  %x = const 2.5
  %y = round %x
  %n = convert %y to i8
  %t = convert %c to f64
  %z = bits %y
  print "a", %q, %r, %c, %s, %y, %n, %t, %z
  print
)")));
}

// ---- reductions

TEST_CASE("every reduction, over one and two indices, ranges of each row's own, and none") {
  std::string body = pack_text("x", DType::f32, specials(DType::f32)) +
                     pack_text("n", DType::i8, specials(DType::i8)) +
                     "  %p = compute [i: 4, j: 5] { f32((i * 7 + j * 3) % 11) - 5.0 }\n";
  int number = 0;
  const auto add = [&](std::string_view indices, std::string_view expression) {
    ++number;
    body += fmt::format("  %r{0} = compute [{1}] {{ {2} }}\n  print \"{2}\", %r{0}\n", number,
                        indices, expression);
  };
  for (std::string_view reduction : {"sum", "prod", "max", "min", "argmax", "argmin"}) {
    add("", fmt::format("{}[i: 17](%x[i])", reduction));
    add("", fmt::format("{}[i: 3..14](%x[i])", reduction));
    add("", fmt::format("{}[i: 14](%n[i])", reduction));
    add("i: 14", fmt::format("{}[j: i..14](%n[j])", reduction));
    add("i: 4", fmt::format("{}[j: 5](%p[i, j])", reduction));
    if (reduction.starts_with("arg")) continue;
    add("", fmt::format("{}[i: 4, j: 5](%p[i, j])", reduction));
    add("i: 4", fmt::format("{0}[j: 4]({0}[k: j..5](%p[j, k] + f32(i)))", reduction));
  }
  for (std::string_view reduction : {"any", "all"}) {
    add("i: 4", fmt::format("{}[j: 5](%p[i, j] > 0.0)", reduction));
    add("", fmt::format("{}[i: 4, j: 5](%p[i, j] > -9.0)", reduction));
    add("", fmt::format("{}[i: 3..3](%x[i] > 0.0)", reduction));
  }
  add("", "sum[i: 5..2](%x[i])");
  add("", "prod[i: 0](%n[i])");
  add("i: 4", "sum[j: 5](%p[i, j] * max[k: 4](%p[k, j]))");
  const Run outcome = check_agrees(Program(main_text(body)));
  CHECK_FALSE(outcome.fault.has_value());
}

TEST_CASE("extents of zero") {
  check_agrees(Program(main_text(R"(
  %a = compute [i: 0, j: 3] { i / j }
  %b = compute [i: 3] { sum[j: 0](%a[j, i]) }
  print %a, %b
)")));
}

TEST_CASE("by default sums of products may be fused and reassociated, and nothing else") {
  const Program program(R"(
func @f(%x: f32, %y: f32) -> f32 {
entry:
  %p = mul %x, %y
  %q = add %p, %x
  %u = mul %x, %x
  %v = mul %u, %y
  %w = add %v, %q
  %r = sub %u, %w
  %m = mul %y, %y
  %high = sub %x, %m
  %low = sub %high, %m
  %z1 = max %u, %r
  %z = max %z1, %low
  ret %z
}
func @main() effects {
entry:
  %a = compute [i: 9] { f32(i) }
  %s = compute [] { sum[i: 9](%a[i] * %a[i]) + max[i: 9](%a[i] * 2.0) }
  %t = call @f(%s, %s)
  print %s, %t
  ret
}
)");
  const std::string text = backend::generate(program.module, {}).text;
  for (std::string_view line : {
           "%q = call float @llvm.fmuladd.f32(float %x, float %y, float %x)",
           "%u = fmul float %x, %x", "%w = call float @llvm.fmuladd.f32(float %u, float %y, float %q)",
           "%r = fsub float %u, %w", "%high = fsub float %x, %m", "%low = fsub float %high, %m",
           "fadd reassoc contract float %a.1", "= fmul float %a.element"}) {
    CAPTURE(text);
    CHECK(contains(text, line));
  }
  const std::string strict = backend::generate(program.module, {true, 2, true}).text;
  CHECK_FALSE(contains(strict, "contract"));
  CHECK_FALSE(contains(strict, "fmuladd"));
  CHECK_FALSE(contains(strict, "reassoc"));
  check_agrees(program);
}

TEST_CASE("the default mode is exact where all floats are small integers") {
  const Program program(main_text(R"(
  %a = compute [i: 40, k: 50] { f32((i * 3 + k * 5) % 17) - 8.0 }
  %b = compute [k: 50, j: 30] { f32((k * 7 + j) % 13) - 6.0 }
  %c = compute [i: 40, j: 30] { sum[k: 50](%a[i, k] * %b[k, j]) }
  %d = compute [i: 40] { sum[j: 30](%c[i, j]) }
  print %c, %d
)"));
  const Run want = interpreted(program);
  if (!finds_llvm()) return;
  for (int level : {0, 1, 2, 3}) check_same(compiled(program, {false, level, true}), want);
}

}  // namespace
}  // namespace tenon::tests
