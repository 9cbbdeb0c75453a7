// Products with several summed indices on a GPU, of which a convolution is one: implicit products, whose right
// operand is never written out as a matrix. A block takes a tile of the result, over one index of the left
// operand (channels) and one or two of the right one (the rows and columns of an image); its threads hold the
// tile in registers, and what a few turns of the outermost summed index read of both operands is in shared
// memory. A window there lies over its neighbours: each element is copied once for all of them.
//
//     for blocks of channels o, rows y and columns x
//       for co: shared %x[channels, rows + window, columns + window], %w[o, channels, window]
//         threads ot, yt, xt
//           for ci, window: for ir, yr: tile[ir, yr] += %w[ot, ir, …] * %x[yt, yr, xt, …]
//
// Neighbouring threads have neighbouring columns: so they read neighbouring words of shared memory, and store
// neighbouring elements. (Chetlur et al., "cuDNN: efficient primitives for deep learning", 2014.)
#include <algorithm>

#include "opt/loops/access.h"
#include "opt/loops/product.h"

namespace tenon::opt::loops {
namespace {

using ir::DirectiveKind;

constexpr int64_t kWarp = 32;
constexpr int64_t kFewestThreads = 64, kMostThreads = 256;  ///< of a block
constexpr int64_t kFewBlocks = 128;       ///< fewer leave a GPU idle
constexpr int64_t kAccumulators = 64;     ///< that a thread has registers for
constexpr int64_t kSharedBytes = 32 << 10;  ///< with room for rows to be lengthened
constexpr int64_t kMostSteps = 8;         ///< of the outermost summed index, in shared memory
constexpr int64_t kMostWritten = 1024;    ///< multiply-adds that are written out
constexpr double kCopy = 20;              ///< instructions for an element that is copied
constexpr int64_t kSector = 8;            ///< elements that are stored together

/// How many turns of a loop a block takes: `threads` of its threads, `registers` for each.
struct Cut {
  int64_t threads = 1, registers = 1;
  int64_t turns() const { return threads * registers; }
};
struct WindowTile {
  Cut channels, rows, columns;
  int64_t threads() const { return channels.threads * rows.threads * columns.threads; }
};

class Windows {
 public:
  Windows(const Kernel& kernel, const Product& product) : kernel_(kernel), product_(product) {
    for_each_stmt(kernel.body, [&](const Stmt& stmt) {
      if (const auto* loop = std::get_if<For>(&stmt.node)) turns_[loop->loop] = turns_of(*loop).value_or(0);
    });
    for_each_node(kernel.body, [&](const ExprPtr& e) {
      const auto* read = std::get_if<Read>(&e->node);
      if (read != nullptr && read->buffer == product.right) right_ = read;
      if (read != nullptr && read->buffer == *product.left) left_ = read;
    });
    find_row_loop();
  }

  ir::Schedule run() {
    const std::optional<WindowTile> tile = choose_tile();
    const int64_t step = tile ? choose_step(*tile) : 0;
    if (step == 0) return {};
    return write(*tile, step);
  }

 private:
  int64_t turns(LoopId loop) const { return turns_.at(loop); }

  /// The innermost index outside of the tile that the right operand alone has: the rows of an image.
  void find_row_loop() {
    for (const LoopId loop : product_.outside)
      if (reads_at(*right_, loop) && !reads_at(*left_, loop) && turns(loop) > 1) rows_ = loop;
  }
  static bool reads_at(const Read& read, LoopId loop) {
    return std::ranges::any_of(read.subscripts, [&](const ExprPtr& s) { return mentions_loop(s, loop); });
  }

  int64_t window() const {
    int64_t all = 1;
    for (size_t i = 1; i < product_.summed.size(); ++i) all *= turns(product_.summed[i]);
    return all;
  }

  /// Elements of the right operand that a tile reads in one turn of the outermost summed index.
  int64_t patch(const WindowTile& tile) const {
    int64_t elements = 1;
    for (const ExprPtr& subscript : right_->subscripts) {
      const std::optional<LinearForm> form = linear_form(subscript);
      int64_t steps = 0;
      const auto add = [&](LoopId loop, int64_t turns) {
        if (form) steps += std::abs(form->factor(loop)) * (turns - 1);
      };
      add(product_.lanes, tile.columns.turns());
      if (rows_) add(*rows_, tile.rows.turns());
      for (size_t i = 1; i < product_.summed.size(); ++i) add(product_.summed[i], turns(product_.summed[i]));
      elements *= steps + 1;
    }
    return elements;
  }

  /// Which part of its instructions a tile multiplies and adds with, with idle lanes, idle multiprocessors
  /// and half-empty sectors counted.
  double worth(const WindowTile& tile) const {
    const auto registers = static_cast<double>(tile.channels.registers * tile.rows.registers);
    const auto added = static_cast<double>(tile.threads() * window()) * registers;
    const double loaded =
        added / registers * static_cast<double>(tile.channels.registers + tile.rows.registers);
    const auto copied = static_cast<double>(patch(tile) + tile.channels.turns() * window());
    const int64_t whole = (tile.threads() + kWarp - 1) / kWarp * kWarp;
    auto blocks = static_cast<double>(product_.row_turns / tile.channels.turns() *
                                      (product_.lane_turns / tile.columns.turns()));
    for (const LoopId loop : product_.outside)
      blocks *= static_cast<double>(turns(loop) / (loop == rows_ ? tile.rows.turns() : 1));
    const int64_t stored = tile.columns.turns(), sectors = (stored + kSector - 1) / kSector * kSector;
    const bool whole_rows = stored == product_.lane_turns;
    return added / (added + loaded + kCopy * copied) * static_cast<double>(tile.threads()) /
           static_cast<double>(whole) * std::min(1.0, blocks / kFewBlocks) *
           (whole_rows ? 1.0 : static_cast<double>(stored) / static_cast<double>(sectors));
  }

  std::optional<WindowTile> choose_tile() const {
    std::optional<WindowTile> best;
    const auto consider = [&](const WindowTile& tile) {
      if (tile.threads() < kFewestThreads || tile.threads() > kMostThreads ||
          tile.channels.registers * tile.rows.registers > kAccumulators)
        return;
      if (!best || worth(tile) > worth(*best)) best = tile;
    };
    const std::vector<Cut> columns = cuts(product_.lane_turns, kWarp, 1);
    const std::vector<Cut> rows = rows_ ? cuts(turns(*rows_), 8, 8) : std::vector{Cut{}};
    for (const Cut& x : columns)
      for (const Cut& y : rows)
        for (const Cut& o : cuts(product_.row_turns, 16, 8)) consider({o, y, x});
    return best;
  }
  /// Every way to cut so many turns without a rest.
  static std::vector<Cut> cuts(int64_t turns, int64_t threads, int64_t registers) {
    std::vector<Cut> all;
    for (int64_t t = 1; t <= threads; ++t)
      for (int64_t r = 1; r <= registers; ++r)
        if (turns % (t * r) == 0) all.push_back({t, r});
    return all;
  }

  /// Turns of the outermost summed index whose operands fit shared memory.
  int64_t choose_step(const WindowTile& tile) const {
    if (window() * tile.channels.registers * tile.rows.registers > kMostWritten) return 0;
    const int64_t bytes = (patch(tile) + tile.channels.turns() * window()) * product_.element_bytes;
    for (int64_t step = kMostSteps; step >= 1; --step)
      if (turns(product_.summed[0]) % step == 0 && step * bytes <= kSharedBytes) return step;
    return 0;
  }

  ir::Schedule write(const WindowTile& tile, int64_t step);
  void cut(LoopId loop, const Cut& cut, bool registers);
  void add(Directive directive) { schedule_.push_back(std::move(directive)); }
  std::string fresh(const std::string& hint) { return names_.fresh(hint); }

  const Kernel& kernel_;
  const Product& product_;
  std::map<LoopId, int64_t> turns_;
  const Read *right_ = nullptr, *left_ = nullptr;
  std::optional<LoopId> rows_;
  ir::Schedule schedule_;
  FreshNames names_{kernel_};
  std::vector<std::string> blocks_, threads_, registers_;
};

/// Splits a loop into blocks, threads and, where a thread has several turns, registers.
void Windows::cut(LoopId loop, const Cut& cut, bool registers) {
  const std::string name = kernel_.loops[loop], outer = fresh(name + "o"), inner = fresh(name + "t");
  blocks_.push_back(outer);
  if (!registers) {
    add({DirectiveKind::split_, {name}, {outer, inner}, cut.threads});
    threads_.push_back(inner);
    return;
  }
  const std::string both = fresh(name + "1"), each = fresh(name + "r");
  add({DirectiveKind::split_, {name}, {outer, both}, cut.turns()});
  add({DirectiveKind::split_, {both}, {inner, each}, cut.registers});
  threads_.push_back(inner);
  registers_.push_back(each);
}

ir::Schedule Windows::write(const WindowTile& tile, int64_t step) {
  for (const LoopId loop : product_.outside)
    if (loop != rows_) blocks_.push_back(kernel_.loops[loop]);
  cut(product_.rows, tile.channels, true);
  if (rows_) cut(*rows_, tile.rows, true);
  cut(product_.lanes, tile.columns, false);
  const std::string k = kernel_.loops[product_.summed[0]], ko = fresh(k + "o"), ki = fresh(k + "i");
  add({DirectiveKind::split_, {k}, {ko, ki}, step});

  Directive order{DirectiveKind::order_, blocks_};
  order.loops.push_back(ko);
  order.loops.insert(order.loops.end(), threads_.begin(), threads_.end());
  order.loops.push_back(ki);
  std::vector<std::string> written;
  for (size_t i = 1; i < product_.summed.size(); ++i) written.push_back(kernel_.loops[product_.summed[i]]);
  written.insert(written.end(), registers_.begin(), registers_.end());
  order.loops.insert(order.loops.end(), written.begin(), written.end());
  add(std::move(order));
  for (const std::string& loop : threads_) add({DirectiveKind::thread_, {loop}});
  for (const std::string& loop : written) add({DirectiveKind::unroll_, {loop}});
  add({DirectiveKind::shared_, {ko}, {}, 0, kernel_.buffers[*product_.left].name});
  add({DirectiveKind::shared_, {ko}, {}, 0, kernel_.buffers[product_.right].name});
  std::string place = blocks_[0];
  for (size_t i = 1; i < blocks_.size(); ++i) {
    const std::string both = fresh(place + blocks_[i]);
    add({DirectiveKind::fuse_, {place, blocks_[i]}, {both}});
    place = both;
  }
  add({DirectiveKind::block_, {place}});
  return std::move(schedule_);
}

}  // namespace

ir::Schedule choose_windows(const Kernel& kernel) {
  const std::optional<Product> product = find_product(kernel);
  if (!product || product->summed.size() < 2 || !product->right_is_buffer || !product->left ||
      product->right == *product->left || product->element_bytes < 4 || kernel.may_fail)
    return {};
  return Windows(kernel, *product).run();
}

}  // namespace tenon::opt::loops
