// Differential testing with programs that nobody wrote.
//
//   tenon_fuzz corpus FOLDER               the seeds that `make test` runs, and what they reach
//   tenon_fuzz seeds FIRST COUNT FINDINGS  the programs of these seeds
//   tenon_fuzz minutes N FINDINGS          of seeds that the clock chooses, for so long
//   tenon_fuzz choose FIRST COUNT          a corpus from these seeds
//   tenon_fuzz edits FIRST COUNT           random single edits of the IR of these seeds' programs
//   tenon_fuzz show SEED                   the program of a seed
//   tenon_fuzz check FILE.tn [PASSES]      a program of one's own, or a reduced one
//
// What is found is reduced and lies in the folder FINDINGS: the seed's program, the guilty pass and
// rewrite. Programs, the oracle and the reducer are in generator/ and oracle/.
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "tests/differential/corpus.h"
#include "tests/differential/edits.h"
#include "tests/differential/generator/choices.h"
#include "tests/differential/generator/program.h"
#include "tests/differential/oracle/judge.h"
#include "tests/differential/oracle/reduce.h"
#include "tests/differential/oracle/sandbox.h"
#include "tests/support/text.h"
#include "tests/support/time_limit.h"

namespace tenon::differential {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr unsigned kReducingSeconds = 60;  ///< for one finding
constexpr size_t kMaxFindings = 40;      ///< then it is time to mend

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, value).ptr != end || text.empty()) {
    throw std::runtime_error(fmt::format("{} is no number", text));
  }
  return value;
}

/// Whether a case has the same finding, as long as there is time.
class SameFinding {
 public:
  SameFinding(Judge& judge, Case test, std::string signature)
      : judge_(judge), test_(std::move(test)), signature_(std::move(signature)) {}

  bool text(const std::string& text) {
    test_.text = text;
    if (seconds_since(start_) > kReducingSeconds) return false;
    const auto finding = judge_.judge(test_);
    return finding && finding->signature() == signature_;
  }
  bool bytes(const std::string& bytes) {
    const Program program = generate(bytes);
    test_.exact = program.exact;
    return text(program.text);
  }

 private:
  Judge& judge_;
  Case test_;
  std::string signature_;
  Clock::time_point start_ = Clock::now();
};

/// Reduces a finding and keeps it; says where.
std::string keep(Judge& judge, const std::string& name, const std::string& bytes, const Case& test,
                 const Finding& finding, const fs::path& folder) {
  const fs::path path = folder / name;
  const auto write = [&](const std::string& text, const std::string& report) {
    tests::write_file(path.string() + ".tn", text);
    tests::write_file(path.string() + ".txt", report);
  };
  std::string report = fmt::format("{}, {}\n{}", name, finding.signature(), finding.detail);
  write(test.text, report);
  std::string small = bytes;
  SameFinding by_bytes(judge, test, finding.signature());
  small = reduce_bytes(bytes, [&](const std::string& some) { return by_bytes.bytes(some); });
  Case reduced = test;
  reduced.exact = generate(small).exact;
  SameFinding by_text(judge, reduced, finding.signature());
  const std::string generated = generate(small).text;
  reduced.text =
      by_text.text(generated)
          ? reduce_text(generated, [&](const std::string& text) { return by_text.text(text); })
          : test.text;
  if (const auto again = judge.judge(reduced)) report += "\nreduced:\n" + again->detail;
  if (!finding.passes.empty()) {
    char* text = static_cast<char*>(shared_memory(1 << 16));
    in_child([&] {
      tests::limit_processor_time(kReducingSeconds);
      const std::string blamed = blame(judge.oracle().frontend(), reduced.text, finding.passes);
      std::copy_n(blamed.data(), std::min<size_t>(blamed.size(), (1 << 16) - 1), text);
    });
    report += fmt::format("\npasses: {}\n{}", finding.passes, text);
  }
  write(reduced.text, report);
  return fmt::format("{}: {}\n{}", path.string() + ".tn", finding.signature(), reduced.text);
}

int run_seeds(uint64_t first, uint64_t count, const fs::path& folder, double minutes) {
  const auto start = Clock::now();
  Judge judge;
  std::set<std::string> seen;
  size_t findings = 0;
  double told = 0;
  judge.judge_all(
      first, count, [](uint64_t seed) { return generate(bytes_of(seed)); },
      [&](uint64_t seed, const Case& test, const Finding& finding) {
        ++findings;
        // The second of a kind is most likely the first one's sister.
        if (!seen.insert(finding.signature()).second) {
          fmt::print("seed {}: {}\n", seed, finding.signature());
          return;
        }
        fmt::print(
            "{}", keep(judge, fmt::format("seed-{}", seed), bytes_of(seed), test, finding, folder));
      },
      [&](uint64_t done) {
        const double seconds = seconds_since(start);
        if (seconds - told > 30 || done == count) {
          fmt::print("{} programs, {:.1f} a second, {} findings\n", done,
                     static_cast<double>(done) / seconds, findings);
          told = seconds;
        }
        std::fflush(stdout);
        return findings < kMaxFindings && (minutes == 0 || seconds < 60 * minutes);
      });
  fmt::print("seeds from {} on: {}{} findings\n", first, judge.statistics.text(), findings);
  return findings == 0 ? 0 : 1;
}

int check_file(const fs::path& path, const std::string& passes) {
  Judge judge;
  const auto finding = judge.judge({tests::read_file(path), false, passes});
  if (!finding) {
    fmt::print("all engines agree\n");
    return 0;
  }
  fmt::print("{}\n{}", finding->signature(), finding->detail);
  if (!finding->passes.empty()) {
    in_child([&] {
      fmt::print("{}", blame(judge.oracle().frontend(), tests::read_file(path), finding->passes));
    });
  }
  return 1;
}

int main(const std::vector<std::string>& words) {
  const std::string command = words.empty() ? "" : words[0];
  if (command == "seeds" && words.size() == 4) {
    return run_seeds(number(words[1]), number(words[2]), words[3], 0);
  }
  if (command == "minutes" && words.size() == 3) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const uint64_t first = static_cast<uint64_t>(now / std::chrono::seconds(1)) * 1'000'000;
    return run_seeds(first, 1'000'000, words[2], static_cast<double>(number(words[1])));
  }
  if (command == "corpus" && words.size() == 2) return run_corpus(words[1]);
  if (command == "choose" && words.size() == 3) {
    return choose_corpus(number(words[1]), number(words[2]));
  }
  if (command == "edits" && words.size() == 3) return run_edits(number(words[1]), number(words[2]));
  if (command == "show" && words.size() == 2) {
    fmt::print("{}", generate(bytes_of(number(words[1]))).text);
    return 0;
  }
  if (command == "check" && (words.size() == 2 || words.size() == 3)) {
    return check_file(words[1], words.size() == 3 ? words[2] : "");
  }
  fmt::print(stderr, "usage: see the head of tests/differential/fuzz.cpp\n");
  return 2;
}

}  // namespace
}  // namespace tenon::differential

int main(int argc, char** argv) {
  return tenon::differential::main({argv + 1, argv + argc});
}
