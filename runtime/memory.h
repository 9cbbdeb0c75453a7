// Memory for tensors, whoever holds them: aligned for the widest vectors, and never more than the
// machine has, so that a program that wants too much is told so instead of being killed.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tenon::runtime {

inline constexpr size_t kAlignment = 64;  ///< bytes: a cache line, and a vector of AVX-512

/// Uninitialized, never null. Throws Fault out_of_memory.
std::byte* allocate(int64_t bytes);
void release(std::byte* data, int64_t bytes) noexcept;  ///< `bytes` as it was allocated with

/// What all tensors of the process together may take.
int64_t memory_limit();

}  // namespace tenon::runtime
