// How compile time grows with the size of what is compiled.
//
//   tenon_compile_time TENON [--largest=100000] [--shape=NAME]
//
// First `tenon check` on programs of 1,000, 10,000, … lines, whole, as a user runs it. Then each pass of
// the -O2 pipeline on IR functions of as many instructions (inputs.h); and how long reading and printing them
// take, the verifier, and what the backend writes for LLVM. All times are processor time, which
// other work on the machine hardly stretches; of a check the best of five.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <map>
#include <string>

#include "backend/backend.h"
#include "bench/compile_time/inputs.h"
#include "bench/support/machine.h"
#include "ir/text.h"
#include "opt/pass.h"
#include "opt/pipelines.h"
#include "tests/support/process.h"
#include "tests/support/text.h"

namespace tenon::bench {
namespace {

constexpr int kRuns = 5;
constexpr int kLevel = 2;

double cpu_ms() { return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

std::vector<size_t> sizes(size_t largest) {
  std::vector<size_t> sizes;
  for (size_t size = 1000; size <= largest; size *= 10) sizes.push_back(size);
  return sizes;
}

/// Milliseconds of `tenon check`, everything included.
double check_ms(const std::string& tenon, const std::filesystem::path& file) {
  double best = INFINITY;
  for (int i = 0; i < kRuns; ++i) {
    const tests::Outcome outcome =
        tests::run({.argv = {tenon, "check", file.string()}, .timeout = 600});
    if (outcome.status != 0) throw std::runtime_error("tenon check fails:\n" + outcome.err);
    best = std::min(best, 1e3 * outcome.cpu_seconds);
  }
  return best;
}

void measure_check(const std::string& tenon, size_t largest) {
  const tests::ScratchFolder scratch;
  fmt::print("tenon check: a whole run, best of {}\n\n", kRuns);
  fmt::print("{:>10}{:>12}{:>12}\n", "lines", "ms", "us per line");
  for (const size_t size : sizes(largest)) {
    const std::string text = source_text(size);
    const size_t lines = std::count(text.begin(), text.end(), '\n');
    const std::filesystem::path file = scratch.path() / fmt::format("{}.tn", size);
    tests::write_file(file, text);
    const double ms = check_ms(tenon, file);
    fmt::print("{:>10}{:>12.1f}{:>12.2f}\n", lines, ms, 1e3 * ms / static_cast<double>(lines));
    std::fflush(stdout);
  }
}

ir::Module read(const std::string& text) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  ir::Module module = ir::parse(sources, sources.add("generated.ir", text), diagnostics);
  if (diagnostics.any()) throw std::runtime_error(render(diagnostics.all()[0], sources));
  return module;
}

/// The milliseconds that each pass of the pipeline takes on one function, and what is before and behind
/// the passes; a pass that runs more than once, in all.
std::map<std::string, double> pass_ms(const IrShape& shape, size_t size) {
  const std::string text = shape.text(size);
  std::map<std::string, double> ms;
  auto timed = [&](const std::string& name, const auto& work) {
    const double start = cpu_ms();
    work();
    ms[name] += cpu_ms() - start;
  };
  ir::Module module;
  timed("(read)", [&] { module = read(text); });
  timed("(print)", [&] { ir::print(module); });
  for (const opt::PassRow* pass : opt::parse_pipeline(opt::pipeline(kLevel))) {
    const std::string name(pass->name);
    timed(name, [&] { opt::run_pipeline(module, name, {}); });
  }
  timed("(verify)", [&] {
    const std::vector<ir::Violation> violations = ir::verify(module);
    if (!violations.empty()) throw std::runtime_error("broken IR: " + violations[0].message);
  });
  timed("(nests)", [&] { backend::lower_kernels(module, {}); });
  timed("(nests, LLVM IR)", [&] { backend::generate(module, {}); });
  return ms;
}

void measure_passes(const IrShape& shape, size_t largest) {
  std::vector<std::map<std::string, double>> columns;
  for (const size_t size : sizes(largest)) columns.push_back(pass_ms(shape, size));
  fmt::print("\n{}: {}; ms per pass at -O{}\n\n{:>20}", shape.name, shape.meaning, kLevel, "");
  for (const size_t size : sizes(largest)) fmt::print("{:>12}", size);
  fmt::print("{:>12}\n", "last / n");
  for (const auto& [pass, _] : columns.back()) {
    fmt::print("{:>20}", pass);
    for (auto& column : columns) fmt::print("{:>12.1f}", column[pass]);
    // 10 where time grows with n, and a little more with n log n; 100 with its square.
    if (columns.size() > 1)
      fmt::print("{:>11.1f}x", columns.back()[pass] / std::max(columns.end()[-2][pass], 0.1));
    fmt::print("\n");
  }
  std::fflush(stdout);
}

}  // namespace
}  // namespace tenon::bench

int main(int argc, char** argv) {
  using namespace tenon::bench;
  std::string tenon, only;
  size_t largest = 100000;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with("--largest=")) {
      std::from_chars(word.data() + 10, word.data() + word.size(), largest);
    } else if (word.starts_with("--shape=")) {
      only = word.substr(8);
    } else {
      tenon = std::filesystem::absolute(word).string();
    }
  }
  try {
    fmt::print("{}\n\n", machine());
    if (!tenon.empty()) measure_check(tenon, largest);
    for (const IrShape& shape : ir_shapes()) {
      if (only.empty() || only == shape.name) measure_passes(shape, largest);
    }
  } catch (const std::exception& e) {
    fmt::print(stderr, "tenon_compile_time: {}\n", e.what());
    return 1;
  }
}
