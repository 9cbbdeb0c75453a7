// What lowering wants to know about typed functions and expressions before it has any IR of them.
#pragma once
#include <functional>
#include <optional>
#include <unordered_map>

#include "ast/typed.h"

namespace tenon::ir {

using TypedExpr = ast::typed::Expr;

/// Nodes of a function, written out, that takes the place of its calls. Larger ones, as `exp` is, stay
/// calls: they read better, and LLVM puts small functions into loops, too.
inline constexpr uint32_t kMaxInlineSize = 48;

class LowerFacts {
 public:
  /// Whether evaluating may stop the program, or not end. Errs on the side of yes.
  bool may_fail(const TypedExpr& expr);
  bool may_fail(const ast::typed::Function& function);

  /// The number of nodes that inlining a call of `function` may add; nothing where it cannot be
  /// inlined: if it is more than bindings of scalars and one `return`, or exceeds kMaxInlineSize.
  std::optional<uint32_t> inline_size(const ast::typed::Function& function);

 private:
  bool tree_may_fail(const TypedExpr& expr);
  bool may_fail(const std::vector<ast::typed::Stmt>& stmts);
  bool node_may_fail(const TypedExpr& expr);
  bool in_range(const TypedExpr& subscript, const ast::Extent& extent) const;
  void note_ranges(const TypedExpr& expr);
  uint32_t size(const TypedExpr& expr);

  struct IndexRange { int64_t lo, hi; };
  std::unordered_map<ast::typed::VarId, IndexRange> ranges_;  ///< of the function looked at
  std::unordered_map<const ast::typed::Function*, bool> may_fail_;
  std::unordered_map<const ast::typed::Function*, std::optional<uint32_t>> inline_size_;
};

/// Visits the expressions directly below `expr`, in the order in which they are evaluated.
void for_each_child(const TypedExpr& expr,
                    const std::function<void(const TypedExpr&)>& visit);

}  // namespace tenon::ir
