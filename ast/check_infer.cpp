// What the arguments of a call, or the fields of a record, say about its parameters: a parameter's
// type is a pattern, in which lone names stand for what the argument's type has there.
#include <algorithm>
#include <span>

#include "ast/function_checker.h"

namespace tenon::ast {

namespace {

/// The parameter of this kind that an extent is, standing alone; null if it is anything else.
const Parameter* lone(const std::vector<Parameter>& parameters, const BracketArg& arg,
                      ParameterKind kind) {
  auto* e = std::get_if<ExprPtr>(&arg.value);
  if (!e || !arg.name.text.empty()) return nullptr;
  if (auto* run = std::get_if<Run>(&(*e)->node)) return find_parameter(parameters, run->name, kind);
  auto* name = std::get_if<NameRef>(&(*e)->node);
  return name ? find_parameter(parameters, name->name, kind) : nullptr;
}

bool is_run(const BracketArg& arg) {
  auto* e = std::get_if<ExprPtr>(&arg.value);
  return e && std::holds_alternative<Run>((*e)->node);
}

}  // namespace

Origin FunctionChecker::Inference::origin(const Param& param) const {
  return {param.type.span,
          fmt::format("{} {} of {}", role, quoted(param.name.text), quoted(owner.text))};
}

// ---- patterns against types

bool FunctionChecker::infer_parameters(Inference& inference, const TypeExpr& pattern,
                                       const Checked& arg, const Param& param) {
  inference.argument = side(arg.expr, "for " + quoted(param.name.text)).name;
  return infer_type(inference, pattern, arg.type(), arg.open, param, arg.expr.span);
}

bool FunctionChecker::infer_type(Inference& inference, const TypeExpr& pattern,
                                 const typed::Type& type, bool open, const Param& param, Span arg) {
  auto mismatch = [&](std::string_view wanted) {
    const Origin origin = inference.origin(param);
    report(Diag::type_mismatch, arg, wanted, quoted(type)).note(origin.span, origin.text);
    return false;
  };
  if (auto* parts = std::get_if<std::vector<TypeExpr>>(&pattern.head)) {
    const bool fits = type.aggregate && type.aggregate->name.empty() &&
                      type.aggregate->parts.size() == parts->size();
    if (!fits) return mismatch(fmt::format("a tuple of {}", counted(parts->size(), "part")));
    for (size_t i = 0; i < parts->size(); i++) {
      if (!infer_type(inference, (*parts)[i], type.aggregate->parts[i], false, param, arg)) return false;
    }
    return true;
  }
  auto* name = std::get_if<Name>(&pattern.head);
  const bool is_element =
      !name || find_parameter(inference.parameters, name->text, ParameterKind::type);
  if (!is_element) {
    if (!program_.find_record(name->text, inference.in_prelude)) return true;  // said where it stands
    if (!type.aggregate || type.aggregate->name != name->text) return mismatch(quoted(name->text));
    return infer_record(inference, pattern, type, param, arg);
  }
  if (type.aggregate) return mismatch(pattern.args.empty() ? "a scalar" : "a tensor");
  if (!infer_shape(inference, pattern, type, param, arg)) return false;
  return !name || infer_element_type(inference, name->text, type.dtype, open, param, arg);
}

bool FunctionChecker::infer_record(Inference& inference, const TypeExpr& pattern,
                                   const typed::Type& type, const Param& param, Span arg) {
  const RecordInfo* record =
      program_.find_record(type.aggregate->name, inference.in_prelude);
  if (!record) return true;
  const auto& parameters = record->tree->parameters;
  const auto in_order = parameters_in_type(parameters, pattern.args);
  const Substitution& given = type.aggregate->arguments;
  for (size_t i = 0; i < pattern.args.size(); i++) {
    const BracketArg& p = pattern.args[i];
    const Parameter* parameter = nullptr;
    if (!p.name.text.empty()) {
      auto it = std::ranges::find(parameters, p.name.text,
                                  [](const Parameter& q) { return q.name.text; });
      if (it != parameters.end()) parameter = &*it;
    } else if (i < in_order.size()) {
      parameter = in_order[i];
    }
    if (!parameter) continue;  // type() says so
    const Witness here{arg, fmt::format("{} of {}", quoted(parameter->name.text), quoted(type))};
    if (auto run = given.runs.find(parameter->name.text); run != given.runs.end()) {
      size_t count = 0;  // of the arguments that make up the run
      while (i + count < in_order.size() && in_order[i + count] == parameter) ++count;
      const std::span arguments(pattern.args.data() + i, std::max<size_t>(count, 1));
      if (!infer_extents(inference, arguments, run->second, here, param)) return false;
      i += arguments.size() - 1;
      continue;
    }
    auto* e = std::get_if<ExprPtr>(&p.value);
    auto* name = e ? std::get_if<NameRef>(&(*e)->node) : nullptr;
    if (!name) continue;
    if (find_parameter(inference.parameters, name->name, ParameterKind::dimension)) {
      auto it = given.dimensions.find(parameter->name.text);
      if (it != given.dimensions.end() &&
          !infer_extent(inference, name->name, it->second, here, param)) {
        return false;
      }
    } else if (find_parameter(inference.parameters, name->name, ParameterKind::type)) {
      auto it = given.types.find(parameter->name.text);
      if (it != given.types.end() &&
          !infer_element_type(inference, name->name, it->second, false, param, arg)) {
        return false;
      }
    }
  }
  return true;
}

/// What stands for dimensions against dimensions; where their numbers cannot agree it says nothing, and
/// the comparison of the types that are made will.
bool FunctionChecker::infer_extents(Inference& inference, std::span<const BracketArg> args,
                                    const std::vector<Extent>& extents, Witness here,
                                    const Param& param) {
  const size_t runs = std::ranges::count_if(args, is_run);
  const size_t fixed = args.size() - runs;
  if (runs > 1 || (runs ? extents.size() < fixed : extents.size() != fixed)) return true;
  const bool has_axes = here.axis.has_value();
  size_t axis = 0;
  for (const BracketArg& a : args) {
    const size_t count = is_run(a) ? extents.size() - fixed : 1;
    const std::vector<Extent> part(extents.begin() + axis, extents.begin() + axis + count);
    if (has_axes) {
      here.where = fmt::format("axis {} of {}", axis + 1, quoted(here.side.type));
      here.axis = axis;
    }
    axis += count;
    if (is_run(a)) {
      const Parameter* p = lone(inference.parameters, a, ParameterKind::run);
      if (p && !infer_run(inference, p->name.text, part, here, param)) return false;
    } else if (auto* p = lone(inference.parameters, a, ParameterKind::dimension)) {
      if (!infer_extent(inference, p->name.text, part[0], here, param)) return false;
    }
  }
  return true;
}

bool FunctionChecker::infer_shape(Inference& inference, const TypeExpr& pattern,
                                  const typed::Type& type, const Param& param, Span arg) {
  const auto& args = pattern.args;
  const size_t rank = type.shape.size();
  const size_t runs = std::ranges::count_if(args, is_run);
  const bool has_run = runs > 0;
  const size_t fixed = args.size() - runs;
  if (has_run ? rank < fixed : rank != fixed) {
    std::string wanted = has_run       ? fmt::format("a tensor of rank {} or more", fixed)
                         : fixed == 0  ? "a scalar"
                                       : fmt::format("a tensor of rank {}", fixed);
    if (auto* dtype = std::get_if<DType>(&pattern.head); dtype && args.empty()) {
      wanted = quoted(runtime::row(*dtype).text);
    }
    const Origin origin = inference.origin(param);
    report(Diag::type_mismatch, arg, wanted, quoted(type)).note(origin.span, origin.text);
    return false;
  }
  const Witness here{arg, {}, {inference.argument, type}, 0};
  return infer_extents(inference, args, type.shape, here, param);
}

// [snippet infer-extent]
bool FunctionChecker::infer_extent(Inference& inference, const std::string& name,
                                   const Extent& extent, Witness here, const Param& param) {
  auto [it, fresh] = inference.found.dimensions.emplace(name, extent);
  if (fresh) inference.places[name] = here;
  if (agree(it->second, extent)) return true;
  auto place = inference.places.find(name);
  const bool given = place == inference.places.end();
  auto& d = report(Diag::extent_mismatch, here.span,
                   fmt::format("dimension {} of {} is {} here, but {} {}", quoted(name),
                               quoted(inference.owner.text), extent.text(), it->second.text(),
                               given ? "in brackets" : "by another argument"));
  d.with_label(here.where);
  if (!given) {
    const Witness& there = place->second;
    d.note(there.span, fmt::format("{} is {} by this argument", quoted(name), it->second.text()));
    if (here.axis && there.axis) {
      show_axes(d, there.side, *there.axis, here.side, *here.axis, "dimension " + quoted(name));
    }
  }
  d.note(param.type.span, inference.origin(param).text);
  return false;
}
// [end]

bool FunctionChecker::infer_run(Inference& inference, const std::string& name,
                                const std::vector<Extent>& extents, Witness here,
                                const Param& param) {
  auto [it, fresh] = inference.found.runs.emplace(name, extents);
  if (fresh) inference.places[name] = here;
  const auto same = [&](const Extent& a, const Extent& b) { return agree(a, b); };
  if (std::ranges::equal(it->second, extents, same)) return true;
  const auto shown = [](const std::vector<Extent>& all) {
    std::string out;
    for (const Extent& e : all) out += (out.empty() ? "" : ", ") + e.text();
    return "(" + out + ")";
  };
  auto place = inference.places.find(name);
  const bool given = place == inference.places.end();
  auto& d = report(Diag::extent_mismatch, here.span,
                   fmt::format("the dimensions {} of {} are {} here, but {} {}",
                               quoted("..." + name), quoted(inference.owner.text), shown(extents),
                               shown(it->second), given ? "in brackets" : "by another argument"));
  if (!given) {
    show_unequal(d, place->second.side, here.side);
    d.note(place->second.span, fmt::format("they are {} by this argument", shown(it->second)));
  }
  d.note(param.type.span, inference.origin(param).text);
  return false;
}

/// Literals speak last; of two integer types the larger one holds both.
bool FunctionChecker::infer_element_type(Inference& inference, const std::string& name, DType type,
                                         bool open, const Param& param, Span arg) {
  if (open) {
    auto [it, fresh] = inference.open.emplace(name, type);
    if (runtime::is_floating(type)) it->second = type;
    if (!inference.places.contains(name)) inference.places[name] = {arg};
    return true;
  }
  const Parameter& p = *find_parameter(inference.parameters, name, ParameterKind::type);
  if (!admits(p.bound.text, type)) {
    report(Diag::type_bound, arg, name, p.bound.text, runtime::row(type).text)
        .note(p.name.span, "it is declared here")
        .note(param.type.span, inference.origin(param).text);
    return false;
  }
  auto [it, fresh] = inference.found.types.emplace(name, type);
  if (fresh) inference.places[name] = {arg};
  if (it->second == type) return true;
  if (runtime::is_integer(type) && runtime::is_integer(it->second)) {
    if (inference.given.contains(name)) return true;  // coercion decides
    it->second = std::max(type, it->second);
    return true;
  }
  auto& d = report(Diag::type_mismatch, arg, quoted(runtime::row(it->second).text),
                   quoted(runtime::row(type).text));
  d.note(param.type.span, inference.origin(param).text);
  if (auto place = inference.places.find(name); place != inference.places.end()) {
    d.note(place->second.span, fmt::format("{} is {} by this argument", quoted(name),
                                      quoted(runtime::row(it->second).text)));
  }
  return false;
}

// ---- what is left

bool FunctionChecker::finish(Inference& inference, Span span) {
  for (auto& [name, type] : inference.open) {
    if (inference.found.types.contains(name)) continue;
    const Parameter& p = *find_parameter(inference.parameters, name, ParameterKind::type);
    DType settled = type;  // `1` is an f32 where only floats are taken
    if (runtime::is_integer(type) && p.bound.text == "float") settled = DType::f32;
    if (!admits(p.bound.text, settled)) {
      report(Diag::type_bound, inference.places[name].span, name, p.bound.text,
             runtime::row(settled).text)
          .note(p.name.span, "it is declared here");
      return false;
    }
    inference.found.types[name] = settled;
  }
  if (!add_defaults(inference.parameters, inference.in_prelude, inference.found)) return false;
  for (const Parameter& p : inference.parameters) {
    if (inference.found.text(p.name.text) != "?" || inference.found.runs.contains(p.name.text)) {
      continue;
    }
    report(Diag::parameter_unknown, span, p.name.text, inference.owner.text)
        .note(p.name.span, "no argument decides it")
        .hint(fmt::format("give it in brackets: `{}[{} = {}](…)`", inference.owner.text, p.name.text,
                          p.kind == ParameterKind::type ? "f32" : "3"));
    return false;
  }
  return true;
}

bool FunctionChecker::is_decided(const Inference& inference, const TypeExpr& type) const {
  const Substitution& found = inference.found;
  auto known = [&](const std::string& name) {
    auto it = std::ranges::find(inference.parameters, name,
                                [](const Parameter& p) { return p.name.text; });
    return it == inference.parameters.end() || found.dimensions.contains(name) ||
           found.types.contains(name) || found.runs.contains(name);
  };
  std::function<bool(const Expr&)> decided = [&](const Expr& e) {
    bool all = true;
    if (auto* name = std::get_if<NameRef>(&e.node)) all = known(name->name);
    if (auto* run = std::get_if<Run>(&e.node)) all = known(run->name);
    for_each_child(e, [&](const Expr& child) { all = all && decided(child); });
    return all;
  };
  if (auto* parts = std::get_if<std::vector<TypeExpr>>(&type.head)) {
    return std::ranges::all_of(*parts, [&](const TypeExpr& t) { return is_decided(inference, t); });
  }
  if (auto* name = std::get_if<Name>(&type.head); name && !known(name->text)) return false;
  return std::ranges::all_of(type.args, [&](const BracketArg& arg) {
    auto* e = std::get_if<ExprPtr>(&arg.value);
    return !e || decided(**e);
  });
}

}  // namespace tenon::ast
