// What a nest multiplies (product.h).
#include "opt/loops/product.h"

#include <algorithm>

#include "opt/loops/access.h"

namespace tenon::opt::loops {
namespace {

using runtime::ScalarOp;

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

/// How many turns of `lanes` a panel has, if that is how the read goes by it: %p[j / 32, …, j % 32], with 32
/// elements along the last axis (opt/tensor/prepack.cpp).
std::optional<int64_t> panel_of(const Kernel& kernel, const Read& read, LoopId lanes) {
  const int64_t turns = kernel.buffers[read.buffer].type.shape.back();
  const auto divides = [&](const ExprPtr& subscript, ScalarOp op) {
    const auto* apply = std::get_if<Apply>(&subscript->node);
    if (apply == nullptr || apply->op != op || constant_of(apply->args[1]) != turns) return false;
    const auto* variable = std::get_if<Loop>(&apply->args[0]->node);
    return variable != nullptr && variable->loop == lanes;
  };
  const bool in_panels = divides(read.subscripts.front(), ScalarOp::div) && divides(read.subscripts.back(), ScalarOp::mod);
  for (size_t axis = 1; in_panels && axis + 1 < read.subscripts.size(); ++axis)
    if (mentions_loop(read.subscripts[axis], lanes)) return {};
  return in_panels ? std::optional(turns) : std::nullopt;
}

class Finder {
 public:
  explicit Finder(const Kernel& kernel) : kernel_(kernel) {}

  std::vector<Product> run() {
    if (!find_step()) return {};
    std::vector<Product> found, apart;
    for (size_t i = 0; i < rank_; ++i)
      if (const std::optional<Product> product = describe(*loops_[i]))
        (product->lanes_apart ? apart : found).push_back(*product);
    if (found.size() > 1) found.erase(found.begin(), found.end() - 1);
    if (!found.empty()) found.insert(found.end(), apart.begin(), apart.end());
    return found;
  }

 private:
  bool find_step();
  std::optional<Product> describe(const For& lanes) const;
  const For* rows_of(const For& lanes, int right) const;
  bool add_right(Product& product, const ExprPtr& right) const;
  CopiedPanel copied_panel(const Read& right, const Product& product) const;
  bool is_in(int operand, const For& loop) const { return in_[operand].contains(loop.loop); }

  const Kernel& kernel_;
  const SetLocal* step_ = nullptr;
  const Store* store_ = nullptr;
  std::vector<const For*> loops_;  ///< around the step, of which the first `rank_` are not summed over
  size_t rank_ = 0;
  std::set<LoopId> in_[2];         ///< by operand: the loops that it depends on
  std::optional<Strides> stored_;
};

bool Finder::find_step() {
  std::map<LocalId, size_t> declared;  // how many loops are around a declaration
  for (const Site& site : sites_of(kernel_.body)) {
    if (const auto* set = std::get_if<SetLocal>(&site.stmt->node)) {
      if (set->declares) declared.emplace(set->local, site.loops.size());
      if (multiply_add(*set) == nullptr) continue;
      if (step_ != nullptr) return false;  // several
      step_ = set, loops_ = site.loops;
    }
    if (const auto* store = std::get_if<Store>(&site.stmt->node)) store_ = store;
  }
  if (step_ == nullptr || store_ == nullptr || !declared.contains(step_->local)) return false;
  rank_ = declared.at(step_->local);
  for (int side = 0; side < 2; ++side) in_[side] = loops_in(kernel_, multiply_add(*step_)->args[side]);
  stored_ = strides_of(kernel_.buffers[store_->buffer].type.shape, store_->subscripts);
  return stored_ && std::ranges::all_of(loops_, [](const For* loop) { return turns_of(*loop).value_or(0) > 0; });
}

/// The other loop of the tile: one that only the other operand depends on, so that the right one is read
/// again for each of its turns.
const For* Finder::rows_of(const For& lanes, int right) const {
  const For* rows = nullptr;
  for (size_t i = 0; i < rank_; ++i) {
    const For& loop = *loops_[i];
    if (&loop == &lanes || is_in(right, loop) || !is_in(1 - right, loop) || *turns_of(loop) == 1) continue;
    if (rows == nullptr || *turns_of(loop) >= *turns_of(*rows)) rows = &loop;
  }
  return rows;
}

std::optional<Product> Finder::describe(const For& lanes) const {
  if (is_in(0, lanes) == is_in(1, lanes)) return {};
  const int right = is_in(1, lanes) ? 1 : 0;
  const For* rows = rows_of(lanes, right);
  if (rows == nullptr) return {};
  Product product;
  product.element_bytes = static_cast<int64_t>(runtime::row(kernel_.locals[step_->local].dtype).bytes);
  const auto stride = stored_->find(lanes.loop);
  product.lanes_apart = stride == stored_->end() || stride->second != 1;
  product.lanes = lanes.loop, product.lane_turns = *turns_of(lanes);
  product.rows = rows->loop, product.row_turns = *turns_of(*rows);
  for (size_t i = 0; i < loops_.size(); ++i) {
    const For& loop = *loops_[i];
    const auto turns = static_cast<double>(*turns_of(loop));
    product.work *= turns;
    if (is_in(right, loop)) product.right_elements *= turns;
    if (i >= rank_) {
      product.summed.push_back(loop.loop);
      product.summed_turns *= turns;
      continue;
    }
    product.result_elements *= turns;
    if (&loop == &lanes || &loop == rows) continue;
    product.outside.push_back(loop.loop);
    product.outside_turns *= turns;
    if (is_in(right, loop)) product.right_outside.push_back(loop.loop);
  }
  const Apply& factors = *multiply_add(*step_);
  if (!add_right(product, factors.args[right])) return {};
  if (const auto* left = std::get_if<Read>(&factors.args[1 - right]->node))
    product.left = left->buffer, product.left_guarded = left->guard != nullptr;
  if (product.left)
    for (const int64_t extent : kernel_.buffers[*product.left].type.shape)
      product.left_elements *= static_cast<double>(extent);
  // A margin is asked for in a copy; what is computed is not copied.
  if (product.lanes_apart && !product.left) return {};
  return product;
}

/// Loops that step through one subscript together reach what lies between their first turns and their last.
CopiedPanel Finder::copied_panel(const Read& right, const Product& product) const {
  CopiedPanel panel;
  for (const ExprPtr& subscript : right.subscripts) {
    const std::optional<LinearForm> form = linear_form(subscript);
    if (!form) continue;
    double reach = 0;
    for (size_t i = rank_; i < loops_.size(); ++i)
      reach += static_cast<double>(form->factor(loops_[i]->loop)) * static_cast<double>(*turns_of(*loops_[i]) - 1);
    const int64_t step = form->factor(product.lanes);
    if (step != 0) panel.margin = reach, panel.step = step;
    else panel.rows *= reach + 1;
  }
  return panel;
}

/// How the operand that is read by vectors lies in memory.
bool Finder::add_right(Product& product, const ExprPtr& right) const {
  const std::vector<Access> reads = reads_of(kernel_, right);
  const auto* only = std::get_if<Read>(&right->node);
  product.right_is_buffer = only != nullptr;
  product.right_guarded = only != nullptr && only->guard != nullptr;
  if (only != nullptr) product.panel = panel_of(kernel_, *only, product.lanes).value_or(0);
  if (only != nullptr) product.copied = copied_panel(*only, product);
  for (const Access& read : reads) {
    if (!read.strides) return false;
    const auto lanes = read.strides->find(product.lanes);
    if (lanes == read.strides->end()) continue;
    const auto summed = read.strides->find(product.summed.back());
    product.right = read.buffer, product.right_stride = product.panel > 0 ? 1 : lanes->second;
    product.right_is_packed = product.panel > 0;
    if (summed != read.strides->end())
      product.row_bytes = std::abs(summed->second) * product.element_bytes;
    if ((lanes->second != 1 || product.lanes_apart) && !product.right_is_buffer) return false;
  }
  return product.right_stride != 0;
}

}  // namespace

std::vector<Product> find_products(const Kernel& kernel) { return Finder(kernel).run(); }

std::optional<Product> find_product(const Kernel& kernel) {
  const std::vector<Product> products = find_products(kernel);
  return products.empty() ? std::nullopt : std::optional(products[0]);
}

}  // namespace tenon::opt::loops
