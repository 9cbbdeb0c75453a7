// What running a module takes, as the SSA interpreter counts it: the same number on every machine,
// so that what a pass brings is measured and not timed.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "ir/ir.h"

namespace tenon::ir {

/// How many floating-point operations a scalar operation that gives `type` is: fma is two, other arithmetic
/// one, what compares, selects or looks at bits none.
int flops_of(ScalarOp op, runtime::DType type);

/// Every executed instruction is one. So is every operation in a body of a `compute`, each time it
/// is evaluated: a scalar operation, a conversion, a read, the decision of an `if`, a call, and in
/// a reduction each element that is combined; what stands in a body several times, once at each point
/// of the loop that it is in. Operands are none: constants, indices and values that
/// a body names; nor is what an edge passes to the parameters of a block.
/// (Where computes run by their loop nests, loops_interpret.h says what is counted.)
///
/// Traffic is what computes, `element`, `pack` and `update` read from tensors and write to them; an
/// update that has to copy its tensor first reads and writes all of it. What `load`, `save`,
/// `print` and `write` move is not traffic.
struct Counts {
  struct Traffic {
    int64_t elements = 0, bytes = 0;
    void add(runtime::DType type, int64_t count) {
      elements += count;
      bytes += count * runtime::row(type).bytes;
    }
  };

  std::array<int64_t, std::size(kOps)> ops{};  ///< but `apply`, which scalar_ops tell apart
  std::array<int64_t, std::size(runtime::kScalarOps)> scalar_ops{};
  std::array<int64_t, static_cast<size_t>(Reduction::argmin) + 1> reductions{};
  int64_t reads = 0, ifs = 0;  ///< in bodies
  int64_t stores = 0, checks = 0, turns = 0, flops = 0;  ///< in loop nests
  Traffic loaded, stored;

  void add(Op op) { ++ops[static_cast<size_t>(op)]; }
  void add(ScalarOp op) { ++scalar_ops[static_cast<size_t>(op)]; }
  void add(Reduction reduction) { ++reductions[static_cast<size_t>(reduction)]; }

  Counts& operator+=(const Counts& other);
  int64_t instructions() const;
  /// Aligned columns, the most frequent first, each line with its line break.
  std::string table() const;
};

}  // namespace tenon::ir
