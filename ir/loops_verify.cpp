// The verifier of loop nests: kernels, statements, scopes. The types of expressions are
// loops_verify_exprs.cpp's, the kinds of loops loops_verify_kinds.cpp's.
#include "ir/loops_verify.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_set>

#include "ir/loops_parse_expr.h"
#include "ir/loops_verify_exprs.h"
#include "ir/loops_verify_kinds.h"
#include "ir/loops_walk.h"
#include "ir/ranges.h"
#include "ir/straight.h"

namespace tenon::ir::loops {

namespace {

constexpr size_t kMaxViolations = 20;
constexpr int64_t kMaxPending = 64;  ///< groups of copies on their way

/// A statement that is wrong: thrown inside this file only.
struct Wrong {
  std::string message;
};

void ensure(bool holds, std::string message) {
  if (!holds) throw Wrong{std::move(message)};
}
void ensure_none(std::optional<std::string> error) {
  if (error) throw Wrong{std::move(*error)};
}

std::string_view text(DType type) {
  return runtime::row(type).text;
}

class NestVerifier {
 public:
  NestVerifier(const Module& module, const Kernel& kernel)
      : module_(module),
        kernel_(kernel),
        declared_(kernel.locals.size()),
        set_(kernel.locals.size()),
        written_(kernel.buffers.size()) {}

  std::vector<Violation> run();

 private:
  void names();
  void block(const Block& stmts);
  void stmt(const Stmt& stmt);
  void blocks_of(const For& loop);
  void blocks_of(const If& branch);
  template <class Node>
  void blocks_of(const Node&) {}

  void check(const For& loop);
  void check(const SetLocal& set);
  void check(const If& branch);
  void check(const Store& store);
  void check(const Prefetch& prefetch);
  void check(const Check& check);
  void check(const CallInto& call);
  void check(const Barrier&);
  void check(const Await& await);
  void ensure_in_block(std::string_view what) const;

  void exprs_of(const Stmt& stmt);
  void expr(const ExprPtr& e);
  void declare(LocalId local, bool is_set);
  static void want(const ExprPtr& e, DType type, std::string_view what) {
    ensure(e->type == type, fmt::format("{} is `{}`, not `{}`", what, text(e->type), text(type)));
  }
  /// Runs `rule`, and records what is wrong under that statement's line (null: the kernel itself).
  template <class Rule>
  void recording(const Stmt* stmt, const Rule& rule);

  const Module& module_;
  const Kernel& kernel_;
  std::vector<Violation> found_;
  size_t next_ = 0;                       ///< number of the statement that comes next
  std::vector<std::string> path_;         ///< `for i`, `if`, `else`
  std::vector<const For*> loops_;         ///< around the place, outermost first
  std::vector<TurnRules> turns_;          ///< of those whose turns are taken at once
  std::vector<bool> declared_, set_;      ///< locals: in scope; surely set, or with a shape
  std::vector<bool> written_;             ///< buffers
  std::unordered_set<const Expr*> seen_;  ///< in this statement
  bool fails_ = false;
};

template <class Rule>
void NestVerifier::recording(const Stmt* stmt, const Rule& rule) {
  const size_t number = next_;
  try {
    rule();
  } catch (Wrong& wrong) {
    if (found_.size() >= kMaxViolations) return;
    std::string where = "@" + kernel_.name;
    if (stmt != nullptr) {
      for (const std::string& step : path_) where += ", " + step;
      where += ": " + print(module_, kernel_, *stmt);
    }
    found_.push_back({std::move(where), std::move(wrong.message),
                      stmt == nullptr ? std::nullopt : std::optional(number)});
  }
}

std::vector<Violation> NestVerifier::run() {
  recording(nullptr, [&] {
    ensure(
        is_well_formed(module_, kernel_),
        "a node lacks an operand, or names a loop, local, parameter or function that there is not");
  });
  if (!found_.empty()) return std::move(found_);
  recording(nullptr, [&] { names(); });
  block(kernel_.body);
  for (size_t buffer = 0; buffer < kernel_.buffers.size(); ++buffer) {
    recording(nullptr, [&] {
      ensure(!kernel_.is_output(buffer) || written_[buffer],
             fmt::format("the output `%{}` is not written", kernel_.buffers[buffer].name));
    });
  }
  recording(nullptr, [&] {
    ensure(!fails_ || kernel_.may_fail, "the kernel may fail, but is not marked so");
  });
  return std::move(found_);
}

void NestVerifier::names() {
  ensure(kernel_.buffer_values.size() < kernel_.buffers.size(), "the kernel has no output");
  std::unordered_set<std::string_view> seen;
  const auto param = [&](const std::string& name) {
    ensure(is_name(name), fmt::format("`{}` cannot be the name of a parameter", name));
    ensure(seen.insert(name).second, fmt::format("two parameters are called `%{}`", name));
  };
  for (const Buffer& buffer : kernel_.buffers) param(buffer.name);
  for (const ScalarParam& scalar : kernel_.scalars) param(scalar.name);
  for (const std::string& loop : kernel_.loops) {
    ensure(is_name(loop) && !is_reserved(loop) && !local_named(loop),
           fmt::format("`{}` cannot be the name of a loop", loop));
  }
}

// ---- blocks

/// What it declares is gone behind it.
void NestVerifier::block(const Block& stmts) {
  const std::vector<bool> before = declared_;
  for (const Stmt& s : stmts) stmt(s);
  declared_ = before;
}

void NestVerifier::stmt(const Stmt& stmt) {
  recording(&stmt, [&] {
    exprs_of(stmt);
    std::visit([&](const auto& node) { check(node); }, stmt.node);
    for (TurnRules& turns : turns_) ensure_none(turns.error_of(stmt));
  });
  ++next_;
  std::visit([&](const auto& node) { blocks_of(node); }, stmt.node);
}

/// What a loop sets is not surely set behind it, for it may take no turn.
void NestVerifier::blocks_of(const For& loop) {
  const std::vector<bool> before = set_;
  const bool runs = turns_of(loop).value_or(0) > 0;
  path_.push_back("for " + kernel_.loops[loop.loop]);
  if (at_once(loop.kind)) turns_.emplace_back(kernel_, loop, loops_, declared_);
  loops_.push_back(&loop);
  block(loop.body);
  if (at_once(loop.kind)) turns_.pop_back();
  loops_.pop_back();
  path_.pop_back();
  if (!runs) set_ = before;
}

/// Behind a branch is set what both sides set.
void NestVerifier::blocks_of(const If& branch) {
  const std::vector<bool> before = set_;
  path_.push_back("if");
  block(branch.then);
  const std::vector<bool> then = std::exchange(set_, before);
  path_.back() = "else";
  block(branch.otherwise);
  path_.pop_back();
  for (size_t i = 0; i < set_.size(); ++i) set_[i] = set_[i] && then[i];
}

// ---- statements

void NestVerifier::check(const For& loop) {
  const std::string& name = kernel_.loops[loop.loop];
  for (const ExprPtr& bound : {loop.lo, loop.hi}) want(bound, DType::i64, "a bound");
  for (const For* outer : loops_)
    ensure(kernel_.loops[outer->loop] != name,
           fmt::format("loop `{}` stands inside a loop `{}`", name, name));
  ensure_none(kind_error(kernel_, loop, loops_));
}

void NestVerifier::check(const SetLocal& set) {
  const Type& type = kernel_.locals[set.local];
  const std::string name = local_name(set.local);
  if (set.value != nullptr) {
    ensure(!set.declares || type.is_scalar(),
           fmt::format("`{}` has a shape, and starts without a value", name));
    want(set.value, type.dtype, fmt::format("what `{}` is set to", name));
  }
  if (set.declares) {
    ensure(set.subscripts.empty(), "a declaration has subscripts");
    return declare(set.local, set.value != nullptr || !type.is_scalar());
  }
  ensure(set.value != nullptr, fmt::format("nothing is assigned to `{}`", name));
  ensure(declared_[set.local], fmt::format("`{}` is not declared around this", name));
  ensure_none(subscript_error(name, type, set.subscripts));
  const auto* step = std::get_if<Apply>(&set.value->node);
  ensure(!set.reassociable || (runtime::is_floating(type.dtype) && step != nullptr &&
                               (step->op == ScalarOp::add || step->op == ScalarOp::mul)),
         "only a step of a float sum or product is reassociable");
  ensure(!set.async || (kernel_.shared.contains(set.local) && std::holds_alternative<Read>(set.value->node)),
         "only copies from tensors into shared memory are asynchronous");
  set_[set.local] = true;
}

void NestVerifier::declare(LocalId local, bool is_set) {
  if (kernel_.shared.contains(local)) {
    ensure(!kernel_.locals[local].is_scalar(),
           fmt::format("`{}` is shared, and has no shape", local_name(local)));
    for (const For* around : loops_)
      ensure(around->kind != LoopKind::thread,
             fmt::format("`{}` is shared, and declared inside a thread loop", local_name(local)));
  }
  ensure(!declared_[local], fmt::format("`{}` is declared already", local_name(local)));
  ensure(runtime::byte_count(kernel_.locals[local].dtype, kernel_.locals[local].shape).has_value(),
         fmt::format("`{}` is too large for memory", local_name(local)));
  declared_[local] = true;
  set_[local] = is_set;
}

void NestVerifier::check(const If& branch) {
  want(branch.condition, DType::bool_, "a condition");
}

void NestVerifier::check(const Store& store) {
  const Buffer& buffer = kernel_.buffers[store.buffer];
  ensure(kernel_.is_output(store.buffer),
         fmt::format("`%{}` is an input, which is not written", buffer.name));
  ensure_none(subscript_error("%" + buffer.name, buffer.type, store.subscripts));
  want(store.value, buffer.type.dtype, fmt::format("what `%{}` is given", buffer.name));
  written_[store.buffer] = true;
}

void NestVerifier::check(const Prefetch& prefetch) {
  const Buffer& buffer = kernel_.buffers[prefetch.buffer];
  ensure_none(subscript_error("%" + buffer.name, buffer.type, prefetch.subscripts));
}

void NestVerifier::check(const Check& check) {
  fails_ = true;
  want(check.holds, DType::bool_, "what is checked");
  for (const ExprPtr& value : {check.a, check.b})
    if (value != nullptr) want(value, DType::i64, "a number that a fault tells");
  ensure(check.text.empty() || check.a == nullptr, "a fault tells a text or numbers, not both");
  ensure(check.a != nullptr || check.b == nullptr, "a fault tells a second number and no first");
}

void NestVerifier::check(const CallInto& call) {
  const Function& callee = module_.function(call.callee);
  const Type& type = kernel_.locals[call.local];
  if (!callee.blocks.empty()) fails_ |= may_fail(module_, call.callee);
  ensure(callee.pure, fmt::format("`@{}` has effects", callee.name));
  ensure(!call.in_lanes || goes_in_lanes(module_, call.callee),
         fmt::format("`@{}` does not go in lanes", callee.name));
  ensure(callee.params.size() == call.args.size(),
         fmt::format("`@{}` takes {} arguments, but {} are given", callee.name,
                     callee.params.size(), call.args.size()));
  for (size_t i = 0; i < call.args.size(); ++i) {
    ensure(module_.type(callee, callee.params[i]) == Type{call.args[i]->type, {}},
           fmt::format("argument {} of `@{}` does not fit", i + 1, callee.name));
  }
  ensure(type.is_scalar() && callee.results.size() == 1 && module_.types[callee.results[0]] == type,
         fmt::format("`@{}` does not return one `{}`", callee.name, type.text()));
  declare(call.local, true);
}

void NestVerifier::check(const Barrier&) {
  ensure_in_block("a barrier");
}

void NestVerifier::check(const Await& await) {
  ensure(await.pending >= 0 && await.pending <= kMaxPending,
         fmt::format("an await leaves {} groups; 0 to {} it may", await.pending, kMaxPending));
  ensure_in_block("an await");
}

/// What all threads of a block do together.
void NestVerifier::ensure_in_block(std::string_view what) const {
  ensure(!loops_.empty() && loops_.front()->kind == LoopKind::block, fmt::format("{} is outside of blocks", what));
  for (const For* around : loops_)
    ensure(around->kind != LoopKind::thread, fmt::format("{} stands inside a thread loop", what));
}

// ---- expressions

void NestVerifier::exprs_of(const Stmt& stmt) {
  seen_.clear();
  for_each_expr(stmt, [&](const ExprPtr& e) {
    if (e != nullptr) expr(e);
  });
}

void NestVerifier::expr(const ExprPtr& e) {
  if (!seen_.insert(e.get()).second) return;
  for_each_operand(*e, [&](const ExprPtr& operand) { expr(operand); });
  if (const auto* loop = std::get_if<Loop>(&e->node)) {
    const bool open =
        std::ranges::any_of(loops_, [&](const For* around) { return around->loop == loop->loop; });
    ensure(open, fmt::format("loop `{}` is not around this", kernel_.loops[loop->loop]));
  }
  if (const auto* local = std::get_if<Local>(&e->node)) {
    const std::string name = local_name(local->local);
    ensure(declared_[local->local], fmt::format("`{}` is not declared around this", name));
    ensure(set_[local->local], fmt::format("`{}` may not be set yet", name));
  }
  ensure_none(node_error(kernel_, *e));
}

}  // namespace

std::vector<Violation> verify(const Module& module, const Kernel& kernel) {
  return NestVerifier(module, kernel).run();
}

}  // namespace tenon::ir::loops
