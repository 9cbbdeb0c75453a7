// Products: a sum of products of two operands, each of which is read again for every index of the other
// (opt/analysis/contraction.h). Matrix products, batched or transposed, convolutions, einsums.
//
// The schedule is that of Goto and van de Geijn ("Anatomy of high-performance matrix multiplication",
// TOMS 2008), in our words: a tile of the result stays in registers while the summed index runs,
//
//     for j in panels of the right operand            (copied where its rows lie far apart)
//       for i in tiles of rows
//         for k: tile[MR, NV vectors] += left[MR] * right[NV vectors]
//
// so that every vector that is loaded takes part in MR multiplications, and every broadcast element in
// NV. Each element of the result remains one chain over the summed index: the same bits whatever the
// tile, under --strict too.
#include <algorithm>

#include "opt/loops/access.h"
#include "opt/loops/product.h"

namespace tenon::opt::loops {
namespace {

using ir::DirectiveKind;
using runtime::ScalarOp;

/// Chains of this many multiply-adds hide the latency of one: 4 cycles, two units.
constexpr int64_t kLatency = 8;
/// Rows further apart than this take a page of memory each.
constexpr int64_t kPageBytes = 4096;
/// A panel is copied if so many tiles read it.
constexpr int64_t kTilesPerCopy = 4;
/// So few panels, and an odd number of them, leave one of two threads idle for long.
constexpr int64_t kFewPanels = 8;
/// What is worth waking a thread for.
constexpr double kParallelWork = 2e6;
constexpr int64_t kUnrolledCopies = 8;

struct Tile {
  int64_t rows, vectors;
};

/// a = a + x * y, with x and y.
const Apply* multiply_add(const SetLocal& set) {
  if (set.declares || set.value == nullptr) return nullptr;
  const auto* add = std::get_if<Apply>(&set.value->node);
  if (add == nullptr || add->op != ScalarOp::add) return nullptr;
  const auto* product = std::get_if<Apply>(&add->args[1]->node);
  return product != nullptr && product->op == ScalarOp::mul ? product : nullptr;
}

std::set<LoopId> loops_in(const Kernel& kernel, const ExprPtr& e) {
  std::set<LoopId> loops;
  for (LoopId loop = 0; loop < kernel.loops.size(); ++loop)
    if (mentions_loop(e, loop)) loops.insert(loop);
  return loops;
}

class Finder {
 public:
  explicit Finder(const Kernel& kernel) : kernel_(kernel) {}

  std::optional<Product> run() {
    for (const Site& site : sites_of(kernel_.body)) {
      if (const auto* set = std::get_if<SetLocal>(&site.stmt->node)) {
        if (set->declares) declared_.emplace(set->local, site.loops.size());
        if (multiply_add(*set) == nullptr) continue;
        if (step_ != nullptr) return {};  // several
        step_ = set, loops_ = site.loops;
      }
      if (const auto* store = std::get_if<Store>(&site.stmt->node)) store_ = store;
    }
    if (step_ == nullptr || store_ == nullptr || !declared_.contains(step_->local)) return {};
    return describe();
  }

 private:
  std::optional<Product> describe() const;
  bool add_right(Product& product, const ExprPtr& right) const;

  const Kernel& kernel_;
  const SetLocal* step_ = nullptr;
  const Store* store_ = nullptr;
  std::vector<const For*> loops_;
  std::map<LocalId, size_t> declared_;  ///< how many loops are around a declaration
};

std::optional<Product> Finder::describe() const {
  const size_t rank = declared_.at(step_->local);
  const Apply& factors = *multiply_add(*step_);
  const std::set<LoopId> in[2] = {loops_in(kernel_, factors.args[0]),
                                  loops_in(kernel_, factors.args[1])};
  const std::optional<Strides> stored =
      strides_of(kernel_.buffers[store_->buffer].type.shape, store_->subscripts);
  if (!stored) return {};
  Product product;
  product.element_bytes = static_cast<int64_t>(runtime::row(kernel_.locals[step_->local].dtype).bytes);
  // The lanes: along them the result is contiguous, and one operand does not depend on them.
  const For *lanes = nullptr, *rows = nullptr;
  int right = 0;
  for (size_t i = 0; i < loops_.size(); ++i) {
    const For& loop = *loops_[i];
    const std::optional<int64_t> turns = turns_of(loop);
    if (!turns || *turns == 0) return {};
    product.work *= static_cast<double>(*turns);
    if (i >= rank) {
      product.summed.push_back(loop.loop);
      continue;
    }
    const auto stride = stored->find(loop.loop);
    const bool one_only = in[0].contains(loop.loop) != in[1].contains(loop.loop);
    if (stride != stored->end() && stride->second == 1 && one_only)
      lanes = &loop, right = in[1].contains(loop.loop) ? 1 : 0;
  }
  if (lanes == nullptr) return {};
  for (size_t i = 0; i < rank; ++i) {
    const LoopId loop = loops_[i]->loop;
    if (in[right].contains(loop) || !in[1 - right].contains(loop)) continue;
    if (*turns_of(*loops_[i]) == 1) continue;  // nothing to read again
    if (rows == nullptr || *turns_of(*loops_[i]) >= *turns_of(*rows)) rows = loops_[i];
  }
  if (rows == nullptr) return {};
  product.lanes = lanes->loop, product.lane_turns = *turns_of(*lanes);
  product.rows = rows->loop, product.row_turns = *turns_of(*rows);
  for (size_t i = 0; i < rank; ++i)
    if (loops_[i] != lanes && loops_[i] != rows) product.outside.push_back(loops_[i]->loop);
  if (!add_right(product, factors.args[right])) return {};
  if (const auto* left = std::get_if<Read>(&factors.args[1 - right]->node)) product.left = left->buffer;
  return product;
}

/// How the operand that is read by vectors lies in memory.
bool Finder::add_right(Product& product, const ExprPtr& right) const {
  const std::vector<Access> reads = reads_of(kernel_, right);
  const auto* only = std::get_if<Read>(&right->node);
  product.right_is_buffer = only != nullptr;
  product.right_guarded = only != nullptr && only->guard != nullptr;
  for (const Access& read : reads) {
    if (!read.strides) return false;
    const auto lanes = read.strides->find(product.lanes);
    if (lanes == read.strides->end()) continue;
    const auto summed = read.strides->find(product.summed.back());
    product.right = read.buffer, product.right_stride = lanes->second;
    if (summed != read.strides->end())
      product.row_bytes = std::abs(summed->second) * product.element_bytes;
    if (lanes->second != 1 && !product.right_is_buffer) return false;
  }
  return product.right_stride != 0;
}

/// Multiply-adds that a tile shape takes, those in idle lanes and while waiting included.
double cost(const Product& product, Tile tile, int64_t lanes) {
  const int64_t width = tile.vectors * lanes;
  const auto column_of_tiles = [&](int64_t vectors) {
    const double full = static_cast<double>(product.row_turns / tile.rows) *
                        static_cast<double>(std::max(tile.rows * vectors, kLatency));
    const int64_t rest = product.row_turns % tile.rows;
    return full + (rest == 0 ? 0.0 : static_cast<double>(std::max(rest * vectors, kLatency)));
  };
  const int64_t tail = (product.lane_turns % width + lanes - 1) / lanes;
  double all = static_cast<double>(product.lane_turns / width) * column_of_tiles(tile.vectors);
  if (tail > 0) all += column_of_tiles(tail);
  // Loads that go with them: vectors and broadcasts, two a cycle at best.
  const double loads = static_cast<double>(tile.rows + 2 * tile.vectors) /
                       static_cast<double>(2 * tile.rows * tile.vectors);
  return all * std::max(1.0, loads) * (1 + 0.05 * loads);
}

/// The cheapest whose accumulators, one row of vectors and a broadcast fit the registers.
Tile choose_tile(const Product& product, const Machine& machine, int64_t lanes) {
  Tile best{1, 1};
  double least = 0;
  for (int64_t vectors = 1; vectors <= 4; ++vectors) {
    const int64_t most = (machine.vector_registers - 1 - vectors) / vectors;
    for (int64_t rows = std::min(most, product.row_turns); rows >= 1 && rows + 8 > most; --rows) {
      const double price = cost(product, {rows, vectors}, lanes);
      if (least == 0 || price < least) least = price, best = {rows, vectors};
    }
  }
  return best;
}

bool pays_to_copy(const Product& product, Tile tile) {
  if (!product.right_is_buffer) return false;
  if (product.right_stride != 1 || product.right_guarded) return true;
  return product.row_bytes >= kPageBytes && product.row_turns >= kTilesPerCopy * tile.rows;
}

/// Of all occurrences of the loop; some are tails.
int64_t most_turns(const Kernel& kernel, LoopId loop) {
  int64_t most = 0;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* found = std::get_if<For>(&stmt.node);
    if (found != nullptr && found->loop == loop) most = std::max(most, turns_of(*found).value_or(0));
  });
  return most;
}

class Writer {
 public:
  Writer(const Kernel& kernel, const Product& product) : kernel_(kernel), product_(product) {}

  ir::Schedule run(const Machine& machine) {
    const int64_t lanes = machine.lanes(product_.element_bytes);
    const Tile tile = choose_tile(product_, machine, lanes);
    const std::string i = name(product_.rows), j = name(product_.lanes);
    const std::string io = fresh_name(kernel_, i + "o"), ii = fresh_name(kernel_, i + "i"),
                      jo = fresh_name(kernel_, j + "o"), ji = fresh_name(kernel_, j + "i");
    add({DirectiveKind::split_, {i}, {io, ii}, tile.rows});
    add({DirectiveKind::split_, {j}, {jo, ji}, tile.vectors * lanes});
    Directive order{DirectiveKind::order_};
    for (const LoopId loop : product_.outside) order.loops.push_back(name(loop));
    for (const std::string& loop : {jo, io}) order.loops.push_back(loop);
    for (const LoopId loop : product_.summed) order.loops.push_back(name(loop));
    for (const std::string& loop : {ii, ji}) order.loops.push_back(loop);
    add(std::move(order));
    if (pays_to_copy(product_, tile)) add_copy(jo, lanes);
    add({DirectiveKind::vectorize_, {ji}, {}, lanes});
    add({DirectiveKind::unroll_, {ji}});
    add({DirectiveKind::unroll_, {ii}});
    if (product_.work >= kParallelWork) {
      const int64_t panels = product_.lane_turns / (tile.vectors * lanes);
      add({DirectiveKind::parallel_, {shared(panels < kFewPanels && panels % 2 != 0 ? io : jo)}});
    }
    return std::move(schedule_);
  }

 private:
  /// The outermost loop that has turns to share out; `tiles` if only those of the product have.
  std::string shared(const std::string& tiles) const {
    std::string found = tiles;
    for_each_stmt(kernel_.body, [&](const Stmt& stmt) {
      const auto* loop = std::get_if<For>(&stmt.node);
      if (loop != nullptr && found == tiles && turns_of(*loop).value_or(0) > 1 &&
          std::ranges::count(product_.outside, loop->loop) != 0)
        found = name(loop->loop);
    });
    return found;
  }

  void add(Directive directive) { schedule_.push_back(std::move(directive)); }
  const std::string& name(LoopId loop) const { return kernel_.loops[loop]; }

  /// The copy goes by lanes, too. Its innermost loops are unrolled: so the question which lanes lie in an
  /// image's margin is asked once for all its rows, before them.
  void add_copy(const std::string& at, int64_t lanes) {
    const std::string& operand = kernel_.buffers[product_.right].name;
    Kernel copied = kernel_;
    apply_schedule(copied, schedule_, {});
    const size_t first = copied.loops.size();
    add({DirectiveKind::pack_, {at}, {}, 0, operand});
    copied = kernel_;
    apply_schedule(copied, schedule_, {});
    add({DirectiveKind::vectorize_, {copied.loops.back()}, {}, lanes});
    if (!product_.right_guarded) return;
    int64_t turns = 1;
    for (size_t loop = copied.loops.size(); loop-- > first;) {
      const int64_t of_loop = most_turns(copied, static_cast<LoopId>(loop));
      turns *= turns == 1 ? (of_loop + lanes - 1) / lanes : of_loop;
      if (turns > kUnrolledCopies) return;
      add({DirectiveKind::unroll_, {copied.loops[loop]}});
    }
  }

  const Kernel& kernel_;
  const Product& product_;
  ir::Schedule schedule_;
};

}  // namespace

std::optional<Product> find_product(const Kernel& kernel) { return Finder(kernel).run(); }

ir::Schedule choose_product(const Kernel& kernel, const Machine& machine, Mode) {
  const std::optional<Product> product = find_product(kernel);
  if (!product) return {};
  return Writer(kernel, *product).run(machine);
}

}  // namespace tenon::opt::loops
