// The passes over tensors, and what they decide by.
#include <random>

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

/// Checks that `main` prints the same after passes; whether they changed it.
bool changes_but_prints_the_same(const std::string& main, std::string_view passes) {
  ir::Module module = valid_ir("func @main() effects {\nentry:\n" + main + "  ret\n}\n");
  const auto printed = [&] {
    return output_of({}, [&](runtime::Context& context) { ir::interpret(module, context); });
  };
  const std::string before = ir::print(module), output = printed();
  opt::PipelineOptions options;
  options.verify_each = true;
  opt::run_pipeline(module, passes, options);
  CAPTURE(before);
  CHECK(printed() == output);
  return ir::print(module) != before;
}

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  int64_t below(int64_t n) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(n)); }

  /// An integer expression over i, j, k, with quotients and remainders by constants.
  std::string subscript(int depth) {
    constexpr const char* kIndices[] = {"i", "j", "k"};
    const int64_t constant = 1 + below(24);
    if (depth == 0) return below(4) == 0 ? std::to_string(constant) : kIndices[below(3)];
    const std::string a = "(" + subscript(depth - 1) + ")";
    switch (below(7)) {
      case 0:
      case 1: return fmt::format("{} * {} + {}", a, constant, subscript(depth - 1));
      case 2: return fmt::format("{} / {}", a, constant);
      case 3: return fmt::format("{} % {}", a, constant);
      case 4: return fmt::format("{} - ({})", a, subscript(depth - 1));
      case 5: return fmt::format("{} / {} * {} + {} % {}", a, constant, constant, a, constant);
      default: return fmt::format("if {} < {} {{ {} }} else {{ {} }}", a, constant,
                                  subscript(depth - 1), subscript(depth - 1));
    }
  }

 private:
  std::mt19937 engine_;
};

TEST_CASE("a simplified subscript is the same number") {
  Random random(1);
  int changed = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string subscript = random.subscript(1 + static_cast<int>(random.below(4)));
    const std::string main = fmt::format(
        "  %x = compute [i: 500] {{ i }}\n"
        "  %y = compute [i: 3, j: 5] {{ sum[k: 4](%x[({}) % 500] * (k + 1)) }}\n  print %y\n",
        subscript);
    changed += changes_but_prints_the_same(main, "simplify_subscripts");
  }
  CHECK(changed > 100);
}

/// A chain of products from the left, some factors and products read transposed, perhaps a vector at
/// its end.
std::string chain_of_products(Random& random) {
  int64_t columns = 1 + random.below(6);
  const int64_t rows = 1 + random.below(6);
  std::string text = fmt::format("  %p0 = compute [i: {}, j: {}] {{ i * 7 - j * 3 + 1 }}\n", rows, columns);
  const int64_t count = 2 + random.below(5);
  bool flipped = false;  // %pn is written transposed
  for (int64_t n = 1; n <= count; ++n) {
    const int64_t next = 1 + random.below(9);
    const bool turned = random.below(2) == 0, vector = n == count && random.below(2) == 0;
    const std::string left_of_vector = fmt::format("%p{}[{}]", n - 1, flipped ? "j, i" : "i, j");
    if (vector) {
      text += fmt::format("  %f{} = compute [i: {}] {{ i * i - {} }}\n", n, columns, n);
      text += fmt::format("  %p{} = compute [i: {}] {{ sum[j: {}](%f{}[j] * {}) }}\n", n, rows,
                          columns, n, left_of_vector);
      break;
    }
    const bool flip = random.below(3) == 0;
    text += fmt::format("  %f{} = compute [i: {}, j: {}] {{ i * {} + j * j - 2 }}\n", n,
                        turned ? next : columns, turned ? columns : next, n);
    std::string row = flip ? "j" : "i", column = flip ? "i" : "j";
    text += fmt::format("  %p{} = compute [i: {}, j: {}] {{ sum[k: {}](%p{}[{}] * %f{}[{}]) }}\n", n,
                        flip ? next : rows, flip ? rows : next, columns, n - 1,
                        flipped ? "k, " + row : row + ", k", n,
                        turned ? column + ", k" : "k, " + column);
    flipped = flip;
    columns = next;
  }
  return text + fmt::format("  print %p{}\n", count);
}

TEST_CASE("a chain of products gives the same in every order") {
  Random random(2);
  int changed = 0;
  for (int round = 0; round < 200; ++round)
    changed += changes_but_prints_the_same(chain_of_products(random), "reorder_chains");
  CHECK(changed > 100);
}

}  // namespace
}  // namespace tenon::tests
