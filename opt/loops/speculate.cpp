// speculate k: what the branch around the loop `k` works out is worked out in any case, and left where the branch is
// not taken. Then nothing stands between `k` and the loops outside, and a product of which half is wanted, as the
// scores of an attention that looks back only, may be tiled like any other:
//
//     local a: f32                           local b: f32 = 0.0
//     if j <= i {                            for k { b = b + %q[i, k] * %p[j, k] }
//       local b: f32 = 0.0                   local c: f32 = b * 0.125
//       for k { b = b + … }                  local d: f32 = -1.0
//       a = b * 0.125                        local a: f32
//     } else { a = -1.0 }                    a = select(j <= i, c, d)
//
// A read that the condition keeps in its tensor has it as its guard from then on. (Allen, Kennedy, Porterfield and
// Warren, "Conversion of control dependence to data dependence", POPL 1983.)
#include <fmt/format.h>

#include <algorithm>

#include "opt/loops/nest.h"

namespace tenon::opt::loops {
namespace {

using runtime::ScalarOp;

/// The least and the greatest that a loop's variable is, last turn included.
struct Range {
  int64_t least, most;
};

class Speculation {
 public:
  Speculation(Kernel& kernel, LoopId loop) : kernel_(kernel), loop_(loop) { find_ranges(); }

  /// The block without the innermost branch around the loop.
  Block run(const Block& block);
  bool has_branch_around(const Block& block) const;

 private:
  bool is_around(const If& branch) const {
    return contains_loop(branch.then, loop_) || contains_loop(branch.otherwise, loop_);
  }
  void find_ranges();
  void check(const If& branch) const;
  void check_way(const Block& way) const;
  Block taken(const If& branch);
  ExprPtr set_apart(Block& way, LocalId local);
  Block guarded(const Block& way, const ExprPtr& condition) const;
  bool stays_in(const Subscripts& subscripts, const ir::Shape& shape) const;

  Kernel& kernel_;
  LoopId loop_;
  std::map<LoopId, std::optional<Range>> ranges_;  ///< none: not known
};

/// A loop may stand in several places, with other ranges.
void Speculation::find_ranges() {
  for_each_stmt(kernel_.body, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop == nullptr) return;
    const std::optional<int64_t> lo = constant_of(loop->lo), hi = constant_of(loop->hi);
    std::optional<Range> range;
    if (lo && hi) range = Range{*lo, std::max(*lo, *hi - 1)};
    const auto [known, is_new] = ranges_.emplace(loop->loop, range);
    if (is_new) return;
    if (!known->second || !range) known->second.reset();
    else
      known->second = Range{std::min(known->second->least, range->least), std::max(known->second->most, range->most)};
  });
}

/// What is set for the first time where it was declared without a value is declared there.
void append(Block& block, Stmt stmt) {
  auto* set = std::get_if<SetLocal>(&stmt.node);
  const auto declaration = std::ranges::find_if(block, [&](const Stmt& before) {
    const auto* other = std::get_if<SetLocal>(&before.node);
    return set != nullptr && other != nullptr && other->local == set->local && other->declares &&
           other->value == nullptr;
  });
  if (declaration != block.end()) {
    block.erase(declaration);
    set->declares = true;
  }
  block.push_back(std::move(stmt));
}

Block Speculation::run(const Block& block) {
  Block result;
  for (Stmt stmt : block) {
    auto* branch = std::get_if<If>(&stmt.node);
    if (branch != nullptr && is_around(*branch) && !has_branch_around(branch->then) &&
        !has_branch_around(branch->otherwise)) {
      for (Stmt& made : taken(*branch)) append(result, std::move(made));
      continue;
    }
    if (branch != nullptr) branch->then = run(branch->then), branch->otherwise = run(branch->otherwise);
    if (auto* loop = std::get_if<For>(&stmt.node)) loop->body = run(loop->body);
    result.push_back(std::move(stmt));
  }
  return result;
}

bool Speculation::has_branch_around(const Block& block) const {
  bool has = false;
  for_each_stmt(block, [&](const Stmt& stmt) {
    const auto* branch = std::get_if<If>(&stmt.node);
    has |= branch != nullptr && is_around(*branch);
  });
  return has;
}

/// Each way may be walked though it is not taken: it has no effect but on locals, comes to an end, and cannot fail.
void Speculation::check_way(const Block& way) const {
  const auto check_element = [&](LocalId local, const Subscripts& subscripts) {
    if (!stays_in(subscripts, kernel_.locals[local].shape))
      throw Refused{fmt::format("the branch may be what keeps a place in {}", quoted(kernel_, local))};
  };
  for_each_stmt(way, [&](const Stmt& stmt) {
    if (const auto* set = std::get_if<SetLocal>(&stmt.node); set != nullptr && !set->subscripts.empty())
      check_element(set->local, set->subscripts);
    if (std::holds_alternative<CallInto>(stmt.node)) throw Refused{"the branch calls a function"};
    if (!std::holds_alternative<SetLocal>(stmt.node) && !std::holds_alternative<For>(stmt.node) &&
        !std::holds_alternative<If>(stmt.node))
      throw Refused{"the branch does more than work out locals"};
  });
  for_each_node(way, [&](const ExprPtr& e) {
    if (const auto* local = std::get_if<Local>(&e->node); local != nullptr && !local->subscripts.empty())
      check_element(local->local, local->subscripts);
    const auto* apply = std::get_if<Apply>(&e->node);
    if (apply == nullptr || (apply->op != ScalarOp::div && apply->op != ScalarOp::mod)) return;
    if (runtime::is_integer(e->type) && !constant_of(apply->args[1]))
      throw Refused{"the branch divides integers, and it may be what keeps the divisor from zero"};
  });
}

void Speculation::check(const If& branch) const {
  check_way(branch.then);
  check_way(branch.otherwise);
  std::set<LocalId> own = declared_in(branch.then);
  for (const LocalId local : declared_in(branch.otherwise))
    if (!own.insert(local).second)
      throw Refused{fmt::format("both ways of the branch have {}", quoted(kernel_, local))};
  std::set<LocalId> changed = changed_by(branch.then);
  changed.merge(changed_by(branch.otherwise));
  bool depends = false;
  for_each_node({Stmt{SetLocal{0, branch.condition, true}}}, [&](const ExprPtr& e) {
    const auto* local = std::get_if<Local>(&e->node);
    depends |= local != nullptr && changed.contains(local->local);
  });
  if (depends) throw Refused{"the branch changes what it is taken by"};
}

/// What a way makes of `local` has a local of its own, which is the result; `local` itself where the way leaves it.
ExprPtr Speculation::set_apart(Block& way, LocalId local) {
  if (!changed_by(way).contains(local)) return get(kernel_, local, {});
  const auto sets = [local](const Stmt& stmt) {
    const auto* set = std::get_if<SetLocal>(&stmt.node);
    return set != nullptr && set->local == local;
  };
  int times = 0, uses = 0;
  for_each_stmt(way, [&](const Stmt& stmt) { times += sets(stmt); });
  for_each_node(way, [&](const ExprPtr& e) {
    const auto* read = std::get_if<Local>(&e->node);
    uses += read != nullptr && read->local == local;
  });
  const auto place = std::ranges::find_if(way, sets);
  if (!kernel_.locals[local].is_scalar() || times != 1 || uses > 0 || place == way.end())
    throw Refused{fmt::format("the branch does more to {} than to set it once", quoted(kernel_, local))};
  auto& set = std::get<SetLocal>(place->node);
  set.local = add_local(kernel_, kernel_.locals[local].dtype, {});
  set.declares = true;
  return get(kernel_, set.local, {});
}

/// Whatever the condition is.
bool Speculation::stays_in(const Subscripts& subscripts, const ir::Shape& shape) const {
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const std::optional<LinearForm> form = linear_form(subscripts[axis]);
    if (!form || !form->scalars.empty()) return false;
    __int128 least = form->constant, most = form->constant;
    for (const auto& [loop, factor] : form->factors) {
      const auto range = ranges_.find(loop);
      if (range == ranges_.end() || !range->second) return false;
      const auto wide = static_cast<__int128>(factor);
      const __int128 a = wide * range->second->least, b = wide * range->second->most;
      least += std::min(a, b);
      most += std::max(a, b);
    }
    if (least < 0 || most >= shape[axis]) return false;
  }
  return true;
}

Block Speculation::guarded(const Block& way, const ExprPtr& condition) const {
  Copier copier([&](const ExprPtr& e) {
    const auto* read = std::get_if<Read>(&e->node);
    if (read == nullptr || stays_in(read->subscripts, kernel_.buffers[read->buffer].type.shape)) return e;
    Read held = *read;
    held.guard = held.guard == nullptr ? condition : ir::loops::apply(ScalarOp::and_, {condition, held.guard});
    return make(e->type, held);
  });
  return copier.block(way);
}

Block Speculation::taken(const If& branch) {
  check(branch);
  Block then = guarded(branch.then, branch.condition),
        otherwise = guarded(branch.otherwise, ir::loops::apply(ScalarOp::not_, {branch.condition}));
  std::set<LocalId> changed = changed_by(then);
  changed.merge(changed_by(otherwise));
  Block chosen;
  for (const LocalId local : changed) {
    const ExprPtr a = set_apart(then, local), b = set_apart(otherwise, local);
    chosen.push_back(Stmt{SetLocal{local, make(a->type, Select{branch.condition, a, b})}});
  }
  then.insert(then.end(), otherwise.begin(), otherwise.end());
  then.insert(then.end(), chosen.begin(), chosen.end());
  return then;
}

}  // namespace

void speculate(Kernel& kernel, const Directive& directive, Mode) {
  if (kernel.may_fail) throw Refused{"the kernel may fail, and the branch may be what keeps it from that"};
  Speculation speculation(kernel, find_loop(kernel, directive.loops[0]));
  if (!speculation.has_branch_around(kernel.body))
    throw Refused{fmt::format("loop {} stands in no branch", quoted(directive.loops[0]))};
  kernel.body = speculation.run(kernel.body);
}

}  // namespace tenon::opt::loops
