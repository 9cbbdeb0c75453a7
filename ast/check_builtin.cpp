// Calls of built-ins: scalar functions (those of runtime/scalar_ops.def that are written as calls,
// and clamp), and tensors whose type comes from their context.
#include <algorithm>

#include "ast/function_checker.h"
#include "runtime/file_format.h"

namespace tenon::ast {

namespace {

struct Builtin {
  std::string_view name;
  BuiltinKind kind;
  size_t takes;  ///< arguments; 0 where somebody else looks
};
constexpr Builtin kBuiltins[] = {
    {"clamp", BuiltinKind::clamp, 3},    {"zeros", BuiltinKind::shaped, 0},
    {"ones", BuiltinKind::shaped, 0},    {"full", BuiltinKind::shaped, 1},
    {"load", BuiltinKind::shaped, 0},    {"reshape", BuiltinKind::tensor, 0},
    {"concat", BuiltinKind::tensor, 0},  {"scatter_add", BuiltinKind::tensor, 0},
    {"uniform", BuiltinKind::tensor, 0}, {"normal", BuiltinKind::tensor, 0},
    {"print", BuiltinKind::effect, 0},   {"save", BuiltinKind::effect, 0},
    {"assert", BuiltinKind::effect, 0},  {"write", BuiltinKind::effect, 0},
};

const Builtin* find_builtin(std::string_view name) {
  auto it = std::ranges::find(kBuiltins, name, &Builtin::name);
  return it == std::end(kBuiltins) ? nullptr : it;
}

}  // namespace

std::optional<ScalarOp> scalar_builtin(std::string_view name) {
  for (size_t i = 0; i < std::size(runtime::kScalarOps); i++) {
    const auto& op = runtime::kScalarOps[i];
    if (op.infix.empty() && op.text == name) return static_cast<ScalarOp>(i);
  }
  return std::nullopt;
}

BuiltinKind builtin_kind(std::string_view name) {
  if (math_arity(name)) return BuiltinKind::math;
  if (scalar_builtin(name)) return BuiltinKind::scalar;
  const Builtin* builtin = find_builtin(name);
  return builtin ? builtin->kind : BuiltinKind::none;
}

void add_builtin_names(std::vector<std::string>& names) {
  for (auto& op : runtime::kScalarOps) {
    if (op.infix.empty()) names.emplace_back(op.text);
  }
  add_math_names(names);
  for (const Builtin& builtin : kBuiltins) names.emplace_back(builtin.name);
}

std::optional<std::vector<Checked>> FunctionChecker::arguments(const Call& n) {
  std::vector<Checked> args;
  for (const ExprPtr& a : n.args) {
    if (auto c = expression(*a)) args.push_back(std::move(*c));
  }
  if (args.size() != n.args.size()) return std::nullopt;
  return args;
}

MaybeChecked FunctionChecker::call_scalar_builtin(ScalarOp op, const Call& n, Span span) {
  if (!argument_count(n.callee, row(op).arity, n.args.size(), span)) return std::nullopt;
  auto args = arguments(n);
  if (!args) return std::nullopt;
  return apply(op, n.callee.text, std::move(*args), span);
}

/// clamp(x, low, high) is min(max(x, low), high).
MaybeChecked FunctionChecker::call_clamp(const Call& n, Span span) {
  if (!argument_count(n.callee, 3, n.args.size(), span)) return std::nullopt;
  auto args = arguments(n);
  if (!args) return std::nullopt;
  Checked &x = (*args)[0], &low = (*args)[1], &high = (*args)[2];
  std::vector<Checked*> all{&x, &low, &high};
  bool open = x.open && low.open && high.open;
  auto common = common_type(all);  // where there is none, apply() says so
  if (common && !open && !unify(all, *common)) return std::nullopt;
  auto raised = apply(ScalarOp::max, n.callee.text, list(std::move(x), std::move(low)), span);
  if (!raised) return std::nullopt;
  return apply(ScalarOp::min, n.callee.text, list(std::move(*raised), std::move(high)), span);
}

MaybeChecked FunctionChecker::no_context(std::string_view name, std::string_view args, Span span) {
  report(Diag::needs_context, span, name)
      .hint(fmt::format("give it a type: `let x: f32[2, 3] = {}({});`", name, args));
  return std::nullopt;
}

/// zeros, ones, full, load: their type is what the context wants.
MaybeChecked FunctionChecker::call_shaped(const Call& n, Span span, TypePtr want) {
  const std::string& name = n.callee.text;
  if (name == "load") return call_load(n, span, want);
  size_t takes = find_builtin(name)->takes;
  if (!argument_count(n.callee, takes, n.args.size(), span)) return std::nullopt;
  if (!want) return no_context(name, takes ? "…" : "", span);
  const typed::Type type = *want;
  if (name == "full") {
    auto value = expression_of(*n.args[0], {type.dtype, {}});
    if (!value) return std::nullopt;
    return filled(type, std::move(*value), span);
  }
  return filled(type, number(type.dtype, name == "ones", span), span);
}

/// A record by its fields, each from the tensor of its name; those of records inside have both names,
/// with a dot between.
MaybeChecked FunctionChecker::load_whole(const std::string& path, const typed::Type& type,
                                         const std::string& name, Span span) {
  if (!type.aggregate) return Checked{{type, span, typed::Load{path, name}}};
  const typed::Aggregate& record = *type.aggregate;
  if (record.fields.empty()) {
    report(Diag::type_mismatch, span, quoted(type), "tensors by name")
        .hint("a tuple's parts have no names: load a record");
    return std::nullopt;
  }
  typed::Tuple made;
  for (size_t i = 0; i < record.parts.size(); i++) {
    const std::string field = name.empty() ? record.fields[i] : name + "." + record.fields[i];
    auto part = load_whole(path, record.parts[i], field, span);
    if (!part) return std::nullopt;
    made.parts.push_back(std::move(part->expr));
  }
  return Checked{{type, span, std::move(made)}};
}

/// load("x.npy"), or load("m.safetensors", "w") where the file holds tensors by name.
MaybeChecked FunctionChecker::call_load(const Call& n, Span span, TypePtr want) {
  const bool named = n.args.size() == 2;
  const size_t takes = n.args.empty() ? 1 : 2;
  if (n.args.size() != 1 && !argument_count(n.callee, takes, n.args.size(), span))
    return std::nullopt;
  auto* path = string_argument(*n.args[0], "a string, the file's name");
  auto* name = named ? string_argument(*n.args[1], "a string, the tensor's name") : nullptr;
  if (!path || named != (name != nullptr)) return std::nullopt;

  const runtime::FileFormat* format = runtime::file_format(*path);
  if (!format) {
    report(Diag::file_ending, n.args[0]->span, n.callee.text)
        .hint("it reads `.npy` and `.safetensors` files");
    return std::nullopt;
  }
  if (format->named && !named && want && want->aggregate) return load_whole(*path, *want, "", span);
  if (format->named && !named) {
    report(Diag::tensor_name, n.args[0]->span, "a `.safetensors` file holds tensors by name")
        .hint("say which: `load(\"m.safetensors\", \"w\")`, or load it whole into a `struct`");
    return std::nullopt;
  }
  if (named && !format->named) {
    report(Diag::tensor_name, n.args[1]->span, "a `.npy` file holds one tensor without a name")
        .hint("leave this out");
    return std::nullopt;
  }
  if (!want) return no_context(n.callee.text, "…", span);
  if (want->aggregate) {
    report(Diag::type_mismatch, span, quoted(*want), "a tensor or scalar of a file")
        .hint("a record is loaded whole from a `.safetensors` file");
    return std::nullopt;
  }
  return Checked{{*want, span, typed::Load{*path, named ? *name : ""}}};
}

}  // namespace tenon::ast
