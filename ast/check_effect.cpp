// Statements that change something: assignment, and calls for their effect.
#include "ast/checker.h"

namespace tenon::ast {

// ---- assignment

/// The variable that a target names, if it may be assigned.
std::optional<typed::VarId> FunctionChecker::assignable(const Expr& target) {
  auto* name = std::get_if<NameRef>(&target.node);  // the parser lets nothing else through
  if (!name) return std::nullopt;
  auto id = find(name->name);
  if (!id) {
    bool is_known =
        dimensions_.contains(name->name) || program_.find_const(name->name, in_prelude_);
    if (is_known)
      report(Diag::not_assignable, target.span, name->name).with_label("this is a constant");
    else
      report_unknown(name->name, target.span);
    return std::nullopt;
  }
  if (wrong_.contains(*id)) return std::nullopt;
  const typed::Var& found = var(*id);
  if (found.kind == typed::VarKind::var) return id;
  auto& d = report(Diag::not_assignable, target.span, name->name);
  switch (found.kind) {
    case typed::VarKind::let:
      d.note(found.span, "`let` binds it once, here").hint("define it with `var` instead");
      break;
    case typed::VarKind::parameter: d.note(found.span, "it is a parameter"); break;
    default: d.note(found.span, "it is the variable of this loop"); break;
  }
  return std::nullopt;
}

void FunctionChecker::check(const Assign& assign, Span span, Stmts& out) {
  auto* target = std::get_if<Subscript>(&assign.target->node);
  auto id = assignable(target ? *target->base : *assign.target);
  if (!id) {
    settled(*assign.value);  // for what may be wrong there
  } else if (target) {
    assign_element(assign, *target, *id, span, out);
  } else {
    assign_variable(assign, *id, span, out);
  }
}

void FunctionChecker::assign_variable(const Assign& assign, typed::VarId id, Span span,
                                      Stmts& out) {
  const typed::Type type = type_of(id);
  const Origin origin{var(id).span, fmt::format("{} is {}", quoted(var(id).name), quoted(type))};
  if (!assign.op) {
    auto value = expression_of(*assign.value, type, origin);
    if (value) out.push_back({span, typed::Define{id, std::move(*value)}});
    return;
  }
  auto right = expression(*assign.value);
  if (!right) return;
  auto value = apply(*assign.op, row(*assign.op).infix,
                     list({variable(id, assign.target->span)}, std::move(*right)), span);
  if (!value || !coerce(*value, type, origin)) return;
  out.push_back({span, typed::Define{id, std::move(value->expr)}});
}

void FunctionChecker::assign_element(const Assign& assign, const Subscript& target, typed::VarId id,
                                     Span span, Stmts& out) {
  const typed::Type scalar{type_of(id).dtype, {}};
  const Origin origin{var(id).span,
                      fmt::format("{} is {}", quoted(var(id).name), quoted(type_of(id)))};
  std::vector<typed::Expr> where;
  bool fine = subscripts(target, type_of(id), assign.target->span, where);
  if (!assign.op) {
    auto value = expression_of(*assign.value, scalar, origin);
    if (value && fine)
      out.push_back({span, typed::Update{id, std::move(where), std::move(*value)}});
    return;
  }
  auto right = expression(*assign.value);
  auto old = fine ? expression(*assign.target) : std::nullopt;
  if (!right || !old) return;
  auto value =
      apply(*assign.op, row(*assign.op).infix, list(std::move(*old), std::move(*right)), span);
  if (!value || !coerce(*value, scalar, origin)) return;
  out.push_back({span, typed::Update{id, std::move(where), std::move(value->expr)}});
}

// ---- calls

void FunctionChecker::check(const Evaluate& s, Span span, Stmts& out) {
  auto* call = std::get_if<Call>(&s.value->node);
  if (!call) {
    if (settled(*s.value)) report(Diag::unused_value, s.value->span);
    return;
  }
  const std::string& name = call->callee.text;
  const FunctionInfo* callee = program_.find_function(name, in_prelude_);
  if (!callee && name == "print") return check_print(*call, span, out);
  if (!callee && name == "save") return check_save(*call, span, out);
  if (!callee && name == "write") return check_write(*call, span, out);
  if (!callee && name == "assert") return check_assert(*call, span, out);
  if (callee && !callee->tree->result) {
    auto c = call_function(*callee, *call, s.value->span);
    if (c) out.push_back({span, typed::Evaluate{std::move(c->expr)}});
  } else if (auto e = settled(*s.value)) {
    out.push_back({span, typed::Evaluate{std::move(*e)}});
  }
}

void FunctionChecker::check_print(const Call& call, Span span, Stmts& out) {
  typed::Print made;
  bool fine = true;
  for (const ExprPtr& arg : call.args) {
    if (auto* text = std::get_if<StringLiteral>(&arg->node)) {
      made.pieces.emplace_back(text->value);
    } else if (auto e = settled(*arg)) {
      made.pieces.emplace_back(std::move(*e));
    } else {
      fine = false;
    }
  }
  if (fine) out.push_back({span, std::move(made)});
}

const std::string* FunctionChecker::string_argument(const Expr& argument, std::string_view what) {
  if (auto* text = std::get_if<StringLiteral>(&argument.node)) return &text->value;
  auto found = settled(argument);
  if (found) report(Diag::type_mismatch, argument.span, what, quoted(found->type));
  return nullptr;
}

void FunctionChecker::check_save(const Call& call, Span span, Stmts& out) {
  if (!argument_count(call.callee, 2, call.args.size(), call.callee.span)) return;
  auto* path = string_argument(*call.args[0], "a string, the file's name");
  auto value = settled(*call.args[1]);
  if (path && value) out.push_back({span, typed::Save{*path, std::move(*value)}});
}

void FunctionChecker::check_write(const Call& call, Span span, Stmts& out) {
  if (!argument_count(call.callee, 1, call.args.size(), call.callee.span)) return;
  auto value = expression(*call.args[0]);
  if (!value) return;
  if (value->type().shape.size() != 1) {
    report(Diag::type_mismatch, value->expr.span, "a tensor of rank 1", quoted(value->type()));
  } else if (coerce(*value, DType::i8)) {
    out.push_back({span, typed::Write{std::move(value->expr)}});
  }
}

void FunctionChecker::check_assert(const Call& call, Span span, Stmts& out) {
  if (!argument_count(call.callee, 2, call.args.size(), call.callee.span)) return;
  auto c = condition(*call.args[0]);
  auto* message = string_argument(*call.args[1], "a string, the message");
  if (c && message) out.push_back({span, typed::Assert{std::move(*c), *message}});
}

}  // namespace tenon::ast
