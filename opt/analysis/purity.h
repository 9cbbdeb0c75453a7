// Purity: what running something can do besides giving its values.
//
// The language calls a function pure if it has no effects; here is what more an optimizer asks. For
// functions it is found once, callees first (over the strongly connected components of the call
// graph), and passes ask here instead of walking the call graph again.
#pragma once
#include <vector>

#include "ir/ranges.h"

namespace tenon::opt {

// [snippet effects]
/// Each errs on the side of true.
struct Effects {
  bool acts = false;         ///< writes: print, write, save, assert; and owners of tensors
  bool may_fail = false;     ///< may stop the program
  bool reads_files = false;  ///< gives what a save may have changed
  bool may_not_end = false;

  Effects& operator|=(const Effects& other);
  /// Whether somebody would miss it though nobody uses its values; then it is not repeated, left out
  /// or moved over another such one either.
  bool would_be_missed() const { return acts || may_fail || may_not_end; }
};
// [end]

/// Of every function of a module, which must not change its calls meanwhile (fewer are fine).
class Purity {
 public:
  explicit Purity(const ir::Module& module);
  const Effects& of(ir::FuncId function) const { return effects_[function.index]; }

 private:
  Effects without_calls(const ir::Module& module, const ir::Function& function) const;
  std::vector<Effects> effects_;
};

/// Of the instructions of one function. Constants are looked up once, when it is made; what becomes
/// constant later counts as unknown.
class InstEffects {
 public:
  InstEffects(const ir::Module& module, const ir::Function& function, const Purity& purity);
  InstEffects(const InstEffects&) = delete;

  /// What takes long to find out, whether it may fail, is found out last.
  bool would_be_missed(const ir::Inst& inst) const;
  bool may_fail(const ir::Inst& inst) const;
  /// Whether it gives the same wherever its operands are there: but for failing and not ending, it could stand
  /// elsewhere.
  bool is_movable(const ir::Inst& inst) const;
  /// All but `may_fail`, which this leaves false.
  Effects besides_failure(const ir::Inst& inst) const;

 private:
  const ir::Module& module_;
  const ir::Function& function_;
  const Purity& purity_;
  std::vector<ir::Range> ranges_;  ///< by value
  ir::Known known_;
};

}  // namespace tenon::opt
