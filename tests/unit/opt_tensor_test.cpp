// The passes over tensors, and what they decide by.
#include <sstream>

#include "opt/analysis/contraction.h"
#include "opt/pass.h"
#include "opt/tensor/cost.h"
#include "tests/unit/source_helpers.h"

namespace tenon::tests {
namespace {

using Levels = std::vector<uint32_t>;

const ir::Compute& last_compute(const ir::Function& function) {
  const std::vector<ir::Inst>& insts = function.blocks[0].insts;
  return insts[insts.size() - 2].get<ir::Compute>();
}

double cost(std::string_view params, std::string_view line) {
  const ir::Module module = valid_ir(ir_function(params, line));
  return opt::cost_of(module, module.functions[0], last_compute(module.functions[0]));
}

/// What passes make of the lines of a function with parameters that may print.
std::string lines_after(std::string_view passes, std::string_view params, std::string_view lines) {
  ir::Module module = valid_ir(
      fmt::format("func @f({}) effects {{\nentry:\n{}\n  ret\n}}\n", params, lines));
  opt::PipelineOptions options;
  options.verify_each = true;
  opt::run_pipeline(module, passes, options);
  const std::string text = ir::print(module);
  const size_t begin = text.find("entry:\n") + 7;
  return text.substr(begin, text.rfind("  ret\n") - begin);
}

TEST_CASE("a dead result of a compute goes, and what only it read") {
  CHECK(lines_after("dce", "%x: f32[4]",
                    "  %u = compute [i: 4] { exp(%x[i]) }\n"
                    "  %a, %b = compute [i: 4] { %x[i], %u[i] }\n  print %a") ==
        "  %a = compute [i: 4] { %x[i] }\n  print %a\n");
  const std::string fails =
      "  %a, %b = compute [i: 4] { %x[i], 1 / %x[i] }\n  print %a\n";
  CHECK(lines_after("dce", "%x: i64[4]", fails) == fails);
}

TEST_CASE("each owner of a compute's results is dropped") {
  CHECK(lines_after("own", "%x: f32[4]",
                    "  %a, %b = compute [i: 4] { %x[i], exp(%x[i]) }\n  print %a") ==
        "  %a, %b = compute [i: 4] { %x[i], exp(%x[i]) }\n  drop %b\n  print %a\n  drop %a\n");
}

TEST_CASE("the cost of a compute: points times operations, loads and stores") {
  const double one = cost("%x: f32[1000]", "  %y = compute [i: 1000] { %x[i] + 1.0 }") - opt::kKernel;
  CHECK(one == 1000 * (1 + 4 * opt::kLoadedByte + 4 * opt::kStoredByte));
  const double wide = cost("%x: f64[1000]", "  %y = compute [i: 1000] { %x[i] + 1.0f64 }");
  CHECK(wide - opt::kKernel == 2 * one);
  // subscripts that move along are free, divisions in them are not
  const auto read_at = [](const std::string& subscript) {
    return cost("%x: f32[4096]", "  %y = compute [i: 64, j: 64] { %x[" + subscript + "] }");
  };
  CHECK(read_at("i * 64 + j") == read_at("j"));
  CHECK(read_at("j / 2") == read_at("j") + 4096 * opt::kConstantDivision);
}

TEST_CASE("the cost of a tensor that outgrows the cache is its way to memory") {
  const double small = cost("%x: f32[65536]", "  %y = compute [i: 65536] { %x[i] }");
  const double large = cost("%x: f32[131072]", "  %y = compute [i: 131072] { %x[i] }");
  CHECK(large - opt::kKernel ==
        2 * (small - opt::kKernel) + 2 * 131072 * 4 * opt::kMemoryByte);
}

TEST_CASE("the cost of what is shared counts once in a loop, and so do loops") {
  const auto in = [](const std::string& body) {
    return cost("%x: f32[64, 64]", "  %y = compute [i: 64] { " + body + " }");
  };
  CHECK(in("sum[j: 64](%x[i, j]) + max[j: 64](%x[i, j])") <
        in("sum[j: 64](%x[i, j]) + max[j: 1..64](%x[i, j])"));
  CHECK(in("exp(%x[i, i]) * exp(%x[i, i])") < in("exp(%x[i, i]) * exp(%x[i, 63 - i])"));
}

TEST_CASE("contractions are told by who reads which index") {
  const auto only = [](std::string_view params, std::string_view line) {
    const ir::Module module = valid_ir(ir_function(params, line));
    const ir::Function& function = module.functions[0];
    const auto found = opt::contractions_in(function.exprs, last_compute(function).bodies);
    REQUIRE(found.size() == 1);
    return found[0];
  };
  const opt::Contraction matmul =
      only("%a: f32[2, 3], %b: f32[3, 4]",
           "  %c = compute [i: 2, j: 4] { sum[k: 3](%a[i, k] * %b[k, j]) }");
  CHECK(matmul.left_only == Levels{0});
  CHECK(matmul.right_only == Levels{1});
  CHECK(matmul.both == Levels{});
  CHECK(matmul.summed == Levels{2});
  CHECK(matmul.has_reuse());

  const opt::Contraction conv = only(
      "%x: f32[2, 3, 8], %w: f32[4, 3, 3]",
      "  %y = compute [i: 2, j: 4, k: 6] { sum[l: 3, m: 3](%x[i, l, k + m] * %w[j, l, m]) }");
  CHECK(conv.left_only == Levels{0, 2});
  CHECK(conv.right_only == Levels{1});
  CHECK(conv.summed == Levels{3, 4});

  const opt::Contraction batched =
      only("%a: f32[5, 2, 3], %b: f32[5, 3]",
           "  %c = compute [i: 5, j: 2] { sum[k: 3](%a[i, j, k] * %b[i, k]) }");
  CHECK(batched.both == Levels{0});
  CHECK(batched.left_only == Levels{1});
  CHECK(!batched.has_reuse());
}

TEST_CASE("what is no contraction") {
  for (const std::string body :
       {"sum[k: 3](%a[k] + %b[k])", "max[k: 3](%a[k] * %b[k])", "sum[k: 3](%a[k] * 2.0)",
        "sum[k: 3](%a[k] * %a[k])", "%a[i] * %b[i]"}) {
    const ir::Module module = valid_ir(
        ir_function("%a: f32[3], %b: f32[3]", "  %c = compute [i: 3] { " + body + " }"));
    const ir::Function& function = module.functions[0];
    CHECK(opt::contractions_in(function.exprs, last_compute(function).bodies).empty());
  }
}

}  // namespace
}  // namespace tenon::tests
