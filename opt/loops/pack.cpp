// pack w at jo: at the beginning of each turn of the loop `jo`, what the turn reads of %w is copied into
// an array of its own, in the order of the loops that read it; then it is read there, one element
// after the other. That pays where elements are read many times, and far apart: a panel of a matrix
// whose rows are long takes a page of memory for every row, and a transposed one goes by columns.
//
//     for jo { for k { for ji { … %w[k, jo * 32 + ji] … } } }
//
//     for jo {
//       local b: f32[64, 32]
//       for w0 { for w1 { b[w0, w1] = %w[w0, jo * 32 + w1] } }
//       for k { for ji { … b[k, ji] … } }
//     }
//
// The array has an axis for each loop, from the outside in, so that what the innermost one reads lies side by
// side. Loops that step through one subscript together, as those over the pixels and the window of a convolution
// do, share an axis: so nothing is copied twice. Where the innermost loop of all takes longer steps, x[j * 2 + k] is copied as b[k % 2, k / 2 + j]:
// what is read side by side lies side by side. The guard of a read moves into the copy: an image gets its
// margin there, and is read without a question. Of a matrix that is multiplied with itself, x[i, k] * x[j, k], it is
// the reads that `jo` moves that are copied; of several such, the first, and those like it: said again, it copies the
// next. (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", TOMS 2008.)
#include <fmt/format.h>

#include <algorithm>

#include "opt/loops/access.h"
#include "opt/loops/shared.h"

namespace tenon::opt::loops {
namespace {

using runtime::ScalarOp;

/// An axis of the array.
struct Axis {
  ExprPtr place;   ///< along it, from 0 on, of what is read
  int64_t extent;
  LoopId takes;    ///< in the copy this loop's variable is the place, and the others of `loops` are 0
  std::vector<LoopId> loops;
};

/// Puts copies into the turns of one occurrence of the loop `at`.
class Packing {
 public:
  Packing(Kernel& kernel, BufferId buffer, const For& at, const std::vector<LoopId>& copy_loops,
          CopyOrder order)
      : kernel_(kernel), buffer_(buffer), at_(at), copy_loops_(copy_loops), order_(order) {}

  /// How many axes the array has, once the reads are known.
  size_t find();
  Block run();
  /// What has been done, behind run().
  CopiedOperand made() const { return made_; }

 private:
  bool moves(const Read& read) const;
  bool is_meant(const Read& read) const { return !copied_.contains(&read) && (!moves_ || moves(read)); }
  bool is_like_first(const Read& read) const;
  void note(const Read& read, const std::vector<const For*>& around);
  void make_axes();
  void add_axes(const LinearForm& form, const std::vector<LoopId>& loops, int64_t reach);
  void add_stepped(const Axis& before, LoopId innermost, int64_t step, int64_t reach);
  void add_apart(const LinearForm& form, const std::vector<LoopId>& loops, bool forward, int64_t reach);
  void go_no_further(const ExprPtr& place, int64_t reach);
  size_t rank(LoopId loop) const;
  ir::Shape shape() const;
  ExprPtr source(const ExprPtr& e) const;

  Kernel& kernel_;
  BufferId buffer_;
  const For& at_;
  const std::vector<LoopId>& copy_loops_;  ///< one for each axis
  const CopyOrder order_;
  CopiedOperand made_{};
  std::set<const Read*> copied_;           ///< by copies that are there already
  const Read* read_ = nullptr;             ///< the first; those like it are copied
  LoopId innermost_ = 0;                   ///< of the loops around it
  bool moves_ = false;                     ///< some reads are of other elements in each turn of `at`
  std::vector<LoopId> loops_;              ///< inside `at` that its subscripts have, outermost first
  std::map<LoopId, int64_t> last_;         ///< the last value of their variables
  std::set<LoopId> uneven_;                ///< those whose last value differs from place to place
  std::map<size_t, int64_t> reach_;        ///< by step along the tensor: the largest sum of multiples of them
  std::vector<Axis> axes_;
  ExprPtr reached_;  ///< in the reader's loops: what the copy must not go beyond; none if it cannot
};

size_t Packing::find() {
  for_each_stmt(at_.body, [&](const Stmt& stmt) {
    const auto* set = std::get_if<SetLocal>(&stmt.node);
    if (set != nullptr && !set->subscripts.empty() && set->value != nullptr)
      copied_.insert(std::get_if<Read>(&set->value->node));
  });
  for_each_read(at_.body, buffer_, [&](const Read& read, const std::vector<const For*>&) {
    moves_ = moves_ || (!copied_.contains(&read) && moves(read));
  });
  for_each_read(at_.body, buffer_, [&](const Read& read, const std::vector<const For*>& around) {
    if (is_meant(read)) note(read, around);
  });
  if (read_ != nullptr) make_axes();
  return axes_.size();
}

bool Packing::moves(const Read& read) const {
  return std::ranges::any_of(read.subscripts, [&](const ExprPtr& s) { return mentions_loop(s, at_.loop); });
}

bool Packing::is_like_first(const Read& read) const {
  const bool same_guard = read.guard == nullptr ? read_->guard == nullptr
                                                : read_->guard != nullptr && same_text(read.guard, read_->guard);
  return same_guard && std::ranges::equal(read.subscripts, read_->subscripts, same_text);
}

void Packing::note(const Read& read, const std::vector<const For*>& around) {
  const std::string& name = kernel_.buffers[buffer_].name;
  if (read_ == nullptr) {
    read_ = &read;
    if (!around.empty()) innermost_ = around.back()->loop;
  } else if (!is_like_first(read)) {
    return;
  }
  std::map<LoopId, int64_t> last;  // here; in a tail it is another
  for (const For* loop : around) {
    bool used = false;
    for (const ExprPtr& s : read.subscripts) used |= mentions_loop(s, loop->loop);
    if (!used) continue;
    const std::optional<int64_t> lo = constant_of(loop->lo), hi = constant_of(loop->hi);
    if (!lo || !hi || *lo < 0)
      throw Refused{fmt::format("the range of loop {}, which reads %{}, is not constant",
                                quoted(kernel_.loops[loop->loop]), name)};
    if (!last_.contains(loop->loop)) {  // its tails come behind it
      if (*lo != 0)
        throw Refused{fmt::format("loop {}, which reads %{}, does not begin at 0",
                                  quoted(kernel_.loops[loop->loop]), name)};
      loops_.push_back(loop->loop);
    }
    last[loop->loop] = *hi - 1;
    if (last_.contains(loop->loop) && last_[loop->loop] != *hi - 1) uneven_.insert(loop->loop);
    last_[loop->loop] = std::max(last_[loop->loop], *hi - 1);
  }
  const std::vector<Step> steps = steps_along(kernel_.buffers[buffer_].type.shape, read.subscripts);
  for (size_t i = 0; i < steps.size(); ++i) {
    const std::optional<LinearForm> form = linear_form(steps[i].subscript);
    int64_t reach = 0;
    for (const auto& [loop, value] : last) reach += form ? form->factor(loop) * value : 0;
    reach_[i] = std::max(reach_[i], reach);
  }
}

size_t Packing::rank(LoopId loop) const {
  return static_cast<size_t>(std::ranges::find(loops_, loop) - loops_.begin());
}

void Packing::make_axes() {
  const std::vector<Step> steps = steps_along(kernel_.buffers[buffer_].type.shape, read_->subscripts);
  for (size_t i = 0; i < steps.size(); ++i) {
    const std::optional<LinearForm> form = linear_form(steps[i].subscript);
    if (!form)
      throw Refused{fmt::format("a subscript of %{} is no sum of multiples of loops",
                                kernel_.buffers[buffer_].name)};
    std::vector<LoopId> loops;
    for (const LoopId loop : loops_)
      if (form->factor(loop) != 0) loops.push_back(loop);
    if (!loops.empty()) add_axes(*form, loops, reach_[i]);
  }
  if (order_ == CopyOrder::as_read)
    std::ranges::stable_sort(axes_, {}, [&](const Axis& axis) { return rank(axis.loops.back()); });
}

/// Loops share an axis where they share a subscript and leave out none of its elements; else each has its
/// own.
void Packing::add_axes(const LinearForm& form, const std::vector<LoopId>& loops, int64_t reach) {
  const LoopId innermost = loops.back();
  const int64_t step = form.factor(innermost);
  Axis shared{integer(0), 1, innermost, {}};  // by all but the innermost
  bool forward = step > 0, by_one = step == 1;
  for (const LoopId loop : loops) {
    forward = forward && form.factor(loop) > 0;
    if (loop == innermost) continue;
    shared.place = sum(shared.place, product(variable(loop), form.factor(loop)));
    shared.extent += form.factor(loop) * last_[loop];
    shared.loops.push_back(loop);
    if (form.factor(loop) == 1) by_one = true, shared.takes = loop;
  }
  if (!forward || !by_one || (step > 1 && order_ == CopyOrder::as_stored)) {
    add_apart(form, loops, forward, reach);
  } else if (step > 1 && innermost == innermost_) {
    add_stepped(shared, innermost, step, reach);
  } else {
    const LoopId takes = step == 1 ? innermost : shared.takes;
    axes_.push_back({sum(shared.place, product(variable(innermost), step)), reach + 1, takes, loops});
  }
}

/// An axis for each loop. Where loops have tails the axes together have room for more than what is read.
void Packing::add_apart(const LinearForm& form, const std::vector<LoopId>& loops, bool forward, int64_t reach) {
  ExprPtr place = integer(0);
  int64_t room = 0;
  for (const LoopId loop : loops) {
    axes_.push_back({variable(loop), last_[loop] + 1, loop, {loop}});
    place = sum(place, product(variable(loop), form.factor(loop)));
    room += form.factor(loop) * last_[loop];
    if (!forward && loops.size() > 1 && uneven_.contains(loop))
      throw Refused{fmt::format("loop {}, whose tail ends earlier, reads %{} backwards with others",
                                quoted(kernel_.loops[loop]), kernel_.buffers[buffer_].name)};
  }
  if (forward && room > reach) go_no_further(place, reach);
}

/// The copy leaves out what lies behind `reach`.
void Packing::go_no_further(const ExprPtr& place, int64_t reach) {
  const ExprPtr read = apply(ScalarOp::lt, {place, integer(reach + 1)});
  reached_ = reached_ == nullptr ? read : both(reached_, read);
}

/// One axis for what the place before the innermost loop leaves when it is divided by the step, and one for
/// the quotient, along which the innermost loop goes by one.
void Packing::add_stepped(const Axis& before, LoopId innermost, int64_t step, int64_t reach) {
  const ExprPtr rest = apply(ScalarOp::mod, {before.place, integer(step)}),
                quotient = apply(ScalarOp::div, {before.place, integer(step)});
  const int64_t rests = std::min(step, before.extent);
  axes_.push_back({rest, rests, before.takes, before.loops});
  axes_.push_back({sum(quotient, variable(innermost)), reach / step + 1, innermost, {innermost}});
  if (reach % step + 1 >= rests) return;
  // The two axes together have room for more than what is read.
  go_no_further(sum(variable(before.takes), product(variable(innermost), step)), reach);
}

ir::Shape Packing::shape() const {
  constexpr int64_t kMostElements = int64_t{1} << 28;
  ir::Shape shape;
  int64_t elements = 1;
  for (const Axis& axis : axes_) {
    if (axis.extent > kMostElements / elements)
      throw Refused{fmt::format("what is read of %{} there is too large to be copied",
                                kernel_.buffers[buffer_].name)};
    elements *= axis.extent;
    shape.push_back(axis.extent);
  }
  return shape;
}

/// x + 0 and 0 * x, which the copy's places leave behind.
ExprPtr without_zeros(const ExprPtr& e) {
  const auto* apply = std::get_if<Apply>(&e->node);
  if (apply == nullptr || !runtime::is_integer(e->type)) return e;
  if (apply->op == ScalarOp::add) return sum(apply->args[0], apply->args[1]);
  const bool scales = apply->op == ScalarOp::mul;
  if (scales && (constant_of(apply->args[0]) == 0 || constant_of(apply->args[1]) == 0)) return integer(0);
  return e;
}

/// An expression of the reader's loops, in those of the copy.
ExprPtr Packing::source(const ExprPtr& e) const {
  Copier copier([&](const ExprPtr& node) -> ExprPtr {
    const auto* loop = std::get_if<Loop>(&node->node);
    if (loop == nullptr) return without_zeros(node);
    for (size_t axis = 0; axis < axes_.size(); ++axis)
      if (axes_[axis].takes == loop->loop) return variable(copy_loops_[axis]);
    const bool is_other = std::ranges::any_of(
        axes_, [&](const Axis& axis) { return std::ranges::count(axis.loops, loop->loop) != 0; });
    return is_other ? integer(0) : node;
  });
  return copier.expr(e);
}

Block Packing::run() {
  const LocalId array = add_local(kernel_, kernel_.buffers[buffer_].type.dtype, shape());
  Subscripts places, copy_places, sources;
  for (size_t axis = 0; axis < axes_.size(); ++axis) {
    places.push_back(axes_[axis].place);
    copy_places.push_back(variable(copy_loops_[axis]));
  }
  for (const ExprPtr& s : read_->subscripts) sources.push_back(source(s));
  ExprPtr guard = read_->guard == nullptr ? reached_ : read_->guard;
  if (read_->guard != nullptr && reached_ != nullptr) guard = both(reached_, read_->guard);
  if (guard != nullptr) guard = source(guard);
  const std::optional<Strides> strides = strides_of(kernel_.buffers[buffer_].type.shape, sources);
  const LoopId last = copy_loops_[axes_.size() - 1];
  made_ = {array, {copy_loops_.begin(), copy_loops_.begin() + static_cast<std::ptrdiff_t>(axes_.size())},
           guard == nullptr && strides && strides->contains(last) && strides->at(last) == 1};
  const ExprPtr element =
      make(kernel_.locals[array].dtype, Read{buffer_, std::move(sources), guard});
  // [snippet copy]
  Block copy{Stmt{SetLocal{array, element, false, false, copy_places}}};
  for (size_t axis = axes_.size(); axis-- > 0;)
    copy = {Stmt{For{copy_loops_[axis], integer(0), integer(axes_[axis].extent), std::move(copy)}}};

  Copier copier([&](const ExprPtr& e) {
    const auto* read = std::get_if<Read>(&e->node);
    return read != nullptr && read->buffer == buffer_ && is_meant(*read) && is_like_first(*read)
               ? get(kernel_, array, places)
               : e;
  });
  For result = at_;
  result.body = {Stmt{SetLocal{array, nullptr, true}}, std::move(copy[0])};
  for (Stmt& stmt : copier.block(at_.body)) result.body.push_back(std::move(stmt));
  // [end]
  return {Stmt{std::move(result)}};
}

}  // namespace

std::vector<CopiedOperand> copy_operand(Kernel& kernel, const Directive& directive, CopyOrder order) {
  const LoopId loop = find_loop(kernel, directive.loops[0]);
  const BufferId buffer = find_input(kernel, directive.operand);
  std::vector<LoopId> copy_loops;
  std::vector<CopiedOperand> made;
  replace_loops(kernel.body, loop, [&](const For& found) -> Block {
    Packing packing(kernel, buffer, found, copy_loops, order);
    const size_t axes = packing.find();
    if (axes == 0) return {Stmt{found}};
    while (copy_loops.size() < axes)
      copy_loops.push_back(
          add_loop(kernel, fresh_name(kernel, ast::typed::copy_loop(directive.operand, copy_loops.size()))));
    Block result = packing.run();
    made.push_back(packing.made());
    return result;
  });
  return made;
}

void pack(Kernel& kernel, const Directive& directive, Mode) {
  copy_operand(kernel, directive, CopyOrder::as_read);
}

}  // namespace tenon::opt::loops
