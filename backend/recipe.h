// Recipes: what a scalar operation is in LLVM, as text with places to fill in.
//
//   $a $b $c  are the operands       $t  their type           $s  its name in intrinsics (i32, f32)
//   %r        is the result          $w  its width less one   $i  the integer type of that width
//   %other    are registers of the recipe's own               $n  the bits of the canonical NaN
//   $F        is the float type of that width                 $f  the fast-math flags
//   $o        is the type converted to                        $q  its name in intrinsics
//   $d        is f64 in the name of an intrinsic              $z  a flag of one, which is false
//
// Written for several lanes, every type is that of a vector, and every constant in all its lanes.
#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "backend/lanes.h"

namespace tenon::backend {

/// What a float addition or multiplication may do beyond IEEE 754: nothing under --strict.
struct FastMath {
  bool contract = false;  ///< a product and the sum that it goes into: fuse
  bool reassoc = false;   ///< a step of a reduction: take in any order
};

/// What a recipe is filled in with.
struct Filling {
  DType type;                         ///< of the operands
  std::span<const std::string> args;
  FastMath fast = {};
  Lanes lanes = {};
  DType to = type;
};

/// Writes a recipe, a line each, so that `result` is its %r.
void write_recipe(FunctionText& out, const std::string& result, std::string_view recipe,
                  const Filling& filling);

}  // namespace tenon::backend
