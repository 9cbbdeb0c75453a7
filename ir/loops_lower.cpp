// Loop lowering: the body of a compute becomes loops, locals and checks.
//
// One walk over the index expression, in the order in which the language evaluates it. A node's
// value comes back as a pure expression; what else it takes (a loop, a check, a call) is appended
// to the block being written. A node that is met again in the same scope or one inside it is the
// same expression object, so that shared nodes are evaluated once.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ir/loops_lowering.h"
#include "ir/straight.h"

namespace tenon::ir::loops {
namespace {

/// Nodes of branches that are evaluated whether taken or not: an exp has about forty. In lanes that is a few
/// instructions for each, where a branch would keep the loop from having lanes at all.
constexpr int kMaxSpeculated = 64;
constexpr int kGuardedRead = 2;     ///< what a read costs beyond a node

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

}  // namespace

// ---- blocks and loops

Kernel Lowering::run(std::span<const Range> domain, Reach& reach) {
  reach_ = &reach;
  std::vector<Bounds> bounds;
  for (size_t axis = 0; axis < compute_.extents.size(); ++axis) {
    const std::string name = axis < compute_.indices.size() ? compute_.indices[axis] : "";
    bounds.push_back({integer(domain[axis].lo), integer(domain[axis].hi + 1), domain[axis], name,
                      compute_.schedule.has_value()});
  }
  kernel_.span = inst_.span;
  kernel_.body = in_scope([&] {
    emit_loops(bounds, [&] {
      const ExprPtr inside = inside_of_extents();
      const std::vector<ExprPtr> values = inside == nullptr ? lower_all(compute_.bodies)
                                                            : std::vector{lower_guarded(compute_.bodies[0], inside)};
      for (size_t i = 0; i < values.size(); ++i)
        emit(Store{static_cast<BufferId>(kernel_.buffers.size() + i), levels_, values[i]});
    });
  });
  for (const ValueId id : inst_.results) {
    const Value& result = function_.value(id);
    kernel_.buffers.push_back({result.name, module_.types[result.type]});
  }
  return std::move(kernel_);
}

/// Null where the loops do not go beyond the compute's extents.
ExprPtr Lowering::inside_of_extents() const {
  ExprPtr inside;
  for (size_t axis = 0; axis < compute_.extents.size(); ++axis) {
    const int64_t extent = compute_.extents[axis];
    if (ranges_[axis].lo < 0) inside = both(inside, apply(ScalarOp::le, {integer(0), levels_[axis]}));
    if (ranges_[axis].hi >= extent) inside = both(inside, apply(ScalarOp::lt, {levels_[axis], integer(extent)}));
  }
  return inside;
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

/// That of the index; those that would agree get a number, and leave to a schedule the names that it goes
/// by.
std::string Lowering::loop_name(const Bounds& bounds) const {
  const auto level = static_cast<uint32_t>(levels_.size());
  const std::string wanted = bounds.name.empty() ? index_name(level) : text_name(bounds.name);
  const auto is_taken = [&](const std::string& name) {
    return std::ranges::count(kernel_.loops, name) != 0 ||
           (!bounds.keeps_name && kept_names_.contains(name)) || text_name(name) != name;
  };
  std::string name = wanted;
  for (int number = 2; is_taken(name); ++number) name = fmt::format("{}{}", wanted, number);
  return name;
}

void Lowering::find_kept_names() {
  if (!compute_.schedule) return;
  for (const std::string& index : compute_.indices) kept_names_.insert(text_name(index));
  for_each_node(function_.exprs, compute_.bodies, [&](ExprId id) {
    if (!function_.exprs[id].keeps_names) return;
    for (const std::string& index : function_.exprs[id].names) kept_names_.insert(text_name(index));
  });
}

LocalId Lowering::add_local(DType type) {
  kernel_.locals.push_back({type, {}});
  return static_cast<LocalId>(kernel_.locals.size() - 1);
}

/// Declares a local that starts as `start` (null: unset); its value for those that change it.
ExprPtr Lowering::declare(DType type, ExprPtr start, LocalId* local) {
  *local = add_local(type);
  emit(SetLocal{*local, std::move(start), true, false});
  return make(type, Local{*local, {}});
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

ExprPtr Lowering::find_reduction(const std::string& key) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    const auto found = scope->reductions.find(key);
    if (found != scope->reductions.end()) return found->second;
  }
  return nullptr;
}

ExprPtr Lowering::lower(ExprId id) {
  if (ExprPtr known = find(id)) return known;
  const IndexExpr& node = function_.exprs[id];
  const size_t home = home_of(id, node);
  if (home + 1 < scopes_.size()) return lower_outside(id, home);
  ExprPtr value = lower_node(id, node);
  scopes_.back().values.emplace(id, value);
  return value;
}

/// The outermost scope in which a node can be computed that does not need the loops further inside:
/// whatever else it is to be, it costs less there. Branches are not left, for they may not be taken.
size_t Lowering::home_of(ExprId id, const IndexExpr& node) {
  size_t home = scopes_.size() - 1;
  if (!is_worth_hoisting(node) || !fallible_.empty()) return home;
  const uint32_t levels = levels_needed_.of(id);
  while (home > 0 && !scopes_[home].is_branch && scopes_[home - 1].levels >= levels) --home;
  return home;
}

/// As a local of an outer scope, declared in front of the loop that is being written there.
ExprPtr Lowering::lower_outside(ExprId id, size_t home) {
  std::vector<Scope> inner(std::make_move_iterator(scopes_.begin() + static_cast<long>(home) + 1),
                           std::make_move_iterator(scopes_.end()));
  scopes_.resize(home + 1);
  ExprPtr value = lower_node(id, function_.exprs[id]);
  if (!std::holds_alternative<Local>(value->node)) {
    LocalId local;
    value = declare(value->type, value, &local);
  }
  scopes_.back().values.emplace(id, value);
  scopes_.insert(scopes_.end(), std::make_move_iterator(inner.begin()),
                 std::make_move_iterator(inner.end()));
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

void Lowering::note_reach(const IndexExpr& read) {
  const auto found = reach_->find(read.value);
  if (found == reach_->end()) return;
  for (size_t axis = 0; axis < read.args.size(); ++axis)
    found->second[axis] = hull(found->second[axis], range_of(function_, read.args[axis], ranges_));
}

ExprPtr Lowering::lower_read(ExprId id, const IndexExpr& node) {
  note_reach(node);
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
  ExprPtr guard = in_range(node) || is_fallible(id) ? nullptr : guard_;
  return make(node.type, Read{buffer, std::move(subscripts), std::move(guard), span_of(id)});
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
  Speculation speculation{kMaxSpeculated, {}};
  if (can_speculate(node.args[1], speculation) && can_speculate(node.args[2], speculation)) {
    ExprPtr then = lower_guarded(node.args[1], condition);
    ExprPtr otherwise = lower_guarded(node.args[2], apply(ScalarOp::not_, {condition}));
    if (is_padding(then, condition, otherwise)) return then;
    const auto* no = std::get_if<Constant>(&otherwise->node);
    if (node.type == DType::bool_ && no != nullptr && no->value.i == 0) return both(condition, then);
    return make(node.type, Select{std::move(condition), std::move(then), std::move(otherwise)});
  }
  LocalId local;
  ExprPtr result = declare(node.type, nullptr, &local);
  Block then = in_branch([&] { assign(local, lower(node.args[1])); });
  Block otherwise = in_branch([&] { assign(local, lower(node.args[2])); });
  emit(If{std::move(condition), std::move(then), std::move(otherwise)});
  return result;
}

/// A branch of an `if` that is evaluated whether it is taken or not. Reads that are in range only where it
/// is taken get its condition as their guard; so nothing in it is known outside of it.
ExprPtr Lowering::lower_guarded(ExprId id, const ExprPtr& condition) {
  const ExprPtr around = std::exchange(guard_, both(guard_, condition));
  scopes_.push_back({{}, {}, {}, levels_.size(), true});
  ExprPtr value = lower(id);
  Scope inner = std::move(scopes_.back());
  scopes_.pop_back();
  for (Stmt& stmt : inner.block) scopes_.back().block.push_back(std::move(stmt));
  guard_ = around;
  return value;
}

namespace {

/// Whether `guard` is `condition`, or that and more.
bool implies(const ExprPtr& guard, const ExprPtr& condition) {
  if (guard == condition) return true;
  const auto* both = guard == nullptr ? nullptr : std::get_if<Apply>(&guard->node);
  return both != nullptr && both->op == ScalarOp::and_ &&
         (implies(both->args[0], condition) || implies(both->args[1], condition));
}

}  // namespace

/// `if c { x[i] } else { 0.0 }`: what a guarded read gives by itself.
bool Lowering::is_padding(const ExprPtr& then, const ExprPtr& condition,
                          const ExprPtr& otherwise) const {
  const auto* read = std::get_if<Read>(&then->node);
  const auto* zero = std::get_if<Constant>(&otherwise->node);
  return read != nullptr && implies(read->guard, condition) && zero != nullptr &&
         zero->value == runtime::convert(then->type, Scalar::integer(DType::i64, 0));
}

/// Whether evaluating a branch that is not taken is harmless and cheap.
bool Lowering::can_speculate(ExprId id, Speculation& speculation) const {
  const IndexExpr& node = function_.exprs[id];
  if (node.kind == ExprKind::constant || find(id) != nullptr || !speculation.seen.insert(id).second) return true;
  if (--speculation.budget < 0 || is_fallible(id)) return false;
  switch (node.kind) {
    case ExprKind::reduce: return false;
    case ExprKind::call: {
      const std::optional<size_t> size = straight_size(module_, module_.function(node.callee));
      if (!size || may_fail(module_, node.callee)) return false;
      speculation.budget -= static_cast<int>(*size);
      break;
    }
    case ExprKind::read:
      speculation.budget -= kGuardedRead;
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
    if (!can_speculate(arg, speculation)) return false;
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

std::vector<Kernel> lower(const Module& module) {
  std::vector<Kernel> kernels;
  for (const Function& function : module.functions) {
    int number = 0;
    for (const tenon::ir::Block& block : function.blocks)
      for (const Inst& inst : block.insts)
        if (inst.op == Op::compute)
          kernels.push_back(
              lower(module, function, inst, fmt::format("{}.{}", function.name, number++)));
  }
  return kernels;
}

}  // namespace tenon::ir::loops
