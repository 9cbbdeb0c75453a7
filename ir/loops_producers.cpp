// Computes inside a compute: the nest of each stands in front of its reader's, and fills an array that is read
// where the tensor was. What part of it is needed when, the directive `at` finds (opt/loops/at.cpp).
//
//     %y = compute %h = [i: 8] { %x[i] * 2.0 } in [i: 6] { %h[i] + %h[i + 2] }
//
//     local a: f32[8] of %h
//     for h0 in 0..8 { a[h0] = %x[h0] * 2.0 }
//     for i in 0..6 { %y[i] = a[i] + a[i + 2] }
//
// An array has no guards, as it is read by a subscript alone. So one that is read as `if i > 0 { h[i - 1] } else { … }`
// has a margin, of elements that are computed and not wanted; what they read beyond other tensors is 0.
#include <fmt/format.h>

#include <algorithm>

#include "ir/loops_lowering.h"
#include "ir/loops_walk.h"

namespace tenon::ir::loops {
namespace {

/// Into which ids of another nest those of a nest go.
struct Renumbering {
  std::vector<BufferId> buffers = {};
  std::vector<uint32_t> scalars = {};
  LoopId first_loop = 0;
  LocalId first_local = 0;
};

ExprPtr renumbered(const ExprPtr& e, const Renumbering& to) {
  Expr made = *e;
  if (auto* read = std::get_if<Read>(&made.node)) read->buffer = to.buffers[read->buffer];
  else if (auto* loop = std::get_if<Loop>(&made.node)) loop->loop += to.first_loop;
  else if (auto* local = std::get_if<Local>(&made.node)) local->local += to.first_local;
  else if (auto* scalar = std::get_if<Scalar_>(&made.node)) scalar->param = to.scalars[scalar->param];
  else return e;
  return std::make_shared<const Expr>(std::move(made));
}

/// What statements name themselves, their expressions aside.
void renumber(Block& block, const Renumbering& to) {
  for (Stmt& stmt : block) {
    if (auto* store = std::get_if<Store>(&stmt.node)) store->buffer = to.buffers[store->buffer];
    if (auto* set = std::get_if<SetLocal>(&stmt.node)) set->local += to.first_local;
    if (auto* call = std::get_if<CallInto>(&stmt.node)) call->local += to.first_local;
    if (auto* branch = std::get_if<If>(&stmt.node)) renumber(branch->then, to), renumber(branch->otherwise, to);
    if (auto* loop = std::get_if<For>(&stmt.node)) {
      loop->loop += to.first_loop;
      renumber(loop->body, to);
    }
  }
}

/// What is stored is set in an array.
void set_instead_of_store(Block& block, LocalId array, std::span<const Range> domain) {
  for (Stmt& stmt : block) {
    if (auto* loop = std::get_if<For>(&stmt.node)) set_instead_of_store(loop->body, array, domain);
    const auto* store = std::get_if<Store>(&stmt.node);
    if (store == nullptr) continue;
    Subscripts places;
    for (size_t axis = 0; axis < domain.size(); ++axis)
      places.push_back(sum(store->subscripts[axis], integer(-domain[axis].lo)));
    stmt.node = SetLocal{array, store->value, false, false, std::move(places)};
  }
}

/// Puts the nest of a producer in front of its reader's: what reads the tensor reads an array, which has the
/// elements of `domain`.
class Joining {
 public:
  Joining(Kernel& kernel, Kernel producer, ValueId tensor, std::span<const Range> domain,
          std::span<const Range> reach)
      : kernel_(kernel), producer_(std::move(producer)), tensor_(tensor), domain_(domain), reach_(reach) {}

  void run();

 private:
  BufferId share(const Kernel& from, BufferId input);
  void take_buffers(BufferId gone);
  void take_scalars();
  void take_loops(const std::string& name);
  LocalId add_array(const Buffer& buffer);
  void take_locals();
  ExprPtr element(const Read& read, DType type, LocalId array) const;

  Kernel& kernel_;
  Kernel producer_;
  const ValueId tensor_;
  const std::span<const Range> domain_, reach_;
  Renumbering of_reader_, of_producer_;
  std::vector<Buffer> buffers_;
  std::vector<ValueId> values_;  ///< of the inputs among them
};

void Joining::run() {
  const auto at = std::ranges::find(kernel_.buffer_values, tensor_);
  if (at == kernel_.buffer_values.end()) return;
  const auto gone = static_cast<BufferId>(at - kernel_.buffer_values.begin());
  const Buffer buffer = kernel_.buffers[gone];
  take_loops(buffer.name);
  const LocalId array = add_array(buffer);
  take_locals();
  take_scalars();
  take_buffers(gone);

  Copier of_producer([&](const ExprPtr& e) { return renumbered(e, of_producer_); });
  Block filling = of_producer.block(producer_.body);
  set_instead_of_store(filling, array, domain_);
  renumber(filling, of_producer_);
  Copier of_reader([&](const ExprPtr& e) {
    const auto* read = std::get_if<Read>(&e->node);
    return read != nullptr && read->buffer == gone ? element(*read, e->type, of_producer_.first_local + array) : renumbered(e, of_reader_);
  });
  Block reading = of_reader.block(kernel_.body);
  renumber(reading, of_reader_);
  kernel_.body = {Stmt{SetLocal{of_producer_.first_local + array, nullptr, true}}};
  for (Block* block : {&filling, &reading}) std::ranges::move(*block, std::back_inserter(kernel_.body));
}

BufferId Joining::share(const Kernel& from, BufferId input) {
  const ValueId value = from.buffer_values[input];
  const auto known = std::ranges::find(values_, value);
  const auto id = static_cast<BufferId>(known - values_.begin());
  if (known != values_.end()) return id;
  values_.push_back(value);
  buffers_.push_back(from.buffers[input]);
  return id;
}

void Joining::take_buffers(BufferId gone) {
  for (BufferId input = 0; input < kernel_.buffer_values.size(); ++input)
    of_reader_.buffers.push_back(input == gone ? gone : share(kernel_, input));
  for (BufferId input = 0; input < producer_.buffer_values.size(); ++input)
    of_producer_.buffers.push_back(share(producer_, input));
  for (size_t output = kernel_.buffer_values.size(); output < kernel_.buffers.size(); ++output) {
    of_reader_.buffers.push_back(static_cast<BufferId>(buffers_.size()));
    buffers_.push_back(kernel_.buffers[output]);
  }
  kernel_.buffers = std::move(buffers_), kernel_.buffer_values = std::move(values_);
}

void Joining::take_scalars() {
  for (uint32_t scalar = 0; scalar < kernel_.scalars.size(); ++scalar) of_reader_.scalars.push_back(scalar);
  for (size_t scalar = 0; scalar < producer_.scalars.size(); ++scalar) {
    const ValueId value = producer_.scalar_values[scalar];
    const auto known = std::ranges::find(kernel_.scalar_values, value);
    of_producer_.scalars.push_back(static_cast<uint32_t>(known - kernel_.scalar_values.begin()));
    if (known != kernel_.scalar_values.end()) continue;
    kernel_.scalar_values.push_back(value);
    kernel_.scalars.push_back(producer_.scalars[scalar]);
  }
}

/// The producer's loops are called after its tensor, as those of a copy are.
void Joining::take_loops(const std::string& name) {
  of_producer_.first_loop = static_cast<LoopId>(kernel_.loops.size());
  for (size_t loop = 0; loop < producer_.loops.size(); ++loop) {
    const std::string wanted = ast::typed::copy_loop(name, loop);
    std::string free = wanted;
    for (int number = 2; std::ranges::count(kernel_.loops, text_name(free)) != 0; ++number)
      free = fmt::format("{}{}", wanted, number);
    kernel_.loops.push_back(text_name(free));
  }
}

/// Among the producer's locals.
LocalId Joining::add_array(const Buffer& buffer) {
  const auto array = static_cast<LocalId>(producer_.locals.size());
  Shape shape;
  for (const Range& axis : domain_) shape.push_back(axis.hi - axis.lo + 1);
  producer_.locals.push_back({buffer.type.dtype, std::move(shape)});
  producer_.definitions.emplace(array, buffer.name);
  return array;
}

void Joining::take_locals() {
  of_producer_.first_local = static_cast<LocalId>(kernel_.locals.size());
  kernel_.locals.insert(kernel_.locals.end(), producer_.locals.begin(), producer_.locals.end());
  for (const auto& [local, name] : producer_.definitions)
    kernel_.definitions.emplace(of_producer_.first_local + local, name);
}

/// A read with a guard may lie further out than the array does.
ExprPtr Joining::element(const Read& read, DType type, LocalId array) const {
  Subscripts places;
  for (size_t axis = 0; axis < domain_.size(); ++axis) {
    const auto [lo, hi] = domain_[axis];
    ExprPtr place = read.subscripts[axis];
    if (read.guard != nullptr && (reach_[axis].lo < lo || reach_[axis].hi > hi))
      place = apply(ScalarOp::max, {apply(ScalarOp::min, {place, integer(hi)}), integer(lo)});
    places.push_back(sum(place, integer(-lo)));
  }
  ExprPtr element = make(type, Local{array, std::move(places)});
  if (read.guard == nullptr) return element;
  const ExprPtr zero = constant(runtime::convert(type, Scalar::integer(DType::i64, 0)));
  return make(type, Select{read.guard, std::move(element), zero});
}

// ---- margins

/// Divides by what might be 0 where it is not asked for.
bool divides(const Function& function, const Compute& compute) {
  bool found = false;
  for_each_node(function.exprs, compute.bodies, [&](ExprId id) {
    const IndexExpr& node = function.exprs[id];
    found |= node.kind == ExprKind::apply && runtime::is_integer(node.type) &&
             (node.op == ScalarOp::div || node.op == ScalarOp::mod) &&
             function.exprs[node.args[1]].kind != ExprKind::constant;
  });
  return found;
}

std::vector<Range> domain_of(const Compute& compute) {
  std::vector<Range> domain;
  for (const int64_t extent : compute.extents) domain.push_back({0, extent - 1});
  return domain;
}

/// The domain with margins that are no wider than itself; without, if it cannot have them.
std::vector<Range> with_margins(const Function& function, const Inst& producer, std::span<const Range> reach) {
  const Compute& compute = producer.get<Compute>();
  const std::vector<Range> plain = domain_of(compute);
  std::vector<Range> domain = plain;
  constexpr int64_t kLongest = int64_t{1} << 32;
  Shape shape;
  for (size_t axis = 0; axis < domain.size(); ++axis) {
    const int64_t extent = compute.extents[axis];
    if (extent <= kLongest && reach[axis].lo >= -extent && reach[axis].hi < 2 * extent) domain[axis] = reach[axis];
    shape.push_back(domain[axis].hi - domain[axis].lo + 1);
  }
  const bool fits = runtime::byte_count(function.exprs[compute.bodies[0]].type, shape).has_value();
  return fits && !divides(function, compute) ? domain : plain;
}

}  // namespace

Kernel lower(const Module& module, const Function& function, const Inst& compute,
             std::string name, const std::set<FuncId>& shared_callees) {
  const std::vector<Inst>& producers = compute.get<Compute>().producers;
  Reach reach;
  for (const Inst& producer : producers) reach.emplace(producer.result(), domain_of(producer.get<Compute>()));
  Kernel kernel = Lowering(module, function, compute, name, shared_callees)
                      .run(domain_of(compute.get<Compute>()), reach);
  for (auto producer = producers.rbegin(); producer != producers.rend(); ++producer) {  // readers before
    const std::vector<Range> reached = reach.at(producer->result());
    const std::vector<Range> domain = with_margins(function, *producer, reached);
    Kernel made = Lowering(module, function, *producer, name, shared_callees).run(domain, reach);
    Joining(kernel, std::move(made), producer->result(), domain, reached).run();
  }
  return kernel;
}

}  // namespace tenon::ir::loops
