// Everything that is no product: element-wise formulas, reductions, and rows that are reduced and then
// mapped, as in a softmax. Such nests are bound by memory or by the arithmetic of their formulas, so
// what matters is that every innermost loop fills its lanes:
//
//   - a loop of stores goes into lanes as it is;
//   - a reduction over contiguous elements gets a vector of partial results, four of them, so that an
//     addition need not wait for the one before;
//   - what a loop over a row works out is kept for the loops behind it that would work it out again;
//   - a reduction over elements that lie apart, in a loop over contiguous ones, changes places with it.
#include <algorithm>
#include <bit>

#include "opt/loops/access.h"
#include "opt/loops/choose.h"

namespace tenon::opt::loops {
namespace {

using ir::DirectiveKind;

constexpr int64_t kChains = 4;         ///< partial vectors of a reduction: the latency of an addition
constexpr int64_t kPiece = 1 << 16;    ///< elements of a piece of work for a thread
constexpr double kSumPiece = 1 << 18;  ///< likewise, of a reduction: combining them costs little then
constexpr int64_t kPageBytes = 4096;   ///< rows further apart lie on a page each
constexpr int64_t kRowPieces = 4;      ///< of a sum of rows: each takes time to be added to the others
constexpr int64_t kRowsAtOnce = 8;     ///< as many streams as the prefetcher of a core follows
constexpr int64_t kRowBytes = 16384;  ///< of sums: half of the first cache, the other half for the rows that go into them
constexpr int64_t kMostUnrolled = 32;  ///< turns of a short sum, all its loops together

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
    std::vector<const For*> open;
    find_inner(kernel_.body, open, inner_);
    bool all = !inner_.empty();
    for (const Inner& loop : inner_) all = all && choose(loop);
    if (!all) return {};
    if (writes_much(kernel_)) add({DirectiveKind::stream_});
    share();
    return std::move(schedule_);
  }

 private:
  bool choose(const Inner& inner);
  bool reduce(const Inner& inner, int64_t lanes);
  void ask_ahead(const Inner& inner, const std::vector<std::string>& loops);
  bool interchange(const Inner& inner, int64_t lanes);
  void unroll_short(const Inner& inner, const For& lane_loop);
  void by_rows(const Inner& inner, const For& lane_loop, int64_t lanes);
  std::string share_rows(const Inner& inner, const For& lane_loop);
  bool stands_outermost(const Inner& inner, const For& loop) const;
  bool takes_pages(const Inner& inner, LoopId loop) const;
  bool contiguous(const Inner& inner, LoopId loop) const;
  int64_t lanes_of(const Inner& inner) const;
  void share_sum(const For& top);
  void sum_in_streams(const For& top, int64_t piece);
  void share();
  void add(Directive directive) { schedule_.push_back(std::move(directive)); }
  const std::string& name(LoopId loop) const { return kernel_.loops[loop]; }
  std::string fresh(LoopId loop, std::string_view suffix) const {
    return fresh_name(kernel_, name(loop) + std::string(suffix));
  }

  const Kernel& kernel_;
  const Machine& machine_;
  Mode mode_;
  std::vector<Inner> inner_;
  std::set<BufferId> asked_;  ///< that come from memory
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
      for (const Access& read : reads_of(kernel_, e)) all = all && suits_lanes(read.strides, loop);
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
    if (!own_element_each_turn(kernel_, inner.loop->body, local, loop) &&
        !steps_of(kernel_, inner.loop->body, local, mode_))
      return false;
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
  if (several && &inner == &inner_.front()) ask_ahead(inner, {o});
  return true;
}

/// What comes from memory: the first loop that reads it asks for some lines more, which the processor's own guesses
/// lag behind. Loops behind it find them in a cache.
void Chooser::ask_ahead(const Inner& inner, const std::vector<std::string>& loops) {
  for (const Stmt* stmt : inner.stmts)
    for_each_expr(*stmt, [&](const ExprPtr& e) {
      for (const Access& read : reads_of(kernel_, e)) {
        const ir::Type& type = kernel_.buffers[read.buffer].type;
        if (bytes_of(type) < 2 * static_cast<double>(machine_.l2_bytes)) continue;
        if (!read.strides || !read.strides->contains(inner.loop->loop)) continue;
        if (asked_.insert(read.buffer).second)
          add({DirectiveKind::prefetch_, loops, {}, 0, kernel_.buffers[read.buffer].name});
      }
    });
}

/// sum[k] x[k] * w[k, j] with rows of w so long that each lies on pages of its own: a few rows at a time,
/// each read from end to end, into a row of sums that stays in the cache; meanwhile the next few are asked for.
void Chooser::by_rows(const Inner& inner, const For& lane_loop, int64_t lanes) {
  const LoopId loop = lane_loop.loop;
  std::string summed = name(inner.loop->loop);
  const std::string o = fresh(inner.loop->loop, "o"), i = fresh(inner.loop->loop, "i"), p = fresh(loop, "p"),
                    q = fresh(loop, "q"), u = fresh(loop, "u"), v = fresh(loop, "v");
  const std::string pieces = share_rows(inner, lane_loop);
  if (!pieces.empty()) summed = fresh(inner.loop->loop, "q");
  add({DirectiveKind::split_, {summed}, {o, i}, kRowsAtOnce});
  add({DirectiveKind::split_, {name(loop)}, {p, q}, kRowBytes / 4});
  add({DirectiveKind::split_, {q}, {u, v}, lanes});
  Directive order{DirectiveKind::order_};
  bool inside = false;
  if (!pieces.empty()) order.loops.push_back(pieces);
  for (const For* around : inner.around) {
    inside |= around == &lane_loop;
    if (inside) order.loops.push_back(around == &lane_loop ? p : name(around->loop));
  }
  for (const std::string& last : {o, u, i, v}) order.loops.push_back(last);
  add(std::move(order));
  ask_ahead(inner, {u, o});
  add({DirectiveKind::vectorize_, {v}});
  add({DirectiveKind::unroll_, {i}});
  if (!pieces.empty()) outermost_ = pieces;
  else if (stands_outermost(inner, lane_loop)) outermost_ = p;
}

/// Of rows that all go into one row of sums each piece has a row of its own, if the mode lets sums be taken apart:
/// so threads read whole rows. What the loop over pieces is called; empty: there are none.
std::string Chooser::share_rows(const Inner& inner, const For& lane_loop) {
  if (!stands_outermost(inner, lane_loop) || !is_worth_threads(kernel_)) return {};
  for (const LocalId local : changed_by(inner.loop->body))
    if (!steps_of(kernel_, inner.loop->body, local, mode_)) return {};
  const int64_t rows = *turns_of(*inner.loop) / kRowPieces;
  if (static_cast<double>(rows * *turns_of(lane_loop)) < kSumPiece) return {};
  const std::string pieces = fresh(inner.loop->loop, "p");
  add({DirectiveKind::split_, {name(inner.loop->loop)}, {pieces, fresh(inner.loop->loop, "q")}, rows});
  add({DirectiveKind::rfactor_, {pieces}});
  return pieces;
}

/// Loops of one turn around it do not count.
bool Chooser::stands_outermost(const Inner& inner, const For& loop) const {
  for (const For* around : inner.around) {
    if (around == &loop) return true;
    if (turns_of(*around) != 1) return false;
  }
  return false;
}

/// Whether something that is read takes a page of memory for each turn of `loop`.
bool Chooser::takes_pages(const Inner& inner, LoopId loop) const {
  bool pages = false;
  for (const Stmt* stmt : inner.stmts)
    for_each_expr(*stmt, [&](const ExprPtr& e) {
      for (const Access& read : reads_of(kernel_, e)) {
        const int64_t bytes = runtime::row(kernel_.buffers[read.buffer].type.dtype).bytes;
        const auto step = read.strides ? read.strides->find(loop) : Strides::const_iterator{};
        pages = pages || (read.strides && step != read.strides->end() &&
                          std::abs(step->second) * bytes >= kPageBytes);
      }
    });
  return pages;
}

/// sum[k] w[k, j]: the loop over k outside, a few vectors along j inside.
bool Chooser::interchange(const Inner& inner, int64_t lanes) {
  const LoopId summed = inner.loop->loop;
  const For* lane_loop = nullptr;
  for (const For* around : inner.around)
    if (contiguous(inner, around->loop)) lane_loop = around;
  if (lane_loop == nullptr) return false;
  const std::optional<int64_t> turns = turns_of(*lane_loop);
  if (!turns || *turns < kFewestLanes) return false;
  lanes = std::min(lanes, static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(*turns))));
  const LoopId loop = lane_loop->loop;
  const bool in_order = turns_of(*inner.loop).value_or(0) >= kRowsAtOnce;
  if (in_order && takes_pages(inner, summed)) return by_rows(inner, *lane_loop, lanes), true;
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
  unroll_short(inner, *lane_loop);
  if (stands_outermost(inner, *lane_loop)) outermost_ = o;
  return true;
}

/// Short loops around the lanes that the sum goes over.
void Chooser::unroll_short(const Inner& inner, const For& lane_loop) {
  int64_t turns = turns_of(*inner.loop).value_or(kMostUnrolled + 1);
  std::vector<LoopId> summed = {inner.loop->loop};
  const auto lanes_at = std::ranges::find(inner.around, &lane_loop);
  for (auto around = lanes_at + 1; around < inner.around.end(); ++around) {
    summed.push_back((*around)->loop);
    turns *= turns_of(**around).value_or(kMostUnrolled + 1);
    if (turns > kMostUnrolled) return;
  }
  if (turns > kMostUnrolled) return;
  for (const LoopId loop : summed) add({DirectiveKind::unroll_, {name(loop)}});
}

/// A reduction over everything: each piece has a part of its own, and the parts are combined in order.
void Chooser::share_sum(const For& top) {
  double elements = 1;  // of a turn
  for (const Site& site : sites_of(top.body)) {
    double turns = 1;
    for (const For* loop : site.loops) turns *= static_cast<double>(turns_of(*loop).value_or(1));
    elements = std::max(elements, turns);
  }
  const auto piece = std::max<int64_t>(1, static_cast<int64_t>(kSumPiece / elements));
  if (*turns_of(top) < 2 * piece) return;
  if (inner_.size() == 1 && inner_[0].loop == &top && !asked_.empty()) return sum_in_streams(top, piece);
  const std::string o = fresh(top.loop, "p"), i = fresh(top.loop, "q");
  ir::Schedule first = {{DirectiveKind::split_, {name(top.loop)}, {o, i}, piece},
                        {DirectiveKind::rfactor_, {o}}};
  for (Directive& directive : schedule_)
    for (std::string& loop : directive.loops)
      if (loop == name(top.loop)) loop = i;
  schedule_.insert(schedule_.begin(), first.begin(), first.end());
  add({DirectiveKind::parallel_, {o}});
}

/// A piece of a sum that comes from memory is read at several places by turns: what goes ahead of one of them stops
/// at the end of a page, and the others go on.
void Chooser::sum_in_streams(const For& top, int64_t piece) {
  const int64_t lanes = lanes_of(inner_[0]);
  const std::string p = fresh(top.loop, "p"), q = fresh(top.loop, "q"), s = fresh(top.loop, "s"), r = fresh(top.loop, "r"),
                    o = fresh(top.loop, "o"), i = fresh(top.loop, "i"), u = fresh(top.loop, "u"), v = fresh(top.loop, "v");
  schedule_ = {{DirectiveKind::split_, {name(top.loop)}, {p, q}, piece},
               {DirectiveKind::rfactor_, {p}},
               {DirectiveKind::split_, {q}, {s, r}, piece / kChains},
               {DirectiveKind::split_, {r}, {o, i}, lanes * kChains},
               {DirectiveKind::split_, {i}, {u, v}, lanes},
               {DirectiveKind::rfactor_, {v}},
               {DirectiveKind::rfactor_, {s}},
               {DirectiveKind::order_, {p, o, s, u, v}}};
  for (const BufferId buffer : asked_) add({DirectiveKind::prefetch_, {o}, {}, 0, kernel_.buffers[buffer].name});
  add({DirectiveKind::vectorize_, {v}});
  add({DirectiveKind::unroll_, {s}});
  add({DirectiveKind::unroll_, {u}});
  add({DirectiveKind::parallel_, {p}});
}

/// The outermost loop on several threads, in pieces that do not depend on how many there are.
void Chooser::share() {
  const For* top = nullptr;
  for (const Stmt& stmt : kernel_.body)
    if (const auto* loop = std::get_if<For>(&stmt.node)) {
      if (top != nullptr) return;  // one after the other
      top = loop;
    }
  if (top == nullptr) return;
  const std::optional<int64_t> turns = turns_of(*top);
  if (!is_worth_threads(kernel_) || !turns || (*turns < 2 && outermost_.empty())) return;
  if (!changed_by(top->body).empty()) return share_sum(*top);
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
  Kernel kept = kernel;
  ir::Schedule schedule = keep_rows(kept, machine, mode);
  const ir::Schedule rest = Chooser(kept, machine, mode).run();
  if (rest.empty()) return {};
  schedule.insert(schedule.end(), rest.begin(), rest.end());
  return schedule;
}

}  // namespace tenon::opt::loops
