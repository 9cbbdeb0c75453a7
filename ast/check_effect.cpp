// Statements that change something: assignment, and calls for their effect.
#include <algorithm>

#include "ast/function_checker.h"
#include "runtime/file_format.h"

namespace tenon::ast {

// ---- assignment

/// The variable of this name, if it may be assigned.
std::optional<typed::VarId> FunctionChecker::assignable(const NameRef& name, Span span) {
  auto id = find(name.name);
  if (!id) {
    bool is_known = parameters_.dimensions.contains(name.name) ||
                    program_.find_const(name.name, in_prelude_);
    if (is_known)
      report(Diag::not_assignable, span, name.name).with_label("this is a constant");
    else
      report_unknown(name.name, span, fmt::format("define it: `var {} = …;`", name.name));
    return std::nullopt;
  }
  if (wrong_.contains(*id)) return std::nullopt;
  const typed::Var& found = var(*id);
  if (found.kind == typed::VarKind::var) return id;
  auto& d = report(Diag::not_assignable, span, name.name);
  switch (found.kind) {
    case typed::VarKind::let:
      d.note(found.span, "`let` binds it once, here");
      d.hint("define it with `var` instead", {{let_words_.at(*id), "var"}});
      break;
    case typed::VarKind::parameter: 
      d.note(found.span, "it is a parameter").hint(fmt::format("copy it: `var y = {};`", name.name));
      break;
    default: d.note(found.span, "it is the variable of this loop"); break;
  }
  return std::nullopt;
}

/// A variable or a field of one; the parser lets nothing else through.
std::optional<FunctionChecker::Place> FunctionChecker::place(const Expr& target) {
  if (auto* name = std::get_if<NameRef>(&target.node)) {
    auto id = assignable(*name, target.span);
    if (!id) return std::nullopt;
    const typed::Type type = type_of(*id);
    return Place{*id, {}, type,
                 {var(*id).span, fmt::format("{} is {}", quoted(name->name), quoted(type))}};
  }
  auto* f = std::get_if<Field>(&target.node);
  auto whole = f ? place(*f->base) : std::nullopt;
  auto part = whole ? find_field(whole->type, f->name) : std::nullopt;
  if (!part) return std::nullopt;
  whole->path.push_back(*part);
  whole->type = typed::Type(whole->type.aggregate->parts[*part]);
  whole->origin.text = fmt::format("the field is {}", quoted(whole->type));
  return whole;
}

void FunctionChecker::check(const Assign& assign, Span span, Stmts& out) {
  auto* target = std::get_if<Subscript>(&assign.target->node);
  auto where = place(target ? *target->base : *assign.target);
  if (!where) {
    look_at(*assign.value);
  } else if (target) {
    assign_part(assign, *target, *where, span, out);
  } else {
    assign_whole(assign, *where, span, out);
  }
}

void FunctionChecker::assign_whole(const Assign& assign, const Place& place, Span span,
                                   Stmts& out) {
  auto value = assigned_value(assign, place.type, place.origin, span);
  if (!value) return;
  if (place.path.empty())
    out.push_back({span, typed::Define{place.var, std::move(*value)}});
  else
    out.push_back({span, typed::Update{place.var, place.path, {}, std::move(*value)}});
}

/// An element, or the part that subscripts leave open; there a value with fewer elements repeats.
void FunctionChecker::assign_part(const Assign& assign, const Subscript& target, const Place& place,
                                  Span span, Stmts& out) {
  Subscripts where;
  bool fine = subscripts(target, place.type, assign.target->span, where);
  const bool whole = std::ranges::all_of(where, [](auto& s) { return s.has_value(); });
  if (!fine) return look_at(*assign.value);
  const typed::Type type = part_type(place.type, where);
  auto value = whole ? assigned_value(assign, type, place.origin, span)
                     : assigned_part(assign, type, place.origin, span);
  if (value) {
    out.push_back({span, typed::Update{place.var, place.path, std::move(where), std::move(*value)}});
  }
}

/// `value`, or what `op=` makes of the target and it.
std::optional<typed::Expr> FunctionChecker::assigned_value(const Assign& assign,
                                                           const typed::Type& type,
                                                           const Origin& origin, Span span) {
  if (!assign.op) return expression_of(*assign.value, type, origin);
  auto combined = combined_value(assign, span);
  if (!combined || !coerce(*combined, type, origin)) return std::nullopt;
  return std::move(combined->expr);
}

std::optional<typed::Expr> FunctionChecker::assigned_part(const Assign& assign,
                                                          const typed::Type& type,
                                                          const Origin& origin, Span span) {
  auto value = assign.op ? combined_value(assign, span) : expression(*assign.value, &type);
  return value ? repeated(std::move(*value), type, origin) : std::nullopt;
}

MaybeChecked FunctionChecker::combined_value(const Assign& assign, Span span) {
  auto right = expression(*assign.value);
  auto old = right ? expression(*assign.target) : std::nullopt;
  if (!old) return std::nullopt;
  target_ = assign.target->span;
  auto combined =
      apply(*assign.op, row(*assign.op).infix, list(std::move(*old), std::move(*right)), span);
  target_ = {};
  return combined;
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
  if (!callee && builtin_kind(name) == BuiltinKind::effect && (!no_names(*call) || !no_brackets(*call))) {
    return;
  }
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

/// A scalar or tensor.
std::optional<typed::Expr> FunctionChecker::printable(const Expr& e, std::string_view shown) {
  auto value = settled(e);
  if (!value || !value->type.aggregate) return value;
  auto& d = report(Diag::operand_type, e.span, shown, value->type.text());
  if (value->type.aggregate->name.empty())
    d.hint("take it apart: `let (a, b) = t;`");
  else
    d.hint(fmt::format("name a field, as in `r.{}`", value->type.aggregate->fields[0]));
  return std::nullopt;
}

void FunctionChecker::check_print(const Call& call, Span span, Stmts& out) {
  typed::Print made;
  bool fine = true;
  for (const ExprPtr& arg : call.args) {
    if (auto* text = std::get_if<StringLiteral>(&arg->node)) {
      made.pieces.emplace_back(text->value);
    } else if (auto e = printable(*arg, call.callee.text)) {
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
  auto value = printable(*call.args[1], call.callee.text);
  if (path && runtime::file_format(*path) != &runtime::kNpy) {
    report(Diag::file_ending, call.args[0]->span, call.callee.text).hint("it writes `.npy` files");
    return;
  }
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
