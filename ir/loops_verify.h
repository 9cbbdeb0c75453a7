// The verifier of loop nests: what lowering and every directive of a schedule must leave true, and
// what a nest written by hand has to keep to. (verify.h is that of SSA.)
//
//   names      each parameter and loop has one that the text can hold; no loop is called as locals
//   are scopes     locals are declared before they are used and not twice at once, set before they
//   are read;
//              loop variables are read inside their loop; no loop stands inside itself
//   types      operands, subscripts, bounds, conditions and stored values fit
//   access     as many subscripts as axes; inputs are read, outputs written, each of them somewhere
//   calls      of pure functions, with what they take, for one scalar
//   kinds      what LoopKind says (loops_verify_kinds.cpp)
//
// That subscripts are in range, no integer is divided by zero, and turns that are taken side by
// side touch different elements is not proved here: what a nest's text shows is checked, nothing
// else.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ir/loops.h"

namespace tenon::ir::loops {

struct Violation {
  std::string where;  ///< `@main.0, for i, for k: a = a + %x[i, k]`
  std::string message;
  std::optional<size_t> stmt;  ///< its number in the order of the text; none: the kernel itself
};

/// Empty for a valid kernel.
std::vector<Violation> verify(const Module& module, const Kernel& kernel);

}  // namespace tenon::ir::loops
