// What is to be known of a loop nest before it is written as LLVM IR: which products are fused, which
// vectorized loops can be written side by side and what differs between their turns, which arrays
// stay in registers.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <unordered_set>
#include <vector>

#include "backend/lanes.h"
#include "ir/loops_walk.h"

namespace tenon::backend {

using ir::loops::Expr;
using ir::loops::ExprPtr;
using ir::loops::LocalId;
using ir::loops::LoopId;

/// Arrays of more bytes are not on the stack, and never in registers.
inline constexpr int64_t kStackBytes = 16 << 10;
inline constexpr int64_t kAligned = 64;  ///< bytes, of where tensors and arrays start

inline bool is_sum(runtime::ScalarOp op) {
  return op == runtime::ScalarOp::add || op == runtime::ScalarOp::sub;
}

/// Of all elements; the largest number if it has too many.
int64_t bytes_of(const ir::Type& type);

/// The products that may be fused with the sums they go into: float multiplications that nothing
/// but additions and subtractions uses.
class Fusible {
 public:
  explicit Fusible(const ir::loops::Block& block) { visit(block); }
  bool contains(const ExprPtr& e) const {
    return products_.contains(e.get()) && !used_.contains(e.get());
  }

 private:
  void visit(const ir::loops::Block& block);
  void use(const ExprPtr& e, bool in_sum);
  std::unordered_set<const Expr*> products_, used_, visited_;
};

/// From where to where, where both are constants.
struct Turns {
  int64_t lo, hi;
  int64_t count() const { return hi > lo ? hi - lo : 0; }
};
std::optional<Turns> constant_turns(const ir::loops::For& loop);

/// The one operand that a local is combined with in `a = a + e`; null if that is not what it is.
ExprPtr combined_with(const ir::loops::SetLocal& set);

/// Of a vectorized loop: the scalar locals inside that differ from turn to turn. Nothing if the loop
/// is to be written turn by turn, since it has what lanes cannot do.
using Varying = std::set<LocalId>;
std::optional<Varying> side_by_side(const ir::loops::For& loop, const ir::loops::Kernel& kernel);
/// Whether an expression differs from turn to turn of `lane`.
bool varies(const ExprPtr& e, LoopId lane, const Varying& locals);

std::set<LocalId> locals_read_in(const ir::loops::Block& block);

/// For each local with a shape how wide the registers are that hold it; 0 if it is in memory. In
/// registers it is where every subscript is a constant once loops are unrolled, or along the last axis
/// that plus a lane, within one register.
std::vector<uint32_t> register_widths(const ir::loops::Kernel& kernel);

/// Whether a schedule has made it: some loop is not serial. Its addresses are written in the form
/// that needs no optimizer.
bool is_scheduled(const ir::loops::Kernel& kernel);

/// All of that about one kernel.
struct NestFacts {
  explicit NestFacts(const ir::loops::Kernel& kernel, std::set<ir::loops::BufferId> shared = {})
      : kernel(kernel),
        shared(std::move(shared)),
        scheduled(is_scheduled(kernel)),
        fusible(kernel.body),
        widths(register_widths(kernel)) {}
  const std::optional<Varying>& varying(const ir::loops::For& loop) {
    const auto [at, added] = varying_.emplace(&loop, std::nullopt);
    if (added) at->second = side_by_side(loop, kernel);
    return at->second;
  }

  /// Whether an output lies where an input does, and this buffer is one of them.
  bool is_shared(size_t buffer) const {
    return shared.contains(static_cast<ir::loops::BufferId>(buffer));
  }

  const ir::loops::Kernel& kernel;
  const std::set<ir::loops::BufferId> shared;
  const bool scheduled;
  const Fusible fusible;
  const std::vector<uint32_t> widths;  ///< register_widths()

 private:
  std::map<const ir::loops::For*, std::optional<Varying>> varying_;
};

}  // namespace tenon::backend
