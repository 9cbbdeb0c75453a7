// What load() reads: a tensor in a file of either format.
#pragma once
#include <filesystem>
#include <string_view>

#include "runtime/file.h"
#include "runtime/tensor.h"

namespace tenon::runtime {

/// Reads a tensor of just this type and shape; `name` is of use where the format has names.
/// `path` has an ending that file_format() knows. Throws Fault as load_npy and load_safetensors do.
void load_tensor(const std::filesystem::path& path, std::string_view name, DType type,
                 const Shape& shape, const Allocate& allocate);
/// The same into a new tensor.
Tensor load_tensor(const std::filesystem::path& path, std::string_view name, DType type,
                   const Shape& shape);

}  // namespace tenon::runtime
