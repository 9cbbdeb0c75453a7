// Everything that is no product: element-wise formulas, reductions, and rows that are reduced and then
// mapped, as in a softmax. Such nests are bound by memory or by the arithmetic of their formulas, so
// what matters is that every innermost loop fills its lanes:
//
//   - a loop of stores goes into lanes as it is;
//   - a reduction over contiguous elements gets a vector of partial results, four of them, so that an
//     addition need not wait for the one before;
//   - a reduction over elements that lie apart, in a loop over contiguous ones, changes places with it.
#include <algorithm>

#include "opt/loops/access.h"
#include "opt/loops/choose.h"

namespace tenon::opt::loops {
namespace {

using ir::DirectiveKind;

constexpr int64_t kChains = 4;         ///< partial vectors of a reduction: the latency of an addition
constexpr double kParallelWork = 2e5;  ///< elements that are worth waking a thread for
constexpr int64_t kPiece = 1 << 16;    ///< elements of a piece of work for a thread

/// What an innermost loop does.
struct Inner {
  const For* loop;
  std::vector<const For*> around;
  std::vector<const Stmt*> stmts;
};

void find_inner(const Block& block, std::vector<const For*>& open, std::vector<Inner>& found) {
  for (const Stmt& stmt : block) {
    const auto* loop = std::get_if<For>(&stmt.node);
    const size_t before = found.size();
    if (loop != nullptr) open.push_back(loop);
    for_each_block(stmt, [&](const Block& inner) { find_inner(inner, open, found); });
    if (loop != nullptr) open.pop_back();
    if (loop == nullptr || found.size() != before) continue;
    Inner inner{loop, open, {}};
    for (const Stmt& s : loop->body) inner.stmts.push_back(&s);
    found.push_back(std::move(inner));
  }
}

class Chooser {
 public:
  Chooser(const Kernel& kernel, const Machine& machine, Mode mode)
      : kernel_(kernel), machine_(machine), mode_(mode) {}

  ir::Schedule run() {
    std::vector<Inner> inner;
    std::vector<const For*> open;
    find_inner(kernel_.body, open, inner);
    bool all = !inner.empty();
    for (const Inner& loop : inner) all = all && choose(loop);
    if (!all) return {};
    share();
    return std::move(schedule_);
  }

 private:
  bool choose(const Inner& inner);
  bool reduce(const Inner& inner, int64_t lanes);
  bool interchange(const Inner& inner, int64_t lanes);
  int64_t stride(const ExprPtr& e, LoopId loop) const;
  bool contiguous(const Inner& inner, LoopId loop) const;
  int64_t lanes_of(const Inner& inner) const;
  void share();
  void add(Directive directive) { schedule_.push_back(std::move(directive)); }
  const std::string& name(LoopId loop) const { return kernel_.loops[loop]; }
  std::string fresh(LoopId loop, std::string_view suffix) const {
    return fresh_name(kernel_, name(loop) + std::string(suffix));
  }

  const Kernel& kernel_;
  const Machine& machine_;
  Mode mode_;
  ir::Schedule schedule_;
  std::string outermost_;  ///< what the outermost loop is called once it is split
};

/// By how much the widest element that the loop reads or writes fills a register.
int64_t Chooser::lanes_of(const Inner& inner) const {
  int64_t bytes = 1;
  const auto look = [&](runtime::DType type) {
    bytes = std::max(bytes, static_cast<int64_t>(runtime::row(type).bytes));
  };
  for (const Stmt* stmt : inner.stmts) {
    for_each_expr(*stmt, [&](const ExprPtr& e) {
      for (const Access& read : reads_of(kernel_, e)) look(kernel_.buffers[read.buffer].type.dtype);
    });
    if (const auto* store = std::get_if<Store>(&stmt->node))
      look(kernel_.buffers[store->buffer].type.dtype);
    if (const auto* set = std::get_if<SetLocal>(&stmt->node)) look(kernel_.locals[set->local].dtype);
  }
  return machine_.lanes(bytes);
}

/// Whether all that the loop's statements read lies side by side along `loop`, or stays.
bool Chooser::contiguous(const Inner& inner, LoopId loop) const {
  bool all = true;
  for (const Stmt* stmt : inner.stmts)
    for_each_expr(*stmt, [&](const ExprPtr& e) {
      for (const Access& read : reads_of(kernel_, e)) {
        const auto step = read.strides ? read.strides->find(loop) : Strides::const_iterator{};
        all = all && read.strides && (step == read.strides->end() || step->second == 1);
      }
    });
  return all;
}

bool Chooser::choose(const Inner& inner) {
  const LoopId loop = inner.loop->loop;
  const std::optional<int64_t> turns = turns_of(*inner.loop);
  const int64_t lanes = lanes_of(inner);
  const bool carries = !changed_by(inner.loop->body).empty();
  if (carries) return reduce(inner, lanes) || interchange(inner, lanes);
  if (!turns || *turns * 2 < lanes || !contiguous(inner, loop)) return false;
  add({DirectiveKind::vectorize_, {name(loop)}, {}, lanes});
  return true;
}

bool Chooser::reduce(const Inner& inner, int64_t lanes) {
  const LoopId loop = inner.loop->loop;
  const std::optional<int64_t> turns = turns_of(*inner.loop);
  if (turns && *turns < 2 * lanes) return false;
  if (!contiguous(inner, loop)) return false;
  for (const LocalId local : changed_by(inner.loop->body))
    if (!steps_of(kernel_, inner.loop->body, local, mode_)) return false;
  const bool several = !turns || *turns >= 2 * lanes * kChains;
  const std::string o = fresh(loop, "o"), i = fresh(loop, "i"), u = fresh(loop, "u"),
                    v = fresh(loop, "v");
  if (several) {
    add({DirectiveKind::split_, {name(loop)}, {o, i}, lanes * kChains});
    add({DirectiveKind::split_, {i}, {u, v}, lanes});
  } else {
    add({DirectiveKind::split_, {name(loop)}, {o, v}, lanes});
  }
  add({DirectiveKind::rfactor_, {v}});
  if (several) add({DirectiveKind::rfactor_, {u}});
  add({DirectiveKind::vectorize_, {v}});
  if (several) add({DirectiveKind::unroll_, {u}});
  return true;
}

/// sum[k] w[k, j]: the loop over k outside, a few vectors along j inside.
bool Chooser::interchange(const Inner& inner, int64_t lanes) {
  const LoopId summed = inner.loop->loop;
  const For* lane_loop = nullptr;
  for (const For* around : inner.around)
    if (contiguous(inner, around->loop)) lane_loop = around;
  if (lane_loop == nullptr) return false;
  const std::optional<int64_t> turns = turns_of(*lane_loop);
  if (!turns || *turns < lanes) return false;
  const LoopId loop = lane_loop->loop;
  const std::string o = fresh(loop, "o"), i = fresh(loop, "i");
  const int64_t vectors = std::clamp<int64_t>(*turns / lanes, 1, 2 * kChains);
  add({DirectiveKind::split_, {name(loop)}, {o, i}, lanes * vectors});
  Directive order{DirectiveKind::order_};
  bool inside = false;
  for (const For* around : inner.around) {
    inside |= around == lane_loop;
    if (inside) order.loops.push_back(around == lane_loop ? o : name(around->loop));
  }
  for (const std::string& last : {name(summed), i}) order.loops.push_back(last);
  add(std::move(order));
  add({DirectiveKind::vectorize_, {i}, {}, lanes});
  add({DirectiveKind::unroll_, {i}});
  if (inner.around.front() == lane_loop) outermost_ = o;
  return true;
}

/// The outermost loop on several threads, in pieces that do not depend on how many there are.
void Chooser::share() {
  const auto* top = kernel_.body.empty() ? nullptr : std::get_if<For>(&kernel_.body.back().node);
  if (top == nullptr) return;
  double work = 0;
  for (const Site& site : sites_of(kernel_.body)) {
    double turns = 1;
    for (const For* loop : site.loops) turns *= static_cast<double>(turns_of(*loop).value_or(1));
    work = std::max(work, turns);
  }
  const std::optional<int64_t> turns = turns_of(*top);
  if (work < kParallelWork || !turns || *turns < 2) return;
  // A single loop was vectorized in place: its blocks of lanes are shared out in pieces.
  bool flat = outermost_.empty();
  for (const Stmt& stmt : top->body) flat = flat && !std::holds_alternative<For>(stmt.node);
  if (flat) {
    const std::string o = fresh(top->loop, "p"), i = fresh(top->loop, "q");
    schedule_.insert(schedule_.begin(), {DirectiveKind::split_, {name(top->loop)}, {o, i}, kPiece});
    for (size_t d = 1; d < schedule_.size(); ++d)
      for (std::string& loop : schedule_[d].loops)
        if (loop == name(top->loop)) loop = i;
    add({DirectiveKind::parallel_, {o}});
    return;
  }
  add({DirectiveKind::parallel_, {outermost_.empty() ? name(top->loop) : outermost_}});
}

}  // namespace

ir::Schedule choose_rows(const Kernel& kernel, const Machine& machine, Mode mode) {
  return Chooser(kernel, machine, mode).run();
}

}  // namespace tenon::opt::loops
