// The language manual: every program in docs/language.md and docs/schedules.md does what the page says. And the
// page of the command line, docs/commands.md: it has every command, and every option with the commands that take it;
// what `--help` prints fits on a screen.
//
//   tenon_manual TENON [--bless]
//
// A block ```tenon runs, and prints what the block ```text behind it holds; ```tenon-wrong draws the
// compile errors, and ```tenon-fails the output and run-time error that stand there. A block of kind
// `… body` is what stands inside `fn main() { … }`. --bless writes what they print into the page.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/arguments.h"
#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPages[] = {"docs/language.md", "docs/schedules.md"};

/// A program of the page and the lines that say what it prints: (begin, end), without the fences.
struct Example {
  std::string kind, text;
  size_t line;  ///< of its opening fence, from 0
  size_t begin = 0, end = 0;
};

/// The examples of the page; what is wrong with its form goes to `tally`.
std::vector<Example> examples_of(const std::vector<std::string>& lines, Tally& tally) {
  std::vector<Example> examples;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].starts_with("```")) continue;
    const std::string kind(trim(lines[i].substr(3)));
    const size_t open = i;
    std::string text;
    for (++i; i < lines.size() && lines[i] != "```"; ++i) text += lines[i] + "\n";
    if (kind.starts_with("tenon")) {
      examples.push_back({kind, text, open});
    } else if (kind == "text" && !examples.empty() && examples.back().begin == 0) {
      examples.back().begin = open + 1;
      examples.back().end = i;
    } else {
      tally.fail(fmt::format("line {}", open + 1), "a block that belongs to no program");
    }
  }
  return examples;
}

std::string printed(const Example& example, const std::string& tenon, std::string& output) {
  ScratchFolder scratch;
  const bool body = example.kind.ends_with(" body");
  const fs::path file = scratch.path() / "example.tn";
  write_file(file, body ? "fn main() {\n" + example.text + "}\n" : example.text);
  const bool wrong = example.kind.starts_with("tenon-wrong");
  const int status = wrong || example.kind.starts_with("tenon-fails") ? 1 : 0;
  for (const std::string target : {"interp", "cpu"}) {
    std::vector<std::string> argv = {tenon, "run", "--target", target, "example.tn"};
    if (wrong) argv = {tenon, "check", "example.tn"};
    const Outcome outcome = run({argv, scratch.path(), ""});
    if (outcome.status != status) return describe(outcome) + "\n" + outcome.err;
    const std::string all = outcome.out + outcome.err;
    if (target != "interp" && all != output) return "the engines disagree:\n" + all;
    output = all;
  }
  return {};
}

void check(const std::string& name, const Arguments& arguments, Tally& tally) {
  const fs::path path = root() / name;
  const std::vector<std::string> lines = split_lines(read_file(path));
  const std::vector<Example> examples = examples_of(lines, tally);
  std::vector<std::string> outputs(examples.size());
  for_each_in_parallel(examples.size(), [&](size_t i) {
    const Example& example = examples[i];
    const std::string what = fmt::format("{}:{}", name, example.line + 1);
    const std::string problem = printed(example, arguments.tenon, outputs[i]);
    std::string expected;
    for (size_t l = example.begin; l < example.end; ++l) expected += lines[l] + "\n";
    if (!problem.empty())
      tally.fail(what, problem);
    else if (example.begin == 0)
      tally.fail(what, "no block ```text behind it says what it prints");
    else if (!arguments.bless && outputs[i] != expected)
      tally.fail(what, "prints something else:\n" + outputs[i]);
    else
      tally.pass();
  });
  if (!arguments.bless || tally.failed()) return;
  std::string page;
  size_t from = 0;
  for (size_t i = 0; i < examples.size(); ++i) {
    for (; from < examples[i].begin; ++from) page += lines[from] + "\n";
    page += outputs[i];
    from = examples[i].end;
  }
  for (; from < lines.size(); ++from) page += lines[from] + "\n";
  write_file(path, page);
}

// ---- the command line

constexpr std::string_view kCommands[] = {
#define COMMAND(name, lesson, summary) #name,
#include "driver/commands.def"
};

/// An option and the commands that take it.
using Takers = std::map<std::string, std::set<std::string>>;

/// `--data` of `--data DIR`.
std::string option_name(std::string_view text) {
  return std::string(text.substr(0, text.find_first_of(" ,=[{")));
}

constexpr size_t kScreenLines = 50, kScreenColumns = 120;

/// Help fits on a screen.
void check_help(std::string_view command, const std::vector<std::string>& lines, Tally& tally) {
  size_t widest = 0;
  for (const std::string& line : lines) widest = std::max(widest, line.size());
  if (lines.size() <= kScreenLines && widest <= kScreenColumns) tally.pass();
  else tally.fail(fmt::format("tenon {} --help", command), fmt::format("{} lines, {} columns", lines.size(), widest));
}

/// Where lines begin with an option, `tenon COMMAND --help` speaks of it.
Takers told_by_help(const std::string& tenon, Tally& tally) {
  Takers takers;
  for (const std::string_view command : kCommands) {
    const Outcome outcome = run({{tenon, std::string(command), "--help"}, ".", ""});
    if (outcome.status != 0) tally.fail(fmt::format("tenon {} --help", command), describe(outcome));
    const std::vector<std::string> lines = split_lines(outcome.out);
    check_help(command, lines, tally);
    for (const std::string& line : lines) {
      const std::string option = option_name(trim(line));
      if (option.starts_with("-") && option != "-h") takers[option].emplace(command);
    }
  }
  return takers;
}

/// Rows like | `--data DIR` | run, emit | …; the commands by the rows | `run FILE.tn` | ….
Takers told_by_page(std::set<std::string>& commands) {
  Takers takers;
  for (const std::string& line : split_lines(read_file(root() / "docs/commands.md"))) {
    if (!line.starts_with("| `")) continue;
    const std::string name = option_name(std::string_view(line).substr(3, line.find('`', 3) - 3));
    const size_t second = line.find("| ", 3), third = line.find(" |", second);
    if (!name.starts_with("-")) commands.insert(name);
    else
      for (const std::string& word : split_words(line.substr(second + 2, third - second - 2)))
        takers[name].insert(word.substr(0, word.find(',')));
  }
  return takers;
}

void check_commands(const std::string& tenon, Tally& tally) {
  std::set<std::string> commands;
  const Takers told = told_by_page(commands), taken = told_by_help(tenon, tally);
  std::string wrong;
  for (const std::string_view command : kCommands)
    if (!commands.contains(std::string(command))) wrong += fmt::format("there is no row for `{}`\n", command);
  for (const auto& [option, takers] : taken) {
    const auto row = told.find(option);
    if (row == told.end()) wrong += fmt::format("there is no row for `{}`\n", option);
    else if (row->second != takers)
      wrong += fmt::format("`{}` is of {}; the page says {}\n", option, fmt::join(takers, ", "), fmt::join(row->second, ", "));
  }
  for (const auto& [option, takers] : told)
    if (!taken.contains(option)) wrong += fmt::format("no command takes `{}`\n", option);
  if (wrong.empty()) tally.pass();
  else tally.fail("docs/commands.md", wrong);
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  const Arguments arguments = read_arguments(argc, argv);
  Tally tally("manual");
  for (const std::string_view page : kPages) check(std::string(page), arguments, tally);
  check_commands(arguments.tenon, tally);
  return tally.close();
}
