// The verifier: what every pass must leave true. Run after each pass in tests.
#pragma once
#include <string>
#include <vector>

#include "ir/ir.h"

namespace tenon::ir {

struct Violation {
  std::string where;    ///< `@f, block entry: %c = add %a, %b`
  std::string message;
  Span span;
};

/// Empty for a valid module: types and arities by the tables, one definition per value, definitions
/// dominate uses, edges fit block parameters, one terminator per block, bodies well-typed with
/// levels in scope, calls fit their callees.
std::vector<Violation> verify(const Module& module);

}  // namespace tenon::ir
