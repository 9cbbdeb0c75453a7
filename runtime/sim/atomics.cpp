// atom and red, lane by lane: the lanes of one instruction take turns, the lowest first.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/sim/decode.h"
#include "runtime/sim/memory_access.h"
#include "runtime/small_float.h"

namespace tenon::runtime::sim {

Space space_of_address(uint64_t at);  // memory.cpp

namespace {

template <class T>
T combine(Atomic what, T old, T value, T swap) {
  using U = std::make_unsigned_t<T>;
  switch (what) {
    case Atomic::add: return static_cast<T>(static_cast<U>(old) + static_cast<U>(value));
    case Atomic::min: return std::min(old, value);
    case Atomic::max: return std::max(old, value);
    case Atomic::inc: return old >= value ? T{0} : static_cast<T>(old + 1);
    case Atomic::dec: return old == 0 || old > value ? value : static_cast<T>(old - 1);
    case Atomic::and_: return old & value;
    case Atomic::or_: return old | value;
    case Atomic::xor_: return old ^ value;
    case Atomic::exch: return value;
    case Atomic::cas: return old == value ? swap : old;
  }
  return old;
}

template <class F>
F combine_floats(Atomic what, F old, F value) {
  switch (what) {
    case Atomic::add: return old + value;
    case Atomic::min: return old != old ? value : value != value ? old : std::min(old, value);
    case Atomic::max: return old != old ? value : value != value ? old : std::max(old, value);
    default: return value;
  }
}

template <class T, class As>
uint64_t through(As use, uint64_t old, uint64_t value) {
  T a, b;
  std::memcpy(&a, &old, sizeof a);
  std::memcpy(&b, &value, sizeof b);
  const T result = use(a, b);
  uint64_t all = 0;
  std::memcpy(&all, &result, sizeof result);
  return all;
}

template <SmallFormat format>
uint64_t combine_halves(Atomic what, uint64_t old, uint64_t value, uint32_t count) {
  uint64_t result = 0;
  for (uint32_t part = 0; part < count; ++part) {
    const auto read = [&](uint64_t from) {
      return static_cast<float>(
          SmallFloat<format>::from_bits(static_cast<uint16_t>(from >> 16 * part)));
    };
    const float sum = combine_floats(what, read(old), read(value));
    result |= uint64_t{SmallFloat<format>(sum).bits()} << 16 * part;
  }
  return result;
}

uint64_t new_value(const Inst& inst, uint64_t old, uint64_t value, uint64_t swap) {
  const auto what = static_cast<Atomic>(inst.mod.what);
  const auto integers = [&]<class T>(T) {
    return static_cast<uint64_t>(
        combine<T>(what, static_cast<T>(old), static_cast<T>(value), static_cast<T>(swap)));
  };
  switch (inst.type) {
    case Type::b16:
    case Type::u16: return integers(uint16_t{});
    case Type::b32:
    case Type::u32: return integers(uint32_t{});
    case Type::s32: return integers(int32_t{});
    case Type::b64:
    case Type::u64: return integers(uint64_t{});
    case Type::s64: return integers(int64_t{});
    case Type::f32:
      return through<float>([&](float a, float b) { return combine_floats(what, a, b); }, old,
                            value);
    case Type::f64:
      return through<double>([&](double a, double b) { return combine_floats(what, a, b); }, old,
                             value);
    case Type::f16: return combine_halves<SmallFormat::f16>(what, old, value, 1);
    case Type::f16x2: return combine_halves<SmallFormat::f16>(what, old, value, 2);
    case Type::bf16: return combine_halves<SmallFormat::bf16>(what, old, value, 1);
    case Type::bf16x2: return combine_halves<SmallFormat::bf16>(what, old, value, 2);
    default: return old;
  }
}

uint64_t register_of_lane(Warp& warp, uint32_t at, uint32_t lane, uint32_t bytes) {
  uint64_t value = 0;
  std::memcpy(&value, warp.frame + at + lane * bytes, bytes);
  return value;
}

void update(Warp& warp, const Inst& inst, const Target& target, const Request& request,
            uint32_t lanes) {
  if (!check_initialized(warp, inst, target, request, lanes, request.bytes)) return;
  if (target.allocation != nullptr && target.allocation->is_constant) {
    stop(warp, inst, first_lane(lanes), SimFaultKind::out_of_bounds,
         fmt::format("writes {}, which is constant", target.text()));
    return;
  }
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(lanes, lane)) continue;
    check_write(warp, inst, target, request.at[lane], request.bytes, lane, true, nullptr);
    std::byte* memory = target.data + (request.at[lane] - target.base);
    uint64_t old = 0;
    std::memcpy(&old, memory, request.bytes);
    const uint64_t swap = inst.c == kNone ? 0 : register_of_lane(warp, inst.c, lane, request.bytes);
    const uint64_t result =
        new_value(inst, old, register_of_lane(warp, inst.b, lane, request.bytes), swap);
    std::memcpy(memory, &result, request.bytes);
    if (inst.mod.uniform)
      std::memcpy(warp.frame + inst.d + lane * request.bytes, &old, request.bytes);
  }
}

Flow atomic(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  Request request;
  read_addresses(warp, inst, inst.a, inst.mod.wide_address, inst.offset, request);
  request.bytes = bits(inst.type) / 8;
  const auto use = [&](const Target& target, uint32_t lanes, bool) {
    update(warp, inst, target, request, lanes);
  };
  uint32_t shared = inst.space == Space::shared ? mask : 0;
  for (uint32_t lane = 0; lane < kLanes && inst.space == Space::generic; ++lane) {
    if (!has(mask, lane)) continue;
    const Space space = space_of_address(request.at[lane]);
    if (space == Space::shared) {
      shared |= 1u << lane;
      request.at[lane] -= kSharedWindow;
    } else if (space != Space::global) {
      return stop(warp, inst, lane, SimFaultKind::unsupported,
                  "an atomic operation on memory of one thread");
    }
  }
  request.mask = mask & ~shared;
  if (request.mask != 0) {
    Block& block = *warp.block;
    block.acquired = true;
    if (block.fenced) block.launch->published[block.index & (Access::kMaxBlocks - 1)] = true;
    if (!access_global(warp, inst, request, AccessKind::atomic, use)) return Flow::stop;
  }
  request.mask = shared;
  return shared == 0 || access_shared(warp, inst, request, AccessKind::atomic, use) ? Flow::next
                                                                                    : Flow::stop;
}

}  // namespace

namespace run {
const Exec atomic = sim::atomic;
}

}  // namespace tenon::runtime::sim
