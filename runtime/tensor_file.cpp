#include "runtime/tensor_file.h"

#include "runtime/file_format.h"
#include "runtime/npy.h"
#include "runtime/safetensors.h"

namespace tenon::runtime {

void load_tensor(const std::filesystem::path& path, std::string_view name, DType type,
                 const Shape& shape, const Allocate& allocate) {
  if (file_format(path.native()) == &kSafetensors) {
    load_safetensors(path, name, type, shape, allocate);
  } else {
    load_npy(path, type, shape, allocate);
  }
}

Tensor load_tensor(const std::filesystem::path& path, std::string_view name, DType type,
                   const Shape& shape) {
  Tensor tensor;
  load_tensor(path, name, type, shape, [&](int64_t) {
    tensor = Tensor(type, shape);
    return tensor.mutable_data();
  });
  return tensor;
}

}  // namespace tenon::runtime
