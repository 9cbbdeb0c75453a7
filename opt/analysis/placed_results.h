// Placed results: tensors that a function makes to return, and that it could just as well write
// right where its caller wants them, with no memory of their own and no copy.
//
// Updates and edges hand one piece of memory on, so what they connect (a web, as in
// stack_tensors.h) lies in one place. A result can be placed if its web begins with one compute or
// pack, all of it is unique (unique_owners.h), and nothing but a `ret` ends it: then it is made
// once in each call that returns, and there it is.
#pragma once
#include <vector>

#include "opt/analysis/unique_owners.h"

namespace tenon::opt {

/// For each result of the function the value that its memory begins with; none where it cannot be
/// placed. Of a module that has been through `own`.
std::vector<ir::ValueId> placed_results(const ir::Module& module, ir::FuncId function,
                                        const UniqueOwners& owners);

}  // namespace tenon::opt
