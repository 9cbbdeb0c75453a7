// Functions of libraries with parameters that are the same in every call. What depends on these alone is
// computed once, by a function of its own, and every call takes what that gives.
//
//     func @layer.bound(%x, %w) exported layer prepared 1     func @layer.prepare(%w) exported layer_prepare
//
// %w is one `prepared` parameter: what @layer.prepare gives. Whatever passes move from the one function to
// the other, these two agree: as many results as prepared parameters, of the same types.
#pragma once
#include <vector>

#include "ir/ir.h"

namespace tenon::ir {

/// The function that gives the prepared parameters of one that has them.
FuncId preparing(const Module& module, const Function& function);
/// The function whose prepared parameters this one gives; none if it is no such function.
FuncId prepared_for(const Module& module, const Function& function);
/// `layer_prepare` for `layer`.
std::string preparing_name(std::string_view exported);

/// Lets C call two functions in the place of an exported one: one that is given the parameters that are
/// `constant`, and one that is given the others. As yet the first does no more than hand them on.
void bind_constants(Module& module, FuncId function, const std::vector<bool>& constant);

}  // namespace tenon::ir
