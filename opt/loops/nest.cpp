#include "opt/loops/nest.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "ir/text.h"
#include "opt/loops/access.h"

namespace tenon::opt::loops {

using runtime::Scalar;
using runtime::ScalarOp;

// ---- loops

std::string quoted(std::string_view name) {
  return fmt::format("`{}`", name);
}

std::string quoted(const Kernel&, LocalId local) {
  return quoted(local_name(local));
}

LoopId find_loop(const Kernel& kernel, std::string_view index) {
  const std::string name = ir::text_name(index);
  std::set<LoopId> found;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop != nullptr && kernel.loops[loop->loop] == name) found.insert(loop->loop);
  });
  if (found.empty()) throw Refused{fmt::format("there is no loop {}", quoted(index))};
  if (found.size() > 1) throw Refused{fmt::format("several loops are called {}", quoted(index))};
  return *found.begin();
}

LoopId add_loop(Kernel& kernel, std::string_view index) {
  const std::string name = ir::text_name(index);
  bool taken = false;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    taken |= loop != nullptr && kernel.loops[loop->loop] == name;
  });
  if (taken) throw Refused{fmt::format("there is a loop {} already", quoted(name))};
  kernel.loops.push_back(name);
  return static_cast<LoopId>(kernel.loops.size() - 1);
}

BufferId find_input(const Kernel& kernel, std::string_view name) {
  for (BufferId b = 0; b < kernel.buffer_values.size(); ++b)
    if (kernel.buffers[b].name == name) return b;
  throw Refused{fmt::format("the kernel reads no tensor {}", quoted(name))};
}

std::string fresh_name(const Kernel& kernel, std::string_view hint) {
  std::string name(hint);
  for (int number = 2; std::ranges::count(kernel.loops, ir::text_name(name)) != 0; ++number)
    name = fmt::format("{}{}", hint, number);
  return name;
}

LocalId add_local(Kernel& kernel, runtime::DType type, ir::Shape shape) {
  kernel.locals.push_back({type, std::move(shape)});
  return static_cast<LocalId>(kernel.locals.size() - 1);
}

static void replace_loops(Block& block, LoopId loop, const For* around,
                          const std::function<Block(const For&, const For*)>& change) {
  Block result;
  for (Stmt& stmt : block) {
    auto* found = std::get_if<For>(&stmt.node);
    if (found != nullptr && found->loop == loop) {
      for (Stmt& made : change(*found, around)) result.push_back(std::move(made));
      continue;
    }
    if (found != nullptr) replace_loops(found->body, loop, found, change);
    if (auto* branch = std::get_if<If>(&stmt.node)) {
      replace_loops(branch->then, loop, around, change);
      replace_loops(branch->otherwise, loop, around, change);
    }
    result.push_back(std::move(stmt));
  }
  block = std::move(result);
}

void replace_loops(Block& block, LoopId loop, const std::function<Block(const For&, const For*)>& change) {
  replace_loops(block, loop, nullptr, change);
}

void replace_loops(Block& block, LoopId loop, const std::function<Block(const For&)>& change) {
  replace_loops(block, loop, [&](const For& found, const For*) { return change(found); });
}

void for_each_loop(const Block& block, LoopId loop, const std::function<void(const For&)>& visit) {
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* found = std::get_if<For>(&stmt.node);
    if (found != nullptr && found->loop == loop) visit(*found);
  });
}

void require_serial(const Kernel& kernel, const For& loop) {
  if (loop.kind == LoopKind::serial) return;
  throw Refused{fmt::format("how loop {} runs is decided already", quoted(kernel.loops[loop.loop]))};
}

void require_no_lanes(const Kernel& kernel, LoopId loop) {
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* around = std::get_if<For>(&stmt.node);
    if (around == nullptr || around->kind != LoopKind::vectorized) return;
    if (around->loop == loop || contains_loop(around->body, loop))
      throw Refused{fmt::format("the turns of loop {} are lanes", quoted(kernel.loops[around->loop]))};
  });
}

bool contains_loop(const Block& block, LoopId loop) {
  bool found = false;
  for_each_loop(block, loop, [&](const For&) { found = true; });
  return found;
}

// ---- locals

std::set<LocalId> declared_in(const Block& block) {
  std::set<LocalId> declared;
  for (const Stmt& stmt : block) {
    const auto* set = std::get_if<SetLocal>(&stmt.node);
    if (set != nullptr && set->declares) declared.insert(set->local);
    if (const auto* call = std::get_if<CallInto>(&stmt.node)) declared.insert(call->local);
  }
  return declared;
}

namespace {

/// Every local that a block declares, inner blocks included: locals have one declaration each, or
/// copies of it in blocks beside each other.
std::set<LocalId> declared_within(const Block& block) {
  std::set<LocalId> declared = declared_in(block);
  for_each_stmt(block, [&](const Stmt& stmt) {
    for_each_block(stmt, [&](const Block& inner) { declared.merge(declared_in(inner)); });
  });
  return declared;
}

std::set<LocalId> without(std::set<LocalId> locals, const std::set<LocalId>& others) {
  for (const LocalId local : others) locals.erase(local);
  return locals;
}

/// What `step` adds to `local`: e of a = a + e; null if it is no such step.
ExprPtr added_by(const SetLocal& step, ScalarOp* op) {
  const auto* apply = step.value == nullptr ? nullptr : std::get_if<Apply>(&step.value->node);
  if (apply == nullptr || apply->args.size() != 2) return nullptr;
  const auto* so_far = std::get_if<Local>(&apply->args[0]->node);
  if (so_far == nullptr || so_far->local != step.local) return nullptr;
  *op = apply->op;
  return apply->args[1];
}

/// Operations that give the same however elements are grouped. A float maximum is one: NaN wins over
/// all, and 0.0 over -0.0.
bool is_exact(ScalarOp op, runtime::DType type) {
  switch (op) {
    case ScalarOp::min:
    case ScalarOp::max:
    case ScalarOp::and_:
    case ScalarOp::or_: return true;
    case ScalarOp::add:
    case ScalarOp::mul: return runtime::is_integer(type);
    default: return false;
  }
}

}  // namespace

std::set<LocalId> changed_by(const Block& block) {
  std::set<LocalId> changed;
  for_each_stmt(block, [&](const Stmt& stmt) {
    if (const auto* set = std::get_if<SetLocal>(&stmt.node)) changed.insert(set->local);
  });
  return without(std::move(changed), declared_within(block));
}

std::set<LocalId> used_by(const Block& block) {
  std::set<LocalId> used = changed_by(block);
  for_each_node(block, [&](const ExprPtr& e) {
    if (const auto* local = std::get_if<Local>(&e->node)) used.insert(local->local);
  });
  return without(std::move(used), declared_within(block));
}

const For* loop_behind_declarations(const Block& block) {
  const auto* loop = block.empty() ? nullptr : std::get_if<For>(&block.back().node);
  if (loop == nullptr) return nullptr;
  const std::set<LocalId> changed = changed_by(loop->body);
  for (size_t i = 0; i + 1 < block.size(); ++i) {
    const auto* set = std::get_if<SetLocal>(&block[i].node);
    if (set == nullptr || !set->declares || set->value == nullptr || changed.contains(set->local))
      return nullptr;
  }
  return loop;
}

bool mentions_loop(const ExprPtr& e, LoopId loop) {
  if (e == nullptr) return false;
  if (const auto* variable = std::get_if<Loop>(&e->node)) return variable->loop == loop;
  bool found = false;
  for_each_operand(*e, [&](const ExprPtr& o) { found = found || mentions_loop(o, loop); });
  return found;
}

Block with_locals(const Block& block, const std::function<std::optional<Local>(const Local&)>& change) {
  Copier copier([&](const ExprPtr& e) {
    const auto* read = std::get_if<Local>(&e->node);
    const std::optional<Local> changed = read == nullptr ? std::nullopt : change(*read);
    return changed ? make(e->type, *changed) : e;
  });
  Block copy = copier.block(block);
  const std::function<void(Block&)> visit = [&](Block& inside) {
    for (Stmt& stmt : inside) {
      auto* set = std::get_if<SetLocal>(&stmt.node);
      if (set != nullptr && !set->declares)
        if (std::optional<Local> changed = change({set->local, set->subscripts}))
          set->local = changed->local, set->subscripts = std::move(changed->subscripts);
      if (auto* loop = std::get_if<For>(&stmt.node)) visit(loop->body);
      if (auto* branch = std::get_if<If>(&stmt.node)) visit(branch->then), visit(branch->otherwise);
    }
  };
  visit(copy);
  return copy;
}

bool same_text(const ExprPtr& a, const ExprPtr& b) {
  if (a == b) return true;
  if (a == nullptr || b == nullptr || a->type != b->type || a->node.index() != b->node.index())
    return false;
  if (const auto* x = std::get_if<Constant>(&a->node)) return x->value == std::get<Constant>(b->node).value;
  if (const auto* x = std::get_if<Loop>(&a->node)) return x->loop == std::get<Loop>(b->node).loop;
  if (const auto* x = std::get_if<Scalar_>(&a->node)) return x->param == std::get<Scalar_>(b->node).param;
  std::vector<ExprPtr> left, right;
  for_each_operand(*a, [&](const ExprPtr& o) { left.push_back(o); });
  for_each_operand(*b, [&](const ExprPtr& o) { right.push_back(o); });
  const auto* x = std::get_if<Apply>(&a->node);
  if (left.size() != right.size() || std::holds_alternative<Local>(a->node)) return false;
  if (x != nullptr && x->op != std::get<Apply>(b->node).op) return false;
  for (size_t i = 0; i < left.size(); ++i)
    if (!same_text(left[i], right[i])) return false;
  return true;
}

std::optional<ScalarOp> steps_of(const Kernel& kernel, const Block& block, LocalId local,
                                 Mode mode) {
  std::optional<ScalarOp> op;
  std::set<const Expr*> own;  // the reads of `local` that are part of its steps
  bool only_steps = true;
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* set = std::get_if<SetLocal>(&stmt.node);
    if (set == nullptr || set->local != local) return;
    ScalarOp step_op;
    const ExprPtr added = added_by(*set, &step_op);
    const runtime::DType type = kernel.locals[local].dtype;
    if (added == nullptr || (op && *op != step_op)) return void(only_steps = false);
    op = step_op;
    only_steps &= is_exact(step_op, type) || (set->reassociable && !mode.strict);
    own.insert(std::get<Apply>(set->value->node).args[0].get());
  });
  for_each_node(block, [&](const ExprPtr& e) {
    const auto* read = std::get_if<Local>(&e->node);
    if (read != nullptr && read->local == local && !own.contains(e.get())) only_steps = false;
  });
  return only_steps ? op : std::nullopt;
}

bool own_element_each_turn(const Kernel& kernel, const Block& block, LocalId local, LoopId loop,
                           std::optional<LoopId> beside) {
  constexpr int64_t kAnywhere = int64_t{1} << 32;
  std::map<LoopId, int64_t> moving;  // by how much at most
  if (beside) moving[*beside] = kAnywhere;
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* inner = std::get_if<For>(&stmt.node);
    if (inner == nullptr) return;
    const std::optional<int64_t> lo = constant_of(inner->lo), hi = constant_of(inner->hi);
    const int64_t reach = lo && hi && *lo >= 0 ? std::min(*hi, kAnywhere) : kAnywhere;
    moving[inner->loop] = std::max(moving[inner->loop], std::max<int64_t>(reach - 1, 0));
  });
  // The steps on which every access has the same subscript, which moves further with this loop than with all others.
  const auto steps_over = [&](const LinearForm& form) {
    double others = 0;
    for (const auto& [other, reach] : moving)
      others += std::abs(static_cast<double>(form.factor(other))) * static_cast<double>(reach);
    return std::abs(static_cast<double>(form.factor(loop))) > others;
  };
  std::optional<std::vector<std::optional<LinearForm>>> common;
  const auto look = [&](const Subscripts& subscripts) {
    std::vector<std::optional<LinearForm>> forms;
    for (const Step& step : steps_along(kernel.locals[local].shape, subscripts)) {
      forms.push_back(linear_form(step.subscript));
      if (forms.back() && !steps_over(*forms.back())) forms.back().reset();
    }
    if (!common) common = forms;
    if (common->size() != forms.size()) common->clear();
    for (size_t i = 0; i < common->size(); ++i)
      if ((*common)[i] != forms[i]) (*common)[i].reset();
  };
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* set = std::get_if<SetLocal>(&stmt.node);
    if (set != nullptr && set->local == local && !set->declares) look(set->subscripts);
  });
  for_each_node(block, [&](const ExprPtr& e) {
    const auto* read = std::get_if<Local>(&e->node);
    if (read != nullptr && read->local == local) look(read->subscripts);
  });
  return common && std::ranges::any_of(*common, [](const auto& form) { return form.has_value(); });
}

namespace {

/// Adds `factor` times an expression; false where it is not linear.
bool add_multiple(LinearForm& form, const ExprPtr& e, int64_t factor) {
  const auto accumulate = [&](int64_t& to, int64_t number) {
    int64_t product;
    return !__builtin_mul_overflow(number, factor, &product) &&
           !__builtin_add_overflow(to, product, &to);
  };
  if (const std::optional<int64_t> number = constant_of(e)) return accumulate(form.constant, *number);
  if (const auto* variable = std::get_if<Loop>(&e->node))
    return accumulate(form.factors[variable->loop], 1);
  if (const auto* scalar = std::get_if<Scalar_>(&e->node))
    return accumulate(form.scalars[scalar->param], 1);
  const auto* apply = std::get_if<Apply>(&e->node);
  if (apply == nullptr || factor == std::numeric_limits<int64_t>::min()) return false;
  switch (apply->op) {
    case ScalarOp::add:
      return add_multiple(form, apply->args[0], factor) && add_multiple(form, apply->args[1], factor);
    case ScalarOp::sub:
      return add_multiple(form, apply->args[0], factor) && add_multiple(form, apply->args[1], -factor);
    case ScalarOp::neg: return add_multiple(form, apply->args[0], -factor);
    case ScalarOp::mul:
      for (const int side : {0, 1}) {
        int64_t product;
        const std::optional<int64_t> by = constant_of(apply->args[side]);
        if (by && !__builtin_mul_overflow(factor, *by, &product))
          return add_multiple(form, apply->args[1 - side], product);
      }
      return false;
    default: return false;
  }
}

}  // namespace

std::optional<LinearForm> linear_form(const ExprPtr& e) {
  LinearForm form;
  if (!add_multiple(form, e, 1)) return {};
  const auto is_zero = [](const auto& entry) { return entry.second == 0; };
  std::erase_if(form.factors, is_zero);
  std::erase_if(form.scalars, is_zero);
  return form;
}

}  // namespace tenon::opt::loops
