#include "runtime/tensor.h"

#include <fmt/ranges.h>

#include <cstring>

#include "runtime/fault.h"
#include "runtime/memory.h"
#include "runtime/small_float.h"

namespace tenon::runtime {
namespace {

std::shared_ptr<std::byte[]> shared_block(int64_t bytes) {
  return {allocate(bytes), [bytes](std::byte* data) { release(data, bytes); }};
}

template <class T>
Scalar number(DType type, T element) {
  if constexpr (std::is_integral_v<T>)
    return Scalar::integer(type, element);
  else
    return Scalar::floating(type, static_cast<double>(element));
}

}  // namespace

std::optional<int64_t> element_count(const Shape& shape) {
  int64_t product = 1;  // of the extents that are not 0: strides must fit, too
  bool empty = false;
  for (const int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(product, extent, &product)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : product;
}

std::optional<int64_t> byte_count(DType type, const Shape& shape) {
  Shape bytes = shape;  // a tensor of bytes has one axis more
  bytes.push_back(row(type).bytes);
  return element_count(bytes);
}

std::string type_text(DType type, const Shape& shape) {
  if (shape.empty()) return std::string(row(type).text);
  return fmt::format("{}[{}]", row(type).text, fmt::join(shape, ", "));
}

Tensor::Tensor(DType type, Shape shape) : type_(type), shape_(std::move(shape)) {
  const int64_t bytes = byte_count(type_, shape_).value_or(INT64_MAX);
  data_ = shared_block(bytes);
  count_ = bytes / row(type_).bytes;
  std::memset(data_.get(), 0, bytes);
}

Tensor Tensor::scalar(Scalar value) {
  Tensor tensor(value.type, {});
  tensor.set(0, value);
  return tensor;
}

std::byte* Tensor::mutable_data() {
  if (data_.use_count() > 1) {
    const int64_t bytes = count_ * row(type_).bytes;
    const auto own = shared_block(bytes);
    std::memcpy(own.get(), data_.get(), bytes);
    data_ = own;
  }
  return data_.get();
}

Scalar Tensor::at(int64_t offset) const {
  return read_element(type_, data(), offset);
}

void Tensor::set(int64_t offset, Scalar value) {
  write_element(mutable_data(), offset, value);
}

Scalar read_element(DType type, const std::byte* data, int64_t offset) {
  switch (type) {
#define DTYPE(name, text, cpp, bytes, kind, npy, safetensors) \
  case DType::name: {                                         \
    cpp element;                                              \
    std::memcpy(&element, data + offset * bytes, bytes);      \
    return number(type, element);                             \
  }
#include "runtime/dtypes.def"
  }
  return {};
}

void write_element(std::byte* data, int64_t offset, Scalar value) {
  switch (value.type) {
#define DTYPE(name, text, cpp, bytes, kind, npy, safetensors) \
  case DType::name: {                                         \
    cpp element;                                              \
    if constexpr (Kind::kind == Kind::floating)               \
      element = static_cast<cpp>(value.f);                    \
    else                                                      \
      element = static_cast<cpp>(value.i);                    \
    std::memcpy(data + offset * bytes, &element, bytes);      \
    return;                                                   \
  }
#include "runtime/dtypes.def"
  }
}

}  // namespace tenon::runtime
