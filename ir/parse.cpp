// The parser of the text form: functions. Their blocks are parse_function.cpp's, index expressions parse_expr.cpp's.
//
//   module   = {function}
//   function = "func" @name "(" [param {"," …}] ")" ["->" results] ["effects"] ["recursive"]
//              ["exported" name] "{"
//              {block} "}"
//   results  = type | "(" type {"," …} ")"
//   block    = name ["(" param {"," …} ")"] ":" {instruction}         a line each
//   param    = %name ":" type
//
// Two rounds: the first reads headers and where blocks begin and go on, so that functions and
// blocks may be named before they stand; the second reads blocks, each after those that dominate
// it, so that the type of every value is known where it is used.
#include <charconv>

#include "ir/parse_function.h"

namespace tenon::ir {
namespace {

class ModuleParser {
 public:
  ModuleParser(const lexer::SourceMap& sources, uint32_t file, lexer::Diagnostics& diagnostics)
      : scanner_(sources.file(file).text(), file, diagnostics), diagnostics_(diagnostics) {}

  Module run();

 private:
  /// Runs `read`, which may fail, and says whether it did not.
  template <class Read>
  bool survives(Read read) {
    try {
      read();
      return true;
    } catch (const SyntaxError&) {
      return false;
    }
  }
  void header();
  void results(Function& function);
  void outline(FunctionOutline& outline);

  TextScanner scanner_;
  lexer::Diagnostics& diagnostics_;
  Module module_;
  Names functions_;
  std::vector<FunctionOutline> outlines_;
};

Module ModuleParser::run() {
  bool fine = survives([&] { scanner_.seek({}); });
  while (!diagnostics_.full()) {
    if (!fine) scanner_.skip_to("func");
    fine = survives([&] {
      scanner_.skip_newlines();
      if (scanner_.peek().kind != TokenKind::end) header();
    });
    if (fine && scanner_.peek().kind == TokenKind::end) break;
  }
  for (FunctionOutline& outline : outlines_) {
    if (diagnostics_.full()) break;
    Names names = std::move(outline.names);
    names.functions.swap(functions_.functions);  // lent, as it may be large
    survives([&] { parse_blocks(scanner_, module_, outline, names); });
    names.functions.swap(functions_.functions);
  }
  module_.main = module_.find("main");
  return std::move(module_);
}

void ModuleParser::header() {
  const Span begin = scanner_.peek().span;
  scanner_.expect_name("func");
  const Token name = scanner_.expect(TokenKind::function, "the name of a function");
  const FuncId id{static_cast<uint32_t>(module_.functions.size())};
  if (!functions_.functions.emplace(name.text, id).second)
    scanner_.fail(name.span, fmt::format("function `@{}` is defined twice", name.text));
  Function& function = module_.functions.emplace_back();
  function.name = name.text;
  FunctionOutline found{id, {}, {}};
  function.params = parse_params(scanner_, module_, function, found.names);
  if (scanner_.accept("->")) results(function);
  function.pure = !scanner_.at_name("effects");
  if (!function.pure) scanner_.take();
  function.recursive = scanner_.at_name("recursive");
  if (function.recursive) scanner_.take();
  if (scanner_.accept_name("exported"))
    function.exported = scanner_.expect(TokenKind::name, "the name for C").text;
  if (scanner_.accept_name("prepared")) {
    const Token count = scanner_.expect(TokenKind::number, "the number of prepared parameters");
    function.prepared = static_cast<uint32_t>(function.params.size() + 1);  // what does not fit, verify() says
    std::from_chars(count.text.data(), count.text.data() + count.text.size(), *function.prepared);
  }
  function.span = lexer::join(begin, scanner_.last_span());
  scanner_.expect("{");
  outline(found);
  outlines_.push_back(std::move(found));
}

void ModuleParser::results(Function& function) {
  const bool several = scanner_.accept("(");
  do {
    function.results.push_back(module_.types.intern(parse_type(scanner_)));
  } while (several && scanner_.accept(","));
  if (several) scanner_.expect(")");
}

/// A line begins a block if its first word is followed by `:` or `(`; no instruction's is.
void ModuleParser::outline(FunctionOutline& outline) {
  for (;;) {
    scanner_.expect(TokenKind::newline, "the end of the line");
    if (scanner_.accept("}")) return;
    const TextPosition begin = scanner_.position();
    const Token first = scanner_.peek();
    if (first.kind == TokenKind::name) {
      const Token second = scanner_.peek_second();
      if (second.is(TokenKind::symbol, ":") || second.is(TokenKind::symbol, "("))
        outline.blocks.push_back({first, begin, {}});
    }
    if (outline.blocks.empty()) scanner_.fail_expected("a block's label, as `entry:`");
    const bool goes_on = first.text == "jump" || first.text == "branch";
    while (scanner_.peek().kind != TokenKind::newline) {
      if (scanner_.peek().kind == TokenKind::end) scanner_.fail_expected("`}`");
      const Token token = scanner_.take();
      if (goes_on && token.kind == TokenKind::name && token.text.data() != first.text.data())
        outline.blocks.back().targets.push_back(token.text);
    }
  }
}

}  // namespace

Module parse(const lexer::SourceMap& sources, uint32_t file, lexer::Diagnostics& diagnostics) {
  return ModuleParser(sources, file, diagnostics).run();
}

}  // namespace tenon::ir
