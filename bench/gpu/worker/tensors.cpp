#include "bench/gpu/worker/tensors.h"

#include <cstdio>
#include <cstdlib>

#include "runtime/small_float.h"

namespace tenon::bench {

using runtime::DType;

namespace {

runtime::CudaInfo info;

template <class Element>
std::string packed_as(const float* numbers, int64_t count) {
  std::string bytes(static_cast<size_t>(count) * sizeof(Element), '\0');
  auto* elements = reinterpret_cast<Element*>(bytes.data());
  for (int64_t i = 0; i < count; ++i) elements[i] = Element(numbers[i]);
  return bytes;
}

template <class Element>
void unpack(float* numbers, const std::string& bytes, int64_t count) {
  const auto* elements = reinterpret_cast<const Element*>(bytes.data());
  for (int64_t i = 0; i < count; ++i) numbers[i] = static_cast<float>(elements[i]);
}

[[noreturn]] void refuse(DType type) {
  throw runtime::DeviceError{"the workers have no numbers of type " + std::string(row(type).text)};
}

}  // namespace

runtime::Device& gpu() {
  static const std::unique_ptr<runtime::Device> device = [] {
    try {
      return runtime::open_cuda(&info);
    } catch (const runtime::DeviceError& error) {
      std::fprintf(stderr, "%s\n", error.message.c_str());
      std::exit(3);
    }
  }();
  return *device;
}

int gpu_capability() {
  gpu();
  return info.capability;
}

int64_t bytes_of(DType type, int64_t count) { return row(type).bytes * count; }

std::string packed(DType type, const float* numbers, int64_t count) {
  if (type == DType::f32) return packed_as<float>(numbers, count);
  if (type == DType::f16) return packed_as<runtime::Half>(numbers, count);
  if (type == DType::bf16) return packed_as<runtime::BFloat>(numbers, count);
  refuse(type);
}

void put(runtime::DeviceAddress to, DType type, const float* numbers, int64_t count) {
  gpu().copy_in(to, packed(type, numbers, count).data(), bytes_of(type, count));
}

void get(float* numbers, DType type, runtime::DeviceAddress from, int64_t count) {
  std::string bytes(static_cast<size_t>(bytes_of(type, count)), '\0');
  gpu().copy_out(bytes.data(), from, bytes_of(type, count));
  if (type == DType::f32) unpack<float>(numbers, bytes, count);
  else if (type == DType::f16) unpack<runtime::Half>(numbers, bytes, count);
  else if (type == DType::bf16) unpack<runtime::BFloat>(numbers, bytes, count);
  else refuse(type);
}

runtime::DeviceAddress Buffers::add(int64_t bytes) {
  all_.push_back(gpu().allocate(bytes));
  return all_.back();
}

void Buffers::clear() noexcept {
  for (const runtime::DeviceAddress address : all_) gpu().release(address);
  all_.clear();
}

}  // namespace tenon::bench
