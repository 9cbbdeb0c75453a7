// The text of loop nests. Loops have the names of the indices they come from or what a schedule
// calls them; locals are a, b, c, …; buffers and scalar parameters are the SSA values they hold.
#include <fmt/format.h>

#include "ir/loops.h"
#include "ir/print_atoms.h"

namespace tenon::ir::loops {
namespace {

constexpr int kAtom = 9;  ///< binds tighter than every operator of scalar_ops.def

class Printer {
 public:
  Printer(const Module& module, const Kernel& kernel) : module_(module), kernel_(kernel) {}

  std::string print();

  std::string line(const For& node);
  std::string line(const SetLocal& node);
  std::string line(const If& node);
  std::string line(const Store& node);
  std::string line(const Prefetch& node);
  std::string line(const Check& node);
  std::string line(const CallInto& node);
  std::string line(const Barrier&) { return "barrier"; }
  std::string line(const Await& await) { return fmt::format("await {}", await.pending); }

 private:
  std::string header();
  void block(const Block& stmts);
  void braces(const Block& stmts);

  /// In parentheses where the context binds tighter than the expression.
  std::string expr(const ExprPtr& e, int binds = 0);
  std::string list(std::span<const ExprPtr> exprs);
  std::string element(BufferId buffer, std::span<const ExprPtr> subscripts);
  std::string local(LocalId local, std::span<const ExprPtr> subscripts);
  std::string apply(const Apply& node, int* precedence);
  std::string declaration(LocalId local) const {
    const auto definition = kernel_.definitions.find(local);
    return fmt::format("{}{} {}: {}{}", kernel_.swizzled.contains(local) ? "swizzled " : "",
                       kernel_.shared.contains(local) ? "shared" : "local", local_name(local),
                       kernel_.locals[local].text(),
                       definition == kernel_.definitions.end() ? "" : " of %" + definition->second);
  }

  const Module& module_;
  const Kernel& kernel_;
  std::string text_;
  size_t indent_ = 0;
};

std::string Printer::print() {
  text_ = header();
  braces(kernel_.body);
  return std::move(text_) + "\n";
}

std::string Printer::header() {
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
  return fmt::format("kernel @{}({}) -> {}", kernel_.name, params, outputs);
}

// ---- statements

void Printer::block(const Block& stmts) {
  for (const Stmt& s : stmts) {
    text_.append(2 * indent_, ' ');
    text_ += std::visit([&](const auto& node) { return line(node); }, s.node);
    if (const auto* loop = std::get_if<For>(&s.node)) braces(loop->body);
    if (const auto* branch = std::get_if<If>(&s.node)) {
      braces(branch->then);
      if (!branch->otherwise.empty()) {
        text_ += " else";
        braces(branch->otherwise);
      }
    }
    text_ += "\n";
  }
}

void Printer::braces(const Block& stmts) {
  text_ += " {\n";
  ++indent_;
  block(stmts);
  --indent_;
  text_.append(2 * indent_, ' ');
  text_ += "}";
}

std::string Printer::line(const For& node) {
  const std::string_view kind = kLoopKinds[static_cast<size_t>(node.kind)];
  return fmt::format("{}{}for {} in {}..{}", kind, kind.empty() ? "" : " ",
                     kernel_.loops[node.loop], expr(node.lo), expr(node.hi));
}

std::string Printer::line(const SetLocal& node) {
  return fmt::format(
      "{}{}{}{}", node.async ? "async " : "", node.declares ? declaration(node.local) : local(node.local, node.subscripts),
      node.value == nullptr ? "" : " = ", node.value == nullptr ? "" : expr(node.value));
}

std::string Printer::line(const If& node) {
  return "if " + expr(node.condition);
}

std::string Printer::line(const Store& node) {
  return fmt::format("{}{} = {}", node.stream ? "stream " : "",
                     element(node.buffer, node.subscripts), expr(node.value));
}

std::string Printer::line(const Prefetch& node) {
  return "prefetch " + element(node.buffer, node.subscripts);
}

std::string Printer::line(const Check& node) {
  std::vector<ExprPtr> values;
  if (node.a != nullptr) values.push_back(node.a);
  if (node.b != nullptr) values.push_back(node.b);
  const std::string shown = node.text.empty() ? list(values) : string_text(node.text);
  return fmt::format("check {} else {}({})", expr(node.holds), runtime::row(node.fault).name,
                     shown);
}

std::string Printer::line(const CallInto& node) {
  return fmt::format("{} = @{}({})", declaration(node.local), module_.function(node.callee).name,
                     list(node.args));
}

// ---- expressions

std::string Printer::expr(const ExprPtr& e, int binds) {
  int precedence = kAtom;
  const auto text = [&](const auto& node) -> std::string {
    using Node = std::decay_t<decltype(node)>;
    if constexpr (std::is_same_v<Node, Constant>) {
      return constant_text(node.value);
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
  if (row.arity != 2 || row.infix.empty()) return fmt::format("{}({})", row.text, list(node.args));
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

std::string print(const Module& module, const Kernel& kernel, const Stmt& stmt) {
  Printer printer(module, kernel);
  return std::visit([&](const auto& node) { return printer.line(node); }, stmt.node);
}

}  // namespace tenon::ir::loops
