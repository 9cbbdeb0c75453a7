#include "runtime/sim/flow.h"

#include <algorithm>
#include <cstring>

namespace tenon::runtime::sim {
namespace {

/// The blocks of a function; the one behind the last stands for leaving.
struct Blocks {
  std::vector<uint32_t> begin;  ///< of each block, relative to the function; and the end
  std::vector<uint32_t> of;     ///< the block of each instruction
  std::vector<std::vector<uint32_t>> next, before;
  uint32_t count() const { return static_cast<uint32_t>(begin.size() - 1); }
};

bool ends_block(const Inst& inst) {
  return inst.op == Op::bra || inst.op == Op::brx || inst.op == Op::ret || inst.op == Op::exit ||
         inst.op == Op::trap;
}

Blocks find_blocks(const Program& program, uint32_t first, uint32_t size) {
  std::vector<bool> starts(size + 1);
  starts[0] = starts[size] = true;
  const auto at = [&](uint32_t i) -> const Inst& { return program.code[first + i]; };
  for (uint32_t i = 0; i < size; ++i) {
    if (ends_block(at(i))) starts[i + 1] = true;
    if (at(i).op == Op::bra) starts[at(i).target - first] = true;
    for (uint32_t k = 0; at(i).op == Op::brx && k < at(i).list_size; ++k)
      starts[program.lists[at(i).list + k] - first] = true;
  }
  Blocks blocks;
  for (uint32_t i = 0; i <= size; ++i) {
    if (starts[i]) blocks.begin.push_back(i);
    if (i < size) blocks.of.push_back(static_cast<uint32_t>(blocks.begin.size() - 1));
  }
  const uint32_t count = blocks.count();
  blocks.next.resize(count + 1);
  blocks.before.resize(count + 1);
  for (uint32_t block = 0; block < count; ++block) {
    const uint32_t last = blocks.begin[block + 1] - 1;
    const Inst& inst = at(last);
    const auto to = [&](uint32_t other) { blocks.next[block].push_back(other); };
    const bool guarded = inst.guard != kNone;
    if (inst.op == Op::bra) to(blocks.of[inst.target - first]);
    for (uint32_t k = 0; inst.op == Op::brx && k < inst.list_size; ++k)
      to(blocks.of[program.lists[inst.list + k] - first]);
    if (inst.op == Op::ret || inst.op == Op::exit || inst.op == Op::trap) to(count);
    if (!ends_block(inst) || guarded) to(last + 1 < size ? blocks.of[last + 1] : count);
  }
  for (uint32_t block = 0; block <= count; ++block) {
    for (const uint32_t other : blocks.next[block]) blocks.before[other].push_back(block);
  }
  return blocks;
}

/// The immediate post-dominator of each block; kNone where only leaving the function is.
/// K. Cooper, T. Harvey, K. Kennedy, "A Simple, Fast Dominance Algorithm", 2001, on the graph
/// reversed.
std::vector<uint32_t> post_dominators(const Blocks& blocks) {
  const uint32_t exit = blocks.count();
  std::vector<uint32_t> order, number(exit + 1, kNone), parent(exit + 1, kNone);
  std::vector<std::pair<uint32_t, size_t>> stack{{exit, 0}};
  std::vector<bool> seen(exit + 1);
  seen[exit] = true;
  while (!stack.empty()) {
    auto& [block, edge] = stack.back();
    if (edge < blocks.before[block].size()) {
      const uint32_t other = blocks.before[block][edge++];
      if (!seen[other]) {
        seen[other] = true;
        stack.push_back({other, 0});
      }
      continue;
    }
    number[block] = static_cast<uint32_t>(order.size());
    order.push_back(block);
    stack.pop_back();
  }
  parent[exit] = exit;
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = order.size() - 1; i-- > 0;) {
      const uint32_t block = order[i];
      uint32_t common = kNone;
      for (uint32_t other : blocks.next[block]) {
        if (number[other] == kNone || parent[other] == kNone) continue;
        if (common == kNone) {
          common = other;
          continue;
        }
        while (common != other) {
          while (number[common] < number[other]) common = parent[common];
          while (number[other] < number[common]) other = parent[other];
        }
      }
      if (common != parent[block]) {
        parent[block] = common;
        changed = true;
      }
    }
  }
  for (uint32_t& block : parent) {
    if (block == exit) block = kNone;
  }
  return parent;
}

using Bits = std::vector<uint64_t>;
bool get(const Bits& bits, uint32_t i) {
  return bits[i / 64] >> i % 64 & 1;
}
void set(Bits& bits, uint32_t i) {
  bits[i / 64] |= uint64_t{1} << i % 64;
}

/// Registers that are live at the begin of each block.
std::vector<Bits> live_registers(const Program& program, const FunctionFlow& flow,
                                 const Blocks& blocks) {
  const size_t words = (flow.slots.size() + 63) / 64;
  const uint32_t count = blocks.count();
  std::vector<Bits> uses(count, Bits(words)), kills(count, Bits(words)),
      live(count + 1, Bits(words));
  for (uint32_t block = 0; block < count; ++block) {
    for (uint32_t i = blocks.begin[block]; i < blocks.begin[block + 1]; ++i) {
      for (const uint32_t slot : flow.refs[i].uses) {
        if (flow.slots[slot].kind == FlowSlot::Kind::reg && !get(kills[block], slot))
          set(uses[block], slot);
      }
      if (program.code[flow.first + i].guard != kNone)
        continue;  // lanes that do not write keep what they have
      for (const uint32_t slot : flow.refs[i].defs) set(kills[block], slot);
    }
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t block = count; block-- > 0;) {
      for (size_t word = 0; word < words; ++word) {
        uint64_t out = 0;
        for (const uint32_t next : blocks.next[block]) out |= live[next][word];
        const uint64_t in = uses[block][word] | (out & ~kills[block][word]);
        changed |= in != live[block][word];
        live[block][word] = in;
      }
    }
  }
  return live;
}

struct Interval {
  uint32_t slot, begin, end;
};

/// From the first to the last instruction at which a register is needed, in the order of the text.
std::vector<Interval> intervals(const FunctionFlow& flow, const Blocks& blocks,
                                const std::vector<Bits>& live) {
  const auto size = static_cast<uint32_t>(flow.refs.size());
  std::vector<uint32_t> begin(flow.slots.size(), kNone), end(flow.slots.size(), 0);
  const auto touch = [&](uint32_t slot, uint32_t at) {
    begin[slot] = std::min(begin[slot], at);
    end[slot] = std::max(end[slot], at);
  };
  for (uint32_t i = 0; i < size; ++i) {
    for (const uint32_t slot : flow.refs[i].uses) touch(slot, i);
    for (const uint32_t slot : flow.refs[i].defs) touch(slot, i);
  }
  for (uint32_t block = 0; block < blocks.count(); ++block) {
    for (size_t word = 0; word < live[block].size(); ++word) {
      for (uint64_t rest = live[block][word]; rest != 0; rest &= rest - 1) {
        const auto slot = static_cast<uint32_t>(64 * word + __builtin_ctzll(rest));
        touch(slot, blocks.begin[block]);
        // Live at its begin means live at the ends of those before it.
        for (const uint32_t before : blocks.before[block])
          touch(slot, blocks.begin[before + 1] - 1);
      }
    }
  }
  std::vector<Interval> result;
  for (uint32_t slot = 0; slot < flow.slots.size(); ++slot) {
    if (flow.slots[slot].kind == FlowSlot::Kind::reg && begin[slot] != kNone)
      result.push_back({slot, begin[slot], end[slot]});
  }
  std::sort(result.begin(), result.end(),
            [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
  return result;
}

uint32_t bytes_of(uint8_t width) {
  return width == 1 ? 4 : width / 8 * kLanes;
}

/// Gives each register a place that none has that is live at the same time (linear scan: M.
/// Poletto, V. Sarkar, 1999), and counts the 32-bit registers that are live at once.
uint32_t place_registers(const std::vector<Interval>& all, const std::vector<FlowSlot>& slots,
                         std::vector<uint32_t>& offsets, uint32_t& top) {
  std::vector<std::pair<uint32_t, uint32_t>> active;  // end, slot: a heap, the earliest first
  std::unordered_map<uint8_t, std::vector<uint32_t>> free;
  uint32_t pressure = 0, most = 0;
  const auto weight = [&](uint32_t slot) {
    return slots[slot].width == 64 ? 2u : slots[slot].width == 1 ? 0u : 1u;
  };
  const auto later = std::greater<std::pair<uint32_t, uint32_t>>();
  for (const Interval& interval : all) {
    while (!active.empty() && active.front().first < interval.begin) {
      const uint32_t slot = active.front().second;
      free[slots[slot].width].push_back(offsets[slot]);
      pressure -= weight(slot);
      std::pop_heap(active.begin(), active.end(), later);
      active.pop_back();
    }
    const uint8_t width = slots[interval.slot].width;
    std::vector<uint32_t>& places = free[width];
    if (places.empty()) {
      const uint32_t align = width == 1 ? 4 : 64;
      top = (top + align - 1) / align * align;
      offsets[interval.slot] = top;
      top += bytes_of(width);
    } else {
      offsets[interval.slot] = places.back();
      places.pop_back();
    }
    pressure += weight(interval.slot);
    most = std::max(most, pressure);
    active.push_back({interval.end, interval.slot});
    std::push_heap(active.begin(), active.end(), later);
  }
  return most;
}

/// Constants, special registers and addresses behind the registers, with the image of the
/// constants.
void place_others(Function& function, const FunctionFlow& flow, std::vector<uint32_t>& offsets,
                  uint32_t& top) {
  top = (top + 63) / 64 * 64;
  function.image_at = top;
  for (uint32_t slot = 0; slot < flow.slots.size(); ++slot) {
    const FlowSlot& from = flow.slots[slot];
    if (from.kind == FlowSlot::Kind::reg) continue;
    const uint32_t at = offsets[slot] = top;
    top += std::max(bytes_of(from.width), 64u);
    function.image.resize(top - function.image_at);
    std::byte* image = function.image.data() + (at - function.image_at);
    switch (from.kind) {
      case FlowSlot::Kind::constant: {
        const uint64_t value = from.width == 1 ? (from.value ? ~0u : 0u) : from.value;
        const uint32_t size = from.width == 1 ? 4 : from.width / 8;
        for (uint32_t i = 0; i < bytes_of(from.width); i += size)
          std::memcpy(image + i, &value, size);
        break;
      }
      case FlowSlot::Kind::special: function.specials.push_back({from.special, at}); break;
      case FlowSlot::Kind::address:
        function.relocations.push_back({at, from.width, from.variable, from.offset});
        break;
      case FlowSlot::Kind::local:
        function.locals.push_back({at, static_cast<uint32_t>(from.offset), from.width});
        break;
      case FlowSlot::Kind::reg: break;
    }
  }
}

/// What is live when the function begins may be read before anybody writes it.
void track_undefined(Program& program, Function& function, const FunctionFlow& flow,
                     const Bits& live) {
  std::unordered_map<uint32_t, uint32_t> number;
  for (uint32_t slot = 0; slot < flow.slots.size(); ++slot) {
    if (flow.slots[slot].kind != FlowSlot::Kind::reg || !get(live, slot)) continue;
    number.emplace(slot, static_cast<uint32_t>(function.undefined.size()));
    function.undefined.push_back(flow.slots[slot].name);
  }
  for (uint32_t i = 0; !number.empty() && i < flow.refs.size(); ++i) {
    Program::Tracked tracked;
    for (const uint32_t slot : flow.refs[i].uses)
      if (number.contains(slot)) tracked.uses.push_back(number[slot]);
    for (const uint32_t slot : flow.refs[i].defs)
      if (number.contains(slot)) tracked.defs.push_back(number[slot]);
    if (tracked.uses.empty() && tracked.defs.empty()) continue;
    program.code[flow.first + i].mod.tracked = true;
    program.tracked.emplace(flow.first + i, std::move(tracked));
  }
}

/// LLVM loads three numbers as a vector of four where the fourth may be read: whether somebody has written that one is
/// nothing to anybody.
void mark_unread(Program& program, const FunctionFlow& flow) {
  std::vector<bool> read(flow.slots.size());
  for (const auto& refs : flow.refs)
    for (const uint32_t slot : refs.uses) read[slot] = true;
  for (uint32_t i = 0; i < flow.refs.size(); ++i) {
    Inst& inst = program.code[flow.first + i];
    if (inst.op != Op::ld || inst.count < 2 || inst.list_size < inst.count) continue;
    uint32_t unread = 0;
    for (uint32_t element = 0; element < inst.count; ++element)
      if (!read[program.lists[inst.list + element]]) unread |= 1u << element;
    if (unread != (1u << inst.count) - 1) inst.mod.unread = static_cast<uint8_t>(unread);
  }
}

bool has_list_of_slots(const Inst& inst) {
  switch (inst.op) {
    case Op::bra:
    case Op::brx:
    case Op::call:
    case Op::cp:
    case Op::setp: return false;
    default: return inst.list_size != 0;
  }
}

void write_offsets(Program& program, const FunctionFlow& flow,
                   const std::vector<uint32_t>& offsets) {
  const auto place = [&](uint32_t& field, uint32_t otherwise) {
    field = field == kNone ? otherwise : offsets[field];
  };
  for (uint32_t i = 0; i < flow.refs.size(); ++i) {
    Inst& inst = program.code[flow.first + i];
    place(inst.guard, kNone);
    place(inst.d, kNone), place(inst.a, kNone), place(inst.b, kNone), place(inst.c, kNone);
    if (inst.op == Op::setp) place(inst.list, kNone);
    for (uint32_t k = 0; has_list_of_slots(inst) && k < inst.list_size; ++k)
      place(program.lists[inst.list + k], kNone);
  }
}

}  // namespace

bool finish_flow(Program& program, Function& function, FunctionFlow& flow) {
  const auto size = static_cast<uint32_t>(flow.refs.size());
  const Blocks blocks = find_blocks(program, flow.first, size);
  constexpr uint64_t kMaxWords = 1 << 25;  // of live registers, for all blocks
  if (blocks.count() * ((flow.slots.size() + 63) / 64) > kMaxWords) return false;
  const std::vector<uint32_t> meets = post_dominators(blocks);
  for (uint32_t i = 0; i < size; ++i) {
    Inst& inst = program.code[flow.first + i];
    if (inst.op != Op::bra && inst.op != Op::brx) continue;
    const uint32_t block = meets[blocks.of[i]];
    inst.join = block == kNone ? kNone : flow.first + blocks.begin[block];
  }
  const std::vector<Bits> live = live_registers(program, flow, blocks);
  std::vector<uint32_t> offsets(flow.slots.size(), 0);
  uint32_t top = 0;
  const uint32_t pressure =
      place_registers(intervals(flow, blocks, live), flow.slots, offsets, top);
  // Registers hold addresses and temporaries of the machine besides; cards hand them out by eights.
  function.registers = std::min<uint32_t>(255, std::max<uint32_t>(16, (pressure + 8 + 7) / 8 * 8));
  track_undefined(program, function, flow, live[0]);
  mark_unread(program, flow);
  place_others(function, flow, offsets, top);
  function.frame_bytes = (top + 63) / 64 * 64;
  write_offsets(program, flow, offsets);
  return true;
}

}  // namespace tenon::runtime::sim
