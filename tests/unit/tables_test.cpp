// The tables are complete: a row that nothing explains or tests fails here.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "ast/schedule.h"
#include "lexer/diag.h"
#include "opt/pipelines.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = root();

/// Codes that no golden test can draw, and what tests them instead.
const std::map<std::string_view, std::string_view> kNoGolden = {
    {"E0706", "out of memory: how much there is differs; tests/unit/runtime_tensor_test.cpp"},
    {"E0801", "is about a file that is not there: tests/hostile/hostile.cpp"},
    {"E0802", "takes a text of 17 MB: tests/hostile/hostile.cpp"},
};

struct Code {
  std::string_view name, code;
};
constexpr Code kCodes[] = {
#define DIAG(name, code, message) {#name, code},
#include "lexer/diag.def"
#define FAULT(name, code, message) {#name, code},
#include "runtime/faults.def"
};

struct Operation {
  std::string_view text, infix;
};
constexpr Operation kOperations[] = {
#define SCALAR_OP(name, text, arity, infix, precedence, operands, result, meaning) {text, infix},
#include "runtime/scalar_ops.def"
};

/// The contents of every file below `folder` that ends so.
std::string all_text(const fs::path& folder, std::string_view ending) {
  std::string text;
  for (const fs::path& path : files_below(folder)) {
    if (path.extension() == ending) text += read_file(path) + "\n";
  }
  return text;
}

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

/// `part` stands in `text` and is no piece of a longer word (or of a longer operator).
bool contains_whole(std::string_view text, std::string_view part) {
  const bool word = is_word_char(part[0]);
  auto joins = [&](char c) {
    return word ? is_word_char(c) : std::string_view("+-*/%=<>!").find(c) != std::string_view::npos;
  };
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
    const size_t end = at + part.size();
    if ((at == 0 || !joins(text[at - 1])) && (end == text.size() || !joins(text[end]))) return true;
  }
  return false;
}

TEST_CASE("every code has a page") {
  for (const Code& row : kCodes) {
    CAPTURE(row.name);
    CAPTURE(row.code);
    CHECK(fs::exists(kRoot / "docs/errors" / (std::string(row.code) + ".md")));
  }
}

TEST_CASE("every page has a code") {
  for (const fs::path& path : entries_of(kRoot / "docs/errors")) {
    const std::string code = path.stem().string();
    if (!code.starts_with("E")) continue;
    CAPTURE(code);
    CHECK(std::any_of(std::begin(kCodes), std::end(kCodes),
                      [&](const Code& row) { return row.code == code; }));
  }
}

TEST_CASE("no code is given twice") {
  std::set<std::string_view> seen;
  for (const Code& row : kCodes) {
    CAPTURE(row.code);
    CHECK(seen.insert(row.code).second);
  }
}

TEST_CASE("every code has a golden test") {
  const std::string expected = all_text(kRoot / "tests/golden/errors", ".expected");
  for (const Code& row : kCodes) {
    CAPTURE(row.name);
    CAPTURE(row.code);
    if (kNoGolden.contains(row.code)) continue;
    CHECK(contains(expected, "error[" + std::string(row.code) + "]"));
  }
}

TEST_CASE("every scalar operation is used by a program that runs on every engine") {
  const std::string programs = all_text(kRoot / "tests/programs", ".tn");
  for (const Operation& row : kOperations) {
    CAPTURE(row.text);
    CHECK((contains_whole(programs, row.text) ||
           (!row.infix.empty() && contains_whole(programs, row.infix))));
  }
}

TEST_CASE("every directive stands on the page of schedules, and has a golden test that shows it") {
  const std::string page = read_file(kRoot / "docs/schedules.md");
  for (const ast::typed::DirectiveRow& row : ast::typed::kDirectives) {
    CAPTURE(row.name);
    CHECK(contains(page, fmt::format("| `{}` | {} |\n", form_of(row), row.meaning)));
    if (row.target == ast::typed::DirectiveTarget::gpu) continue;
    const fs::path golden = kRoot / "tests/golden/directives" / row.name;
    CHECK((fs::exists(golden.string() + ".loops") || fs::exists(golden.string() + ".ir")));
  }
}

/// Rows of ir/ops.def and ir/expr.def by enumerator. That they have a rule of the verifier, a
/// reader and a printer the compiler sees to (check_NAME, parse_NAME, switches).
constexpr std::string_view kInstructions[] = {
#define OP(name, text, arity, result, trait, meaning) #name,
#include "ir/ops.def"
};
constexpr std::string_view kExpressions[] = {
#define EXPR(name, meaning) #name,
#include "ir/expr.def"
};

TEST_CASE("every instruction and kind of expression has a case in the interpreter") {
  const std::string interpreter =
      read_file(kRoot / "ir/interpret.cpp") + read_file(kRoot / "ir/interpret_body.cpp");
  for (const std::string_view name : kInstructions) {
    CAPTURE(name);
    CHECK(contains_whole(interpreter, "Op::" + std::string(name)));
  }
  for (const std::string_view name : kExpressions) {
    CAPTURE(name);
    CHECK(contains_whole(interpreter, "ExprKind::" + std::string(name)));
  }
}

struct Pass {
  std::string name, function;
  bool of_machines = false;  ///< what it brings, counts of instructions do not show
};
const Pass kPasses[] = {
#define PASS(name, function, level, lesson, meaning) {#name, #function},
#include "opt/passes.def"
#define PASS(name, function, level, lesson, meaning) {#name, #function, true},
#include "opt/gpu_passes.def"
#define PASS(name, function, level, before, lesson, meaning) {#name, #function, true},
#include "opt/cpu_passes.def"
};

/// The source in which `void function(Module& module, …` stands; empty if none does.
fs::path source_of(const std::string& function) {
  for (const fs::path& path : files_below(kRoot / "opt")) {
    if (path.extension() != ".cpp") continue;
    const std::string text = read_file(path);
    for (const std::string_view type : {"Module&", "ir::Module&"})
      if (contains(text, fmt::format("\nvoid {}({}", function, type))) return path;
  }
  return {};
}

// What a pass brings, tests/passes counts; that it does something, its golden shows.
TEST_CASE(
    "every pass has a golden, a program on which it pays, and a file of less than 300 lines") {
  for (const Pass& pass : kPasses) {
    CAPTURE(pass.name);
    CHECK(fs::exists(kRoot / "tests/golden/opt" / (pass.name + ".ir")));
    CHECK(fs::exists(kRoot / "tests/golden/opt" / (pass.name + ".expected")));
    CHECK((pass.of_machines || fs::exists(kRoot / "tests/passes" / (pass.name + ".tn"))));
    const fs::path source = source_of(pass.function);
    CHECK(!source.empty());
    if (source.empty()) continue;
    CHECK(split_lines(read_file(source)).size() < 300);
  }
}

TEST_CASE("a program in tests/passes is for a pass that there is") {
  for (const fs::path& path : entries_of(kRoot / "tests/passes")) {
    if (path.extension() != ".tn") continue;
    CAPTURE(path.string());
    CHECK(std::ranges::find(kPasses, path.stem().string(), &Pass::name) != std::end(kPasses));
  }
}

TEST_CASE("pipelines hold what their level has, and are in an order that is allowed") {
  for (int level = 0; level <= 3; ++level) {
    CAPTURE(level);
    std::set<std::string_view> held;
    for (const opt::PassRow* pass : opt::parse_pipeline(opt::pipeline(level))) {
      CAPTURE(pass->name);
      CHECK(pass->level <= level);
      held.insert(pass->name);
    }
    for (const opt::PassRow& pass : opt::passes()) {
      CAPTURE(pass.name);
      CHECK(held.contains(pass.name) == (pass.level <= level));
    }
  }
}

TEST_CASE("every constraint is about passes that there are, says why, and is kept") {
  for (const opt::Constraint& constraint : opt::constraints()) {
    CAPTURE(constraint.first);
    CAPTURE(constraint.second);
    const bool but_own = constraint.second == opt::kAnyButOwn;
    const bool any = but_own || constraint.second == opt::kAnyOther;
    CHECK(opt::find_pass(constraint.first) != nullptr);
    CHECK((any || opt::find_pass(constraint.second) != nullptr));
    CHECK(!constraint.reason.empty());
    for (const opt::PassRow& pass : opt::passes()) {
      if (any ? pass.name == constraint.first : pass.name != constraint.second) continue;
      if (but_own && pass.name == "own") continue;
      const std::string wrong = fmt::format("{},{}", constraint.first, pass.name);
      CHECK_THROWS_AS(opt::parse_pipeline(wrong), opt::BadPipeline);
    }
  }
}

TEST_CASE("a whole word or operator is told from a part of one") {
  CHECK(contains_whole("let y = exp(x);", "exp"));
  CHECK_FALSE(contains_whole("let y = expose(x);", "exp"));
  CHECK(contains_whole("a < b", "<"));
  CHECK_FALSE(contains_whole("a <= b", "<"));
  CHECK_FALSE(contains_whole("x ** 2", "*"));
}

}  // namespace
}  // namespace tenon::tests
