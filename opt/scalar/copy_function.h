// A function's instructions as another function's: what inlining is made of.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>

#include "ir/ir.h"

namespace tenon::opt {

/// Copies from one function into another, which gets new values and blocks of the same names (with
/// numbers behind them where those are taken). Places in the source stay.
class FunctionCopy {
 public:
  FunctionCopy(const ir::Function& from, ir::Function& to) : from_(from), to_(to) {}

  const ir::Function& from() const { return from_; }
  /// The definition that it is copied into: what belongs to one of `from`'s belongs to that of it now.
  void lies_in(std::string path) { path_ = std::move(path); }
  /// What stands for a value of `from`; all that it does not define itself must be told first.
  void map(ir::ValueId from, ir::ValueId to) { values_[from] = to; }
  std::optional<ir::ValueId> find(ir::ValueId from) const;

  /// One instruction: no terminator. Its operands have been mapped or copied before.
  ir::Inst inst(const ir::Inst& inst);
  /// All blocks, where `leave(ret, values)` stands in for each `ret`. Returns the entry.
  ir::BlockId blocks(
      const std::function<ir::Inst(const ir::Inst& ret, std::vector<ir::ValueId>)>& leave);

 private:
  ir::ValueId value(ir::ValueId from);
  void copy_body(ir::Compute& compute);

  const ir::Function& from_;
  ir::Function& to_;
  std::string path_;
  std::unordered_map<ir::ValueId, ir::ValueId> values_;
  std::unordered_map<ir::ExprId, ir::ExprId> exprs_;  ///< of all bodies so far
};

/// What a function gives, as an expression of its arguments `args` in `exprs`: if it is one block of
/// constants, conversions and scalar operations that cannot fail, with one result.
std::optional<ir::ExprId> as_expression(const ir::Module& module, const ir::Function& function,
                                        std::span<const ir::ExprId> args, ir::Exprs& exprs);

}  // namespace tenon::opt
