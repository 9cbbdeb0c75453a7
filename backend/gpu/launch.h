// What a kernel is to those who launch it.
#pragma once
#include <string>
#include <string_view>

#include "ir/loops_launch.h"

namespace tenon::backend::gpu {

using ir::loops::kWarp;
using ir::loops::Launch;
using ir::loops::launch_of;
using ir::loops::turns_with_inner;

/// What a kernel is called in PTX, where names have letters, digits, `_` and `$`: `main_0` of `main.0`.
std::string entry_name(std::string_view kernel);

/// Whether the kernel asks for the word that tells of faults.
bool takes_context(const ir::loops::Kernel& kernel);

}  // namespace tenon::backend::gpu
