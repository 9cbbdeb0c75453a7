// Calls of mathematical built-ins (math.def): each becomes a call of the prelude's function for its
// element type, so that nobody behind the checker knows them.
//
// A call of literals is open, as an operator on literals is. Which function it calls is known when
// its type is: retype() decides for open ones, link_math() for what consts hold, which stand in no
// function.
#include <algorithm>

#include "ast/function_checker.h"

namespace tenon::ast {

namespace {

struct MathRow {
  std::string_view name;
  size_t arity;
};
constexpr MathRow kMath[] = {
#define MATH(name, arity, meaning) {name, arity},
#include "ast/math.def"
};

}  // namespace

std::optional<size_t> math_arity(std::string_view name) {
  auto it = std::ranges::find(kMath, name, &MathRow::name);
  return it == std::end(kMath) ? std::nullopt : std::optional(it->arity);
}

void add_math_names(std::vector<std::string>& names) {
  for (const MathRow& row : kMath) names.emplace_back(row.name);
}

MaybeChecked FunctionChecker::call_math(const Call& n, Span span) {
  const std::string& name = n.callee.text;
  if (!argument_count(n.callee, *math_arity(name), n.args.size(), span)) return std::nullopt;
  auto args = arguments(n);
  if (!args) return std::nullopt;
  return apply_math(name, name, std::move(*args), span);
}

MaybeChecked FunctionChecker::apply_math(std::string_view name, std::string_view shown,
                                         std::vector<Checked> args, Span span) {
  std::vector<Checked*> operands;
  for (Checked& a : args) operands.push_back(&a);
  auto type = operand_type(ScalarOp::sqrt, shown, operands, span);  // it takes floats, too
  if (!type) return std::nullopt;
  bool open = std::ranges::all_of(args, &Checked::open);
  if (!open && !unify(operands, *type)) return std::nullopt;
  auto made = lift(shown, std::move(args), span, [&](std::vector<typed::Expr> scalars) {
    typed::Expr e{{*type, {}}, span, typed::Call{nullptr, std::move(scalars), std::string(name)}};
    bool fine = open || find_callee(e);
    return fine ? std::optional(std::move(e)) : std::nullopt;
  });
  if (made) made->open = open;
  return made;
}

bool FunctionChecker::find_callee(typed::Expr& e) {
  if (generic_ || !info_) return true;  // no instance is needed
  auto& call = std::get<typed::Call>(e.node);
  std::string name = fmt::format("{}_{}", call.math, runtime::row(e.type.dtype).text);
  const FunctionInfo* info = program_.find_function(name, true);
  if (!info) throw std::logic_error("the prelude has no function " + name);
  call.callee = program_.instantiate(*info, {}, e.span, *diagnostics_);
  return call.callee != nullptr;
}

bool FunctionChecker::link_math(typed::Expr& e, bool open) {
  const auto all = [&](std::vector<typed::Expr>& args) {
    return std::ranges::all_of(args, [&](typed::Expr& a) { return link_math(a, open); });
  };
  if (auto* c = std::get_if<typed::Convert>(&e.node)) return link_math(*c->operand, false);
  if (auto* a = std::get_if<typed::Apply>(&e.node)) return all(a->args);
  if (auto* i = std::get_if<typed::IfExpr>(&e.node)) {
    return link_math(*i->condition, false) && link_math(*i->then, open) &&
           link_math(*i->otherwise, open);
  }
  auto* call = std::get_if<typed::Call>(&e.node);
  return !call || (all(call->args) && (open || find_callee(e)));
}

}  // namespace tenon::ast
