#include "ir/interpret_body.h"

#include <array>
#include <cmath>
#include <unordered_set>

#include "ir/levels.h"

namespace tenon::ir {

using runtime::FaultKind;
using runtime::Tensor;

namespace {

Scalar combine(ScalarOp op, Scalar a, Scalar b) {
  return runtime::eval(op, std::array<Scalar, 2>{a, b});
}
bool is_nan(Scalar x) {
  return runtime::is_floating(x.type) && std::isnan(x.f);
}
Scalar number(DType type, int n) {
  return runtime::is_floating(type) ? Scalar::floating(type, n) : Scalar::integer(type, n);
}

/// What a reduction does with its elements, in order: starts from a number or from the first
/// element, combines; argmax and argmin keep where the best one stands, too.
class Accumulator {
 public:
  Accumulator(Reduction reduction, DType type) {
    switch (reduction) {
      case Reduction::sum: start(ScalarOp::add, number(type, 0)); break;
      case Reduction::prod: start(ScalarOp::mul, number(type, 1)); break;
      case Reduction::any: start(ScalarOp::or_, Scalar::boolean(false)); break;
      case Reduction::all: start(ScalarOp::and_, Scalar::boolean(true)); break;
      case Reduction::max: op_ = ScalarOp::max; break;
      case Reduction::min: op_ = ScalarOp::min; break;
      case Reduction::argmax:
        op_ = ScalarOp::gt;
        picks_index_ = true;
        break;
      case Reduction::argmin:
        op_ = ScalarOp::lt;
        picks_index_ = true;
        break;
    }
  }

  void add(Scalar element, int64_t index) {
    if (empty_ || (picks_index_ && is_better(element))) {
      value_ = element;
      best_ = index;
    } else if (!picks_index_) {
      value_ = combine(op_, value_, element);
    }
    empty_ = false;
  }
  bool empty() const { return empty_; }
  Scalar result() const { return picks_index_ ? Scalar::integer(DType::i64, best_) : value_; }

 private:
  void start(ScalarOp op, Scalar value) {
    op_ = op;
    value_ = value;
    empty_ = false;
  }
  /// The first NaN is better than all.
  bool is_better(Scalar element) const {
    if (is_nan(value_)) return false;
    return is_nan(element) || combine(op_, element, value_).i != 0;
  }

  ScalarOp op_ = ScalarOp::add;
  Scalar value_;
  int64_t best_ = 0;
  bool picks_index_ = false;
  bool empty_ = true;
};

}  // namespace

std::vector<Tensor> BodyInterpreter::tensors() {
  std::vector<Bounds> bounds;
  for (const int64_t extent : compute_.extents) bounds.push_back({0, extent});
  const int64_t points = runtime::element_count(compute_.extents).value_or(0);
  for (const ExprId body : compute_.bodies) caller_.take_steps(points, exprs_[body].tree_size);
  std::vector<Tensor> results;
  std::vector<std::byte*> data;
  for (const ExprId body : compute_.bodies) results.emplace_back(exprs_[body].type, compute_.extents);
  for (Tensor& result : results) data.push_back(result.mutable_data());
  int64_t offset = 0;
  for_each_point(0, bounds, [&] {
    for (size_t i = 0; i < data.size(); ++i)
      runtime::write_element(data[i], offset, eval(compute_.bodies[i]));
    ++offset;
  });
  for (const Tensor& result : results) counts_.stored.add(result.type(), offset);
  return results;
}

std::vector<Scalar> BodyInterpreter::scalars() {
  std::vector<Scalar> results;
  for (const ExprId body : compute_.bodies) results.push_back(eval(body));
  return results;
}

/// Calls `visit` with levels_[level], … at every point in row-major order.
template <class Visit>
void BodyInterpreter::for_each_point(size_t level, std::span<const Bounds> bounds,
                                     const Visit& visit) {
  levels_.resize(std::max(levels_.size(), level + bounds.size()));
  changes_.resize(levels_.size());
  const auto set = [&](size_t axis, int64_t index) {
    levels_[level + axis] = index;
    changes_[level + axis] = ++change_;
  };
  for (size_t axis = 0; axis < bounds.size(); ++axis) {
    if (bounds[axis].lo >= bounds[axis].hi) return;
    set(axis, bounds[axis].lo);
  }
  for (;;) {
    visit();
    size_t axis = bounds.size();
    for (; axis > 0; --axis) {  // count up, the last index fastest
      const int64_t next = levels_[level + axis - 1] + 1;
      if (next < bounds[axis - 1].hi) {
        set(axis - 1, next);
        break;
      }
    }
    if (axis == 0) return;
    for (; axis < bounds.size(); ++axis) set(axis, bounds[axis].lo);
  }
}

void BodyInterpreter::find_kept() {
  LevelsNeeded levels(exprs_);
  std::unordered_set<ExprId> used(compute_.bodies.begin(), compute_.bodies.end());
  for_each_node(exprs_, compute_.bodies, [&](ExprId id) {
    for (const ExprId arg : exprs_[id].args) {
      const Expr& node = exprs_[arg];
      const bool is_shared = !node.args.empty() && !used.insert(arg).second;
      if (is_shared || node.kind == ExprKind::reduce || node.kind == ExprKind::call)
        kept_.emplace(arg, Known{levels.of(arg)});
    }
  });
}

Scalar BodyInterpreter::eval(ExprId id) {
  if (kept_.empty()) return eval_anew(id);
  const auto known = kept_.find(id);
  if (known == kept_.end()) return eval_anew(id);
  const uint32_t levels = known->second.levels;
  if (known->second.change == last_change(levels)) return known->second.value;
  const Scalar value = eval_anew(id);
  known->second = {levels, value, last_change(levels)};
  return value;
}

Scalar BodyInterpreter::eval_anew(ExprId id) {
  const Expr& node = exprs_[id];
  switch (node.kind) {
    case ExprKind::constant: return node.constant;
    case ExprKind::index: return Scalar::integer(DType::i64, levels_[node.level]);
    case ExprKind::value: return frame_[node.value.index].scalar;
    case ExprKind::read: return read(id, node);
    case ExprKind::apply: return apply(id, node);
    case ExprKind::convert:
      counts_.add(Op::convert);
      return runtime::convert(node.type, eval(node.args[0]));
    case ExprKind::if_: ++counts_.ifs; return eval(node.args[eval(node.args[0]).i != 0 ? 1 : 2]);
    case ExprKind::reduce: return reduce(id, node);
    case ExprKind::call: return call(id, node);
  }
  return {};
}

Scalar BodyInterpreter::apply(ExprId id, const Expr& node) {
  std::array<Scalar, 3> args;
  const size_t count = node.args.size();
  for (size_t i = 0; i < count; ++i) args[i] = eval(node.args[i]);
  const std::span<const Scalar> used(args.data(), count);
  if (runtime::divides_by_zero(node.op, used)) fail(id, FaultKind::division_by_zero);
  counts_.add(node.op);
  return runtime::eval(node.op, used);
}

/// All subscripts are evaluated before the first is checked.
Scalar BodyInterpreter::read(ExprId id, const Expr& node) {
  std::array<int64_t, 8> few;
  std::vector<int64_t> many;
  const size_t rank = node.args.size();
  if (rank > few.size()) many.resize(rank);
  int64_t* subscripts = rank > few.size() ? many.data() : few.data();
  for (size_t axis = 0; axis < rank; ++axis) subscripts[axis] = eval(node.args[axis]).i;

  const Tensor& tensor = tensor_of(function_, frame_, node.value);
  const Shape& shape = tensor.shape();
  int64_t offset = 0;
  for (size_t axis = 0; axis < rank; ++axis) {
    if (subscripts[axis] < 0 || subscripts[axis] >= shape[axis])
      fail(id, FaultKind::subscript_out_of_range, subscripts[axis], shape[axis]);
    offset = offset * shape[axis] + subscripts[axis];
  }
  ++counts_.reads;
  counts_.loaded.add(tensor.type(), 1);
  return runtime::read_element(tensor.type(), tensor.data(), offset);
}

Scalar BodyInterpreter::reduce(ExprId id, const Expr& node) {
  const size_t rank = node.reduce_rank();
  std::array<Bounds, 4> few;
  std::vector<Bounds> many;
  if (rank > few.size()) many.resize(rank);
  Bounds* bounds = rank > few.size() ? many.data() : few.data();
  for (size_t i = 0; i < rank; ++i) {
    bounds[i].lo = eval(node.args[2 * i]).i;
    bounds[i].hi = eval(node.args[2 * i + 1]).i;
  }
  const ExprId body = node.reduce_body();
  Accumulator accumulator(node.reduction, exprs_[body].type);
  for_each_point(node.level, std::span(bounds, rank), [&] {
    caller_.take_steps(1, exprs_[body].tree_size);
    const Scalar element = eval(body);
    accumulator.add(element, levels_[node.level]);
    counts_.add(node.reduction);
  });
  if (accumulator.empty()) fail(id, FaultKind::empty_reduction, 0, 0, ast::text(node.reduction));
  return accumulator.result();
}

Scalar BodyInterpreter::call(ExprId id, const Expr& node) {
  std::vector<Slot> args;
  for (const ExprId arg : node.args) args.push_back({eval(arg), {}});
  counts_.add(Op::call);
  return caller_.call(node.callee, std::move(args), span_of(id))[0].scalar;
}

void BodyInterpreter::fail(ExprId id, FaultKind kind, int64_t a, int64_t b,
                           std::string_view text) const {
  throw ast::RunError{{kind, a, b, std::string(text)}, span_of(id)};
}

Span BodyInterpreter::span_of(ExprId id) const {
  for (const auto& [node, span] : compute_.sites)
    if (node == id) return span;
  return inst_.span;
}

}  // namespace tenon::ir
