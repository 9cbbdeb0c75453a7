// Moves, choices, and integer operations on several parts of a word: one loop over the lanes each.
#include "runtime/sim/decode.h"

namespace tenon::runtime::sim {
namespace {

template <class T>
void blend(T* to, const T* from, uint32_t mask) {
  for (uint32_t lane = 0; lane < kLanes; ++lane)
    to[lane] = mask >> lane & 1 ? from[lane] : to[lane];
}

template <class T>
Flow select_lanes(Warp& warp, const Inst& inst, uint32_t mask) {
  const T *a = warp.lanes<T>(inst.a), *b = warp.lanes<T>(inst.b);
  const uint32_t p = inst.mod.negated ? ~warp.predicate(inst.c) : warp.predicate(inst.c);
  T made[kLanes];
  for (uint32_t lane = 0; lane < kLanes; ++lane) made[lane] = p >> lane & 1 ? a[lane] : b[lane];
  blend(warp.lanes<T>(inst.d), made, mask);
  return Flow::next;
}

template <class T>
Flow copy_lanes(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == ~0u)
    std::memmove(warp.frame + inst.d, warp.frame + inst.a, sizeof(T) * kLanes);
  else
    blend(warp.lanes<T>(inst.d), warp.lanes<T>(inst.a), mask);
  return Flow::next;
}

Flow copy_predicate(Warp& warp, const Inst& inst, uint32_t mask) {
  uint32_t& d = warp.predicate(inst.d);
  d = (d & ~mask) | (warp.predicate(inst.a) & mask);
  return Flow::next;
}

/// A lane's value of a register of `width` bits.
uint64_t read(Warp& warp, uint32_t at, uint8_t width, uint32_t lane) {
  uint64_t value = 0;
  std::memcpy(&value, warp.frame + at + lane * (width / 8), width / 8);
  return value;
}
void write(Warp& warp, uint32_t at, uint8_t width, uint32_t lane, uint64_t value) {
  std::memcpy(warp.frame + at + lane * (width / 8), &value, width / 8);
}

template <class Make>
Flow each_lane(Warp& warp, const Inst& inst, uint32_t mask, uint8_t width, Make make) {
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (has(mask, lane)) write(warp, inst.d, width, lane, make(lane));
  }
  return Flow::next;
}

Flow select_sign(Warp& warp, const Inst& inst, uint32_t mask) {
  return each_lane(warp, inst, mask, inst.width, [&](uint32_t lane) {
    bool takes_a;
    if (inst.from == Type::f32)
      takes_a = warp.lanes<float>(inst.c)[lane] >= 0;
    else
      takes_a = warp.lanes<int32_t>(inst.c)[lane] >= 0;
    return read(warp, takes_a ? inst.a : inst.b, inst.width, lane);
  });
}

Flow pack_vector(Warp& warp, const Inst& inst, uint32_t mask) {
  const uint32_t* list = warp.block->launch->program->lists.data() + inst.list;
  return each_lane(warp, inst, mask, inst.width, [&](uint32_t lane) {
    uint64_t value = 0;
    for (uint32_t i = 0; i < inst.list_size; ++i)
      value |= read(warp, list[i], inst.width_a, lane) << i * inst.width_a;
    return value;
  });
}

Flow unpack_vector(Warp& warp, const Inst& inst, uint32_t mask) {
  const uint32_t* list = warp.block->launch->program->lists.data() + inst.list;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(mask, lane)) continue;
    const uint64_t value = read(warp, inst.a, inst.width, lane);
    for (uint32_t i = 0; i < inst.list_size; ++i)
      write(warp, list[i], inst.width_a, lane, value >> i * inst.width_a);
  }
  return Flow::next;
}

/// bfi d, a, b, from, length: a's low bits put into b.
template <class T>
Flow bit_insert(Warp& warp, const Inst& inst, uint32_t mask) {
  constexpr uint32_t kBits = 8 * sizeof(T);
  const uint32_t length_at = warp.block->launch->program->lists[inst.list];
  return each_lane(warp, inst, mask, kBits, [&](uint32_t lane) -> uint64_t {
    const uint32_t from = warp.lanes<uint32_t>(inst.c)[lane] & 255,
                   length = warp.lanes<uint32_t>(length_at)[lane] & 255;
    const T a = warp.lanes<T>(inst.a)[lane], b = warp.lanes<T>(inst.b)[lane];
    if (from >= kBits || length == 0) return b;
    const T field =
        static_cast<T>((length >= kBits ? ~T{0} : static_cast<T>((T{1} << length) - 1)) << from);
    return static_cast<T>((b & ~field) | (static_cast<T>(a << from) & field));
  });
}

/// Any function of three bits, as a table of eight.
Flow logic3(Warp& warp, const Inst& inst, uint32_t mask) {
  const uint32_t *a = warp.lanes<uint32_t>(inst.a), *b = warp.lanes<uint32_t>(inst.b),
                 *c = warp.lanes<uint32_t>(inst.c);
  uint32_t made[kLanes] = {};
  for (uint32_t entry = 0; entry < 8; ++entry) {
    if (!(inst.offset >> entry & 1)) continue;
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      made[lane] |= (entry & 4 ? a[lane] : ~a[lane]) & (entry & 2 ? b[lane] : ~b[lane]) &
                    (entry & 1 ? c[lane] : ~c[lane]);
    }
  }
  blend(warp.lanes<uint32_t>(inst.d), made, mask);
  return Flow::next;
}

/// The selector of prmt's special modes, from the two low bits of c.
uint32_t selector(Permute mode, uint32_t c) {
  static constexpr uint32_t kTables[][4] = {{},
                                            {0x3210, 0x4321, 0x5432, 0x6543},
                                            {0x5670, 0x6701, 0x7012, 0x0123},
                                            {0x0000, 0x1111, 0x2222, 0x3333},
                                            {0x3210, 0x3211, 0x3222, 0x3333},
                                            {0x0000, 0x1110, 0x2210, 0x3210},
                                            {0x1010, 0x3232, 0x1010, 0x3232}};
  return mode == Permute::index ? c : kTables[static_cast<int>(mode)][c & 3];
}

Flow permute(Warp& warp, const Inst& inst, uint32_t mask) {
  return each_lane(warp, inst, mask, 32, [&](uint32_t lane) -> uint64_t {
    const uint64_t bytes =
        warp.lanes<uint32_t>(inst.a)[lane] | uint64_t{warp.lanes<uint32_t>(inst.b)[lane]} << 32;
    const uint32_t which =
        selector(static_cast<Permute>(inst.mod.what), warp.lanes<uint32_t>(inst.c)[lane]);
    uint32_t result = 0;
    for (uint32_t i = 0; i < 4; ++i) {
      const uint32_t pick = which >> 4 * i & 15;
      uint32_t byte = bytes >> 8 * (pick & 7) & 255;
      if (pick & 8) byte = byte & 128 ? 255 : 0;  // its sign instead
      result |= byte << 8 * i;
    }
    return result;
  });
}

Flow funnel(Warp& warp, const Inst& inst, uint32_t mask) {
  return each_lane(warp, inst, mask, 32, [&](uint32_t lane) -> uint64_t {
    const uint64_t both =
        warp.lanes<uint32_t>(inst.a)[lane] | uint64_t{warp.lanes<uint32_t>(inst.b)[lane]} << 32;
    const uint32_t c = warp.lanes<uint32_t>(inst.c)[lane],
                   by = inst.mod.with == 1 ? c & 31 : std::min(c, 32u);
    return static_cast<uint32_t>(inst.mod.what == 0 ? both << by >> 32 : both >> by);
  });
}

Flow dot4(Warp& warp, const Inst& inst, uint32_t mask) {
  return each_lane(warp, inst, mask, 32, [&](uint32_t lane) -> uint64_t {
    const uint32_t a = warp.lanes<uint32_t>(inst.a)[lane], b = warp.lanes<uint32_t>(inst.b)[lane];
    uint32_t sum = warp.lanes<uint32_t>(inst.c)[lane];
    for (uint32_t i = 0; i < 4; ++i) {
      const auto byte = [&](uint32_t word, Type type) {
        return is_signed(type) ? static_cast<int8_t>(word >> 8 * i)
                               : static_cast<int>(word >> 8 * i & 255);
      };
      sum += static_cast<uint32_t>(byte(a, inst.type) * byte(b, inst.from));
    }
    return sum;
  });
}

Flow test_float(Warp& warp, const Inst& inst, uint32_t mask) {
  uint32_t bits = 0;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    const bool wide = inst.type == Type::f64;
    const uint64_t all = read(warp, inst.a, wide ? 64 : 32, lane);
    const uint64_t exponent = wide ? all >> 52 & 2047 : all >> 23 & 255, most = wide ? 2047 : 255;
    const uint64_t fraction = wide ? all & ((uint64_t{1} << 52) - 1) : all & ((1u << 23) - 1);
    bool holds = false;
    switch (static_cast<FloatTest>(inst.mod.what)) {
      case FloatTest::finite: holds = exponent != most; break;
      case FloatTest::infinite: holds = exponent == most && fraction == 0; break;
      case FloatTest::number: holds = exponent != most || fraction == 0; break;
      case FloatTest::notanumber: holds = exponent == most && fraction != 0; break;
      case FloatTest::normal: holds = exponent != most && exponent != 0; break;
      case FloatTest::subnormal: holds = exponent == 0 && fraction != 0; break;
    }
    bits |= uint32_t{holds} << lane;
  }
  uint32_t& d = warp.predicate(inst.d);
  d = (d & ~mask) | (bits & mask);
  return Flow::next;
}

/// Time does not pass here: a clock gives how many instructions the launch has run.
Flow clock(Warp& warp, const Inst& inst, uint32_t mask) {
  return each_lane(warp, inst, mask, inst.width,
                   [&](uint32_t) { return warp.block->launch->executed; });
}

}  // namespace

namespace run {

Exec select(uint8_t width) {
  return width == 16   ? select_lanes<uint16_t>
         : width == 32 ? select_lanes<uint32_t>
         : width == 64 ? select_lanes<uint64_t>
                       : nullptr;
}
Exec copy(uint8_t width) {
  return width == 1    ? copy_predicate
         : width <= 16 ? copy_lanes<uint16_t>
         : width == 32 ? copy_lanes<uint32_t>
         : width == 64 ? copy_lanes<uint64_t>
                       : nullptr;
}
const Exec select_sign = sim::select_sign, pack_vector = sim::pack_vector,
           unpack_vector = sim::unpack_vector, bit_insert32 = bit_insert<uint32_t>,
           bit_insert64 = bit_insert<uint64_t>, logic3 = sim::logic3, permute = sim::permute,
           funnel = sim::funnel, dot4 = sim::dot4, test_float = sim::test_float, clock = sim::clock;

}  // namespace run
}  // namespace tenon::runtime::sim
