// Parsing of index expressions, and of what stands beside them.
#pragma once
#include "ir/parse_atoms.h"

namespace tenon::ir {

/// `[i: 64, j: 128] { body, … }`, with the places of nodes that can fail.
Compute parse_compute(TextScanner& scanner, Module& module, Function& function, const Names& names);

/// `("split i by 8 as io, ii", "unroll ii")`
Schedule parse_schedule(TextScanner& scanner);

/// What the names of an expression mean that stands by itself, outside of any function's text: a
/// side of a rewrite rule.
struct FreeNames {
  std::unordered_map<std::string_view, ExprId> values;
  std::unordered_map<std::string_view, DType> types;
  DType integer = DType::i64, floating = DType::f32;  ///< of bare numbers
};

/// `x * c1 + 0`; its nodes are made in `function`.
ExprId parse_free_expr(TextScanner& scanner, Module& module, Function& function,
                       const FreeNames& names);

}  // namespace tenon::ir
