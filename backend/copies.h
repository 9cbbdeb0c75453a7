// Copying whole runs of elements, for SSA functions.
#pragma once
#include <span>
#include <string>

#include "backend/llvm_text.h"

namespace tenon::backend {

/// `bytes` bytes between blocks of memory that are the same or do not overlap.
void write_copy(FunctionText& out, const std::string& to, const std::string& from, int64_t bytes);

/// Writes `value` into the part of the tensor at `base`: a register if no axis is open, else the
/// pointer to a tensor of the part's shape, which may be the tensor at `base` itself. `subscripts`
/// are those of the axes not left open, in range. `on_gpu`: on whichever side the tensors are.
void write_part(FunctionText& out, const ir::Type& tensor, const std::string& base,
                const ir::Part& part, std::span<const std::string> subscripts,
                const std::string& value, bool on_gpu = false);

}  // namespace tenon::backend
