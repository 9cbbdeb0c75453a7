// Copies that run ahead of their use: what `pipeline` makes of a loop and refuses, what may not come behind it, and
// that a wait which is missing is found.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <stdexcept>

#include "ir/loops_interpret.h"
#include "ir/loops_launch.h"
#include "ir/loops_parse.h"
#include "ir/loops_verify.h"
#include "opt/loops/choose.h"
#include "opt/loops/shared.h"
#include "opt/loops/shared_memory.h"
#include "tests/unit/ir_helpers.h"

namespace tenon::tests {
namespace {

using namespace ir::loops;
using ir::DirectiveKind;
using opt::loops::Mode;
using runtime::DType;
using runtime::Scalar;
using runtime::Tensor;

/// A module with a compute of this type, and its nest.
struct Product {
  ir::Module module;
  explicit Product(const std::string& type = "f32", int64_t side = 64)
      : module(valid_ir(fmt::format("func @f(%x: {0}[{1}, {1}], %w: {0}[{1}, {1}]) {{\nentry:\n"
                                    "  %y = compute [i: {1}, j: {1}] {{ sum[k: {1}]({2}(%x[i, k]) * {2}(%w[k, j])) }}\n"
                                    "  ret\n}}\n",
                                    type, side, type == "f32" ? "" : "f32"))) {}
  Kernel nest() const {
    const ir::Function& function = module.functions[0];
    return ir::loops::lower(module, function, function.blocks[0].insts[0], "f.0");
  }
};

/// A block for 16 rows, a thread for a column; 16 turns of the sum's index at a time in shared memory.
ir::Schedule staged() {
  return {{DirectiveKind::split_, {"i"}, {"io", "ii"}, 16},
          {DirectiveKind::split_, {"k"}, {"ko", "ki"}, 16},
          {DirectiveKind::order_, {"io", "ko", "j", "ki", "ii"}},
          {DirectiveKind::block_, {"io"}},
          {DirectiveKind::thread_, {"j"}},
          {DirectiveKind::unroll_, {"ii"}},
          {DirectiveKind::shared_, {"ko"}, {}, 0, "w"}};
}

ir::Directive pipeline(const std::string& loop, int64_t stages) {
  return {DirectiveKind::pipeline_, {loop}, {}, stages};
}

std::string refusal(Kernel kernel, const ir::Schedule& before, const ir::Directive& last, Mode mode = {}) {
  mode.gpu = true;
  opt::loops::apply_schedule(kernel, before, mode);
  try {
    opt::loops::apply_directive(kernel, last, mode);
  } catch (const opt::loops::Refused& refused) {
    return refused.reason;
  }
  return "it was allowed";
}

/// The nest that a text is, with %x: f32[8, 8] to read.
Kernel parsed(ir::Module& module, const std::string& body) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const std::string text = "kernel @f.0(%x: f32[8, 8]) -> %y: f32[8, 8] {\n" + body + "\n}\n";
  std::vector<ParsedKernel> parsed = parse(sources, sources.add("f.loops", text), module, diagnostics);
  for (const lexer::Diagnostic& d : diagnostics.all()) FAIL(lexer::render(d, sources));
  return std::move(parsed[0].kernel);
}

/// In turn i a row is copied, once it is known which, and read in reverse.
const std::string kRows = R"(  block for o in 0..1 {
    local b: i64 = 0
    for i in 0..8 {
      shared a: f32[8]
      thread for t in 0..8 {
        a[t] = %x[i, t]
      }
      thread for t in 0..8 {
        %y[i + o, t] = a[7 - t]
      }
      b = b + 1
    }
  })";

std::string with(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

std::string refusal_of_rows(std::string_view from, std::string_view to, const ir::Directive& directive = pipeline("i", 2)) {
  ir::Module module;
  return refusal(parsed(module, with(kRows, from, to)), {}, directive);
}

/// What a nest makes of x[i, j] = 8 i + j, read as text again once a line of it is another; or what is wrong with it.
std::string run(const std::string& text, ir::Module& module) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  std::vector<ParsedKernel> parsed = parse(sources, sources.add("f.loops", text), module, diagnostics);
  for (const lexer::Diagnostic& d : diagnostics.all()) FAIL(lexer::render(d, sources));
  for (const Violation& v : verify(module, parsed[0].kernel)) return v.message;
  const ir::Function& function = module.functions[0];
  parsed[0].kernel.buffer_values = function.params;
  KernelEngine engine(module, std::vector{std::move(parsed[0].kernel)}, true);
  ir::Frame frame(function.values.size());
  Tensor x(DType::f32, {8, 8});
  for (int64_t i = 0; i < 64; ++i) x.set(i, Scalar::floating(DType::f32, static_cast<double>(i)));
  frame[function.params[0].index].object = std::make_shared<ir::TensorObject>(ir::TensorObject{std::move(x), 1});
  class NoCaller : public ir::Caller {
    std::vector<ir::Slot> call(ir::FuncId, std::vector<ir::Slot>, ir::Span) override { return {}; }
  } caller;
  try {
    const Tensor y = engine.run(caller, function, frame, function.blocks[0].insts[0])[0];
    for (int64_t i = 0; i < 64; ++i)
      if (y.at(i).f != static_cast<double>(i / 8 * 8 + 7 - i % 8)) return fmt::format("element {} is {}", i, y.at(i).f);
  } catch (const std::logic_error& error) {
    return error.what();
  }
  return "right";
}

/// The rows, their copies so many turns ahead.
std::string pipelined_rows(int64_t stages) {
  ir::Module module;
  Kernel kernel = parsed(module, kRows);
  opt::loops::apply_schedule(kernel, {pipeline("i", stages)}, {.gpu = true});
  return ir::loops::print(module, kernel);
}

}  // namespace

TEST_CASE("a pipeline is of loops that have turns enough, and copies into shared memory") {
  const Kernel nest = Product().nest();
  CHECK(refusal(nest, staged(), pipeline("ko", 2)) == "it was allowed");
  CHECK(refusal(nest, staged(), pipeline("ko", 4)) == "it was allowed");
  CHECK(refusal(nest, staged(), pipeline("ko", 5)) == "loop `ko` has 4 turns, too few for 5 stages");
  CHECK(refusal(nest, staged(), pipeline("ko", 1)) == "1 stages are no pipeline; 2 to 8 are");
  CHECK(refusal(nest, staged(), pipeline("ko", 9)) == "9 stages are no pipeline; 2 to 8 are");
  CHECK(refusal(nest, staged(), pipeline("io", 2)) == "loop `io` does not run from 0 to a constant, turn after turn");
  CHECK(refusal(nest, staged(), pipeline("ki", 2)) ==
        "loop `ki` copies nothing into shared memory; `shared` comes before `pipeline`");
  ir::Schedule twice = staged();
  twice.push_back(pipeline("ko", 2));
  CHECK(refusal(nest, twice, pipeline("ko", 2)) ==
        "loop `ko` copies nothing into shared memory; `shared` comes before `pipeline`");
}

TEST_CASE("a schedule keeps to what a block has of shared memory on the GPU that it is for") {
  const Kernel nest = Product("f32", 256).nest();
  const std::string allowed = "it was allowed";
  const auto refused = [&](int64_t rows, int64_t stages, Mode mode) {
    ir::Schedule schedule = staged();
    schedule[1].factor = rows;  // of 1 KiB each
    if (stages > 1) return refusal(nest, schedule, pipeline("ko", stages), mode);
    const ir::Directive copy = schedule.back();
    schedule.pop_back();
    return refusal(nest, schedule, copy, mode);
  };
  const auto too_much = [](int64_t rows, int64_t most) {
    return fmt::format("a block would have {} bytes of shared memory; it has at most {}", rows << 10, most);
  };
  CHECK(refused(64, 1, {.capability = 75}) == allowed);
  CHECK(refused(128, 1, {.capability = 75}) == too_much(128, 64 << 10));
  CHECK(refused(128, 1, {.capability = 80}) == allowed);
  CHECK(refused(64, 3, {.capability = 80}) == too_much(192, 163 << 10));
  CHECK(refused(64, 3, {.capability = 90}) == allowed);
  CHECK(refused(256, 1, {.capability = 90}) == too_much(256, 227 << 10));
  CHECK(refused(128, 1, {.capability = 86, .shared_bytes = 99 << 10}) == too_much(128, 99 << 10));
}

TEST_CASE("a pipeline is refused by the dependence that forbids it") {
  CHECK(refusal_of_rows("b = b + 1", "b = b + 2") == "it was allowed");
  CHECK(refusal_of_rows("%x[i, t]", "%x[b, t]") == "loop `i` copies by `b`, which the turns before change");
  CHECK(refusal_of_rows("b = b + 1", "a[0] = 1.0") == "loop `i` changes `a` behind its copy");
  CHECK(refusal_of_rows("shared a", "local a") ==
        "loop `i` copies nothing into shared memory; `shared` comes before `pipeline`");
  CHECK(refusal_of_rows("for i in 0..8", "for i in 1..8") == "loop `i` does not run from 0 to a constant, turn after turn");
}

TEST_CASE("nothing moves the statements of a loop that awaits copies") {
  ir::Schedule schedule = staged();
  schedule.push_back(pipeline("ko", 2));
  const Kernel nest = Product().nest();
  for (const ir::Directive& directive : {ir::Directive{DirectiveKind::order_, {"ki", "j"}},
                                         ir::Directive{DirectiveKind::rfactor_, {"ko"}},
                                         ir::Directive{DirectiveKind::vectorize_, {"ki"}}})
    CHECK(refusal(nest, schedule, directive) ==
          fmt::format("copies run ahead already; `{}` comes before `pipeline`", row(directive.kind).name));
  CHECK(refusal(nest, schedule, {DirectiveKind::unroll_, {"ki"}}) == "it was allowed");
  CHECK(refusal(nest, schedule, {DirectiveKind::split_, {"ko"}, {"k1", "k2"}, 2}) == "it was allowed");
}

TEST_CASE("copies arrive at the wait for them, and whoever does not wait is told") {
  ir::Module module = valid_ir("func @f(%x: f32[8, 8]) {\nentry:\n  %y = compute [i: 8, j: 8] { %x[i, 7 - j] }\n  ret\n}\n");
  for (int64_t stages = 2; stages <= 8; ++stages) {
    const std::string text = pipelined_rows(stages);
    CAPTURE(text);
    CHECK(run(text, module) == "right");
    const std::string wait = fmt::format("await {}\n      barrier", stages - 2);
    CHECK(run(with(text, wait, "barrier"), module).find("of `a` is read before it is set") != std::string::npos);
    CHECK(run(with(text, wait, fmt::format("await {}\n      barrier", stages - 1)), module)
              .find("of `a` is read before it is set") != std::string::npos);
  }
}

TEST_CASE("one barrier in a turn is enough") {
  const std::string text = pipelined_rows(3);
  size_t barriers = 0;
  for (size_t at = text.find("barrier"); at != text.npos; at = text.find("barrier", at + 1)) ++barriers;
  CHECK(barriers == 1);
}

TEST_CASE("asynchronous copies and waits stand where threads can take them") {
  ir::Module module = valid_ir("func @f(%x: f32[8, 8]) {\nentry:\n  %y = compute [i: 8, j: 8] { %x[i, 7 - j] }\n  ret\n}\n");
  const std::string text = pipelined_rows(2);
  CHECK(run(with(text, "await 1", "await 65"), module) == "an await leaves 65 groups; 0 to 64 it may");
  CHECK(run(with(text, "async a[is, t] = %x[is, t]", "async a[is, t] = 1.0"), module) ==
        "only copies from tensors into shared memory are asynchronous");
  CHECK(run(with(text, "async a[is, t]", "await 0\n          async a[is, t]"), module) ==
        "an await stands inside a thread loop");
  CHECK(run(with(text, "block for o", "for o"), module) == "an await is outside of blocks");
}

TEST_CASE("the compiler's own products copy ahead where the GPU does that on its own") {
  const auto pipelines = [](const Product& product, Mode mode) {
    const opt::loops::Scheduled made = opt::loops::choose_gpu(product.nest(), mode);
    for (const Violation& v : verify(product.module, made.kernel)) FAIL_CHECK(v.where << ": " << v.message);
    CHECK(opt::loops::shared_memory(made.kernel).bytes <= opt::loops::most_shared_bytes(mode));
    for (const ir::Directive& directive : made.schedule)
      if (directive.kind == DirectiveKind::pipeline_) return directive.factor;
    return int64_t{0};
  };
  for (const char* type : {"f32", "f16", "bf16"}) {
    CHECK(pipelines(Product(type, 256), {.capability = 80}) == 3);
    CHECK(pipelines(Product(type, 4096), {.capability = 80}) == (type == std::string_view("f32") ? 3 : 4));
    CHECK(pipelines(Product(type, 4096), {.capability = 80, .shared_bytes = 64 << 10}) == 3);
    CHECK(pipelines(Product(type, 256), {.capability = 75}) == 0);
  }
  CHECK(pipelines(Product("f32", 256), {.tf32 = true}) == 3);
  CHECK(pipelines(Product("f16", 1024), {}) == 3);
  CHECK(pipelines(Product("f32", 32), {}) == 2);  // as many as it has turns
  CHECK(pipelines(Product("f16", 32), {}) == 0);
}

}  // namespace tenon::tests
