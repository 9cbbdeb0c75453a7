#include "runtime/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

#include "runtime/abi.h"
#include "runtime/device_session.h"
#include "runtime/memory.h"

namespace tenon::runtime {

/// Stands before the data of each tensor that generated code holds, as large as the alignment so
/// that the data is aligned too.
struct alignas(kAlignment) Context::Block {
  Block* previous;
  Block* next;
  int64_t owners;
  int64_t bytes;  ///< of the data
  DeviceCopy device = {};

  void* data() { return this + 1; }
  static Block* of(void* data) { return static_cast<Block*>(data) - 1; }

  static Block* create(Context& context, int64_t bytes);
  void destroy(Context& context);
  void free();
  /// To a size of spares: equal for all blocks that may take each other's place.
  static int64_t rounded_up(int64_t whole) {
    return (whole + kSpareStep - 1) / kSpareStep * kSpareStep;
  }
};

constexpr int kMaxSpares = 16;  // of one size

Context::Block* Context::Block::create(Context& context, int64_t bytes) {
  static_assert(offsetof(Block, owners) - sizeof(Block) == size_t(kOwnersOffset));
  int64_t whole;
  if (__builtin_add_overflow(bytes, static_cast<int64_t>(sizeof(Block)), &whole))
    throw Fault{FaultKind::out_of_memory, bytes};
  Spares* spares = context.spares_for(bytes);
  void* memory;
  if (spares != nullptr && spares->first != nullptr) {
    memory = std::exchange(spares->first, spares->first->next);
    --spares->count;
  } else {
    memory = allocate(spares != nullptr ? rounded_up(whole) : whole);
  }
  auto* block = new (memory) Block{nullptr, context.blocks, 1, bytes};
  if (block->next != nullptr) block->next->previous = block;
  context.blocks = block;
  context.live_bytes += bytes;
  context.peak_bytes = std::max(context.peak_bytes, context.live_bytes);
  return block;
}

void Context::Block::destroy(Context& context) {
  if (device.address != 0 && context.device != nullptr) context.device->release(device, bytes);
  (previous != nullptr ? previous->next : context.blocks) = next;
  if (next != nullptr) next->previous = previous;
  context.live_bytes -= bytes;
  Spares* spares = context.spares_for(bytes);
  if (spares != nullptr && spares->count < kMaxSpares) {
    next = std::exchange(spares->first, this);
    ++spares->count;
  } else {
    free();
  }
}

void Context::Block::free() {
  const int64_t whole = bytes + static_cast<int64_t>(sizeof(Block));
  release(reinterpret_cast<std::byte*>(this), bytes <= kSpareBytes ? rounded_up(whole) : whole);
}

/// The spares of a size; none are kept of large ones.
Context::Spares* Context::spares_for(int64_t bytes) {
  if (bytes > kSpareBytes) return nullptr;
  return &spares[(bytes + kSpareStep - 1) / kSpareStep];
}

Context::~Context() {
  while (blocks != nullptr) blocks->destroy(*this);
  for (Spares& of_a_size : spares) {
    while (of_a_size.first != nullptr)
      std::exchange(of_a_size.first, of_a_size.first->next)->free();
  }
}

DeviceCopy& device_copy_of(void* data) { return Context::Block::of(data)->device; }
int64_t bytes_of_block(void* data) { return Context::Block::of(data)->bytes; }

namespace {

Fault output_fault() {
  return {FaultKind::cannot_write, 0, 0, fmt::format("the output: {}", std::strerror(errno))};
}

}  // namespace

void write_line(Context& context, std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), context.out) != text.size() ||
      std::fputc('\n', context.out) == EOF)
    throw output_fault();
}

void write_bytes(Context& context, const std::byte* bytes, int64_t count) {
  const size_t length = strnlen(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
  if (std::fwrite(bytes, 1, length, context.out) != length) throw output_fault();
}

void flush(Context& context) {
  if (std::fflush(context.out) != 0) throw output_fault();
}

}  // namespace tenon::runtime

using tenon::runtime::Context;

void* tn_alloc(tn_context* c, int64_t bytes, int32_t site) {
  try {
    return Context::Block::create(*reinterpret_cast<Context*>(c), bytes)->data();
  } catch (const tenon::runtime::Fault& fault) {
    tn_fail(c, static_cast<int32_t>(fault.kind), site, fault.a, fault.b, nullptr);
    return nullptr;
  }
}

void tn_share(void* data) {
  ++Context::Block::of(data)->owners;
}

void tn_drop(tn_context* c, void* data) {
  if (data == nullptr) return;
  Context::Block* block = Context::Block::of(data);
  if (--block->owners == 0) block->destroy(*reinterpret_cast<Context*>(c));
}

void* tn_own(tn_context* c, void* data, int64_t bytes, int32_t site) {
  if (Context::Block::of(data)->owners == 1) return data;
  void* copy = tn_alloc(c, bytes, site);
  if (copy == nullptr) return nullptr;
  if (reinterpret_cast<Context*>(c)->device != nullptr) tn_copy_run(c, copy, copy, data, data, bytes);
  else std::memcpy(copy, data, bytes);
  tn_drop(c, data);
  return copy;
}
