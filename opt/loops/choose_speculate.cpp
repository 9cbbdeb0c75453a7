// Products in a branch, of which not all elements are wanted: the scores of an attention that looks back only, say.
// Worked out in any case they may be tiled, and a tile is several times as fast as sums that are taken one by one; so
// that pays where the branch is taken often enough. How often, a sample of its turns says.
#include <algorithm>

#include "opt/loops/choose.h"

namespace tenon::opt::loops {
namespace {

using runtime::ScalarOp;

/// Of the elements, those that must be wanted.
constexpr double kWanted = 0.4;
constexpr int64_t kSamples = 32;  ///< turns of each loop that are looked at

using Turns = std::map<LoopId, int64_t>;

std::optional<int64_t> number_at(const ExprPtr& e, const Turns& turns) {
  const std::optional<LinearForm> form = linear_form(e);
  if (!form || !form->scalars.empty()) return {};
  int64_t all = form->constant;
  for (const auto& [loop, factor] : form->factors) {
    const auto turn = turns.find(loop);
    int64_t part;
    if (turn == turns.end() || __builtin_mul_overflow(factor, turn->second, &part) ||
        __builtin_add_overflow(all, part, &all))
      return {};
  }
  return all;
}

std::optional<bool> compared(ScalarOp op, int64_t a, int64_t b) {
  switch (op) {
    case ScalarOp::lt: return a < b;
    case ScalarOp::le: return a <= b;
    case ScalarOp::gt: return a > b;
    case ScalarOp::ge: return a >= b;
    case ScalarOp::eq: return a == b;
    case ScalarOp::ne: return a != b;
    default: return {};
  }
}

/// Whether a condition holds in a turn; nothing if more than the loops decides that.
std::optional<bool> holds_at(const ExprPtr& e, const Turns& turns) {
  if (const auto* select = std::get_if<Select>(&e->node)) {
    const std::optional<bool> condition = holds_at(select->condition, turns);
    if (!condition) return {};
    return holds_at(*condition ? select->then : select->otherwise, turns);
  }
  if (const auto* constant = std::get_if<Constant>(&e->node)) return constant->value.i != 0;
  const auto* apply = std::get_if<Apply>(&e->node);
  if (apply == nullptr) return {};
  if (apply->op == ScalarOp::not_ || apply->op == ScalarOp::and_ || apply->op == ScalarOp::or_) {
    const std::optional<bool> a = holds_at(apply->args[0], turns), b = holds_at(apply->args.back(), turns);
    if (!a || !b) return {};
    return apply->op == ScalarOp::not_ ? !*a : apply->op == ScalarOp::and_ ? *a && *b : *a || *b;
  }
  if (apply->args.size() != 2) return {};
  const std::optional<int64_t> a = number_at(apply->args[0], turns), b = number_at(apply->args[1], turns);
  return a && b ? compared(apply->op, *a, *b) : std::nullopt;
}

/// In which part of the turns of the loops around it the branch is taken; 0 if that is not known.
double share_taken(const ExprPtr& condition, const std::vector<const For*>& around) {
  std::vector<Turns> samples(1);
  for (const For* loop : around) {
    if (!mentions_loop(condition, loop->loop)) continue;
    const std::optional<int64_t> lo = constant_of(loop->lo), turns = turns_of(*loop);
    if (!lo || !turns || *turns < 1) return 0;
    const int64_t count = std::min(*turns, kSamples);
    std::vector<Turns> more;
    if (samples.size() > static_cast<size_t>(kSamples * kSamples)) return 0;
    for (const Turns& sample : samples)
      for (int64_t i = 0; i < count; ++i) {
        more.push_back(sample);
        more.back()[loop->loop] = *lo + static_cast<int64_t>(static_cast<__int128>(*turns) * i / count);
      }
    samples = std::move(more);
  }
  int64_t taken = 0;
  for (const Turns& sample : samples) {
    const std::optional<bool> holds = holds_at(condition, sample);
    if (!holds) return 0;
    taken += *holds;
  }
  return static_cast<double>(taken) / static_cast<double>(samples.size());
}

/// A loop in a branch that is taken often enough; nothing if there is none.
std::optional<LoopId> loop_in_branch(const Block& block, std::vector<const For*>& around) {
  for (const Stmt& stmt : block) {
    if (const auto* loop = std::get_if<For>(&stmt.node)) {
      around.push_back(loop);
      const std::optional<LoopId> found = loop_in_branch(loop->body, around);
      around.pop_back();
      if (found) return found;
    }
    const auto* branch = std::get_if<If>(&stmt.node);
    if (branch == nullptr || share_taken(branch->condition, around) < kWanted) continue;
    for (const Stmt& inner : branch->then)
      if (const auto* loop = std::get_if<For>(&inner.node)) return loop->loop;
  }
  return {};
}

}  // namespace

ir::Schedule choose_speculated(const Kernel& kernel, Mode mode,
                               const std::function<ir::Schedule(const Kernel&)>& choose) {
  std::vector<const For*> around;
  const std::optional<LoopId> loop = loop_in_branch(kernel.body, around);
  if (!loop) return {};
  const Directive speculate{ir::DirectiveKind::speculate_, {kernel.loops[*loop]}};
  Kernel changed = kernel;
  apply_directive(changed, speculate, mode);
  ir::Schedule schedule = choose(changed);
  if (!schedule.empty()) schedule.insert(schedule.begin(), speculate);
  return schedule;
}

}  // namespace tenon::opt::loops
