// Types as they are written: scalars and tensors, type parameters, records, tuples; and the brackets
// that give parameters what they stand for.
#include <algorithm>

#include "ast/function_checker.h"

namespace tenon::ast {

// ---- parameters

bool is_bound(std::string_view name) {
  return name == "float" || name == "int" || name == "num";
}

bool admits(std::string_view bound, DType type) {
  if (bound == "float") return runtime::is_floating(type);
  if (bound == "int") return runtime::is_integer(type);
  return runtime::is_floating(type) || runtime::is_integer(type);
}

const Parameter* find_parameter(const std::vector<Parameter>& parameters, std::string_view name,
                                ParameterKind kind) {
  auto it = std::ranges::find_if(
      parameters, [&](const Parameter& p) { return p.kind == kind && p.name.text == name; });
  return it == parameters.end() ? nullptr : &*it;
}

std::string applied(const Name& owner, const std::vector<Parameter>& parameters,
                    const Substitution& arguments) {
  std::string list;
  auto add = [&](const std::string& text) { list += (list.empty() ? "" : ", ") + text; };
  for (const Parameter& p : parameters) {
    auto run = arguments.runs.find(p.name.text);
    if (run == arguments.runs.end()) {
      add(arguments.text(p.name.text));
    } else {
      for (const Extent& extent : run->second) add(extent.text());
    }
  }
  return list.empty() ? owner.text : fmt::format("{}[{}]", owner.text, list);
}

// ---- types

typed::Type aggregate_type(typed::Aggregate aggregate) {
  aggregate.leaves = 0;
  for (const typed::Type& part : aggregate.parts) aggregate.leaves += part.leaf_count();
  return {DType::i64, {}, std::make_shared<const typed::Aggregate>(std::move(aggregate))};
}

std::optional<typed::Type> FunctionChecker::type(const TypeExpr& t) {
  if (auto* dtype = std::get_if<DType>(&t.head)) return tensor_type(*dtype, t.args, t.span);
  if (auto* parts = std::get_if<std::vector<TypeExpr>>(&t.head)) {
    std::vector<typed::Type> types;
    for (const TypeExpr& part : *parts) {
      if (auto checked = type(part)) types.push_back(*checked);
    }
    if (types.size() != parts->size()) return std::nullopt;
    return tuple_type(std::move(types), t.span);
  }
  const Name& name = std::get<Name>(t.head);
  if (auto it = parameters_.types.find(name.text); it != parameters_.types.end()) {
    return tensor_type(it->second, t.args, t.span);
  }
  if (const RecordInfo* record = program_.find_record(name.text, in_prelude_)) {
    Substitution arguments;
    const std::vector<Parameter>& parameters = record->tree->parameters;
    for (const Parameter& p : parameters) {
      if (p.kind == ParameterKind::run) arguments.runs[p.name.text];  // empty, if nothing is left for it
    }
    const auto wanted = parameters_in_type(parameters, t.args);
    if (!bracket_arguments(parameters, name, t.args, wanted, arguments)) return std::nullopt;
    if (!add_defaults(parameters, record->in_prelude, arguments)) return std::nullopt;
    for (const Parameter& p : parameters) {
      if (arguments.text(p.name.text) != "?") continue;
      report(Diag::parameter_unknown, t.span, p.name.text, name.text)
          .note(p.name.span, "it is declared here")
          .hint(fmt::format("give it, as in `{}[{}]`", name.text,
                            p.kind == ParameterKind::type ? "f32" : "3"));
      return std::nullopt;
    }
    return record_type(*record, arguments, t.span);
  }
  report_unknown_type(name);
  return std::nullopt;
}

void FunctionChecker::report_unknown_type(const Name& name) {
  if (program_.lost_items() || program_.clashes(name.text)) return;
  std::vector<std::string> candidates;
  for (auto& row : runtime::kDTypes) candidates.emplace_back(row.text);
  for (auto& [parameter, type] : parameters_.types) candidates.push_back(parameter);
  program_.add_record_names(candidates, in_prelude_);
  auto& d = report(Diag::unknown_type, name.span, name.text);
  if (auto ours = type_called(name.text); !ours.empty())
    d.hint(fmt::format("here it is called {}", quoted(ours)), {{name.span, std::string(ours)}});
  else
    suggest(d, name.text, name.span, candidates);
}

std::optional<typed::Type> FunctionChecker::tuple_type(std::vector<typed::Type> parts, Span span) {
  std::string shown;
  for (const typed::Type& part : parts) shown += (shown.empty() ? "(" : ", ") + part.text();
  return bounded(aggregate_type({"", shown + ")", {}, {}, std::move(parts)}), span);
}

std::optional<typed::Type> FunctionChecker::bounded(typed::Type type, Span span) {
  if (type.leaf_count() <= typed::kMaxLeaves) return type;
  report(Diag::too_many_parts, span, typed::kMaxLeaves);
  return std::nullopt;
}

bool FunctionChecker::add_extents(const Expr& e, std::vector<Extent>& shape) {
  if (auto* run = std::get_if<Run>(&e.node)) {
    auto it = parameters_.runs.find(run->name);
    if (it == parameters_.runs.end()) {
      report(Diag::unknown_name, e.span, run->name)
          .hint(fmt::format("declare the run of dimensions: `[...{}]`", run->name));
      return false;
    }
    shape.insert(shape.end(), it->second.begin(), it->second.end());
    return true;
  }
  auto x = extent(e);
  if (!x) return false;
  if (auto value = x->constant(); value && *value < 0) {
    report(Diag::negative_extent, e.span, *value);
    return false;
  }
  shape.push_back(*x);
  return true;
}

std::optional<typed::Type> FunctionChecker::tensor_type(DType dtype,
                                                        const std::vector<BracketArg>& args,
                                                        Span span) {
  typed::Type out{dtype, {}};
  for (const BracketArg& arg : args) {
    auto* e = std::get_if<ExprPtr>(&arg.value);
    if (!e || !arg.name.text.empty() || std::holds_alternative<Colon>((*e)->node)) {
      report(Diag::extent_constant, arg.span);
      return std::nullopt;
    }
    if (!add_extents(**e, out.shape)) return std::nullopt;
  }
  if (!rank_fits(out.shape.size(), span) || !fits_memory(out, span)) return std::nullopt;
  return out;
}

std::optional<typed::Type> FunctionChecker::record_type(const RecordInfo& info,
                                                        const Substitution& arguments, Span use) {
  if (info.wrong) return std::nullopt;
  const Record& record = *info.tree;
  typed::Aggregate made{record.name.text, applied(record.name, record.parameters, arguments),
                        arguments, {}, {}};
  for (const Param& field : record.fields) {
    auto part = type_under(record.name, info.in_prelude, field.type, arguments, use);
    if (!part) return std::nullopt;
    made.fields.push_back(field.name.text);
    made.parts.push_back(std::move(*part));
  }
  return bounded(aggregate_type(std::move(made)), use);
}

// ---- what stands in brackets

std::optional<DType> FunctionChecker::element_type(const BracketArg& arg) const {
  if (auto* dtype = std::get_if<DType>(&arg.value)) return *dtype;
  auto* name = std::get_if<NameRef>(&std::get<ExprPtr>(arg.value)->node);
  if (!name || find(name->name)) return std::nullopt;
  auto it = parameters_.types.find(name->name);
  return it == parameters_.types.end() ? std::nullopt : std::optional(it->second);
}

bool FunctionChecker::bracket_argument(const Parameter& parameter, const BracketArg& arg,
                                       Substitution& out) {
  auto refuse = [&](std::string_view what) {
    report(Diag::bracket_argument, arg.span, fmt::format("{} {}", quoted(parameter.name.text), what))
        .note(parameter.name.span, "it is declared here");
    return false;
  };
  auto type = element_type(arg);
  switch (parameter.kind) {
    case ParameterKind::run: {
      auto run = out.runs.find(parameter.name.text);  // there is one in a type
      if (run == out.runs.end()) return refuse("is a run of dimensions, which only arguments decide");
      if (type) return refuse("is a run of dimensions, not a type");
      return add_extents(*std::get<ExprPtr>(arg.value), run->second);
    }
    case ParameterKind::type:
      if (!type) return refuse("is an element type, as `f32` is");
      if (!admits(parameter.bound.text, *type)) {
        report(Diag::type_bound, arg.span, parameter.name.text, parameter.bound.text,
               runtime::row(*type).text)
            .note(parameter.name.span, "it is declared here");
        return false;
      }
      out.types[parameter.name.text] = *type;
      return true;
    case ParameterKind::dimension: break;
  }
  if (type) return refuse("is a dimension, not a type");
  const Expr& e = *std::get<ExprPtr>(arg.value);
  if (std::holds_alternative<Run>(e.node) || std::holds_alternative<Colon>(e.node)) {
    return refuse("is one dimension");
  }
  auto value = extent(e);
  if (!value) return false;
  if (auto number = value->constant(); number && *number < 0) {
    report(Diag::negative_extent, arg.span, *number);
    return false;
  }
  out.dimensions[parameter.name.text] = *value;
  return true;
}

std::vector<const Parameter*> parameters_in_call(const std::vector<Parameter>& parameters) {
  std::vector<const Parameter*> in_order;
  for (const Parameter& p : parameters) {
    if (p.kind != ParameterKind::run) in_order.push_back(&p);
  }
  return in_order;
}

std::vector<const Parameter*> parameters_in_type(const std::vector<Parameter>& parameters,
                                                 const std::vector<BracketArg>& args) {
  const size_t given = std::ranges::count_if(args, [](auto& arg) { return arg.name.text.empty(); });
  auto is_named = [&](const Parameter& p) {
    return std::ranges::any_of(args, [&](auto& arg) { return arg.name.text == p.name.text; });
  };
  size_t runs = 0, others = 0;
  for (const Parameter& p : parameters) {
    if (!is_named(p)) ++(p.kind == ParameterKind::run ? runs : others);
  }
  size_t left = given > others ? given - others : 0;
  std::vector<const Parameter*> in_order;
  for (const Parameter& p : parameters) {
    if (is_named(p)) continue;
    const size_t takes = p.kind != ParameterKind::run ? 1 : runs == 1 ? left : std::min<size_t>(left, 1);
    if (p.kind == ParameterKind::run) left -= takes;
    in_order.insert(in_order.end(), takes, &p);
  }
  return in_order;
}

bool FunctionChecker::bracket_arguments(const std::vector<Parameter>& parameters, const Name& owner,
                                        const std::vector<BracketArg>& args,
                                        const std::vector<const Parameter*>& in_order,
                                        Substitution& out) {
  std::map<std::string, Span> seen;
  bool named = false;
  for (size_t i = 0; i < args.size(); i++) {
    const BracketArg& arg = args[i];
    const Parameter* parameter = nullptr;
    if (arg.name.text.empty() && named) {
      report(Diag::bracket_argument, arg.span, "an argument by position stands before those by name");
      return false;
    }
    if (arg.name.text.empty()) {
      if (i < in_order.size()) parameter = in_order[i];
    } else {
      named = true;
      auto it = std::ranges::find(parameters, arg.name.text,
                                  [](const Parameter& p) { return p.name.text; });
      if (it != parameters.end()) parameter = &*it;
    }
    if (!parameter) {
      std::string what = arg.name.text.empty()
                             ? fmt::format("{} takes {}", quoted(owner.text),
                                           counted(in_order.size(), "argument") + " in brackets")
                             : fmt::format("{} has no parameter {}", quoted(owner.text),
                                           quoted(arg.name.text));
      auto& d = report(Diag::bracket_argument, arg.span, what);
      std::vector<std::string> names;
      for (const Parameter& p : parameters) names.push_back(p.name.text);
      if (!arg.name.text.empty()) suggest(d, arg.name.text, arg.name.span, names);
      return false;
    }
    auto [it, fresh] = seen.emplace(parameter->name.text, arg.span);
    if (!fresh && parameter->kind != ParameterKind::run) {
      report(Diag::bracket_argument, arg.span,
             fmt::format("{} is given twice", quoted(parameter->name.text)))
          .note(it->second, "it is first given here");
      return false;
    }
    if (!bracket_argument(*parameter, arg, out)) return false;
  }
  return true;
}

bool FunctionChecker::add_defaults(const std::vector<Parameter>& parameters, bool in_prelude,
                                   Substitution& out) {
  for (const Parameter& p : parameters) {
    if (!p.fallback || out.dimensions.contains(p.name.text)) continue;
    typed::Function scratch;  // a default may be made of the parameters before it
    FunctionChecker owner(program_, nullptr, out, generic_, in_prelude, scratch, *diagnostics_);
    owner.scopes_.assign(1, {});
    auto value = owner.extent(*p.fallback);
    if (!value) return false;
    out.dimensions[p.name.text] = *value;
  }
  return true;
}

}  // namespace tenon::ast
