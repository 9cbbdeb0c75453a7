// `emit types`: the typed tree as text that looks like source, one instance after the other.
#include <fmt/format.h>

#include <map>
#include <set>

#include "ast/typed.h"
#include "runtime/print.h"

namespace tenon::ast::typed {
namespace {

/// Binding strengths beside those of scalar_ops.def.
constexpr int kLoosest = 0, kReductionBody = 7, kTightest = 10;

const std::string kUnnamed = "_";  ///< variables that the checker made

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    switch (c) {
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      default: out += c;
    }
  }
  return out + '"';
}

class FunctionPrinter {
 public:
  explicit FunctionPrinter(const Function& function) : function_(function) {
    std::map<std::string, int> seen;
    for (const Var& var : function.vars) {
      const std::string& name = var.name.empty() ? kUnnamed : var.name;
      const int before = seen[name]++;
      names_.push_back(before == 0 ? name : fmt::format("{}.{}", name, before));
    }
  }

  std::string print() {
    out_ = fmt::format("fn {}(", function_.text());
    for (VarId var = 0; var < function_.param_count; ++var) {
      out_ += fmt::format("{}{}", var == 0 ? "" : ", ", declaration(var));
    }
    out_ += ')';
    if (function_.result) out_ += " -> " + function_.result->text();
    out_ += " {\n";
    block(function_.body);
    return out_ + "}\n";
  }

 private:
  std::string declaration(VarId var) const {
    return fmt::format("{}: {}", names_[var], function_.vars[var].type.text());
  }

  // ---- statements

  void line(std::string_view text) { out_ += fmt::format("{:{}}{}\n", "", 2 * indent_, text); }
  void block(const std::vector<Stmt>& stmts) {
    ++indent_;
    for (const Stmt& stmt : stmts)
      std::visit([&](const auto& node) { statement(node); }, stmt.node);
    --indent_;
  }

  void statement(const Define& node) {
    const bool first = defined_.insert(node.var).second;
    if (first) {
      const bool is_var = function_.vars[node.var].kind == VarKind::var;
      line(fmt::format("{} {} = {}{};", is_var ? "var" : "let", declaration(node.var),
                       text(node.value), node.schedule ? text(*node.schedule) : ""));
    } else {
      line(fmt::format("{} = {};", names_[node.var], text(node.value)));
    }
  }
  /// ` schedule { split i by 8 as io, ii; }`
  std::string text(const PlacedSchedule& schedule) const {
    std::string out = " schedule ";
    for (const Name& name : schedule.path)
      out += fmt::format("{}{}", name.text, &name == &schedule.path.back() ? " " : ".");
    out += "{";
    for (const Directive& directive : schedule.directives)
      out += fmt::format(" {};", typed::print(directive));
    return out + " }";
  }
  void statement(const Update& node) {
    std::string target = names_[node.var], subscripts;
    const Type* type = &function_.vars[node.var].type;
    for (size_t part : node.path) {
      target += "." + type->aggregate->fields[part];
      type = &type->aggregate->parts[part];
    }
    for (const auto& s : node.subscripts) {
      subscripts += (subscripts.empty() ? "" : ", ") + (s ? text(*s) : ":");
    }
    if (!subscripts.empty()) target += "[" + subscripts + "]";
    line(fmt::format("{} = {};", target, text(node.value)));
  }
  void statement(const If& node) {
    line(fmt::format("if {} {{", text(node.condition)));
    block(node.then);
    if (!node.otherwise.empty()) {
      line("} else {");
      block(node.otherwise);
    }
    line("}");
  }
  void statement(const While& node) {
    line(fmt::format("while {} {{", text(node.condition)));
    block(node.body);
    line("}");
  }
  void statement(const For& node) {
    line(fmt::format("for {} in {}..{} {{", names_[node.var], text(node.lo), text(node.hi)));
    block(node.body);
    line("}");
  }
  void statement(const Break&) { line("break;"); }
  void statement(const Continue&) { line("continue;"); }
  void statement(const Return& node) {
    line(node.value ? fmt::format("return {};", text(*node.value)) : "return;");
  }
  void statement(const Print& node) {
    std::string pieces;
    for (const auto& piece : node.pieces) {
      if (!pieces.empty()) pieces += ", ";
      const auto* literal = std::get_if<std::string>(&piece);
      pieces += literal ? in_quotes(*literal) : text(std::get<Expr>(piece));
    }
    line(fmt::format("print({});", pieces));
  }
  void statement(const Save& node) {
    line(fmt::format("save({}, {});", in_quotes(node.path), text(node.value)));
  }
  void statement(const Write& node) { line(fmt::format("write({});", text(node.value))); }
  void statement(const Assert& node) {
    line(fmt::format("assert({}, {});", text(node.condition), in_quotes(node.message)));
  }
  void statement(const Evaluate& node) { line(text(node.value) + ";"); }

  // ---- expressions, in parentheses where they bind less than what stands around them asks for

  std::string text(const Expr& expr, int around = kLoosest) const {
    return std::visit([&](const auto& node) { return text_of(node, expr, around); }, expr.node);
  }
  std::string list(const std::vector<Expr>& exprs) const {
    std::string out;
    for (const Expr& expr : exprs) out += (out.empty() ? "" : ", ") + text(expr);
    return out;
  }
  static std::string in_parentheses(bool wanted, std::string text) {
    return wanted ? "(" + text + ")" : text;
  }

  /// i32, f32 and bool literals are bare, as in source; others carry their type.
  std::string text_of(const Constant& node, const Expr&, int around) const {
    const DType type = node.value.type;
    const bool bare = type == DType::i32 || type == DType::f32 || type == DType::bool_;
    std::string out = runtime::to_text(node.value);
    const bool negative = out.front() == '-';
    if (!bare) out += row(type).text;
    return in_parentheses(negative && around > kLoosest, out);
  }
  std::string text_of(const Variable& node, const Expr&, int) const { return names_[node.var]; }
  std::string text_of(const Apply& node, const Expr&, int around) const {
    const runtime::ScalarOpRow& op = row(node.op);
    if (op.infix.empty()) return fmt::format("{}({})", op.text, list(node.args));
    const std::string blank = op.arity == 1 && op.infix == "-" ? "" : " ";
    const std::string out =
        op.arity == 1
            ? fmt::format("{}{}{}", op.infix, blank, text(node.args[0], op.precedence + 1))
            : fmt::format("{} {} {}", text(node.args[0], op.precedence), op.infix,
                          text(node.args[1], op.precedence + 1));
    return in_parentheses(op.precedence < around, out);
  }
  std::string text_of(const Convert& node, const Expr& expr, int) const {
    return fmt::format("{}({})", row(expr.type.dtype).text, text(*node.operand));
  }
  std::string text_of(const IfExpr& node, const Expr&, int around) const {
    return in_parentheses(around > kLoosest,
                          fmt::format("if {} {{ {} }} else {{ {} }}", text(*node.condition),
                                      text(*node.then), text(*node.otherwise)));
  }
  std::string text_of(const Element& node, const Expr&, int) const {
    return fmt::format("{}[{}{}]", text(*node.tensor, kTightest), list(node.subscripts),
                       node.otherwise ? " else " + text(*node.otherwise) : "");
  }
  std::string text_of(const Reduce& node, const Expr&, int around) const {
    std::string indices;
    for (const ReduceIndex& index : node.indices) {
      indices += fmt::format("{}{}: {}..{}", indices.empty() ? "" : ", ", names_[index.var],
                             text(*index.lo), text(*index.hi));
    }
    return in_parentheses(around > kLoosest,
                          fmt::format("{}[{}] {}", ast::text(node.reduction), indices,
                                      text(*node.body, kReductionBody)));
  }
  std::string text_of(const Call& node, const Expr&, int) const {
    return fmt::format("{}({})", node.callee->text(), list(node.args));
  }
  /// No source looks like this: `[i: 3, j: 0..4] { body }`, after the operands it begins with.
  std::string text_of(const Compute& node, const Expr& expr, int) const {
    std::string indices, operands;
    for (const ComputeIndex& index : node.indices) {
      const int64_t extent = index.extent.value();
      indices += fmt::format("{}{}: ", indices.empty() ? "" : ", ", names_[index.var]);
      indices += index.lo == 0 ? fmt::format("{}", extent)
                               : fmt::format("{}..{}", index.lo, index.lo + extent);
    }
    for (const Operand& operand : node.operands) {
      operands += fmt::format("let {} = {}; ", declaration(operand.var), text(*operand.value));
    }
    return fmt::format("{}[{}] {{ {}{} }}", row(expr.type.dtype).text, indices, operands,
                       text(*node.body));
  }
  std::string text_of(const Pack& node, const Expr& expr, int) const {
    return fmt::format("{}[{}]", expr.type.text(), list(node.elements));
  }
  std::string text_of(const Load& node, const Expr& expr, int) const {
    const std::string name = node.name.empty() ? "" : ", " + in_quotes(node.name);
    return fmt::format("load({}{}: {})", in_quotes(node.path), name, expr.type.text());
  }

  /// A record is shown as it is made in source, a tuple's field by its number.
  std::string text_of(const Tuple& node, const Expr& expr, int) const {
    const Aggregate& type = *expr.type.aggregate;
    std::string parts;
    for (size_t i = 0; i < node.parts.size(); ++i) {
      if (i > 0) parts += ", ";
      if (!type.name.empty()) parts += type.fields[i] + " = ";
      parts += text(node.parts[i]);
    }
    return fmt::format("{}({})", type.name.empty() ? "" : type.shown, parts);
  }
  std::string text_of(const Field& node, const Expr&, int) const {
    const Aggregate& type = *node.base->type.aggregate;
    return fmt::format("{}.{}", text(*node.base, kTightest),
                       type.name.empty() ? std::to_string(node.part) : type.fields[node.part]);
  }
  std::string text_of(const ScatterAdd& node, const Expr&, int) const {
    return fmt::format("scatter_add({}, {}, {})", text(*node.tensor), text(*node.ids),
                       text(*node.values));
  }

  const Function& function_;
  std::vector<std::string> names_;  ///< by VarId; a name's later owners carry a number
  std::set<VarId> defined_;
  std::string out_;
  int indent_ = 0;
};

}  // namespace

std::string print(const Program& program) {
  std::string out;
  for (const auto& function : program.functions) {
    if (!out.empty()) out += '\n';
    out += FunctionPrinter(*function).print();
  }
  return out;
}

}  // namespace tenon::ast::typed
