// The header of a .safetensors file: a JSON object that says of each tensor its type, its shape and
// where its data lies, read strictly.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/file.h"
#include "runtime/tensor.h"

namespace tenon::runtime {

struct SafetensorsEntry {
  std::string dtype;  ///< in the format's spelling, as the file has it: "F32"
  Shape shape;        ///< no extent is negative; of a type that Tenon lacks their product may be anything
  int64_t begin = 0, end = 0;  ///< of its bytes, counted from the first byte behind the header

  /// `f64[3, 4]`, or `'F8_E4M3'[3, 4]` for types that Tenon lacks.
  std::string type_text() const;
};

/// What "F32" says; nothing where Tenon lacks the type.
std::optional<DType> safetensors_type(std::string_view dtype);

/// Reads the whole header of `file`, behind which lie `data_bytes`, and gives the entry of tensor
/// `name`. As the format's own library does, it refuses files whose tensors overlap or leave bytes
/// of the data to nobody. Throws Fault not_a_tensor_file or no_such_tensor.
SafetensorsEntry find_tensor(std::string_view header, int64_t data_bytes, std::string_view name,
                             const NamedFile& file);

}  // namespace tenon::runtime
