// .npy files (NumPy's format, versions 1 to 3): read with every claim of the header checked against
// the file before memory is taken, written whole or not at all.
#pragma once
#include <filesystem>

#include "runtime/file.h"
#include "runtime/npy_header.h"
#include "runtime/tensor.h"

namespace tenon::runtime {

/// Reads a tensor of just this type and shape: C or Fortran order, either byte order.
/// Throws Fault cannot_read, not_a_tensor_file, file_holds_other_type or what `allocate` throws.
void load_npy(const std::filesystem::path& path, DType type, const Shape& shape,
              const Allocate& allocate);

/// What a .npy file holds, its data not read. Throws Fault cannot_read or not_a_tensor_file.
NpyHeader read_npy_header(const std::filesystem::path& path);

/// Writes C order, little endian, NaNs as the canonical one, to a temporary file beside `path` that
/// replaces it at the end.
/// Throws Fault cannot_write.
void save_npy(const std::filesystem::path& path, const Tensor& tensor);
void save_npy(const std::filesystem::path& path, DType type, const Shape& shape,
              const std::byte* data);

}  // namespace tenon::runtime
