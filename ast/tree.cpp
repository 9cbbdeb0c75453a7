// `tenon emit ast`.
#include "ast/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

namespace tenon::ast {
namespace {

constexpr std::string_view kReductions[] = {"sum", "prod", "max",    "min",
                                            "any", "all",  "argmax", "argmin"};

/// Writes a line per node and its children below it, two columns further in. Where a child's part
/// would not be clear from its place, a line without a span names it: `then`, `else`, `index i`.
class Printer {
 public:
  explicit Printer(const lexer::SourceMap& sources) : sources_(sources) {}

  std::string program(const Program& program) {
    for (const Import& item : program.imports) line(item.span, "import {}", quoted(item.path));
    for (const Const& item : program.consts) {
      line(item.span, "const {}", item.name.text);
      below([&] { expr(item.value); });
    }
    for (const Record& item : program.records) record(item);
    for (const Function& item : program.functions) function(item);
    return std::move(text_);
  }

 private:
  // ---- lines

  template <class... Args>
  void line(Span span, fmt::format_string<Args...> format, Args&&... args) {
    begin_line();
    fmt::format_to(out_, format, std::forward<Args>(args)...);
    text_ += ' ';
    place(span);
    text_ += '\n';
  }

  /// Names a part of the node above, and prints it.
  template <class Body>
  void part(std::string_view role, Body body) {
    begin_line();
    fmt::format_to(out_, "{}\n", role);
    below(body);
  }

  template <class Body>
  void below(Body body) {
    ++level_;
    body();
    --level_;
  }

  /// Very deep levels share one indentation: the text stays in proportion to the tree.
  void begin_line() { text_.append(std::min<size_t>(2 * level_, 100), ' '); }

  /// line:col-line:col, the end behind the last character.
  void place(Span span) {
    if (!span.known()) return;
    const lexer::SourceFile& file = sources_.file(span.file);
    lexer::Position begin = file.position(span.begin), end = file.position(span.end);
    fmt::format_to(out_, "{}:{}-{}:{}", begin.line, begin.column, end.line, end.column);
  }

  // ---- items

  void function(const Function& function) {
    line(function.span, "function {}", function.name.text);
    below([&] {
      parameters(function.parameters);
      params("param", function.params);
      if (function.result) part("result", [&] { type(*function.result); });
      part("body", [&] { block(function.body); });
    });
  }

  void record(const Record& record) {
    line(record.span, "struct {}", record.name.text);
    below([&] {
      parameters(record.parameters);
      params("field", record.fields);
    });
  }

  void parameters(std::span<const Parameter> parameters) {
    constexpr std::string_view kKinds[] = {"dimension", "type", "run"};
    for (const Parameter& p : parameters) {
      line(p.name.span, "{} {}{}{}", kKinds[static_cast<int>(p.kind)], p.name.text,
           p.bound.text.empty() ? "" : ": ", p.bound.text);
      if (p.fallback) below([&] { expr(p.fallback); });
    }
  }

  void params(std::string_view role, std::span<const Param> params) {
    for (const Param& param : params) {
      line(param.name.span, "{} {}", role, param.name.text);
      below([&] { type(param.type); });
    }
  }

  void type(const TypeExpr& type) {
    if (const auto* parts = std::get_if<std::vector<TypeExpr>>(&type.head)) {
      line(type.span, "type tuple");
      below([&] {
        for (const TypeExpr& part : *parts) this->type(part);
      });
      return;
    }
    const auto* name = std::get_if<Name>(&type.head);
    line(type.span, "type {}", name ? name->text : row(std::get<DType>(type.head)).text);
    below([&] { brackets(type.args); });
  }

  void brackets(std::span<const BracketArg> args) {
    for (const BracketArg& arg : args) bracket(arg);
  }
  void bracket(const BracketArg& arg) {
    const auto value = [&] {
      if (const auto* e = std::get_if<ExprPtr>(&arg.value)) return expr(*e);
      line(arg.span, "type {}", row(std::get<DType>(arg.value)).text);
    };
    if (arg.name.text.empty()) return value();
    part(arg.name.text, value);
  }

  void indices(std::span<const IndexBinding> indices) {
    for (const IndexBinding& index : indices) {
      line(index.name.span, "index {}{}", index.is_run ? "..." : "", index.name.text);
      below([&] {
        if (index.lo) part("from", [&] { expr(index.lo); });
        if (index.hi) part("to", [&] { expr(index.hi); });
      });
    }
  }

  // ---- statements

  void block(const Block& block) {
    for (const Stmt& stmt : block) {
      std::visit([&](const auto& node) { print(stmt.span, node); }, stmt.node);
    }
  }

  void print(Span span, const Let& let) {
    line(span, "{} {}", let.is_var ? "var" : "let", let.name.text);
    below([&] {
      if (let.indices) indices(*let.indices);
      if (let.type) type(*let.type);
      expr(let.value);
      if (let.schedule) schedule(*let.schedule);
    });
  }
  void print(Span span, const LetTuple& let) {
    line(span, "{} tuple", let.is_var ? "var" : "let");
    below([&] {
      for (const Name& name : let.names) line(name.span, "name {}", name.text);
      expr(let.value);
    });
  }
  void schedule(const Schedule& schedule) {
    std::string path;
    for (const Name& name : schedule.path) path += (path.empty() ? " " : ".") + name.text;
    line(schedule.span, "schedule{}", path);
    below([&] {
      for (const Directive& directive : schedule.directives) {
        line(directive.name.span, "directive {}", directive.name.text);
        below([&] {
          for (const DirectiveWord& word : directive.words) {
            if (word.factor)
              expr(word.factor);
            else if (!word.name.empty())
              line(word.span, "word {}", word.name);
          }
        });
      }
    });
  }
  void print(Span span, const Assign& assign) {
    line(span, "assign {}=", assign.op ? row(*assign.op).infix : "");
    below([&] {
      expr(assign.target);
      expr(assign.value);
    });
  }
  void print(Span span, const If& branch) {
    line(span, "if");
    below([&] {
      expr(branch.condition);
      part("then", [&] { block(branch.then); });
      if (!branch.otherwise.empty()) part("else", [&] { block(branch.otherwise); });
    });
  }
  void print(Span span, const While& loop) {
    line(span, "while");
    below([&] {
      expr(loop.condition);
      part("body", [&] { block(loop.body); });
    });
  }
  void print(Span span, const For& loop) {
    line(span, "for {}", loop.name.text);
    below([&] {
      expr(loop.lo);
      expr(loop.hi);
      part("body", [&] { block(loop.body); });
    });
  }
  void print(Span span, const Break&) { line(span, "break"); }
  void print(Span span, const Continue&) { line(span, "continue"); }
  void print(Span span, const Return& statement) {
    line(span, "return");
    below([&] {
      if (statement.value) expr(statement.value);
    });
  }
  void print(Span span, const Evaluate& statement) {
    line(span, "evaluate");
    below([&] { expr(statement.value); });
  }

  // ---- expressions

  void expr(const ExprPtr& expr) {
    std::visit([&](const auto& node) { print(expr->span, node); }, expr->node);
  }
  void exprs(std::span<const ExprPtr> exprs) {
    for (const ExprPtr& e : exprs) expr(e);
  }
  void operands(const ExprPtr& left, const ExprPtr& right) {
    below([&] {
      expr(left);
      expr(right);
    });
  }

  void print(Span span, const NumberLiteral& e) { line(span, "number {}", e.text); }
  void print(Span span, const BoolLiteral& e) { line(span, "{}", e.value); }
  void print(Span span, const StringLiteral& e) { line(span, "string {}", quoted(e.value)); }
  void print(Span span, const NameRef& e) { line(span, "name {}", e.name); }
  void print(Span span, const ErrorExpr&) { line(span, "error"); }
  void print(Span span, const Unary& e) {
    line(span, "{}", row(e.op).text);
    below([&] { expr(e.operand); });
  }
  void print(Span span, const Binary& e) {
    line(span, "{}", row(e.op).text);
    operands(e.left, e.right);
  }
  void print(Span span, const Matmul& e) {
    line(span, "matmul");
    operands(e.left, e.right);
  }
  void print(Span span, const Call& e) {
    line(span, "call {}", e.callee.text);
    below([&] {
      if (!e.brackets.empty()) part("brackets", [&] { brackets(e.brackets); });
      for (size_t i = 0; i < e.args.size(); ++i) {
        const bool named = !e.arg_names.empty() && !e.arg_names[i].text.empty();
        if (named)
          part(e.arg_names[i].text, [&] { expr(e.args[i]); });
        else
          expr(e.args[i]);
      }
    });
  }
  void print(Span span, const Convert& e) {
    line(span, "convert {}", row(e.to).text);
    below([&] { expr(e.operand); });
  }
  void print(Span span, const Subscript& e) {
    line(span, "subscript");
    below([&] {
      expr(e.base);
      exprs(e.subscripts);
      if (e.otherwise) part("else", [&] { expr(e.otherwise); });
    });
  }
  void print(Span span, const Colon&) { line(span, "whole axis"); }
  void print(Span span, const Run& e) { line(span, "run {}", e.name); }
  void print(Span, const BracketArg& e) { bracket(e); }
  void print(Span span, const Field& e) {
    line(span, "field {}", e.name.text);
    below([&] { expr(e.base); });
  }
  void print(Span span, const Tuple& e) {
    line(span, "tuple");
    below([&] { exprs(e.elements); });
  }
  void print(Span span, const Reduce& e) {
    line(span, "reduce {}", ast::text(e.reduction));
    below([&] {
      indices(e.indices);
      expr(e.body);
    });
  }
  void print(Span span, const IfExpr& e) {
    line(span, "if");
    below([&] {
      expr(e.condition);
      part("then", [&] { expr(e.then); });
      part("else", [&] { expr(e.otherwise); });
    });
  }
  void print(Span span, const TensorLiteral& e) {
    line(span, "tensor");
    below([&] { exprs(e.elements); });
  }

  static std::string quoted(std::string_view value) {
    std::string text = "\"";
    for (char c : value) {
      if (c == '\n')
        text += "\\n";
      else if (c == '\t')
        text += "\\t";
      else if (c == '"' || c == '\\')
        (text += '\\') += c;
      else
        text += c;
    }
    return text + '"';
  }

  const lexer::SourceMap& sources_;
  std::string text_;
  std::back_insert_iterator<std::string> out_{text_};
  size_t level_ = 0;
};

}  // namespace

std::string_view text(Reduction reduction) {
  return kReductions[static_cast<int>(reduction)];
}

std::string print(const Program& program, const lexer::SourceMap& sources) {
  return Printer(sources).program(program);
}

}  // namespace tenon::ast
