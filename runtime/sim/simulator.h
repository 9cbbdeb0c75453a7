// A GPU in software: runs PTX as LLVM and nvcc write it, checks every access, and counts what a
// profiler would. All that the rest of Tenon needs of it is in this header.
//
//   Device device;
//   Address x = device.allocate(4 * n, "x");
//   device.write(x, bytes);
//   Module module = parse(ptx, "saxpy.ptx");                       // throws PtxError
//   Report report = device.launch(module, "saxpy", {blocks}, {256}, 0, params);
//   if (!report.faults.empty()) …                                  // what went wrong, and where
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::runtime::sim {

using Address = uint64_t;  ///< in the device's own address space; 0 is never allocated

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t{x} * y * z; }
};

/// PTX that cannot be read, or asks for what the simulator does not do. Lines and columns count
/// from 1.
struct PtxError : std::runtime_error {
  PtxError(std::string file, uint32_t line, uint32_t column, const std::string& reason);
  std::string file, reason;  ///< what() is "file:line:column: reason"
  uint32_t line, column;
};

/// A call that asks for what cannot be: a kernel that the module lacks, too many threads in a
/// block, memory that is not allocated. Nothing has run.
struct LaunchError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// ---- programs

/// One parameter of a kernel, in bytes.
struct Param {
  std::string name;
  uint32_t offset, size, align;
};
struct KernelInfo {
  std::string name;
  std::vector<Param> params;
  uint32_t param_bytes = 0;   ///< all parameters with their padding
  uint32_t shared_bytes = 0;  ///< of a block, that it declares
  bool takes_shared = false;  ///< besides, what the launch gives
  uint32_t local_bytes = 0;   ///< of a thread, without calls
  uint32_t registers = 0;     ///< 32-bit registers of a thread, estimated from live ranges
  Dim3 max_threads{0, 0, 0};  ///< .maxntid or .reqntid; zeros where there is none
};

struct Program;  // the decoded form, of no concern here

/// A PTX file that was read and decoded; cheap to copy. Its `.global` variables come into being on
/// a device with the first launch there.
class Module {
 public:
  explicit Module(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::vector<KernelInfo> kernels() const;
  const KernelInfo* kernel(std::string_view name) const;  ///< null if there is none
  const Program& program() const { return *program_; }
  const std::shared_ptr<const Program>& shared() const { return program_; }

 private:
  std::shared_ptr<const Program> program_;
};

/// Reads PTX. `name` is the file's, for messages. Throws PtxError.
Module parse(std::string_view ptx, std::string name);

// ---- reports

/// A place in the program: the line of the PTX, and what `.loc` says that it comes from.
struct Place {
  uint32_t ptx_line = 0;  ///< from 1; 0 if there is no place
  std::string file;       ///< the source's, as `.file` has it; empty without `.loc`
  uint32_t line = 0, column = 0;
  std::string text() const;  ///< "softmax.tn:7:3 (PTX line 120)"
};

/// A thread of a launch.
struct ThreadId {
  Dim3 block{0, 0, 0}, thread{0, 0, 0};
  std::string text() const;  ///< "block (0, 0, 0), thread (5, 0, 0)"
};

enum class SimFaultKind : uint8_t {
#define SIM_FAULT(name, meaning) name,
#include "runtime/sim/sim_faults.def"
};
struct SimFaultRow {
  std::string_view name, meaning;
};
const SimFaultRow& row(SimFaultKind kind);

/// Something that the kernel must not do. A kernel stops at the first one that leaves no way to go
/// on; a race is noted, and it goes on.
struct SimFault {
  SimFaultKind kind;
  std::string message;  ///< with values: which buffer, which offset, which lanes
  Place place;
  ThreadId who;
  Place other;  ///< of a race the earlier access, of a barrier where the others are
  ThreadId other_who;
  uint64_t times = 1;        ///< how often this kind came up at this place
  std::string text() const;  ///< all of it, in lines
};

/// What is counted; rows of counters.def, each under the name that Nsight Compute has for it.
enum class Counter : uint8_t {
#define COUNTER(name, nsight, meaning) name,
#include "runtime/sim/counters.def"
};
struct CounterRow {
  std::string_view name, nsight, meaning;
};
std::span<const CounterRow> counter_rows();
inline constexpr size_t kCounters = 0
#define COUNTER(name, nsight, meaning) +1
#include "runtime/sim/counters.def"
    ;

/// Sums over warps, and the ratios that one reads.
struct Counters {
  std::array<uint64_t, kCounters> values{};
  uint64_t operator[](Counter counter) const { return values[static_cast<size_t>(counter)]; }
  uint64_t& operator[](Counter counter) { return values[static_cast<size_t>(counter)]; }
  Counters& operator+=(const Counters& other);

  double load_sectors_per_request()
      const;  ///< global loads; 4 is best for 4 bytes a lane, 0 if none
  double store_sectors_per_request() const;  ///< global stores
  double shared_wavefronts_over_ideal()
      const;                    ///< 1.0: no bank conflicts; 0 without shared accesses
  double active_lanes() const;  ///< of 32, on average
};

/// The counters of one line of source (or of PTX, without `.loc`).
struct LineCounters {
  Place place;
  Counters counters;
};

enum class OccupancyLimit : uint8_t { threads, blocks, registers, shared_memory, grid };
struct Occupancy {
  uint32_t blocks_per_sm = 0, warps_per_sm = 0, max_warps_per_sm = 0;
  uint32_t registers = 0, shared_bytes = 0;  ///< of a thread; of a block
  OccupancyLimit limit = OccupancyLimit::threads;
  double fraction() const { return max_warps_per_sm ? double(warps_per_sm) / max_warps_per_sm : 0; }
};
std::string_view name(OccupancyLimit limit);

/// Which resource a kernel keeps busy the longest, in cycles of the whole launch by a model that
/// was not calibrated: it tells *which limit*, not how long.
struct Estimate {
  struct Part {
    std::string_view name;  ///< issue, fma, tensor, lsu, l2, dram, latency
    double cycles;
  };
  std::vector<Part> parts;
  std::string_view limit;  ///< the name of the largest
  void name_limit();
};

struct Report {
  std::string kernel;
  Dim3 grid, block;
  Counters counters;
  std::vector<LineCounters> lines;  ///< by file and line
  Occupancy occupancy;
  Estimate estimate;
  std::vector<SimFault> faults;
  bool races_checked =
      true;            ///< false: not wanted, or too many blocks or barriers to tell them apart
  double seconds = 0;  ///< that the simulation took, on this machine
  uint64_t launches = 1;
  bool ok() const { return faults.empty(); }
  /// Another launch of the same kernel: what was counted is added up, by line too.
  Report& operator+=(const Report& other);
  std::string text(bool with_lines = true) const;  ///< as `tenon sim` prints it
};

// ---- devices

/// The card that occupancy and the estimate are for.
struct GpuModel {
  std::string_view name;
  uint32_t sm;  ///< 75, 80, 90: what PTX it takes
  uint32_t sms, warps_per_sm, blocks_per_sm, registers_per_sm, shared_per_sm, shared_per_block;
  double clock_ghz, dram_gb_s;
  double tensor_flops_per_cycle;  ///< of an SM, f16 with f32 sums
  double fma_lanes;               ///< f32 fused multiply-adds of an SM in a cycle
};
std::span<const GpuModel> gpu_models();

/// An instruction that a warp has carried out.
struct Step {
  uint32_t block, warp;  ///< the block in its grid; the warp in its block
  uint32_t ptx_line;
  uint32_t here, lanes;  ///< a bit each: lanes that came to it; those of them whose predicate holds
  uint64_t sectors, wavefronts;  ///< what it took of global memory; of shared memory
};

struct LaunchOptions {
  bool check_races = true;
  bool check_uninitialized = true;
  bool late_copies = true;  ///< cp.async arrives as late as it may; false: at once
  uint64_t instruction_budget = uint64_t{1} << 36;  ///< warp instructions, then `runaway`
  uint32_t max_faults = 16;                         ///< different ones; further ones are not kept
  uint32_t registers = 0;                           ///< of a thread, if known (ptxas); 0: estimated
  bool reverse_blocks = false;                      ///< blocks in the opposite order
  std::function<void(const Step&)> watch;           ///< told of each instruction, if there is one
};

/// Global memory, and the launches on it. Not to be used by two threads at once.
class Device {
 public:
  explicit Device(const GpuModel& model = gpu_models().front());
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const GpuModel& model() const;
  /// Aligned to 256 bytes, contents undefined (reading them in a kernel is a fault); 0 bytes give
  /// an address too. The name is for reports. Throws Fault out_of_memory.
  Address allocate(uint64_t bytes, std::string name = {});
  void free(Address address);  ///< what allocate() gave; throws LaunchError for anything else
  /// Copies from and to the host. The range must lie in one allocation; throws LaunchError.
  void write(Address to, std::span<const std::byte> from);
  void read(Address from, std::span<std::byte> to) const;
  /// Where a `.global` or `.const` variable of the module is here; 0 if it has none of that name.
  Address variable(const Module& module, std::string_view name);

  /// Runs a kernel to its end, or to a fault. `params` is the block of parameters, laid out as
  /// KernelInfo::params says (pack() makes it). Throws LaunchError.
  Report launch(const Module& module, std::string_view kernel, Dim3 grid, Dim3 block,
                uint32_t dynamic_shared_bytes, std::span<const std::byte> params,
                const LaunchOptions& options = {});

  struct Memory;  // of no concern here
  Memory& memory() { return *memory_; }

 private:
  std::unique_ptr<Memory> memory_;
};

/// One block of parameters from one value each, in order, as cuLaunchKernel takes them. Throws
/// LaunchError if there are more or fewer, or one has another size.
std::vector<std::byte> pack(const KernelInfo& kernel,
                            std::span<const std::span<const std::byte>> values);

}  // namespace tenon::runtime::sim
