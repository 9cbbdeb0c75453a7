// A cuBLAS for machines that have none: libcublas.so.13 over fake_cuda.cpp's memory, as far as bench/gpu asks for it.
// Matrices are column-major, and what NVIDIA's page of cublasGemmEx forbids is refused: so a worker that mixes up
// operands, types or leading dimensions is told so where there is no GPU.
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/small_float.h"

extern "C" int cuMemcpyDtoH_v2(void* to, uint64_t from, size_t bytes);
extern "C" int cuMemcpyHtoD_v2(uint64_t to, const void* from, size_t bytes);

namespace {

using namespace tenon::runtime;

enum Status { success = 0, not_initialized = 1, invalid_value = 7, execution_failed = 13, not_supported = 15 };
enum Type { f32 = 0, f16 = 2, bf16 = 14 };  // cudaDataType
constexpr int kNotTransposed = 0, kComputeF32 = 68;

int handle;

/// `rows` by `columns` elements, of which each column begins `stride` behind the one before.
struct Matrix {
  uint64_t address;
  int rows, columns, stride;

  size_t count() const { return static_cast<size_t>(stride) * static_cast<size_t>(columns - 1) + static_cast<size_t>(rows); }
};

template <class Element>
std::optional<std::vector<Element>> read(const Matrix& matrix) {
  std::vector<Element> elements(matrix.count());
  if (cuMemcpyDtoH_v2(elements.data(), matrix.address, elements.size() * sizeof(Element)) != success) return {};
  return elements;
}

template <class Element>
int multiply(const Matrix& a, const Matrix& b, const Matrix& c, float alpha, float beta) {
  const auto left = read<Element>(a), right = read<Element>(b);
  auto result = read<Element>(c);
  if (!left || !right || !result) return execution_failed;
  const auto at = [](const Matrix& matrix, int row, int column) {
    return static_cast<size_t>(row) + static_cast<size_t>(column) * static_cast<size_t>(matrix.stride);
  };
  for (int i = 0; i < c.rows; ++i)
    for (int j = 0; j < c.columns; ++j) {
      float sum = 0;
      for (int k = 0; k < a.columns; ++k)
        sum += static_cast<float>((*left)[at(a, i, k)]) * static_cast<float>((*right)[at(b, k, j)]);
      Element& element = (*result)[at(c, i, j)];
      element = Element(alpha * sum + (beta == 0 ? 0 : beta * static_cast<float>(element)));
    }
  return cuMemcpyHtoD_v2(c.address, result->data(), result->size() * sizeof(Element)) == success ? success
                                                                                                 : execution_failed;
}

}  // namespace

#define API extern "C" __attribute__((visibility("default"))) int

API cublasCreate_v2(void** made) { return *made = &handle, success; }

API cublasGemmEx(void* given, int transposed_a, int transposed_b, int m, int n, int k, const void* alpha,
                 const void* a, int type_a, int stride_a, const void* b, int type_b, int stride_b, const void* beta,
                 void* c, int type_c, int stride_c, int computes_in, int) {
  if (given != &handle) return not_initialized;
  if (m < 0 || n < 0 || k < 0 || stride_a < m || stride_b < k || stride_c < m) return invalid_value;
  if (transposed_a != kNotTransposed || transposed_b != kNotTransposed || computes_in != kComputeF32 ||
      type_a != type_b || type_a != type_c)
    return not_supported;
  const auto address = [](const void* pointer) { return reinterpret_cast<uint64_t>(pointer); };
  const Matrix left{address(a), m, k, stride_a}, right{address(b), k, n, stride_b}, result{address(c), m, n, stride_c};
  const float by = *static_cast<const float*>(alpha), keeping = *static_cast<const float*>(beta);
  if (type_a == f32) return multiply<float>(left, right, result, by, keeping);
  if (type_a == f16) return multiply<Half>(left, right, result, by, keeping);
  return type_a == bf16 ? multiply<BFloat>(left, right, result, by, keeping) : not_supported;
}
