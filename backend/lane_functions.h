// Functions that kernels call with a value for each lane.
#pragma once
#include "backend/lanes.h"
#include "ir/ir.h"

namespace tenon::backend {

/// The name of the function that computes `callee`, which goes_in_lanes(), for so many lanes at once;
/// written into the module the first time.
///
///   define hidden <8 x float> @lanes.normal_element.8(<8 x i64> %seed, <8 x i64> %position)
std::string lane_function(ModuleText& module_text, const ir::Module& module, ir::FuncId callee, Lanes lanes);

}  // namespace tenon::backend
