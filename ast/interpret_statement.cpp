// What a statement does, and the door of the interpreter.
#include "ast/interpret.h"
#include "ast/interpreter.h"
#include "runtime/npy.h"
#include "runtime/print.h"

namespace tenon::ast::typed {
namespace {

/// Writes an element, or the part over the axes left open, where `subscripts` holds 0.
void replace(Tensor& target, const Update& update, std::vector<int64_t> subscripts,
             const Value& assigned, Span span) {
  std::vector<size_t> open;
  runtime::Shape bounds = target.shape();
  for (size_t axis = 0; axis < subscripts.size(); ++axis) {
    if (update.subscripts[axis]) continue;
    open.push_back(axis);
    bounds[axis] = 1;  // an empty part has subscripts to check, too
  }
  checked_offset(bounds, subscripts.data(), update.subscripts, span);
  const auto* scalar = std::get_if<Scalar>(&assigned);
  const int64_t count = scalar ? 1 : std::get<Tensor>(assigned).count();
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, offset = 0;
    for (size_t k = open.size(); k-- > 0;) {
      subscripts[open[k]] = rest % target.shape()[open[k]];
      rest /= target.shape()[open[k]];
    }
    for (size_t axis = 0; axis < subscripts.size(); ++axis) {
      offset = offset * target.shape()[axis] + subscripts[axis];
    }
    target.set(offset, scalar ? *scalar : std::get<Tensor>(assigned).at(i));
  }
}

}  // namespace

void Interpreter::run_main(const Function& main) {
  vars_.resize(main.vars.size());
  run(main.body);
}

Flow Interpreter::run(const std::vector<Stmt>& stmts) {
  for (const Stmt& stmt : stmts) {
    const Flow flow =
        std::visit([&](const auto& node) { return run_stmt(node, stmt.span); }, stmt.node);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Flow Interpreter::run_stmt(const Define& define, Span) {
  Value evaluated = value(define.value);
  vars_[define.var] = std::move(evaluated);
  return Flow::next;
}
Flow Interpreter::run_stmt(const Update& update, Span span) {
  std::vector<int64_t> subscripts;
  for (const auto& subscript : update.subscripts) {
    subscripts.push_back(subscript ? integer(*subscript) : 0);
  }
  Value assigned = value(update.value);
  Value* target = &vars_[update.var];
  for (size_t part : update.path) target = &std::get<Parts>(*target)[part];
  if (subscripts.empty()) {
    *target = std::move(assigned);
  } else {
    at(span, [&] { replace(std::get<Tensor>(*target), update, std::move(subscripts), assigned, span); });
  }
  return Flow::next;
}
Flow Interpreter::run_stmt(const If& node, Span) {
  return run(holds(node.condition) ? node.then : node.otherwise);
}
Flow Interpreter::run_stmt(const While& node, Span) {
  while (holds(node.condition)) {
    const Flow flow = run(node.body);
    if (flow == Flow::break_) break;
    if (flow == Flow::return_) return flow;
  }
  return Flow::next;
}
Flow Interpreter::run_stmt(const For& node, Span) {
  const int64_t lo = integer(node.lo), hi = integer(node.hi);
  for (int64_t i = lo; i < hi; ++i) {
    vars_[node.var] = index_value(i);
    const Flow flow = run(node.body);
    if (flow == Flow::break_) break;
    if (flow == Flow::return_) return flow;
  }
  return Flow::next;
}
Flow Interpreter::run_stmt(const Break&, Span) { return Flow::break_; }
Flow Interpreter::run_stmt(const Continue&, Span) { return Flow::continue_; }
Flow Interpreter::run_stmt(const Return& node, Span) {
  if (node.value) returned_ = value(*node.value);
  return Flow::return_;
}
Flow Interpreter::run_stmt(const Print& node, Span) {
  std::string line;
  for (const auto& piece : node.pieces) {
    if (&piece != &node.pieces.front()) line += ' ';
    line += piece_text(piece);
  }
  runtime::write_line(context_, line);
  return Flow::next;
}
Flow Interpreter::run_stmt(const Save& node, Span span) {
  const Value saved = value(node.value);
  const auto* tensor = std::get_if<Tensor>(&saved);
  at(span, [&] {
    runtime::save_npy(node.path, tensor ? *tensor : Tensor::scalar(std::get<Scalar>(saved)));
  });
  return Flow::next;
}
Flow Interpreter::run_stmt(const Write& node, Span span) {
  const Tensor bytes = std::get<Tensor>(value(node.value));
  at(span, [&] { runtime::write_bytes(context_, bytes.data(), bytes.count()); });
  return Flow::next;
}
Flow Interpreter::run_stmt(const Assert& node, Span span) {
  if (!holds(node.condition)) fail(span, FaultKind::assertion_failed, 0, 0, node.message);
  return Flow::next;
}
Flow Interpreter::run_stmt(const Evaluate& node, Span) {
  if (const auto* called = std::get_if<Call>(&node.value.node)) {
    call(*called, node.value.span);
  } else {
    value(node.value);
  }
  return Flow::next;
}

std::string Interpreter::piece_text(const std::variant<std::string, Expr>& piece) {
  if (const auto* text = std::get_if<std::string>(&piece)) return *text;
  const Value printed = value(std::get<Expr>(piece));
  const auto* tensor = std::get_if<Tensor>(&printed);
  return tensor ? runtime::to_text(*tensor) : runtime::to_text(std::get<Scalar>(printed));
}

}  // namespace tenon::ast::typed

namespace tenon::ast {

void interpret(const typed::Program& program, runtime::Context& context,
               typed::Observer* observer) {
  if (program.main) typed::Interpreter(context, observer).run_main(*program.main);
}

}  // namespace tenon::ast
