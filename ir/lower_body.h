// Expressions as bodies of computes.
//
// An index expression is pure and evaluated anew for each element, so not everything may become one
// as it stands: what must not change is which elements fail, where, and in which order. What does not
// depend on the indices and cannot be noticed is evaluated before the compute (hoisted); a tensor
// that does depend on them is never made, its elements being put where they are read; calls of
// straight-line scalar functions are inlined. Where all that would change a failure, run() says no,
// and lower_explicit.cpp writes loops.
#pragma once
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "ir/lowering.h"
#include "ir/ranges.h"

namespace tenon::ir {

class BodyLowering {
 public:
  BodyLowering(FunctionLowering& around, std::span<const typed::ComputeIndex> indices);

  /// The compute of `body` over the indices, after emitting what it needs; or nothing, emitting
  /// nothing.
  std::optional<Compute> run(const TypedExpr& body);

 private:
  using MaybeExpr = std::optional<ExprId>;
  struct Scope;

  /// A scalar, and how many levels were bound around it.
  struct BoundScalar { ExprId id; uint32_t depth; };
  /// A tensor whose elements are worked out where they are read: a Compute or an IfExpr.
  struct Lazy { const TypedExpr* expr; Scope* scope; };
  using Tensor = std::variant<ValueId, Lazy>;
  using Binding = std::variant<BoundScalar, Tensor>;
  /// The variables of one function: of the one around, where those not bound here are read as SSA
  /// values; or of an inlined callee.
  struct Scope {
    bool is_root;
    const typed::Function* function;
    std::unordered_map<typed::VarId, Binding> bindings;
  };

  MaybeExpr lower(const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::Constant& node, const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::Variable& node, const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::Apply& node, const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::Convert& node, const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::IfExpr& node, const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::Element& node, const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::Reduce& node, const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::Call& node, const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::Compute& node, const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::Pack& node, const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::Load& node, const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::Tuple& node, const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::Field& node, const TypedExpr& expr, Scope& scope);
  MaybeExpr lower_of(const typed::ScatterAdd& node, const TypedExpr& expr, Scope& scope);
  /// A field of a variable of the function around.
  std::optional<ValueId> outer_field(const TypedExpr& expr, const Scope& scope);
  /// As lower(), for what is evaluated only sometimes.
  MaybeExpr lower_conditional(const TypedExpr& expr, Scope& scope);

  // tensors and their elements
  std::optional<Tensor> tensor(const TypedExpr& expr, Scope& scope);
  /// `guarded`: only evaluated where all subscripts are in range.
  MaybeExpr access(const Tensor& tensor, DType type, std::vector<ExprId> subscripts, bool guarded,
                   Span span);
  MaybeExpr access_compute(const typed::Compute& node, Scope& scope,
                           const std::vector<ExprId>& subscripts, bool guarded);
  MaybeExpr access_if(const typed::IfExpr& node, Scope& scope, DType type,
                      const std::vector<ExprId>& subscripts, bool guarded, Span span);
  MaybeExpr in_range_condition(std::span<const ExprId> subscripts, const Shape& shape);

  // calls
  struct Inlining {
    Scope scope;
    std::vector<ExprId> fallible = {};  ///< arguments and lets that may fail, as they are evaluated
    uint32_t arg_size = 0;
  };
  bool bind_args(const typed::Call& node, Scope& scope, Inlining& inlining,
                 std::vector<ExprId>& scalars);
  MaybeExpr inline_body(const typed::Function& callee, Inlining& inlining);
  bool evaluates_first(ExprId root, std::vector<ExprId> wanted) const;

  // hoisting
  bool may_hoist(const TypedExpr& expr, const Scope& scope);
  ValueId hoist(const TypedExpr& expr);

  /// What the source calls an index.
  static const std::string& name_of(typed::VarId index, const Scope& scope) {
    return scope.function->vars[index].name;
  }

  // failing
  ExprId at_site(ExprId id, Span span, bool may_fail);
  bool may_fail(ExprId root) const;
  bool proved_in_range(ExprId subscript, int64_t extent) const;

  uint32_t depth() const { return static_cast<uint32_t>(levels_.size()); }
  ExprId integer(int64_t value) { return exprs_.constant(Scalar::integer(DType::i64, value)); }

  FunctionLowering& around_;
  Function& out_;
  Exprs& exprs_;
  LowerFacts& facts_;
  Shape extents_;
  std::vector<std::string> names_;                    ///< of the compute's indices
  Scope root_;
  std::vector<Range> levels_;                         ///< of the indices bound here
  std::vector<std::pair<ExprId, Range>> known_;       ///< subscripts of tensors that are not made
  std::vector<std::pair<const TypedExpr*, ValueId>> hoists_;
  std::vector<std::pair<ExprId, Span>> sites_;
  std::vector<Span> places_;                          ///< where something may fail
  std::unordered_set<ExprId> has_site_, fallible_;
  size_t failures_ = 0;      ///< nodes made so far that may fail
  int conditional_ = 0;      ///< enclosing constructs that may not evaluate what they hold
  int inlining_ = 0;
  uint32_t inline_budget_ = kMaxTreeSize;
  uint32_t inline_steps_ = 0;
};

}  // namespace tenon::ir
