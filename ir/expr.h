// Index expressions: immutable, hash-consed trees over indices, the bodies of `compute`.
//
//   compute [i: 64, j: 128] { sum[k: 784](%x[i, k] * %w[k, j]) + %b[j] }
//
// Bound indices are numbered by level: a compute of rank r binds levels 0 … r-1, a reduction inside
// it the next ones. Printed names follow from levels alone (i, j, k, l, …). So equal expressions are
// one node, and putting a producer's body into a consumer is substitution, with no capture.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "ast/tree.h"
#include "ir/ids.h"
#include "runtime/scalar.h"

namespace tenon::ir {

using ast::Reduction;
using runtime::DType;
using runtime::Scalar;
using runtime::ScalarOp;

enum class ExprKind : uint8_t {
#define EXPR(name, meaning) name,
#include "ir/expr.def"
};

struct Expr {
  ExprKind kind;
  DType type;                           ///< of its value
  ScalarOp op = ScalarOp::add;          ///< apply
  Reduction reduction = Reduction::sum; ///< reduce
  uint32_t level = 0;                   ///< index: its level; reduce: level of its first index
  Scalar constant;                      ///< constant
  ValueId value;                        ///< value: a scalar; read: the tensor
  FuncId callee;                        ///< call
  /// Tells apart equal nodes that fail at different places in the source; 0 for all others.
  uint32_t place = 0;
  /// reduce: what the source calls its indices; none where it does not name them. They do not tell nodes
  /// apart but where a schedule goes by them.
  std::vector<std::string> names = {};
  bool keeps_names = false;
  /// read: subscripts (i64); apply, call: operands; convert: one; if_: condition, then, otherwise;
  /// reduce: lo and hi of each index in turn (evaluated outside the reduction), then the body.
  std::vector<ExprId> args;
  /// Nodes of the tree written out (saturating): sharing makes a small graph a huge tree.
  uint32_t tree_size = 1;
  uint32_t depth = 1;                   ///< levels of nodes below and including this one

  size_t reduce_rank() const { return args.size() / 2; }
  ExprId reduce_body() const { return args.back(); }
};

/// Trees are never made larger than this by inlining or fusion.
inline constexpr uint32_t kMaxTreeSize = 512;

/// The parser and the verifier refuse deeper bodies, so that walks over them may recurse, on a large
/// stack (runtime::run_on_large_stack), where the driver runs everything.
inline constexpr uint32_t kMaxExprDepth = 4000;

/// The arena of one function: equal nodes get one id, so that equality is ==.
class Exprs {
 public:
  const Expr& operator[](ExprId id) const { return nodes_[id.index]; }
  size_t size() const { return nodes_.size(); }

  ExprId constant(Scalar value);
  ExprId index(uint32_t level);
  std::optional<ExprId> find_index(uint32_t level) const;  ///< the node, if there is one yet
  ExprId value(ValueId scalar, DType type);
  ExprId read(ValueId tensor, DType type, std::vector<ExprId> subscripts);
  ExprId apply(ScalarOp op, std::vector<ExprId> args);
  ExprId convert(DType to, ExprId operand);
  ExprId if_(ExprId condition, ExprId then, ExprId otherwise);
  /// `bounds` are lo, hi of each index in turn.
  ExprId reduce(Reduction reduction, uint32_t level, std::vector<ExprId> bounds, ExprId body,
                std::vector<std::string> names = {});
  ExprId call(FuncId callee, DType type, std::vector<ExprId> args);

  /// The same node with other arguments of the same types, another value (value and read), or at
  /// another place.
  ExprId with_args(ExprId id, std::vector<ExprId> args);
  ExprId with_value(ExprId id, ValueId value);
  ExprId with_place(ExprId id, uint32_t place);
  ExprId with_names(ExprId id, std::vector<std::string> names, bool keeps_names);
  /// Any node that is right: another's with something changed, or one of another function, once its
  /// arguments, value and callee are those of this one.
  ExprId adopt(Expr node) { return intern(std::move(node)); }

 private:
  std::optional<ExprId> find(const Expr& node) const;
  ExprId intern(Expr node);
  std::vector<Expr> nodes_;
  std::unordered_multimap<size_t, uint32_t> by_hash_;
};

/// `body` with level l < replacements.size() replaced by replacements[l], and inner levels (those of
/// its reductions) moved up by `shift`: inlining a producer of rank r under `depth` bound levels
/// passes its r subscripts and shift = depth - r (as a signed number). Reductions inside a
/// replacement move up too where it lands inside reductions of `body`: the level of a reduction is
/// always the number of indices bound around it.
ExprId substitute(Exprs& exprs, ExprId body, std::span<const ExprId> replacements, int shift);

/// The body with a name for each index of its reductions that stays, whatever becomes of the body: that
/// it has, or that of its level; or, where it `keeps` none, with names that are but hints again. `renamed` is
/// told of every node.
ExprId with_kept_names(Exprs& exprs, ExprId body, bool keeps,
                       const std::function<void(ExprId before, ExprId now)>& renamed);

/// Visits every node below and including the roots once, arguments before users.
void for_each_node(const Exprs& exprs, std::span<const ExprId> roots,
                   const std::function<void(ExprId)>& visit);
inline void for_each_node(const Exprs& exprs, ExprId root,
                          const std::function<void(ExprId)>& visit) {
  for_each_node(exprs, std::span(&root, 1), visit);
}

}  // namespace tenon::ir
