// Calls: dimensions found from the arguments, lifting of scalar functions, built-ins.
#include <algorithm>

#include "ast/checker.h"

namespace tenon::ast {

namespace {

std::optional<ScalarOp> scalar_builtin(std::string_view name) {
  for (size_t i = 0; i < std::size(runtime::kScalarOps); i++)
    if (runtime::kScalarOps[i].infix.empty() && runtime::kScalarOps[i].text == name) return static_cast<ScalarOp>(i);
  return std::nullopt;
}

/// The name that is fewest edits away, if it is near enough to be what was meant.
std::string nearest(const std::string& name, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = name.size() / 3 + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > name.size() + best_distance || name.size() > 64) continue;
    std::vector<size_t> row(candidate.size() + 1);  // Levenshtein, a row at a time
    for (size_t j = 0; j < row.size(); j++) row[j] = j;
    for (size_t i = 1; i <= name.size(); i++) {
      size_t diagonal = std::exchange(row[0], i);
      for (size_t j = 1; j < row.size(); j++) {
        size_t replace = diagonal + (name[i - 1] != candidate[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
      }
    }
    if (row.back() < best_distance || (row.back() == best_distance && best.empty()))
      best = candidate, best_distance = row.back();
  }
  return best;
}

constexpr std::string_view kShaped[] = {"zeros", "ones", "full", "load"};
constexpr std::string_view kLater[] = {"reshape", "concat", "scatter_add", "uniform", "normal"};
constexpr std::string_view kEffects[] = {"print", "save", "assert", "write"};

}  // namespace

bool FunctionChecker::argument_count(const Name& callee, size_t takes, size_t given, Span span) {
  if (takes == given) return true;
  auto& d = report(Diag::argument_count, span, callee.text, takes, given);
  if (auto* info = program_.find_function(callee.text, in_prelude_)) d.note(info->tree->name.span, "it is defined here");
  return false;
}

MaybeChecked FunctionChecker::check(const Call& n, Span span, TypePtr want) {
  const std::string& name = n.callee.text;
  if (const FunctionInfo* info = program_.find_function(name, in_prelude_)) {
    if (!info->tree->result) {
      report(Diag::no_value, span, name).note(info->tree->name.span, "it has no result type");
      return std::nullopt;
    }
    return call_function(*info, n, span);
  }
  auto is_in = [&](auto& names) { return std::find(std::begin(names), std::end(names), name) != std::end(names); };
  if (is_in(kShaped)) return call_shaped(n, span, want);
  if (scalar_builtin(name) || name == "clamp") return call_builtin(n, span, want);
  if (is_in(kLater)) {
    report(Diag::not_supported, n.callee.span, "`" + name + "` is");
    return std::nullopt;
  }
  if (is_in(kEffects)) {
    if (definitions_) report(Diag::not_pure, span, name);
    else report(Diag::no_value, span, name);
    return std::nullopt;
  }
  if (auto id = find(name)) {
    report(Diag::not_a_function, n.callee.span, name).note(out_.vars[*id].span, "it is defined here")
        .hint(fmt::format("to take an element write `{}[…]`", name));
    return std::nullopt;
  }
  std::vector<std::string> candidates;
  for (auto& op : runtime::kScalarOps) if (op.infix.empty()) candidates.emplace_back(op.text);
  for (auto names : {kShaped, kEffects}) for (int i = 0; i < 4; i++) candidates.emplace_back(names[i]);
  program_.add_function_names(candidates, in_prelude_);
  auto& d = report(Diag::unknown_function, n.callee.span, name);
  if (std::string near = nearest(name, candidates); !near.empty()) d.hint(fmt::format("did you mean `{}`?", near));
  return std::nullopt;
}

// ---- functions of the program and the prelude

MaybeChecked FunctionChecker::call_function(const FunctionInfo& info, const Call& n, Span span) {
  const Function& f = *info.tree;
  if (!argument_count(n.callee, f.params.size(), n.args.size(), span)) return std::nullopt;
  if (definitions_ && !info.pure) {
    report(Diag::not_pure, span, n.callee.text).note(f.name.span, "it prints, saves or asserts");
    return std::nullopt;
  }
  // Arguments in order; each binds the dimensions that stand alone in its parameter's type.
  std::map<std::string, Extent> dims;
  std::map<std::string, Span> places;
  std::vector<Checked> args;
  bool fine = true;
  for (size_t i = 0; i < f.params.size(); i++) {
    auto wanted = parameter_type(info, f.params[i], dims);
    auto arg = expression(*n.args[i], wanted ? &*wanted : nullptr);
    if (!arg) {
      fine = false;
      continue;
    }
    if (!info.all_scalar) fine = bind_argument(info, f.params[i], *arg, dims, places) && fine;
    args.push_back(std::move(*arg));
  }
  if (!fine || args.size() != f.params.size()) return std::nullopt;
  if (info.all_scalar) return call_scalar(info, n, span, std::move(args));

  std::vector<Extent> dimensions;
  for (const Name& d : f.dimensions) {
    auto it = dims.find(d.text);
    if (it == dims.end()) {
      report(Diag::dimension_unknown, span, d.text, f.name.text)
          .note(d.span, "it stands nowhere alone in a parameter's type");
      return std::nullopt;
    }
    dimensions.push_back(it->second);
  }
  for (size_t i = 0; i < args.size(); i++) {
    auto wanted = parameter_type(info, f.params[i], dims);
    if (!wanted) return std::nullopt;
    if (!same_shape(args[i].type(), *wanted)) {
      auto& d = report(Diag::extent_mismatch, args[i].expr.span,
                       fmt::format("expected `{}`, found `{}`", wanted->text(), args[i].type().text()));
      d.note(f.params[i].type.span, fmt::format("parameter `{}` of `{}`", f.params[i].name.text, f.name.text));
      for (auto& [name, place] : places) d.note(place, fmt::format("`{}` is {} by this argument", name, dims.at(name).text()));
      return std::nullopt;
    }
    if (!coerce(args[i], wanted->dtype)) return std::nullopt;
  }
  return make_call(info, dimensions, std::move(args), span);
}

/// A call of a checked function whose arguments fit; its value has the callee's result type.
MaybeChecked FunctionChecker::make_call(const FunctionInfo& info, const std::vector<Extent>& dimensions,
                                        std::vector<Checked> args, Span span) {
  std::map<std::string, Extent> dims;
  for (size_t i = 0; i < dimensions.size(); i++) dims.emplace(info.tree->dimensions[i].text, dimensions[i]);
  typed::Type result;
  if (info.tree->result) {
    auto t = type_under(info, *info.tree->result, dims);
    if (!t) return std::nullopt;
    result = *t;
  }
  typed::Call made{nullptr, {}};
  bool known = !generic_;
  for (const Extent& d : dimensions) known &= d.constant().has_value();
  if (known && !(made.callee = program_.instantiate(info, dimensions, span))) return std::nullopt;
  for (Checked& a : args) made.args.push_back(std::move(a.expr));
  return Checked{{std::move(result), span, std::move(made)}};
}

std::optional<typed::Type> FunctionChecker::type_under(const FunctionInfo& info, const TypeExpr& t,
                                                       const std::map<std::string, Extent>& dims) {
  typed::Function scratch;
  FunctionChecker callee(program_, &info, dims, generic_, info.in_prelude, scratch, *diagnostics_);
  callee.scopes_.assign(1, {});
  return callee.type(t);
}

std::optional<typed::Type> FunctionChecker::parameter_type(const FunctionInfo& info, const Param& param,
                                                           const std::map<std::string, Extent>& dims) {
  // Known only when all dimensions that its extents name are bound.
  std::function<bool(const Expr&)> bound = [&](const Expr& e) {
    if (auto* n = std::get_if<NameRef>(&e.node)) {
      for (const Name& d : info.tree->dimensions)
        if (d.text == n->name) return dims.count(n->name) > 0;
    } else if (auto* b = std::get_if<Binary>(&e.node)) {
      return bound(*b->left) && bound(*b->right);
    } else if (auto* u = std::get_if<Unary>(&e.node)) {
      return bound(*u->operand);
    }
    return true;
  };
  for (const ExprPtr& e : param.type.extents) if (!bound(*e)) return std::nullopt;
  return type_under(info, param.type, dims);
}

bool FunctionChecker::bind_argument(const FunctionInfo& info, const Param& param, Checked& arg,
                                    std::map<std::string, Extent>& dims, std::map<std::string, Span>& places) {
  const auto& extents = param.type.extents;
  const auto& shape = arg.type().shape;
  if (extents.size() != shape.size()) {
    auto& d = report(Diag::type_mismatch, arg.expr.span,
                     fmt::format("a tensor of rank {}", extents.size()), arg.type().text());
    d.note(param.type.span, fmt::format("parameter `{}` of `{}`", param.name.text, info.tree->name.text));
    return false;
  }
  for (size_t i = 0; i < extents.size(); i++) {
    auto* name = std::get_if<NameRef>(&extents[i]->node);
    if (!name) continue;
    bool is_dimension = false;
    for (const Name& d : info.tree->dimensions) is_dimension |= d.text == name->name;
    if (!is_dimension) continue;
    auto [it, fresh] = dims.emplace(name->name, shape[i]);
    if (fresh) {
      places[name->name] = arg.expr.span;
    } else if (!agree(it->second, shape[i])) {
      report(Diag::extent_mismatch, arg.expr.span,
             fmt::format("dimension `{}` of `{}` is {} here, but {} by another argument", name->name,
                         info.tree->name.text, shape[i].text(), it->second.text()))
          .with_label(fmt::format("`{}`: axis {} is {}", arg.type().text(), i + 1, shape[i].text()))
          .note(places[name->name], fmt::format("`{}` is {} by this argument", name->name, it->second.text()))
          .note(param.type.span, fmt::format("parameter `{}`", param.name.text));
      return false;
    }
  }
  return true;
}

MaybeChecked FunctionChecker::call_scalar(const FunctionInfo& info, const Call& n, Span span, std::vector<Checked> args) {
  bool tensors = false;
  for (size_t i = 0; i < args.size(); i++) {
    if (!coerce(args[i], info.tree->params[i].type.dtype)) return std::nullopt;
    tensors |= !args[i].type().is_scalar();
  }
  if (!info.tree->dimensions.empty()) {
    report(Diag::dimension_unknown, span, info.tree->dimensions[0].text, n.callee.text);
    return std::nullopt;
  }
  if (!tensors) return make_call(info, {}, std::move(args), span);
  if (!info.tree->result || !info.pure) {
    report(Diag::not_pure, span, n.callee.text).hint("only a pure function with a result is applied element by element");
    return std::nullopt;
  }
  return lift(n.callee.text, std::move(args), span, [&](std::vector<typed::Expr> scalars) -> std::optional<typed::Expr> {
    std::vector<Checked> elements;
    for (typed::Expr& s : scalars) elements.push_back({std::move(s)});
    auto call = make_call(info, {}, std::move(elements), span);
    if (!call) return std::nullopt;
    return std::move(call->expr);
  });
}

// ---- built-ins

MaybeChecked FunctionChecker::call_builtin(const Call& n, Span span, TypePtr want) {
  bool clamps = n.callee.text == "clamp";
  ScalarOp op = clamps ? ScalarOp::max : *scalar_builtin(n.callee.text);
  if (!argument_count(n.callee, clamps ? 3 : row(op).arity, n.args.size(), span)) return std::nullopt;
  bool same = row(op).result == runtime::Result::same;
  std::vector<Checked> args;
  for (const ExprPtr& a : n.args) {
    auto c = expression(*a, same ? want : nullptr);
    if (!c) return std::nullopt;
    args.push_back(std::move(*c));
  }
  if (op == ScalarOp::from_bits && args[0].type().is_scalar() && args[0].open && !settle_default(args[0])) return std::nullopt;
  if (!clamps) return apply(op, n.callee.text, std::move(args), span);
  // clamp(x, low, high) is min(max(x, low), high).
  std::vector<Checked*> all{&args[0], &args[1], &args[2]};
  auto common = common_type(all);
  bool open = args[0].open && args[1].open && args[2].open;
  if (common && !open && !unify(all, *common)) return std::nullopt;
  Checked high = std::move(args.back());
  args.pop_back();
  auto lower = apply(ScalarOp::max, "clamp", std::move(args), span);
  if (!lower) return std::nullopt;
  std::vector<Checked> rest;
  rest.push_back(std::move(*lower));
  rest.push_back(std::move(high));
  return apply(ScalarOp::min, "clamp", std::move(rest), span);
}

/// zeros, ones, full, load: their type comes from the context.
MaybeChecked FunctionChecker::call_shaped(const Call& n, Span span, TypePtr want) {
  const std::string& name = n.callee.text;
  size_t takes = name == "full" || name == "load" ? 1 : 0;
  if (name == "load" && n.args.size() == 2) {
    report(Diag::not_supported, span, "loading from `.safetensors` files is");
    return std::nullopt;
  }
  if (!argument_count(n.callee, takes, n.args.size(), span)) return std::nullopt;
  if (!want) {
    report(Diag::needs_context, span, name + "()")
        .hint(fmt::format("give it a type: `let x: f32[2, 3] = {}(…);`", name));
    return std::nullopt;
  }
  typed::Type type = *want;
  if (name == "load") {
    auto* path = std::get_if<StringLiteral>(&n.args[0]->node);
    if (!path) {
      report(Diag::type_mismatch, n.args[0]->span, "a string with the file's name", "an expression");
      return std::nullopt;
    }
    if (!path->value.ends_with(".npy")) {
      report(Diag::not_supported, n.args[0]->span, "loading from other files than `.npy` is");
      return std::nullopt;
    }
    return Checked{{type, span, typed::Load{path->value}}};
  }
  if (name != "full") {
    int64_t value = name == "ones";
    Scalar scalar = type.dtype == DType::bool_ ? Scalar::boolean(value)
                    : runtime::is_floating(type.dtype) ? Scalar::floating(type.dtype, static_cast<double>(value))
                                                       : Scalar::integer(type.dtype, value);
    return filled(type, constant(scalar, span), span);
  }
  auto value = expression_of(*n.args[0], {type.dtype, {}});
  if (!value) return std::nullopt;
  return filled(type, std::move(*value), span);
}

}  // namespace tenon::ast
