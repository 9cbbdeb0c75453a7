// Products by matrix units: which nests they take, and that the layout of what they read lets no lanes meet.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ir/loops_launch.h"
#include "ir/text.h"
#include "opt/loops/banks.h"
#include "opt/loops/choose.h"
#include "opt/loops/matrix.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

using namespace ir::loops;
using ir::DirectiveKind;
using opt::loops::Mode;

/// The nest of a product of %a: T[64, 64] and %b: T[64, 64].
Kernel product(const std::string& type) {
  const std::string convert = type == "f32" ? "" : "f32";
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const std::string text = fmt::format(
      "func @f(%a: {0}[64, 64], %b: {0}[64, 64]) {{\nentry:\n"
      "  %out = compute [i: 64, j: 64] {{ sum[k: 64]({1}(%a[i, k]) * {1}(%b[k, j])) }}\n  ret\n}}\n",
      type, convert);
  const ir::Module module = ir::parse(sources, sources.add("test.ir", text), diagnostics);
  for (const lexer::Diagnostic& d : diagnostics.all()) FAIL_CHECK(lexer::render(d, sources));
  const ir::Function& function = module.functions[0];
  return ir::loops::lower(module, function, function.blocks[0].insts[0], "f.0");
}

/// Cut into pieces of so many turns, and these innermost.
ir::Schedule cut(int64_t rows, int64_t columns, int64_t summed) {
  return {{DirectiveKind::split_, {"i"}, {"io", "ii"}, rows},
          {DirectiveKind::split_, {"j"}, {"jo", "ji"}, columns},
          {DirectiveKind::split_, {"k"}, {"ko", "ki"}, summed},
          {DirectiveKind::order_, {"io", "jo", "ko", "ii", "ji", "ki"}}};
}

std::string refusal(Kernel kernel, const ir::Schedule& before, const ir::Directive& last, Mode mode) {
  opt::loops::apply_schedule(kernel, before, mode);
  try {
    opt::loops::apply_directive(kernel, last, mode);
  } catch (const opt::loops::Refused& refused) {
    return refused.reason;
  }
  return "it was allowed";
}

std::string refusal(Kernel kernel, const ir::Schedule& before, const std::vector<std::string>& loops, Mode mode) {
  return refusal(std::move(kernel), before, {DirectiveKind::mma_, loops}, mode);
}

const std::vector<std::string> kLoops = {"ii", "ji", "ki"};

}  // namespace

TEST_CASE("a matrix unit takes its loops whole") {
  ir::Schedule schedule = cut(16, 16, 16);
  schedule.push_back({DirectiveKind::mma_, kLoops});
  const auto decided = [](const std::string& loop) { return fmt::format("how loop `{}` runs is decided already", loop); };
  for (const std::string& loop : kLoops)
    CHECK(refusal(product("f16"), schedule, {DirectiveKind::split_, {loop}, {"n0", "n1"}, 8}, {.gpu = true}) ==
          decided(loop));
  const auto fused = [&](const std::string& outer, const std::string& inner) {
    return refusal(product("f16"), schedule, {DirectiveKind::fuse_, {outer, inner}, {"both"}}, {.gpu = true});
  };
  CHECK(fused("ko", "ii") == decided("ii"));
  CHECK(fused("ii", "ji") == decided("ii"));
  CHECK(fused("io", "jo") == "it was allowed");
}

TEST_CASE("mma takes products of as many turns as the units have") {
  CHECK(refusal(product("f16"), cut(16, 16, 16), kLoops, {}) == "it was allowed");
  CHECK(refusal(product("f16"), cut(16, 16, 8), kLoops, {}) ==
        "loop `ki` does not have the 16 turns that a matrix unit takes");
  CHECK(refusal(product("f16"), cut(32, 16, 16), kLoops, {}) ==
        "loop `ii` does not have the 16 turns that a matrix unit takes");
  CHECK(refusal(product("f16"), cut(16, 16, 16), {"ji", "ii", "ki"}, {}) ==
        "loops `ji`, `ii` and `ki` are not those of a product, with nothing else in them");
  CHECK(refusal(product("f16"), cut(16, 16, 16), {"io", "ji", "ki"}, {}) ==
        "loops `io`, `ji` and `ki` are not those of a product, with nothing else in them");
  CHECK(refusal(product("f16"), cut(16, 16, 16), {"ii", "ji"}, {}) ==
        "it takes three loops: rows, columns, the summed one");
}

TEST_CASE("mma is for what the mode and the GPU allow") {
  const ir::Schedule cut16 = cut(16, 16, 16), cut8 = cut(16, 16, 8);
  CHECK(refusal(product("f16"), cut16, kLoops, {.capability = 75}) == "it was allowed");
  CHECK(refusal(product("bf16"), cut16, kLoops, {.capability = 80}) == "it was allowed");
  CHECK(refusal(product("bf16"), cut16, kLoops, {.capability = 75}) == "sm_75 has no matrix unit for bf16");
  CHECK(refusal(product("f32"), cut8, kLoops, {}) == "the matrix units round f32 to tf32, which --tf32 allows");
  CHECK(refusal(product("f32"), cut8, kLoops, {.tf32 = true}) == "it was allowed");
  CHECK(refusal(product("i32"), cut16, kLoops, {}) == "sm_80 has no matrix unit for i32");
  const Mode strict{.strict = true};
  Kernel kernel = product("f16");
  CHECK_THROWS_AS(opt::loops::apply_directive(kernel, {DirectiveKind::mma_, {"i", "j", "k"}}, strict),
                  opt::loops::Refused);
}

TEST_CASE("what matrix units read lies where no lanes meet") {
  const Mode mode{};
  const opt::loops::Scheduled scheduled = opt::loops::choose_gpu(product("f16"), mode);
  CHECK(scheduled.kernel.shared.size() == 2);
  CHECK(scheduled.kernel.swizzled == scheduled.kernel.shared);
  CHECK(launch_of(scheduled.kernel).threads == 128);
  const opt::loops::Scheduled tf32 = opt::loops::choose_gpu(product("f32"), {.tf32 = true});
  CHECK(tf32.kernel.swizzled.size() == 1);  // the other cannot be handed out by rows
  for (const opt::loops::Scheduled& other :
       {opt::loops::choose_gpu(product("f16"), {.strict = true}), opt::loops::choose_gpu(product("f32"), mode)})
    CHECK(other.kernel.swizzled.empty());
}

TEST_CASE("rows exchange their pieces so that a column lies in all banks") {
  for (const int64_t columns : {16, 32, 64, 128, 256}) {
    const ir::Type type{runtime::DType::f16, {64, columns}};
    REQUIRE(opt::loops::can_swizzle(type));
    const opt::loops::Swizzle by = opt::loops::swizzle_of(type);
    for (int64_t piece = 0; piece < columns / by.elements; ++piece) {
      std::set<int64_t> banks;
      for (int64_t row = 0; row < 8; ++row) {
        const int64_t place = row * (columns / by.elements) + (piece ^ (row / by.rows % by.pieces));
        banks.insert(place % 8);
      }
      CHECK(banks.size() == 8);
    }
  }
  CHECK(!opt::loops::can_swizzle({runtime::DType::f16, {64, 24}}));
  CHECK(!opt::loops::can_swizzle({runtime::DType::f16, {64}}));
}

}  // namespace tenon::tests
