// if-conversion: a small `if` without anything in it that may fail becomes `select`.
#pragma once
#include "ir/ir.h"
#include "opt/pass.h"

namespace tenon::opt {

/// Each branch whose two ways meet again at once, after a few cheap pure instructions, becomes those
/// instructions and a select for each value that differs. Whether any did. The blocks between are
/// left without a way to them; they have no parameters, or they are not looked at.
bool ifs_to_selects(ir::Module& module, ir::Function& function, PassContext& context);

}  // namespace tenon::opt
