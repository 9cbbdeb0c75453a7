// Which rewrite is the first wrong one: a binary search over how many are allowed.
#pragma once
#include <functional>
#include <optional>

#include "opt/pass.h"

namespace tenon::opt {

struct WrongRewrite {
  /// Counted from 1, over all passes; 0: the passes go wrong though no rewrite is allowed.
  int64_t number = 0;
  int64_t of = 0;  ///< how many there are with all allowed
  std::string pass;
  std::string function;  ///< empty if the pass does not say
  std::string rewrite;   ///< its name
  std::string diff;      ///< the module right behind that pass, without the rewrite and with it
};

/// Runs the list on copies of `module`. The rewrite that is found is right to leave out and wrong
/// to make, with all before it made and all behind it left out. Nothing if the whole list is right.
/// (Zeller, "Yesterday, my program worked. Today, it does not. Why?", ESEC/FSE 1999.)
std::optional<WrongRewrite> find_wrong_rewrite(
    const ir::Module& module, std::span<const PassRow* const> list, bool strict,
    const std::function<bool(const ir::Module&)>& is_right);

}  // namespace tenon::opt
