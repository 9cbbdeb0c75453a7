#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "lexer/scanner.h"
#include "lexer/utf8.h"

using namespace tenon::lexer;

namespace {

/// A text, its tokens and its diagnostics.
struct Scanned {
  SourceMap sources;
  Diagnostics diagnostics;
  std::vector<Token> tokens;

  explicit Scanned(std::string text) {
    Scanner scanner(sources, sources.add("in.tn", std::move(text)), diagnostics);
    do tokens.push_back(scanner.next());
    while (tokens.back().kind != TokenKind::end_of_file);
  }

  /// "kw_let name assign ..." without the end of file.
  std::string kinds() const {
    std::string text;
    for (const Token& token : tokens) {
      if (token.kind == TokenKind::end_of_file) break;
      text += (text.empty() ? "" : " ") + std::string(row(token.kind).name);
    }
    return text;
  }
  /// "E0101@1:5 ..." of all diagnostics.
  std::string errors() const {
    std::string text;
    for (const Diagnostic& d : diagnostics.all()) {
      Position at = sources.file(0).position(d.span.begin);
      text += fmt::format("{}{}@{}:{}", text.empty() ? "" : " ", d.code, at.line, at.column);
    }
    return text;
  }
  std::string rendered(DiagFormat format = DiagFormat::human, bool color = false) const {
    std::string text;
    for (const Diagnostic& d : diagnostics.all()) text += render(d, sources, format, color);
    return text;
  }
};

std::string kinds(std::string text) {
  return Scanned(std::move(text)).kinds();
}
std::string errors(std::string text) {
  return Scanned(std::move(text)).errors();
}

/// The hint of the only diagnostic.
std::string hint(std::string text) {
  Scanned scanned(std::move(text));
  REQUIRE(scanned.diagnostics.all().size() == 1);
  REQUIRE(scanned.diagnostics.all()[0].hints.size() == 1);
  return scanned.diagnostics.all()[0].hints[0].text;
}

}  // namespace

TEST_CASE("every fixed spelling of tokens.def scans as its row") {
  for (size_t i = 0; i < std::size(kTokens); ++i) {
    if (kTokens[i].group == TokenGroup::literal || kTokens[i].group == TokenGroup::end) continue;
    CAPTURE(kTokens[i].text);
    CHECK(kinds(std::string(kTokens[i].text)) == kTokens[i].name);
  }
}

TEST_CASE("words that only begin like a keyword are names") {
  CHECK(kinds("lets _let Let i32x summ _ f") == "name name name name name name name");
}

TEST_CASE("numbers") {
  for (std::string text : {"0", "42", "1_000", "0xff", "0xFF_00", "0xe"}) {
    CAPTURE(text);
    CHECK(kinds(text) == "integer");
    CHECK(errors(text) == "");
  }
  for (std::string text : {"1.0", "0.5", "1e5", "1E5", "1e-3", "2.5e+10", "1_0.0_1", "1e05"}) {
    CAPTURE(text);
    CHECK(kinds(text) == "floating");
    CHECK(errors(text) == "");
  }
  CHECK(kinds("2..5") == "integer dot_dot integer");
  CHECK(kinds("x[0..n]") == "name left_bracket integer dot_dot name right_bracket");
  CHECK(kinds("2.5..n") == "floating dot_dot name");
  CHECK(kinds("0xe+1") == "integer plus integer");
  CHECK(kinds("_1e-3") == "name minus integer");
  CHECK(errors("2..5 0xe+1 _1e-3") == "");
}

TEST_CASE("what only looks like a number is one error, and scanning goes on behind it") {
  for (std::string text : {".5", "1.", "007", "1__0", "1_", "0x", "0xg", "0X1", "12abc", "1.5f",
                           "1e-", "1e", "1.0e+", "00", "0b101", "1.2x"}) {
    CAPTURE(text);
    Scanned scanned(text + " end");
    CHECK(scanned.kinds() == "integer name");
    CHECK(scanned.errors() == "E0105@1:1");
    CHECK(scanned.sources.text(scanned.tokens[0].span) == text);
  }
  CHECK(hint(".5") == "write `0.5`");
  CHECK(hint("1.") == "write `1.0`");
  CHECK(hint("007") == "a number does not begin with 0: write `7`");
  CHECK(hint("00") == "a number does not begin with 0: write `0`");
  CHECK(hint("1__0") == "a single `_` may stand between two digits");
  CHECK(hint("12abc") == "a name cannot begin with a digit");
}

TEST_CASE("strings") {
  CHECK(kinds(R"("a" "" "\n\t\"\\" "ü")") == "string string string string");
  CHECK(string_value(R"("a\n\t\"\\b")") == "a\n\t\"\\b");
  CHECK(string_value(R"("")") == "");
  CHECK(errors(R"("a\qb" "c")") == "E0104@1:3");
  CHECK(errors("\"abc\nlet x") == "E0103@1:1");
  CHECK(kinds("\"abc\nlet x") == "string kw_let name");
  CHECK(errors("\"abc") == "E0103@1:1");
  CHECK(errors("\"abc\\") == "E0103@1:1");
  CHECK(errors("\"abc\\\n\"") == "E0103@1:1 E0103@2:1");
}

TEST_CASE("comments and blanks, to the end of line or file") {
  CHECK(kinds("a // b \" c\nd//") == "name name");
  CHECK(kinds("a\r\n\t b\r") == "name name");
  CHECK(kinds("\ufeffa") == "name");
  CHECK(kinds("") == "");
}

TEST_CASE("operators of other languages are understood, with a hint") {
  Scanned scanned("a && b || !c != d");
  CHECK(scanned.kinds() == "name kw_and name kw_or kw_not name not_equal name");
  CHECK(scanned.errors() == "E0101@1:3 E0101@1:8 E0101@1:11");
  CHECK(hint("&&") == "write `and`");
  CHECK(hint("/* no */") == "comments begin with `//`");
}

TEST_CASE("text that is not UTF-8, in code, strings and comments") {
  CHECK(errors("a \xff b") == "E0102@1:3");
  CHECK(errors("\"\xc3(\"") == "E0102@1:2");
  CHECK(errors("// \xed\xa0\x80\n// \xc0\xaf\nx") ==
        "E0102@1:4 E0102@2:4");                      // a surrogate; overlong
  CHECK(errors("\xf4\x90\x80\x80") == "E0102@1:1");  // beyond U+10FFFF
  CHECK(kinds("a \xff b") == "name name");
}

TEST_CASE("a NUL inside the text does not end it") {
  Scanned scanned(std::string("a\0b", 3));
  CHECK(scanned.kinds() == "name name");
  CHECK(scanned.errors() == "E0101@1:2");
}

TEST_CASE("positions count characters, from 1") {
  SourceFile file("x", "añb\r\n\n中c");
  auto at = [&](uint32_t offset) {
    Position position = file.position(offset);
    return fmt::format("{}:{}", position.line, position.column);
  };
  CHECK(at(0) == "1:1");
  CHECK(at(3) == "1:3");
  CHECK(at(6) == "2:1");
  CHECK(at(7) == "3:1");
  CHECK(at(10) == "3:2");
  CHECK(at(1000) == "3:3");
  CHECK(file.line(1) == "añb");
  CHECK(file.line(2) == "");
  CHECK(file.line(3) == "中c");
}

TEST_CASE("positions on a long line agree with counting") {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += i % 3 ? "a" : "é";
  SourceFile file("x", text);
  uint32_t column = 1;
  for (uint32_t i = 0; i < text.size(); ++i) {
    if (is_continuation(text[i])) continue;
    REQUIRE(file.position(i).column == column++);
  }
}

TEST_CASE("a diagnostic for people") {
  SourceMap sources;
  uint32_t file = sources.add("a.tn", "let a = 1;\n\tlet b = é + foo;\n");
  Diagnostics diagnostics;
  diagnostics.report(Diag::unknown_name, {file, 25, 28}, "foo")
      .with_label("not here")
      .note({file, 4, 5}, "look")
      .note({}, "nowhere")
      .hint("try `a`");
  CHECK(render(diagnostics.all()[0], sources) ==
        "a.tn:2:14: error[E0301]: `foo` is not defined\n"
        "    2 |     let b = é + foo;\n"
        "      |                 ^^^ not here\n"
        "a.tn:1:5: note: look\n"
        "    1 | let a = 1;\n"
        "      |     ^\n"
        "note: nowhere\n"
        "hint: try `a`\n");
  CHECK(render(diagnostics.all()[0], sources, DiagFormat::short_) ==
        "a.tn:2:14: error[E0301]: `foo` is not defined\n");
  CHECK(render(diagnostics.all()[0], sources, DiagFormat::human, true).find("\x1b[") !=
        std::string::npos);
}

TEST_CASE("shapes that clash stand below each other, column under column") {
  SourceMap sources;
  sources.add("a.tn", "a + b");
  Diagnostics diagnostics;
  Diagnostic& d = diagnostics.report(Diag::shapes_differ, {}, "f32[8, 64, 128]", "bf16[64, 100]");
  d.alignment = {{{"`a`", "f32", {"8", "64", "128"}, 0}, {"right", "bf16", {"64", "100"}, 1}},
                 {2},
                 "128 and 100"};
  const std::string head =
      "error[E0506]: `f32[8, 64, 128]` and `bf16[64, 100]` cannot be combined element by element\n";
  CHECK(render(d, sources) == head + "note: `a`     f32[8, 64, 128]\n"
                                     "note: right     bf16[64, 100]\n"
                                     "                         ^^^ 128 and 100\n");
  auto json = nlohmann::json::parse(render(d, sources, DiagFormat::json));
  CHECK(json["shapes"]["rows"][1]["extents"][0] == "64");
  CHECK(json["shapes"]["clashes"][0] == 2);
  // A line that nobody could read is left out.
  d.alignment.rows[0].cells.assign(60, "100000");
  CHECK(render(d, sources) == head);
}

TEST_CASE("a hint with an edit is a help, and programs get the edit") {
  SourceMap sources;
  uint32_t file = sources.add("a.tn", "let a = .5;");
  Diagnostics diagnostics;
  Diagnostic& d = diagnostics.report(Diag::malformed_number, {file, 8, 10}, ".5");
  d.hint("write `0.5`", {{{file, 8, 10}, "0.5"}});
  CHECK(render(d, sources).ends_with("\nhelp: write `0.5`\n"));
  auto edit = nlohmann::json::parse(render(d, sources, DiagFormat::json))["hints"][0]["edits"][0];
  CHECK(edit["column"] == 9);
  CHECK(edit["end_column"] == 11);
  CHECK(edit["text"] == "0.5");
  CHECK(render_fixed(d, d.hints[0], sources, DiagFormat::human) ==
        "a.tn:1:9: fixed[E0105]: write `0.5`\n");
}

TEST_CASE("what a number was meant to be is said only where that is certain") {
  const auto meant = [](std::string text) {
    Scanned scanned(std::move(text));
    REQUIRE(scanned.diagnostics.all().size() == 1);
    const auto& edits = scanned.diagnostics.all()[0].hints.at(0).edits;
    return edits.empty() ? "" : edits[0].text;
  };
  CHECK(meant(".5") == "0.5");
  CHECK(meant("1.") == "1.0");
  CHECK(meant("007") == "7");
  CHECK(meant("00") == "0");
  CHECK(meant("010") == "");  // 8 or 10
  CHECK(meant("1__000_") == "1_000");
  CHECK(meant("0XfF") == "0xfF");
  CHECK(meant("12abc") == "");
  CHECK(meant("x.5") == "");
  CHECK(meant("(x).5") == "");
  CHECK(meant("a&&b") == " and ");
  CHECK(meant("a && b") == "and");
  CHECK(meant("!a") == "not ");
}

TEST_CASE("other languages' comments are reported once, whatever is in them") {
  CHECK(errors("# it's \"not\" $ Tenon\n$") == "E0101@1:1 E0101@2:1");
  CHECK(errors("/* it's\n $ */ $") == "E0101@1:1 E0101@2:7");
  CHECK(errors("/* never ends $") == "E0101@1:1");
}

TEST_CASE("a diagnostic for programs") {
  SourceMap sources;
  uint32_t file = sources.add("a.tn", "x\ny\xff z");
  Diagnostics diagnostics;
  diagnostics.report(Diag::unknown_name, {file, 0, 4}, "y\xff")
      .note({file, 2, 3}, "here")
      .hint("h");
  auto json = nlohmann::json::parse(render(diagnostics.all()[0], sources, DiagFormat::json));
  CHECK(json["code"] == "E0301");
  CHECK(json["line"] == 1);
  CHECK(json["end_line"] == 2);
  CHECK(json["notes"][0]["line"] == 2);
  CHECK(json["hints"][0]["message"] == "h");
}

TEST_CASE("rendering survives any span") {
  SourceMap sources;
  uint32_t file = sources.add("a.tn", "ab\ncd");
  Diagnostics diagnostics;
  for (Span span : {Span{file, 1, 5}, Span{file, 5, 5}, Span{file, 4, 2}, Span{file, 99, 200},
                    Span{7, 0, 1}, Span{}}) {
    for (DiagFormat format : {DiagFormat::human, DiagFormat::short_, DiagFormat::json}) {
      CHECK(render({"E0201", span, "m"}, sources, format).find("m") !=
            std::string::npos);
    }
  }
}

TEST_CASE("wide characters and control characters keep the underline in its place") {
  CHECK(Scanned("中 $").rendered().find("    1 | 中 $\n      | ^^\n") != std::string::npos);
  std::string text = Scanned("\x1b[2J $").rendered();
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("U+001B") != std::string::npos);
}

TEST_CASE("diagnostics: one per place, and no more than kMaxErrors") {
  Diagnostics diagnostics;
  diagnostics.report(Diag::unknown_name, {0, 1, 2}, "a");
  diagnostics.report(Diag::unknown_name, {0, 1, 2}, "b").hint("of the dropped one");
  REQUIRE(diagnostics.all().size() == 1);
  CHECK(diagnostics.all()[0].hints.empty());
  for (uint32_t i = 0; i < 100; ++i) diagnostics.report(Diag::unknown_name, {0, i, i + 9}, "c");
  CHECK(diagnostics.full());
  CHECK(diagnostics.all().size() == kMaxErrors);
}

TEST_CASE("hostile: a megabyte of random bytes") {
  std::mt19937 random(1);
  std::string text(1 << 20, '\0');
  for (char& c : text) c = static_cast<char>(random());
  Scanned scanned(text);
  CHECK(scanned.diagnostics.all().size() == kMaxErrors);
  CHECK(scanned.rendered().size() < 20'000);
}

TEST_CASE("hostile: endless lines, names, numbers and strings render small") {
  const std::string long_name(10 << 20, 'x'), long_number(10 << 20, '0');
  for (const std::string& text :
       {long_name + " $ " + long_name, long_number, "\"" + long_name, "\"\\q" + long_name + "\n"}) {
    Scanned scanned(text);
    CHECK(scanned.diagnostics.any());
    CHECK(scanned.rendered().size() < 2'000);
    CHECK(scanned.rendered(DiagFormat::json).size() < 2'000);
  }
}
