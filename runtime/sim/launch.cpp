// A launch: checks what was asked for, runs one block after the other, and puts the report
// together.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "runtime/device.h"
#include "runtime/sim/decode.h"
#include "runtime/sim/estimate.h"

namespace tenon::runtime::sim {

ThreadId Launch::thread_of(uint32_t block_index, uint32_t thread) const {
  ThreadId id;
  id.block = {block_index % grid.x, block_index / grid.x % grid.y, block_index / grid.x / grid.y};
  id.thread = {thread % block.x, thread / block.x % block.y, thread / block.x / block.y};
  return id;
}

void Launch::note(SimFaultKind kind, const Inst& inst, const Block& in, uint32_t thread,
                  std::string message, uint32_t other_site, ThreadId other) {
  const Place place = program->place(inst.site), other_place = program->place(other_site);
  for (SimFault& known : faults) {
    if (known.kind != kind || known.place.ptx_line != place.ptx_line) continue;
    ++known.times;
    return;
  }
  if (faults.size() >= options->max_faults) return;
  faults.push_back(
      {kind, std::move(message), place, this->thread(in, thread), other_place, other, 1});
}

Flow stop(Warp& warp, const Inst& inst, uint32_t lane, SimFaultKind kind, std::string message,
          uint32_t other_site, ThreadId other) {
  Launch& launch = *warp.block->launch;
  launch.note(kind, inst, *warp.block, warp.index * kLanes + lane, std::move(message), other_site,
              other);
  launch.stopped = true;
  return Flow::stop;
}

const Device::Memory::Loaded& Device::Memory::load(const Module& module) {
  auto [found, is_new] = modules.emplace(&module.program(), Loaded());
  Loaded& loaded = found->second;
  if (!is_new) return loaded;
  loaded.program = module.shared();
  const Program& program = module.program();
  for (const Variable& variable : program.variables) {
    if (variable.space == Space::shared) {
      loaded.variables.push_back(0);
      continue;
    }
    Allocation& made = make(variable.bytes, variable.name);
    std::memset(made.data, 0, made.bytes);
    if (!variable.image.empty())
      std::memcpy(made.data, variable.image.data(), variable.image.size());
    made.shadow.set_initialized(0, made.bytes);
    made.is_constant = variable.space == Space::constant;
    loaded.variables.push_back(made.base);
  }
  for (size_t i = 0; i < program.variables.size(); ++i) {
    for (const Variable::Pointer& pointer : program.variables[i].pointers) {
      const Address value =
          loaded.variables[pointer.variable] + static_cast<uint64_t>(pointer.offset);
      std::memcpy(find(loaded.variables[i])->data + pointer.at, &value, sizeof value);
    }
  }
  return loaded;
}

Address Device::variable(const Module& module, std::string_view name) {
  const auto& names = module.program().variable_named;
  auto found = names.find(std::string(name));
  return found == names.end() ? 0 : memory_->load(module).variables[found->second];
}

namespace {

constexpr uint64_t kTurn = 4096;  ///< instructions, before the next warp of a block has its turn

void check(const Program& program, const Function& kernel, const GpuModel& model, Dim3 grid,
           Dim3 block, uint64_t declared, uint64_t dynamic, size_t param_bytes) {
  const auto refuse = [&](std::string reason) {
    throw LaunchError(fmt::format("`{}`: {}", kernel.name, reason));
  };
  if (program.sm > model.sm)
    refuse(fmt::format("it is for sm_{}, and a {} is sm_{}", program.sm, model.name, model.sm));
  if (block.x == 0 || block.y == 0 || block.z == 0 || grid.x == 0 || grid.y == 0 || grid.z == 0)
    refuse("a grid or block of size 0");
  if (block.x > 1024 || block.y > 1024 || block.z > 64 || block.count() > 1024) {
    refuse(fmt::format("a block of {} x {} x {} threads; there may be 1024, and 64 along z",
                       block.x, block.y, block.z));
  }
  if (grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535 ||
      uint64_t{grid.x} * grid.y > 0xffffffff || grid.count() > 0xffffffff) {
    refuse(fmt::format("a grid of {} x {} x {} blocks is too large", grid.x, grid.y, grid.z));
  }
  const Dim3 most = kernel.max_threads;
  if (most.x != 0 &&
      (kernel.has_exact_threads ? block.x != most.x || block.y != most.y || block.z != most.z
                                : block.count() > most.count())) {
    refuse(fmt::format("a block of {} threads; the kernel says {} {}", block.count(),
                       kernel.has_exact_threads ? "exactly" : "at most", most.count()));
  }
  if (declared > kSharedBytes)
    refuse(fmt::format("it declares {} bytes of shared memory; of more than {} the launch has to say how many they are",
                       declared, kSharedBytes));
  if (declared + dynamic > model.shared_per_block)
    refuse(fmt::format("{} bytes of shared memory for a block; a {} has {}", declared + dynamic, model.name,
                       model.shared_per_block));
  if (param_bytes != kernel.param_bytes)
    refuse(fmt::format("{} bytes of parameters, but it has {}", param_bytes, kernel.param_bytes));
}

/// Where shared variables lie: those with a size, then the dynamic one, which all unsized ones
/// name.
uint64_t place_shared(const Program& program, const Function& kernel, std::vector<uint32_t>& at) {
  at.resize(program.variables.size());
  uint64_t top = 0, dynamic_align = 1;
  for (const uint32_t index : kernel.shared) {
    const Variable& variable = program.variables[index];
    if (variable.is_extern) {
      dynamic_align = std::max<uint64_t>({dynamic_align, variable.align, 16});
      continue;
    }
    top = (top + variable.align - 1) / variable.align * variable.align;
    at[index] = static_cast<uint32_t>(top);
    top += variable.bytes;
  }
  top = (top + dynamic_align - 1) / dynamic_align * dynamic_align;
  for (const uint32_t index : kernel.shared) {
    if (program.variables[index].is_extern) at[index] = static_cast<uint32_t>(top);
  }
  return top;
}

/// The constants of each function, with the addresses of variables filled in.
void relocate(Launch& launch) {
  for (const Function& function : launch.program->functions) {
    if (function.is_kernel && &function != &launch.program->functions[launch.kernel]) {
      launch.images.emplace_back();
      continue;
    }
    std::vector<std::byte> image = function.image;
    for (const Relocation& from : function.relocations) {
      const bool is_shared = launch.program->variables[from.variable].space == Space::shared;
      const uint64_t base =
          is_shared ? launch.shared_at[from.variable] : launch.loaded->variables[from.variable];
      const uint64_t value = base + static_cast<uint64_t>(from.offset);
      const uint32_t size = from.width / 8;
      for (uint32_t lane = 0; lane < kLanes; ++lane)
        std::memcpy(image.data() + (from.at - function.image_at) + lane * size, &value, size);
    }
    launch.images.push_back(std::move(image));
  }
}

void prepare(Block& block, uint32_t index) {
  Launch& launch = *block.launch;
  block.index = index;
  block.id = launch.thread_of(index, 0).block;
  block.exited = 0;
  block.fenced = block.acquired = false;
  block.barriers = {};
  block.mbarriers.clear();
  block.filling.clear();
  block.vain = 0;
  std::fill(block.shared.begin(), block.shared.end(), std::byte{0xcd});
  block.shared_shadow.forget();
  for (uint32_t i = 0; i < block.warps.size(); ++i) {
    Warp& warp = block.warps[i];
    warp.block = &block;
    warp.index = i;
    const uint32_t threads = std::min(kLanes, block.threads - i * kLanes);
    warp.active = warp.alive = threads == kLanes ? ~0u : (1u << threads) - 1;
    warp.state = WarpState::ready;
    warp.parted.clear(), warp.calls.clear(), warp.copies.clear();
    warp.frame_at = warp.local_at = 0;
    warp.clock = 1;
    warp.heard_of_all = 0;
    warp.heard.assign(block.warps.size(), 0);
    warp.exit_site = kNone;
    warp.enter(launch.kernel);
  }
}

/// No warp can go on, and some wait: for whom?
void report_waiting(Block& block) {
  Warp* waits = nullptr;
  const Warp* gone = nullptr;
  const Warp* elsewhere = nullptr;
  for (Warp& warp : block.warps) {
    if (warp.state == WarpState::at_barrier && waits == nullptr) waits = &warp;
    if (warp.state == WarpState::ended && gone == nullptr) gone = &warp;
  }
  for (const Warp& warp : block.warps) {
    if (warp.state == WarpState::at_barrier && warp.barrier_site != waits->barrier_site &&
        elsewhere == nullptr)
      elsewhere = &warp;
  }
  const Launch& launch = *block.launch;
  const Inst& inst = launch.program->code[waits->pc - 1];
  const Barrier& barrier = block.barriers[waits->barrier];
  const uint32_t lane = first_lane(waits->alive);
  if (gone != nullptr) {
    stop(*waits, inst, lane, SimFaultKind::missed_barrier,
         fmt::format("waits at barrier {} for {} threads, of which {} have come; warp {} has left "
                     "the kernel",
                     waits->barrier, barrier.expected, barrier.arrived, gone->index),
         gone->exit_site, launch.thread(block, gone->index * kLanes));
  } else {
    const Warp& other = elsewhere ? *elsewhere : *waits;
    stop(*waits, inst, lane, SimFaultKind::deadlock,
         fmt::format(
             "waits at barrier {} for {} threads, of which {} have come; no thread can go on",
             waits->barrier, barrier.expected, barrier.arrived),
         elsewhere ? other.barrier_site : kNone, launch.thread(block, other.index * kLanes));
  }
}

void run_block(Block& block) {
  Launch& launch = *block.launch;
  while (!launch.stopped) {
    bool any = false, waits = false;
    for (Warp& warp : block.warps) {
      if (warp.state == WarpState::ready) {
        any = true;
        warp.run(kTurn);
        if (launch.stopped) return;
        if (launch.executed > launch.options->instruction_budget) {
          const Inst& inst = launch.program->code[warp.pc];
          stop(warp, inst, warp.active ? first_lane(warp.active) : 0, SimFaultKind::runaway,
               fmt::format(
                   "more than {} instructions{}", launch.options->instruction_budget,
                   warp.parted.empty()
                       ? ""
                       : "; other lanes of the warp wait meanwhile: do these wait for those?"));
          return;
        }
      }
      waits |= warp.state == WarpState::at_barrier;
    }
    if (any) continue;
    if (waits) report_waiting(block);
    return;
  }
}

void run_grid(Launch& launch) {
  Block block;
  block.launch = &launch;
  block.threads = static_cast<uint32_t>(launch.block.count());
  block.warps.resize((block.threads + kLanes - 1) / kLanes);
  block.shared.resize(launch.shared_bytes);
  block.shared_shadow = Shadow(launch.shared_bytes);
  const auto count = static_cast<uint32_t>(launch.grid.count());
  for (uint32_t i = 0; i < count && !launch.stopped; ++i) {
    prepare(block, launch.options->reverse_blocks ? count - 1 - i : i);
    run_block(block);
  }
}

}  // namespace

Report Device::launch(const Module& module, std::string_view kernel, Dim3 grid, Dim3 block,
                      uint32_t dynamic_shared_bytes, std::span<const std::byte> params,
                      const LaunchOptions& options) {
  const Program& program = module.program();
  auto found = program.function_named.find(std::string(kernel));
  if (found == program.function_named.end() || !program.functions[found->second].is_kernel ||
      !program.functions[found->second].is_defined) {
    throw LaunchError(fmt::format("`{}` has no kernel `{}`", program.name, kernel));
  }
  const Function& function = program.functions[found->second];
  Launch launch;
  launch.memory = memory_.get();
  launch.program = &program;
  launch.options = &options;
  launch.kernel = found->second;
  launch.grid = grid;
  launch.block = block;
  const uint64_t declared = place_shared(program, function, launch.shared_at);
  check(program, function, memory_->model, grid, block, declared, dynamic_shared_bytes, params.size());
  launch.static_shared = static_cast<uint32_t>(declared);
  launch.dynamic_shared = dynamic_shared_bytes;
  launch.shared_bytes = launch.static_shared + dynamic_shared_bytes;
  launch.loaded = &memory_->load(module);
  launch.params.assign(params.begin(), params.end());
  relocate(launch);
  launch.counts.resize(program.sites.size());
  launch.site_counters.resize(program.sites.size());
  launch.patterns.resize(program.sites.size());
  launch.shared_patterns.resize(program.sites.size());
  launch.last_allocation.resize(program.sites.size());
  launch.published.resize(Access::kMaxBlocks);
  launch.check_races = options.check_races && grid.count() <= Access::kMaxBlocks;
  launch.stamp = memory_->next_stamp(grid.count());
  ++memory_->launches;

  const auto begin = std::chrono::steady_clock::now();
  run_grid(launch);
  Report report = make_report(launch);
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

/// Numbers for the blocks of a launch, greater than all before, so that what was touched earlier
/// shows.
uint32_t Device::Memory::next_stamp(uint64_t blocks) {
  if (last_stamp + blocks + 1 > UINT32_MAX) {
    last_stamp = 0;
    for (auto& [base, allocation] : allocations) {
      allocation->shadow.stamps.clear();
      allocation->shadow.accesses = Accesses();
    }
  }
  const auto first = static_cast<uint32_t>(last_stamp + 1);
  last_stamp += blocks;
  return first;
}

Module parse(std::string_view ptx, std::string name) {
  return Module(decode(ptx, name));
}

}  // namespace tenon::runtime::sim
