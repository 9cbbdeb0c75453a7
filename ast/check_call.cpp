// Calls: of functions of the program and the prelude, whose dimensions are found from the
// arguments, and lifting of scalar functions. Built-ins are in check_builtin.cpp.
#include "ast/function_checker.h"

namespace tenon::ast {

namespace {

bool is_reduction(std::string_view name) {
  for (int r = 0; r <= static_cast<int>(Reduction::argmin); r++) {
    if (text(static_cast<Reduction>(r)) == name) return true;
  }
  return false;
}

}  // namespace

bool FunctionChecker::argument_count(const Name& callee, size_t takes, size_t given, Span span) {
  if (takes == given) return true;
  auto& d = report(Diag::argument_count, span, callee.text, takes, given);
  if (auto* info = program_.find_function(callee.text, in_prelude_)) {
    d.note(info->tree->name.span, "it is defined here");
  } else if (given == 1 && is_reduction(callee.text)) {
    d.hint(fmt::format("over the elements of a tensor it is a reduction: `{}[i] x[i]`", callee.text));
  }
  return false;
}

/// Arguments by name are for records. Names of the parameters, in their order, can be left out.
bool FunctionChecker::no_names(const Call& n, const Function* callee) {
  const Name* first = nullptr;
  bool in_order = callee && callee->params.size() == n.arg_names.size();
  std::vector<lexer::Edit> removed;
  for (size_t i = 0; i < n.arg_names.size(); i++) {
    const Name& name = n.arg_names[i];
    if (name.text.empty()) continue;
    if (!first) first = &name;
    in_order = in_order && callee->params[i].name.text == name.text;
    removed.push_back({{name.span.file, name.span.begin, n.args[i]->span.begin}, ""});
  }
  if (!first) return true;
  if (!in_order) removed.clear();
  report(Diag::argument_name, first->span, n.callee.text)
      .hint("arguments are given by position; those in brackets may have a name",
            std::move(removed));
  return false;
}

bool FunctionChecker::no_brackets(const Call& n) {
  if (n.brackets.empty()) return true;
  report(Diag::bracket_argument, n.brackets[0].span,
         fmt::format("{} takes no arguments in brackets", quoted(n.callee.text)));
  return false;
}

MaybeChecked FunctionChecker::check(const Call& n, Span span, TypePtr want) {
  const std::string& name = n.callee.text;
  if (auto it = parameters_.types.find(name); it != parameters_.types.end() && !find(name)) {
    if (!no_brackets(n) || !no_names(n)) return std::nullopt;
    if (!argument_count(n.callee, 1, n.args.size(), span)) return std::nullopt;
    return convert(it->second, *n.args[0], span);
  }
  if (const RecordInfo* record = program_.find_record(name, in_prelude_)) {
    return make_record(*record, n, span, want);
  }
  if (const FunctionInfo* info = program_.find_function(name, in_prelude_)) {
    if (info->tree->result) return call_function(*info, n, span);
    report(Diag::no_value, span, name).note(info->tree->name.span, "it has no result type");
    return std::nullopt;
  }
  const BuiltinKind kind = builtin_kind(name);
  if (kind != BuiltinKind::none && kind != BuiltinKind::tensor && !no_brackets(n)) {
    return std::nullopt;
  }
  if (kind != BuiltinKind::none && !no_names(n)) return std::nullopt;
  switch (kind) {
    case BuiltinKind::math: return call_math(n, span);
    case BuiltinKind::scalar: return call_scalar_builtin(*scalar_builtin(name), n, span);
    case BuiltinKind::clamp: return call_clamp(n, span);
    case BuiltinKind::shaped: return call_shaped(n, span, want);
    case BuiltinKind::tensor: return call_tensor_builtin(n, span, want);
    case BuiltinKind::effect:
      report(definitions_ ? Diag::not_pure : Diag::no_value, span, name);
      return std::nullopt;
    case BuiltinKind::none: break;
  }
  report_unknown_function(n);
  look_at(n.args);
  return std::nullopt;
}

void FunctionChecker::report_unknown_function(const Call& n) {
  const std::string& name = n.callee.text;
  if (auto id = find(name)) {
    auto& d = report(Diag::not_a_function, n.callee.span, name);
    d.note(var(*id).span, "it is defined here");
    if (!type_of(*id).is_scalar()) d.hint(fmt::format("to take an element write `{}[…]`", name));
    return;
  }
  if (is_reduction(name)) {
    report(Diag::unknown_function, n.callee.span, name)
        .hint(fmt::format("it is a reduction: `{}[i] x[i]`", name));
    return;
  }
  if (program_.lost_items() || program_.clashes(name)) return;
  std::vector<std::string> candidates;
  add_builtin_names(candidates);
  program_.add_record_names(candidates, in_prelude_);
  program_.add_function_names(candidates, in_prelude_);
  suggest(report(Diag::unknown_function, n.callee.span, name), name, n.callee.span, candidates);
}

// ---- functions of the program and the prelude

namespace {

Origin origin_of(const FunctionInfo& info, const Param& param) {
  return {param.type.span,
          fmt::format("parameter {} of {}", quoted(param.name.text), quoted(info.tree->name.text))};
}

}  // namespace

MaybeChecked FunctionChecker::call_function(const FunctionInfo& info, const Call& n, Span span) {
  const Function& f = *info.tree;
  if (!argument_count(n.callee, f.params.size(), n.args.size(), span) || !no_names(n, &f)) {
    look_at(n.args);
    return std::nullopt;
  }
  if (definitions_ && !info.pure()) {
    report(Diag::not_pure, span, n.callee.text).note(*info.effect, "it has an effect here");
    return std::nullopt;
  }
  Inference inference{f.name, f.parameters, info.in_prelude, "parameter"};
  bool fine = bracket_arguments(f.parameters, n.callee, n.brackets, parameters_in_call(f.parameters), inference.found);
  for (auto& [name, type] : inference.found.types) inference.given.insert(name);
  std::vector<Checked> args;
  for (size_t i = 0; i < f.params.size(); i++) {
    const TypeExpr& pattern = f.params[i].type;
    std::optional<typed::Type> wanted;
    if (fine && is_decided(inference, pattern)) {
      wanted = type_under(f.name, info.in_prelude, pattern, inference.found, span);
    }
    auto arg = expression(*n.args[i], wanted ? &*wanted : nullptr);
    fine &= arg.has_value();
    if (!arg) continue;
    fine = fine && infer_argument(info, inference, f.params[i], *arg);
    args.push_back(std::move(*arg));
  }
  if (!fine || !finish(inference, span)) return std::nullopt;
  return info.all_scalar ? call_scalar(info, inference.found, std::move(args), span)
                         : call_tensor(info, inference.found, std::move(args), span);
}

bool FunctionChecker::infer_argument(const FunctionInfo& info, Inference& inference,
                                     const Param& param, const Checked& arg) {
  if (!info.all_scalar) return infer_parameters(inference, param.type, arg, param);
  auto* name = std::get_if<Name>(&param.type.head);  // its shape does not matter: it is lifted
  if (!name || arg.type().aggregate) return true;
  return infer_element_type(inference, name->text, arg.dtype(), arg.open, param, arg.expr.span);
}

MaybeChecked FunctionChecker::call_tensor(const FunctionInfo& info, const Substitution& parameters,
                                          std::vector<Checked> args, Span span) {
  for (size_t i = 0; i < args.size(); i++) {
    const Param& param = info.tree->params[i];
    auto wanted = type_under(info.tree->name, info.in_prelude, param.type, parameters, span);
    if (!wanted || !coerce(args[i], *wanted, origin_of(info, param))) return std::nullopt;
  }
  return make_call(info, parameters, std::move(args), span);
}

/// A function of scalars only; given tensors, it is applied element by element.
MaybeChecked FunctionChecker::call_scalar(const FunctionInfo& info, const Substitution& parameters,
                                          std::vector<Checked> args, Span span) {
  const Function& f = *info.tree;
  bool lifts = info.pure() && f.result;
  for (size_t i = 0; i < args.size(); i++) {
    const Param& param = f.params[i];
    auto wanted = type_under(f.name, info.in_prelude, param.type, parameters, span);
    if (!wanted) return std::nullopt;
    if (!lifts && !args[i].type().is_scalar()) {
      report(Diag::type_mismatch, args[i].expr.span, quoted(*wanted), quoted(args[i].type()))
          .note(
              f.name.span,
              fmt::format("{} {}: only a pure function with a result is applied element by element",
                          quoted(f.name.text), f.result ? "has effects" : "has no result"));
      return std::nullopt;
    }
    if (!coerce(args[i], wanted->dtype, origin_of(info, param))) return std::nullopt;
  }
  if (!lifts) return make_call(info, parameters, std::move(args), span);
  return lift(f.name.text, std::move(args), span,
              [&](std::vector<typed::Expr> scalars) -> std::optional<typed::Expr> {
                std::vector<Checked> elements;
                for (typed::Expr& s : scalars) elements.push_back({std::move(s)});
                auto call = make_call(info, parameters, std::move(elements), span);
                if (!call) return std::nullopt;
                return std::move(call->expr);
              });
}

MaybeChecked FunctionChecker::make_call(const FunctionInfo& info, const Substitution& parameters,
                                        std::vector<Checked> args, Span span) {
  const Function& f = *info.tree;
  typed::Type result;
  if (f.result) {
    auto t = type_under(f.name, info.in_prelude, *f.result, parameters, span);
    if (!t) return std::nullopt;
    result = *t;
  }
  typed::Call made{nullptr, {}};
  if (!generic_ && info_) {  // elsewhere (a const, all dimensions at once) no instance is needed
    made.callee = program_.instantiate(info, parameters, span, *diagnostics_);
    if (!made.callee) return std::nullopt;
  }
  for (Checked& a : args) made.args.push_back(std::move(a.expr));
  return Checked{{std::move(result), span, std::move(made)}};
}

std::optional<typed::Type> FunctionChecker::type_under(const Name& owner, bool in_prelude,
                                                       const TypeExpr& t,
                                                       const Substitution& parameters, Span use) {
  typed::Function scratch;
  Diagnostics found;
  FunctionChecker checker(program_, nullptr, parameters, generic_, in_prelude, scratch, found);
  checker.scopes_.assign(1, {});
  auto type = checker.type(t);
  for (Diagnostic d : found.all()) {
    d.note(use, fmt::format("in this use of {}", quoted(owner.text)));
    diagnostics_->add(std::move(d));
  }
  return type;
}

}  // namespace tenon::ast
