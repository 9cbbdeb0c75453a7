// Copies between memories: cp.async, and matrices between shared memory and registers.
//
// An asynchronous copy may arrive at any time up to the wait for its group. Here it arrives at the
// wait, as late as it may, so that a kernel that reads before it has waited does not get away with
// it.
#include <fmt/format.h>

#include "runtime/sim/decode.h"
#include "runtime/sim/memory_access.h"

namespace tenon::runtime::sim {
namespace {

Target shared_target(Block& block) {
  return {block.shared.data(), 0, block.shared.size(), &block.shared_shadow, nullptr};
}

void arrive(Warp& warp, const Inst& inst, const PendingCopy& copy) {
  Block& block = *warp.block;
  std::byte bytes[16] = {};
  const Allocation* from = block.launch->memory->find(copy.from);
  if (copy.valid != 0 && from != nullptr)
    std::memcpy(bytes, from->data + (copy.from - from->base), copy.valid);
  check_write(warp, inst, shared_target(block), copy.to, copy.bytes, copy.thread % kLanes, false,
              nullptr);
  std::memcpy(block.shared.data() + copy.to, bytes, copy.bytes);
  block.shared_shadow.set_initialized(copy.to, copy.bytes);
  block.filling.erase(copy.to);
}

Flow copy_async(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  Launch& launch = *warp.block->launch;
  Request to, from;
  read_addresses(warp, inst, inst.a, inst.mod.wide_address, inst.offset, to);
  const uint32_t* list = launch.program->lists.data() + inst.list;
  read_addresses(warp, inst, inst.b, true, static_cast<int64_t>(list[0] | uint64_t{list[1]} << 32),
                 from);
  to.mask = from.mask = mask;
  to.bytes = from.bytes = inst.count;
  uint32_t valid[kLanes];
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    valid[lane] = inst.c == kNone
                      ? inst.count
                      : std::min<uint32_t>(warp.lanes<uint32_t>(inst.c)[lane], inst.count);
    if (valid[lane] == 0) from.mask &= ~(1u << lane);
    if (to.at[lane] - kSharedWindow < kWindowBytes) to.at[lane] -= kSharedWindow;
  }
  if (!access_shared(
          warp, inst, to, AccessKind::write, [&](const Target& target, uint32_t lanes, bool) {
            for (uint32_t lane = 0; lane < kLanes; ++lane) {
              if (has(lanes, lane))
                check_write(warp, inst, target, to.at[lane], to.bytes, lane, false, nullptr);
            }
          })) {
    return Flow::stop;
  }
  if (from.mask != 0 && !access_global(warp, inst, from, AccessKind::read,
                                       [&](const Target& target, uint32_t lanes, bool) {
                                         if (check_initialized(warp, inst, target, from, lanes, 4))
                                           check_reads(warp, inst, target, from, lanes);
                                       })) {
    return Flow::stop;
  }
  if (warp.copies.empty()) warp.copies.emplace_back();
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (!has(mask, lane)) continue;
    const PendingCopy copy{static_cast<uint32_t>(to.at[lane]),
                           from.at[lane],
                           inst.count,
                           static_cast<uint8_t>(valid[lane]),
                           warp.index * kLanes + lane,
                           inst.site};
    if (launch.options->late_copies) {
      warp.block->filling[copy.to] = copy;
      warp.copies.back().push_back(copy);
    } else {
      arrive(warp, inst, copy);
    }
  }
  return Flow::next;
}

Flow copy_commit(Warp& warp, const Inst&, uint32_t mask) {
  if (mask == 0) return Flow::next;
  if (warp.copies.empty()) warp.copies.emplace_back();
  warp.copies.emplace_back();
  return Flow::next;
}

/// All but the last `offset` groups arrive; with .wait_all also what no group was made of.
Flow copy_wait(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0 || warp.copies.empty()) return Flow::next;
  const size_t committed = warp.copies.size() - 1,
               pending = static_cast<size_t>(
                   std::min<uint64_t>(committed, static_cast<uint64_t>(inst.offset)));
  const size_t count = inst.mod.uniform ? warp.copies.size() : committed - pending;
  for (size_t group = 0; group < count; ++group) {
    auto& copies = warp.copies[group];
    for (const PendingCopy& copy : copies) {
      if (has(mask, copy.thread % kLanes)) arrive(warp, inst, copy);
    }
    std::erase_if(copies, [&](const PendingCopy& copy) { return has(mask, copy.thread % kLanes); });
  }
  while (warp.copies.size() > 1 && warp.copies.front().empty() && warp.copies.size() > pending + 1)
    warp.copies.erase(warp.copies.begin());
  return warp.block->launch->stopped ? Flow::stop : Flow::next;
}

/// The rows that lanes 0 … 8 count - 1 give the addresses of, 16 bytes each.
bool matrix_rows(Warp& warp, const Inst& inst, uint32_t mask, Request& rows) {
  const uint32_t all = warp.alive;
  if (mask != ~0u) {
    stop(warp, inst, mask == 0 ? 0 : first_lane(mask), SimFaultKind::wrong_lanes,
         fmt::format("`{}` is run by all lanes of a warp together, here by {:#010x} of {:#010x}",
                     row(inst.op).name, mask, all));
    return false;
  }
  read_addresses(warp, inst, inst.a, inst.mod.wide_address, inst.offset, rows);
  for (uint64_t& at : rows.at) {
    if (at - kSharedWindow < kWindowBytes) at -= kSharedWindow;
  }
  rows.mask = inst.count == 4 ? ~0u : (1u << 8 * inst.count) - 1;
  rows.bytes = 16;
  return true;
}

/// Lane l holds of each matrix row l / 4, columns 2 (l % 4) and the next; transposed the other way.
Flow load_matrix(Warp& warp, const Inst& inst, uint32_t mask) {
  Request rows;
  if (!matrix_rows(warp, inst, mask, rows)) return Flow::stop;
  const uint32_t* list = warp.block->launch->program->lists.data() + inst.list;
  const bool done = access_shared(
      warp, inst, rows, AccessKind::read, [&](const Target& target, uint32_t lanes, bool) {
        if (!check_initialized(warp, inst, target, rows, lanes, 2)) return;
        check_reads(warp, inst, target, rows, lanes);
        for (uint32_t matrix = 0; matrix < inst.count; ++matrix) {
          const auto element = [&](uint32_t row, uint32_t column) {
            uint16_t value;
            std::memcpy(&value, target.data + rows.at[8 * matrix + row] + 2 * column, 2);
            return uint32_t{value};
          };
          uint32_t* to = warp.lanes<uint32_t>(list[matrix]);
          for (uint32_t lane = 0; lane < kLanes; ++lane) {
            const uint32_t row = lane / 4, column = 2 * (lane % 4);
            to[lane] = inst.mod.transposed ? element(column, row) | element(column + 1, row) << 16
                                           : element(row, column) | element(row, column + 1) << 16;
          }
        }
      });
  return done ? Flow::next : Flow::stop;
}

Flow store_matrix(Warp& warp, const Inst& inst, uint32_t mask) {
  Request rows;
  if (!matrix_rows(warp, inst, mask, rows)) return Flow::stop;
  const uint32_t* list = warp.block->launch->program->lists.data() + inst.list;
  const bool done = access_shared(
      warp, inst, rows, AccessKind::write, [&](const Target& target, uint32_t lanes, bool) {
        for (uint32_t lane = 0; lane < kLanes; ++lane) {
          if (!has(lanes, lane)) continue;
          check_write(warp, inst, target, rows.at[lane], 16, lane, false, nullptr);
          target.shadow->set_initialized(rows.at[lane], 16);
        }
        for (uint32_t matrix = 0; matrix < inst.count; ++matrix) {
          const uint32_t* from = warp.lanes<uint32_t>(list[matrix]);
          for (uint32_t lane = 0; lane < kLanes; ++lane) {
            for (uint32_t half = 0; half < 2; ++half) {
              const uint32_t a = lane / 4, b = 2 * (lane % 4) + half;
              const auto value = static_cast<uint16_t>(from[lane] >> 16 * half);
              std::memcpy(target.data + rows.at[8 * matrix + (inst.mod.transposed ? b : a)] +
                              2 * (inst.mod.transposed ? a : b),
                          &value, 2);
            }
          }
        }
      });
  return done ? Flow::next : Flow::stop;
}

}  // namespace

namespace run {
const Exec copy_async = sim::copy_async, copy_commit = sim::copy_commit, copy_wait = sim::copy_wait,
           load_matrix = sim::load_matrix, store_matrix = sim::store_matrix;
}

}  // namespace tenon::runtime::sim
