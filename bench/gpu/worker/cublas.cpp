// NVIDIA's cuBLAS, opened when it is wanted: the library that CUBLAS_LIBRARY names.
#include <dlfcn.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "bench/gpu/worker/tensors.h"

namespace tenon::bench {
namespace {

using runtime::DType;

// Of cublas_api.h and library_types.h, as they have been since CUDA 11.
constexpr int kNotTransposed = 0, kF32 = 0, kF16 = 2, kBf16 = 14, kComputeF32 = 68, kDefaultAlgorithm = -1;

struct Library {
  int (*create)(void**);
  int (*gemm)(void*, int, int, int, int, int, const void*, const void*, int, int, const void*, int, int, const void*,
              void*, int, int, int, int);
  void* handle = nullptr;
};

/// libcublasLt, which it takes, lies beside it, perhaps where the loader does not look.
void open_companion(std::string name) {
  const size_t at = name.rfind("libcublas.so");
  if (at == std::string::npos || at == 0) return;
  name.replace(at, std::string("libcublas").size(), "libcublasLt");
  dlopen(name.c_str(), RTLD_NOW | RTLD_GLOBAL);
}

const Library& library() {
  static const Library opened = [] {
    gpu();  // whose context it takes
    const char* name = std::getenv("CUBLAS_LIBRARY");
    if (name != nullptr) open_companion(name);
    void* found = name == nullptr ? nullptr : dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (found == nullptr) throw runtime::DeviceError{"there is no libcublas"};
    Library all{};
    all.create = reinterpret_cast<decltype(all.create)>(dlsym(found, "cublasCreate_v2"));
    all.gemm = reinterpret_cast<decltype(all.gemm)>(dlsym(found, "cublasGemmEx"));
    if (all.create == nullptr || all.gemm == nullptr) throw runtime::DeviceError{"libcublas lacks its functions"};
    if (const int status = all.create(&all.handle); status != 0)
      throw runtime::DeviceError{"cuBLAS cannot be started: status " + std::to_string(status)};
    return all;
  }();
  return opened;
}

struct Product {
  DType type;
  int code;
  Buffers memory = {};
  runtime::DeviceAddress a = 0, b = 0, c = 0;
};
std::optional<Product> product;

/// Row-major products are column-major ones with the operands exchanged. f32 without TF32, which is cuBLAS's default.
void run(work* work) {
  const float one = 1, zero = 0;
  const auto m = static_cast<int>(work->p[0]), n = static_cast<int>(work->p[1]), k = static_cast<int>(work->p[2]);
  const auto at = [](runtime::DeviceAddress address) { return reinterpret_cast<void*>(address); };
  const int status = library().gemm(library().handle, kNotTransposed, kNotTransposed, n, m, k, &one, at(product->b),
                                    product->code, n, at(product->a), product->code, k, &zero, at(product->c),
                                    product->code, n, kComputeF32, kDefaultAlgorithm);
  if (status != 0) throw runtime::DeviceError{"cublasGemmEx fails: status " + std::to_string(status)};
}

run_function prepare(work* work) {
  product.reset();
  if (is_kind(work, "product")) product.emplace(Product{DType::f32, kF32});
  else if (is_kind(work, "product_f16")) product.emplace(Product{DType::f16, kF16});
  else if (is_kind(work, "product_bf16")) product.emplace(Product{DType::bf16, kBf16});
  else return nullptr;
  library();
  Product& p = *product;
  p.a = p.memory.add(bytes_of(p.type, work->in_size[0]));
  p.b = p.memory.add(bytes_of(p.type, work->in_size[1]));
  p.c = p.memory.add(bytes_of(p.type, work->out_size));
  put(p.a, p.type, work->in[0], work->in_size[0]);
  put(p.b, p.type, work->in[1], work->in_size[1]);
  return run;
}

void fetch(work* work) { get(work->out, product->type, product->c, work->out_size); }

}  // namespace

const GpuPeer kCublas = {"cublas", prepare, fetch};

}  // namespace tenon::bench
