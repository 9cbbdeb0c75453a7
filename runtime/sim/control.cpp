// A warp at work: one instruction after the other, for the lanes that are active. Lanes that part
// at a branch run one side after the other and meet at the branch's immediate post-dominator, the
// first instruction that all of them reach whatever they do (W. Fung et al., "Dynamic Warp
// Formation", MICRO 2007, section 2).
#include <fmt/format.h>

#include "runtime/sim/decode.h"

namespace tenon::runtime::sim {

void Warp::enter(uint32_t function_index) {
  const Launch& launch = *block->launch;
  const Function& target = launch.program->functions[function_index];
  function = function_index;
  const size_t lines = (frame_at + target.frame_bytes) / sizeof(Line) + 1;
  if (registers.size() < lines) registers.resize(calls.empty() ? lines : 2 * lines);
  frame = registers.data()->bytes + frame_at;
  const std::vector<std::byte>& image = launch.images[function_index];
  if (!image.empty()) std::memcpy(frame + target.image_at, image.data(), image.size());
  for (const Function::SpecialSlot& slot : target.specials) fill_special(slot.special, slot.at);
  for (const Function::LocalSlot& slot : target.locals) {
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      if (slot.width == 64)
        lanes<uint64_t>(slot.at)[lane] = local_at + slot.offset;
      else
        lanes<uint32_t>(slot.at)[lane] = local_at + slot.offset;
    }
  }
  local_top = local_at + target.local_bytes;
  if (local.size() < size_t{local_top} * kLanes) {
    local.resize(size_t{local_top} * kLanes);
    local_written.resize(local.size());
  }
  std::fill(local_written.begin() + size_t{local_at} * kLanes,
            local_written.begin() + size_t{local_top} * kLanes, std::byte{0});
  written.assign(target.undefined.size(), 0);
  pc = target.entry;
  join = kNone;
}

/// Fills the lanes of a special register.
void Warp::fill_special(Special special, uint32_t at) {
  const Launch& launch = *block->launch;
  const Dim3 size = launch.block, grid = launch.grid, id = block->id;
  const auto value = [&](uint32_t lane) -> uint64_t {
    const uint32_t thread = index * kLanes + lane, bit = 1u << lane;
    switch (special) {
      case Special::tid_x: return thread % size.x;
      case Special::tid_y: return thread / size.x % size.y;
      case Special::tid_z: return thread / size.x / size.y;
      case Special::ntid_x: return size.x;
      case Special::ntid_y: return size.y;
      case Special::ntid_z: return size.z;
      case Special::ctaid_x: return id.x;
      case Special::ctaid_y: return id.y;
      case Special::ctaid_z: return id.z;
      case Special::nctaid_x: return grid.x;
      case Special::nctaid_y: return grid.y;
      case Special::nctaid_z: return grid.z;
      case Special::laneid: return lane;
      case Special::warpid: return index;
      case Special::nwarpid: return block->warps.size();
      case Special::smid: return block->index % launch.memory->model.sms;
      case Special::nsmid: return launch.memory->model.sms;
      case Special::gridid: return launch.memory->launches;
      case Special::lanemask_eq: return bit;
      case Special::lanemask_lt: return bit - 1;
      case Special::lanemask_le: return bit | (bit - 1);
      case Special::lanemask_gt: return ~(bit | (bit - 1));
      case Special::lanemask_ge: return ~(bit - 1);
      case Special::dynamic_smem_size: return launch.dynamic_shared;
      case Special::total_smem_size: return launch.shared_bytes;
    }
    return 0;
  };
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    if (special == Special::gridid)
      lanes<uint64_t>(at)[lane] = value(lane);
    else
      lanes<uint32_t>(at)[lane] = static_cast<uint32_t>(value(lane));
  }
}

/// The lanes that run have come to where they meet others, or have all left: who goes on?
void Warp::next_lanes() {
  while (true) {
    const size_t bottom = calls.empty() ? 0 : calls.back().stack_size;
    if (parted.size() > bottom) {
      // [snippet next_lanes]
      const Parted top = parted.back();
      parted.pop_back();
      active = top.mask & alive;
      pc = top.pc;
      join = top.join;
      if (active != 0 && pc != join) return;
      // [end]
      continue;
    }
    if (calls.empty()) {
      active = 0;
      state = WarpState::ended;
      return;
    }
    return_from_call();
    if (active != 0) return;
  }
}

/// All lanes are back: the caller goes on behind the call.
void Warp::return_from_call() {
  const Launch& launch = *block->launch;
  CallFrame call = std::move(calls.back());
  calls.pop_back();
  const Inst& inst = launch.program->code[call.return_pc - 1];
  active = call.mask & alive;
  const uint32_t callee_local = local_at;
  const uint32_t* list = launch.program->lists.data() + inst.list;
  list += 1 + 3 * list[0];  // behind the arguments
  for (uint32_t i = 0; i < list[0]; ++i) {
    copy_local(callee_local + list[1 + 3 * i], call.local_at + list[2 + 3 * i], list[3 + 3 * i],
               active);
  }
  frame_at = call.frame_at;
  local_at = call.local_at;
  local_top = local_at + launch.program->functions[call.function].local_bytes;
  function = call.function;
  frame = registers.data()->bytes + frame_at;
  written = std::move(call.written);
  pc = call.return_pc;
  join = call.join;
}

/// Copies a piece of each lane's local memory.
void Warp::copy_local(uint32_t from, uint32_t to, uint32_t bytes, uint32_t mask) {
  for (uint32_t i = 0; i < bytes; ++i) {
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      if (!has(mask, lane)) continue;
      local[local_place(to + i, lane)] = local[local_place(from + i, lane)];
      local_written[local_place(to + i, lane)] = local_written[local_place(from + i, lane)];
    }
  }
}

namespace {

/// Parts the lanes: `there` go to `target`, the rest goes on behind the branch; all meet at the
/// join.
Flow part(Warp& warp, const Inst& inst, uint32_t there, uint32_t target) {
  const uint32_t here = warp.active & ~there, behind = warp.pc + 1;
  ++warp.block->launch->counters(inst)[Counter::divergent_branches];
  if (inst.join !=
      warp.join) {  // the lanes wait there for each other, with where they were to meet before
    if (inst.join != kNone) warp.parted.push_back({inst.join, warp.join, warp.active});
    // Without a join the sides never meet in this function: one runs to its end, then the other.
  }
  const uint32_t join = inst.join;
  if (behind != join) warp.parted.push_back({behind, join, here});
  if (target != join) warp.parted.push_back({target, join, there});
  warp.next_lanes();
  return Flow::jump;
}

Flow branch(Warp& warp, const Inst& inst, uint32_t mask) {
  if (inst.guard != kNone) ++warp.block->launch->counters(inst)[Counter::branches];
  if (mask == 0) return Flow::next;
  if (mask == warp.active) {
    warp.pc = inst.target;
    return Flow::jump;
  }
  if (inst.target == warp.pc + 1) return Flow::next;
  return part(warp, inst, mask, inst.target);
}

Flow branch_table(Warp& warp, const Inst& inst, uint32_t mask) {
  ++warp.block->launch->counters(inst)[Counter::branches];
  const uint32_t* index = warp.lanes<uint32_t>(inst.a);
  const uint32_t* table = warp.block->launch->program->lists.data() + inst.list;
  bool is_first = true;
  for (uint32_t rest = mask; rest != 0;) {
    const uint32_t lane = first_lane(rest), which = index[lane];
    if (which >= inst.list_size) {
      return stop(warp, inst, lane, SimFaultKind::out_of_bounds,
                  fmt::format("entry {} of a table of {} labels", which, inst.list_size));
    }
    uint32_t same = 0;
    for (uint32_t other = 0; other < kLanes; ++other)
      same |= uint32_t{has(rest, other) && index[other] == which} << other;
    rest &= ~same;
    if (is_first && rest == 0 && same == warp.active) {
      warp.pc = table[which];
      return Flow::jump;
    }
    if (is_first) {
      ++warp.block->launch->counters(inst)[Counter::divergent_branches];
      if (inst.join != warp.join && inst.join != kNone)
        warp.parted.push_back({inst.join, warp.join, warp.active});
      if (mask != warp.active && warp.pc + 1 != inst.join)
        warp.parted.push_back({warp.pc + 1, inst.join, warp.active & ~mask});
    }
    is_first = false;
    if (table[which] != inst.join) warp.parted.push_back({table[which], inst.join, same});
  }
  if (is_first) return Flow::next;
  warp.next_lanes();
  return Flow::jump;
}

Flow call(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  const Program& program = *warp.block->launch->program;
  const Function& caller = program.functions[warp.function];
  if (warp.calls.size() >= kMaxCalls ||
      warp.local_top + program.functions[inst.target].local_bytes > kMaxLocalBytes) {
    return stop(
        warp, inst, first_lane(mask), SimFaultKind::bad_call,
        fmt::format("calls nest {} deep and need {} bytes of local memory; {} and {} there may be",
                    warp.calls.size() + 1,
                    warp.local_top + program.functions[inst.target].local_bytes, kMaxCalls,
                    kMaxLocalBytes));
  }
  if (mask != warp.active) {  // only some call: the others wait behind
    warp.parted.push_back({warp.pc + 1, warp.join, warp.active});
    warp.join = warp.pc + 1;
  }
  warp.calls.push_back({warp.pc + 1, warp.frame_at, warp.local_at,
                        static_cast<uint32_t>(warp.parted.size()), warp.function, mask, warp.join,
                        std::move(warp.written)});
  const uint32_t caller_local = warp.local_at;
  warp.frame_at += caller.frame_bytes;
  warp.local_at = warp.local_top;
  warp.active = mask;
  warp.enter(inst.target);
  const uint32_t* list = program.lists.data() + inst.list;
  for (uint32_t i = 0; i < list[0]; ++i) {
    warp.copy_local(caller_local + list[1 + 3 * i], warp.local_at + list[2 + 3 * i],
                    list[3 + 3 * i], mask);
  }
  return Flow::jump;
}

Flow refused_call(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  const std::string& name = warp.block->launch->program->functions[inst.target].name;
  return stop(warp, inst, first_lane(mask), SimFaultKind::unsupported,
              fmt::format("calls `{}`, which is declared but not defined here", name));
}

/// Lanes leave the function, or the kernel.
Flow leave(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  const bool ends = inst.mod.what != 0;
  if (ends) {
    warp.alive &= ~mask;
    warp.block->exited += static_cast<uint32_t>(__builtin_popcount(mask));
    warp.exit_site = inst.site;
  }
  const size_t bottom = ends ? 0 : warp.calls.back().stack_size;
  for (size_t i = bottom; i < warp.parted.size(); ++i) warp.parted[i].mask &= ~mask;
  warp.active &= ~mask;
  if (warp.active != 0) return Flow::next;
  warp.next_lanes();
  return warp.state == WarpState::ended ? Flow::stop : Flow::jump;
}

Flow trap(Warp& warp, const Inst& inst, uint32_t mask) {
  if (mask == 0) return Flow::next;
  return stop(warp, inst, first_lane(mask), SimFaultKind::trap,
              "`trap`: an assertion failed, or code was reached that must not be");
}

Flow nothing(Warp&, const Inst&, uint32_t) {
  return Flow::next;
}

/// A register that this instruction reads and no one has written. Copying such a value is no
/// mistake.
bool reads_undefined(Warp& warp, const Inst& inst, uint32_t mask) {
  const Program& program = *warp.block->launch->program;
  const Program::Tracked& tracked = program.tracked.at(warp.pc);
  const bool copies = inst.op == Op::mov || inst.op == Op::selp;
  for (const uint32_t number : tracked.uses) {
    const uint32_t missing = mask & ~warp.written[number];
    if (missing == 0 || copies || !warp.block->launch->options->check_uninitialized) continue;
    stop(warp, inst, first_lane(missing), SimFaultKind::uninitialized_register,
         fmt::format("reads `{}`, which nobody has written",
                     program.functions[warp.function].undefined[number]));
    return true;
  }
  for (const uint32_t number : tracked.defs) warp.written[number] |= mask;
  return false;
}

/// Carries an instruction out, and tells who watches.
Flow watched(Warp& warp, const Inst& inst, uint32_t mask) {
  const Launch& launch = *warp.block->launch;
  const auto taken = [&](Counters& counters) {
    const uint64_t sectors = counters[Counter::load_sectors] + counters[Counter::store_sectors] +
                             counters[Counter::atomic_sectors];
    return std::pair(sectors, counters[Counter::shared_wavefronts]);
  };
  Counters& counters = warp.block->launch->counters(inst);
  const auto before = taken(counters);
  Step step{warp.block->index, warp.index, launch.program->place(inst.site).ptx_line,
            warp.active, mask, 0, 0};
  const Flow flow = inst.exec(warp, inst, mask);
  const auto after = taken(counters);
  step.sectors = after.first - before.first;
  step.wavefronts = after.second - before.second;
  launch.options->watch(step);
  return flow;
}

}  // namespace

namespace run {
const Exec branch = sim::branch, branch_table = sim::branch_table, call = sim::call,
           refused_call = sim::refused_call, leave = sim::leave, trap = sim::trap,
           nothing = sim::nothing;
}

/// Runs until the warp waits or ends, or has had its turn.
void Warp::run(uint64_t turn) {
  Launch& launch = *block->launch;
  const Inst* const code = launch.program->code.data();
  SiteCount* const counts = launch.counts.data();
  const bool is_watched = static_cast<bool>(launch.options->watch);
  uint64_t left = turn;
  for (; left > 0; --left) {
    if (pc == join) {
      next_lanes();
      if (state != WarpState::ready) break;
    }
    // [snippet turn]
    const Inst& inst = code[pc];
    uint32_t mask = active;
    if (inst.guard != kNone) {
      const uint32_t guard = predicate(inst.guard);
      mask &= inst.guard_negated ? ~guard : guard;
    }
    // [end]
    if (inst.mod.tracked && reads_undefined(*this, inst, mask)) break;
    SiteCount& count = counts[inst.site];
    ++count.warps;
    count.lanes += active == ~0u ? kLanes : lane_count(active);
    const Flow flow = is_watched ? watched(*this, inst, mask) : inst.exec(*this, inst, mask);
    if (flow == Flow::next)
      ++pc;
    else if (flow == Flow::stop)
      break;
  }
  launch.executed += turn - left;
}

}  // namespace tenon::runtime::sim
