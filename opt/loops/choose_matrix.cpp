// Products of f16 and bf16 on a GPU, and of f32 where --tf32 says so: by matrix units. A block takes a tile of
// the result, each of its four warps a quarter of it in registers, 16 by 16 elements at a time; what the
// summed index reads in a few turns lies in shared memory.
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

namespace tenon::opt::loops {
namespace {

using ir::DirectiveKind;
using runtime::DType;
using runtime::ScalarOp;

constexpr int64_t kWarpsAcross = 2;      ///< of a block, in rows and in columns
constexpr int64_t kTiles[] = {128, 64, 32};  ///< rows and columns of a block
constexpr int64_t kFewBlocks = 64;       ///< fewer leave a GPU idle: a smaller tile gives more
constexpr int64_t kStepBytes[] = {64, 32};   ///< of a row of the left operand in shared memory

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
  if (!step || found.left == nullptr || found.right == nullptr || found.left->buffer == found.right->buffer ||
      found.left->guard != nullptr || found.right->guard != nullptr)
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
    const std::optional<int64_t> side = tile();
    const int64_t step = step_for(element);
    if (!side || step == 0) return {};
    return write(*side, step, element);
  }

 private:
  std::optional<int64_t> tile() const {
    std::optional<int64_t> found;
    for (const int64_t turns : kTiles) {
      if (product_.row_turns % turns != 0 || product_.column_turns % turns != 0) continue;
      found = turns;
      int64_t blocks = product_.row_turns / turns * (product_.column_turns / turns);
      for (const LoopId loop : product_.outside) blocks *= turns_.at(loop);
      if (blocks >= kFewBlocks) break;
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

  ir::Schedule write(int64_t side, int64_t step, DType element) {
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
    const std::string ii = cut(i, {{io, side}, {iw, side / kWarpsAcross}, {im, kMatrixRows}});
    const std::string ji = cut(j, {{jo, side}, {jw, side / kWarpsAcross}, {jm, kMatrixColumns}});
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
