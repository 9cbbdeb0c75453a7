// Products: a sum of products of two operands, each of which is read again for every index of the other
// (opt/analysis/contraction.h). Matrix products, batched or transposed, convolutions, einsums.
//
// The schedule is that of Goto and van de Geijn ("Anatomy of high-performance matrix multiplication",
// TOMS 2008), in our words: a tile of the result stays in registers while the summed index runs,
//
//     for j in panels of the right operand            (copied where its rows lie far apart, and asked for ahead,
//                                                      but for one that lies in panels already:
//                                                      opt/tensor/prepack.cpp)
//       for blocks of k, if a panel is too much for the cache
//         for i in tiles of rows
//           for k: tile[MR, NV vectors] += left[MR] * right[NV vectors]
//
// so that every vector that is loaded takes part in MR multiplications, and every broadcast element in
// NV. Each element of the result remains one chain over the summed index: the same bits whatever the
// tile, under --strict too.
//
// Which index goes into the lanes? The one along which the result is contiguous, as a rule. But an image of
// 28 columns fills seven eighths of two vectors, and all its channels fill theirs: then the channels go into
// the lanes, at the price of elements that are moved: the weights' one by one, once, and the result's, which are
// turned in registers (backend/loop_stores.cpp).
#include <algorithm>
#include <cmath>
#include <utility>

#include "opt/loops/access.h"
#include "opt/loops/panels.h"
#include "opt/loops/product.h"

namespace tenon::opt::loops {
namespace {

using ir::DirectiveKind;

/// With so many turns no thread is idle for long.
constexpr int64_t kManyTurns = 8;
/// Less than this part of a panel is soon done.
constexpr int64_t kSmallRest = 4;
/// Blocks may be smaller than they have to by so much, to come out even.
constexpr double kBlocks = 4;
/// What is worth waking a thread for.
constexpr double kParallelWork = 2e6;
/// So much cheaper must another loop in the lanes be: the estimate is no better than that.
constexpr double kClearly = 0.97;

class Writer {
 public:
  Writer(const Kernel& kernel, const Machine& machine, const Product& product, Tile tile, int64_t lanes)
      : kernel_(kernel), machine_(machine), product_(product), tile_(tile), lanes_(lanes) {
    for (const LoopId loop : product.summed) summed_.push_back(name(loop));
  }

  ir::Schedule run() {
    split();
    add_order();
    if (copies_right(product_, tile_, lanes_)) {
      const int64_t apart = product_.right_stride * product_.element_bytes;
      add_copy(schedule_, kernel_, {block(), product_.right, lanes_, product_.right_guarded, apart});
    }
    if (looks_ahead())
      add({DirectiveKind::prefetch_, {summed_.back(), block()}, {}, 0, kernel_.buffers[product_.right].name});
    // With its margin: whole, for all its windows overlap, and once for all panels.
    if (copies_left())
      add_copy(schedule_, kernel_,
               {around_.empty() ? jo_ : around_, *product_.left, lanes_, true, 0, product_.work >= kParallelWork});
    add({DirectiveKind::vectorize_, {ji_}, {}, lanes_});
    add({DirectiveKind::unroll_, {ji_}});
    add({DirectiveKind::unroll_, {ii_}});
    if (!ko_.empty()) add({DirectiveKind::registers_, {io_}});
    if (product_.work >= kParallelWork) add({DirectiveKind::parallel_, {shared_out()}});
    return std::move(schedule_);
  }

 private:
  void split() {
    std::string j = name(product_.lanes);
    split(name(product_.rows), io_, ii_, tile_.rows);
    // Of packed panels the subscripts are quotients, which a second split would hide from the first.
    if (copies_left() && product_.panel == 0 && product_.lane_turns > width()) {
      std::string all = fresh_name(kernel_, j + "p");
      around_ = fresh_name(kernel_, j + "a");
      add({DirectiveKind::split_, {j}, {around_, all}, product_.lane_turns});
      jo_ = fresh_name(kernel_, j + "o"), ji_ = fresh_name(kernel_, j + "i");
      add({DirectiveKind::split_, {all}, {jo_, ji_}, width()});
    } else {
      split(j, jo_, ji_, width());
    }
    if (const int64_t turns = summed_block(); turns > 0) split(name(product_.summed[0]), ko_, summed_[0], turns);
  }
  void split(const std::string& loop, std::string& outer, std::string& inner, int64_t by) {
    outer = fresh_name(kernel_, loop + "o"), inner = fresh_name(kernel_, loop + "i");
    add({DirectiveKind::split_, {loop}, {outer, inner}, by});
  }

  int64_t width() const { return tile_.vectors * lanes_; }
  /// In whose turns a panel, or a block of one, is used.
  const std::string& block() const { return ko_.empty() ? jo_ : ko_; }
  bool copies_left() const { return product_.lanes_apart && product_.left_guarded; }
  /// Whether rows of the next block are asked for: where they lie so far apart that no processor does it by itself.
  bool looks_ahead() const {
    if (!product_.right_is_buffer || product_.right_guarded || product_.right_stride != 1) return false;
    return !ko_.empty() || copies_right(product_, tile_, lanes_);
  }

  /// The outermost loop with turns enough for threads to come out even, or an even number of them; else the tiles
  /// of rows. Panels that are copied element by element are rather read by all than copied by each.
  std::string shared_out() const {
    std::vector<std::pair<std::string, int64_t>> loops;
    const auto add_outside = [&](bool of_panels) {
      for_each_stmt(kernel_.body, [&](const Stmt& stmt) {
        const auto* loop = std::get_if<For>(&stmt.node);
        if (loop != nullptr && std::ranges::count(product_.outside, loop->loop) != 0 &&
            stays_outside(loop->loop) == of_panels)
          loops.emplace_back(name(loop->loop), turns_of(*loop).value_or(1));
      });
    };
    add_outside(true);
    add_outside(false);
    // Whole panels are shared out; what is left over waits for them, and is done by one thread.
    const int64_t panels = product_.lane_turns / width(), rest = product_.lane_turns % width();
    loops.emplace_back(jo_, panels < kManyTurns && rest * kSmallRest > width() ? 1 : panels);
    const auto even = std::ranges::find_if(loops, [](const auto& loop) {
      return loop.second >= kManyTurns || (loop.second > 0 && loop.second % 2 == 0);
    });
    return even == loops.end() ? io_ : even->first;
  }

  /// Panels that are copied element by element are used as often as possible.
  bool stays_outside(LoopId loop) const {
    return !product_.lanes_apart || std::ranges::count(product_.right_outside, loop) != 0;
  }

  /// Turns of the summed loop in a block, where all of a panel is too much for the cache that the tiles of rows find
  /// it in again; 0 where it is not, or they do not, or their sums, which each block adds to, are as much.
  int64_t summed_block() const {
    if (product_.summed.size() != 1 || product_.lanes_apart || product_.right_is_packed) return 0;
    const auto row_bytes = static_cast<double>(width() * product_.element_bytes);
    const auto rows = static_cast<double>(product_.row_turns);
    const double turns = product_.summed_turns, cache = static_cast<double>(machine_.l2_bytes);
    if (turns * row_bytes <= cache / 4 || 2 * rows >= turns) return 0;
    if (product_.row_turns < kManyTurns * tile_.rows || shared_out() == io_) return 0;
    const double fewest = std::ceil(8 * turns * row_bytes / cache);
    for (double blocks = fewest; blocks < kBlocks * fewest; ++blocks)  // one left over would be compiled by itself
      if (std::fmod(turns, blocks) == 0) return static_cast<int64_t>(turns / blocks);
    return 0;
  }

  /// Accumulators have the axes of the loops as these stand when
  /// the summed ones move out past them: so the lanes are innermost before that.
  void add_order() {
    const std::vector<std::string> tile = {ii_, ji_};
    std::vector<std::string> outer;
    for (const LoopId loop : product_.outside)
      if (stays_outside(loop)) outer.push_back(name(loop));
    if (!around_.empty()) outer.push_back(around_);
    outer.push_back(jo_);
    for (const LoopId loop : product_.outside)
      if (!stays_outside(loop)) outer.push_back(name(loop));
    if (!ko_.empty()) outer.push_back(ko_);
    outer.push_back(io_);
    if (product_.lanes_apart) add_order({outer, tile});
    add_order({outer, summed_, tile});
  }
  void add_order(const std::vector<std::vector<std::string>>& groups) {
    Directive order{DirectiveKind::order_};
    for (const std::vector<std::string>& group : groups)
      order.loops.insert(order.loops.end(), group.begin(), group.end());
    add(std::move(order));
  }

  void add(Directive directive) { schedule_.push_back(std::move(directive)); }
  const std::string& name(LoopId loop) const { return kernel_.loops[loop]; }

  const Kernel& kernel_;
  const Machine& machine_;
  const Product& product_;
  const Tile tile_;
  const int64_t lanes_;
  std::string around_;  ///< the loop of all panels, of one turn; empty: there is none
  std::string jo_, ji_, io_, ii_;
  std::string ko_;  ///< the loop of blocks of the summed one; empty: there is none
  std::vector<std::string> summed_;
  ir::Schedule schedule_;
};

}  // namespace

static Directive as_one(const Kernel& kernel, std::pair<LoopId, LoopId> loops) {
  const std::string &outer = kernel.loops[loops.first], &inner = kernel.loops[loops.second];
  return {DirectiveKind::fuse_, {outer, inner}, {fresh_name(kernel, outer + inner)}};
}

/// Loops over neighbouring axes that are one in memory, whatever has them: the pixels of a 1x1 convolution.
/// Nothing if there are none. The outer one first.
static std::optional<std::pair<LoopId, LoopId>> one_in_memory(const Kernel& kernel) {
  std::optional<std::pair<LoopId, LoopId>> found;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* outer = std::get_if<For>(&stmt.node);
    const For* inner = outer == nullptr || outer->body.size() != 1 ? nullptr : std::get_if<For>(&outer->body[0].node);
    if (found || inner == nullptr) return;
    const std::optional<int64_t> turns = turns_of(*inner);
    bool all = turns && turns_of(*outer) && constant_of(outer->lo) == 0 && constant_of(inner->lo) == 0;
    const auto look = [&](const ir::Shape& shape, const Subscripts& subscripts) {
      const std::optional<Strides> strides = strides_of(shape, subscripts);
      const auto along = [&](LoopId loop) {
        const auto stride = strides->find(loop);
        return stride == strides->end() ? 0 : stride->second;
      };
      all = all && strides && along(outer->loop) == *turns * along(inner->loop);
    };
    for_each_node(kernel.body, [&](const ExprPtr& e) {
      const auto* read = std::get_if<Read>(&e->node);
      if (read == nullptr) return;
      look(kernel.buffers[read->buffer].type.shape, read->subscripts);
      all = all && read->guard == nullptr;
    });
    for (const Site& site : sites_of(kernel.body))
      if (const auto* store = std::get_if<Store>(&site.stmt->node))
        look(kernel.buffers[store->buffer].type.shape, store->subscripts);
    if (all) found = {outer->loop, inner->loop};
  });
  return found;
}

/// How a nest is best computed as a product.
struct Plan {
  Product product;  ///< of the nest with these two loops as one, if there are two
  Tile tile;
  int64_t lanes;
  double price;
  std::optional<std::pair<LoopId, LoopId>> fused = {};  ///< the outer one first
};

static std::optional<Plan> cheapest(const Kernel& kernel, const Machine& machine,
                                           const std::function<bool(BufferId)>& is_constant) {
  std::optional<Plan> best;
  for (Product& product : find_products(kernel)) {
    const int64_t lanes = machine.lanes(product.element_bytes);
    const bool can_be_packed = is_constant && product.right_is_buffer && !product.right_guarded;
    product.right_is_packed |= can_be_packed && is_constant(product.right);
    const Tile tile = choose_tile(product, machine, lanes);
    const double all = price(product, tile, lanes);
    if (!best || all < kClearly * best->price) best = {product, tile, lanes, all};
  }
  return best;
}

/// The cheapest. Nothing if it is none. A tensor that `is_constant` is brought into panels beforehand.
static std::optional<Plan> plan_product(const Kernel& kernel, const Machine& machine,
                                        const std::function<bool(BufferId)>& is_constant = {}) {
  const std::optional<Plan> apart = cheapest(kernel, machine, is_constant);
  const auto pair = apart ? one_in_memory(kernel) : std::nullopt;
  if (!pair) return apart;
  Kernel fused = kernel;
  apply_directive(fused, as_one(kernel, *pair), {});
  std::optional<Plan> as_one = cheapest(fused, machine, is_constant);
  if (!as_one || as_one->price >= kClearly * apart->price) return apart;
  as_one->fused = pair;
  return as_one;
}

ir::Schedule choose_product(const Kernel& kernel, const Machine& machine, Mode mode) {
  const std::optional<Plan> plan = plan_product(kernel, machine);
  if (!plan) return {};
  if (!plan->fused) return Writer(kernel, machine, plan->product, plan->tile, plan->lanes).run();
  const Directive fuse = as_one(kernel, *plan->fused);
  Kernel fused = kernel;
  apply_directive(fused, fuse, mode);
  ir::Schedule schedule = Writer(fused, machine, plan->product, plan->tile, plan->lanes).run();
  schedule.insert(schedule.begin(), fuse);
  return schedule;
}

std::optional<Panels> wanted_panels(const Kernel& kernel, const Machine& machine,
                                    const std::function<bool(ir::ValueId)>& is_constant) {
  if (kernel.may_fail) return {};
  const auto plan = plan_product(kernel, machine, [&](BufferId buffer) {
    return !kernel.is_output(buffer) && is_constant(kernel.buffer_values[buffer]);
  });
  if (!plan || !plan->product.right_is_packed || plan->product.panel > 0) return {};
  const Product& product = plan->product;
  if (product.lanes >= kernel.loops.size()) return {};  // of two loops taken together
  const int64_t whole = (product.lane_turns + plan->lanes - 1) / plan->lanes * plan->lanes;
  return Panels{kernel.buffer_values[product.right], product.lanes, product.lane_turns,
                std::min(whole, plan->tile.vectors * plan->lanes)};
}

}  // namespace tenon::opt::loops
