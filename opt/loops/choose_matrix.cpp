// Products of f16 and bf16 on a GPU, and of f32 where --tf32 says so: by matrix units. A block takes a tile of
// the result, each of its warps a part of it in registers, 16 by 16 elements at a time; what the summed index
// reads in a few turns lies in shared memory, copied while the turns before compute.
//
//     for blocks io, jo
//       for ko: shared %a[rows, step], %b[step, columns]
//         warps iw, jw
//           for kk: for im, jm: tile[im, jm] += %a[iw, im, kk] * %b[kk, jw, jm]     by matrix units
//
// The order of it is CUTLASS's (NVIDIA, 2017): block, warp, instruction.
#include <algorithm>

#include "opt/loops/access.h"
#include "opt/loops/matrix.h"
#include "opt/loops/product.h"
#include "opt/loops/shared_memory.h"

namespace tenon::opt::loops {
namespace {

using ir::DirectiveKind;
using runtime::DType;
using runtime::ScalarOp;

/// What a block takes of the result, and how its warps lie in that. The largest is for GPUs whose blocks may share
/// 96 KiB. With it a multiprocessor reads a quarter less than with the next, but has one block only: so more copies
/// run ahead, for no other block computes while it waits.
struct MatrixTile {
  int64_t rows, columns, warps_down, warps_across;
  int64_t stages;  ///< turns that are copied and computed at once
  int64_t blocks;  ///< fewer leave a GPU idle: a smaller tile gives more
};
constexpr MatrixTile kTiles[] = {
    {128, 256, 2, 4, 4, 128}, {128, 128, 2, 2, 3, 64}, {64, 64, 2, 2, 3, 64}, {32, 32, 2, 2, 3, 64}};
constexpr int64_t kStepBytes[] = {64, 32};  ///< of a row of the left operand in shared memory

/// What is multiplied, each read once, and over which loops.
struct Contraction {
  const Read *left = nullptr, *right = nullptr;
  LoopId rows = 0, columns = 0;
  int64_t row_turns = 0, column_turns = 0;
  std::vector<LoopId> outside, summed;
};

const Read* read_of(const ExprPtr& operand) {
  const auto* convert = std::get_if<Convert>(&operand->node);
  return std::get_if<Read>(&(convert != nullptr ? convert->operand : operand)->node);
}

/// The operands of the one step a = a + x * y that a nest has; empty if it has none, or several.
std::optional<Site> only_step(const Kernel& kernel, Contraction& found) {
  std::optional<Site> step;
  for (const Site& site : sites_of(kernel.body)) {
    const auto* set = std::get_if<SetLocal>(&site.stmt->node);
    const auto* sum = set == nullptr || set->declares || set->value == nullptr
                          ? nullptr
                          : std::get_if<Apply>(&set->value->node);
    if (sum == nullptr) continue;
    const auto* factors = sum->op == ScalarOp::add ? std::get_if<Apply>(&sum->args[1]->node) : nullptr;
    if (step || factors == nullptr || factors->op != ScalarOp::mul) return {};
    found.left = read_of(factors->args[0]), found.right = read_of(factors->args[1]);
    step = site;
  }
  return step;
}

/// The columns are those along which the result lies side by side; the rows the longest loop that the other
/// operand has alone.
std::optional<Contraction> contraction(const Kernel& kernel) {
  Contraction found;
  const std::optional<Site> step = only_step(kernel, found);
  if (!step || found.left == nullptr || found.right == nullptr || found.left->guard != nullptr ||
      found.right->guard != nullptr)
    return {};
  std::optional<Strides> stored;
  for (const Site& site : sites_of(kernel.body))
    if (const auto* store = std::get_if<Store>(&site.stmt->node))
      stored = strides_of(kernel.buffers[store->buffer].type.shape, store->subscripts);
  if (!stored) return {};
  const auto sees = [](const Read* read, LoopId loop) {
    return std::ranges::any_of(read->subscripts, [&](const ExprPtr& s) { return mentions_loop(s, loop); });
  };
  for (const For* loop : step->loops) {
    const auto stride = stored->find(loop->loop);
    if (!turns_of(*loop)) return {};
    if (stride == stored->end() || stride->second != 1 || sees(found.left, loop->loop) == sees(found.right, loop->loop))
      continue;
    if (sees(found.left, loop->loop)) std::swap(found.left, found.right);
    found.columns = loop->loop, found.column_turns = *turns_of(*loop);
  }
  if (found.column_turns == 0) return {};
  for (const For* loop : step->loops)
    if (sees(found.left, loop->loop) && !sees(found.right, loop->loop) && *turns_of(*loop) > found.row_turns)
      found.rows = loop->loop, found.row_turns = *turns_of(*loop);
  for (const For* loop : step->loops) {
    if (loop->loop == found.rows || loop->loop == found.columns) continue;
    (stored->contains(loop->loop) ? found.outside : found.summed).push_back(loop->loop);
  }
  return found.row_turns != 0 && found.summed.size() == 1 ? std::optional(found) : std::nullopt;
}

class Matrices {
 public:
  Matrices(const Kernel& kernel, const Contraction& product) : kernel_(kernel), product_(product) {
    for_each_stmt(kernel.body, [&](const Stmt& stmt) {
      if (const auto* loop = std::get_if<For>(&stmt.node)) turns_[loop->loop] = turns_of(*loop).value_or(0);
    });
  }

  ir::Schedule run(Mode mode) {
    const DType element = kernel_.buffers[product_.left->buffer].type.dtype;
    if (matrix_unit(element, mode.capability) == nullptr || (element == DType::f32 && !mode.tf32)) return {};
    const int64_t step = step_for(element);
    const MatrixTile* tile = tile_for(step * runtime::row(element).bytes, mode);
    if (tile == nullptr || step == 0) return {};
    ir::Schedule schedule = write(*tile, step, element);
    add_pipeline(schedule, kernel_, mode, tile->stages);
    return schedule;
  }

 private:
  /// The largest tile that divides the result and leaves blocks enough; the smallest that divides it, if none does.
  const MatrixTile* tile_for(int64_t step_bytes, Mode mode) const {
    const MatrixTile* found = nullptr;
    for (const MatrixTile& tile : kTiles) {
      if (product_.row_turns % tile.rows != 0 || product_.column_turns % tile.columns != 0) continue;
      if (tile.stages * (tile.rows + tile.columns) * step_bytes > most_shared_bytes(mode)) continue;
      found = &tile;
      int64_t blocks = product_.row_turns / tile.rows * (product_.column_turns / tile.columns);
      for (const LoopId loop : product_.outside) blocks *= turns_.at(loop);
      if (blocks >= tile.blocks) break;
    }
    return found;
  }
  int64_t step_for(DType element) const {
    for (const int64_t bytes : kStepBytes) {
      const int64_t step = bytes / runtime::row(element).bytes;
      if (turns_.at(product_.summed[0]) % step == 0) return step;
    }
    return 0;
  }

  ir::Schedule write(const MatrixTile& tile, int64_t step, DType element) {
    const std::string i = kernel_.loops[product_.rows], j = kernel_.loops[product_.columns],
                      k = kernel_.loops[product_.summed[0]];
    const auto cut = [&](const std::string& name, std::vector<std::pair<std::string, int64_t>> parts) {
      std::string rest = name;
      for (size_t at = 0; at < parts.size(); ++at) {
        const bool last = at + 1 == parts.size();
        const std::string inner = last ? fresh(name + "i") : fresh(name + std::to_string(at + 1));
        add({DirectiveKind::split_, {rest}, {parts[at].first, inner}, parts[at].second});
        rest = inner;
      }
      return rest;
    };
    const std::string io = fresh(i + "o"), iw = fresh(i + "w"), im = fresh(i + "m"), jo = fresh(j + "o"),
                      jw = fresh(j + "w"), jm = fresh(j + "m"), ko = fresh(k + "o"), km = fresh(k + "m");
    const std::string ii = cut(i, {{io, tile.rows}, {iw, tile.rows / tile.warps_down}, {im, kMatrixRows}});
    const std::string ji = cut(j, {{jo, tile.columns}, {jw, tile.columns / tile.warps_across}, {jm, kMatrixColumns}});
    const std::string ki = cut(k, {{ko, step}, {km, matrix_summed(element)}});
    Directive order{DirectiveKind::order_};
    for (const LoopId loop : product_.outside)
      if (turns_.at(loop) > 1) order.loops.push_back(kernel_.loops[loop]);
    order.loops.insert(order.loops.end(), {io, jo});
    const std::vector<std::string> blocks = order.loops;
    order.loops.insert(order.loops.end(), {ko, iw, jw, km, im, jm, ii, ji, ki});
    add(std::move(order));
    for (const std::string& loop : blocks) add({DirectiveKind::block_, {loop}});
    for (const std::string& loop : {iw, jw}) add({DirectiveKind::thread_, {loop}});
    for (const std::string& loop : {km, im, jm}) add({DirectiveKind::unroll_, {loop}});
    add({DirectiveKind::mma_, {ii, ji, ki}});
    add({DirectiveKind::shared_, {ko}, {}, 0, kernel_.buffers[product_.left->buffer].name});
    add({DirectiveKind::shared_, {ko}, {}, 0, kernel_.buffers[product_.right->buffer].name});
    return std::move(schedule_);
  }

  void add(Directive directive) { schedule_.push_back(std::move(directive)); }
  std::string fresh(const std::string& hint) { return names_.fresh(hint); }

  const Kernel& kernel_;
  const Contraction& product_;
  std::map<LoopId, int64_t> turns_;
  ir::Schedule schedule_;
  FreshNames names_{kernel_};
};

}  // namespace

ir::Schedule choose_matrix(const Kernel& kernel, Mode mode) {
  if (mode.strict || kernel.may_fail) return {};
  const std::optional<Contraction> product = contraction(kernel);
  return product ? Matrices(kernel, *product).run(mode) : ir::Schedule{};
}

}  // namespace tenon::opt::loops
