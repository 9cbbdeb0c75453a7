// The text of loop nests. Loops have the names of the indices they come from or what a schedule calls
// them; locals are a, b, c, …; buffers and scalar parameters are the SSA values they hold.
#include <fmt/format.h>

#include "ir/loops.h"
#include "ir/text.h"
#include "runtime/print.h"

namespace tenon::ir::loops {
namespace {

constexpr int kAtom = 9;  ///< binds tighter than every operator of scalar_ops.def

/// Types of which a bare literal is not one are written behind it, as in the text of SSA.
std::string literal(Scalar value) {
  const bool bare =
      value.type == DType::i64 || value.type == DType::f32 || value.type == DType::bool_;
  return runtime::to_text(value) + (bare ? "" : std::string(runtime::row(value.type).text));
}

class Printer {
 public:
  Printer(const Module& module, const Kernel& kernel)
      : module_(module), kernel_(kernel) {}

  std::string print();

 private:
  void header();
  void block(const Block& stmts);
  void braces(const Block& stmts);
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    text_.append(2 * indent_, ' ');
    text_ += fmt::format(format, std::forward<Args>(args)...);
  }

  void stmt(const For& node);
  void stmt(const SetLocal& node);
  void stmt(const If& node);
  void stmt(const Store& node);
  void stmt(const Prefetch& node);
  void stmt(const Check& node);
  void stmt(const CallInto& node);

  /// In parentheses where the context binds tighter than the expression.
  std::string expr(const ExprPtr& e, int binds = 0);
  std::string list(std::span<const ExprPtr> exprs);
  std::string element(BufferId buffer, std::span<const ExprPtr> subscripts);
  std::string local(LocalId local, std::span<const ExprPtr> subscripts);
  std::string apply(const Apply& node, int* precedence);
  std::string declaration(LocalId local) const {
    return fmt::format("local {}: {}", local_name(local), kernel_.locals[local].text());
  }

  const Module& module_;
  const Kernel& kernel_;
  std::string text_;
  size_t indent_ = 0;
};

std::string Printer::print() {
  header();
  braces(kernel_.body);
  text_ += "\n";
  return std::move(text_);
}

void Printer::header() {
  std::string params, outputs;
  const auto add = [](std::string& list, std::string_view name, std::string_view type) {
    list += fmt::format("{}%{}: {}", list.empty() ? "" : ", ", name, type);
  };
  const size_t inputs = kernel_.buffer_values.size();
  for (size_t i = 0; i < inputs; ++i)
    add(params, kernel_.buffers[i].name, kernel_.buffers[i].type.text());
  for (const ScalarParam& s : kernel_.scalars) add(params, s.name, runtime::row(s.type).text);
  for (size_t i = inputs; i < kernel_.buffers.size(); ++i)
    add(outputs, kernel_.buffers[i].name, kernel_.buffers[i].type.text());
  line("kernel @{}({}) -> {}", kernel_.name, params, outputs);
}

// ---- statements

void Printer::block(const Block& stmts) {
  for (const Stmt& s : stmts) std::visit([&](const auto& node) { stmt(node); }, s.node);
}

void Printer::braces(const Block& stmts) {
  text_ += " {\n";
  ++indent_;
  block(stmts);
  --indent_;
  line("}}");
}

void Printer::stmt(const For& node) {
  constexpr std::string_view kKinds[] = {"", "unrolled ", "vectorized ", "parallel "};
  line("{}for {} in {}..{}", kKinds[static_cast<size_t>(node.kind)], kernel_.loops[node.loop],
       expr(node.lo), expr(node.hi));
  braces(node.body);
  text_ += "\n";
}

void Printer::stmt(const SetLocal& node) {
  line("{}{}{}\n", node.declares ? declaration(node.local) : local(node.local, node.subscripts),
       node.value == nullptr ? "" : " = ", node.value == nullptr ? "" : expr(node.value));
}

void Printer::stmt(const If& node) {
  line("if {}", expr(node.condition));
  braces(node.then);
  if (!node.otherwise.empty()) {
    text_ += " else";
    braces(node.otherwise);
  }
  text_ += "\n";
}

void Printer::stmt(const Store& node) {
  line("{}{} = {}\n", node.stream ? "stream " : "", element(node.buffer, node.subscripts),
       expr(node.value));
}

void Printer::stmt(const Prefetch& node) {
  line("prefetch {}\n", element(node.buffer, node.subscripts));
}

void Printer::stmt(const Check& node) {
  std::vector<ExprPtr> values;
  if (node.a != nullptr) values.push_back(node.a);
  if (node.b != nullptr) values.push_back(node.b);
  const std::string shown = node.text.empty() ? list(values) : fmt::format("\"{}\"", node.text);
  line("check {} else {}({})\n", expr(node.holds), runtime::row(node.fault).name, shown);
}

void Printer::stmt(const CallInto& node) {
  line("{} = @{}({})\n", declaration(node.local), module_.function(node.callee).name,
       list(node.args));
}

// ---- expressions

std::string Printer::expr(const ExprPtr& e, int binds) {
  int precedence = kAtom;
  const auto text = [&](const auto& node) -> std::string {
    using Node = std::decay_t<decltype(node)>;
    if constexpr (std::is_same_v<Node, Constant>) {
      return literal(node.value);
    } else if constexpr (std::is_same_v<Node, Loop>) {
      return kernel_.loops[node.loop];
    } else if constexpr (std::is_same_v<Node, Local>) {
      return local(node.local, node.subscripts);
    } else if constexpr (std::is_same_v<Node, Scalar_>) {
      return "%" + kernel_.scalars[node.param].name;
    } else if constexpr (std::is_same_v<Node, Read>) {
      const std::string read = element(node.buffer, node.subscripts);
      if (node.guard == nullptr) return read;
      return fmt::format("{} if {}]", read.substr(0, read.size() - 1), expr(node.guard));
    } else if constexpr (std::is_same_v<Node, Apply>) {
      return apply(node, &precedence);
    } else if constexpr (std::is_same_v<Node, Convert>) {
      return fmt::format("{}({})", runtime::row(e->type).text, expr(node.operand));
    } else {
      return fmt::format("select({}, {}, {})", expr(node.condition), expr(node.then),
                         expr(node.otherwise));
    }
  };
  const std::string written = std::visit(text, e->node);
  return precedence < binds ? "(" + written + ")" : written;
}

std::string Printer::apply(const Apply& node, int* precedence) {
  const runtime::ScalarOpRow& row = runtime::row(node.op);
  if (row.arity != 2 || row.infix.empty())
    return fmt::format("{}({})", row.text, list(node.args));
  *precedence = row.precedence;
  // Operators associate to the left, except comparisons, which do not chain.
  const bool compares = row.result == runtime::Result::boolean;
  const int left = row.precedence + (compares ? 1 : 0);
  return fmt::format("{} {} {}", expr(node.args[0], left), row.infix,
                     expr(node.args[1], row.precedence + 1));
}

std::string Printer::list(std::span<const ExprPtr> exprs) {
  std::string text;
  for (const ExprPtr& e : exprs) text += (text.empty() ? "" : ", ") + expr(e);
  return text;
}

std::string Printer::element(BufferId buffer, std::span<const ExprPtr> subscripts) {
  return fmt::format("%{}[{}]", kernel_.buffers[buffer].name, list(subscripts));
}

std::string Printer::local(LocalId local, std::span<const ExprPtr> subscripts) {
  if (subscripts.empty()) return local_name(local);
  return fmt::format("{}[{}]", local_name(local), list(subscripts));
}

}  // namespace

std::string local_name(LocalId local) {
  std::string name(1, static_cast<char>('a' + local % 8));  // loop variables start at i
  return local < 8 ? name : name + std::to_string(local / 8);
}

std::string print(const Module& module, const Kernel& kernel) {
  return Printer(module, kernel).print();
}

}  // namespace tenon::ir::loops
