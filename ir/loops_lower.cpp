// Loop lowering: the body of a compute becomes loops, locals and checks.
//
// One walk over the index expression, in the order in which the language evaluates it. A node's
// value comes back as a pure expression; what else it takes (a loop, a check, a call) is appended
// to the block being written. A node that is met again in the same scope or one inside it is the
// same expression object, so that shared nodes are evaluated once.
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "ir/loops.h"
#include "ir/ranges.h"

namespace tenon::ir::loops {
namespace {

using runtime::FaultKind;
using IndexExpr = tenon::ir::Expr;

constexpr int kMaxSpeculated = 24;  ///< nodes of a branch that is evaluated whether taken or not

ExprPtr make(DType type, decltype(Expr::node) node) {
  return std::make_shared<const Expr>(Expr{type, std::move(node)});
}
ExprPtr constant(Scalar value) { return make(value.type, Constant{value}); }
ExprPtr integer(int64_t value) { return constant(Scalar::integer(DType::i64, value)); }
ExprPtr apply(ScalarOp op, std::vector<ExprPtr> args) {
  const DType type = runtime::result_type(op, args.back()->type);
  return make(type, Apply{op, std::move(args)});
}
ExprPtr both(ExprPtr a, ExprPtr b) {
  return a == nullptr ? b : apply(ScalarOp::and_, {std::move(a), std::move(b)});
}

/// `number` as a value of `type`; infinities only of floats.
Scalar scalar(DType type, double number) {
  if (type == DType::bool_) return Scalar::boolean(number != 0);
  if (runtime::is_floating(type)) return Scalar::floating(type, number);
  if (number < 0) return Scalar::integer(type, runtime::lowest(type));
  if (number > 1) return Scalar::integer(type, runtime::highest(type));
  return Scalar::integer(type, static_cast<int64_t>(number));
}

/// What a reduction starts from and combines with. Starting max at minus infinity (the lowest
/// integer) is exact: no element is below it, and NaN wins over it.
struct Fold {
  ScalarOp combine;
  double start;
};
Fold fold_of(Reduction reduction) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  switch (reduction) {
    case Reduction::sum: return {ScalarOp::add, 0};
    case Reduction::prod: return {ScalarOp::mul, 1};
    case Reduction::max: return {ScalarOp::max, -inf};
    case Reduction::min: return {ScalarOp::min, inf};
    case Reduction::any: return {ScalarOp::or_, 0};
    case Reduction::all: return {ScalarOp::and_, 1};
    case Reduction::argmax: return {ScalarOp::gt, -inf};
    case Reduction::argmin: return {ScalarOp::lt, inf};
  }
  return {};
}

bool divides_integers(const IndexExpr& node) {
  return node.kind == ExprKind::apply && runtime::is_integer(node.type) &&
         (node.op == ScalarOp::div || node.op == ScalarOp::mod);
}

/// Cheap enough to compute in vain: everything but what the C library computes.
bool is_cheap(ScalarOp op) {
  return op < ScalarOp::exp || op > ScalarOp::pow;
}
static_assert(ScalarOp::exp < ScalarOp::pow && ScalarOp::rsqrt < ScalarOp::exp &&
              ScalarOp::pow < ScalarOp::fma, "the library functions stand together in the table");

class Lowering {
 public:
  Lowering(const Module& module, const Function& function, const Inst& inst, std::string name)
      : module_(module), function_(function), inst_(inst), compute_(inst.get<Compute>()) {
    kernel_.name = std::move(name);
    for (ExprId id : fallible_nodes(module, function, compute_)) fallible_.insert(id);
    sites_.insert(compute_.sites.begin(), compute_.sites.end());
  }

  Kernel run();

 private:
  /// [lo, hi) of one loop, and what is known of its variable.
  struct Bounds {
    ExprPtr lo, hi;
    Range range;
  };
  /// A block being written, and the nodes whose value is known in it.
  struct Scope {
    Block block;
    std::unordered_map<ExprId, ExprPtr> values;
  };

  template <class Body> Block in_scope(Body body);
  template <class Body> void emit_loops(std::span<const Bounds> bounds, const Body& body);
  void emit(decltype(Stmt::node) node) { scopes_.back().block.push_back({std::move(node)}); }
  void emit_check(ExprId at, ExprPtr holds, FaultKind fault, ExprPtr a = nullptr,
                  ExprPtr b = nullptr, std::string_view text = {});

  ExprPtr find(ExprId id) const;
  ExprPtr lower(ExprId id);
  ExprPtr lower_node(ExprId id, const IndexExpr& node);
  ExprPtr lower_read(ExprId id, const IndexExpr& node);
  ExprPtr lower_apply(ExprId id, const IndexExpr& node);
  ExprPtr lower_if(const IndexExpr& node);
  ExprPtr lower_reduce(ExprId id, const IndexExpr& node);
  ExprPtr lower_fold(const IndexExpr& node, std::span<const Bounds> bounds);
  ExprPtr lower_arg(const IndexExpr& node, const Bounds& bounds);
  ExprPtr lower_call(ExprId id, const IndexExpr& node);
  std::vector<ExprPtr> lower_all(std::span<const ExprId> ids);
  std::vector<Bounds> lower_bounds(const IndexExpr& node);

  LocalId add_local(DType type);
  ExprPtr declare(DType type, ExprPtr start, LocalId* local);
  void assign(LocalId local, ExprPtr value, bool reassociable = false) {
    emit(SetLocal{local, std::move(value), false, reassociable});
  }
  BufferId buffer_of(ValueId tensor);
  bool is_fallible(ExprId id) const { return fallible_.contains(id); }
  bool can_speculate(ExprId id, int& budget) const;
  bool in_range(const IndexExpr& read) const;
  Span span_of(ExprId id) const;

  const Module& module_;
  const Function& function_;
  const Inst& inst_;
  const Compute& compute_;
  Kernel kernel_;
  std::unordered_set<ExprId> fallible_;
  std::unordered_map<ExprId, Span> sites_;
  std::unordered_map<ValueId, BufferId> buffers_;
  std::vector<Scope> scopes_;
  std::vector<ExprPtr> levels_;  ///< the loop variable of each bound level
  std::vector<Range> ranges_;    ///< and where it lies
};

// ---- blocks and loops

Kernel Lowering::run() {
  std::vector<Bounds> bounds;
  for (int64_t extent : compute_.extents)
    bounds.push_back({integer(0), integer(extent), {0, extent - 1}});
  kernel_.body = in_scope([&] {
    emit_loops(bounds, [&] {
      ExprPtr value = lower(compute_.body);
      emit(Store{static_cast<BufferId>(kernel_.buffers.size()), levels_, std::move(value)});
    });
  });
  const Value& result = function_.value(inst_.result());
  kernel_.buffers.push_back({result.name, module_.types[result.type]});
  return std::move(kernel_);
}

template <class Body>
Block Lowering::in_scope(Body body) {
  scopes_.emplace_back();
  body();
  Block block = std::move(scopes_.back().block);
  scopes_.pop_back();
  return block;
}

/// Loops over each bound in turn, the last innermost, around what `body` emits.
template <class Body>
void Lowering::emit_loops(std::span<const Bounds> bounds, const Body& body) {
  if (bounds.empty()) return body();
  const LoopId loop = kernel_.loop_count++;
  levels_.push_back(make(DType::i64, Loop{loop}));
  ranges_.push_back(bounds[0].range);
  Block block = in_scope([&] { emit_loops(bounds.subspan(1), body); });
  levels_.pop_back();
  ranges_.pop_back();
  emit(For{loop, bounds[0].lo, bounds[0].hi, std::move(block)});
}

void Lowering::emit_check(ExprId at, ExprPtr holds, FaultKind fault, ExprPtr a, ExprPtr b,
                          std::string_view text) {
  kernel_.may_fail = true;
  emit(Check{std::move(holds), fault, std::move(a), std::move(b), std::string(text), span_of(at)});
}

Span Lowering::span_of(ExprId id) const {
  const auto found = sites_.find(id);
  return found == sites_.end() ? inst_.span : found->second;
}

LocalId Lowering::add_local(DType type) {
  kernel_.locals.push_back(type);
  return static_cast<LocalId>(kernel_.locals.size() - 1);
}

/// Declares a local that starts as `start` (null: unset); its value for those that change it.
ExprPtr Lowering::declare(DType type, ExprPtr start, LocalId* local) {
  *local = add_local(type);
  emit(SetLocal{*local, std::move(start), true, false});
  return make(type, Local{*local});
}

BufferId Lowering::buffer_of(ValueId tensor) {
  const auto [at, added] = buffers_.emplace(tensor, kernel_.buffers.size());
  if (added) {
    const Value& value = function_.value(tensor);
    kernel_.buffers.push_back({value.name, module_.types[value.type]});
    kernel_.buffer_values.push_back(tensor);
  }
  return at->second;
}

// ---- expressions

ExprPtr Lowering::find(ExprId id) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    const auto found = scope->values.find(id);
    if (found != scope->values.end()) return found->second;
  }
  return nullptr;
}

ExprPtr Lowering::lower(ExprId id) {
  if (ExprPtr known = find(id)) return known;
  ExprPtr value = lower_node(id, function_.exprs[id]);
  scopes_.back().values.emplace(id, value);
  return value;
}

std::vector<ExprPtr> Lowering::lower_all(std::span<const ExprId> ids) {
  std::vector<ExprPtr> values;
  for (ExprId id : ids) values.push_back(lower(id));
  return values;
}

ExprPtr Lowering::lower_node(ExprId id, const IndexExpr& node) {
  switch (node.kind) {
    case ExprKind::constant: return constant(node.constant);
    case ExprKind::index: return levels_[node.level];
    case ExprKind::value: {
      const auto param = static_cast<uint32_t>(kernel_.scalars.size());
      for (uint32_t i = 0; i < param; ++i)
        if (kernel_.scalar_values[i] == node.value) return make(node.type, Scalar_{i});
      kernel_.scalars.push_back({function_.value(node.value).name, node.type});
      kernel_.scalar_values.push_back(node.value);
      return make(node.type, Scalar_{param});
    }
    case ExprKind::read: return lower_read(id, node);
    case ExprKind::apply: return lower_apply(id, node);
    case ExprKind::convert: return make(node.type, Convert{lower(node.args[0])});
    case ExprKind::if_: return lower_if(node);
    case ExprKind::reduce: return lower_reduce(id, node);
    case ExprKind::call: return lower_call(id, node);
  }
  return nullptr;
}

ExprPtr Lowering::lower_read(ExprId id, const IndexExpr& node) {
  std::vector<ExprPtr> subscripts = lower_all(node.args);
  const BufferId buffer = buffer_of(node.value);
  for (size_t axis = 0; is_fallible(id) && axis < subscripts.size(); ++axis) {
    const Range range = range_of(function_, node.args[axis], ranges_);
    const int64_t extent = kernel_.buffers[buffer].type.shape[axis];
    ExprPtr holds;  // only of what is not known
    if (range.lo < 0) holds = apply(ScalarOp::le, {integer(0), subscripts[axis]});
    if (range.hi >= extent)
      holds = both(holds, apply(ScalarOp::lt, {subscripts[axis], integer(extent)}));
    if (holds != nullptr)
      emit_check(id, holds, FaultKind::subscript_out_of_range, subscripts[axis], integer(extent));
  }
  return make(node.type, Read{buffer, std::move(subscripts)});
}

ExprPtr Lowering::lower_apply(ExprId id, const IndexExpr& node) {
  std::vector<ExprPtr> args = lower_all(node.args);
  if (node.op == ScalarOp::select) return make(node.type, Select{args[0], args[1], args[2]});
  if (divides_integers(node) && is_fallible(id)) {
    ExprPtr zero = constant(Scalar::integer(node.type, 0));
    emit_check(id, apply(ScalarOp::ne, {args[1], zero}), FaultKind::division_by_zero);
  }
  return make(node.type, Apply{node.op, std::move(args)});
}

ExprPtr Lowering::lower_if(const IndexExpr& node) {
  ExprPtr condition = lower(node.args[0]);
  int budget = kMaxSpeculated;
  if (can_speculate(node.args[1], budget) && can_speculate(node.args[2], budget)) {
    ExprPtr then = lower(node.args[1]);
    return make(node.type, Select{std::move(condition), std::move(then), lower(node.args[2])});
  }
  LocalId local;
  ExprPtr result = declare(node.type, nullptr, &local);
  Block then = in_scope([&] { assign(local, lower(node.args[1])); });
  Block otherwise = in_scope([&] { assign(local, lower(node.args[2])); });
  emit(If{std::move(condition), std::move(then), std::move(otherwise)});
  return result;
}

/// Whether evaluating a branch that is not taken is harmless and cheap. fallible_nodes() may know
/// that a read is in range because its branch is taken; here that does not count.
bool Lowering::can_speculate(ExprId id, int& budget) const {
  if (find(id) != nullptr) return true;
  const IndexExpr& node = function_.exprs[id];
  if (--budget < 0 || is_fallible(id)) return false;
  switch (node.kind) {
    case ExprKind::reduce:
    case ExprKind::call: return false;
    case ExprKind::read:
      if (!in_range(node)) return false;
      break;
    case ExprKind::apply:
      if (!is_cheap(node.op)) return false;
      if (divides_integers(node)) {
        const Range divisor = range_of(function_, node.args[1], ranges_);
        if (divisor.lo <= 0 && divisor.hi >= 0) return false;
      }
      break;
    default: break;
  }
  for (ExprId arg : node.args)
    if (!can_speculate(arg, budget)) return false;
  return true;
}

bool Lowering::in_range(const IndexExpr& read) const {
  const Shape& shape = module_.type(function_, read.value).shape;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const Range range = range_of(function_, read.args[axis], ranges_);
    if (range.lo < 0 || range.hi >= shape[axis]) return false;
  }
  return true;
}

// ---- reductions and calls

ExprPtr Lowering::lower_reduce(ExprId id, const IndexExpr& node) {
  const std::vector<Bounds> bounds = lower_bounds(node);
  if (is_fallible(id)) {
    ExprPtr holds;
    for (const Bounds& b : bounds) holds = both(holds, apply(ScalarOp::lt, {b.lo, b.hi}));
    emit_check(id, holds, FaultKind::empty_reduction, nullptr, nullptr, ast::text(node.reduction));
  }
  const bool is_arg = node.reduction == Reduction::argmax || node.reduction == Reduction::argmin;
  return is_arg ? lower_arg(node, bounds[0]) : lower_fold(node, bounds);
}

std::vector<Lowering::Bounds> Lowering::lower_bounds(const IndexExpr& node) {
  std::vector<Bounds> bounds;
  for (size_t i = 0; i < node.reduce_rank(); ++i) {
    const ExprId lo = node.args[2 * i], hi = node.args[2 * i + 1];
    const int64_t first = range_of(function_, lo, ranges_).lo;
    const int64_t end = range_of(function_, hi, ranges_).hi;
    const Range range = end <= first ? Range{0, -1} : Range{first, end - 1};
    ExprPtr lo_value = lower(lo);
    bounds.push_back({std::move(lo_value), lower(hi), range});
  }
  return bounds;
}

/// All but argmax and argmin: one accumulator.
ExprPtr Lowering::lower_fold(const IndexExpr& node, std::span<const Bounds> bounds) {
  const Fold fold = fold_of(node.reduction);
  const bool reassociable =
      runtime::is_floating(node.type) &&
      (node.reduction == Reduction::sum || node.reduction == Reduction::prod);
  LocalId local;
  ExprPtr so_far = declare(node.type, constant(scalar(node.type, fold.start)), &local);
  emit_loops(bounds, [&] {
    ExprPtr element = lower(node.reduce_body());
    assign(local, apply(fold.combine, {so_far, element}), reassociable);
  });
  return make(node.type, Local{local});
}

/// argmax and argmin: the best so far and where it stood. A NaN is better than any number, the
/// first better than later ones.
ExprPtr Lowering::lower_arg(const IndexExpr& node, const Bounds& bounds) {
  const DType type = function_.exprs[node.reduce_body()].type;
  const Fold fold = fold_of(node.reduction);
  LocalId best, place, local;
  ExprPtr so_far = declare(type, constant(scalar(type, fold.start)), &best);
  declare(DType::i64, bounds.lo, &place);
  emit_loops(std::span(&bounds, 1), [&] {
    ExprPtr element = declare(type, lower(node.reduce_body()), &local);
    ExprPtr better = apply(fold.combine, {element, so_far});
    if (runtime::is_floating(type)) {
      ExprPtr none_yet = apply(ScalarOp::not_, {apply(ScalarOp::isnan, {so_far})});
      ExprPtr first_nan = both(apply(ScalarOp::isnan, {element}), std::move(none_yet));
      better = apply(ScalarOp::or_, {better, first_nan});
    }
    Block replace = in_scope([&] {
      assign(place, levels_.back());
      assign(best, element);
    });
    emit(If{std::move(better), std::move(replace), {}});
  });
  return make(DType::i64, Local{place});
}

ExprPtr Lowering::lower_call(ExprId id, const IndexExpr& node) {
  std::vector<ExprPtr> args = lower_all(node.args);
  const LocalId local = add_local(node.type);
  if (may_fail(module_, node.callee)) kernel_.may_fail = true;
  emit(CallInto{local, node.callee, std::move(args), span_of(id)});
  return make(node.type, Local{local});
}

}  // namespace

Kernel lower(const Module& module, const Function& function, const Inst& compute,
             std::string name) {
  return Lowering(module, function, compute, std::move(name)).run();
}

}  // namespace tenon::ir::loops
