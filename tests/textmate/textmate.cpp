// The editor's grammar does not drift from the compiler: over every program of the tree, each token
// of the scanner gets one scope, of the class that its row of tokens.def has.
//
//   tenon_textmate
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lexer/scanner.h"
#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"
#include "tests/textmate/grammar.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;
using lexer::TokenGroup;
using enum lexer::TokenKind;

const fs::path kExtension = root() / "editors/vscode";

/// The scalar operations; those without a symbol are built-ins.
struct Operation {
  std::string_view text, infix;
};
constexpr Operation kOperations[] = {
#define SCALAR_OP(name, text, arity, infix, precedence, operands, result, meaning) {text, infix},
#include "runtime/scalar_ops.def"
};

/// What the scopes of a token may begin with.
std::vector<std::string_view> classes_of(const lexer::Token& token, lexer::TokenKind before) {
  const lexer::TokenRow& row = lexer::row(token.kind);
  switch (row.group) {
    case TokenGroup::keyword: return {"keyword.", "storage.", "constant.language."};
    case TokenGroup::type:
      if (before == dot) return {"variable.other.member."};
      return {"support.type."};
    case TokenGroup::reduction:
      if (before == dot) return {"variable.other.member."};
      return {"support.function.reduction."};
    case TokenGroup::punctuation:
      if (token.kind <= dot) return {"punctuation."};
      return {"keyword.operator."};
    case TokenGroup::literal:
      if (token.kind == name) return {"variable.", "entity.name.", "support.function.builtin."};
      if (token.kind == string) return {"string.quoted.double."};
      return {"constant.numeric."};
    case TokenGroup::end: break;
  }
  return {};
}

/// One of the scopes in the list begins like one of the classes.
bool is_of(const std::string& scopes, const std::vector<std::string_view>& classes) {
  const std::vector<std::string> words = split_words(scopes);
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::any_of(classes.begin(), classes.end(),
                       [&](std::string_view one) { return word.starts_with(one); });
  });
}

/// The first place where grammar and scanner disagree, or nothing. What the scanner finds wrong may
/// look as it likes.
std::string compare(const Grammar& grammar, const std::string& text) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const uint32_t file = sources.add("test.tn", text);
  const std::vector<std::string> scopes = grammar.scopes(text);
  lexer::Scanner scanner(sources, file, diagnostics);
  auto problem = [&](size_t at, std::string_view what) {
    const lexer::Position place = sources.file(file).position(static_cast<uint32_t>(at));
    return fmt::format("{}:{}: {} has the scope `{}`", place.line, place.column, what, scopes[at]);
  };
  uint32_t end = 0;
  lexer::TokenKind before = end_of_file;
  for (;;) {
    const size_t errors = diagnostics.all().size();
    const lexer::Token token = scanner.next();
    const bool is_wrong = diagnostics.all().size() > errors;
    if (diagnostics.full()) return {};
    for (size_t at = text.find("//", end); at < token.span.begin && !is_wrong;) {
      const size_t line_end = std::min(text.find_first_of("\r\n", at), text.size());
      for (; at < line_end; ++at) {
        if (!is_of(scopes[at], {"comment.line.double-slash."})) return problem(at, "a comment");
      }
      at = text.find("//", line_end);
    }
    if (token.kind == end_of_file) return {};
    const auto classes = classes_of(token, before);
    for (uint32_t at = token.span.begin; at < token.span.end && !is_wrong; ++at) {
      const bool is_one = token.kind == string || scopes[at] == scopes[token.span.begin];
      if (!is_one || !is_of(scopes[at], classes))
        return problem(
            at, fmt::format("{} `{}`", lexer::row(token.kind).name, sources.text(token.span)));
    }
    end = token.span.end;
    before = token.kind;
  }
}

void test_programs(const Grammar& grammar, Tally& tally) {
  std::vector<fs::path> programs;
  for (const std::string_view folder : {"examples", "lessons", "prelude", "tests", "bench"}) {
    for (const fs::path& path : files_below(root() / folder)) {
      if (path.extension() == ".tn") programs.push_back(path);
    }
  }
  for_each_in_parallel(programs.size(), [&](size_t i) {
    const std::string problem = compare(grammar, read_file(programs[i]));
    problem.empty() ? tally.pass()
                    : tally.fail(programs[i].lexically_relative(root()).string(), problem);
  });
}

/// The text of every row, so that none is missing only because no program uses it.
std::string every_row() {
  std::string text;
  for (const lexer::TokenRow& row : lexer::kTokens) {
    if (row.group != TokenGroup::end && row.group != TokenGroup::literal)
      text += fmt::format("a {} b\n", row.text);
  }
  return text;
}

/// Words that only look like others, and places where words mean something else.
constexpr std::string_view kTricky =
    R"(fn iffy[N](whiles: f32[N], in_: i8) -> f32 { return format; }
let x = s.max + s . min.f32[0..max(1, 2)] - t.maximum; // "no; string"
print("no // comment", "\"\\ \n", 0..0xfF, 1_0.5e-3, 2.5..n, i..j, ...r); let f32x = sum[k] sums(k);
)";

void test_rows(const Grammar& grammar, Tally& tally) {
  for (const auto& [what, text] :
       {std::pair<std::string, std::string>{"every row of tokens.def", every_row()},
        {"words that look like others", std::string(kTricky)}}) {
    const std::string problem = compare(grammar, text);
    problem.empty() ? tally.pass() : tally.fail(what, problem);
  }
  for (const Operation& op : kOperations) {
    if (!op.infix.empty()) continue;
    const std::string scope = grammar.scopes(fmt::format("{}(x)", op.text))[0];
    is_of(scope, {"support.function."})
        ? tally.pass()
        : tally.fail(op.text, "is a built-in, and has the scope `" + scope + "`");
  }
}

/// This test can fail: it finds each of these mistakes in the grammar.
void test_mistakes(const std::string& text, Tally& tally) {
  constexpr std::pair<std::string_view, std::string_view> kMistakes[] = {
      {"|while|", "|until|"}, {"|bf16|", "|"},       {"|argmin)", ")"},
      {"bimport", "bexport"}, {"const|", "\\\\w+|"}, {"\"->\"", "\"-->\""},
      {"==|!=", "=="},        {"//.*$", "//[^;]*"},  {"(?:_?[0-9A-Fa-f])*", ""},
  };
  for (const auto& [right, wrong] : kMistakes) {
    std::string other = text;
    for (size_t at = 0; (at = other.find(right, at)) != std::string::npos; at += wrong.size()) {
      other.replace(at, right.size(), wrong);
    }
    const Grammar grammar(other);
    !(compare(grammar, every_row()) + compare(grammar, std::string(kTricky))).empty()
        ? tally.pass()
        : tally.fail(right, "may be missing in the grammar, and nothing notices");
  }
}

/// The extension's files are where its package.json says, and are JSON.
void test_package(Tally& tally) {
  const auto package = nlohmann::json::parse(read_file(kExtension / "package.json"));
  const auto& contributes = package.at("contributes");
  for (const std::string path : {contributes.at("grammars").at(0).at("path"),
                                 contributes.at("languages").at(0).at("configuration")}) {
    nlohmann::json::accept(read_file(kExtension / path)) ? tally.pass()
                                                         : tally.fail(path, "is no JSON");
  }
}

}  // namespace
}  // namespace tenon::tests

int main() {
  using namespace tenon::tests;
  Tally tally("textmate");
  const std::string text = read_file(kExtension / "syntaxes/tenon.tmLanguage.json");
  const Grammar grammar(text);
  test_programs(grammar, tally);
  test_rows(grammar, tally);
  test_mistakes(text, tally);
  test_package(tally);
  return tally.close();
}
