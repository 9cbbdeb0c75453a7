// Tuples and records have no values of their own: each stands for as many as it has leaves, the scalars
// and tensors in it, in the order of its parts.
#include <stdexcept>

#include "ir/lowering.h"

namespace tenon::ir {

void for_each_leaf(const typed::Type& type, const std::string& name,
                   const std::function<void(const typed::Type&, const std::string&)>& visit) {
  if (!type.aggregate) return visit(type, name);
  const typed::Aggregate& whole = *type.aggregate;
  for (size_t i = 0; i < whole.parts.size(); ++i) {
    const std::string part = whole.fields.empty() ? std::to_string(i) : whole.fields[i];
    for_each_leaf(whole.parts[i], name.empty() ? part : name + "." + part, visit);
  }
}

std::optional<typed::VarId> FunctionLowering::leaf_variable(const TypedExpr& expr) const {
  if (const auto* variable = std::get_if<typed::Variable>(&expr.node)) {
    return first_leaf_[variable->var];
  }
  const auto* field = std::get_if<typed::Field>(&expr.node);
  auto leaf = field ? leaf_variable(*field->base) : std::nullopt;
  if (!leaf) return std::nullopt;
  return *leaf + static_cast<typed::VarId>(leaves_before(*field));
}

size_t FunctionLowering::leaves_before(const typed::Field& field) {
  size_t count = 0;
  for (size_t i = 0; i < field.part; ++i) {
    count += field.base->type.aggregate->parts[i].leaf_count();
  }
  return count;
}

void FunctionLowering::write_leaves(typed::VarId first, const std::vector<ValueId>& values) {
  for (size_t i = 0; i < values.size(); ++i) write(first + static_cast<typed::VarId>(i), values[i]);
}

std::vector<ValueId> FunctionLowering::all_leaves(const std::vector<TypedExpr>& exprs) {
  std::vector<ValueId> all;
  for (const TypedExpr& expr : exprs) {
    const std::vector<ValueId> some = leaves(expr);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::vector<ValueId> FunctionLowering::leaves(const TypedExpr& expr, std::string_view hint) {
  if (!expr.type.aggregate) return {value(expr, hint)};
  if (const auto first = leaf_variable(expr)) {
    std::vector<ValueId> all;
    for (size_t i = 0; i < expr.type.leaf_count(); ++i) {
      all.push_back(read(*first + static_cast<typed::VarId>(i)));
    }
    return all;
  }
  if (const auto* tuple = std::get_if<typed::Tuple>(&expr.node)) return all_leaves(tuple->parts);
  if (const auto* node = std::get_if<typed::Call>(&expr.node)) return call(*node, expr, hint);
  if (const auto* node = std::get_if<typed::IfExpr>(&expr.node)) {
    return leaves_of_if(*node, expr, hint);
  }
  const auto& field = std::get<typed::Field>(expr.node);
  const std::vector<ValueId> whole = leaves(*field.base, hint);
  const auto begin = whole.begin() + leaves_before(field);
  return {begin, begin + expr.type.leaf_count()};
}

std::vector<ValueId> FunctionLowering::leaves_of_if(const typed::IfExpr& node,
                                                    const TypedExpr& expr, std::string_view hint) {
  const ValueId condition = value(*node.condition);
  std::vector<typed::VarId> results;
  expr.type.for_each_leaf(
      [&](const typed::Type& leaf) { results.push_back(temporary(type_id(leaf), hint)); });
  const BlockId join = out_.add_block("join");
  const SsaBuilder::Moment before = ssa_.now(block_);
  const Ways ways = branch(condition, "then", "else", expr.span);
  for (const auto& [way, arm] : {std::pair(ways.then, node.then.get()),
                                 std::pair(ways.otherwise, node.otherwise.get())}) {
    block_ = way;
    const std::vector<ValueId> values = leaves(*arm);
    for (size_t i = 0; i < values.size(); ++i) write(results[i], values[i]);
    ssa_.jump(block_, join, expr.span);
  }
  begin(join, before);
  std::vector<ValueId> all;
  for (typed::VarId result : results) all.push_back(read(result));
  return all;
}

ValueId FunctionLowering::value_of(const typed::Tuple&, const TypedExpr&, std::string_view) {
  throw std::logic_error("a tuple is no single value");
}

ValueId FunctionLowering::value_of(const typed::Field& node, const TypedExpr& expr,
                                   std::string_view hint) {
  if (const auto leaf = leaf_variable(expr)) return read(*leaf);
  return leaves(*node.base, hint)[leaves_before(node)];
}

}  // namespace tenon::ir
