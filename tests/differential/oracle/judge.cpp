#include "tests/differential/oracle/judge.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <vector>

#include "backend/backend.h"
#include "tests/differential/oracle/sandbox.h"
#include "tests/support/time_limit.h"

namespace tenon::differential {
namespace {

constexpr unsigned kSeconds = 20;  ///< of processor time, for one case
constexpr uint64_t kBatch = 128;   ///< cases of one child
constexpr size_t kGroup = 16;      ///< cases compiled as one
constexpr size_t kRewriteKinds = 1024, kSecondsKinds = 32;

struct Counted {
  char name[80];
  double value;
};

/// Finds or makes the row of that name; the last one takes what does not fit.
Counted& row_of(std::span<Counted> table, std::string_view name) {
  const std::string_view key = name.substr(0, sizeof table[0].name - 1);
  for (Counted& each : table) {
    if (each.name[0] == '\0') std::memcpy(each.name, key.data(), key.size());
    if (key == each.name) return each;
  }
  return table.back();
}

}  // namespace

/// What a child leaves, whatever ends it.
struct Judge::Shared {
  uint64_t at;    ///< the case under way
  bool in_group;  ///< and with it those of `group`, compiled as one
  size_t group_size;
  std::array<uint64_t, kGroup> group;
  bool has_finding;
  Phase phase;
  char engine[sizeof Phase::engine], what[256], passes[sizeof Phase::passes], detail[16384];
  uint64_t programs, failing, exact, lines, largest;
  std::array<uint64_t, kMaxFeatures> features;
  std::array<Counted, kRewriteKinds> rewrites;
  std::array<Counted, kSecondsKinds> seconds;
};

Case case_of(const Program& program, uint64_t salt) {
  return {program.text, program.exact, shuffled_passes(salt)};
}

Judge::Judge() : shared_(shared<Shared>()) {
  backend::cpu::preload();  // once, for all children
  oracle_.report_phase_to(shared_.phase);
}

void Judge::store(const std::optional<Finding>& finding) {
  shared_.has_finding = finding.has_value();
  if (!finding) return;
  const auto copy = [](auto& to, const std::string& from) {
    const size_t size = std::min(from.size(), sizeof to - 1);
    std::memcpy(to, from.data(), size);
    to[size] = '\0';
  };
  copy(shared_.engine, finding->engine);
  copy(shared_.what, finding->what);
  copy(shared_.passes, finding->passes);
  copy(shared_.detail, finding->detail);
}

std::optional<Finding> Judge::stored(const std::string& ended) const {
  if (!ended.empty()) {
    return Finding{shared_.phase.engine, ended, "", shared_.phase.passes};
  }
  if (!shared_.has_finding) return {};
  return Finding{shared_.engine, shared_.what, shared_.detail, shared_.passes};
}

std::optional<Finding> Judge::judge(const Case& test) {
  shared_.has_finding = false;
  const std::string ended = in_child([&] {
    tests::limit_processor_time(kSeconds);
    store(oracle_.check(test).finding);
    tests::limit_processor_time(0);
  });
  return stored(ended);
}

void Judge::add(const Program& program, const Verdict& verdict) {
  const uint64_t lines = std::ranges::count(program.text, '\n');
  ++shared_.programs;
  shared_.failing += verdict.fails ? 1 : 0;
  shared_.exact += program.exact ? 1 : 0;
  shared_.lines += lines;
  shared_.largest = std::max(shared_.largest, lines);
  for (size_t i = 0; i < kMaxFeatures; ++i) shared_.features[i] += program.uses[i] > 0 ? 1 : 0;
  for (const auto& [what, times] : verdict.rewrites) {
    row_of(shared_.rewrites, what).value += static_cast<double>(times);
  }
}

/// In a child: the cases from shared_.at on, up to the first that has a finding or to `end`.
void Judge::run_batch(uint64_t end, const std::function<Program(uint64_t)>& program) {
  std::deque<Prepared> waiting;  // they are not copied
  const auto compile_waiting = [&] {
    std::vector<const Prepared*> programs;
    for (const Prepared& each : waiting) programs.push_back(&each);
    shared_.in_group = true;
    tests::limit_processor_time(3 * kSeconds);
    // Which one it is, the parent finds out.
    if (!programs.empty() && !oracle_.compiles_together(programs)) _exit(1);
    tests::limit_processor_time(0);
    shared_.in_group = false;
    shared_.group_size = 0;
    waiting.clear();
  };
  for (; shared_.at < end; ++shared_.at) {
    const Program each = program(shared_.at);
    std::optional<Prepared> prepared;
    tests::limit_processor_time(kSeconds);
    Verdict verdict = oracle_.interpret(case_of(each, shared_.at), prepared);
    if (prepared && verdict.fails) verdict.finding = oracle_.compile(*prepared);
    tests::limit_processor_time(0);
    add(each, verdict);
    if (verdict.finding) {
      compile_waiting();
      store(verdict.finding);
      break;
    }
    if (verdict.fails) continue;
    shared_.group[shared_.group_size++] = shared_.at;
    waiting.push_back(std::move(*prepared));
    if (waiting.size() == kGroup) compile_waiting();
  }
  compile_waiting();
  for (const auto& [engine, seconds] : oracle_.seconds) {
    row_of(shared_.seconds, engine).value += seconds;
  }
}

void Judge::judge_all(uint64_t first, uint64_t count,
                      const std::function<Program(uint64_t)>& program, const Found& found,
                      const std::function<bool(uint64_t done)>& progress) {
  for (uint64_t at = first; at < first + count;) {
    const uint64_t end = std::min(at + kBatch, first + count);
    shared_.has_finding = shared_.in_group = false;
    shared_.group_size = 0;
    shared_.at = at;
    const std::string ended = in_child([&] { run_batch(end, program); });
    at = shared_.at;
    if (!shared_.in_group) {
      if (const auto finding = stored(ended)) {
        found(at, case_of(program(at), at), *finding);
        ++at;
      }
    }
    // Those that waited when the child ended have not been compiled yet.
    if (!ended.empty()) at = std::max(at, judge_group(program, found));
    if (!progress(at - first)) break;
  }
  collect();
}

/// One by one. Returns where to go on.
uint64_t Judge::judge_group(const std::function<Program(uint64_t)>& program, const Found& found) {
  const bool in_group = shared_.in_group;
  const std::string phase = shared_.phase.engine;
  const std::vector<uint64_t> group(shared_.group.begin(),
                                    shared_.group.begin() + shared_.group_size);
  size_t findings = 0;
  for (const uint64_t each : group) {
    const Case test = case_of(program(each), each);
    if (const auto finding = judge(test)) {
      found(each, test, *finding);
      ++findings;
    }
  }
  if (!in_group) return 0;
  if (findings == 0) {
    found(group[0], case_of(program(group[0]), group[0]),
          {phase, "only together with the seeds after it", "", ""});
  }
  return group.back() + 1;
}

void Judge::collect() {
  statistics = {
      shared_.programs, shared_.failing, shared_.exact, shared_.lines, shared_.largest, {}, {}, {}};
  for (size_t i = 0; i < features().size(); ++i) {
    statistics.features[std::string(features()[i])] = shared_.features[i];
  }
  for (const Counted& each : shared_.rewrites) {
    if (each.name[0] != '\0') statistics.rewrites[each.name] = static_cast<uint64_t>(each.value);
  }
  for (const Counted& each : shared_.seconds) {
    if (each.name[0] != '\0') statistics.seconds[each.name] = each.value;
  }
}

std::string Statistics::text() const {
  const double all = std::max<double>(static_cast<double>(programs), 1);
  std::string text = fmt::format(
      "{} programs, {:.1f} lines on average, at most {}; {:.1f} % end in a run-time error; {:.1f} "
      "% "
      "must give the same bits in the default mode\n",
      programs, static_cast<double>(lines) / all, largest, 100 * static_cast<double>(failing) / all,
      100 * static_cast<double>(exact) / all);
  text += "programs that have\n";
  for (const auto& [name, uses] : features) {
    text +=
        fmt::format("  {:>8}  {:5.1f} %  {}\n", uses, 100 * static_cast<double>(uses) / all, name);
  }
  text += "rewrites\n";
  for (const auto& [name, times] : rewrites) text += fmt::format("  {:>8}  {}\n", times, name);
  text += "milliseconds per program\n";
  for (const auto& [engine, time] : seconds)
    text += fmt::format("  {:>8.2f}  {}\n", 1000 * time / all, engine);
  return text;
}

}  // namespace tenon::differential
