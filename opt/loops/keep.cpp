// keep k, j: what the loop `k` works out and the loop `j`, behind it and as long, would work out again is kept: an
// array gets an element in each turn. So a softmax takes its exponentials once, not for the sum and for each quotient
// anew:
//
//     for k in 0..64 {                        local b: f32[64]
//       a = a + exp(%x[i, k] - m)             for k in 0..64 {
//     }                                         b[k] = exp(%x[i, k] - m)
//     for j in 0..64 {                          a = a + b[k]
//       %y[i, j] = exp(%x[i, j] - m) / a      }
//     }                                       for j in 0..64 { %y[i, j] = b[j] / a }
//
// Which expressions of two bodies are the same is found by numbering their values (Cocke and Schwartz, "Programming
// Languages and Their Compilers", 1970): the turn of either loop is one value, and a local that neither changes
// another. Only the largest expressions are kept, and those that cost more than an array does.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <span>

#include "opt/loops/nest.h"

namespace tenon::opt::loops {
namespace {

constexpr int kFewestOperations = 4;
constexpr int64_t kMostElements = int64_t{1} << 28;

/// Numbers of values: the same for both bodies.
class Numbers {
 public:
  using Key = std::vector<int64_t>;
  int64_t of(const Key& key) { return numbers_.emplace(key, static_cast<int64_t>(numbers_.size())).first->second; }
  int64_t fresh() { return --fresh_; }

 private:
  std::map<Key, int64_t> numbers_;
  int64_t fresh_ = 0;  ///< of what equals nothing else: below all others
};

/// Every local that statements set, those inside them included, and how often.
std::map<LocalId, int> set_by(std::span<const Stmt> stmts) {
  std::map<LocalId, int> times;
  for_each_stmt(Block(stmts.begin(), stmts.end()), [&](const Stmt& stmt) {
    if (const auto* set = std::get_if<SetLocal>(&stmt.node)) ++times[set->local];
    if (const auto* call = std::get_if<CallInto>(&stmt.node)) ++times[call->local];
  });
  return times;
}

/// The values of one body, as far as its own statements go, not those of loops and branches inside it. `changing`:
/// locals that have no one value.
class Body {
 public:
  Body(const For& loop, Numbers& numbers, const std::map<LocalId, int>& changing)
      : loop_(loop), numbers_(numbers), changing_(changing) {
    const std::map<LocalId, int> times = set_by(loop.body);
    for (const Stmt& stmt : loop.body) {
      const auto* set = std::get_if<SetLocal>(&stmt.node);
      if (set != nullptr && set->declares && set->value != nullptr && times.at(set->local) == 1)
        definitions_.emplace(set->local, set->value);
    }
  }

  int64_t number(const ExprPtr& e) {
    if (const auto known = known_.find(e); known != known_.end()) return known->second;
    const int64_t number = compute(*e);
    known_.emplace(e, number);
    return number;
  }

  /// What a local stands for that the body declares; null for anything else.
  ExprPtr definition(const ExprPtr& e) const {
    const auto* local = std::get_if<Local>(&e->node);
    const auto found = local == nullptr ? definitions_.end() : definitions_.find(local->local);
    return found == definitions_.end() ? nullptr : found->second;
  }

  /// Operations of an expression, each counted once; those that only find a place not at all.
  int operations(const ExprPtr& e) const {
    std::set<const Expr*> seen;
    int count = 0;
    const std::function<void(const ExprPtr&)> visit = [&](const ExprPtr& node) {
      if (!seen.insert(node.get()).second || std::holds_alternative<Read>(node->node)) return;
      if (const ExprPtr value = definition(node)) return visit(value);
      count += std::holds_alternative<Apply>(node->node) || std::holds_alternative<Convert>(node->node) ||
               std::holds_alternative<Select>(node->node);
      for_each_operand(*node, visit);
    };
    visit(e);
    return count;
  }

  /// Whether it is another one in each turn.
  bool varies(const ExprPtr& e) {
    if (const auto known = varying_.find(e); known != varying_.end()) return known->second;
    const auto* loop = std::get_if<Loop>(&e->node);
    bool found = loop != nullptr && loop->loop == loop_.loop;
    if (const ExprPtr value = definition(e)) found = varies(value);
    for_each_operand(*e, [&](const ExprPtr& o) { found = found || varies(o); });
    varying_.emplace(e, found);
    return found;
  }

  /// From what the body stores and sets on, through what its locals stand for, but for subscripts; no deeper where
  /// `visit` says so.
  void for_each_used(const std::function<bool(const ExprPtr&)>& visit) const {
    std::set<const Expr*> seen;
    const std::function<void(const ExprPtr&)> walk = [&](const ExprPtr& e) {
      if (e == nullptr || !seen.insert(e.get()).second || !visit(e)) return;
      if (const ExprPtr value = definition(e)) walk(value);
      if (!std::holds_alternative<Read>(e->node) && !std::holds_alternative<Local>(e->node))
        for_each_operand(*e, walk);
    };
    for (const Stmt& stmt : loop_.body) {
      const auto* set = std::get_if<SetLocal>(&stmt.node);
      if (set != nullptr && !definitions_.contains(set->local)) walk(set->value);
      if (const auto* store = std::get_if<Store>(&stmt.node)) walk(store->value);
    }
  }

 private:
  int64_t compute(const Expr& e) {
    if (const auto* local = std::get_if<Local>(&e.node)) {
      const auto found = definitions_.find(local->local);
      if (found != definitions_.end()) return number(found->second);
      if (changing_.contains(local->local)) return numbers_.fresh();
    }
    Numbers::Key key{static_cast<int64_t>(e.node.index()), static_cast<int64_t>(e.type)};
    if (const auto* constant = std::get_if<Constant>(&e.node)) {
      const runtime::Scalar& value = constant->value;
      key.push_back(runtime::is_floating(value.type) ? std::bit_cast<int64_t>(value.f) : value.i);
    } else if (const auto* loop = std::get_if<Loop>(&e.node)) {
      key.push_back(loop->loop == loop_.loop ? -1 : static_cast<int64_t>(loop->loop));
    } else if (const auto* own = std::get_if<Local>(&e.node)) {
      key.push_back(own->local);
    } else if (const auto* param = std::get_if<Scalar_>(&e.node)) {
      key.push_back(param->param);
    } else if (const auto* read = std::get_if<Read>(&e.node)) {
      key.insert(key.end(), {read->buffer, read->guard != nullptr});
    } else if (const auto* apply = std::get_if<Apply>(&e.node)) {
      key.push_back(static_cast<int64_t>(apply->op));
    }
    for_each_operand(e, [&](const ExprPtr& o) { key.push_back(number(o)); });
    return numbers_.of(key);
  }

  const For& loop_;
  Numbers& numbers_;
  const std::map<LocalId, int>& changing_;
  std::map<LocalId, ExprPtr> definitions_;
  std::map<ExprPtr, int64_t> known_;
  std::map<ExprPtr, bool> varying_;
};

/// A body without the locals that it declares and does not use.
Block without_unused(Block block) {
  for (bool again = true; again;) {
    const std::set<LocalId> used = [&] {
      std::set<LocalId> locals;
      for_each_node(block, [&](const ExprPtr& e) {
        if (const auto* local = std::get_if<Local>(&e->node)) locals.insert(local->local);
      });
      for_each_stmt(block, [&](const Stmt& stmt) {
        const auto* set = std::get_if<SetLocal>(&stmt.node);
        if (set != nullptr && !set->declares) locals.insert(set->local);
      });
      return locals;
    }();
    again = std::erase_if(block, [&](const Stmt& stmt) {
              const auto* set = std::get_if<SetLocal>(&stmt.node);
              return set != nullptr && set->declares && !used.contains(set->local);
            }) != 0;
  }
  return block;
}

class Keeping {
 public:
  Keeping(Kernel& kernel, LoopId first, LoopId second) : kernel_(kernel), first_(first), second_(second) {}

  void run() {
    visit(kernel_.body);
    if (!done_)
      throw Refused{fmt::format("loop {} works out nothing of weight that loop {}, behind it, does again",
                                quoted(kernel_.loops[first_]), quoted(kernel_.loops[second_]))};
  }

 private:
  void visit(Block& block);
  void keep(Block& block, size_t first, size_t second);
  static std::vector<int64_t> shared(Body& first, Body& second);

  Kernel& kernel_;
  LoopId first_, second_;
  bool done_ = false;
};

void Keeping::visit(Block& block) {
  for (Stmt& stmt : block) {
    if (auto* loop = std::get_if<For>(&stmt.node)) visit(loop->body);
    if (auto* branch = std::get_if<If>(&stmt.node)) visit(branch->then), visit(branch->otherwise);
  }
  std::optional<size_t> first;
  for (size_t at = 0; at < block.size(); ++at) {
    const auto* loop = std::get_if<For>(&block[at].node);
    if (loop != nullptr && loop->loop == first_) first = at;
    if (loop == nullptr || loop->loop != second_ || !first) continue;
    return keep(block, *first, at);
  }
}

/// What both work out: the largest that the second one uses.
std::vector<int64_t> Keeping::shared(Body& first, Body& second) {
  std::set<int64_t> worked_out;
  first.for_each_used([&](const ExprPtr& e) {
    worked_out.insert(first.number(e));
    return true;
  });
  std::vector<int64_t> shared;
  second.for_each_used([&](const ExprPtr& e) {
    const int64_t number = second.number(e);
    if (!worked_out.contains(number) || !second.varies(e)) return true;
    if (std::ranges::count(shared, number) != 0) return false;
    if (second.operations(e) < kFewestOperations) return true;
    shared.push_back(number);
    return false;
  });
  return shared;
}

void Keeping::keep(Block& block, size_t first_at, size_t second_at) {
  const For first = std::get<For>(block[first_at].node), second = std::get<For>(block[second_at].node);
  require_serial(kernel_, first), require_serial(kernel_, second);
  const std::optional<int64_t> turns = turns_of(first);
  if (!turns || *turns > kMostElements || turns_of(second) != turns || !same_text(first.lo, second.lo))
    throw Refused{fmt::format("loops {} and {} do not have the same turns", quoted(kernel_.loops[first_]),
                              quoted(kernel_.loops[second_]))};
  const std::map<LocalId, int> changing = set_by(std::span(block).subspan(first_at, second_at - first_at + 1));
  Numbers numbers;
  Body in_first(first, numbers, changing), in_second(second, numbers, changing);
  const auto place = [&](const For& loop) { return sum(variable(loop.loop), integer(-*constant_of(loop.lo))); };
  std::map<int64_t, ExprPtr> kept;  // by number: what the second one reads
  For makes = first, uses = second;
  Block arrays;
  for (const int64_t number : shared(in_first, in_second)) {
    ExprPtr made;
    in_first.for_each_used([&](const ExprPtr& e) {
      if (made == nullptr && in_first.number(e) == number) made = e;
      return made == nullptr;
    });
    const LocalId array = add_local(kernel_, made->type, {*turns});
    arrays.push_back(Stmt{SetLocal{array, nullptr, true}});
    makes.body.push_back(Stmt{SetLocal{array, made, false, false, {place(first)}}});
    kept.emplace(number, get(kernel_, array, {place(second)}));
  }
  if (kept.empty()) return;
  done_ = true;
  Copier copier([&](const ExprPtr& e) {
    const auto found = kept.find(in_second.number(e));
    return found == kept.end() ? e : found->second;
  });
  uses.body = without_unused(copier.block(uses.body));
  block[first_at] = Stmt{std::move(makes)}, block[second_at] = Stmt{std::move(uses)};
  block.insert(block.begin() + static_cast<ptrdiff_t>(first_at), arrays.begin(), arrays.end());
}

}  // namespace

void keep(Kernel& kernel, const Directive& directive, Mode) {
  if (directive.loops.size() != 2) throw Refused{"it takes two loops"};
  if (kernel.may_fail) throw Refused{"the kernel may fail, and its checks keep their order"};
  Keeping(kernel, find_loop(kernel, directive.loops[0]), find_loop(kernel, directive.loops[1])).run();
}

}  // namespace tenon::opt::loops
