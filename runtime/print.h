// How values look when a program prints them (language.md, "Printing"). The same text on every
// engine: they all call this.
#pragma once
#include <string>

#include "runtime/tensor.h"

namespace tenon::runtime {

/// The shortest decimal that reads back as the same number of that type.
std::string to_text(Scalar value);
/// As NumPy lays tensors out; the middle of long axes is `...` above 1,000 elements.
std::string to_text(const Tensor& tensor);
std::string to_text(DType type, const Shape& shape, const std::byte* data);

}  // namespace tenon::runtime
