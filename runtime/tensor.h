// A tensor in memory: element type, extents, and a shared, 64-byte aligned block of row-major data.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/scalar.h"

namespace tenon::runtime {

using Shape = std::vector<int64_t>;  ///< extents, outermost first; empty for a scalar

/// Elements and bytes of a tensor; nothing where they exceed what memory can address. Every size in
/// Tenon is computed here, so that none wraps.
std::optional<int64_t> element_count(const Shape& shape);
std::optional<int64_t> byte_count(DType type, const Shape& shape);

/// `f32[64, 10]`; a scalar is `f32`.
std::string type_text(DType type, const Shape& shape);

/// Copies share their data; mutable_data() first makes it this tensor's own (copy on write).
class Tensor {
 public:
  Tensor() = default;
  /// Zero-filled. Throws Fault out_of_memory; `shape` must have a byte_count().
  Tensor(DType type, Shape shape);
  static Tensor scalar(Scalar value);

  DType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  int rank() const { return static_cast<int>(shape_.size()); }
  int64_t count() const { return count_; }
  const std::byte* data() const { return data_.get(); }
  std::byte* mutable_data();

  Scalar at(int64_t offset) const;       ///< element at a row-major offset in 0..count()
  void set(int64_t offset, Scalar value);  ///< `value.type` must be type()

 private:
  DType type_ = DType::f32;
  Shape shape_;
  int64_t count_ = 0;
  std::shared_ptr<std::byte[]> data_;
};

Scalar read_element(DType type, const std::byte* data, int64_t offset);
void write_element(std::byte* data, int64_t offset, Scalar value);

}  // namespace tenon::runtime
