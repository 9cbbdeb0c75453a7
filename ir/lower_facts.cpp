#include "ir/lower_facts.h"

#include <algorithm>
#include <utility>

#include "ir/expr.h"

namespace tenon::ir {

namespace typed = ast::typed;
using typed::Stmt;

namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;  // clang before 17 needs to be told

std::optional<int64_t> constant_of(const TypedExpr& expr) {
  const auto* constant = std::get_if<typed::Constant>(&expr.node);
  if (!constant || !runtime::is_integer(constant->value.type)) return std::nullopt;
  return constant->value.i;
}

void for_each_child_of(const typed::Element& node,
                       const std::function<void(const TypedExpr&)>& visit) {
  visit(*node.tensor);
  for (const TypedExpr& subscript : node.subscripts) visit(subscript);
  if (node.otherwise) visit(*node.otherwise);
}

void for_each_child_of(const typed::Reduce& node,
                       const std::function<void(const TypedExpr&)>& visit) {
  for (const typed::ReduceIndex& index : node.indices) {
    visit(*index.lo);
    visit(*index.hi);
  }
  visit(*node.body);
}

/// The expressions that a statement evaluates itself, and its inner statements.
void for_each_part(const Stmt& stmt, const std::function<void(const TypedExpr&)>& expr,
                   const std::function<void(const std::vector<Stmt>&)>& block) {
  std::visit(Overloaded{
                 [&](const typed::Define& s) { expr(s.value); },
                 [&](const typed::Update& s) {
                   for (const auto& subscript : s.subscripts) {
                     if (subscript) expr(*subscript);
                   }
                   expr(s.value);
                 },
                 [&](const typed::If& s) { expr(s.condition), block(s.then), block(s.otherwise); },
                 [&](const typed::While& s) { expr(s.condition), block(s.body); },
                 [&](const typed::For& s) { expr(s.lo), expr(s.hi), block(s.body); },
                 [&](const typed::Return& s) {
                   if (s.value) expr(*s.value);
                 },
                 [&](const typed::Print& s) {
                   for (const auto& piece : s.pieces) {
                     if (const auto* value = std::get_if<TypedExpr>(&piece)) expr(*value);
                   }
                 },
                 [&](const typed::Save& s) { expr(s.value); },
                 [&](const typed::Write& s) { expr(s.value); },
                 [&](const typed::Assert& s) { expr(s.condition); },
                 [&](const typed::Evaluate& s) { expr(s.value); },
                 [&](const typed::Break&) {},
                 [&](const typed::Continue&) {},
             },
             stmt.node);
}

}  // namespace

void for_each_child(const TypedExpr& expr, const std::function<void(const TypedExpr&)>& visit) {
  const auto each = [&](const std::vector<TypedExpr>& exprs) {
    std::ranges::for_each(exprs, visit);
  };
  std::visit(Overloaded{
                 [&](const typed::Constant&) {},
                 [&](const typed::Variable&) {},
                 [&](const typed::Load&) {},
                 [&](const typed::Apply& node) { each(node.args); },
                 [&](const typed::Convert& node) { visit(*node.operand); },
                 [&](const typed::IfExpr& node) {
                   visit(*node.condition), visit(*node.then), visit(*node.otherwise);
                 },
                 [&](const typed::Element& node) { for_each_child_of(node, visit); },
                 [&](const typed::Reduce& node) { for_each_child_of(node, visit); },
                 [&](const typed::Call& node) { each(node.args); },
                 [&](const typed::Compute& node) {
                   for (const typed::Operand& operand : node.operands) visit(*operand.value);
                   visit(*node.body);
                 },
                 [&](const typed::Pack& node) { each(node.elements); },
                 [&](const typed::Tuple& node) { each(node.parts); },
                 [&](const typed::Field& node) { visit(*node.base); },
                 [&](const typed::ScatterAdd& node) {
                   visit(*node.tensor), visit(*node.ids), visit(*node.values);
                 },
             },
             expr.node);
}

// ---- failing

bool LowerFacts::may_fail(const TypedExpr& expr) {
  ranges_.clear();
  return tree_may_fail(expr);
}

bool LowerFacts::tree_may_fail(const TypedExpr& expr) {
  note_ranges(expr);
  if (node_may_fail(expr)) return true;
  bool fails = false;
  for_each_child(expr, [&](const TypedExpr& child) { fails = fails || tree_may_fail(child); });
  return fails;
}

bool LowerFacts::node_may_fail(const TypedExpr& expr) {
  return std::visit(Overloaded{
                        [&](const typed::Apply& node) {
                          const bool divides = node.op == ScalarOp::div || node.op == ScalarOp::mod;
                          if (!divides || !runtime::is_integer(expr.type.dtype)) return false;
                          return constant_of(node.args[1]).value_or(0) == 0;
                        },
                        [&](const typed::Element& node) {
                          if (node.otherwise) return false;
                          for (size_t axis = 0; axis < node.subscripts.size(); ++axis) {
                            if (!in_range(node.subscripts[axis], node.tensor->type.shape[axis]))
                              return true;
                          }
                          return false;
                        },
                        [&](const typed::Reduce& node) {
                          switch (node.reduction) {
                            case Reduction::sum:
                            case Reduction::prod:
                            case Reduction::any:
                            case Reduction::all: return false;
                            default: break;
                          }
                          return !std::ranges::all_of(
                              node.indices, [](const typed::ReduceIndex& index) {
                                const auto lo = constant_of(*index.lo), hi = constant_of(*index.hi);
                                return lo && hi && *lo < *hi;
                              });
                        },
                        [&](const typed::Call& node) { return may_fail(*node.callee); },
                        [&](const typed::Load&) { return true; },
                        [&](const typed::ScatterAdd&) { return true; },
                        [&](const auto&) { return false; },
                    },
                    expr.node);
}

bool LowerFacts::in_range(const TypedExpr& subscript, const ast::Extent& extent) const {
  if (auto constant = constant_of(subscript)) return 0 <= *constant && *constant < extent.value();
  const auto* variable = std::get_if<typed::Variable>(&subscript.node);
  if (!variable) return false;
  const auto range = ranges_.find(variable->var);
  return range != ranges_.end() && 0 <= range->second.lo && range->second.hi <= extent.value();
}

/// The ranges of the indices that `expr` binds, where they are constant.
void LowerFacts::note_ranges(const TypedExpr& expr) {
  if (const auto* compute = std::get_if<typed::Compute>(&expr.node)) {
    for (const typed::ComputeIndex& index : compute->indices) {
      ranges_[index.var] = {index.lo, index.lo + index.extent.value()};
    }
  } else if (const auto* reduce = std::get_if<typed::Reduce>(&expr.node)) {
    for (const typed::ReduceIndex& index : reduce->indices) {
      const auto lo = constant_of(*index.lo), hi = constant_of(*index.hi);
      if (lo && hi)
        ranges_[index.var] = {*lo, *hi};
      else
        ranges_.erase(index.var);
    }
  }
}

bool LowerFacts::may_fail(const std::vector<Stmt>& stmts) {
  return std::ranges::any_of(stmts, [&](const Stmt& stmt) {
    if (std::holds_alternative<typed::Update>(stmt.node) ||
        std::holds_alternative<typed::While>(stmt.node) ||
        std::holds_alternative<typed::Assert>(stmt.node)) {
      return true;
    }
    bool fails = false;
    for_each_part(
        stmt, [&](const TypedExpr& expr) { fails = fails || tree_may_fail(expr); },
        [&](const std::vector<Stmt>& block) { fails = fails || may_fail(block); });
    return fails;
  });
}

bool LowerFacts::may_fail(const typed::Function& function) {
  if (function.recursive || !function.pure) return true;
  if (auto known = may_fail_.find(&function); known != may_fail_.end()) return known->second;
  auto outer = std::exchange(ranges_, {});  // VarIds are the function's own
  const bool result = may_fail(function.body);
  ranges_ = std::move(outer);
  return may_fail_[&function] = result;
}

// ---- inlining

uint32_t LowerFacts::size(const TypedExpr& expr) {
  uint32_t total = 1;
  if (const auto* call = std::get_if<typed::Call>(&expr.node)) {
    total += inline_size(*call->callee).value_or(0);
  }
  for_each_child(expr, [&](const TypedExpr& child) {
    if (total <= kMaxInlineSize) total += size(child);
  });
  return total;
}

std::optional<uint32_t> LowerFacts::inline_size(const typed::Function& function) {
  if (function.recursive || !function.pure || !function.result || !function.result->is_scalar()) {
    return std::nullopt;
  }
  if (auto known = inline_size_.find(&function); known != inline_size_.end()) return known->second;
  uint32_t total = 0;
  bool straight =
      !function.body.empty() && std::holds_alternative<typed::Return>(function.body.back().node);
  for (const Stmt& stmt : function.body) {
    const auto* define = std::get_if<typed::Define>(&stmt.node);
    const bool is_last = &stmt == &function.body.back();
    straight = straight && (is_last || (define && define->value.type.is_scalar()));
    if (!straight || total > kMaxInlineSize) break;
    for_each_part(
        stmt, [&](const TypedExpr& expr) { total += size(expr); }, [](const auto&) {});
  }
  const bool fits = straight && total <= kMaxInlineSize;
  return inline_size_[&function] = fits ? std::optional(total) : std::nullopt;
}

}  // namespace tenon::ir
