#include "opt/loops/banks.h"

#include <algorithm>

#include "ir/loops_launch.h"
#include "opt/loops/matrix.h"

namespace tenon::opt::loops {
namespace {

using ir::loops::kWarp;

constexpr int64_t kBanks = 32, kBankBytes = 4;
constexpr int64_t kWordsAtOnce = 4;  ///< that a lane reads or writes
constexpr int64_t kPieceBytes = 16;  ///< likewise

/// Where the loops stand; those that are not told stand at 0.
using Turns = std::map<LoopId, int64_t>;

/// An expression of loops at one of their turns; nothing if it depends on other things.
std::optional<int64_t> value_at(const ExprPtr& e, const Turns& turns) {
  if (const std::optional<int64_t> number = constant_of(e)) return number;
  if (const auto* loop = std::get_if<Loop>(&e->node)) {
    const auto found = turns.find(loop->loop);
    return found == turns.end() ? 0 : found->second;
  }
  const auto* apply = std::get_if<Apply>(&e->node);
  if (apply == nullptr || e->type != runtime::DType::i64) return {};
  std::vector<runtime::Scalar> args;
  for (const ExprPtr& arg : apply->args) {
    const std::optional<int64_t> number = value_at(arg, turns);
    if (!number) return {};
    args.push_back(runtime::Scalar::integer(runtime::DType::i64, *number));
  }
  return runtime::divides_by_zero(apply->op, args) ? std::nullopt
                                                   : std::optional(eval(apply->op, args).i);
}

/// A place in the nest where an array is read or written, with the loops around it.
struct Use {
  Subscripts subscripts;
  std::vector<const For*> loops;
  std::optional<MatrixProduct> product;  ///< of matrix units, that it is read for
  bool writes = false;

  /// Whether the operand's rows lie along the index that is summed.
  bool is_along_sum() const {
    const std::optional<LinearForm> form = linear_form(subscripts.back());
    return form && form->factor(product->summed) == 1;
  }
  /// Whether `ldmatrix` hands it out; words of 4 bytes it cannot turn round.
  bool takes_rows() const { return product && (product->element != runtime::DType::f32 || is_along_sum()); }
};

class Uses {
 public:
  Uses(const Kernel& kernel, LocalId array) : array_(array) { visit(kernel.body); }
  const std::vector<Use>& all() const { return all_; }
  bool only_by_matrix_units() const {
    return std::ranges::all_of(all_, [](const Use& use) { return use.writes || use.takes_rows(); });
  }

 private:
  void visit(const Block& block) {
    for (const Stmt& stmt : block) {
      const auto* set = std::get_if<SetLocal>(&stmt.node);
      if (set != nullptr && !set->declares && set->local == array_) add(set->subscripts, true);
      std::set<const Expr*> seen;
      const std::function<void(const ExprPtr&)> walk = [&](const ExprPtr& e) {
        if (e == nullptr || !seen.insert(e.get()).second) return;
        const auto* read = std::get_if<Local>(&e->node);
        if (read != nullptr && read->local == array_) add(read->subscripts, false);
        for_each_operand(*e, walk);
      };
      for_each_expr(stmt, walk);
      const auto* loop = std::get_if<For>(&stmt.node);
      if (loop != nullptr) open_.push_back(loop);
      for_each_block(stmt, [&](const Block& inner) { visit(inner); });
      if (loop != nullptr) open_.pop_back();
    }
  }
  void add(const Subscripts& subscripts, bool writes) {
    Use use{subscripts, open_, {}, writes};
    const auto outermost =
        std::ranges::find(open_, LoopKind::mma, [](const For* loop) { return loop->kind; });
    if (outermost != open_.end()) use.product = matrix_product(**outermost);
    all_.push_back(std::move(use));
  }

  const LocalId array_;
  std::vector<const For*> open_;
  std::vector<Use> all_;
};

/// How often the banks are asked for what one warp wants of a use.
class Passes {
 public:
  Passes(const ir::Type& type, bool swizzled)
      : type_(type), swizzled_(swizzled), bytes_(runtime::row(type.dtype).bytes) {}

  int64_t of(const Use& use) const {
    const int64_t words = words_at_once(use);
    int64_t passes = 0;
    const int64_t together = kBanks / words;  // lanes whose words fill the banks once
    for (int64_t first = 0; first < kWarp; first += together) {
      std::map<int64_t, std::set<int64_t>> wanted;  // words, by bank
      // [snippet passes]
      for (int64_t lane = first; lane < first + together; ++lane) {
        const std::optional<int64_t> at = element_at(use, turns_of_lane(use, lane));
        for (int64_t word = 0; at && word < words; ++word) {
          const int64_t address = *at * bytes_ / kBankBytes + word;
          wanted[address % kBanks].insert(address);
        }
      }
      size_t most = 1;
      for (const auto& [bank, addresses] : wanted) most = std::max(most, addresses.size());
      // [end]
      passes += static_cast<int64_t>(most);
    }
    return passes;
  }

 private:
  /// By how many elements an access moves with a loop.
  int64_t step_of(const Use& use, LoopId loop) const {
    const auto first = element_at(use, {}), second = element_at(use, {{loop, 1}});
    return first && second ? *second - *first : 0;
  }

  /// Turns that are taken at once, or written out, and lie side by side, become one access; matrix units
  /// take 16 bytes of a row, if they can.
  int64_t words_at_once(const Use& use) const {
    if (use.product) return use.takes_rows() ? kWordsAtOnce : 1;
    int64_t words = 1;
    for (const For* loop : use.loops) {
      const std::optional<int64_t> turns = turns_of(*loop);
      if (!turns || (loop->kind != LoopKind::vectorized && loop->kind != LoopKind::unrolled)) continue;
      const bool beside = swizzled_ ? loop->kind == LoopKind::vectorized : step_of(use, loop->loop) == 1;
      if (!beside) continue;
      for (int64_t at_once = kWordsAtOnce; at_once > words; at_once /= 2)
        if (*turns * bytes_ % (at_once * kBankBytes) == 0 &&
            type_.shape.back() * bytes_ % (at_once * kBankBytes) == 0)
          words = at_once;
    }
    return words;
  }
  /// Where the loops stand for a lane of the first warp. Loops over threads in each other are one axis, the
  /// innermost fastest; those of matrix units take all lanes of a warp.
  Turns turns_of_lane(const Use& use, int64_t lane) const {
    Turns turns;
    if (use.product) {
      const MatrixProduct& product = *use.product;
      const LoopId outside = mentions(use, product.rows) ? product.rows : product.columns;
      turns[use.is_along_sum() ? outside : product.summed] = use.takes_rows() ? lane % 16 : lane % 4;
      turns[use.is_along_sum() ? product.summed : outside] =
          use.takes_rows() ? lane / 16 * (kPieceBytes / bytes_) : lane / 4;
      return turns;
    }
    for (size_t i = use.loops.size(); i-- > 0;) {
      if (use.loops[i]->kind != LoopKind::thread) continue;
      const int64_t most = std::max<int64_t>(most_turns_of(*use.loops[i]).value_or(1), 1);
      turns[use.loops[i]->loop] = lane % most;
      lane /= most;
    }
    return turns;
  }
  static bool mentions(const Use& use, LoopId loop) {
    return std::ranges::any_of(use.subscripts, [&](const ExprPtr& s) { return mentions_loop(s, loop); });
  }

  /// The number of the element in memory.
  std::optional<int64_t> element_at(const Use& use, const Turns& turns) const {
    int64_t row = 0, column = 0;
    for (size_t axis = 0; axis < use.subscripts.size(); ++axis) {
      const std::optional<int64_t> subscript = value_at(use.subscripts[axis], turns);
      if (!subscript) return {};
      if (axis + 1 == use.subscripts.size()) column = *subscript;
      else row = row * type_.shape[axis] + *subscript;
    }
    if (swizzled_) {
      const Swizzle by = swizzle_of(type_);
      column = ((column / by.elements) ^ (row / by.rows % by.pieces)) * by.elements + column % by.elements;
    }
    return row * type_.shape.back() + column;
  }

  const ir::Type& type_;
  const bool swizzled_;
  const int64_t bytes_;
};

int64_t elements_of(const ir::Type& type) {
  int64_t elements = 1;
  for (const int64_t extent : type.shape) elements *= extent;
  return elements;
}

/// A way in which an array lies.
struct Layout {
  ir::Type type;
  int64_t passes;
  int64_t apart = 1;  ///< elements of a row that are so far apart lie side by side: the last axis is two
  bool swizzled = false;

  bool is_better_than(const Layout& other) const {
    return passes < other.passes || (passes == other.passes && elements_of(type) < elements_of(other.type));
  }
};

/// The last subscript s as s % apart and s / apart. What loops add to it in multiples of that is taken out first.
Subscripts taken_apart(Subscripts subscripts, int64_t apart) {
  ExprPtr rest = subscripts.back(), quotient = integer(0);
  const std::optional<LinearForm> form = linear_form(rest);
  const bool forward = form && form->scalars.empty() && form->constant >= 0 &&
                       std::ranges::all_of(form->factors, [](const auto& factor) { return factor.second > 0; });
  if (forward) {
    rest = integer(form->constant);
    for (const auto& [loop, factor] : form->factors) {
      ExprPtr& to = factor % apart == 0 ? quotient : rest;
      to = sum(to, product(variable(loop), factor % apart == 0 ? factor / apart : factor));
    }
  }
  subscripts.back() = apply(runtime::ScalarOp::mod, {rest, integer(apart)});
  subscripts.push_back(sum(apply(runtime::ScalarOp::div, {rest, integer(apart)}), quotient));
  return subscripts;
}

class Layouts {
 public:
  Layouts(const Kernel& kernel, LocalId array, int64_t step)
      : type_(kernel.locals[array]), uses_(kernel, array), step_(step) {
    type_.shape.back() = (type_.shape.back() + step - 1) / step * step;
  }

  Layout best() const {
    Layout best{type_, passes(uses_.all(), type_, false)};
    if (uses_.only_by_matrix_units() && step_ == swizzle_of(type_).elements && can_swizzle(type_))
      keep_better(best, {type_, passes(uses_.all(), type_, true), 1, true});
    lengthen(uses_.all(), {type_, best.passes}, best);
    for (const int64_t apart : distances()) {
      std::vector<Use> uses = uses_.all();
      for (Use& use : uses) use.subscripts = taken_apart(use.subscripts, apart);
      ir::Type type = type_;
      type.shape.back() = apart;
      type.shape.push_back((type_.shape.back() + apart - 1) / apart);
      const Layout parted{type, passes(uses, type, false), apart};
      keep_better(best, parted);
      lengthen(uses, parted, best);
    }
    return best;
  }

 private:
  static constexpr int64_t kFurthest = 8;

  static int64_t passes(const std::vector<Use>& uses, const ir::Type& type, bool swizzled) {
    int64_t all = 0;
    for (const Use& use : uses) all += Passes(type, swizzled).of(use);
    return all;
  }
  static void keep_better(Layout& best, const Layout& other) {
    if (other.is_better_than(best)) best = other;
  }

  /// Tries axes that are longer than what they hold, one at a time.
  void lengthen(const std::vector<Use>& uses, const Layout& plain, Layout& best) const {
    const int64_t row = kBanks * kBankBytes / runtime::row(type_.dtype).bytes;
    for (size_t axis = 1; axis < plain.type.shape.size(); ++axis) {
      const int64_t by = axis + 1 == plain.type.shape.size() ? step_ : 1;
      Layout trial = plain;
      for (int64_t more = by; more < row; more += by) {
        trial.type.shape[axis] = plain.type.shape[axis] + more;
        trial.passes = passes(uses, trial.type, false);
        keep_better(best, trial);
      }
    }
  }

  /// How far apart neighbouring threads read. Elements that are copied several at once stay together.
  std::set<int64_t> distances() const {
    std::set<int64_t> all;
    for (const Use& use : uses_.all()) {
      const std::optional<LinearForm> form = linear_form(use.subscripts.back());
      if (step_ > 1 || use.writes || use.product || !form) continue;
      for (const For* loop : use.loops)
        if (const int64_t factor = form->factor(loop->loop);
            loop->kind == LoopKind::thread && factor > 1 && factor <= kFurthest)
          all.insert(factor);
    }
    return all;
  }

  ir::Type type_;
  const Uses uses_;
  const int64_t step_;
};

}  // namespace

// [snippet swizzle]
Swizzle swizzle_of(const ir::Type& type) {
  const int64_t elements = kPieceBytes / runtime::row(type.dtype).bytes;
  // [exercise swizzle]
  // [starter] return {elements, 1, 1};
  const int64_t pieces = type.shape.back() / elements;
  const int64_t all = kBanks * kBankBytes / kPieceBytes;  // pieces that lie in all banks once
  return {elements, std::min(pieces, all), std::max<int64_t>(all / pieces, 1)};
  // [end]
}
// [end]

bool can_swizzle(const ir::Type& type) {
  const int64_t bytes = type.shape.empty() ? 0 : type.shape.back() * runtime::row(type.dtype).bytes;
  const int64_t pieces = bytes / kPieceBytes;
  return type.shape.size() >= 2 && bytes % kPieceBytes == 0 &&
         (pieces == 2 || pieces == 4 || (pieces > 0 && pieces % 8 == 0));
}

void choose_layout(Kernel& kernel, LocalId array, int64_t step) {
  const Layout layout = Layouts(kernel, array, step).best();
  kernel.locals[array] = layout.type;
  if (layout.swizzled) kernel.swizzled.insert(array);
  if (layout.apart == 1) return;
  kernel.body = with_locals(kernel.body, [&](const Local& local) {
    return local.local == array ? std::optional(Local{array, taken_apart(local.subscripts, layout.apart)}) : std::nullopt;
  });
}

}  // namespace tenon::opt::loops
