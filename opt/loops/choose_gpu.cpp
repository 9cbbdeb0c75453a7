// The schedule of a kernel on a GPU, of the first kind that fits:
//
//   matrices  products of f16 and bf16, by matrix units (choose_matrix.cpp)
//   products  a block for a tile of the result, which its threads hold in registers; the operands of a few
//             turns of the summed index at a time in shared memory, copied while the turns before compute
//   windows   convolutions, as products that are not written out (choose_windows.cpp)
//   rows      what is reduced lies side by side in memory, as in a softmax: a block for a row, its threads
//             side by side in it; or a warp for a row, where rows are short
//   elements  everything else: the elements of the result are numbered in row-major order and handed out to
//             threads, neighbours to neighbouring threads, so that the loads and stores of a warp fall into
//             as few sectors of memory as they can; a few of them to each thread, where it can load and
//             store these at once
#include <algorithm>

#include "ir/loops_launch.h"
#include "opt/loops/access.h"
#include "opt/loops/product.h"
#include "opt/loops/shared_memory.h"

namespace tenon::opt::loops {
namespace {

using ir::DirectiveKind;

constexpr int64_t kThreads = 256;       ///< of a block: enough warps to hide a wait, few enough to fit
constexpr int64_t kLongRow = 1024;      ///< elements that are worth a block of their own
constexpr int64_t kShortSum = 64;       ///< elements that one thread may add up
constexpr int64_t kLoadBytes = 16;      ///< that a thread loads at once
constexpr int64_t kMostLanes = 8;
/// Elements from which on there are threads enough if each takes several.
constexpr int64_t kManyElements = 1 << 15;

bool is_free(const For& loop) { return turns_of(loop) && changed_by(loop.body).empty(); }

/// The loop that stands alone in a block; null if none does.
const For* only_loop(const Block& block) {
  return block.size() == 1 ? std::get_if<For>(&block[0].node) : nullptr;
}

bool has_loops(const Block& block) {
  bool found = false;
  for_each_stmt(block, [&](const Stmt& stmt) { found |= std::holds_alternative<For>(stmt.node); });
  return found;
}

class GpuChooser {
 public:
  GpuChooser(const Kernel& kernel, Mode mode) : kernel_(kernel), mode_(mode) {}

  ir::Schedule products();
  ir::Schedule windows() { return choose_windows(kernel_); }
  ir::Schedule rows();
  ir::Schedule elements();

 private:
  /// Free loops that stand in each other, the first of them in `block` among other statements.
  std::vector<const For*> free_chain(const Block& block) const;
  std::string fused(std::vector<std::string> names);
  bool reduces_in_rows(const Block& block) const;
  bool is_row(const For& loop) const;
  bool share_out(const Block& block, int64_t threads);
  int64_t longest(const Block& block) const;
  int64_t lanes_of(const For& loop) const;
  void add(Directive directive) { schedule_.push_back(std::move(directive)); }
  const std::string& name(const For& loop) const { return kernel_.loops[loop.loop]; }
  std::string fresh(const std::string& hint) { return names_.fresh(hint); }

  const Kernel& kernel_;
  const Mode mode_;
  ir::Schedule schedule_;
  FreshNames names_{kernel_};
};

std::vector<const For*> GpuChooser::free_chain(const Block& block) const {
  std::vector<const For*> chain;
  for (const Stmt& stmt : block) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop == nullptr || !is_free(*loop)) continue;
    for (; loop != nullptr && is_free(*loop) && turns_of(*loop) != 0;
         loop = loop_behind_declarations(loop->body))
      chain.push_back(loop);
    break;
  }
  return chain;
}

std::string GpuChooser::fused(std::vector<std::string> names) {
  std::string place = names[0];
  for (size_t i = 1; i < names.size(); ++i) {
    const std::string both = fresh(place + names[i]);
    add({DirectiveKind::fuse_, {place, names[i]}, {both}});
    place = both;
  }
  return place;
}

// ---- products

/// How a block's tile of the result is shared out: each thread has `row_tile` rows, and in each of
/// `columns / (threads along them * 4)` places 4 columns, which it loads and stores at once.
struct GpuTile {
  int64_t rows, columns, row_tile, column_tile;
  int64_t threads() const { return rows / row_tile * (columns / column_tile); }
};
constexpr GpuTile kTiles[] = {{128, 128, 8, 8}, {64, 64, 4, 4}, {32, 32, 1, 4}};
constexpr int64_t kColumnsAtOnce = 4;
constexpr int64_t kSummed[] = {16, 8, 4};  ///< turns of the summed index in shared memory
constexpr int64_t kFewBlocks = 64;         ///< fewer leave a GPU idle: a smaller tile gives more
constexpr int64_t kStages = 3;             ///< of copies: two on their way while one is used

/// The largest tile that divides the result and leaves blocks enough; the smallest that divides it, if
/// none does.
static std::optional<GpuTile> tile_for(const Product& product, int64_t outside) {
  std::optional<GpuTile> found;
  for (const GpuTile& tile : kTiles) {
    if (product.row_turns % tile.rows != 0 || product.lane_turns % tile.columns != 0) continue;
    found = tile;
    if (product.row_turns / tile.rows * (product.lane_turns / tile.columns) * outside >= kFewBlocks) break;
  }
  return found;
}

ir::Schedule GpuChooser::products() {
  const std::optional<Product> product = find_product(kernel_);
  if (!product || product->summed.size() != 1 || product->right_guarded || !product->right_is_buffer ||
      !product->left || product->element_bytes < 4)
    return {};
  int64_t outside = 1, summed = 0, step = 0;
  for_each_stmt(kernel_.body, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop == nullptr) return;
    if (std::ranges::count(product->outside, loop->loop) != 0) outside *= turns_of(*loop).value_or(1);
    if (loop->loop == product->summed[0]) summed = turns_of(*loop).value_or(0);
  });
  for (const int64_t turns : kSummed)
    if (step == 0 && summed % turns == 0) step = turns;
  const std::optional<GpuTile> tile = tile_for(*product, outside);
  if (!tile || step == 0) return {};

  const std::string i = kernel_.loops[product->rows], j = kernel_.loops[product->lanes],
                    k = kernel_.loops[product->summed[0]];
  const std::string io = fresh(i + "o"), i1 = fresh(i + "1"), it = fresh(i + "t"), ir = fresh(i + "r"),
                    jo = fresh(j + "o"), j1 = fresh(j + "1"), j2 = fresh(j + "2"), jt = fresh(j + "t"),
                    jc = fresh(j + "c"), jr = fresh(j + "r"), ko = fresh(k + "o"), ki = fresh(k + "i");
  add({DirectiveKind::split_, {i}, {io, i1}, tile->rows});
  add({DirectiveKind::split_, {i1}, {it, ir}, tile->row_tile});
  add({DirectiveKind::split_, {j}, {jo, j1}, tile->columns});
  add({DirectiveKind::split_, {j1}, {jc, j2}, tile->columns / tile->column_tile * kColumnsAtOnce});
  add({DirectiveKind::split_, {j2}, {jt, jr}, kColumnsAtOnce});
  add({DirectiveKind::split_, {k}, {ko, ki}, step});
  Directive order{DirectiveKind::order_};
  for (const LoopId loop : product->outside) order.loops.push_back(kernel_.loops[loop]);
  order.loops.insert(order.loops.end(), {io, jo});
  const std::vector<std::string> blocks = order.loops;
  order.loops.insert(order.loops.end(), {ko, it, jt, ki, ir, jc, jr});
  add(std::move(order));
  for (const std::string& loop : blocks) add({DirectiveKind::block_, {loop}});
  for (const std::string& loop : {it, jt}) add({DirectiveKind::thread_, {loop}});
  for (const std::string& loop : {ki, ir, jc, jr}) add({DirectiveKind::unroll_, {loop}});
  for (const BufferId operand : {*product->left, product->right})
    add({DirectiveKind::shared_, {ko}, {}, 0, kernel_.buffers[operand].name});
  add_pipeline(schedule_, kernel_, mode_, kStages);
  return std::move(schedule_);
}

// ---- rows

/// The innermost loop of those that stand alone in each other.
const For& innermost(const For& loop) {
  const For* inner = &loop;
  for (const For* next = only_loop(loop.body); next != nullptr; next = only_loop(next->body)) inner = next;
  return *inner;
}

int64_t turns_in_all(const For& loop) {
  int64_t turns = turns_of(loop).value_or(1);
  for (const For* next = only_loop(loop.body); next != nullptr; next = only_loop(next->body))
    if (__builtin_mul_overflow(turns, turns_of(*next).value_or(1), &turns)) return INT64_MAX;
  return turns;
}

/// Whether the threads of a block can share a loop: its turns are free, or take steps; and what it reads
/// and writes lies side by side, or stays.
bool GpuChooser::is_row(const For& loop) const {
  const For& inner = innermost(loop);
  if (!turns_of(loop) || has_loops(inner.body)) return false;
  for (const LocalId local : changed_by(loop.body))
    if (!kernel_.locals[local].is_scalar() || !steps_of(kernel_, loop.body, local, mode_)) return false;
  bool side_by_side = true;
  for (const Stmt& stmt : inner.body)
    for_each_expr(stmt, [&](const ExprPtr& e) {
      if (e == nullptr) return;
      for (const Access& read : reads_of(kernel_, e)) {
        const auto step = read.strides ? read.strides->find(inner.loop) : Strides::const_iterator{};
        side_by_side &= read.strides && (step == read.strides->end() || step->second == 1);
      }
    });
  return side_by_side;
}

bool GpuChooser::reduces_in_rows(const Block& block) const {
  bool reduces = false;
  for (const Stmt& stmt : block) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop == nullptr) continue;
    if (!is_row(*loop)) return false;
    reduces |= !changed_by(loop->body).empty() && turns_in_all(*loop) > kShortSum;
  }
  return reduces;
}

int64_t GpuChooser::longest(const Block& block) const {
  int64_t most = 1;
  for (const Stmt& stmt : block)
    if (const auto* loop = std::get_if<For>(&stmt.node)) most = std::max(most, turns_in_all(*loop));
  return most;
}

bool GpuChooser::share_out(const Block& block, int64_t threads) {
  for (const Stmt& stmt : block) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop == nullptr) continue;
    std::vector<std::string> names;
    for (const For* each = loop; each != nullptr; each = only_loop(each->body)) names.push_back(name(*each));
    add({DirectiveKind::thread_, {fused(std::move(names))}, {}, threads});
  }
  return true;
}

ir::Schedule GpuChooser::rows() {
  if (kernel_.may_fail) return {};
  const std::vector<const For*> chain = free_chain(kernel_.body);
  // What is reduced before all elements is reduced once, by one block, which then does the rest.
  if (reduces_in_rows(kernel_.body)) {
    share_out(kernel_.body, longest(kernel_.body) > kLongRow ? kMostThreads : kThreads);
    return std::move(schedule_);
  }
  size_t depth = chain.size();
  while (depth > 0 && !reduces_in_rows(chain[depth - 1]->body)) --depth;
  if (depth == 0 || loop_behind_declarations(kernel_.body) == nullptr) return {};
  const Block& row = chain[depth - 1]->body;
  const bool is_long = longest(row) > kLongRow;
  std::vector<std::string> names;
  for (size_t i = 0; i < depth; ++i) names.push_back(name(*chain[i]));
  const std::string place = fused(std::move(names));
  share_out(row, is_long ? kThreads : kWarp);
  if (!is_long) add({DirectiveKind::thread_, {place}, {}, kThreads / kWarp});
  add({DirectiveKind::block_, {place}});
  return std::move(schedule_);
}

// ---- elements

/// How many neighbouring turns a thread may take at once: 1 if they cannot be lanes.
int64_t GpuChooser::lanes_of(const For& loop) const {
  if (has_loops(loop.body) || kernel_.may_fail) return 1;
  int64_t bytes = 1, all = 1;
  bool fits = true;
  const auto look = [&](BufferId buffer, const std::optional<Strides>& strides, bool may_stay) {
    const auto step = strides ? strides->find(loop.loop) : Strides::const_iterator{};
    const bool stays = strides && step == strides->end();
    fits = fits && strides && (stays ? may_stay : step->second == 1);
    bytes = std::max(bytes, static_cast<int64_t>(runtime::row(kernel_.buffers[buffer].type.dtype).bytes));
  };
  for (const Stmt& stmt : loop.body) {
    const auto* set = std::get_if<SetLocal>(&stmt.node);
    const auto* store = std::get_if<Store>(&stmt.node);
    fits = fits && ((set != nullptr && set->declares) || store != nullptr);
    for_each_expr(stmt, [&](const ExprPtr& e) {
      if (e == nullptr) return;
      for (const Access& read : reads_of(kernel_, e)) look(read.buffer, read.strides, true);
    });
    if (store != nullptr)
      look(store->buffer, strides_of(kernel_.buffers[store->buffer].type.shape, store->subscripts), false);
  }
  for_each_node(loop.body, [&](const ExprPtr& e) {
    const auto* read = std::get_if<Read>(&e->node);
    fits = fits && (read == nullptr || read->guard == nullptr);
  });
  for (const int64_t extent : kernel_.buffers.back().type.shape) all *= extent;  // it is in memory
  if (!fits || all < kManyElements) return 1;
  int64_t lanes = std::min(kLoadBytes / bytes, kMostLanes);
  while (lanes > 1 && *turns_of(loop) % lanes != 0) lanes /= 2;
  return lanes;
}

ir::Schedule GpuChooser::elements() {
  const std::vector<const For*> chain = free_chain(kernel_.body);
  if (chain.empty()) return {};
  std::vector<std::string> names;
  for (const For* loop : chain) names.push_back(name(*loop));
  const int64_t lanes = lanes_of(*chain.back());
  if (lanes > 1) {
    const std::string outer = fresh(names.back() + "o"), lane = fresh(names.back() + "v");
    add({DirectiveKind::split_, {names.back()}, {outer, lane}, lanes});
    add({DirectiveKind::vectorize_, {lane}});
    names.back() = outer;
  }
  const std::string place = fused(std::move(names));
  add({DirectiveKind::thread_, {place}, {}, kThreads});
  add({DirectiveKind::block_, {place}});
  return std::move(schedule_);
}

}  // namespace

// ---- copies that run ahead

void add_pipeline(ir::Schedule& schedule, const Kernel& kernel, Mode mode, int64_t most_stages) {
  constexpr int kCopiesAlone = 80;  // capability from which on copies go past the registers
  const auto copy = std::ranges::find(schedule, DirectiveKind::shared_, &Directive::kind);
  if (mode.capability < kCopiesAlone || copy == schedule.end()) return;
  Kernel copied = kernel;
  apply_schedule(copied, schedule, mode);
  const std::string at = copy->loops[0];
  std::optional<int64_t> turns;
  for_each_loop(copied.body, find_loop(copied, at), [&](const For& loop) { turns = turns_of(loop); });
  const int64_t fit = most_shared_bytes(mode) / std::max<int64_t>(shared_memory(copied).bytes, 1);
  const int64_t stages = std::min({most_stages, turns.value_or(0), fit});
  if (stages > 1) schedule.push_back({DirectiveKind::pipeline_, {at}, {}, stages});
}

Scheduled choose_gpu(Kernel kernel, Mode mode) {
  mode.gpu = true;
  const auto by = [&](ir::Schedule (GpuChooser::*kind)()) { return (GpuChooser(kernel, mode).*kind)(); };
  const auto by_units = [&](const Kernel& nest) { return choose_matrix(nest, mode); };
  const auto by_threads = [&](const Kernel& nest) { return GpuChooser(nest, mode).products(); };
  const Kind kinds[] = {{"a product in a branch by matrix units",
                         [&] { return choose_speculated(kernel, mode, by_units); }},
                        {"a product in a branch", [&] { return choose_speculated(kernel, mode, by_threads); }},
                        {"a product by matrix units", [&] { return by_units(kernel); }},
                        {"a product", [&] { return by_threads(kernel); }},
                        {"windows", [&] { return by(&GpuChooser::windows); }},
                        {"rows", [&] { return by(&GpuChooser::rows); }},
                        {"elements", [&] { return by(&GpuChooser::elements); }}};
  return first_allowed(kernel, kinds, mode);
}

}  // namespace tenon::opt::loops
