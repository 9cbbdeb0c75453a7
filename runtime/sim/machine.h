// What runs: a warp with its registers and its stack of parted lanes, the block that it belongs to,
// the launch that the block belongs to.
#pragma once
#include <cstring>
#include <deque>
#include <map>

#include "runtime/sim/device_memory.h"
#include "runtime/sim/program.h"

namespace tenon::runtime::sim {

// Windows of the generic address space. What lies in neither is global.
inline constexpr Address kSharedWindow = 0x0100'0000'0000'0000,
                         kLocalWindow = 0x0200'0000'0000'0000, kParamWindow = 0x0300'0000'0000'0000,
                         kWindowBytes = uint64_t{1} << 32;
inline constexpr uint32_t kMaxLocalBytes = 512 * 1024;  ///< of a thread, as CUDA has it
inline constexpr uint32_t kMaxCalls = 2000;             ///< inside each other
inline constexpr uint32_t kBarriers = 16;

/// Lanes that wait while others of their warp run: where they go on, and where all of them meet.
struct Parted {
  uint32_t pc, join, mask;
};
struct CallFrame {
  uint32_t return_pc, frame_at, local_at, stack_size, function;
  uint32_t mask, join;
  std::vector<uint32_t> written;
};

enum class WarpState : uint8_t { ready, at_barrier, ended };

/// An asynchronous copy that has been asked for and not arrived.
struct PendingCopy {
  uint32_t to;  ///< in shared memory
  Address from;
  uint8_t bytes, valid;  ///< `valid` bytes come from memory, the rest are zeros
  uint32_t thread;       ///< in its block
  uint32_t site;
};

struct Block;
struct Launch;

struct Warp {
  std::byte* frame = nullptr;
  uint32_t active = 0;  ///< lanes that run now
  uint32_t alive = 0;   ///< lanes that have not left the kernel
  uint32_t pc = 0, join = kNone;
  std::vector<Parted> parted;
  std::vector<CallFrame> calls;
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> registers;  ///< the frames of all calls, one behind the other
  uint32_t frame_at = 0, function = 0;
  std::vector<std::byte> local,
      local_written;  ///< 16 bytes of each lane in turn; written: a byte for each
  uint32_t local_at = 0, local_top = 0;

  Block* block = nullptr;
  uint32_t index = 0;  ///< in its block
  WarpState state = WarpState::ready;
  uint32_t barrier = 0, barrier_site = 0;
  std::vector<uint32_t> written;  ///< of registers in Function::undefined: by which lanes
  uint32_t carry = 0;             ///< of add.cc, a bit for each lane
  uint32_t clock = 1;             ///< of happens-before: how often it has synchronized
  std::vector<uint32_t> heard;    ///< the clocks of the block's warps that come before now
  uint32_t heard_of_all = 0;      ///< the least of them
  std::vector<std::vector<PendingCopy>> copies;  ///< by group; the last one is still open
  uint32_t exit_site = kNone;

  template <class T>
  T* lanes(uint32_t at) {
    return reinterpret_cast<T*>(frame + at);
  }
  uint32_t& predicate(uint32_t at) { return *reinterpret_cast<uint32_t*>(frame + at); }
  /// Byte `offset` of a lane's local memory: 16 bytes of each lane in turn, so that it grows at its
  /// end.
  static size_t local_place(uint32_t offset, uint32_t lane) {
    return size_t{offset / 16} * (16 * kLanes) + 16 * lane + offset % 16;
  }

  void enter(uint32_t function_index);
  void fill_special(Special special, uint32_t at);
  void next_lanes();
  void return_from_call();
  void copy_local(uint32_t from, uint32_t to, uint32_t bytes, uint32_t mask);
  void run(uint64_t turn);
};

struct Barrier {
  uint32_t arrived = 0;  ///< threads
  uint32_t expected = 0;
  uint32_t site = kNone;  ///< where the last one came
  bool all = true, any = false;
  uint32_t population = 0;
  std::vector<uint32_t> heard;
};

/// An mbarrier object in shared memory, beside the memory: its 8 bytes are opaque to programs.
struct MBarrier {
  uint32_t expected = 0, pending = 0;
  int64_t bytes = 0;
  uint64_t phase = 0;
  std::vector<uint32_t> heard;
};

struct Block {
  Launch* launch = nullptr;
  uint32_t index = 0;  ///< linear, in the grid
  Dim3 id{0, 0, 0};
  uint32_t threads = 0;
  std::vector<Warp> warps;
  std::vector<std::byte> shared;
  Shadow shared_shadow;
  std::array<Barrier, kBarriers> barriers;
  std::map<uint32_t, MBarrier> mbarriers;
  std::map<uint32_t, PendingCopy> filling;  ///< shared bytes that a copy has yet to fill
  uint32_t exited = 0;                      ///< threads that have left
  uint64_t vain = 0;                        ///< waits for mbarriers in a row that found nothing
  bool fenced = false, acquired = false;    ///< toward other blocks, by fences and atomics
};

/// What the accesses of an instruction looked like the last time: most repeat with another base.
struct Pattern {
  bool valid = false;
  uint32_t mask = 0, base = 0;
  uint8_t bytes = 0;
  int32_t from_first[kLanes];
  bool contiguous = false, aligned = false;  ///< aligned: all, if the first one is
  uint32_t sectors = 0, wavefronts = 0, ideal = 0;
  int32_t low = 0, high = 0;  ///< the least and the greatest distance
  uint32_t sector_from_first[kLanes];
  uint8_t places = 0, first_at[kLanes],
          last_at[kLanes];  ///< of each different address: its first and last lane
};

struct SiteCount {
  uint64_t warps = 0, lanes = 0;
};

struct Launch {
  Device::Memory* memory = nullptr;
  const Program* program = nullptr;
  const Device::Memory::Loaded* loaded = nullptr;
  const LaunchOptions* options = nullptr;
  uint32_t kernel = 0;
  Dim3 grid, block;
  uint32_t shared_bytes = 0, static_shared = 0, dynamic_shared = 0;
  std::vector<uint32_t> shared_at;  ///< of each variable of the program
  std::vector<std::byte> params;
  std::vector<std::vector<std::byte>> images;  ///< of each function: its constants, relocated
  std::vector<SiteCount> counts;
  // By instruction, once it needs them:
  std::vector<std::unique_ptr<Counters>>
      site_counters;  ///< of memory and branches; the rest comes from counts
  std::vector<std::unique_ptr<Pattern>> patterns, shared_patterns;
  std::vector<Allocation*> last_allocation;  ///< that each instruction accessed
  std::vector<bool> published;               ///< blocks that fenced and then did an atomic
  std::vector<SimFault> faults;
  uint64_t executed = 0;
  uint32_t stamp = 0;  ///< of the first block, on sectors
  bool check_races = true;
  bool stopped = false;

  template <class T>
  static T& of(std::vector<std::unique_ptr<T>>& all, const Inst& inst) {
    std::unique_ptr<T>& one = all[inst.site];
    if (one == nullptr) one = std::make_unique<T>();
    return *one;
  }
  Counters& counters(const Inst& inst) { return of(site_counters, inst); }
  ThreadId thread_of(uint32_t block, uint32_t thread) const;
  ThreadId thread(const Block& block, uint32_t thread) const {
    return thread_of(block.index, thread);
  }
  /// Notes a fault once for each kind and place.
  void note(SimFaultKind kind, const Inst& inst, const Block& block, uint32_t thread,
            std::string message, uint32_t other_site = kNone, ThreadId other = {});
};

/// Notes the fault and ends the launch.
Flow stop(Warp& warp, const Inst& inst, uint32_t lane, SimFaultKind kind, std::string message,
          uint32_t other_site = kNone, ThreadId other = {});

inline uint32_t first_lane(uint32_t mask) {
  return static_cast<uint32_t>(__builtin_ctz(mask));
}
/// How many lanes a mask names; without the processor's own instruction, which not all have.
inline uint32_t lane_count(uint32_t mask) {
  mask -= mask >> 1 & 0x55555555u;
  mask = (mask & 0x33333333u) + (mask >> 2 & 0x33333333u);
  return ((mask + (mask >> 4)) & 0x0f0f0f0fu) * 0x01010101u >> 24;
}
inline bool has(uint32_t mask, uint32_t lane) {
  return mask >> lane & 1;
}

}  // namespace tenon::runtime::sim
