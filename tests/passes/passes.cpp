// docs/passes.md: what each pass does and what it brings, from passes.def, goldens and counts.
//
//   tenon_passes TENON [--bless]
//
// For each pass NAME of opt/passes.def the page shows what it does to tests/golden/opt/NAME.ir, and
// what it brings to tests/passes/NAME.tn, a program on which it pays:
//
//   //@ passes unroll,dce     what runs with it (NAME,own unless told); then the same without NAME
//   //@ lowers bytes           what gets less: instructions (unless told), bytes, or what loop nests issue
//
// A pass with no golden, no program, or that brings nothing on it is a failure; so is a page that
// is not what would be written now. --bless writes it. Passes of opt/cpu_passes.def and gpu_passes.def need a
// golden alone: what they bring, counts do not show.
#include <fmt/format.h>

#include <set>
#include <stdexcept>

#include "opt/diff.h"
#include "opt/pipelines.h"
#include "runtime/context.h"
#include "tests/passes/measure.h"
#include "tests/support/arguments.h"
#include "tests/support/golden_case.h"
#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = root();
constexpr std::string_view kPage = "docs/passes.md";

constexpr std::string_view kHead = R"(# The passes

Written by `make docs-update` from the tables of passes in `opt/`, the goldens in `tests/golden/opt/` and counts; a test
says when it is out of date. Counted is what `tenon run --target ir --profile` counts: executed
instructions (`ir/counts.h` says what is one), and bytes of tensors read and written. Machine code has
other costs too, but these are the same on every machine.

)";

// ---- one pass

struct Trial {
  std::string passes;
  bool counts_bytes = false, counts_nests = false;
  Cost without, with;
};

Trial read_trial(const fs::path& program, std::string_view pass) {
  Trial trial;
  trial.passes = pass == "own" ? "own" : fmt::format("{},own", pass);
  for (const std::string& line : split_lines(read_file(program))) {
    const std::vector<std::string> words = split_words(directive(line));
    if (words.empty()) break;
    if (words.size() == 2 && words[0] == "passes") {
      trial.passes = words[1];
    } else if (words.size() == 2 && words[0] == "lowers" && words[1] == "bytes") {
      trial.counts_bytes = true;
    } else if (words.size() == 2 && words[0] == "lowers" && words[1] == "issued") {
      trial.counts_nests = true;
    } else {
      throw std::runtime_error("an unknown directive: " + line);
    }
  }
  return trial;
}

/// What the pass brings to its program; throws if that is nothing.
Trial try_pass(const std::string& tenon, std::string_view pass) {
  const fs::path program = kRoot / "tests/passes" / fmt::format("{}.tn", pass);
  if (!fs::exists(program))
    throw std::runtime_error(
        fmt::format("there is no program on which it pays, tests/passes/{}.tn", pass));
  Trial trial = read_trial(program, pass);
  Subject subject(tenon, program);
  const auto cost = [&](std::string_view passes) {
    return trial.counts_nests ? subject.cost_of_nests(passes) : subject.cost(passes);
  };
  trial.without = cost(without(trial.passes, pass));
  trial.with = cost(trial.passes);
  const bool pays = trial.counts_bytes ? trial.with.bytes < trial.without.bytes
                                       : trial.with.instructions < trial.without.instructions;
  if (pays) return trial;
  throw std::runtime_error(fmt::format(
      "it brings nothing to {}: {} instructions and {} bytes without it, {} and {} with it",
      program.filename().string(), trial.without.instructions, trial.without.bytes,
      trial.with.instructions, trial.with.bytes));
}

/// What the golden's first line gives `tenon opt`, but for the passes.
std::vector<std::string> options_of(const fs::path& golden) {
  std::vector<std::string> words = split_words(directive(split_lines(read_file(golden)).at(0)));
  std::erase_if(words, [](const std::string& word) { return word == "opt" || word.starts_with("--passes="); });
  return words;
}

/// The golden's module before and after as one diff.
std::string golden_diff(const std::string& tenon, std::string_view pass) {
  const fs::path golden = kRoot / "tests/golden/opt" / fmt::format("{}.ir", pass);
  if (!fs::exists(golden))
    throw std::runtime_error(fmt::format("there is no golden, tests/golden/opt/{}.ir", pass));
  const auto printed = [&](const std::vector<std::string>& options) {
    std::vector<std::string> argv{tenon, "opt", golden.string()};
    for (const auto& more : {options_of(golden), options}) argv.insert(argv.end(), more.begin(), more.end());
    const Outcome outcome = run({argv, ".", "", 60});
    if (outcome.status != 0) throw std::runtime_error(describe(outcome) + "\n" + outcome.err);
    return outcome.out;
  };
  const std::string before = printed({});
  const std::string after = printed({fmt::format("--passes={}", pass)});
  if (before == after)
    throw std::runtime_error(fmt::format("it changes nothing in tests/golden/opt/{}.ir", pass));
  return opt::unified_diff(before, after);
}

std::string percent(int64_t part, int64_t whole) {
  if (part == 0) return "";
  return fmt::format("{:+.1f}%", whole == 0 ? 100.0 : 100.0 * static_cast<double>(part) / whole);
}

std::string linked(std::string_view pass) {
  return fmt::format("[`{0}`](#{0})", pass);
}

std::string row_of(const opt::PassRow& pass, const Trial& trial) {
  const auto& [without, with] = std::pair(trial.without, trial.with);
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", linked(pass.name),
                     pass.level, pass.lesson, without.instructions, with.instructions,
                     percent(with.instructions - without.instructions, without.instructions),
                     without.bytes, with.bytes, percent(with.bytes - without.bytes, without.bytes));
}

std::string section_of(const std::string& tenon, const opt::PassRow& pass, const Trial& trial) {
  return fmt::format(
      "## {0}\nIt {1}.\n\nOn `tests/golden/opt/{0}.ir`:\n\n```diff\n{2}```\n\n"
      "It pays on `tests/passes/{0}.tn`, where `{3}` runs with it and without it{4}.\n\n",
      pass.name, pass.meaning, golden_diff(tenon, pass.name), trial.passes,
      trial.counts_nests ? "; counted is what the loop nests issue (`--target loops`)" : "");
}

/// Passes that only some `--target`s want; one may stand in both tables.
struct OfTargets {
  std::span<const opt::PassRow> rows;
  std::string_view targets;
};

std::string section_of(const std::string& tenon, const opt::PassRow& pass, std::span<const OfTargets> tables) {
  std::string where;
  for (const auto& [rows, targets] : tables)
    for (const opt::PassRow& row : rows)
      if (row.name == pass.name)
        where += fmt::format("{} for {} from `-O{}` on, in front of `{}`", where.empty() ? "" : ", and", targets,
                             row.level, row.before);
  return fmt::format("## {0}\nIt {1}. It runs{2}.\n\nOn `tests/golden/opt/{0}.ir`:\n\n```diff\n{3}```\n\n", pass.name,
                     pass.meaning, where, golden_diff(tenon, pass.name));
}

// ---- pipelines and examples

std::string pipelines() {
  std::string text = "## Pipelines\n| level | passes |\n|---|---|\n";
  for (int level = 0; level <= 3; ++level)
    text += fmt::format("| `-O{}` | `{}` |\n", level, opt::pipeline(level));
  text += "\nSome orders are refused:\n\n| pass | never after | because |\n|---|---|---|\n";
  for (const opt::Constraint& constraint : opt::constraints())
    text += fmt::format("| {} | `{}` | {} |\n",
                        opt::find_pass(constraint.second) == nullptr ? std::string(constraint.second)
                                                                     : fmt::format("`{}`", constraint.second),
                        constraint.first, constraint.reason);
  return text + "\n";
}

bool is_tested_elsewhere(const fs::path& program) {
  return contains(read_file(program), "//@ elsewhere ");
}

/// The programs of the examples that need nothing but what is in the project.
std::vector<fs::path> examples() {
  std::vector<fs::path> programs;
  for (const fs::path& path : files_below(kRoot / "examples")) {
    const bool is_program =
        path.extension() == ".tn" && fs::exists(fs::path(path).replace_extension(".out"));
    if (is_program && !is_tested_elsewhere(path)) programs.push_back(path);
  }
  return programs;
}

/// A row for each list of passes, a column for each example: what it takes more than all of -O2.
std::string example_table(std::vector<Subject>& subjects, const std::vector<fs::path>& programs,
                          int64_t Cost::*what) {
  const std::string all = opt::pipeline(2);
  std::string text = "| |", rule = "|---|", totals = "| all of `-O2` |";
  std::vector<int64_t> best;
  for (size_t i = 0; i < programs.size(); ++i) {
    best.push_back(subjects[i].cost(all).*what);
    text += fmt::format(" {} |", programs[i].stem().string());
    rule += "---:|";
    totals += fmt::format(" {} |", best.back());
  }
  text += "\n" + rule + "\n" + totals + "\n";
  const auto row = [&](const std::string& name, const std::string& passes) {
    text += "| " + name + " |";
    for (size_t i = 0; i < programs.size(); ++i)
      text += fmt::format(" {} |", percent(subjects[i].cost(passes).*what - best[i], best[i]));
    text += "\n";
  };
  std::set<std::string_view> seen;
  for (const opt::PassRow* pass : opt::parse_pipeline(all))
    if (seen.insert(pass->name).second)
      row("without " + linked(pass->name), without(all, pass->name));
  row("`-O0`", opt::pipeline(0));
  return text + "\n";
}

std::string example_tables(const std::string& tenon) {
  const std::vector<fs::path> programs = examples();
  std::vector<Subject> subjects;
  for (const fs::path& program : programs) subjects.emplace_back(tenon, program);
  return "## On the examples\nInstructions that the programs in `examples/` execute, and how many "
         "more where "
         "`-O2` goes without a pass. (Little where another pass does the same work.)\n\n" +
         example_table(subjects, programs, &Cost::instructions) +
         "Bytes of tensors read and written, likewise:\n\n" +
         example_table(subjects, programs, &Cost::bytes);
}

/// `tenon passes` names every pass and prints every pipeline.
std::string check_command(const std::string& tenon) {
  const Outcome outcome = run({{tenon, "passes"}, ".", "", 60});
  if (outcome.status != 0) return describe(outcome) + "\n" + outcome.err;
  for (const auto& rows : {opt::passes(), opt::cpu_passes(), opt::gpu_passes()})
    for (const opt::PassRow& pass : rows)
      if (!contains(outcome.out, pass.meaning)) return fmt::format("{} is not in it", pass.name);
  for (int level = 0; level <= 3; ++level)
    if (!contains(outcome.out, fmt::format("-O{}   {}\n", level, opt::pipeline(level))))
      return fmt::format("the pipeline of -O{} is not in it", level);
  return {};
}

// ---- the page

std::string page(const std::string& tenon, Tally& tally) {
  std::string table =
      "| pass | from `-O` | lesson | instructions without | with | | bytes without | with | |\n"
      "|---|---:|---:|---:|---:|---:|---:|---:|---:|\n";
  std::string sections;
  for (const opt::PassRow& pass : opt::passes()) {
    try {
      const Trial trial = try_pass(tenon, pass.name);
      table += row_of(pass, trial);
      sections += section_of(tenon, pass, trial);
      tally.pass();
    } catch (const std::exception& error) {
      tally.fail(std::string(pass.name), error.what());
    }
  }
  const OfTargets tables[] = {{opt::cpu_passes(), "`--target cpu` and `loops`"},
                              {opt::gpu_passes(), "`--target gpu` and `sim`"}};
  std::set<std::string_view> written;
  for (const OfTargets& table : tables) {
    for (const opt::PassRow& pass : table.rows) {
      if (!written.insert(pass.name).second) continue;
      try {
        sections += section_of(tenon, pass, tables);
        tally.pass();
      } catch (const std::exception& error) {
        tally.fail(std::string(pass.name), error.what());
      }
    }
  }
  return std::string(kHead) + table + "\n" + pipelines() + example_tables(tenon) + sections;
}

void check(const Arguments& arguments, Tally& tally) {
  const std::string problem = check_command(arguments.tenon);
  problem.empty() ? tally.pass() : tally.fail("tenon passes", problem);
  const std::string now = page(arguments.tenon, tally);
  const fs::path path = kRoot / kPage;
  const std::string recorded = fs::exists(path) ? read_file(path) : "";
  if (now == recorded) return tally.pass();
  if (!arguments.bless) {
    return tally.fail(std::string(kPage), "it is out of date; `make docs-update` writes it\n" +
                                              difference(recorded, now));
  }
  write_file(path, now);
  fmt::print("wrote {}\n", kPage);
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  const Arguments arguments = read_arguments(argc, argv);
  Tally tally("passes");
  tenon::runtime::run_on_large_stack([&] {
    try {
      check(arguments, tally);
    } catch (const std::exception& error) {
      tally.fail("page", error.what());
    }
  });
  return tally.close();
}
