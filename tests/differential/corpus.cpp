#include "tests/differential/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <regex>
#include <set>
#include <string>

#include "opt/pass.h"
#include "tests/differential/generator/choices.h"
#include "tests/differential/generator/program.h"
#include "tests/differential/oracle/judge.h"
#include "tests/differential/oracle/sandbox.h"
#include "tests/support/root.h"
#include "tests/support/text.h"
#include "tests/support/time_limit.h"

namespace tenon::differential {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kSeconds = 10;              ///< for one program
constexpr size_t kMaxNames = size_t{1} << 16;  ///< bytes of the names of one program's rewrites

/// The lines that say something: without comments, which begin with #.
std::vector<std::string> entries(const fs::path& file) {
  std::vector<std::string> all;
  for (const std::string& line : tests::split_lines(tests::read_file(file))) {
    const std::string_view text = tests::trim(std::string_view(line).substr(0, line.find('#')));
    if (!text.empty()) all.emplace_back(text);
  }
  return all;
}

/// What has to occur: every feature, every pass, and every rewrite that a pass names in its source.
std::set<std::string> required() {
  std::set<std::string> all;
  for (const std::string_view feature : features()) all.emplace(feature);
  for (const opt::PassRow& pass : opt::passes()) all.insert(fmt::format("pass: {}", pass.name));
  static const std::regex rewrite("may_rewrite\\(\"([^\"]+)\"");
  for (const fs::path& path : tests::files_below(tests::root() / "opt")) {
    if (path.extension() != ".cpp") continue;
    const std::string text = tests::read_file(path);
    for (std::sregex_iterator each(text.begin(), text.end(), rewrite), end; each != end; ++each) {
      all.insert(fmt::format("rewrite: {}", (*each)[1].str()));
    }
  }
  return all;
}

/// `fold: branch` is the pass `fold`, the rewrite `branch`.
void add_rewrite(std::set<std::string>& reached, const std::string& name) {
  const size_t colon = std::min(name.find(": "), name.size() - 2);
  reached.insert("pass: " + name.substr(0, colon));
  reached.insert("rewrite: " + name.substr(colon + 2));
}

/// What one program reaches; nothing if it ends its process.
std::set<std::string> reached_by(const Oracle& oracle, uint64_t seed, char* shared) {
  std::set<std::string> reached;
  const Program program = generate(bytes_of(seed));
  for (size_t i = 0; i < features().size(); ++i) {
    if (program.uses[i] > 0) reached.emplace(features()[i]);
  }
  shared[0] = '\0';
  const std::string ended = in_child([&] {
    tests::limit_processor_time(kSeconds);
    std::optional<Prepared> prepared;
    const Verdict verdict = oracle.interpret(case_of(program, seed), prepared);
    std::string names = verdict.fails ? "a run-time error\n" : "";
    for (const auto& [name, times] : verdict.rewrites) names += name + "\n";
    shared[names.copy(shared, kMaxNames - 1)] = '\0';
  });
  if (!ended.empty()) return {};
  for (const std::string& name : tests::split_lines(shared)) {
    reached.insert(name);
    if (name.find(": ") != name.npos) add_rewrite(reached, name);
  }
  return reached;
}

}  // namespace

int run_corpus(const fs::path& folder) {
  tests::Tally tally("fuzz");
  std::vector<uint64_t> seeds;
  for (const std::string& entry : entries(folder / "seeds.txt")) {
    uint64_t seed = 0;
    std::from_chars(entry.data(), entry.data() + entry.size(), seed);
    seeds.push_back(seed);
  }
  Judge judge;
  size_t failed = 0;
  judge.judge_all(
      0, seeds.size(), [&](uint64_t i) { return generate(bytes_of(seeds[i])); },
      [&](uint64_t i, const Case& test, const Finding& finding) {
        ++failed;
        tally.fail(fmt::format("seed {}", seeds[i]),
                   fmt::format("{}\n{}\n{}", finding.signature(), finding.detail, test.text));
      },
      [](uint64_t) { return true; });
  for (size_t i = failed; i < seeds.size(); ++i) tally.pass();

  std::set<std::string> reached;
  for (const auto& [name, programs] : judge.statistics.features) {
    if (programs > 0) reached.insert(name);
  }
  for (const auto& [name, times] : judge.statistics.rewrites) add_rewrite(reached, name);
  const std::vector<std::string> unreached = entries(folder / "unreached.txt");
  for (const std::string& each : required()) {
    const bool excused = std::ranges::find(unreached, each) != unreached.end();
    if (reached.contains(each) == !excused) {
      tally.pass();
    } else {
      tally.fail(each, excused ? "it is reached: strike it from unreached.txt"
                               : "no program of the corpus has it: `tenon_fuzz choose 1 2000` "
                                 "finds seeds, corpus/unreached.txt excuses");
    }
  }
  return tally.close();
}

int choose_corpus(uint64_t first, uint64_t count) {
  std::vector<std::pair<uint64_t, std::set<std::string>>> chosen;
  std::set<std::string> all;
  const Oracle oracle;
  char* shared = static_cast<char*>(shared_memory(kMaxNames));
  for (uint64_t seed = first; seed < first + count; ++seed) {
    std::set<std::string> reached = reached_by(oracle, seed, shared);
    const size_t before = all.size();
    all.insert(reached.begin(), reached.end());
    if (all.size() > before) chosen.emplace_back(seed, std::move(reached));
  }
  // Who came early was chosen for what later ones have too.
  for (size_t i = 0; i < chosen.size();) {
    std::set<std::string> others;
    for (size_t j = 0; j < chosen.size(); ++j) {
      if (j != i) others.insert(chosen[j].second.begin(), chosen[j].second.end());
    }
    if (others.size() == all.size()) {
      chosen.erase(chosen.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  std::set<std::string> known;
  for (const auto& [seed, reached] : chosen) {
    std::vector<std::string> fresh;
    std::ranges::copy_if(reached, std::back_inserter(fresh),
                         [&](const std::string& each) { return !known.contains(each); });
    known.insert(reached.begin(), reached.end());
    fmt::print("{}  # {}\n", seed, fresh.empty() ? "" : fresh[fresh.size() / 2]);
  }
  return 0;
}

}  // namespace tenon::differential
