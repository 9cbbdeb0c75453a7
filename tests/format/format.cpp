// The formatter, over every program of the tree: it keeps what the program says, formatting twice
// is formatting once, and the writer's blanks do not matter; and `tenon fmt` treats files with
// care.
//
//   tenon_format TENON
#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "lexer/scanner.h"
#include "parser/format.h"
#include "parser/parser.h"
#include "tests/support/arguments.h"
#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;
using enum lexer::TokenKind;

/// Nothing if the text is no program.
std::optional<std::string> formatted(const std::string& text) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  return parser::format(sources, sources.add("test.tn", text), diagnostics);
}

struct Token {
  lexer::TokenKind kind;
  std::string gap;  // what stands before it
  std::string text;
};

std::vector<Token> tokens_of(const std::string& text) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  lexer::Scanner scanner(sources, sources.add("test.tn", text), diagnostics);
  std::vector<Token> tokens;
  for (size_t end = 0;;) {
    const lexer::Token token = scanner.next();
    const auto [file, begin, next] = token.span;
    tokens.push_back({token.kind, text.substr(end, begin - end), text.substr(begin, next - begin)});
    end = next;
    if (token.kind == end_of_file) return tokens;
  }
}

std::string joined(const std::vector<Token>& tokens) {
  std::string text;
  for (const Token& token : tokens) text += token.gap + token.text;
  return text;
}

/// What the program says: its tokens, its comments, its tree without places.
std::string meaning_of(const std::string& text) {
  std::string all;
  for (const Token& token : tokens_of(text)) {
    for (const std::string& line : split_lines(token.gap)) {
      if (!trim(line).empty()) all += std::string(trim(line)) + "\n";
    }
    all += token.text + "\n";
  }
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  diagnostics.ignore(lexer::Diag::not_supported);
  const ast::Program tree = parser::parse(sources, sources.add("test.tn", text), diagnostics);
  static const std::regex kPlace(R"( \d+:\d+-\d+:\d+(?=\n|$))");
  return all + std::regex_replace(ast::print(tree, sources), kPlace, "");
}

/// What is wrong with what the formatter makes of a program, or nothing.
std::string check_format(const std::string& text) {
  const auto once = formatted(text);
  if (!once) return "was refused";
  if (meaning_of(text) != meaning_of(*once)) {
    return "says something else\n" + difference(meaning_of(text), meaning_of(*once));
  }
  const auto twice = formatted(*once);
  if (twice != once)
    return "changes when formatted again\n" + difference(*once, twice.value_or(""));
  for (const std::string& line : split_lines(*once)) {
    if (!line.empty() && (line.back() == ' ' || line.back() == '\t'))
      return "ends a line in a blank";
  }
  return {};
}

// ---- respacing

/// Deals out chances, the same on every machine.
class Dice {
 public:
  explicit Dice(uint32_t seed) : random_(seed) {}
  uint32_t below(uint32_t count) { return random_() % count; }
  std::string blanks(uint32_t least) {
    std::string text;
    for (uint32_t count = least + below(3); count > 0; --count) text += below(4) ? ' ' : '\t';
    return text;
  }

 private:
  std::mt19937 random_;
};

bool separates(const Token& token) {
  return token.kind >= left_paren && token.kind <= semicolon;
}

/// Other blanks, and other line breaks where the page says that they are not kept: the same layout.
std::string respaced(const std::string& text, Dice& dice) {
  std::vector<Token> tokens = tokens_of(text);
  bool in_schedule = false;
  for (size_t i = 1; i + 1 < tokens.size(); ++i) {
    const Token& before = tokens[i - 1];
    Token& token = tokens[i];
    if (before.kind == kw_schedule) in_schedule = true;
    if (before.kind == right_brace) in_schedule = false;
    if (contains(token.gap, "//")) continue;
    const auto breaks = std::count(token.gap.begin(), token.gap.end(), '\n');
    const bool ends_statement = before.kind == semicolon && !in_schedule;
    const bool never_broken = before.kind == kw_let || before.kind == kw_fn || before.kind == dot ||
                              token.kind == comma || token.kind == semicolon ||
                              (token.kind == colon && before.kind == name);
    if (breaks > 1) {
      token.gap = "\n" + dice.blanks(0) + "\n\r\n" + dice.blanks(0);
    } else if (breaks == 1 && !ends_statement) {
      token.gap = dice.blanks(0) + "\n" + dice.blanks(0);
    } else if (never_broken && dice.below(2)) {
      token.gap = "\n" + dice.blanks(0);
    } else {
      token.gap = dice.blanks(separates(before) || separates(token) ? 0 : 1);
    }
  }
  return joined(tokens);
}

/// Line breaks and comments anywhere: another layout, but still the same program.
std::string mangled(const std::string& text, Dice& dice) {
  std::vector<Token> tokens = tokens_of(text);
  for (size_t i = 0; i < tokens.size(); ++i) {
    std::string& gap = tokens[i].gap;
    switch (dice.below(8)) {
      case 0: gap += "\n"; break;
      case 1: gap += "\n\n \n"; break;
      case 2: gap += dice.below(4) ? "" : " // why \n"; break;
      case 3: gap += dice.below(4) ? "" : "\n\n//own\n\n// line\r\n\n"; break;
      case 4:
        if (!contains(gap, "//") && i > 0) gap = " ";
        break;
      default: break;
    }
  }
  return joined(tokens);
}

constexpr uint32_t kRounds = 12;

void test_program(const std::string& name, const std::string& text, Tally& tally) {
  auto settle = [&](const std::string& what, const std::string& problem) {
    problem.empty() ? tally.pass() : tally.fail(name + " " + what, problem);
  };
  settle("as it stands", check_format(text));
  const auto expected = formatted(text);
  for (uint32_t seed = 1; seed <= kRounds; ++seed) {
    Dice dice(seed);
    const std::string other = respaced(text, dice);
    const auto actual = formatted(other);
    settle(
        fmt::format("respaced, seed {}", seed),
        actual == expected ? "" : "another layout\n" + difference(*expected, actual.value_or("")));
    settle(fmt::format("mangled, seed {}", seed), check_format(mangled(text, dice)));
  }
}

/// Every program of the tree, whole and mangled.
void test_programs(Tally& tally) {
  std::vector<fs::path> programs;
  for (const std::string_view folder : {"examples", "lessons", "prelude", "tests", "bench"}) {
    for (const fs::path& path : files_below(root() / folder)) {
      if (path.extension() == ".tn" && formatted(read_file(path))) programs.push_back(path);
    }
  }
  if (programs.size() < 50) tally.fail("programs", "hardly any is left that can be formatted");
  for_each_in_parallel(programs.size(), [&](size_t i) {
    test_program(programs[i].lexically_relative(root()).string(), read_file(programs[i]),
                 tally);
  });
}

// ---- the command

class Files {
 public:
  Files(const std::string& tenon, Tally& tally) : tenon_(tenon), tally_(tally) {}

  fs::path put(const std::string& name, std::string_view text) {
    write_file(folder_.path() / name, text);
    return folder_.path() / name;
  }
  Outcome fmt(std::vector<std::string> arguments, std::string input = {}) {
    Command command;
    command.argv = {tenon_, "fmt"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.folder = folder_.path();
    command.input = std::move(input);
    return run(command);
  }
  void expect(std::string_view what, bool holds, const Outcome& outcome) {
    holds ? tally_.pass()
          : tally_.fail(what, fmt::format("{}\n{}{}", describe(outcome), outcome.out, outcome.err));
  }
  size_t count() const { return entries_of(folder_.path()).size(); }

 private:
  std::string tenon_;
  Tally& tally_;
  ScratchFolder folder_;
};

constexpr std::string_view kUgly = "fn main(){print( 1 );}\n";
constexpr std::string_view kNeat = "fn main() { print(1); }\n";
constexpr std::string_view kWrong = "fn main( { print(1);\n";

mode_t permissions_of(const fs::path& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
}

void test_command(const std::string& tenon, Tally& tally) {
  Files files(tenon, tally);
  const fs::path ugly = files.put("ugly.tn", kUgly), wrong = files.put("wrong.tn", kWrong),
                 neat = files.put("neat.tn", kNeat);
  chmod(ugly.c_str(), 0640);
  fs::create_symlink("ugly.tn", ugly.parent_path() / "link.tn");

  Outcome outcome = files.fmt({"--check", "neat.tn"});
  files.expect("--check of a neat file is silent",
               outcome.status == 0 && outcome.out.empty() && outcome.err.empty(), outcome);
  outcome = files.fmt({"--check", "neat.tn", "ugly.tn"});
  files.expect("--check names the file and the line, and shows what would change",
               outcome.status == 1 && contains(outcome.out, "ugly.tn:1: ") &&
                   contains(outcome.out, "- fn main(){print( 1 );}\n+ fn main() { print(1); }\n") &&
                   !contains(outcome.out, "neat.tn"),
               outcome);
  files.expect("--check changes nothing", read_file(ugly) == kUgly, outcome);

  outcome = files.fmt({"wrong.tn", "link.tn", "absent.tn", "neat.tn"});
  files.expect("a wrong file is refused with what `check` says",
               outcome.status == 1 && contains(outcome.err, "wrong.tn:1:10: error[E0201]"),
               outcome);
  files.expect("so is one that is not there",
               contains(outcome.err, "error[E0801]: cannot read absent.tn"), outcome);
  files.expect("a wrong file is left alone", read_file(wrong) == kWrong, outcome);
  files.expect("the others are formatted", read_file(ugly) == kNeat, outcome);
  files.expect("permissions stay", permissions_of(ugly) == 0640, outcome);
  files.expect("a link stays a link", fs::is_symlink(ugly.parent_path() / "link.tn"), outcome);
  files.expect("nothing else is left behind", files.count() == 4, outcome);

  outcome = files.fmt({"-"}, std::string(kUgly));
  files.expect("- is standard input, to standard output",
               outcome.status == 0 && outcome.out == kNeat, outcome);
  outcome = files.fmt({"-"}, std::string(kWrong));
  files.expect("nothing comes out of a wrong text", outcome.status == 1 && outcome.out.empty(),
               outcome);
  outcome = files.fmt({});
  files.expect("a file has to be named", outcome.status == 2, outcome);
}

/// A layout wider than a source may be long is refused before it fills the memory.
void test_growth(Tally& tally) {
  std::string text = "fn main() {";
  for (int i = 0; i < 200; ++i) text += "while a {";
  for (int i = 0; i < 100'000; ++i) text += "a;";
  text += std::string(201, '}');
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const auto result = parser::format(sources, sources.add("deep.tn", text), diagnostics);
  !result&& diagnostics.all().size() == 1 && diagnostics.all()[0].code == "E0802"
      ? tally.pass()
      : tally.fail("a layout larger than a source may be", "is not refused as E0802");
}

/// More constructs that are not supported yet than there may be errors do not end the program
/// early.
void test_unsupported(Tally& tally) {
  std::string text;
  for (size_t i = 0; i < 3 * lexer::kMaxErrors; ++i) text += "import \"a.tn\";\n";
  const auto same = formatted(text), wrong = formatted(text + "fn");
  same == text && !wrong ? tally.pass() : tally.fail("many imports", "are not all read");
}

// ---- the tree

/// What people read first is in canonical layout.
void test_tree(const std::string& tenon, Tally& tally) {
  for (const std::string_view folder : {"examples", "lessons", "prelude"}) {
    for (const fs::path& path : files_below(root() / folder)) {
      if (path.extension() != ".tn" || !formatted(read_file(path)))
        continue;  // some are wrong on purpose
      Command command;
      command.argv = {tenon, "fmt", "--check", path.string()};
      const Outcome outcome = run(command);
      outcome.status == 0 ? tally.pass()
                          : tally.fail(path.lexically_relative(root()).string(),
                                       "is not in canonical layout\n" + outcome.out + outcome.err);
    }
  }
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  const Arguments arguments = read_arguments(argc, argv);
  Tally tally("format");
  test_programs(tally);
  test_command(arguments.tenon, tally);
  test_growth(tally);
  test_unsupported(tally);
  test_tree(arguments.tenon, tally);
  return tally.close();
}
