// at io compute h: what a turn of the loop `io` reads of the definition `h` is computed at the beginning of the turn,
// in an array of its own, instead of the whole of it before: while it is in a cache, or, where `registers` follows, in
// registers. (`compute_at` of Ragan-Kelley et al., "Halide", PLDI 2013.)
//
//     local a: f32[34, 64] of %h              for io in 0..4 {
//     for h0 in 0..34 {                         local b: f32[10, 64] of %h
//       for h1 in 0..64 {                       for h0 in 0..10 {
//         a[h0, h1] = … %x[h0, h1] …              for h1 in 0..64 {
//       }                                           b[h0, h1] = … %x[h0 + io * 8, h1] …
//     }                                           }
//     for io in 0..4 {                          }
//       for ii in 0..8 {                        for ii in 0..8 {
//         for j in 0..64 {                        for j in 0..64 {
//           … a[io * 8 + ii, j]                     … b[ii, j]
//           … a[io * 8 + ii + 2, j]                 … b[ii + 2, j]
//
// Along each axis the turn reads from one place to another: what the loops inside `io` add to what stands still
// during the turn, at least and at most. All between is computed, though the turn might leave some of it out;
// and what neighbouring turns both read, each computes. So it is the schedule that decides between work that is
// done again and memory that is far away. What the producer reads nobody writes meanwhile: no dependence forbids it.
#include <fmt/format.h>

#include <algorithm>

#include "ir/linear.h"
#include "opt/loops/access.h"

namespace tenon::opt::loops {
namespace {

using ir::Wide;

/// What a turn reads along an axis: `extent` elements, from `base` on, which stands still during the turn.
struct Axis {
  LinearForm base;
  Wide lo = 0, hi = -1;  ///< from the base, both included; empty: nothing is read
  Wide extent() const { return hi - lo + 1; }
};

/// The nest that fills the array of a definition, as ir/loops_producers.cpp makes it.
struct Filling {
  size_t declaration, nest;      ///< places in the kernel's body
  std::vector<LoopId> loops;     ///< by axis
  std::vector<int64_t> first;    ///< the loop's first turn: that sets element 0
};

ExprPtr expression_of(const LinearForm& form) {
  ExprPtr all = integer(0);
  for (const auto& [loop, factor] : form.factors)
    if (factor != 0) all = sum(all, product(variable(loop), factor));
  for (const auto& [param, factor] : form.scalars)
    if (factor != 0) all = sum(all, product(make(runtime::DType::i64, Scalar_{param}), factor));
  return sum(all, integer(form.constant));
}

struct Interval {
  Wide lo, hi;
};
/// What a multiple of a loop's variable can be; nothing where the loop's bounds are no constants.
std::optional<Interval> reach_of(const For& loop, int64_t factor) {
  const std::optional<int64_t> lo = constant_of(loop.lo), hi = constant_of(loop.hi);
  if (!lo || !hi) return {};
  const Wide first = Wide{factor} * *lo, last = Wide{factor} * (Wide{*hi} - 1);
  return Interval{std::min(first, last), std::max(first, last)};
}

class ComputeAt {
 public:
  ComputeAt(Kernel& kernel, const Directive& directive)
      : kernel_(kernel), name_(directive.operand), at_(find_loop(kernel, directive.loops[0])) {}

  void run();

 private:
  LocalId find_array() const;
  Filling find_filling() const;
  void check_movable() const;
  void check_reads(const Block& rest) const;
  Block in_turns(const Block& block);
  For in_turn(const For& found);
  bool reads_element(const Block& block) const;
  std::vector<Axis> region_of(const For& found) const;
  void widen(std::vector<Axis>& region, const Local& read, std::span<const For* const> inside) const;
  void check_inside(const std::vector<Axis>& region, const For& found) const;
  Block filled(const std::vector<Axis>& region, LocalId array) const;
  bool is_element(const ExprPtr& e) const {
    const auto* local = std::get_if<Local>(&e->node);
    return local != nullptr && local->local == array_;
  }
  std::string quoted_loop(LoopId loop) const { return quoted(kernel_.loops[loop]); }

  Kernel& kernel_;
  const std::string& name_;
  const LoopId at_;
  LocalId array_ = 0;
  Filling filling_{};
  std::vector<const For*> around_;  ///< the loops around what is looked at, outermost first
};

void ComputeAt::run() {
  array_ = find_array();
  filling_ = find_filling();
  Block& body = kernel_.body;
  if (contains_loop({body[filling_.nest]}, at_))
    throw Refused{fmt::format("loop {} is one of those that compute {}", quoted_loop(at_), quoted(name_))};
  check_movable();
  const auto behind = body.begin() + static_cast<std::ptrdiff_t>(filling_.nest) + 1;
  const Block rest(behind, body.end());
  check_reads(rest);
  Block turns = in_turns(rest);
  body.erase(behind - 1, body.end());
  body.erase(body.begin() + static_cast<std::ptrdiff_t>(filling_.declaration));
  std::ranges::move(turns, std::back_inserter(body));
  kernel_.definitions.erase(array_);
}

// ---- what is there

LocalId ComputeAt::find_array() const {
  for (const auto& [local, name] : kernel_.definitions)
    if (name == name_) return local;
  throw Refused{fmt::format("the nest computes no definition {}", quoted(name_))};
}

Filling ComputeAt::find_filling() const {
  const Refused changed{fmt::format("where and how {} is computed is decided already", quoted(name_))};
  Filling filling{};
  const Block& body = kernel_.body;
  const auto declares = [&](const Stmt& stmt) {
    const auto* set = std::get_if<SetLocal>(&stmt.node);
    return set != nullptr && set->declares && set->local == array_;
  };
  const auto fills = [&](const Stmt& stmt) { return changed_by({stmt}).contains(array_); };
  filling.declaration = static_cast<size_t>(std::ranges::find_if(body, declares) - body.begin());
  filling.nest = static_cast<size_t>(std::ranges::find_if(body, fills) - body.begin());
  if (filling.declaration == body.size() || std::ranges::count_if(body, fills) != 1) throw changed;
  const Stmt* inner = &body[filling.nest];
  while (const auto* loop = std::get_if<For>(&inner->node)) {
    const std::optional<int64_t> lo = constant_of(loop->lo), turns = turns_of(*loop);
    const size_t axis = filling.loops.size();
    const ir::Shape& shape = kernel_.locals[array_].shape;
    if (!lo || loop->kind != LoopKind::serial || axis == shape.size() || turns != shape[axis]) throw changed;
    filling.loops.push_back(loop->loop);
    filling.first.push_back(*lo);
    if (std::ranges::count_if(loop->body, fills) != 1) throw changed;
    inner = &*std::ranges::find_if(loop->body, fills);
  }
  const auto* set = std::get_if<SetLocal>(&inner->node);
  if (set == nullptr || set->subscripts.size() != filling.loops.size()) throw changed;
  for (size_t axis = 0; axis < filling.loops.size(); ++axis)
    if (linear_form(set->subscripts[axis]) != LinearForm{{{filling.loops[axis], 1}}, {}, -filling.first[axis]})
      throw changed;
  size_t over_axes = 0;  // `order` makes others, beside the one that fills
  for_each_stmt({body[filling.nest]}, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    over_axes += loop != nullptr && std::ranges::count(filling.loops, loop->loop) != 0;
  });
  if (over_axes != filling.loops.size()) throw changed;
  return filling;
}

/// Lowering makes no other; a nest written by hand may be one that cannot be taken in parts, later and twice.
void ComputeAt::check_movable() const {
  const Block& body = kernel_.body;
  const auto behind = body.begin() + static_cast<std::ptrdiff_t>(filling_.nest) + 1;
  const Block nest{body[filling_.nest]}, rest(behind, body.end());
  bool movable = changed_by(nest).size() == 1 && !reads_element(Block(body.begin(), behind));
  for_each_stmt(nest, [&](const Stmt& stmt) {
    movable &= std::holds_alternative<For>(stmt.node) || std::holds_alternative<SetLocal>(stmt.node) ||
               std::holds_alternative<If>(stmt.node) || std::holds_alternative<CallInto>(stmt.node);
  });
  const std::set<LocalId> used = used_by(nest);
  for (const LocalId local : changed_by(rest)) movable &= !used.contains(local);
  if (!movable) throw Refused{fmt::format("the loops that compute {} do more than that", quoted(name_))};
}

void ComputeAt::check_reads(const Block& rest) const {
  for_each_expr(rest, [&](const ExprPtr& e, std::span<const For* const> around) {
    if (is_element(e) && std::ranges::count(around, at_, &For::loop) == 0)
      throw Refused{fmt::format("{} is read outside of loop {}, too", quoted(name_), quoted_loop(at_))};
  });
}

// ---- what a turn reads

std::vector<Axis> ComputeAt::region_of(const For& found) const {
  std::vector<Axis> region;
  for_each_expr(found.body, [&](const ExprPtr& e, std::span<const For* const> inside) {
    if (is_element(e)) widen(region, std::get<Local>(e->node), inside);
  });
  if (region.empty()) region.resize(kernel_.locals[array_].shape.size());  // loops without turns
  return region;
}

bool ComputeAt::reads_element(const Block& block) const {
  bool found = false;
  for_each_node(block, [&](const ExprPtr& e) { found |= is_element(e); });
  return found;
}

void ComputeAt::widen(std::vector<Axis>& region, const Local& read, std::span<const For* const> inside) const {
  std::vector<std::optional<LinearForm>> forms;
  for (const ExprPtr& subscript : read.subscripts) {
    forms.push_back(linear_form(subscript));
    if (!forms.back()) throw Refused{fmt::format("a subscript of {} is no sum of multiples of loops", quoted(name_))};
  }
  if (std::ranges::any_of(inside, [](const For* loop) { return turns_of(*loop) == 0; })) return;
  const bool first = region.empty();
  for (size_t axis = 0; axis < forms.size(); ++axis) {
    std::optional<LinearForm>& form = forms[axis];
    Interval reach{form->constant, form->constant};
    form->constant = 0;
    for (const For* loop : inside) {
      const int64_t factor = form->factor(loop->loop);
      if (form->factors.erase(loop->loop) == 0) continue;
      const std::optional<Interval> added = reach_of(*loop, factor);
      if (!added)
        throw Refused{fmt::format("the range of loop {}, which reads {}, is not constant", quoted_loop(loop->loop),
                                  quoted(name_))};
      reach.lo += added->lo, reach.hi += added->hi;
    }
    if (first) region.push_back({*form, reach.lo, reach.hi});
    Axis& so_far = region[axis];
    if (so_far.base != *form)
      throw Refused{fmt::format("a turn of loop {} reads {} at places that are not as far apart in the next",
                                quoted_loop(at_), quoted(name_))};
    so_far.lo = std::min(so_far.lo, reach.lo), so_far.hi = std::max(so_far.hi, reach.hi);
  }
}

/// Where a branch or a loop without constant bounds leaves some of it out, more could be meant than there is.
void ComputeAt::check_inside(const std::vector<Axis>& region, const For& found) const {
  std::vector<const For*> around = around_;
  around.push_back(&found);
  if (std::ranges::any_of(around, [](const For* loop) { return turns_of(*loop) == 0; })) return;
  for (size_t axis = 0; axis < region.size(); ++axis) {
    LinearForm base = region[axis].base;
    Interval reach{region[axis].lo, region[axis].hi};
    for (const For* loop : around) {
      const std::optional<Interval> added = reach_of(*loop, base.factor(loop->loop));
      if (!added) continue;
      reach.lo += added->lo, reach.hi += added->hi;
      base.factors.erase(loop->loop);
    }
    if (base != LinearForm{} || reach.lo < 0 || reach.hi >= kernel_.locals[array_].shape[axis])
      throw Refused{fmt::format("a turn of loop {} reads {} under a condition, and not from one place to another",
                                quoted_loop(at_), quoted(name_))};
  }
}

// ---- what becomes of it

Block ComputeAt::in_turns(const Block& block) {
  Block result;
  for (const Stmt& stmt : block) {
    if (const auto* loop = std::get_if<For>(&stmt.node); loop != nullptr && loop->loop == at_) {
      result.push_back({in_turn(*loop), stmt.span});
    } else if (loop != nullptr) {
      For copy = *loop;
      around_.push_back(loop);
      copy.body = in_turns(loop->body);
      around_.pop_back();
      result.push_back({std::move(copy), stmt.span});
    } else if (const auto* branch = std::get_if<If>(&stmt.node)) {
      result.push_back({If{branch->condition, in_turns(branch->then), in_turns(branch->otherwise)}, stmt.span});
    } else {
      result.push_back(stmt);
    }
  }
  return result;
}

For ComputeAt::in_turn(const For& found) {
  constexpr int64_t kMostElements = int64_t{1} << 28;
  if (!reads_element(found.body)) return found;
  const std::vector<Axis> region = region_of(found);
  check_inside(region, found);
  ir::Shape shape;
  int64_t elements = 1;
  for (const Axis& axis : region) {
    if (axis.extent() * elements > kMostElements)
      throw Refused{fmt::format("what a turn reads of {} is too large", quoted(name_))};
    shape.push_back(static_cast<int64_t>(axis.extent()));
    elements *= shape.back();
  }
  const LocalId array = add_local(kernel_, kernel_.locals[array_].dtype, shape);
  kernel_.definitions.emplace(array, name_);
  Copier reader([&](const ExprPtr& e) {
    if (!is_element(e)) return e;
    Subscripts places;
    for (size_t axis = 0; axis < region.size(); ++axis) {
      LinearForm place = *linear_form(std::get<Local>(e->node).subscripts[axis]);
      const auto take = [](int64_t& from, Wide number) { from = static_cast<int64_t>(from - number); };
      for (const auto& [loop, factor] : region[axis].base.factors) take(place.factors[loop], factor);
      for (const auto& [param, factor] : region[axis].base.scalars) take(place.scalars[param], factor);
      take(place.constant, region[axis].lo);
      places.push_back(expression_of(place));
    }
    return get(kernel_, array, std::move(places));
  });
  For result = found;
  result.body = {Stmt{SetLocal{array, nullptr, true}}};
  for (Block part : {filled(region, array), reader.block(found.body)})
    std::ranges::move(part, std::back_inserter(result.body));
  return result;
}

/// The nest that computes the region.
Block ComputeAt::filled(const std::vector<Axis>& region, LocalId array) const {
  Subscripts places;
  std::map<LoopId, ExprPtr> elements;  // of the definition, by loop
  for (size_t axis = 0; axis < region.size(); ++axis) {
    const LoopId loop = filling_.loops[axis];
    LinearForm first = region[axis].base;
    first.constant = static_cast<int64_t>(region[axis].lo + filling_.first[axis]);
    first.factors[loop] = 1;
    places.push_back(variable(loop));
    elements.emplace(loop, expression_of(first));
  }
  Copier copier([&](const ExprPtr& e) {
    const auto* loop = std::get_if<Loop>(&e->node);
    const auto found = loop == nullptr ? elements.end() : elements.find(loop->loop);
    return found == elements.end() ? e : found->second;
  });
  Block nest = copier.block({kernel_.body[filling_.nest]});
  Block* block = &nest;
  for (size_t axis = 0; axis < region.size(); ++axis) {
    const auto is_axis = [&](const Stmt& stmt) {
      const auto* loop = std::get_if<For>(&stmt.node);
      return loop != nullptr && loop->loop == filling_.loops[axis];
    };
    auto& loop = std::get<For>(std::ranges::find_if(*block, is_axis)->node);
    loop.lo = integer(0), loop.hi = integer(kernel_.locals[array].shape[axis]);
    block = &loop.body;
  }
  for (Stmt& stmt : *block)
    if (auto* set = std::get_if<SetLocal>(&stmt.node); set != nullptr && set->local == array_)
      set->local = array, set->subscripts = places;
  return nest;
}

}  // namespace

void at(Kernel& kernel, const Directive& directive, Mode) { ComputeAt(kernel, directive).run(); }

}  // namespace tenon::opt::loops
