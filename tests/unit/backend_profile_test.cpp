// What a profile says of kernels, and line tables. Times are never looked at.
#include "backend/profile.h"

#include <nlohmann/json.hpp>

#include "backend/backend.h"
#include "ir/loops_interpret.h"
#include "tests/support/text.h"
#include "tests/unit/opt_helpers.h"

namespace tenon::tests {
namespace {

using ir::loops::Work;
using ir::loops::work_of;

ir::Module main_with(std::string_view lines) {
  ir::Module module = valid_ir(fmt::format("func @main() effects {{\nentry:\n{}  ret\n}}\n", lines));
  run(module, "own");
  return module;
}

const char* const kProgram =
    "  %x = compute [i: 37, k: 50] { f32(i - k) }\n"
    "  %w = compute [k: 50, j: 24] { f32(k * j) }\n"
    "  %y = compute [i: 37, j: 24] { max(sum[k: 50](%x[i, k] * %w[k, j]) / 3.0, 0.0) }\n"
    "  %m = compute [i: 37] { sum[j: 24](%y[i, j]) }\n"
    "  print %m\n";

TEST_CASE("the work of a kernel is what its interpreter counts, whatever its schedule") {
  const ir::Module module = main_with(kProgram);
  for (const int level : {0, 2}) {
    std::vector<ir::loops::Kernel> kernels;
    for (opt::loops::Scheduled& scheduled : backend::lower_kernels(module, {true, level}))
      kernels.push_back(std::move(scheduled.kernel));
    ir::loops::KernelEngine engine(module, kernels, false);
    runtime::Context context;
    std::FILE* nowhere = std::fopen("/dev/null", "w");
    context.out = nowhere;
    ir::Counts counts;
    ir::interpret(module, context, counts, &engine);
    std::fclose(nowhere);
    for (size_t k = 0; k < kernels.size(); ++k) {
      CAPTURE(kernels[k].name);
      CHECK(work_of(kernels[k]).flops == static_cast<double>(engine.counts(k).counts.flops));
    }
    const Work product = work_of(kernels[2]);
    CHECK(product.flops == 37 * 24 * (2 * 50 + 2));
    CHECK(product.bytes == 4 * (37 * 50 + 50 * 24 + 37 * 24));  // each tensor once
  }
}

TEST_CASE("of a large tensor of which few elements are read, those count") {
  const ir::Module module = main_with(
      "  %t = compute [i: 1000, j: 1000] { f32(i) }\n"
      "  %u = compute [i: 10] { %t[i * 7, i] }\n  print %u\n");
  const std::vector<ir::loops::Kernel> kernels = ir::loops::lower(module);
  CHECK(work_of(kernels[1]).bytes == 2 * 10 * 4);
  CHECK(work_of(kernels[1]).flops == 0);
}

TEST_CASE("a profile has every call of every kernel, and code without one takes no times") {
  const ir::Module module = main_with(kProgram);
  CHECK(backend::generate(module, {}).text.find("tn_clock") == std::string::npos);
  if (backend::cpu::llvm_version().find('.') == std::string::npos) return;
  backend::Options options;
  options.profile = true;
  const backend::cpu::Executable executable(backend::generate(module, options), options, nullptr);
  runtime::Profile profile(4, true);
  for (int i = 0; i < 3; ++i) {
    runtime::Context context;
    std::FILE* nowhere = std::fopen("/dev/null", "w");
    context.out = nowhere;
    context.profile = &profile;
    executable.run(context);
    std::fclose(nowhere);
  }
  for (const runtime::Profile::Times& times : profile.kernels) CHECK(times.calls == 3);
  REQUIRE(profile.calls.size() == 12);
  for (size_t i = 0; i < 12; ++i) {
    CHECK(profile.calls[i].kernel == static_cast<int32_t>(i % 4));
    CHECK(profile.calls[i].begin <= profile.calls[i].end);
  }
}

TEST_CASE("a profile as a table and as a trace") {
  const std::vector<backend::KernelFacts> kernels = {
      {"main.0", "a.tn:1:2", {1e6, 4e6}}, {"main.1", "a.tn:3:4", {8e9, 1e6}}, {"f.0", "b.tn:5:6", {0, 0}}};
  runtime::Profile profile(3, true);
  profile.add(0, 1'000'000, 3'000'000);
  profile.add(1, 3'000'000, 103'000'000);
  profile.add(0, 103'000'000, 105'000'000);
  CHECK(backend::profile_table(kernels, profile, {100e9, 10e9, 1}) ==
        "roofline on 1 thread: 100.0 GFLOP/s (f32), 10.0 GB/s\n"
        "         ms   share    calls  MFLOP/call     MB/call   GFLOP/s     GB/s   of roof  kernel\n"
        "    100.000   96.2%        1    8000.000       1.000     80.00     0.01     80.0%  @main.1  a.tn:3:4\n"
        "      4.000    3.8%        2       1.000       4.000      0.50     2.00     20.0%  @main.0  a.tn:1:2\n");
  const auto trace = nlohmann::json::parse(backend::profile_trace(kernels, profile));
  const auto& events = trace["traceEvents"];
  REQUIRE(events.size() == 3);
  CHECK(events[1]["name"] == "main.1");
  CHECK(events[1]["ph"] == "X");
  CHECK(events[1]["ts"] == 2000.0);
  CHECK(events[1]["dur"] == 100000.0);
  CHECK(events[1]["args"]["place"] == "a.tn:3:4");
  CHECK(events[1]["args"]["flop"] == 8e9);
}

// ---- line tables

TEST_CASE("instructions say which line they come from") {
  lexer::SourceMap sources;
  const uint32_t file = sources.add("a.ir", R"(func @main() effects {
entry:
  %n = const 7
  %x = compute [i: 100] { i * 3 }
  %y = element %x[%n]
  print %y
  ret
}
)");
  lexer::Diagnostics diagnostics;
  ir::Module module = ir::parse(sources, file, diagnostics);
  run(module, "own");
  backend::Options options;
  CHECK(backend::generate(module, options).text.find("!dbg") == std::string::npos);
  options.lines = &sources;
  const std::string text = backend::generate(module, options).text;
  CAPTURE(text);
  CHECK(text.find("!DIFile(filename: \"a.ir\"") != text.npos);
  CHECK(text.find("!DISubprogram(name: \"main.0\"") != text.npos);
  for (const char* line : {"line: 4, column: 3", "line: 5, column: 3", "line: 6, column: 3"})
    CHECK(text.find(fmt::format("!DILocation({}", line)) != text.npos);
  if (backend::cpu::llvm_version().find('.') == std::string::npos) return;
  const backend::cpu::Executable executable(backend::generate(module, options), options, nullptr);
}

}  // namespace
}  // namespace tenon::tests
