// Records and tuples: how they are defined, made, and taken apart.
#include <algorithm>
#include <utility>

#include "ast/function_checker.h"

namespace tenon::ast {

// ---- definitions

RecordInfo* ProgramChecker::find_record(const std::string& name, bool from_prelude) {
  if (!from_prelude) {
    if (auto it = user_.records.find(name); it != user_.records.end()) return &it->second;
  }
  auto it = prelude_.records.find(name);
  return it == prelude_.records.end() ? nullptr : &it->second;
}

void ProgramChecker::add_record_names(std::vector<std::string>& names, bool from_prelude) const {
  for (auto& [name, info] : prelude_.records) names.push_back(name);
  if (from_prelude) return;
  for (auto& [name, info] : user_.records) names.push_back(name);
}

namespace {

constexpr int kMaxRecordDepth = 64;  ///< records in records

/// Calls `visit` on every name that stands for a type in `t`.
void for_each_type_name(const TypeExpr& t, const std::function<void(const Name&)>& visit) {
  if (auto* name = std::get_if<Name>(&t.head)) visit(*name);
  if (auto* parts = std::get_if<std::vector<TypeExpr>>(&t.head)) {
    for (const TypeExpr& part : *parts) for_each_type_name(part, visit);
  }
}

}  // namespace

/// Looks for `info` below itself, level by level; what nests deeper than kMaxRecordDepth is refused
/// as well. It does not look into records that were refused: a circle is reported once.
bool ProgramChecker::contains_itself(const RecordInfo& info) {
  std::set<const RecordInfo*> level{&info};
  for (int depth = 0; depth < kMaxRecordDepth; depth++) {
    std::set<const RecordInfo*> below;
    for (const RecordInfo* outer : level) {
      for (const Param& field : outer->tree->fields) {
        bool found = false;
        for_each_type_name(field.type, [&](const Name& name) {
          if (find_parameter(outer->tree->parameters, name.text, ParameterKind::type)) return;
          const RecordInfo* inner = find_record(name.text, outer->in_prelude);
          if (!inner) return;
          found |= inner == &info;
          if (!inner->wrong) below.insert(inner);
        });
        if (!found) continue;
        auto& d = diagnostics_.report(Diag::recursive_record, info.tree->name.span,
                                      info.tree->name.text);
        d.note(field.type.span, outer == &info ? "it does so here" : "it comes back here");
        return true;
      }
    }
    if (below.empty()) return false;
    level = std::move(below);
  }
  diagnostics_.report(Diag::nested_too_deeply, info.tree->name.span, kMaxRecordDepth);
  return true;
}

void ProgramChecker::check_records() {
  for (Names* names : {&prelude_, &user_}) {
    std::vector<RecordInfo*> infos;
    for (auto& [name, info] : names->records) infos.push_back(&info);
    std::ranges::sort(infos, {}, [](const RecordInfo* r) {
      return std::pair(r->tree->span.file, r->tree->span.begin);
    });
    for (RecordInfo* info : infos) info->wrong = contains_itself(*info);
    for (RecordInfo* info : infos) check_record(*info);
  }
}

/// After those that it is made of: what is wrong with them is reported there.
void ProgramChecker::check_record(RecordInfo& info) {
  if (std::exchange(info.is_checked, true)) return;
  for (const Param& field : info.tree->fields) {
    for_each_type_name(field.type, [&](const Name& name) {
      if (RecordInfo* inner = find_record(name.text, info.in_prelude)) check_record(*inner);
    });
  }
  if (!info.wrong) info.wrong = !is_record_fine(info);
}

bool ProgramChecker::is_record_fine(const RecordInfo& info) {
  const Record& record = *info.tree;
  bool fine = check_parameters(record.parameters);
  std::map<std::string, Span> seen;
  for (const Param& field : record.fields) {
    auto [it, fresh] = seen.emplace(field.name.text, field.name.span);
    if (fresh) continue;
    diagnostics_.report(Diag::duplicate_name, field.name.span, field.name.text)
        .note(it->second, "it is first defined here");
    fine = false;
  }
  if (!fine) return false;
  typed::Function scratch;
  FunctionChecker checker(*this, nullptr, samples(record.parameters).front(), true, info.in_prelude,
                          scratch, diagnostics_);
  checker.scopes_.assign(1, {});
  size_t leaves = 0;
  for (const Param& field : record.fields) {
    auto type = checker.type(field.type);
    fine &= type.has_value();
    if (type) leaves += type->leaf_count();
  }
  if (leaves > typed::kMaxLeaves) {
    diagnostics_.report(Diag::too_many_parts, record.name.span, typed::kMaxLeaves);
    fine = false;
  }
  return fine;
}

// ---- values

MaybeChecked FunctionChecker::check(const Tuple& n, Span span, TypePtr want) {
  const bool fits =
      want && want->aggregate && want->aggregate->name.empty() &&
      want->aggregate->parts.size() == n.elements.size();
  typed::Tuple made;
  std::vector<typed::Type> types;
  for (size_t i = 0; i < n.elements.size(); i++) {
    const typed::Type* part = fits ? &want->aggregate->parts[i] : nullptr;
    auto e = part ? expression_of(*n.elements[i], *part) : settled(*n.elements[i]);
    if (!e) continue;
    types.push_back(e->type);
    made.parts.push_back(std::move(*e));
  }
  if (made.parts.size() != n.elements.size()) return std::nullopt;
  auto type = tuple_type(std::move(types), span);
  if (!type) return std::nullopt;
  return Checked{{std::move(*type), span, std::move(made)}};
}

typed::Expr FunctionChecker::field(typed::Expr base, size_t part, Span span) {
  typed::Type type = base.type.aggregate->parts[part];
  return {std::move(type), span, typed::Field{boxed(std::move(base)), part}};
}

std::optional<size_t> FunctionChecker::find_field(const typed::Type& type, const Name& name) {
  const bool is_record = type.aggregate && !type.aggregate->name.empty();
  std::vector<std::string> none;
  const std::vector<std::string>& fields = is_record ? type.aggregate->fields : none;
  auto it = std::ranges::find(fields, name.text);
  if (it != fields.end()) return it - fields.begin();
  auto& d = report(Diag::unknown_field, name.span, type.text(), name.text);
  suggest(d, name.text, name.span, fields);
  if (type.aggregate && !is_record)
    d.hint("a tuple is taken apart by `let (a, b) = t;`");
  else if (!is_record)
    d.hint("only records have fields");
  return std::nullopt;
}

MaybeChecked FunctionChecker::check(const Field& n, Span span, TypePtr) {
  auto base = settled(*n.base);
  if (!base) return std::nullopt;
  auto part = find_field(base->type, n.name);
  if (!part) return std::nullopt;
  return Checked{field(std::move(*base), *part, span)};
}

namespace {

/// The names that are missing, if none is given and there is a value for each field.
std::vector<lexer::Edit> names_for(const Record& record, const Call& n) {
  if (!n.arg_names.empty() || n.args.size() != record.fields.size()) return {};
  std::vector<lexer::Edit> edits;
  for (size_t i = 0; i < n.args.size(); i++) {
    const Span at = n.args[i]->span;
    edits.push_back({{at.file, at.begin, at.begin}, record.fields[i].name.text + " = "});
  }
  return edits;
}

}  // namespace

std::vector<const Expr*> FunctionChecker::arguments_by_field(const RecordInfo& info, const Call& n,
                                                             Span span) {
  const Record& record = *info.tree;
  std::vector<const Expr*> values(record.fields.size());
  bool fine = true;
  auto refuse = [&](Span place, std::string what) -> Diagnostic& {
    fine = false;
    return report(Diag::record_fields, place, std::move(what));
  };
  for (size_t i = 0; i < n.args.size(); i++) {
    const bool named = !n.arg_names.empty() && !n.arg_names[i].text.empty();
    if (!named) {
      refuse(n.args[i]->span, "the fields of a record are given by name")
          .hint(fmt::format("write `{}({} = …)`", record.name.text,
                            record.fields[std::min(i, record.fields.size() - 1)].name.text),
                names_for(record, n));
      return {};
    }
    const Name& name = n.arg_names[i];
    auto it = std::ranges::find(record.fields, name.text, [](const Param& f) { return f.name.text; });
    if (it == record.fields.end()) {
      std::vector<std::string> fields;
      for (const Param& f : record.fields) fields.push_back(f.name.text);
      suggest(report(Diag::unknown_field, name.span, record.name.text, name.text), name.text,
              name.span, fields);
      fine = false;
      continue;
    }
    const Expr*& value = values[it - record.fields.begin()];
    if (value) refuse(name.span, fmt::format("field {} is given twice", quoted(name.text)));
    value = n.args[i].get();
  }
  for (size_t i = 0; fine && i < values.size(); i++) {
    if (values[i]) continue;
    const Name& name = record.fields[i].name;
    refuse(span, fmt::format("field {} of {} is missing", quoted(name.text), quoted(record.name.text)))
        .note(name.span, "it is declared here");
  }
  if (!fine) values.clear();
  return values;
}

MaybeChecked FunctionChecker::make_record(const RecordInfo& info, const Call& n, Span span,
                                          TypePtr want) {
  const Record& record = *info.tree;
  if (info.wrong) {
    look_at(n.args);
    return std::nullopt;
  }
  Inference inference{record.name, record.parameters, info.in_prelude, "field"};
  if (!bracket_arguments(record.parameters, n.callee, n.brackets,
                         parameters_in_call(record.parameters), inference.found)) {
    return std::nullopt;
  }
  auto values = arguments_by_field(info, n, span);
  if (values.empty()) {
    look_at(n.args);
    return std::nullopt;
  }
  const bool wanted = want && want->aggregate && want->aggregate->name == record.name.text;
  if (wanted && n.brackets.empty()) inference.found = want->aggregate->arguments;
  std::vector<Checked> args;
  for (size_t i = 0; i < values.size(); i++) {
    const TypeExpr& pattern = record.fields[i].type;
    auto part = is_decided(inference, pattern)
                    ? type_under(record.name, info.in_prelude, pattern, inference.found, span)
                    : std::nullopt;
    auto arg = expression(*values[i], part ? &*part : nullptr);
    if (!arg || !infer_parameters(inference, pattern, *arg, record.fields[i])) continue;
    args.push_back(std::move(*arg));
  }
  if (args.size() != values.size() || !finish(inference, span)) return std::nullopt;
  auto type = record_type(info, inference.found, span);
  if (!type) return std::nullopt;
  typed::Tuple made;
  for (size_t i = 0; i < args.size(); i++) {
    const Param& f = record.fields[i];
    const Origin origin{f.type.span, fmt::format("field {} of {}", quoted(f.name.text),
                                                 quoted(record.name.text))};
    if (!coerce(args[i], type->aggregate->parts[i], origin)) return std::nullopt;
    made.parts.push_back(std::move(args[i].expr));
  }
  return Checked{{std::move(*type), span, std::move(made)}};
}

// ---- `let (a, b) = e;`

void FunctionChecker::check(const LetTuple& let, Span span, Stmts& out) {
  auto value = settled(*let.value);
  if (value) {
    const bool is_tuple = value->type.aggregate && value->type.aggregate->name.empty();
    const size_t parts = is_tuple ? value->type.aggregate->parts.size() : 0;
    if (!is_tuple) {
      report(Diag::type_mismatch, let.value->span, "a tuple", quoted(value->type));
    } else if (parts != let.names.size()) {
      report(Diag::type_mismatch, join(let.names.front().span, let.names.back().span),
             counted(parts, "name"), std::to_string(let.names.size()))
          .note(let.value->span, fmt::format("this is {}", quoted(value->type)));
    }
    if (parts != let.names.size()) value.reset();
  }
  if (!value) {
    for (const Name& name : let.names) declare_wrong(name);
    return;
  }
  const typed::Type type = value->type;
  typed::VarId whole = hidden("", type, let.value->span, typed::VarKind::let);
  out.push_back({span, typed::Define{whole, std::move(*value)}});
  const auto kind = let.is_var ? typed::VarKind::var : typed::VarKind::let;
  for (size_t i = 0; i < let.names.size(); i++) {
    typed::VarId id = declare(let.names[i], type.aggregate->parts[i], kind);
    let_words_[id] = {span.file, span.begin, span.begin + 3};
    out.push_back({let.names[i].span,
                   typed::Define{id, field(variable(whole, let.value->span), i, let.names[i].span)}});
  }
}

}  // namespace tenon::ast
