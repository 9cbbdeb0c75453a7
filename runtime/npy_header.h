// The header of a .npy file: a Python dictionary of three fixed keys, read strictly.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "runtime/tensor.h"

namespace tenon::runtime {

struct NpyHeader {
  std::string descr;  ///< the element type in NumPy's spelling, as the file has it: "<f4"
  bool fortran_order = false;
  Shape shape;  ///< no extent is negative; their product may be anything

  /// `f64[3, 4]`, or `'<c8'[3, 4]` for element types that Tenon lacks.
  std::string type_text() const;
};

/// What an element type code such as "<f4" says; nothing where Tenon lacks the type.
struct NpyType {
  DType type;
  bool big_endian;
};
std::optional<NpyType> npy_type(std::string_view descr);

/// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. Throws Fault
/// not_a_tensor_file, whose text counts bytes from the start of the file: `offset` is where `text`
/// begins there; `file` names it.
NpyHeader parse_npy_header(std::string_view text, size_t offset, std::string_view file);

/// The whole beginning of the file that NumPy writes for such a tensor, to the data's first byte.
std::string npy_beginning(DType type, const Shape& shape);

}  // namespace tenon::runtime
