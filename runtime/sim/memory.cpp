// Loads and stores, by state space. A generic address belongs to the space in whose window it lies.
#include <fmt/format.h>

#include "runtime/sim/decode.h"
#include "runtime/sim/memory_access.h"

namespace tenon::runtime::sim {
namespace {

/// Calls `use` with a value of the type in memory and one of the registers' type.
template <class Use>
inline void with_types(const Inst& inst, Use use) {
  const auto registers = [&](auto memory) {
    if (inst.width == 64)
      use(memory, uint64_t{});
    else if (inst.width == 32)
      use(memory, uint32_t{});
    else
      use(memory, uint16_t{});
  };
  switch (inst.type) {
    case Type::u8:
    case Type::b8: return registers(uint8_t{});
    case Type::s8: return registers(int8_t{});
    case Type::u16:
    case Type::b16: return registers(uint16_t{});
    case Type::s16: return registers(int16_t{});
    case Type::u32:
    case Type::b32: return registers(uint32_t{});
    case Type::s32: return registers(int32_t{});
    default: return registers(uint64_t{});
  }
}

/// Memory to registers; `where` gives the host's address of a lane's element.
template <class Where>
inline void fetch(Warp& warp, const Inst& inst, uint32_t lanes, bool contiguous, Where where) {
  const uint32_t* list = warp.block->launch->program->lists.data() + inst.list;
  with_types(inst, [&](auto memory, auto reg) {
    using M = decltype(memory);
    using R = decltype(reg);
    for (uint32_t element = 0; element < inst.count; ++element) {
      R* to = warp.lanes<R>(list[element]);
      if (contiguous && sizeof(M) == sizeof(R) && inst.count == 1) {
        std::memcpy(to, where(0), sizeof(R) * kLanes);
        return;
      }
      const auto one = [&](uint32_t lane) {
        M value;
        std::memcpy(&value, where(lane) + element * sizeof(M), sizeof value);
        to[lane] = static_cast<R>(value);
      };
      if (lanes == ~0u) {
        for (uint32_t lane = 0; lane < kLanes; ++lane) one(lane);
      } else {
        for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) one(first_lane(rest));
      }
    }
  });
}

/// One lane's registers as the bytes that it stores.
inline void gather(Warp& warp, const Inst& inst, uint32_t lane, std::byte* to) {
  const uint32_t* list = warp.block->launch->program->lists.data() + inst.list;
  const uint32_t size = bits(inst.type) / 8;
  for (uint32_t element = 0; element < inst.count; ++element) {
    const uint32_t bytes = inst.width / 8;
    std::memcpy(to + element * size, warp.frame + list[element] + lane * bytes, size);
  }
}

uint32_t bytes_of(const Inst& inst) {
  return bits(inst.type) / 8 * inst.count;
}

bool load_from(Warp& warp, const Inst& inst, const Target& target, const Request& request,
               uint32_t lanes, bool contiguous) {
  if (!check_initialized(warp, inst, target, request, lanes, bits(inst.type) / 8)) return false;
  check_reads(warp, inst, target, request, lanes);
  fetch(warp, inst, lanes, contiguous && lanes == ~0u,
        [&](uint32_t lane) { return target.data + (request.at[lane] - target.base); });
  return true;
}

void store_to(Warp& warp, const Inst& inst, const Target& target, const Request& request,
              uint32_t lanes) {
  if (target.allocation != nullptr && target.allocation->is_constant) {
    stop(warp, inst, first_lane(lanes), SimFaultKind::out_of_bounds,
         fmt::format("writes {}, which is constant", target.text()));
    return;
  }
  std::byte value[64];
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(lanes, lane)) continue;
    const uint64_t at = request.at[lane] - target.base;
    gather(warp, inst, lane, value);
    check_write(warp, inst, target, request.at[lane], request.bytes, lane, inst.mod.volatile_,
                value);
    std::memcpy(target.data + at, value, request.bytes);
    target.shadow->set_initialized(at, request.bytes);
  }
}

bool load_local(Warp& warp, const Inst& inst, const Request& request) {
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(request.mask, lane)) continue;
    const uint64_t at = request.at[lane];
    if (at > warp.local_top || request.bytes > warp.local_top - at)
      return out_of_bounds(warp, inst, lane, at, request.bytes, Space::local), false;
    const uint32_t piece = bits(inst.type) / 8;
    for (uint32_t part = 0;
         part < request.bytes && warp.block->launch->options->check_uninitialized; part += piece) {
      bool any = inst.mod.unread >> part / piece & 1;
      for (uint32_t i = 0; i < piece; ++i)
        any |= warp.local_written[Warp::local_place(static_cast<uint32_t>(at) + part + i, lane)] !=
               std::byte{0};
      if (any) continue;
      stop(warp, inst, lane, SimFaultKind::uninitialized_memory,
           fmt::format("reads {} bytes at {} of local memory, which nobody has written", piece,
                       at + part));
      return false;
    }
  }
  ++warp.block->launch->counters(inst)[Counter::local_requests];
  fetch(warp, inst, request.mask, false, [&](uint32_t lane) {
    return warp.local.data() + Warp::local_place(static_cast<uint32_t>(request.at[lane]), lane);
  });
  return true;
}

bool store_local(Warp& warp, const Inst& inst, const Request& request) {
  std::byte value[64];
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(request.mask, lane)) continue;
    const uint64_t at = request.at[lane];
    if (at > warp.local_top || request.bytes > warp.local_top - at)
      return out_of_bounds(warp, inst, lane, at, request.bytes, Space::local), false;
    gather(warp, inst, lane, value);
    const size_t place = Warp::local_place(static_cast<uint32_t>(at), lane);
    std::memcpy(warp.local.data() + place, value, request.bytes);
    std::memset(warp.local_written.data() + place, 1, request.bytes);
  }
  ++warp.block->launch->counters(inst)[Counter::local_requests];
  return true;
}

/// A load of a kernel's parameters: the same bytes for all threads.
bool load_params(Warp& warp, const Inst& inst, const Request& request) {
  const std::vector<std::byte>& params = warp.block->launch->params;
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(request.mask, lane)) continue;
    if (request.at[lane] > params.size() || request.bytes > params.size() - request.at[lane]) {
      stop(warp, inst, lane, SimFaultKind::out_of_bounds,
           fmt::format("{} bytes at {} of the kernel's parameters, which have {}", request.bytes,
                       request.at[lane], params.size()));
      return false;
    }
  }
  fetch(warp, inst, request.mask, false,
        [&](uint32_t lane) { return params.data() + request.at[lane]; });
  return true;
}

/// A request in a space that is known, at addresses within it.
bool access(Warp& warp, const Inst& inst, Space space, Request& request, bool loads) {
  const AccessKind kind = loads ? AccessKind::read : AccessKind::write;
  const auto use = [&](const Target& target, uint32_t lanes, bool contiguous) {
    if (loads)
      load_from(warp, inst, target, request, lanes, contiguous);
    else
      store_to(warp, inst, target, request, lanes);
  };
  switch (space) {
    case Space::global:
    case Space::constant: return access_global(warp, inst, request, kind, use);
    case Space::shared: return access_shared(warp, inst, request, kind, use);
    case Space::param:
      return is_aligned(warp, inst, request, "parameter") && load_params(warp, inst, request);
    case Space::local:
      return is_aligned(warp, inst, request, "local") &&
             (loads ? load_local(warp, inst, request) : store_local(warp, inst, request));
    case Space::generic: break;
  }
  return true;
}

Space window_of(uint64_t at) {
  return at - kSharedWindow < kWindowBytes  ? Space::shared
         : at - kLocalWindow < kWindowBytes ? Space::local
         : at - kParamWindow < kWindowBytes ? Space::param
                                            : Space::global;
}

uint64_t window_begin(Space space) {
  return space == Space::shared  ? kSharedWindow
         : space == Space::local ? kLocalWindow
         : space == Space::param ? kParamWindow
                                 : 0;
}

/// A generic request: one for each space that its lanes go to.
bool access_generic(Warp& warp, const Inst& inst, const Request& request, bool loads) {
  for (uint32_t rest = request.mask; rest != 0;) {
    const Space space = window_of(request.at[first_lane(rest)]);
    Request part = request;
    part.mask = 0;
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      if (!has(rest, lane) || window_of(request.at[lane]) != space) continue;
      part.mask |= 1u << lane;
      part.at[lane] -= window_begin(space);
    }
    rest &= ~part.mask;
    if (!loads && space == Space::param) {
      stop(warp, inst, first_lane(part.mask), SimFaultKind::out_of_bounds,
           "writes the kernel's parameters");
      return false;
    }
    if (!access(warp, inst, space, part, loads)) return false;
  }
  return true;
}

template <Space space, bool loads>
Flow execute(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  Request request;
  read_addresses(warp, inst, inst.a, inst.mod.wide_address, inst.offset, request);
  request.mask = mask;
  request.bytes = bytes_of(inst);
  const bool went_well = space == Space::generic ? access_generic(warp, inst, request, loads)
                                                 : access(warp, inst, space, request, loads);
  return went_well ? Flow::next : Flow::stop;
}

Flow is_space(Warp& warp, const Inst& inst, uint32_t mask) {
  const uint64_t* a = warp.lanes<uint64_t>(inst.a);
  uint32_t bits = 0;
  for (uint32_t lane = 0; lane < kLanes; ++lane)
    bits |= uint32_t{window_of(a[lane]) == inst.space} << lane;
  uint32_t& d = warp.predicate(inst.d);
  d = (d & ~mask) | (bits & mask);
  return Flow::next;
}

}  // namespace

Space space_of_address(uint64_t at) {
  return window_of(at);
}

namespace run {

Exec load(Space space) {
  switch (space) {
    case Space::global:
    case Space::constant: return execute<Space::global, true>;
    case Space::shared: return execute<Space::shared, true>;
    case Space::local: return execute<Space::local, true>;
    case Space::param: return execute<Space::param, true>;
    case Space::generic: return execute<Space::generic, true>;
  }
  return nullptr;
}
Exec store(Space space) {
  switch (space) {
    case Space::global:
    case Space::constant: return execute<Space::global, false>;
    case Space::shared: return execute<Space::shared, false>;
    case Space::local: return execute<Space::local, false>;
    case Space::param: return nullptr;
    case Space::generic: return execute<Space::generic, false>;
  }
  return nullptr;
}
const Exec load_param = execute<Space::param, true>;
const Exec is_space = sim::is_space;

}  // namespace run
}  // namespace tenon::runtime::sim
