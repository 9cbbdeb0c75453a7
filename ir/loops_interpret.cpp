#include "ir/loops_interpret.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ir/loops_run.h"

namespace tenon::ir::loops {

using runtime::Tensor;

namespace {

constexpr int64_t kRegisterBytes = 32 * 64;  ///< what a core can hold: 32 registers of 64 bytes

/// Finds the expression objects that are met again while they stand for their first value: in the same
/// block, or one inside it.
class Sharing {
 public:
  std::unordered_set<const Expr*> in(const Block& block) {
    walk(block);
    return std::move(shared_);
  }

 private:
  void walk(const Block& block) {
    std::vector<const Expr*> own;
    for (const Stmt& stmt : block) {
      for_each_expr(stmt, [&](const ExprPtr& e) { meet(e, own); });
      for_each_block(stmt, [&](const Block& inner) { walk(inner); });
    }
    for (const Expr* e : own) known_.erase(e);
  }
  void meet(const ExprPtr& e, std::vector<const Expr*>& own) {
    if (e == nullptr) return;
    const bool is_name = std::holds_alternative<Constant>(e->node) ||
                         std::holds_alternative<Loop>(e->node) ||
                         std::holds_alternative<Scalar_>(e->node);
    if (is_name) return;
    if (!known_.insert(e.get()).second) return void(shared_.insert(e.get()));
    own.push_back(e.get());
    for_each_operand(*e, [&](const ExprPtr& operand) { meet(operand, own); });
  }

  std::unordered_set<const Expr*> known_, shared_;
};

/// The loops of which no turn is left in the end: every copy is unrolled or vectorized.
std::set<LoopId> written_out(const Block& block) {
  std::set<LoopId> gone, left;
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop == nullptr) return;
    const bool goes = loop->kind == LoopKind::unrolled || loop->kind == LoopKind::vectorized;
    (goes ? gone : left).insert(loop->loop);
  });
  for (const LoopId loop : left) gone.erase(loop);
  return gone;
}

/// Whether a subscript is a constant once these loops are written out.
bool becomes_constant(const ExprPtr& e, const std::set<LoopId>& loops) {
  if (const auto* loop = std::get_if<Loop>(&e->node)) return loops.contains(loop->loop);
  bool constant =
      std::holds_alternative<Constant>(e->node) || std::holds_alternative<Apply>(e->node);
  for_each_operand(*e, [&](const ExprPtr& operand) {
    constant = constant && becomes_constant(operand, loops);
  });
  return constant;
}

}  // namespace

std::vector<bool> in_registers(const Kernel& kernel) {
  std::vector<bool> held(kernel.locals.size());
  for (size_t i = 0; i < held.size(); ++i) {
    const auto& [dtype, shape] = kernel.locals[i];
    held[i] = !shape.empty() && runtime::byte_count(dtype, shape).value_or(0) <= kRegisterBytes;
  }
  const std::set<LoopId> loops = written_out(kernel.body);
  const auto look = [&](LocalId local, const Subscripts& subscripts) {
    for (const ExprPtr& subscript : subscripts)
      if (!becomes_constant(subscript, loops)) held[local] = false;
  };
  for_each_node(kernel.body, [&](const ExprPtr& e) {
    if (const auto* local = std::get_if<Local>(&e->node)) look(local->local, local->subscripts);
  });
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    if (const auto* set = std::get_if<SetLocal>(&stmt.node)) look(set->local, set->subscripts);
  });
  return held;
}

/// A kernel with what every run of it needs to know, and what they took.
struct KernelEngine::Prepared {
  explicit Prepared(Kernel k)
      : kernel(std::move(k)),
        shared(Sharing().in(kernel.body)),
        in_registers(loops::in_registers(kernel)) {}

  Kernel kernel;
  std::unordered_set<const Expr*> shared;
  std::vector<bool> in_registers;
  KernelCounts counts;
};

// ---- the kernels of a module

KernelEngine::KernelEngine(const Module& module, std::vector<Kernel> kernels, bool simulates) {
  kernels_.reserve(kernels.size());
  for (Kernel& kernel : kernels) kernels_.emplace_back(std::move(kernel));
  if (simulates) caches_.emplace();
  size_t next = 0;
  for (const Function& function : module.functions)
    for (const tenon::ir::Block& block : function.blocks)
      for (const Inst& inst : block.insts)
        if (inst.op == Op::compute) by_compute_.emplace(&inst, &kernels_.at(next++));
}

KernelEngine::~KernelEngine() = default;

/// Every run has memory of its own, which begins where a set of the caches does: no line of an
/// earlier run is used again, and those go before any of this one. So it is as if the caches were
/// empty.
std::vector<Tensor> KernelEngine::run(Caller& caller, const Function& function, const Frame& frame,
                                      const Inst& compute) {
  Prepared& prepared = *by_compute_.at(&compute);
  const Kernel& kernel = prepared.kernel;
  std::vector<Tensor> inputs;
  std::vector<Scalar> scalars;
  for (const ValueId id : kernel.buffer_values) inputs.push_back(tensor_of(function, frame, id));
  for (const ValueId id : kernel.scalar_values) scalars.push_back(frame[id.index].scalar);
  ++prepared.counts.runs;
  KernelRun run(caller, kernel, prepared.shared, prepared.in_registers, prepared.counts,
                caches_ ? &*caches_ : nullptr);
  if (caches_) {
    next_address_ = (next_address_ + caches_->period - 1) / caches_->period * caches_->period;
    next_address_ = run.lay_out(next_address_);
  }
  return run.run(std::move(inputs), std::move(scalars));
}

const KernelCounts& KernelEngine::counts(size_t kernel) const {
  return kernels_.at(kernel).counts;
}

Counts KernelEngine::total() const {
  Counts total;
  for (const Prepared& prepared : kernels_) total += prepared.counts.counts;
  return total;
}

std::string KernelEngine::table() const {
  std::string text =
      fmt::format("{:>8} {:>14} {:>14} {:>14} {:>14} {:>12} {:>12}  {}\n", "runs", "executed",
                  "issued", "bytes loaded", "stored", "L1 misses", "L2 misses", "kernel");
  for (const Prepared& prepared : kernels_) {
    const KernelCounts& c = prepared.counts;
    if (c.runs == 0) continue;
    text += fmt::format("{:>8} {:>14} {:>14} {:>14} {:>14} {:>12} {:>12}  @{}\n", c.runs,
                        c.counts.instructions(), c.issued(), c.counts.loaded.bytes, c.counts.stored.bytes,
                        c.l1_misses, c.l2_misses, prepared.kernel.name);
  }
  return text;
}

}  // namespace tenon::ir::loops
