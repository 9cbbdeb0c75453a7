// Calls: of functions of the program and the prelude, whose dimensions are found from the
// arguments, and lifting of scalar functions. Built-ins are in check_builtin.cpp.
#include <algorithm>
#include <numeric>

#include "ast/checker.h"

namespace tenon::ast {

std::string nearest(const std::string& name, const std::vector<std::string>& candidates) {
  constexpr size_t kLongest = 64;
  std::string best;
  size_t best_distance = std::max<size_t>(name.size() / 3, 1) + 1;
  for (const std::string& candidate : candidates) {
    if (std::max(name.size(), candidate.size()) > kLongest) continue;
    std::vector<size_t> row(candidate.size() + 1);  // Levenshtein's distance, a row at a time
    std::iota(row.begin(), row.end(), 0);
    for (size_t i = 1; i <= name.size(); i++) {
      size_t diagonal = std::exchange(row[0], i);
      for (size_t j = 1; j < row.size(); j++) {
        size_t replace = diagonal + (name[i - 1] != candidate[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
      }
    }
    if (row.back() < best_distance) {
      best = candidate;
      best_distance = row.back();
    }
  }
  return best;
}

bool FunctionChecker::argument_count(const Name& callee, size_t takes, size_t given, Span span) {
  if (takes == given) return true;
  auto& d = report(Diag::argument_count, span, callee.text, takes, given);
  if (auto* info = program_.find_function(callee.text, in_prelude_)) {
    d.note(info->tree->name.span, "it is defined here");
  }
  return false;
}

MaybeChecked FunctionChecker::check(const Call& n, Span span, TypePtr want) {
  const std::string& name = n.callee.text;
  if (const FunctionInfo* info = program_.find_function(name, in_prelude_)) {
    if (info->tree->result) return call_function(*info, n, span);
    report(Diag::no_value, span, name).note(info->tree->name.span, "it has no result type");
    return std::nullopt;
  }
  switch (builtin_kind(name)) {
    case BuiltinKind::math: return call_math(n, span);
    case BuiltinKind::scalar: return call_scalar_builtin(*scalar_builtin(name), n, span);
    case BuiltinKind::clamp: return call_clamp(n, span);
    case BuiltinKind::shaped: return call_shaped(n, span, want);
    case BuiltinKind::effect:
      report(definitions_ ? Diag::not_pure : Diag::no_value, span, name);
      return std::nullopt;
    case BuiltinKind::later:
      report(Diag::not_supported, n.callee.span, quoted(name) + " is");
      return std::nullopt;
    case BuiltinKind::none: break;
  }
  report_unknown_function(n);
  return std::nullopt;
}

namespace {

bool is_reduction(std::string_view name) {
  for (int r = 0; r <= static_cast<int>(Reduction::argmin); r++) {
    if (text(static_cast<Reduction>(r)) == name) return true;
  }
  return false;
}

}  // namespace

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
  std::vector<std::string> candidates;
  add_builtin_names(candidates);
  program_.add_function_names(candidates, in_prelude_);
  std::string near = nearest(name, candidates);
  auto& d = report(Diag::unknown_function, n.callee.span, name);
  if (!near.empty()) d.hint(fmt::format("did you mean {}?", quoted(near)));
}

// ---- functions of the program and the prelude

/// What the arguments so far say about the callee's dimensions, and which argument said it.
struct FunctionChecker::Binding {
  Dimensions dims;
  std::map<std::string, Span> places;
};

namespace {

/// The dimension parameter that an extent is, standing alone; null if it is anything else.
const Name* lone_dimension(const Function& f, const Expr& extent) {
  auto* name = std::get_if<NameRef>(&extent.node);
  if (!name) return nullptr;
  auto it = std::ranges::find(f.dimensions, name->name, &Name::text);
  return it == f.dimensions.end() ? nullptr : &*it;
}

/// Whether the dimensions that a type's extents name are all bound.
bool is_decided(const Function& f, const TypeExpr& type, const Dimensions& dims) {
  std::function<bool(const Expr&)> decided = [&](const Expr& e) {
    const Name* dimension = lone_dimension(f, e);
    bool all = !dimension || dims.contains(dimension->text);
    for_each_child(e, [&](const Expr& child) { all &= decided(child); });
    return all;
  };
  return std::ranges::all_of(type.extents, [&](const ExprPtr& e) { return decided(*e); });
}

Origin origin_of(const FunctionInfo& info, const Param& param) {
  return {param.type.span,
          fmt::format("parameter {} of {}", quoted(param.name.text), quoted(info.tree->name.text))};
}

}  // namespace

MaybeChecked FunctionChecker::call_function(const FunctionInfo& info, const Call& n, Span span) {
  const Function& f = *info.tree;
  if (!argument_count(n.callee, f.params.size(), n.args.size(), span)) return std::nullopt;
  if (definitions_ && !info.pure()) {
    report(Diag::not_pure, span, n.callee.text).note(*info.effect, "it has an effect here");
    return std::nullopt;
  }
  Binding binding;
  std::vector<Checked> args;
  bool fine = true;
  for (size_t i = 0; i < f.params.size(); i++) {
    std::optional<typed::Type> wanted;
    if (is_decided(f, f.params[i].type, binding.dims)) {
      wanted = type_under(info, f.params[i].type, binding.dims, span);
    }
    auto arg = expression(*n.args[i], wanted ? &*wanted : nullptr);
    fine &= arg.has_value();
    if (!arg) continue;
    fine = (info.all_scalar || bind_argument(info, f.params[i], *arg, binding)) && fine;
    args.push_back(std::move(*arg));
  }
  if (!fine) return std::nullopt;
  for (const Name& d : f.dimensions) {
    if (binding.dims.contains(d.text)) continue;
    report(Diag::dimension_unknown, span, d.text, f.name.text)
        .note(d.span, "it stands nowhere alone in a parameter's type");
    return std::nullopt;
  }
  return info.all_scalar ? call_scalar(info, std::move(args), span)
                         : call_tensor(info, std::move(args), binding, span);
}

bool FunctionChecker::bind_argument(const FunctionInfo& info, const Param& param,
                                    const Checked& arg, Binding& binding) {
  const auto& extents = param.type.extents;
  const auto& shape = arg.type().shape;
  if (extents.size() != shape.size()) {
    std::string wanted = extents.empty() ? quoted(runtime::row(param.type.dtype).text)
                                         : fmt::format("a tensor of rank {}", extents.size());
    Origin origin = origin_of(info, param);
    report(Diag::type_mismatch, arg.expr.span, wanted, quoted(arg.type()))
        .note(origin.span, origin.text);
    return false;
  }
  for (size_t i = 0; i < extents.size(); i++) {
    const Name* dimension = lone_dimension(*info.tree, *extents[i]);
    if (!dimension) continue;
    const std::string& name = dimension->text;
    auto [it, fresh] = binding.dims.emplace(name, shape[i]);
    if (fresh) binding.places[name] = arg.expr.span;
    if (agree(it->second, shape[i])) continue;
    report(Diag::extent_mismatch, arg.expr.span,
           fmt::format("dimension {} of {} is {} here, but {} by another argument", quoted(name),
                       quoted(info.tree->name.text), shape[i].text(), it->second.text()))
        .with_label(fmt::format("axis {} of {}", i + 1, quoted(arg.type())))
        .note(binding.places[name],
              fmt::format("{} is {} by this argument", quoted(name), it->second.text()))
        .note(param.type.span, origin_of(info, param).text);
    return false;
  }
  return true;
}

MaybeChecked FunctionChecker::call_tensor(const FunctionInfo& info, std::vector<Checked> args,
                                          const Binding& binding, Span span) {
  for (size_t i = 0; i < args.size(); i++) {
    const Param& param = info.tree->params[i];
    auto wanted = type_under(info, param.type, binding.dims, span);
    if (!wanted || !coerce(args[i], *wanted, origin_of(info, param))) return std::nullopt;
  }
  return make_call(info, binding.dims, std::move(args), span);
}

/// A function of scalars only; given tensors, it is applied element by element.
MaybeChecked FunctionChecker::call_scalar(const FunctionInfo& info, std::vector<Checked> args,
                                          Span span) {
  const Function& f = *info.tree;
  bool lifts = info.pure() && f.result;
  for (size_t i = 0; i < args.size(); i++) {
    const Param& param = f.params[i];
    if (!lifts && !args[i].type().is_scalar()) {
      report(Diag::type_mismatch, args[i].expr.span, quoted(runtime::row(param.type.dtype).text),
             quoted(args[i].type()))
          .note(
              f.name.span,
              fmt::format("{} {}: only a pure function with a result is applied element by element",
                          quoted(f.name.text), f.result ? "has effects" : "has no result"));
      return std::nullopt;
    }
    if (!coerce(args[i], param.type.dtype, origin_of(info, param))) return std::nullopt;
  }
  if (!lifts) return make_call(info, {}, std::move(args), span);
  return lift(f.name.text, std::move(args), span,
              [&](std::vector<typed::Expr> scalars) -> std::optional<typed::Expr> {
                std::vector<Checked> elements;
                for (typed::Expr& s : scalars) elements.push_back({std::move(s)});
                auto call = make_call(info, {}, std::move(elements), span);
                if (!call) return std::nullopt;
                return std::move(call->expr);
              });
}

MaybeChecked FunctionChecker::make_call(const FunctionInfo& info, const Dimensions& dims,
                                        std::vector<Checked> args, Span span) {
  const Function& f = *info.tree;
  typed::Type result;
  if (f.result) {
    auto t = type_under(info, *f.result, dims, span);
    if (!t) return std::nullopt;
    result = *t;
  }
  typed::Call made{nullptr, {}};
  if (!generic_ && info_) {  // elsewhere (a const, all dimensions at once) no instance is needed
    std::vector<Extent> numbers;
    for (const Name& d : f.dimensions) numbers.push_back(dims.at(d.text));
    made.callee = program_.instantiate(info, numbers, span, *diagnostics_);
    if (!made.callee) return std::nullopt;
  }
  for (Checked& a : args) made.args.push_back(std::move(a.expr));
  return Checked{{std::move(result), span, std::move(made)}};
}

std::optional<typed::Type> FunctionChecker::type_under(const FunctionInfo& info, const TypeExpr& t,
                                                       const Dimensions& dims, Span call) {
  typed::Function scratch;
  Diagnostics found;
  FunctionChecker callee(program_, &info, dims, generic_, info.in_prelude, scratch, found);
  callee.scopes_.assign(1, {});
  auto type = callee.type(t);
  for (Diagnostic d : found.all()) {
    d.note(call, fmt::format("in this call of {}", quoted(info.tree->name.text)));
    diagnostics_->add(std::move(d));
  }
  return type;
}

}  // namespace tenon::ast
