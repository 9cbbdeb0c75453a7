// .safetensors files: tensors by name. Eight bytes say how long the header is, the header
// (safetensors_header.h) where each tensor lies; then follow the tensors, one behind the other.
#pragma once
#include <filesystem>
#include <string_view>

#include "runtime/file.h"
#include "runtime/tensor.h"

namespace tenon::runtime {

inline constexpr size_t kSafetensorsPrefix = 8;              ///< bytes before the header
inline constexpr size_t kMaxSafetensorsHeader = 100'000'000;  ///< bytes, as in the format's library

/// Reads the tensor `name`, which must have just this type and shape; of the file only the header
/// and that tensor are read.
/// Throws Fault cannot_read, not_a_tensor_file, no_such_tensor, file_holds_other_type or what
/// `allocate` throws.
void load_safetensors(const std::filesystem::path& path, std::string_view name, DType type,
                      const Shape& shape, const Allocate& allocate);

}  // namespace tenon::runtime
