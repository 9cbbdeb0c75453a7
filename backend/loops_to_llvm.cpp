// Kernels as LLVM functions: loops become phis and branches, locals become the SSA values that they
// have at each point, so that nothing is left for LLVM to promote from memory.
#include "backend/loops_to_llvm.h"

#include <set>
#include <unordered_set>

#include "backend/scalar_to_llvm.h"
#include "ir/text.h"

namespace tenon::backend {
namespace {

using namespace ir::loops;
using ir::Module;
using runtime::ScalarOp;

bool is_sum(ScalarOp op) { return op == ScalarOp::add || op == ScalarOp::sub; }

/// Calls `visit` on every expression that a statement itself uses (not those of blocks inside it).
template <class Visit>
void for_each_expr(const Stmt& stmt, const Visit& visit) {
  const auto all = [&](const std::vector<ExprPtr>& exprs) {
    for (const ExprPtr& e : exprs) visit(e);
  };
  std::visit(
      [&](const auto& node) {
        using Node = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<Node, For>) all({node.lo, node.hi});
        if constexpr (std::is_same_v<Node, SetLocal>) all({node.value});
        if constexpr (std::is_same_v<Node, If>) all({node.condition});
        if constexpr (std::is_same_v<Node, Store>) all(node.subscripts), visit(node.value);
        if constexpr (std::is_same_v<Node, Prefetch>) all(node.subscripts);
        if constexpr (std::is_same_v<Node, Check>) all({node.holds, node.a, node.b});
        if constexpr (std::is_same_v<Node, CallInto>) all(node.args);
      },
      stmt.node);
}

template <class Visit>
void for_each_operand(const Expr& e, const Visit& visit) {
  if (const auto* read = std::get_if<Read>(&e.node)) {
    for (const ExprPtr& s : read->subscripts) visit(s);
  } else if (const auto* apply = std::get_if<Apply>(&e.node)) {
    for (const ExprPtr& a : apply->args) visit(a);
  } else if (const auto* convert = std::get_if<Convert>(&e.node)) {
    visit(convert->operand);
  } else if (const auto* select = std::get_if<Select>(&e.node)) {
    visit(select->condition), visit(select->then), visit(select->otherwise);
  }
}

/// The products that may be fused with the sums they go into: float multiplications that nothing
/// but additions and subtractions uses.
class Fusible {
 public:
  explicit Fusible(const Block& block) { visit(block); }
  bool contains(const ExprPtr& e) const {
    return products_.contains(e.get()) && !used_.contains(e.get());
  }

 private:
  void visit(const Block& block) {
    for (const Stmt& stmt : block) {
      for_each_expr(stmt, [&](const ExprPtr& e) { use(e, false); });
      if (const auto* loop = std::get_if<For>(&stmt.node)) visit(loop->body);
      if (const auto* branch = std::get_if<If>(&stmt.node))
        visit(branch->then), visit(branch->otherwise);
    }
  }
  void use(const ExprPtr& e, bool in_sum) {
    if (e == nullptr) return;
    const auto* apply = std::get_if<Apply>(&e->node);
    const bool floating = apply != nullptr && runtime::is_floating(e->type);
    if (floating && apply->op == ScalarOp::mul) (in_sum ? products_ : used_).insert(e.get());
    if (!visited_.insert(e.get()).second) return;
    for_each_operand(*e, [&](const ExprPtr& o) { use(o, floating && is_sum(apply->op)); });
  }

  std::unordered_set<const Expr*> products_, used_, visited_;
};

/// The locals that `block` changes and does not declare.
void changed_locals(const Block& block, std::set<LocalId>& changed) {
  std::set<LocalId> declared;
  for (const Stmt& stmt : block) {
    if (const auto* set = std::get_if<SetLocal>(&stmt.node)) {
      (set->declares ? declared : changed).insert(set->local);
    } else if (const auto* call = std::get_if<CallInto>(&stmt.node)) {
      declared.insert(call->local);
    } else if (const auto* loop = std::get_if<For>(&stmt.node)) {
      changed_locals(loop->body, changed);
    } else if (const auto* branch = std::get_if<If>(&stmt.node)) {
      changed_locals(branch->then, changed);
      changed_locals(branch->otherwise, changed);
    }
  }
  for (LocalId local : declared) changed.erase(local);
}

std::string phi(std::string_view name, std::string_view type, std::string_view a,
                std::string_view from_a, std::string_view b, std::string_view from_b) {
  return fmt::format("{} = phi {} [ {}, {} ], [ {}, {} ]", name, type, a, from_a, b, from_b);
}

class KernelWriter {
 public:
  KernelWriter(ModuleText& module_text, const Module& module, const Conventions& conventions,
               const Kernel& kernel, bool strict)
      : out_(module_text),
        module_(module),
        conventions_(conventions),
        kernel_(kernel),
        fusible_(kernel.body),
        strict_(strict),
        locals_(kernel.locals.size(), "poison"),
        loops_(kernel.loops.size()) {}

  std::string write();

 private:
  using Locals = std::map<LocalId, std::string>;  ///< the values of some of them

  std::string parameters();
  void block(const Block& stmts);
  void stmt(const For& loop);
  void stmt(const SetLocal& set);
  void stmt(const If& branch);
  void stmt(const Store& store);
  void stmt(const Prefetch&) {}
  void stmt(const Check& check);
  void stmt(const CallInto& call);
  Locals values_of(const std::set<LocalId>& locals) const;
  void merge(const Locals& other, const std::string& from, const std::string& here);

  /// The register (or constant) that holds an expression.
  std::string value(const ExprPtr& e);
  std::string compute(const Expr& e, FastMath fast);
  std::vector<std::string> values(const std::vector<ExprPtr>& exprs);
  FastMath fast_math(const Expr& e, bool self_fusible) const;

  FunctionText out_;
  const Module& module_;
  const Conventions& conventions_;
  const Kernel& kernel_;
  Fusible fusible_;
  bool strict_;
  std::vector<std::string> buffers_, scalars_, locals_, loops_;
  std::string depth_ = "0";
  uint32_t open_loops_ = 0;
  bool reassociable_ = false;  ///< the expression being written is a step of a reduction
  std::vector<std::unordered_map<const Expr*, std::string>> known_;  ///< per open block
};

std::string KernelWriter::write() {
  const Convention convention = conventions_.of(kernel_);
  const std::string params = parameters();
  out_.label(out_.fresh("entry"));
  block(kernel_.body);
  out_.line("{}", return_values({}, {}, convention, out_));
  // Kernels with loops stay functions of their own, so that their callers stay small.
  const std::string signature = fmt::format("internal {} {}({})", result_type({}, convention),
                                            symbol("kernel." + kernel_.name), params);
  return out_.definition(signature, return_failed({}, convention), kernel_.loops.empty());
}

/// Tensors do not overlap those that are written, and the runtime aligns them.
std::string KernelWriter::parameters() {
  std::string text = "ptr " + out_.fresh("context");
  if (conventions_.of(kernel_).deep) text += ", i64 " + (depth_ = out_.fresh("depth"));
  for (size_t i = 0; i < kernel_.buffers.size(); ++i) {
    buffers_.push_back(out_.fresh(kernel_.buffers[i].name));
    text += fmt::format(", ptr noalias {} align 64 {}",
                        kernel_.is_output(i) ? "writeonly" : "readonly", buffers_.back());
  }
  for (const ScalarParam& s : kernel_.scalars) {
    scalars_.push_back(out_.fresh(s.name));
    text += fmt::format(", {} {}", register_type(s.type), scalars_.back());
  }
  return text;
}

// ---- statements

void KernelWriter::block(const Block& stmts) {
  known_.emplace_back();
  for (const Stmt& s : stmts) std::visit([&](const auto& node) { stmt(node); }, s.node);
  known_.pop_back();
}

/// The test is at the bottom; a guard stands before the loop where it may not run at all. What the
/// body changes goes around through phis.
void KernelWriter::stmt(const For& loop) {
  const auto* first = std::get_if<Constant>(&loop.lo->node);
  const auto* end = std::get_if<Constant>(&loop.hi->node);
  const bool constant = first != nullptr && end != nullptr;
  if (constant && first->value.i >= end->value.i) return;

  const std::string lo = value(loop.lo), hi = value(loop.hi), before = out_.current_label();
  const std::string index = out_.fresh(ir::index_name(open_loops_++));
  const std::string head = out_.fresh("loop"), done = out_.fresh("done");
  if (constant) {
    out_.line("br label {}", head);
  } else {
    const std::string some = out_.fresh("some");
    out_.line("{} = icmp slt i64 {}, {}", some, lo, hi);
    out_.line("br i1 {}, label {}, label {}", some, head, done);
  }

  out_.label(head);
  const size_t phis = out_.leave_space();
  std::set<LocalId> changed;
  changed_locals(loop.body, changed);
  const Locals initial = values_of(changed);
  for (LocalId local : changed) locals_[local] = out_.fresh(local_name(local));
  const Locals around = values_of(changed);
  loops_[loop.loop] = index;
  block(loop.body);
  --open_loops_;

  const std::string next = out_.fresh("next"), more = out_.fresh("more");
  const std::string latch = out_.current_label();
  const std::string_view no_wrap = constant && first->value.i >= 0 ? "nuw nsw" : "nsw";
  out_.line("{} = add {} i64 {}, 1", next, no_wrap, index);
  out_.line("{} = icmp slt i64 {}, {}", more, next, hi);
  out_.line("br i1 {}, label {}, label {}", more, head, done);
  std::string lines = "  " + phi(index, "i64", lo, before, next, latch) + "\n";
  for (const auto& [local, name] : around) {
    const std::string_view type = register_type(kernel_.locals[local].dtype);
    lines += "  " + phi(name, type, initial.at(local), before, locals_[local], latch) + "\n";
  }
  out_.fill(phis, std::move(lines));

  out_.label(done);
  if (!constant) merge(initial, before, latch);
}

KernelWriter::Locals KernelWriter::values_of(const std::set<LocalId>& locals) const {
  Locals values;
  for (LocalId local : locals) values[local] = locals_[local];
  return values;
}

/// Where two ways join: locals are as in `other` if it was by block `from`, as now if by `here`.
void KernelWriter::merge(const Locals& other, const std::string& from, const std::string& here) {
  for (const auto& [local, value] : other) {
    const std::string merged = out_.fresh(local_name(local));
    const std::string_view type = register_type(kernel_.locals[local].dtype);
    out_.line("{}", phi(merged, type, value, from, locals_[local], here));
    locals_[local] = merged;
  }
}

void KernelWriter::stmt(const SetLocal& set) {
  reassociable_ = set.reassociable && !strict_;
  locals_[set.local] = set.value == nullptr ? "poison" : value(set.value);
  reassociable_ = false;
}

void KernelWriter::stmt(const If& branch) {
  const std::string condition = value(branch.condition);
  const std::string then = out_.fresh("then"), otherwise = out_.fresh("else"),
                    join = out_.fresh("join");
  out_.line("br i1 {}, label {}, label {}", condition, then, otherwise);
  std::set<LocalId> changed;
  changed_locals(branch.then, changed);
  changed_locals(branch.otherwise, changed);
  const Locals before = values_of(changed);

  const auto side = [&](const std::string& label, const Block& stmts) {
    out_.label(label);
    block(stmts);
    out_.line("br label {}", join);
    return out_.current_label();
  };
  const std::string then_end = side(then, branch.then);
  const Locals after_then = values_of(changed);
  for (const auto& [local, value] : before) locals_[local] = value;
  const std::string otherwise_end = side(otherwise, branch.otherwise);
  out_.label(join);
  merge(after_then, then_end, otherwise_end);
}

void KernelWriter::stmt(const Store& store) {
  const Buffer& buffer = kernel_.buffers[store.buffer];
  const std::string stored = value(store.value);
  const std::vector<std::string> subscripts = values(store.subscripts);
  write_store(out_, buffer.type.dtype, stored,
              write_address(out_, buffer.type, buffers_[store.buffer], subscripts));
}

void KernelWriter::stmt(const Check& check) {
  const std::string holds = value(check.holds);
  const auto number = [&](const ExprPtr& e) { return e == nullptr ? std::string("0") : value(e); };
  const std::string a = number(check.a), b = number(check.b);
  out_.fail_unless(holds, check.fault, check.span, a, b, check.text);
}

void KernelWriter::stmt(const CallInto& call) {
  std::vector<std::string> args = values(call.args);
  for (size_t i = 0; i < args.size(); ++i)
    args[i] = fmt::format("{} {}", register_type(call.args[i]->type), args[i]);
  const std::string result = out_.fresh(local_name(call.local));
  write_function_call(out_, module_, conventions_, call.callee, {&result, 1}, depth_, args,
                      call.span);
  locals_[call.local] = result;
}

// ---- expressions

std::vector<std::string> KernelWriter::values(const std::vector<ExprPtr>& exprs) {
  std::vector<std::string> result;
  for (const ExprPtr& e : exprs) result.push_back(value(e));
  return result;
}

std::string KernelWriter::value(const ExprPtr& e) {
  for (auto block = known_.rbegin(); block != known_.rend(); ++block) {
    const auto found = block->find(e.get());
    if (found != block->end()) return found->second;
  }
  const FastMath fast = fast_math(*e, fusible_.contains(e));
  reassociable_ = false;  // only the step itself, not what it combines
  std::string written = compute(*e, fast);
  known_.back().emplace(e.get(), written);
  return written;
}

FastMath KernelWriter::fast_math(const Expr& e, bool self_fusible) const {
  if (strict_ || !runtime::is_floating(e.type)) return {};
  FastMath fast{self_fusible, reassociable_};
  const auto* apply = std::get_if<Apply>(&e.node);
  if (apply != nullptr && is_sum(apply->op))
    for (const ExprPtr& arg : apply->args) fast.contract |= fusible_.contains(arg);
  return fast;
}

std::string KernelWriter::compute(const Expr& e, FastMath fast) {
  const auto write = [&](const auto& node) -> std::string {
    using Node = std::decay_t<decltype(node)>;
    if constexpr (std::is_same_v<Node, Constant>) {
      return literal(node.value);
    } else if constexpr (std::is_same_v<Node, Loop>) {
      return loops_[node.loop];
    } else if constexpr (std::is_same_v<Node, Local>) {
      return locals_[node.local];
    } else if constexpr (std::is_same_v<Node, Scalar_>) {
      return scalars_[node.param];
    } else if constexpr (std::is_same_v<Node, Read>) {
      const Buffer& buffer = kernel_.buffers[node.buffer];
      const std::string address =
          write_address(out_, buffer.type, buffers_[node.buffer], values(node.subscripts));
      const std::string result = out_.fresh(buffer.name + ".element");
      write_load(out_, result, e.type, address);
      return result;
    } else if constexpr (std::is_same_v<Node, Apply>) {
      const std::vector<std::string> args = values(node.args);
      const std::string result = out_.fresh(runtime::row(node.op).text);
      write_scalar(out_, result, node.op, node.args.back()->type, args, fast);
      return result;
    } else if constexpr (std::is_same_v<Node, Convert>) {
      const std::string operand = value(node.operand);
      const std::string result = out_.fresh(runtime::row(e.type).text);
      write_convert(out_, result, node.operand->type, e.type, operand);
      return result;
    } else {
      const std::vector<std::string> args = values({node.condition, node.then, node.otherwise});
      const std::string result = out_.fresh("select");
      write_scalar(out_, result, ScalarOp::select, e.type, args);
      return result;
    }
  };
  return std::visit(write, e.node);
}

}  // namespace

std::string write_kernel(ModuleText& module_text, const Module& module,
                         const Conventions& conventions, const Kernel& kernel, bool strict) {
  return KernelWriter(module_text, module, conventions, kernel, strict).write();
}

}  // namespace tenon::backend
