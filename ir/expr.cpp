// The arena of index expressions: interning, substitution, walks.
#include "ir/expr.h"

#include <algorithm>
#include <bit>
#include <map>
#include <ranges>

#include "ir/text.h"

namespace tenon::ir {
namespace {

/// Everything that tells two nodes apart; sizes and depths follow from the rest.
bool same_node(const Expr& a, const Expr& b) {
  return a.kind == b.kind && a.type == b.type && a.op == b.op && a.reduction == b.reduction &&
         a.level == b.level && a.value == b.value && a.callee == b.callee && a.place == b.place &&
         a.args == b.args && a.constant == b.constant && a.keeps_names == b.keeps_names &&
         (!a.keeps_names || a.names == b.names);
}

size_t hash_of(const Expr& node) {
  size_t hash = 0;
  auto mix = [&](uint64_t part) {
    hash = (hash ^ part) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  };
  mix(static_cast<uint64_t>(node.kind) << 24 | static_cast<uint64_t>(node.type) << 16 |
      static_cast<uint64_t>(node.op) << 8 | static_cast<uint64_t>(node.reduction));
  mix(uint64_t{node.level} << 32 | node.value.index);
  mix(uint64_t{node.place} << 32 | node.callee.index);
  if (node.kind == ExprKind::constant) {
    mix(runtime::is_floating(node.type) ? std::bit_cast<uint64_t>(node.constant.f)
                                        : static_cast<uint64_t>(node.constant.i));
  }
  for (const ExprId arg : node.args) mix(arg.index);
  return hash;
}

Expr node_of(ExprKind kind, DType type, std::vector<ExprId> args = {}) {
  Expr node{.kind = kind, .type = type, .constant = {}, .value = {}, .callee = {}, .args = {}};
  node.args = std::move(args);
  return node;
}

constexpr uint32_t kSaturated = 0xffffffff;

}  // namespace

std::optional<ExprId> Exprs::find(const Expr& node) const {
  const auto [first, last] = by_hash_.equal_range(hash_of(node));
  for (auto at = first; at != last; ++at)
    if (same_node(nodes_[at->second], node)) return ExprId{at->second};
  return std::nullopt;
}

ExprId Exprs::intern(Expr node) {
  if (const auto known = find(node)) {
    if (nodes_[known->index].names.empty()) nodes_[known->index].names = std::move(node.names);
    return *known;
  }
  uint64_t size = 1;
  node.depth = 1;
  for (const ExprId arg : node.args) {
    size += nodes_[arg.index].tree_size;
    node.depth = std::max(node.depth, nodes_[arg.index].depth + 1);
  }
  node.tree_size = static_cast<uint32_t>(std::min<uint64_t>(size, kSaturated));

  const ExprId id{static_cast<uint32_t>(nodes_.size())};
  by_hash_.emplace(hash_of(node), id.index);
  nodes_.push_back(std::move(node));
  return id;
}

ExprId Exprs::constant(Scalar value) {
  Expr node = node_of(ExprKind::constant, value.type);
  node.constant = value;
  return intern(std::move(node));
}

namespace {

Expr index_node(uint32_t level) {
  Expr node = node_of(ExprKind::index, DType::i64);
  node.level = level;
  return node;
}

}  // namespace

ExprId Exprs::index(uint32_t level) {
  return intern(index_node(level));
}
std::optional<ExprId> Exprs::find_index(uint32_t level) const {
  return find(index_node(level));
}

ExprId Exprs::value(ValueId scalar, DType type) {
  Expr node = node_of(ExprKind::value, type);
  node.value = scalar;
  return intern(std::move(node));
}

ExprId Exprs::read(ValueId tensor, DType type, std::vector<ExprId> subscripts) {
  Expr node = node_of(ExprKind::read, type, std::move(subscripts));
  node.value = tensor;
  return intern(std::move(node));
}

ExprId Exprs::apply(ScalarOp op, std::vector<ExprId> args) {
  // The last operand's type is that of all (of `select`, whose first is bool, too).
  const DType type = runtime::result_type(op, nodes_[args.back().index].type);
  Expr node = node_of(ExprKind::apply, type, std::move(args));
  node.op = op;
  return intern(std::move(node));
}

ExprId Exprs::convert(DType to, ExprId operand) {
  return intern(node_of(ExprKind::convert, to, {operand}));
}

ExprId Exprs::if_(ExprId condition, ExprId then, ExprId otherwise) {
  const DType type = nodes_[then.index].type;
  return intern(node_of(ExprKind::if_, type, {condition, then, otherwise}));
}

ExprId Exprs::reduce(Reduction reduction, uint32_t level, std::vector<ExprId> bounds, ExprId body,
                     std::vector<std::string> names) {
  const bool gives_index = reduction == Reduction::argmax || reduction == Reduction::argmin;
  const DType type = gives_index ? DType::i64 : nodes_[body.index].type;
  bounds.push_back(body);
  Expr node = node_of(ExprKind::reduce, type, std::move(bounds));
  node.reduction = reduction;
  node.level = level;
  node.names = std::move(names);
  return intern(std::move(node));
}

ExprId Exprs::call(FuncId callee, DType type, std::vector<ExprId> args) {
  Expr node = node_of(ExprKind::call, type, std::move(args));
  node.callee = callee;
  return intern(std::move(node));
}

ExprId Exprs::with_args(ExprId id, std::vector<ExprId> args) {
  if (args == nodes_[id.index].args) return id;
  Expr node = nodes_[id.index];
  node.args = std::move(args);
  return intern(std::move(node));
}

ExprId Exprs::with_value(ExprId id, ValueId value) {
  if (value == nodes_[id.index].value) return id;
  Expr node = nodes_[id.index];
  node.value = value;
  return intern(std::move(node));
}

ExprId Exprs::with_place(ExprId id, uint32_t place) {
  if (place == nodes_[id.index].place) return id;
  Expr node = nodes_[id.index];
  node.place = place;
  return intern(std::move(node));
}

ExprId Exprs::with_names(ExprId id, std::vector<std::string> names, bool keeps_names) {
  Expr node = nodes_[id.index];
  node.names = std::move(names);
  node.keeps_names = keeps_names;
  return intern(std::move(node));
}

ExprId with_kept_names(Exprs& exprs, ExprId body, bool keeps,
                       const std::function<void(ExprId before, ExprId now)>& renamed) {
  std::unordered_map<ExprId, ExprId> done;
  for_each_node(exprs, body, [&](ExprId id) {
    std::vector<ExprId> args = exprs[id].args;
    for (ExprId& arg : args) arg = done.at(arg);
    ExprId now = exprs.with_args(id, std::move(args));
    if (exprs[now].kind == ExprKind::reduce) {
      std::vector<std::string> names = exprs[now].names;
      names.resize(exprs[now].reduce_rank());
      for (size_t i = 0; keeps && i < names.size(); ++i)
        if (names[i].empty()) names[i] = index_name(exprs[now].level + static_cast<uint32_t>(i));
      now = exprs.with_names(now, std::move(names), keeps);
    }
    done.emplace(id, now);
    renamed(id, now);
  });
  return done.at(body);
}

namespace {

/// One substitution. A node's result depends on how many indices of `body`'s own reductions are
/// bound around it (`inner`), because reductions inside a replacement move up past those; so pairs
/// of both are remembered, and a shared graph stays one. The stack is explicit: replacing can be
/// asked for in expressions of any depth.
class Substitution {
 public:
  Substitution(Exprs& exprs, std::span<const ExprId> replacements, int shift)
      : exprs_(exprs), replacements_(replacements), shift_(shift) {}

  ExprId run(ExprId root) {
    std::vector<Place> stack = {{root, 0}};
    while (!stack.empty()) {
      const Place place = stack.back();
      const std::vector<ExprId> before = exprs_[place.id].args;
      std::vector<ExprId> after;
      for (size_t i = 0; i < before.size(); ++i) {
        const Place arg = {before[i], place.inner + inner_added(exprs_[place.id], i)};
        if (const auto found = done_.find(arg); found != done_.end()) {
          after.push_back(found->second);
        } else {
          stack.push_back(arg);
        }
      }
      if (after.size() < before.size()) continue;  // they come first
      done_.emplace(place, replace(place, std::move(after)));
      stack.pop_back();
    }
    return done_.at({root, 0});
  }

 private:
  struct Place {
    ExprId id;
    uint32_t inner;
    auto operator<=>(const Place&) const = default;
  };

  /// Indices that `node` binds around its argument number `i`: a reduction around its body.
  static uint32_t inner_added(const Expr& node, size_t i) {
    const bool is_body = node.kind == ExprKind::reduce && i + 1 == node.args.size();
    return is_body ? static_cast<uint32_t>(node.reduce_rank()) : 0;
  }

  ExprId replace(Place place, std::vector<ExprId> args) {
    const Expr& node = exprs_[place.id];
    const uint32_t bound = static_cast<uint32_t>(replacements_.size());
    if (node.kind == ExprKind::index) {
      if (node.level >= bound) return exprs_.index(node.level + shift_);
      return moved(replacements_[node.level], bound + shift_, place.inner);
    }
    if (node.kind == ExprKind::reduce) {
      Expr moved = node;
      moved.level += shift_;
      moved.args = std::move(args);
      return exprs_.adopt(std::move(moved));
    }
    return exprs_.with_args(place.id, std::move(args));
  }

  /// `replacement`, which stands under `outer` levels, with its own reductions moved up by `by`.
  ExprId moved(ExprId replacement, uint32_t outer, uint32_t by) {
    if (by == 0 || exprs_[replacement].args.empty()) return replacement;
    std::vector<ExprId> same;
    for (uint32_t level = 0; level < outer; ++level) same.push_back(exprs_.index(level));
    return Substitution(exprs_, same, static_cast<int>(by)).run(replacement);
  }

  Exprs& exprs_;
  std::span<const ExprId> replacements_;
  int shift_;
  std::map<Place, ExprId> done_;
};

}  // namespace

ExprId substitute(Exprs& exprs, ExprId body, std::span<const ExprId> replacements, int shift) {
  bool identity = shift == 0;
  for (uint32_t level = 0; level < replacements.size() && identity; ++level) {
    identity = replacements[level] == exprs.index(level);
  }
  if (identity) return body;
  return Substitution(exprs, replacements, shift).run(body);
}

/// A node is made after its arguments, so it has a greater id than they. From the greatest on, then,
/// whatever is reached in several ways is reached in all of them before it is its turn.
void for_each_node(const Exprs& exprs, std::span<const ExprId> roots,
                   const std::function<void(ExprId)>& visit) {
  std::vector<ExprId> heap(roots.begin(), roots.end()), reached;
  std::ranges::make_heap(heap);
  while (!heap.empty()) {
    std::ranges::pop_heap(heap);
    const ExprId id = heap.back();
    heap.pop_back();
    if (!reached.empty() && reached.back() == id) continue;
    reached.push_back(id);
    for (const ExprId arg : exprs[id].args) {
      heap.push_back(arg);
      std::ranges::push_heap(heap);
    }
  }
  for (const ExprId id : std::views::reverse(reached)) visit(id);
}

}  // namespace tenon::ir
