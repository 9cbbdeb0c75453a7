#include "ir/loops_run.h"

#include <fmt/format.h>

#include <array>
#include <stdexcept>

namespace tenon::ir::loops {
namespace {

constexpr uint64_t kAlignment = 64;

}  // namespace

uint64_t KernelRun::lay_out(uint64_t next) {
  const auto place = [&](Memory& memory, const Type& type) {
    memory.address = next;
    const auto bytes = static_cast<uint64_t>(*runtime::byte_count(type.dtype, type.shape));
    next += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  };
  for (size_t i = 0; i < buffers_.size(); ++i) place(buffers_[i], kernel_.buffers[i].type);
  for (size_t i = 0; i < arrays_.size(); ++i)
    if (!kernel_.locals[i].is_scalar() && !in_registers_[i]) place(arrays_[i], kernel_.locals[i]);
  return next;
}

std::vector<Tensor> KernelRun::run(std::vector<Tensor> inputs, std::vector<Scalar> scalars) {
  scalars_ = std::move(scalars);
  for (size_t i = 0; i < buffers_.size(); ++i) {
    const Type& type = kernel_.buffers[i].type;
    buffers_[i].tensor =
        kernel_.is_output(i) ? Tensor(type.dtype, type.shape) : std::move(inputs[i]);
  }
  block(kernel_.body);
  std::vector<Tensor> outputs;
  for (size_t i = kernel_.buffer_values.size(); i < buffers_.size(); ++i)
    outputs.push_back(std::move(buffers_[i].tensor));
  return outputs;
}

void KernelRun::broken(const std::string& what) const {
  throw std::logic_error(fmt::format("kernel @{}: {}", kernel_.name, what));
}

// ---- memory

std::optional<int64_t> KernelRun::offset(const Memory& memory, const Subscripts& subscripts) {
  const Shape& shape = memory.tensor.shape();
  int64_t offset = 0;
  bool inside = true;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const int64_t at = eval(subscripts[axis]).i;
    inside = inside && at >= 0 && at < shape[axis];
    if (inside) offset = offset * shape[axis] + at;
  }
  return inside ? std::optional(offset) : std::nullopt;
}

/// The offset of an element that there must be; `name` gives what the memory is called.
template <class Name>
int64_t KernelRun::element(const Memory& memory, const Subscripts& subscripts, const Name& name) {
  if (const std::optional<int64_t> at = offset(memory, subscripts)) return *at;
  std::string place;
  for (const ExprPtr& s : subscripts)
    place += fmt::format("{}{}", place.empty() ? "" : ", ", eval(s).i);
  broken(fmt::format("{}[{}] is outside of {}", name(), place,
                     runtime::type_text(memory.tensor.type(), memory.tensor.shape())));
}

/// Compares with where the same access of the turn before went.
void KernelRun::Lanes::note(uint64_t address, uint64_t bytes) {
  const size_t access = next++;
  if (access >= addresses.size()) return addresses.resize(access + 1, address);
  const uint64_t step = address - addresses[access];
  if (step != 0 && step != bytes && turn % kLanes != 0) ++scattered;
  addresses[access] = address;
}

void KernelRun::touch(const Memory& memory, int64_t offset) {
  if (caches_ == nullptr) return;
  const int bytes = runtime::row(memory.tensor.type()).bytes;
  const uint64_t address = memory.address + static_cast<uint64_t>(offset * bytes);
  if (lanes_) lanes_->note(address, static_cast<uint64_t>(bytes));
  if (caches_->l1.access(address)) return;
  ++counts_.l1_misses;
  if (!caches_->l2.access(address)) ++counts_.l2_misses;
}

// ---- statements

void KernelRun::block(const Block& stmts) {
  points_.push_back(++last_point_);
  for (const Stmt& stmt : stmts) std::visit([&](const auto& node) { exec(node); }, stmt.node);
  points_.pop_back();
}

void KernelRun::exec(const For& loop) {
  const int64_t lo = eval(loop.lo).i, hi = eval(loop.hi).i;
  const bool counts = loop.kind == LoopKind::serial || loop.kind == LoopKind::parallel;
  const bool in_lanes = loop.kind == LoopKind::vectorized && caches_ != nullptr && lo < hi;
  const int64_t before = in_lanes ? counts_.counts.instructions() : 0;
  if (in_lanes) lanes_.emplace();
  for (int64_t turn = lo; turn < hi; ++turn) {
    loops_[loop.loop] = turn;
    counts_.counts.turns += counts;
    if (in_lanes) lanes_->turn = turn - lo, lanes_->next = 0;
    block(loop.body);
  }
  if (!in_lanes) return;
  // [snippet issued]
  // The turns are alike: no branch and no range in a vectorized loop depends on it.
  const int64_t turns = hi - lo, vectors = (turns + kLanes - 1) / kLanes;
  const int64_t executed = counts_.counts.instructions() - before;
  counts_.saved += executed - executed / turns * vectors - lanes_->scattered;
  // [end]
  lanes_.reset();
}

void KernelRun::exec(const SetLocal& set) {
  const Type& type = kernel_.locals[set.local];
  Memory& array = arrays_[set.local];
  if (set.declares && !type.is_scalar()) {
    if (array.set.empty()) array.tensor = Tensor(type.dtype, type.shape);
    array.set.assign(static_cast<size_t>(array.tensor.count()), false);
    return;
  }
  if (set.value == nullptr) return;
  const Scalar value = eval(set.value);
  if (type.is_scalar()) {
    locals_[set.local] = value;
    return;
  }
  const int64_t at = element(array, set.subscripts, [&] { return local_name(set.local); });
  array.set[static_cast<size_t>(at)] = false;
  if (set.async) copies_.back().push_back({set.local, at, value});
  else put(set.local, at, value);
}

void KernelRun::put(LocalId local, int64_t at, Scalar value) {
  Memory& array = arrays_[local];
  array.tensor.set(at, value);
  array.set[static_cast<size_t>(at)] = true;
  if (in_registers_[local]) return;
  ++counts_.counts.stores;
  counts_.counts.stored.add(kernel_.locals[local].dtype, 1);
  touch(array, at);
}

void KernelRun::exec(const Await& await) {
  copies_.emplace_back();
  for (; copies_.size() > static_cast<size_t>(await.pending) + 1; copies_.pop_front())
    for (const Copy& copy : copies_.front()) put(copy.array, copy.at, copy.value);
}

void KernelRun::exec(const If& branch) {
  ++counts_.counts.ifs;
  block(eval(branch.condition).i != 0 ? branch.then : branch.otherwise);
}

void KernelRun::exec(const Store& store) {
  Memory& buffer = buffers_[store.buffer];
  const Scalar value = eval(store.value);
  const int64_t at = element(buffer, store.subscripts, [&] { return name_of(store.buffer); });
  buffer.tensor.set(at, value);
  ++counts_.counts.stores;
  counts_.counts.stored.add(value.type, 1);
  if (!store.stream) touch(buffer, at);
}

void KernelRun::exec(const Prefetch& prefetch) {
  const Memory& buffer = buffers_[prefetch.buffer];
  const std::optional<int64_t> at = offset(buffer, prefetch.subscripts);
  if (!at || caches_ == nullptr) return;
  const int64_t l1 = counts_.l1_misses, l2 = counts_.l2_misses;
  touch(buffer, *at);
  counts_.l1_misses = l1, counts_.l2_misses = l2;
}

void KernelRun::exec(const Check& check) {
  ++counts_.counts.checks;
  if (eval(check.holds).i != 0) return;
  const auto number = [&](const ExprPtr& e) { return e == nullptr ? 0 : eval(e).i; };
  throw ast::RunError{{check.fault, number(check.a), number(check.b), check.text}, check.span};
}

void KernelRun::exec(const CallInto& call) {
  std::vector<Slot> args;
  for (const ExprPtr& arg : call.args) args.push_back({eval(arg), {}});
  counts_.counts.add(Op::call);
  locals_[call.local] = caller_.call(call.callee, std::move(args), call.span)[0].scalar;
}

// ---- expressions

Scalar KernelRun::eval(const ExprPtr& e) {
  if (shared_.empty() || !shared_.contains(e.get())) return eval_anew(*e);
  Known& known = known_[e.get()];
  if (known.depth < points_.size() && points_[known.depth] == known.point) return known.value;
  const Scalar value = eval_anew(*e);
  known_[e.get()] = {value, points_.size() - 1, points_.back()};
  return value;
}

Scalar KernelRun::eval_anew(const Expr& e) {
  return std::visit([&](const auto& node) { return value(e, node); }, e.node);
}

Scalar KernelRun::value(const Expr&, const Loop& loop) {
  return Scalar::integer(DType::i64, loops_[loop.loop]);
}

Scalar KernelRun::value(const Expr& e, const Local& local) {
  if (kernel_.locals[local.local].is_scalar()) return locals_[local.local];
  const Memory& array = arrays_[local.local];
  const int64_t at = element(array, local.subscripts, [&] { return local_name(local.local); });
  if (!array.set[static_cast<size_t>(at)])
    broken(fmt::format("element {} of `{}` is read before it is set", at, local_name(local.local)));
  if (!in_registers_[local.local]) {
    ++counts_.counts.reads;
    counts_.counts.loaded.add(e.type, 1);
    touch(array, at);
  }
  return array.tensor.at(at);
}

Scalar KernelRun::value(const Expr& e, const Read& read) {
  const Memory& buffer = buffers_[read.buffer];
  if (read.guard != nullptr && eval(read.guard).i == 0) {
    if (lanes_) ++lanes_->next;
    return runtime::convert(e.type, Scalar::boolean(false));
  }
  const int64_t at = element(buffer, read.subscripts, [&] { return name_of(read.buffer); });
  ++counts_.counts.reads;
  counts_.counts.loaded.add(e.type, 1);
  touch(buffer, at);
  return buffer.tensor.at(at);
}

Scalar KernelRun::value(const Expr& e, const Apply& apply) {
  std::array<Scalar, 3> args;
  for (size_t i = 0; i < apply.args.size(); ++i) args[i] = eval(apply.args[i]);
  const std::span<const Scalar> used(args.data(), apply.args.size());
  if (runtime::divides_by_zero(apply.op, used)) broken("it divides by zero without a check");
  counts_.counts.add(apply.op);
  counts_.counts.flops += flops_of(apply.op, e.type);
  return runtime::eval(apply.op, used);
}

Scalar KernelRun::value(const Expr& e, const Convert& convert) {
  counts_.counts.add(Op::convert);
  return runtime::convert(e.type, eval(convert.operand));
}

Scalar KernelRun::value(const Expr&, const Select& select) {
  const bool holds = eval(select.condition).i != 0;
  const Scalar then = eval(select.then), otherwise = eval(select.otherwise);
  counts_.counts.add(ScalarOp::select);
  return holds ? then : otherwise;
}

}  // namespace tenon::ir::loops
