// Loop nests run: what they compute, what that takes, and which bugs of a nest are found.
#include "ir/loops_interpret.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "ir/loops_parse.h"
#include "ir/loops_verify.h"
#include "tests/support/text.h"
#include "tests/unit/ir_helpers.h"

namespace tenon::tests {
namespace {

using namespace ir::loops;
using runtime::DType;
using runtime::Scalar;
using runtime::Tensor;

/// Calls nothing.
class NoCaller : public ir::Caller {
  std::vector<ir::Slot> call(ir::FuncId, std::vector<ir::Slot>, ir::Span) override { return {}; }
};

/// A kernel given as text, in the place of a compute that reads %x: f32[8, 8] and %w: f32[8, 8],
/// and gives one f32[8, 8].
class OneKernel {
 public:
  explicit OneKernel(const std::string& body)
      : module_(valid_ir("func @f(%x: f32[8, 8], %w: f32[8, 8]) {\nentry:\n"
                         "  %y = compute [i: 8, j: 8] { %x[i, j] + %w[i, j] }\n  ret\n}\n")) {
    lexer::SourceMap sources;
    lexer::Diagnostics diagnostics;
    const std::string text =
        "kernel @f.0(%x: f32[8, 8], %w: f32[8, 8]) -> %y: f32[8, 8] {\n" + body + "\n}\n";
    std::vector<ParsedKernel> parsed =
        parse(sources, sources.add("f.loops", text), module_, diagnostics);
    for (const lexer::Diagnostic& d : diagnostics.all()) FAIL(lexer::render(d, sources));
    for (const Violation& v : verify(module_, parsed[0].kernel)) FAIL(v.where, ": ", v.message);
    parsed[0].kernel.buffer_values = function().params;
    engine_.emplace(module_, std::vector{std::move(parsed[0].kernel)}, true);
  }

  /// On x[i, j] = i, w[i, j] = j.
  Tensor run() {
    ir::Frame frame(function().values.size());
    for (size_t param = 0; param < 2; ++param) {
      Tensor tensor(DType::f32, {8, 8});
      for (int64_t i = 0; i < 64; ++i)
        tensor.set(i, Scalar::floating(DType::f32, param == 0 ? i / 8 : i % 8));
      frame[function().params[param].index].object =
          std::make_shared<ir::TensorObject>(ir::TensorObject{std::move(tensor), 1});
    }
    NoCaller caller;
    return engine_->run(caller, function(), frame, function().blocks[0].insts[0])[0];
  }
  const KernelCounts& counts() const { return engine_->counts(0); }
  std::string table() const { return engine_->table(); }

 private:
  const ir::Function& function() const { return module_.functions[0]; }
  ir::Module module_;
  std::optional<KernelEngine> engine_;
};

double at(const Tensor& tensor, int64_t i, int64_t j) {
  return tensor.at(8 * i + j).f;
}

constexpr const char* kProduct = R"(  for i in 0..8 {
    for j in 0..8 {
      local a: f32 = 0.0
      for k in 0..8 {
        a = a + %x[i, k] * %w[k, j]
      }
      %y[i, j] = a
    }
  })";

TEST_CASE("a product, and what it takes") {
  OneKernel kernel(kProduct);
  const Tensor y = kernel.run();
  CHECK(at(y, 3, 2) == 3 * 2 * 8);
  const ir::Counts& counts = kernel.counts().counts;
  CHECK(kernel.counts().runs == 1);
  CHECK(counts.reads == 2 * 512);
  CHECK(counts.loaded.bytes == 4 * 2 * 512);
  CHECK(counts.stores == 64);
  CHECK(counts.turns == 8 + 64 + 512);
  CHECK(counts.instructions() == 2 * 512 + 2 * 512 + 64 + 8 + 64 + 512);
  // Three matrices of 256 bytes, each line of which is brought once.
  CHECK(kernel.counts().l1_misses == 3 * 256 / 64);
  CHECK(kernel.counts().l2_misses == 3 * 256 / 64);
  CHECK(kernel.counts().issued() == counts.instructions());  // nothing is in lanes
}

TEST_CASE("what is executed in lanes is issued once for eight of them") {
  OneKernel kernel(R"(  for i in 0..8 {
    local a: f32[8]
    vectorized for j in 0..8 { a[j] = 0.0 }
    for k in 0..8 {
      vectorized for j in 0..8 { a[j] = a[j] + %x[i, k] * %w[k, j] }
    }
    vectorized for j in 0..8 { %y[i, j] = a[j] }
  })");
  kernel.run();
  const int64_t turns = 8 + 64;  // of i and of k
  CHECK(kernel.counts().counts.instructions() == turns + 4 * 512 + 64);
  CHECK(kernel.counts().issued() == turns + 4 * 64 + 8);
  // By columns: each element that is read of %x, and stored, is an instruction.
  OneKernel columns(R"(  for j in 0..8 { vectorized for i in 0..8 { %y[i, j] = %x[i, j] * %w[0, i] } })");
  columns.run();
  CHECK(columns.counts().issued() == 8 + 8 * (8 + 1 + 1 + 8));
}

TEST_CASE(
    "a tile in registers and a packed operand give the same; elements in registers are no "
    "traffic") {
  OneKernel kernel(R"(  parallel for jo in 0..2 {
    local a: f32[8, 4]
    for k in 0..8 {
      vectorized for ji in 0..4 {
        a[k, ji] = %w[k, jo * 4 + ji]
      }
    }
    for i in 0..8 {
      local b: f32[4]
      vectorized for ji in 0..4 {
        b[ji] = 0.0
      }
      for k in 0..8 {
        prefetch %x[i + 1, k]
        vectorized for ji in 0..4 {
          b[ji] = b[ji] + %x[i, k] * a[k, ji]
        }
      }
      vectorized for ji in 0..4 {
        stream %y[i, jo * 4 + ji] = b[ji]
      }
    }
  })");
  OneKernel plain(kProduct);
  const Tensor tiled = kernel.run(), expected = plain.run();
  for (int64_t i = 0; i < 64; ++i) CHECK(tiled.at(i) == expected.at(i));
  const KernelCounts& counts = kernel.counts();
  CHECK(counts.counts.turns == 2 * (1 + 8 + 8 * (1 + 8)));
  CHECK(counts.counts.reads == 64 + 2 * 512);
  CHECK(counts.counts.stores == 64 + 64);
  // %x and %w once, of which the prefetches bring lines of %x early; the packed array; no line of
  // %y.
  CHECK(counts.l1_misses < (256 + 256 + 128) / 64 + 1);
}

TEST_CASE("a guarded read touches nothing where its guard does not hold") {
  OneKernel kernel(R"(  for i in 0..8 {
    for j in 0..8 {
      %y[i, j] = %x[i - 1, j if 0 < i] + 1.0
    }
  })");
  const Tensor y = kernel.run();
  CHECK(at(y, 0, 3) == 1.0);
  CHECK(at(y, 5, 3) == 5.0);
  CHECK(kernel.counts().counts.reads == 7 * 8);
}

TEST_CASE("each run starts with empty caches") {
  OneKernel kernel(kProduct);
  kernel.run();
  const int64_t once = kernel.counts().l1_misses;
  kernel.run();
  CHECK(kernel.counts().runs == 2);
  CHECK(kernel.counts().l1_misses == 2 * once);
}

TEST_CASE("an expression object that is met again stands for its first value") {
  // By hand: %y[0, 0] gets what `a` was before, though `a` has changed in between.
  const ir::Module module =
      valid_ir("func @f() {\nentry:\n  %y = compute [i: 1] { 1 }\n  ret\n}\n");
  const auto make = [](DType type, decltype(Expr::node) node) {
    return std::make_shared<const Expr>(Expr{type, std::move(node)});
  };
  const auto number = [&](int64_t n) {
    return make(DType::i64, Constant{Scalar::integer(DType::i64, n)});
  };
  const ExprPtr before = make(DType::i64, Local{0, {}});
  const ExprPtr after = make(DType::i64, Local{0, {}});
  const auto run = [&](const ExprPtr& stored) {
    Kernel kernel;
    kernel.name = "f.0";
    kernel.buffers = {{"y", {DType::i64, {1}}}};
    kernel.locals = {{DType::i64, {}}, {DType::i64, {}}};
    kernel.body = {{SetLocal{0, number(7), true}},
                   {SetLocal{1, before, true}},
                   {SetLocal{0, number(9)}},
                   {Store{0, {number(0)}, stored}}};
    KernelEngine engine(module, {kernel}, false);
    NoCaller caller;
    const ir::Function& f = module.functions[0];
    return engine.run(caller, f, ir::Frame(f.values.size()), f.blocks[0].insts[0])[0].at(0).i;
  };
  CHECK(run(before) == 7);
  CHECK(run(after) == 9);
}

void check_broken(const std::string& body, std::string_view message) {
  OneKernel kernel(body);
  std::string said;
  try {
    kernel.run();
  } catch (const std::logic_error& error) {
    said = error.what();
  }
  CHECK_MESSAGE(contains(said, message), said);
}

TEST_CASE("what a nest must not do is found where it does it") {
  check_broken("  %y[0, 8] = 1.0", "kernel @f.0: %y[0, 8] is outside of f32[8, 8]");
  check_broken("  %y[0, 0] = %x[-1, 0]", "%x[-1, 0] is outside of f32[8, 8]");
  check_broken("  local a: f32[4]\n  a[0] = 1.0\n  %y[0, 0] = a[1]",
               "element 1 of `a` is read before it is set");
  check_broken("  local a: f32[4]\n  %y[0, 0] = a[4]", "a[4] is outside of f32[4]");
  check_broken("  for i in 0..1 {\n    %y[0, 0] = f32(1 / i)\n  }",
               "divides by zero without a check");
}

TEST_CASE("a check that does not hold ends the run") {
  OneKernel kernel(
      "  for i in 0..8 {\n    check i < 3 else subscript_out_of_range(i, 3)\n    %y[i, 0] = 1.0\n  "
      "}");
  try {
    kernel.run();
    FAIL("it goes on");
  } catch (const ast::RunError& error) {
    CHECK(error.fault.message() == "subscript 3 is out of range for extent 3");
  }
  CHECK(kernel.counts().counts.checks == 4);
}

TEST_CASE("the table has a line for each kernel that ran") {
  OneKernel kernel(kProduct);
  CHECK(split_lines(kernel.table()).size() == 1);
  kernel.run();
  const std::vector<std::string> lines = split_lines(kernel.table());
  REQUIRE(lines.size() == 2);
  CHECK(lines[1] ==
        "       1           2696           2696           4096            256           12           12  @f.0");
}

// ---- the caches

TEST_CASE("a cache keeps what was used last, set by set") {
  ir::Cache cache({4 * 64, 2, 64});  // two sets of two lines
  CHECK_FALSE(cache.access(0));
  CHECK(cache.access(63));
  CHECK_FALSE(cache.access(64));   // the other set
  CHECK_FALSE(cache.access(128));  // the first set again: full
  CHECK(cache.access(0));          // now 128 is the older one
  CHECK_FALSE(cache.access(256));  // so it goes
  CHECK(cache.access(0));
  CHECK_FALSE(cache.access(128));
  CHECK(cache.access(64));
}

TEST_CASE("a range as large as the cache stays, a larger one walked in order never does") {
  const auto misses = [](int64_t bytes) {
    ir::Cache cache({32 << 10, 8, 64});
    int64_t count = 0;
    for (int round = 0; round < 3; ++round)
      for (int64_t at = 0; at < bytes; at += 64) count += !cache.access(static_cast<uint64_t>(at));
    return count;
  };
  CHECK(misses(32 << 10) == 512);
  CHECK(misses(64 << 10) == 3 * 1024);
}

}  // namespace
}  // namespace tenon::tests
