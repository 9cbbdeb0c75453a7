// How compile time grows with the size of what is compiled.
//
//   tenon_compile_time [TENON] [--largest=N] [--smallest=1000] [--shape=NAME] [--counts]
//
// First, given TENON, `tenon check` on programs of 1,000, 10,000, … lines, whole, as a user runs it. Then
// each pass of the -O2 pipeline on IR functions of as many instructions (inputs.h); and how long reading and
// printing them take, the verifier, and what the backend writes for LLVM. Behind a time: how many times the
// one before it is; 10 where it grows with n, a little more with n log n, 100 with its square. All times are
// processor time, which other work on the machine hardly stretches; of a check the best of five.
//
// With --counts instead, what the passes execute, by callgrind: time grows faster than that where a function
// no longer fits the processor's caches.
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

constexpr size_t kLargestSource = 100'000;   ///< a file of a million lines is refused
constexpr size_t kLargestCounted = 100'000;  ///< callgrind takes fifty times as long

struct Range {
  size_t smallest = 1000, largest = 0;  ///< 0: as far as is sensible

  std::vector<size_t> sizes(size_t most) const {
    std::vector<size_t> sizes;
    for (size_t size = smallest; size <= (largest > 0 ? largest : most); size *= 10) sizes.push_back(size);
    return sizes;
  }
};

/// Milliseconds of `tenon check`, everything included.
double check_ms(const std::string& tenon, const std::filesystem::path& file) {
  double best = INFINITY;
  for (int i = 0; i < kRuns; ++i) {
    const tests::Outcome outcome =
        tests::run({.argv = {tenon, "check", file.string()}, .folder = ".", .input = "", .timeout = 600});
    if (outcome.status != 0) throw std::runtime_error("tenon check fails:\n" + outcome.err);
    best = std::min(best, 1e3 * outcome.cpu_seconds);
  }
  return best;
}

void measure_check(const std::string& tenon, const Range& range) {
  const tests::ScratchFolder scratch;
  fmt::print("tenon check: a whole run, best of {}\n\n", kRuns);
  fmt::print("{:>10}{:>12}{:>12}\n", "lines", "ms", "us per line");
  for (const size_t size : range.sizes(kLargestSource)) {
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

void measure_passes(const IrShape& shape, const Range& range) {
  const std::vector<size_t> sizes = range.sizes(shape.largest);
  std::vector<std::map<std::string, double>> columns;
  for (const size_t size : sizes) columns.push_back(pass_ms(shape, size));
  fmt::print("\n{}: {}; ms per pass at -O{}\n\n{:>20}", shape.name, shape.meaning, kLevel, "");
  for (const size_t size : sizes) fmt::print("{:>11}{:>7}", size, "");
  fmt::print("\n");
  for (const auto& [pass, _] : columns.back()) {
    fmt::print("{:>20}{:>11.1f}{:>7}", pass, columns[0][pass], "");
    for (size_t c = 1; c < columns.size(); ++c)
      fmt::print("{:>11.1f}{:>6.1f}x", columns[c][pass], columns[c][pass] / std::max(columns[c - 1][pass], 0.1));
    fmt::print("\n");
  }
  std::fflush(stdout);
}

/// The instructions that all passes together execute, on one function.
uint64_t count_instructions(const IrShape& shape, size_t size) {
  const std::string number = std::to_string(size);
  const tests::Outcome outcome = tests::run(
      {.argv = {"valgrind", "--tool=callgrind", "--toggle-collect=tenon::opt::run_pipeline*",
                "--callgrind-out-file=/dev/null", std::filesystem::read_symlink("/proc/self/exe").string(),
                fmt::format("--shape={}", shape.name), "--smallest=" + number, "--largest=" + number},
       .folder = ".",
       .input = "",
       .timeout = 3600});
  const size_t at = outcome.err.find("Collected : ");
  if (at == std::string::npos) throw std::runtime_error("callgrind fails:\n" + outcome.err);
  return std::stoull(outcome.err.substr(at + 12));
}

void measure_counts(const IrShape& shape, const Range& range) {
  fmt::print("\n{}: {}; instructions executed by the passes of -O{}\n\n", shape.name, shape.meaning, kLevel);
  double last = 0;
  for (const size_t size : range.sizes(std::min(shape.largest, kLargestCounted))) {
    const auto count = static_cast<double>(count_instructions(shape, size));
    fmt::print("{:>10}{:>14.1f} million", size, 1e-6 * count);
    if (last > 0) fmt::print("{:>8.1f}x", count / last);
    fmt::print("\n");
    std::fflush(stdout);
    last = count;
  }
}

}  // namespace
}  // namespace tenon::bench

int main(int argc, char** argv) {
  using namespace tenon::bench;
  std::string tenon, only;
  Range range;
  bool counts = false;
  const auto number = [](std::string_view word, std::string_view option, size_t& value) {
    if (!word.starts_with(option)) return false;
    std::from_chars(word.data() + option.size(), word.data() + word.size(), value);
    return true;
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (number(word, "--largest=", range.largest) || number(word, "--smallest=", range.smallest)) continue;
    if (word == "--counts") {
      counts = true;
    } else if (word.starts_with("--shape=")) {
      only = word.substr(8);
    } else {
      tenon = std::filesystem::absolute(word).string();
    }
  }
  try {
    fmt::print("{}\n\n", machine());
    if (!tenon.empty() && !counts) measure_check(tenon, range);
    for (const IrShape& shape : ir_shapes()) {
      if (!only.empty() && only != shape.name) continue;
      if (counts) measure_counts(shape, range);
      else measure_passes(shape, range);
    }
  } catch (const std::exception& e) {
    fmt::print(stderr, "tenon_compile_time: {}\n", e.what());
    return 1;
  }
}
