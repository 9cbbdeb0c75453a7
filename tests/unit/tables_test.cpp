// The tables are complete: a row that nothing explains or tests fails here.
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "lexer/diag.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = TENON_ROOT;

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

TEST_CASE("a whole word or operator is told from a part of one") {
  CHECK(contains_whole("let y = exp(x);", "exp"));
  CHECK_FALSE(contains_whole("let y = expose(x);", "exp"));
  CHECK(contains_whole("a < b", "<"));
  CHECK_FALSE(contains_whole("a <= b", "<"));
  CHECK_FALSE(contains_whole("x ** 2", "*"));
}

}  // namespace
}  // namespace tenon::tests
