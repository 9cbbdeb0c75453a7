// Kernels as LLVM functions: loops become phis and branches, or copies of their bodies, or lanes.
// Locals become the SSA values that they have at each point, so that nothing is left for LLVM to
// promote from memory.
#include "backend/loops_to_llvm.h"

#include <algorithm>
#include <bit>

#include "backend/kernel_writer.h"
#include "backend/lane_functions.h"
#include "opt/loops/private.h"

namespace tenon::backend {

using namespace ir::loops;
using ir::Module;
using opt::loops::changed_by;

KernelWriter::KernelWriter(ModuleText& module_text, const Module& module,
                           const Conventions& conventions, NestFacts& facts, bool strict,
                           Processor processor)
    : out_(module_text),
      module_(module),
      conventions_(conventions),
      facts_(facts),
      kernel_(facts.kernel),
      strict_(strict),
      processor_(processor),
      launch_(gpu::launch_of(kernel_)),
      shared_(opt::loops::shared_memory(kernel_)),
      loops_(kernel_.loops.size()),
      places_(kernel_.locals.size()) {}

std::string KernelWriter::write() {
  const Convention convention = conventions_.of(kernel_);
  const std::string params = parameters();
  out_.label(out_.fresh("entry"));
  const size_t entry = out_.leave_space();
  reserve_memory(kernel_.body);
  block(kernel_.body);
  finish();
  out_.fill(entry, std::move(reserved_));
  if (on_gpu()) {
    out_.line("ret void");
    return functions_ + out_.definition(entry_signature(params), "ret void",
                                        FunctionText::Inline::never, true);
  }
  out_.line("{}", return_values({}, {}, convention, out_));
  // Kernels with loops stay functions of their own, so that their callers stay small.
  const std::string signature =
      fmt::format("{} {} {}({})", stands_alone(kernel_) ? "hidden" : "internal",
                  result_type({}, convention), symbol("kernel." + kernel_.name), params);
  const auto inlined = kernel_.loops.empty() ? FunctionText::Inline::may : FunctionText::Inline::never;
  return out_.definition(signature, return_failed({}, convention), inlined, stands_alone(kernel_)) +
         functions_;
}

/// What is left to do where all has gone well.
void KernelWriter::finish() {
  if (streams_) out_.line("fence seq_cst");  // for others to see what went past the caches
  if (!scratch_.empty()) out_.line("call void @tn_drop(ptr %context, ptr {})", scratch_);
}

/// Tensors do not overlap those that are written, but where a result takes the place of an operand; all
/// are aligned.
std::string KernelWriter::parameters() {
  const std::string context = "ptr " + out_.fresh("context");
  std::string text = on_gpu() ? "" : context;
  if (conventions_.of(kernel_).deep) text += ", i64 " + (depth_ = out_.fresh("depth"));
  for (size_t i = 0; i < kernel_.buffers.size(); ++i) {
    buffers_.push_back(out_.fresh(kernel_.buffers[i].name));
    text += fmt::format("{}ptr {}{} align 64 {}", text.empty() ? "" : ", ",
                        facts_.is_shared(i) ? "" : "noalias ",
                        kernel_.is_output(i) ? "writeonly" : "readonly", buffers_.back());
  }
  for (const ScalarParam& s : kernel_.scalars) {
    scalars_.push_back(out_.fresh(s.name));
    text += fmt::format(", {} {}", register_type(s.type), scalars_.back());
  }
  if (on_gpu() && gpu::takes_context(kernel_)) text += ", " + context;
  return text;
}

void KernelWriter::block(const Block& stmts) {
  scopes_.emplace_back();
  for (const Stmt& s : stmts) {
    at(s.span);
    std::visit([&](const auto& node) { stmt(node); }, s.node);
  }
  scopes_.pop_back();
}

// ---- loops

void KernelWriter::stmt(const For& loop) {
  const std::optional<Turns> turns = constant_turns(loop);
  if (turns && turns->count() == 0) return;
  if (is_bound(loop)) return bound(loop);
  if (on_gpu() && loop.kind == LoopKind::mma) return matrix(loop);
  if (turns && (turns->count() == 1 || loop.kind == LoopKind::unrolled))
    return unrolled(loop, *turns);
  if (loop.kind == LoopKind::vectorized)
    if (const auto& varying = facts_.varying(loop)) return vectorized(loop, *turns, *varying);
  const Bounds bounds{value(loop.lo).text, value(loop.hi).text, turns.has_value(),
                      turns && turns->lo >= 0};
  if (is_function(loop)) return parallel(loop, bounds);
  serial(loop, bounds);
}

/// The test is at the bottom; a guard stands before the loop where it may not run at all. What the
/// body changes goes around through phis.
void KernelWriter::serial(const For& loop, const Bounds& bounds) {
  const size_t before_loop = out_.leave_space();
  const std::string before = out_.current_label();
  const std::string index = out_.fresh(kernel_.loops[loop.loop]);
  const std::string head = out_.fresh("loop"), done = out_.fresh("done");
  if (bounds.some) {
    out_.line("br label {}", head);
  } else {
    const std::string some = out_.fresh("some");
    out_.line("{} = icmp slt i64 {}, {}", some, bounds.lo, bounds.hi);
    out_.line("br i1 {}, label {}, label {}", some, head, done);
  }

  out_.label(head);
  const size_t phi_lines = out_.leave_space();
  regions_.push_back({depth() + 1, before_loop});
  const Places initial = places_of(changed_by(loop.body));
  const Places around = open_phis(initial);
  loops_[loop.loop] = {index, false, {}, depth()};
  block(loop.body);
  out_.fill(before_loop, std::move(regions_.back().hoisted));
  regions_.pop_back();

  const std::string next = out_.fresh("next"), more = out_.fresh("more");
  const std::string latch = out_.current_label();
  out_.line("{} = add {} i64 {}, 1", next, bounds.nonnegative ? "nuw nsw" : "nsw", index);
  out_.line("{} = icmp slt i64 {}, {}", more, next, bounds.hi);
  out_.line("br i1 {}, label {}, label {}", more, head, done);
  out_.fill(phi_lines,
            fmt::format("  {} = phi i64 [ {}, {} ], [ {}, {} ]\n", index, bounds.lo, before, next,
                        latch) +
                phis(around, initial, before, latch));

  out_.label(done);
  if (!bounds.some) merge(initial, before, latch);
}

void KernelWriter::unrolled(const For& loop, Turns turns) {
  const bool transposes = may_transpose(loop);
  if (transposes) waiting_.emplace(Waiting{locals_read_in(loop.body)});
  for (int64_t turn = turns.lo; turn < turns.hi; ++turn) {
    const Scalar constant = Scalar::integer(DType::i64, turn);
    loops_[loop.loop] = {literal(constant), false, constant, 0};
    block(loop.body);
  }
  if (transposes) store_waiting();
}

void KernelWriter::vectorized(const For& loop, Turns turns, const Varying& varying) {
  const auto used = static_cast<uint32_t>(turns.count());
  vector_ = Vector{loop.loop, turns, {std::bit_ceil(used), used}, &varying, {}};
  loops_[loop.loop] = {lane_numbers(vector_->lanes, turns.lo), true, {}, 0};
  block(loop.body);
  vector_.reset();
}

// ---- other statements

void KernelWriter::stmt(const SetLocal& set) {
  if (set.declares) declare(set.local);
  if (set.value == nullptr) return;
  if (set.async && on_gpu() && copy_async(set)) return;
  reassociable_ = set.reassociable && !strict_;
  const bool outside = vector_ && !vector_->declared.contains(set.local);
  const bool each_its_own = outside && std::ranges::any_of(set.subscripts, [&](const ExprPtr& s) {
    return varies(s, vector_->loop, *vector_->varying);
  });
  if (outside && !each_its_own) {
    combine(set);
  } else {
    const Value written = value(set.value);
    assign(set, written);
  }
  reassociable_ = false;
}

void KernelWriter::stmt(const If& branch) {
  const Value condition = value(branch.condition);
  if (condition.constant) return block(condition.constant->i != 0 ? branch.then : branch.otherwise);
  const std::string then = out_.fresh("then"), otherwise = out_.fresh("else"),
                    join = out_.fresh("join");
  out_.line("br i1 {}, label {}, label {}", condition.text, then, otherwise);
  std::set<LocalId> changed = changed_by(branch.then);
  changed.merge(changed_by(branch.otherwise));
  const Places before = places_of(changed);

  const auto side = [&](const std::string& label, const Block& stmts) {
    out_.label(label);
    regions_.push_back({depth()});
    block(stmts);
    regions_.pop_back();
    out_.line("br label {}", join);
    return out_.current_label();
  };
  const std::string then_end = side(then, branch.then);
  const Places after_then = places_of(changed);
  restore(before);
  const std::string otherwise_end = side(otherwise, branch.otherwise);
  out_.label(join);
  merge(after_then, then_end, otherwise_end);
}

void KernelWriter::stmt(const Store& node) {
  const Alone alone = open_alone();
  const Value stored = value(node.value);
  store(buffer(node.buffer), node.subscripts, stored, node.stream);
  close_alone(alone);
}

void KernelWriter::stmt(const Check& check) {
  const Value holds = value(check.holds);
  if (holds.constant && holds.constant->i != 0) return;
  const auto number = [&](const ExprPtr& e) {
    return e == nullptr ? std::string("0") : value(e).text;
  };
  const std::string a = number(check.a), b = number(check.b);
  out_.fail_unless(holds.text, check.fault, check.span, a, b, check.text);
}

void KernelWriter::stmt(const CallInto& call) {
  if (call.in_lanes && !on_gpu()) return call_in_lanes(call);
  std::vector<std::string> args;
  for (const ExprPtr& arg : call.args)
    args.push_back(fmt::format("{} {}", register_type(arg->type), value(arg).text));
  const std::string result = out_.fresh(local_name(call.local));
  write_function_call(out_, module_, conventions_, call.callee, {&result, 1}, here(depth_, "i64"),
                      args, call.span);
  declare(call.local);
  places_[call.local].registers = {made(result, false)};
}

void KernelWriter::call_in_lanes(const CallInto& call) {
  std::vector<DType> types;
  for (const ExprPtr& arg : call.args) types.push_back(arg->type);
  const Together given = together(values(call.args), types);
  const Lanes lanes = lanes_if(given.varies);
  const DType type = kernel_.locals[call.local].dtype;
  std::string args;
  for (size_t i = 0; i < types.size(); ++i)
    args += fmt::format("{}{} {}", args.empty() ? "" : ", ", lane_type(types[i], lanes),
                        operand(register_type(types[i]), given.texts[i], lanes));
  const std::string result = out_.fresh(local_name(call.local));
  out_.line("{} = call {} {}({})", result, lane_type(type, lanes),
            lane_function(out_.module, module_, call.callee, lanes), args);
  declare(call.local);
  places_[call.local].registers = {made(result, given.varies)};
}

bool stands_alone(const Kernel& kernel) {
  bool calls = false;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* call = std::get_if<CallInto>(&stmt.node);
    calls = calls || (call != nullptr && !call->in_lanes);
  });
  return is_scheduled(kernel) && !calls;
}

std::string write_kernel(ModuleText& module_text, const Module& module,
                         const Conventions& conventions, const Kernel& kernel,
                         std::span<const opt::memory::MemoryPlan::InPlace> in_place, bool strict,
                         Processor processor) {
  std::set<BufferId> shared;
  for (const auto& [input, output] : in_place) shared.insert({input, output});
  const Kernel own = processor == Processor::gpu ? opt::loops::fragmented(opt::loops::privatized(kernel)) : Kernel();
  NestFacts facts(processor == Processor::gpu ? own : kernel, std::move(shared));
  return KernelWriter(module_text, module, conventions, facts, strict, processor).write();
}

}  // namespace tenon::backend
