// Which arrays of a kernel stay in registers.
#include <algorithm>
#include <bit>
#include <numeric>

#include "backend/nest_facts.h"
#include "opt/loops/nest.h"

namespace tenon::backend {

using namespace ir::loops;

namespace {

constexpr int64_t kMaxRegisters = 256;  ///< that one array may have

class ArrayWidths {
 public:
  explicit ArrayWidths(const Kernel& kernel) : kernel_(kernel), arrays_(kernel.locals.size()) {
    for (LocalId local = 0; local < kernel.locals.size(); ++local)
      arrays_[local].in_memory = bytes_of(kernel.locals[local]) > kStackBytes;
    visit(kernel.body);
  }

  std::vector<uint32_t> take() const {
    std::vector<uint32_t> widths;
    for (LocalId local = 0; local < arrays_.size(); ++local) widths.push_back(width(local));
    return widths;
  }

 private:
  /// A vectorized access: its lanes, the constant of its place, what all else in it is a multiple of.
  struct Access {
    Turns lanes;
    int64_t first, step;
  };
  struct Array {
    bool in_memory = false;
    std::vector<Access> accesses;
  };
  enum class Loops { serial, constant, lane };

  uint32_t width(LocalId local) const {
    const Array& array = arrays_[local];
    const ir::Type& type = kernel_.locals[local];
    if (type.is_scalar() || array.in_memory) return 0;
    uint64_t width = 1;
    for (const Access& access : array.accesses)
      width = std::max(width, std::bit_ceil(static_cast<uint64_t>(access.lanes.count())));
    for (const Access& access : array.accesses) {
      const int64_t whole = std::gcd(access.step, static_cast<int64_t>(width));
      const int64_t first = (access.first % whole + whole) % whole;
      if (first + access.lanes.count() > whole) return 0;
    }
    int64_t registers = (type.shape.back() + static_cast<int64_t>(width) - 1) / width;
    for (size_t axis = 0; axis + 1 < type.shape.size(); ++axis) registers *= type.shape[axis];
    return registers > kMaxRegisters ? 0 : static_cast<uint32_t>(width);
  }

  void visit(const Block& block) {
    for (const Stmt& stmt : block) {
      std::unordered_set<const Expr*> seen;
      for_each_expr(stmt, [&](const ExprPtr& e) { use(e, seen); });
      if (const auto* set = std::get_if<SetLocal>(&stmt.node)) change(*set);
      if (const auto* loop = std::get_if<For>(&stmt.node)) {
        enter(*loop);
      } else {
        for_each_block(stmt, [&](const Block& inner) { visit(inner); });
      }
    }
  }

  void enter(const For& loop) {
    const std::optional<Turns> turns = constant_turns(loop);
    Loops kind = Loops::serial;
    if (turns && (turns->count() == 1 || loop.kind == LoopKind::unrolled)) {
      kind = Loops::constant;
    } else if (loop.kind == LoopKind::vectorized && side_by_side(loop, kernel_)) {
      kind = Loops::lane;
      lanes_ = *turns;
    }
    loops_[loop.loop] = kind;
    const bool apart = loop.kind == LoopKind::parallel && kind == Loops::serial;
    if (apart) outside_ = std::set<LocalId>();
    visit(loop.body);
    if (apart) outside_.reset();
  }

  void use(const ExprPtr& e, std::unordered_set<const Expr*>& seen) {
    if (e == nullptr || !seen.insert(e.get()).second) return;
    if (const auto* local = std::get_if<Local>(&e->node)) access(local->local, local->subscripts);
    for_each_operand(*e, [&](const ExprPtr& o) { use(o, seen); });
  }

  /// What a parallel loop changes of an array from outside must be in memory, for all to see.
  void change(const SetLocal& set) {
    if (set.declares) {
      if (outside_) outside_->insert(set.local);
      return;
    }
    access(set.local, set.subscripts);
    if (outside_ && !outside_->contains(set.local)) arrays_[set.local].in_memory = true;
  }

  void access(LocalId local, const std::vector<ExprPtr>& subscripts) {
    Array& array = arrays_[local];
    if (subscripts.empty() || array.in_memory) return;
    for (const ExprPtr& s : std::span(subscripts).first(subscripts.size() - 1))
      if (!is_constant(s)) array.in_memory = true;
    if (is_constant(subscripts.back())) return;
    const std::optional<Access> access = vector_access(subscripts.back());
    if (!access) array.in_memory = true;
    else array.accesses.push_back(*access);
  }

  bool is_constant(const ExprPtr& e) const {
    if (std::holds_alternative<Constant>(e->node)) return true;
    if (const auto* loop = std::get_if<Loop>(&e->node))
      return loops_.at(loop->loop) == Loops::constant;
    if (!std::holds_alternative<Apply>(e->node)) return false;
    bool all = true;
    for_each_operand(*e, [&](const ExprPtr& o) { all = all && is_constant(o); });
    return all;
  }

  std::optional<Access> vector_access(const ExprPtr& subscript) const {
    const std::optional<opt::loops::LinearForm> sum = opt::loops::linear_form(subscript);
    if (!sum || !sum->scalars.empty()) return std::nullopt;
    Access access{lanes_, sum->constant, 0};
    for (const auto& [loop, factor] : sum->factors) {
      const Loops kind = loops_.at(loop);
      if (kind == Loops::serial || (kind == Loops::lane && factor != 1)) return std::nullopt;
      if (kind == Loops::constant) access.step = std::gcd(access.step, factor);
      else access.first += lanes_.lo;
    }
    return access;
  }

  const Kernel& kernel_;
  std::vector<Array> arrays_;
  std::map<LoopId, Loops> loops_;
  Turns lanes_{};                             ///< of the vectorized loop around
  std::optional<std::set<LocalId>> outside_;  ///< in a parallel loop: what it has declared
};

}  // namespace

std::vector<uint32_t> register_widths(const Kernel& kernel) { return ArrayWidths(kernel).take(); }

}  // namespace tenon::backend
