// The rules are right: every rule of opt/rules/*.rules is proved, or tried on every value of a
// small type, and goes down in the order that makes rewriting end; every rule of
// tests/rules/wrong.rules is refuted by a case, which is printed.
//
//   tenon_rules [--all [--seconds=60]] [--bless] [--filter=PART] [FILE.rules …]
//
// --all proves at every width, which takes minutes, and records in tests/rules/proved.txt what it
// could prove. --bless records the instances (a golden test of `simplify`) and the page. FILEs are
// proved in the place of the compiler's own rules; `-` reads from standard input what PART is.
//
//   --search    without a solver: every value of a few bits is tried
//   --question  prints what the solver is asked at 8 bits, and asks nothing
//   --grade     says no more than what is wrong; as lesson 8 wants it
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "tests/rules/instances.h"
#include "tests/rules/page.h"
#include "tests/rules/record.h"
#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = root();
constexpr double kQuickSeconds = 20;  ///< for one question

constexpr std::string_view kInstancesHead =
    ";@ opt --passes=simplify --verify-each --stats\n"
    "; An instance of every rule, under its name. Written by tenon_rules --bless.\n";

/// A rule file: its name, as messages say it, and its text.
using RuleFile = std::pair<std::string, std::string>;

struct Options {
  bool all = false, bless = false, search = false, question = false, grade = false;
  double seconds = 60;  ///< for one question, with `all`
  std::string filter;
  std::vector<RuleFile> files;
};

/// Those that the compiler is built with.
std::vector<RuleFile> own_rule_files() {
  std::vector<RuleFile> files;
  for (const auto& [name, text] : opt::rule_files())
    files.emplace_back(fmt::format("opt/rules/{}.rules", name), text);
  return files;
}

/// Reads rule files; those that are malformed are failures.
opt::RuleSet read_rules(const std::vector<RuleFile>& files, Tally& tally) {
  opt::RuleSet rules;
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  for (const auto& [name, text] : files) rules.read(sources, sources.add(name, text), diagnostics);
  for (const lexer::Diagnostic& d : diagnostics.all())
    tally.fail("malformed", lexer::render(d, sources, lexer::DiagFormat::short_));
  return rules;
}

/// The answers to all cases, on as many cores as there are.
std::vector<Answer> answers_of(const std::vector<Case>& cases, double seconds) {
  constexpr size_t kBatch = 8;
  std::vector<std::vector<size_t>> batches(1);  // of questions; searches are alone
  for (size_t i = 0; i < cases.size(); ++i) {
    if (!cases[i].question) {
      batches.insert(batches.begin(), {i});
    } else {
      if (batches.back().size() >= kBatch) batches.emplace_back();
      batches.back().push_back(i);
    }
  }
  std::vector<Answer> answers(cases.size());
  for_each_in_parallel(batches.size(), [&](size_t b) {
    std::vector<Question> questions;
    for (const size_t i : batches[b])
      if (cases[i].question) questions.push_back(*cases[i].question);
    std::vector<Answer> asked = ask(questions, seconds);
    size_t next = 0;
    for (const size_t i : batches[b])
      answers[i] = cases[i].question ? asked[next++] : cases[i].search();
  });
  return answers;
}

/// Asks once more, with help: briefly, then patiently.
void ask_helped(const std::vector<Case>& cases, std::vector<Answer>& answers, double seconds) {
  for_each_in_parallel(cases.size(), [&](size_t i) {
    if (answers[i].kind != Answer::unknown) return;
    for (const double patience : {2.0, seconds}) {
      for (const Question& question : cases[i].helped) {
        if (ask({&question, 1}, patience)[0].kind != Answer::proved) continue;
        answers[i].kind = Answer::proved;
        return;
      }
    }
  });
}

class Runner {
 public:
  Runner(Options options) : options_(std::move(options)) {}

  int run() {
    if (options_.question) return print_questions();
    if (options_.grade) return grade();
    const bool own = options_.files.empty();
    if (!has_solver() && !options_.search)
      tally_.skip("z3",
                  "is not installed: rules on integers and bools are tried on all values of few "
                  "bits instead of proved");
    right_rules(own ? own_rule_files() : options_.files, own);
    if (own) {
      wrong_rules({"tests/rules/wrong.rules", read_file(kRoot / "tests/rules/wrong.rules")});
      instances_and_page();
    }
    return tally_.close();
  }

 private:
  bool solver() const { return has_solver() && !options_.search; }

  int print_questions() {
    const opt::RuleSet rules = read_rules(options_.files, tally_);
    for (const RuleLine& line : lines_of(rules)) {
      const Case first = cases_of(rules, line, true).at(0);
      if (wanted(line) && first.question)
        fmt::print("; {}\n{}(check-sat)\n", line.text(), first.question->text);
    }
    return 0;
  }

  /// Only the compiler's own rules, and no counts: how many there are is up to their author.
  int grade() {
    if (!options_.search && !has_solver()) {
      fmt::print("skipped: there is no z3\n");
      return 0;
    }
    right_rules(own_rule_files(), false);
    std::vector<RuleLine> lines = lines_of(opt::built_in_rules());
    std::erase_if(lines, [&](const RuleLine& line) { return !wanted(line); });
    if (options_.search) try_instances(opt::built_in_rules(), lines, tally_);
    if (tally_.failed() > 0) return tally_.close();
    fmt::print("every rule is right\n");
    return 0;
  }

  bool wanted(const RuleLine& line) const { return contains(line.name, options_.filter); }

  void right_rules(const std::vector<RuleFile>& files, bool record) {
    const opt::RuleSet rules = read_rules(files, tally_);
    const std::vector<RuleLine> lines = lines_of(rules);
    std::vector<Case> cases;
    std::vector<size_t> line_of_case;
    for (size_t l = 0; l < lines.size(); ++l) {
      if (!wanted(lines[l])) continue;
      if (const std::string problem = order_problem(rules, lines[l]); !problem.empty()) {
        tally_.fail(lines[l].name, problem);
      }
      for (Case& each : cases_of(rules, lines[l], solver())) {
        if (!each.quick && !options_.all) continue;
        cases.push_back(std::move(each));
        line_of_case.push_back(l);
      }
    }
    const double seconds = options_.all ? options_.seconds : kQuickSeconds;
    std::vector<Answer> answers = answers_of(cases, seconds);
    ask_helped(cases, answers, seconds / 4);
    Record proved;
    for (size_t i = 0; i < cases.size(); ++i) {
      const RuleLine& line = lines[line_of_case[i]];
      const std::string name = fmt::format("{} ({})", line.name, cases[i].label);
      switch (answers[i].kind) {
        case Answer::proved:
          tally_.pass();
          proved.add(line, cases[i].label);
          break;
        case Answer::refuted:
          tally_.fail(name, fmt::format("{}\n{}", line.text(), answers[i].values));
          break;
        case Answer::unknown:
          if (cases[i].quick)
            tally_.fail(name, fmt::format("{}\nthe solver gives up", line.text()));
          else
            fmt::print("not proved within {} s: {}\n", options_.seconds, name);
          break;
      }
    }
    if (record && options_.all && options_.filter.empty() && solver())
      proved.write(kRoot / kRecordFile);
  }

  void instances_and_page() {
    const opt::RuleSet& rules = opt::built_in_rules();
    std::vector<RuleLine> lines = lines_of(rules);
    if (options_.filter.empty()) {
      const Record record = Record::read(kRoot / kRecordFile);
      const Arguments arguments = read_arguments(kRoot / kArgumentsFile);
      for (const RuleLine& line : lines) check_proof(rules, line, record, arguments);
      is_current("docs/rules.md", rules_page(rules, lines, record, arguments));
    }
    std::erase_if(lines, [&](const RuleLine& line) { return !wanted(line); });
    const std::string instances = try_instances(rules, lines, tally_);
    if (options_.filter.empty())
      is_current("tests/golden/opt/rules.ir", std::string(kInstancesHead) + instances);
  }

  /// What is not proved at every width is argued by hand, and nothing else.
  void check_proof(const opt::RuleSet& rules, const RuleLine& line, const Record& record,
                   const Arguments& arguments) {
    if (record.find(line) == nullptr)
      return tally_.fail(line.name, fmt::format("is not in {} as it is written now: "
                                                "make verify-rules",
                                                kRecordFile));
    const bool proved = record.missing(rules, line).empty();
    if (proved && arguments.contains(line.name))
      tally_.fail(line.name, fmt::format("is proved: strike it from {}", kArgumentsFile));
    if (!proved && !arguments.contains(line.name))
      tally_.fail(line.name, fmt::format("is not proved at every width, and {} does not say why it "
                                         "holds",
                                         kArgumentsFile));
  }

  void is_current(const fs::path& file, const std::string& text) {
    if (options_.bless) write_file(kRoot / file, text);
    const std::string recorded = fs::exists(kRoot / file) ? read_file(kRoot / file) : "";
    if (recorded == text) {
      tally_.pass();
    } else {
      tally_.fail(file.string(),
                  "is not current: tenon_rules --bless\n" + difference(recorded, text));
    }
  }

  void wrong_rules(const RuleFile& file) {
    const opt::RuleSet rules = read_rules({file}, tally_);
    for (const RuleLine& line : lines_of(rules)) {
      if (!wanted(line)) continue;
      const std::vector<Case> cases = cases_of(rules, line, solver());
      std::string counterexample;
      for (const Case& each : cases) {
        if (!each.quick) continue;
        const Answer answer = answers_of({each}, kQuickSeconds)[0];
        if (answer.kind != Answer::refuted) continue;
        counterexample = answer.values;
        break;
      }
      if (counterexample.empty()) {
        tally_.fail(line.name, fmt::format("{}\nis wrong, but is not refuted", line.text()));
      } else {
        tally_.pass();
        fmt::print("{}: {}\n    {}\n", line.name, line.text(), counterexample);
      }
    }
  }

  Options options_;
  Tally tally_{"rules"};
};

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--all") {
      options.all = true;
    } else if (word.starts_with("--seconds=")) {
      options.seconds = std::atof(word.substr(word.find('=') + 1).data());
    } else if (word == "--search") {
      options.search = true;
    } else if (word == "--question") {
      options.question = true;
    } else if (word == "--grade") {
      options.grade = true;
    } else if (word == "-") {
      for (std::string line; std::getline(std::cin, line);)
        if (!line.starts_with(";")) options.filter = trim(line);
    } else if (word == "--bless") {
      options.bless = true;
    } else if (word.starts_with("--filter=")) {
      options.filter = word.substr(word.find('=') + 1);
    } else {
      options.files.emplace_back(word, read_file(word));
    }
  }
  return Runner(std::move(options)).run();
}
