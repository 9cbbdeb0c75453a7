#include "runtime/memory.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <atomic>
#include <cstdlib>

#include "runtime/fault.h"

namespace tenon::runtime {
namespace {

std::atomic<int64_t> taken = 0;

// Linux promises memory that it may not have and kills whoever touches it. An eighth stays for the
// system and for everything of ours that is not a tensor.
int64_t read_memory_limit() {
  struct sysinfo info;
  if (sysinfo(&info) != 0) return INT64_MAX / 2;
  const auto total = static_cast<int64_t>(info.totalram + info.totalswap) * info.mem_unit;
  return total / 8 * 7;
}

// A loop that makes and frees a tensor per turn would get its pages from the system and clear them
// every time, which may cost ten times what it does with them. 32 MiB is the largest threshold.
bool keep_freed_memory() {
  return mallopt(M_MMAP_THRESHOLD, 32 << 20) != 0 && mallopt(M_TRIM_THRESHOLD, -1) != 0;
}

// Tensors from this size on lie on pages of 2 MiB where the system has them: their first use takes one
// page fault instead of 512, and later ones miss no translation.
constexpr size_t kHugePage = 2 << 20, kHugeFrom = 2 * kHugePage;

void* take_pages(size_t bytes) {
  if (bytes < kHugeFrom) return std::aligned_alloc(kAlignment, bytes);
  const size_t whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* data = std::aligned_alloc(kHugePage, whole);
  if (data != nullptr) madvise(data, whole, MADV_HUGEPAGE);  // no harm where it is refused
  return data;
}

// Also for 0 bytes a block of its own, so that every tensor has an address.
size_t padded(int64_t bytes) {
  return bytes == 0 ? kAlignment : (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

int64_t memory_limit() {
  static const int64_t limit = read_memory_limit();
  return limit;
}

std::byte* allocate(int64_t bytes) {
  [[maybe_unused]] static const bool kept = keep_freed_memory();
  const Fault fault{FaultKind::out_of_memory, bytes};
  if (bytes > memory_limit()) throw fault;  // first, so that the sum below cannot wrap
  if (taken.fetch_add(bytes) + bytes > memory_limit()) {
    taken -= bytes;
    throw fault;
  }
  void* data = take_pages(padded(bytes));
  if (data == nullptr) {
    taken -= bytes;
    throw fault;
  }
  return static_cast<std::byte*>(data);
}

void release(std::byte* data, int64_t bytes) noexcept {
  taken -= bytes;
  std::free(data);
}

}  // namespace tenon::runtime
