// Stencils: sums over a small window that slides over an image, each channel by itself: depthwise convolutions,
// pooling, blurs. Too few multiplications go with an element for anything but its loads to count: so
// a tile of the result has some rows and some vectors of columns, and what several of its rows read is loaded
// once for all of them.
//
//     for channels
//       for io, jo: for window k, l: for ii, ji: tile[ii, ji] += x[io * R + ii + k, …] * w[k, l]
//
// All but the first two levels is written out. The order in which an element's terms are added stays as it was.
#include <algorithm>
#include <bit>

#include "opt/loops/access.h"
#include "opt/loops/choose.h"

namespace tenon::opt::loops {
namespace {

using ir::DirectiveKind;

constexpr int64_t kMostTerms = 64;    ///< of a window, all its loops together
constexpr int64_t kMostWritten = 256; ///< steps of the tile that are written out
constexpr int64_t kMostRows = 4, kMostVectors = 8;
constexpr int64_t kManyRegisters = 32;

class Stencil {
 public:
  Stencil(const Kernel& kernel, const Machine& machine) : kernel_(kernel), machine_(machine) {}

  ir::Schedule run() { return find() ? schedule() : ir::Schedule(); }

 private:
  bool find();
  bool find_sites();
  bool find_columns();
  bool shares_axis(const Read& read, LoopId a, LoopId b) const;
  bool slides(const Read& read, const For& loop) const;
  const For* slides_last() const;
  ir::Schedule schedule() const;
  Directive order(const std::string& io, const std::string& jo, const std::string& ii, const std::string& ji) const;
  const For* plane() const;
  int64_t lanes() const;
  const std::string& name(const For& loop) const { return kernel_.loops[loop.loop]; }

  const Kernel& kernel_;
  const Machine& machine_;
  const Store* store_ = nullptr;
  std::vector<const For*> around_;  ///< the store, outermost first
  std::vector<const For*> window_;  ///< around the step of the sum, and not the store
  std::vector<const Read*> reads_;  ///< of the step
  const For* columns_ = nullptr;    ///< along which the result is contiguous: the lanes
  const For* rows_ = nullptr;       ///< another loop that the window slides along; null: none
  int64_t terms_ = 1;               ///< of the window
};

/// One store, and one step of one sum inside all its loops.
bool Stencil::find_sites() {
  std::vector<const For*> inside;
  for (const Site& site : sites_of(kernel_.body)) {
    if (const auto* store = std::get_if<Store>(&site.stmt->node)) {
      if (store_ != nullptr) return false;
      store_ = store, around_ = site.loops;
    }
    const auto* set = std::get_if<SetLocal>(&site.stmt->node);
    if (set == nullptr || set->declares) continue;
    if (!inside.empty()) return false;
    inside = site.loops;
  }
  if (store_ == nullptr || inside.size() <= around_.size() ||
      !std::ranges::equal(around_, std::span(inside).first(around_.size())))
    return false;
  for_each_node(inside.back()->body, [&](const ExprPtr& e) {
    if (const auto* read = std::get_if<Read>(&e->node)) reads_.push_back(read);
  });
  window_.assign(inside.begin() + static_cast<std::ptrdiff_t>(around_.size()), inside.end());
  return std::ranges::all_of(inside, [](const For* loop) { return turns_of(*loop).value_or(0) > 0; });
}

bool Stencil::shares_axis(const Read& read, LoopId a, LoopId b) const {
  return std::ranges::any_of(read.subscripts, [&](const ExprPtr& s) {
    const std::optional<LinearForm> form = linear_form(s);
    return form && form->factor(a) != 0 && form->factor(b) != 0;
  });
}

bool Stencil::slides(const Read& read, const For& loop) const {
  return std::ranges::any_of(window_, [&](const For* w) { return shares_axis(read, loop.loop, w->loop); });
}

/// Of the loops around the store but for the columns; null: none.
const For* Stencil::slides_last() const {
  const For* last = nullptr;
  for (const For* loop : around_)
    for (const Read* read : reads_)
      if (loop != columns_ && slides(*read, *loop)) last = loop;
  return last;
}

/// The loop for the lanes: what is read lies along it side by side, or a few elements apart, or stays.
bool Stencil::find_columns() {
  const auto stored = strides_of(kernel_.buffers[store_->buffer].type.shape, store_->subscripts);
  if (!stored) return false;
  for (const For* loop : around_) {
    const auto step = stored->find(loop->loop);
    if (step != stored->end() && step->second == 1) columns_ = loop;
  }
  if (columns_ == nullptr || *turns_of(*columns_) < kFewestLanes) return false;
  return std::ranges::all_of(reads_, [&](const Read* read) {
    return suits_lanes(strides_of(kernel_.buffers[read->buffer].type.shape, read->subscripts), columns_->loop);
  });
}

bool Stencil::find() {
  if (!find_sites() || !find_columns()) return false;
  for (const For* loop : window_)
    if (terms_ *= std::min(*turns_of(*loop), kMostTerms + 1); terms_ > kMostTerms) return false;
  rows_ = slides_last();
  return rows_ != nullptr || std::ranges::any_of(reads_, [&](const Read* read) { return slides(*read, *columns_); });
}

int64_t Stencil::lanes() const {
  int64_t bytes = runtime::row(kernel_.buffers[store_->buffer].type.dtype).bytes;
  for (const Read* read : reads_)
    bytes = std::max<int64_t>(bytes, runtime::row(kernel_.buffers[read->buffer].type.dtype).bytes);
  const auto turns = static_cast<uint64_t>(*turns_of(*columns_));
  return std::min(machine_.lanes(bytes), static_cast<int64_t>(std::bit_floor(turns)));
}

/// The loop whose turns each have an image of their own: all that slide are inside it. Null: there is none.
const For* Stencil::plane() const {
  const For* plane = nullptr;
  for (const For* loop : around_) {
    if (loop == columns_ || std::ranges::any_of(reads_, [&](const Read* read) { return slides(*read, *loop); }))
      break;
    plane = loop;
  }
  return plane;
}

Directive Stencil::order(const std::string& io, const std::string& jo, const std::string& ii,
                        const std::string& ji) const {
  Directive order{DirectiveKind::order_};
  bool moves = false;
  for (const For* loop : around_) {
    const bool splits = loop == columns_ || loop == rows_;
    moves = moves || splits;
    if (moves && !splits) order.loops.push_back(name(*loop));
  }
  if (rows_ != nullptr) order.loops.push_back(io);
  order.loops.push_back(jo);
  for (const For* loop : window_) order.loops.push_back(name(*loop));
  if (rows_ != nullptr) order.loops.push_back(ii);
  order.loops.push_back(ji);
  return order;
}

ir::Schedule Stencil::schedule() const {
  FreshNames names(kernel_);
  const int64_t width = lanes(), columns = *turns_of(*columns_);
  const int64_t most = rows_ == nullptr ? kMostVectors : machine_.vector_registers >= kManyRegisters ? 2 : 1;
  const int64_t vectors = std::clamp<int64_t>(columns / width, 1, most);
  const int64_t rows = std::clamp<int64_t>(kMostWritten / (terms_ * vectors), 1, kMostRows);
  const std::string jo = names.fresh(name(*columns_) + "o"), ji = names.fresh(name(*columns_) + "i");
  std::string io, ii;
  ir::Schedule schedule;
  if (rows_ != nullptr) {
    io = names.fresh(name(*rows_) + "o"), ii = names.fresh(name(*rows_) + "i");
    schedule.push_back({DirectiveKind::split_, {name(*rows_)}, {io, ii}, rows});
  }
  schedule.push_back({DirectiveKind::split_, {name(*columns_)}, {jo, ji}, vectors * width});
  schedule.push_back(order(io, jo, ii, ji));
  const auto padded = std::ranges::find_if(reads_, [](const Read* read) { return read->guard != nullptr; });
  if (const For* at = plane(); at != nullptr && padded != reads_.end())
    add_copy(schedule, kernel_, {name(*at), (*padded)->buffer, width, true});
  schedule.push_back({DirectiveKind::vectorize_, {ji}, {}, width});
  schedule.push_back({DirectiveKind::unroll_, {ji}});
  if (rows_ != nullptr) schedule.push_back({DirectiveKind::unroll_, {ii}});
  for (const For* loop : window_) schedule.push_back({DirectiveKind::unroll_, {name(*loop)}});
  if (writes_much(kernel_)) schedule.push_back({DirectiveKind::stream_});
  if (is_worth_threads(kernel_)) {
    const auto shared = std::ranges::find_if(around_, [&](const For* loop) {
      return loop != columns_ && loop != rows_ && *turns_of(*loop) > 1;
    });
    schedule.push_back({DirectiveKind::parallel_, {shared != around_.end() ? name(**shared) : rows_ != nullptr ? io : jo}});
  }
  return schedule;
}

}  // namespace

ir::Schedule choose_stencil(const Kernel& kernel, const Machine& machine, Mode) {
  return Stencil(kernel, machine).run();
}

}  // namespace tenon::opt::loops
