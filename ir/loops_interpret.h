// Running a module by its loop nests: computes are what their kernels make of them, everything else
// is the SSA interpreter's (interpret.h). All kinds of loops mean what the serial one means. What a
// nest must not do, read outside of a tensor or an element of a local that is not set, is found
// where it does it, and thrown as std::logic_error: a bug of lowering, a schedule or the verifier.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "ir/cache.h"
#include "ir/counts.h"
#include "ir/interpret_body.h"
#include "ir/loops.h"

namespace tenon::ir::loops {

/// What the runs of one kernel took. Every operation that is executed is an instruction: a scalar
/// operation, a conversion, a read or store of an element in memory, an `if`, a check, a call, and
/// each turn of a loop, but of those that are unrolled or vectorized. Setting a scalar local is
/// none; nor is an element of an array in registers (in_registers()). What is called is not counted
/// here.
///
/// What is executed in a vectorized loop is issued once for kLanes turns of it, as one instruction on a
/// vector is; but a read or store of elements in memory that neither are one nor lie side by side, once for
/// each turn.
///
/// Each run starts with empty caches. Buffers, then arrays in memory, lie one behind the other,
/// each from a multiple of 64 bytes on. A prefetch brings its line, and its misses do not count; a
/// store past the caches touches none.
struct KernelCounts {
  int64_t runs = 0;
  Counts counts;
  int64_t saved = 0;  ///< instructions that are executed, and not issued
  int64_t l1_misses = 0, l2_misses = 0;

  int64_t issued() const { return counts.instructions() - saved; }
};

inline constexpr int64_t kLanes = 8;  ///< of a simulated vector

/// Of each local with a shape, whether it is held in registers: it is no larger than those of a
/// core are, and its subscripts are constants once unrolled and vectorized loops are written out.
std::vector<bool> in_registers(const Kernel& kernel);

class KernelEngine {
 public:
  /// `kernels`: those of the module's computes, in the order of lower(module), verified. With
  /// `simulates`, cache misses are counted.
  KernelEngine(const Module& module, std::vector<Kernel> kernels, bool simulates);
  ~KernelEngine();

  /// What a compute gives, one tensor for each body. Throws ast::RunError.
  std::vector<runtime::Tensor> run(Caller& caller, const Function& function, const Frame& frame,
                                   const Inst& compute);

  const KernelCounts& counts(size_t kernel) const;
  Counts total() const;  ///< of all kernels
  /// A line for each kernel that ran: runs, instructions executed and issued, bytes, misses.
  std::string table() const;

 private:
  struct Prepared;
  std::vector<Prepared> kernels_;
  std::unordered_map<const Inst*, Prepared*> by_compute_;
  std::optional<Caches> caches_;
  uint64_t next_address_ = 0;  ///< of memory that no run has had yet
};

}  // namespace tenon::ir::loops
