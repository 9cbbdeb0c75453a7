// Two shapes that clash: written below each other, the clashing extents marked, and a note at each
// definition that one of them came from.
#include <algorithm>

#include "ast/function_checker.h"

namespace tenon::ast {

FunctionChecker::Side FunctionChecker::side(const typed::Expr& e,
                                            std::string_view otherwise) const {
  std::string fields;
  const typed::Expr* whole = &e;
  while (auto* field = std::get_if<typed::Field>(&whole->node)) {
    const typed::Aggregate& aggregate = *field->base->type.aggregate;
    if (aggregate.fields.empty()) break;
    fields.insert(0, "." + aggregate.fields[field->part]);
    whole = field->base.get();
  }
  auto* variable = std::get_if<typed::Variable>(&whole->node);
  if (!variable || var(variable->var).name.empty()) return {std::string(otherwise), e.type};
  return {quoted(var(variable->var).name + fields), e.type, 0, variable->var};
}

FunctionChecker::Side FunctionChecker::side(const Expr& tree, const typed::Type& type) const {
  auto* name = std::get_if<NameRef>(&tree.node);
  auto id = name ? find(name->name) : std::nullopt;
  return id ? Side{quoted(name->name), type, 0, id} : Side{"this", type};
}

void FunctionChecker::show_clash(Diagnostic& d, std::vector<Side> sides,
                                 const std::vector<size_t>& columns, std::string_view what) const {
  lexer::Alignment made;
  for (const Side& s : sides) {
    std::vector<std::string> extents;
    for (const Extent& e : s.type.shape) extents.push_back(e.text());
    made.rows.push_back(
        {s.name, std::string(runtime::row(s.type.dtype).text), std::move(extents), s.column});
  }
  made.marked = columns;
  const size_t first = columns.front();
  if (!what.empty()) made.label = fmt::format("{}: ", what);
  for (size_t i = 0; i < sides.size(); i++) {
    const Side& s = sides[i];
    made.label += (i ? " and " : "") + s.type.shape[first - s.column].text();
  }
  d.alignment = std::move(made);
  std::set<typed::VarId> told;
  for (const Side& s : sides) {
    if (s.var && told.insert(*s.var).second) note_origin(d, *s.var);
  }
}

/// Where a variable's type, and with it its extents, came from.
void FunctionChecker::note_origin(Diagnostic& d, typed::VarId id) const {
  const typed::Var& v = var(id);
  const bool is_parameter = v.kind == typed::VarKind::parameter;
  d.note(v.span, fmt::format("{} is {}{}", quoted(v.name), quoted(v.type),
                             is_parameter ? ", a parameter" : " by its definition"));
}

/// Axis by axis from the left; nothing is shown unless their ranks are equal.
void FunctionChecker::show_unequal(Diagnostic& d, Side a, Side b) const {
  const auto &x = a.type.shape, &y = b.type.shape;
  if (x.size() != y.size() || a.type.aggregate || b.type.aggregate) return;
  std::vector<size_t> columns;
  for (size_t axis = 0; axis < x.size(); axis++) {
    if (!agree(x[axis], y[axis])) columns.push_back(axis);
  }
  if (columns.empty()) return;
  show_clash(d, {std::move(a), std::move(b)}, columns, fmt::format("axis {}", columns[0] + 1));
}

/// Axis by axis from the right, where an extent of 1 goes with every other; not the last `skipped`.
void FunctionChecker::show_broadcast(Diagnostic& d, Side a, Side b, size_t skipped) const {
  const auto &x = a.type.shape, &y = b.type.shape;
  const size_t rank = std::max(x.size(), y.size());
  a.column = rank - x.size();
  b.column = rank - y.size();
  std::vector<size_t> columns;
  for (size_t i = std::max(a.column, b.column); i + skipped < rank; i++) {
    const Extent &one = x[i - a.column], &other = y[i - b.column];
    if (!is_one(one) && !is_one(other) && !agree(one, other)) columns.push_back(i);
  }
  if (!columns.empty()) show_clash(d, {std::move(a), std::move(b)}, columns, "");
}

/// One axis of each, put into one column.
void FunctionChecker::show_axes(Diagnostic& d, Side a, size_t axis_a, Side b, size_t axis_b,
                                std::string_view what) const {
  const size_t column = std::max(axis_a, axis_b);
  a.column = column - axis_a;
  b.column = column - axis_b;
  show_clash(d, {std::move(a), std::move(b)}, {column}, what);
}

}  // namespace tenon::ast
