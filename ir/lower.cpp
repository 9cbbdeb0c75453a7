#include "ir/lower.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <set>

#include "ir/dominators.h"
#include "ir/lowering.h"
#include "runtime/context.h"

namespace tenon::ir {

namespace {

/// Blocks as the source has them: a loop's body behind its head, and what follows behind the body.
void order_blocks(Function& function) {
  std::vector<Arc> arcs;  // the last way first, so that its blocks come last
  for (uint32_t i = 0; i < function.blocks.size(); ++i)
    for (const Edge& edge : std::views::reverse(successors(function.blocks[i])))
      arcs.push_back({i, edge.target.index});
  const std::vector<uint32_t> order = reverse_postorder(Graph(function.blocks.size(), arcs));
  std::vector<Block> blocks;
  std::vector<BlockId> now(function.blocks.size());
  for (uint32_t block : order) {
    now[block] = BlockId{static_cast<uint32_t>(blocks.size())};
    blocks.push_back(std::move(function.blocks[block]));
  }
  for (Block& block : blocks) {
    auto* edges = std::get_if<std::vector<Edge>>(&block.insts.back().attribute);
    if (!edges) continue;
    for (Edge& edge : *edges) edge.target = now[edge.target.index];
  }
  function.blocks = std::move(blocks);
}

}  // namespace

// ---- functions

FunctionLowering::FunctionLowering(ModuleLowering& shared, const Instance& instance, Function& out)
    : shared_(shared), instance_(instance), source_(*instance.source), out_(out), ssa_(out) {
  for (const typed::Var& var : source_.vars) {
    // An aggregate's own number is never used.
    first_leaf_.push_back(ssa_.add_variable(type_id(var.type), var.name));
  }
  for (typed::VarId var = 0; var < source_.vars.size(); ++var) {
    const typed::Var& whole = source_.vars[var];
    if (!whole.type.aggregate) continue;
    bool first = true;
    for_each_leaf(whole.type, whole.name, [&](const typed::Type& leaf, const std::string& name) {
      const typed::VarId added = ssa_.add_variable(type_id(leaf), name);
      if (std::exchange(first, false)) first_leaf_[var] = added;
    });
  }
}

void FunctionLowering::run() {
  begin(out_.add_block("entry"));
  definition_ = no_definition();
  size_t next = 0;
  for (typed::VarId var = 0; var < source_.param_count; ++var) {
    const size_t count = source_.vars[var].type.leaf_count();
    write_leaves(first_leaf_[var], {out_.params.begin() + next, out_.params.begin() + next + count});
    next += count;
  }
  block(source_.body);
  if (block_ && out_.results.empty()) {
    emit_effect(Op::ret, {}, {}, source_.span);
  } else if (block_) {  // the checker has seen that no path gets here
    const BlockId never = out_.add_block("never");
    ssa_.jump(block_, never, source_.span);
    ssa_.jump(never, never, source_.span);
    ssa_.seal(never);
  }
  ssa_.finish();
  order_blocks(out_);
}

// ---- blocks

void FunctionLowering::jump_if_open(BlockId target, Span span) {
  if (block_) ssa_.jump(block_, target, span);
}

void FunctionLowering::begin(BlockId block) {
  ssa_.seal(block);
  block_ = block;
}

void FunctionLowering::begin(BlockId block, SsaBuilder::Moment before) {
  ssa_.seal(block, before);
  block_ = block;
}

FunctionLowering::Ways FunctionLowering::branch(ValueId condition, std::string_view then,
                                                std::string_view otherwise, Span span) {
  const Ways ways = {out_.add_block(then), out_.add_block(otherwise)};
  ssa_.branch(block_, condition, ways.then, ways.otherwise, span);
  ssa_.seal(ways.then);
  ssa_.seal(ways.otherwise);
  return ways;
}

// ---- statements

void FunctionLowering::block(const std::vector<typed::Stmt>& stmts) {
  for (const typed::Stmt& stmt : stmts) {
    if (!block_) return;
    std::visit([&](const auto& node) { statement(node, stmt.span); }, stmt.node);
  }
}

void FunctionLowering::statement(const typed::Define& node, Span) {
  definition_ = definition(node);
  write_leaves(first_leaf_[node.var], leaves(node.value, source_.vars[node.var].name));
  definition_ = no_definition();
}

void FunctionLowering::statement(const typed::Update& node, Span span) {
  const typed::Var& variable = source_.vars[node.var];
  typed::VarId leaf = first_leaf_[node.var];
  const typed::Type* type = &variable.type;
  for (size_t part : node.path) {
    for (size_t i = 0; i < part; ++i) {
      leaf += static_cast<typed::VarId>(type->aggregate->parts[i].leaf_count());
    }
    type = &type->aggregate->parts[part];
  }
  if (node.subscripts.empty()) return write_leaves(leaf, leaves(node.value, variable.name));
  std::vector<ValueId> args;
  std::vector<bool> open;
  for (const auto& subscript : node.subscripts) {
    open.push_back(!subscript);
    if (subscript) args.push_back(value(*subscript));
  }
  args.push_back(value(node.value));
  args.insert(args.begin(), read(leaf));
  write(leaf, emit(Op::update, type_id(*type), std::move(args), Part{std::move(open)},
                   subscripts_span(node.subscripts, span), variable.name));
}

void FunctionLowering::statement(const typed::If& node, Span span) {
  const ValueId condition = value(node.condition);
  const SsaBuilder::Moment before = ssa_.now(block_);
  const Ways ways = branch(condition, "then", "else", span);
  block_ = ways.then;
  block(node.then);
  const BlockId then_end = block_;
  block_ = ways.otherwise;
  block(node.otherwise);
  if (!then_end) return;
  if (!block_) {
    block_ = then_end;
    return;
  }
  const BlockId join = out_.add_block("join");
  ssa_.jump(then_end, join, span);
  ssa_.jump(block_, join, span);
  begin(join, before);
}

void FunctionLowering::statement(const typed::While& node, Span span) {
  const SsaBuilder::Moment before = ssa_.now(block_);
  const BlockId head = out_.add_block("loop");
  ssa_.jump(block_, head, span);
  block_ = head;
  const auto* constant = std::get_if<typed::Constant>(&node.condition.node);
  BlockId done;  // none for `while true`, which only a break ends
  if (!constant || !constant->value.i) {
    const Ways ways = branch(value(node.condition), "body", "done", span);
    block_ = ways.then;
    done = ways.otherwise;
  }
  loops_.push_back({{}, head});
  block(node.body);
  jump_if_open(head, span);
  ssa_.seal(head, before);
  block_ = done;
  if (const BlockId exit = loops_.back().exit) {
    jump_if_open(exit, span);
    begin(exit, before);
  }
  loops_.pop_back();
}

void FunctionLowering::statement(const typed::For& node, Span span) {
  const ValueId lo = value(node.lo);
  const ValueId hi = value(node.hi);
  count(node.var, lo, hi, span, [&] { block(node.body); });
}

void FunctionLowering::count(typed::VarId variable, ValueId lo, ValueId hi, Span span,
                             const std::function<void()>& body) {
  write(variable, lo);
  const SsaBuilder::Moment before = ssa_.now(block_);
  const BlockId head = out_.add_block("loop");
  ssa_.jump(block_, head, span);
  block_ = head;
  const Ways ways = branch(apply(ScalarOp::lt, {read(variable), hi}, span), "body", "done", span);
  block_ = ways.then;
  const SsaBuilder::Moment turn = ssa_.now(block_);
  loops_.emplace_back();
  body();
  const Loop loop = loops_.back();
  loops_.pop_back();
  if (loop.step) {
    jump_if_open(loop.step, span);
    begin(loop.step, turn);
  }
  if (block_) {  // i < hi, so i + 1 does not wrap
    const ValueId next = apply(ScalarOp::add, {read(variable), constant(1, span)}, span);
    write(variable, next);
    ssa_.jump(block_, head, span);
  }
  ssa_.seal(head, before);
  block_ = ways.otherwise;
  if (loop.exit) {
    ssa_.jump(block_, loop.exit, span);
    begin(loop.exit, before);
  }
}

void FunctionLowering::statement(const typed::Break&, Span span) {
  BlockId& exit = loops_.back().exit;
  if (!exit) exit = out_.add_block("exit");
  ssa_.jump(block_, exit, span);
  block_ = {};
}

void FunctionLowering::statement(const typed::Continue&, Span span) {
  BlockId& step = loops_.back().step;
  if (!step) step = out_.add_block("step");
  ssa_.jump(block_, step, span);
  block_ = {};
}

void FunctionLowering::statement(const typed::Return& node, Span span) {
  std::vector<ValueId> args;
  if (node.value) args = leaves(*node.value);
  emit_effect(Op::ret, std::move(args), {}, span);
  block_ = {};
}

void FunctionLowering::statement(const typed::Print& node, Span span) {
  std::vector<ValueId> args;
  std::vector<std::string> texts(1);
  for (const auto& piece : node.pieces) {
    if (&piece != &node.pieces.front()) texts.back() += ' ';
    if (const auto* text = std::get_if<std::string>(&piece)) {
      texts.back() += *text;
    } else {
      args.push_back(value(std::get<TypedExpr>(piece)));
      texts.emplace_back();
    }
  }
  emit_effect(Op::print, std::move(args), std::move(texts), span);
}

void FunctionLowering::statement(const typed::Save& node, Span span) {
  emit_effect(Op::save, {value(node.value)}, node.path, span);
}

void FunctionLowering::statement(const typed::Write& node, Span span) {
  emit_effect(Op::write, {value(node.value)}, {}, span);
}

void FunctionLowering::statement(const typed::Assert& node, Span span) {
  emit_effect(Op::assert_, {value(node.condition)}, node.message, span);
}

void FunctionLowering::statement(const typed::Evaluate& node, Span) {
  if (const auto* called = std::get_if<typed::Call>(&node.value.node)) {
    call(*called, node.value, "t");
  } else {
    value(node.value);
  }
}

// ---- modules

namespace {

/// `f`, or `f.1797x64` with what its parameters stand for; `f.2` where that is taken.
std::string module_name(const typed::Function& function, std::set<std::string>& taken) {
  std::string base = function.name, arguments;
  for (const auto& [name, value] : function.arguments) {
    if (!value.empty()) arguments += (arguments.empty() ? "" : "x") + value;
  }
  if (!arguments.empty()) base += "." + arguments;
  std::string name = base;
  for (int n = 2; !taken.insert(name).second; ++n) name = fmt::format("{}.{}", base, n);
  return name;
}

Function signature(Module& module, const typed::Function& source, std::string name) {
  const auto type_of = [&](const typed::Type& type) {
    return module.types.intern({type.dtype, type.concrete_shape()});
  };
  Function out;
  out.name = std::move(name);
  out.pure = source.pure;
  out.recursive = source.recursive;
  out.span = source.span;
  for (size_t i = 0; i < source.param_count; ++i) {
    for_each_leaf(source.vars[i].type, source.vars[i].name,
                  [&](const typed::Type& leaf, const std::string& name) {
                    out.params.push_back(out.add_value(type_of(leaf), name));
                  });
  }
  if (source.result) {
    source.result->for_each_leaf(
        [&](const typed::Type& leaf) { out.results.push_back(type_of(leaf)); });
  }
  return out;
}

}  // namespace

Module lower(const typed::Program& program, std::vector<const typed::PlacedSchedule*>* unplaced) {
  Module module;
  ModuleLowering shared{module, program};
  std::set<std::string> taken;
  for (const auto& function : program.functions) {
    const FuncId id{static_cast<uint32_t>(module.functions.size())};
    shared.functions[function.get()] = id;
    if (function.get() == program.main) module.main = id;
    module.functions.push_back(signature(module, *function, module_name(*function, taken)));
    module.functions.back().exported = function->exported;  // its copies are for calls inside
  }
  // Lowering walks typed trees, and chains of calls, by recursion.
  runtime::run_on_large_stack([&] {
    for (const auto& function : program.functions) {
      const Instance alone{function.get(), function->name};
      FunctionLowering(shared, alone, module.function(shared.functions.at(function.get()))).run();
    }
    // Copies may want others; paths end, so that this does too.
    for (size_t i = 0; i < shared.wanted.size(); ++i) {
      const Instance copy = shared.wanted[i];
      module.functions.push_back(signature(module, *copy.source, module_name(*copy.source, taken)));
      FunctionLowering(shared, copy, module.functions.back()).run();
    }
  });
  if (unplaced == nullptr) return module;
  for (const typed::PlacedSchedule& schedule : program.schedules) shared.met.insert(&schedule);
  for (const typed::PlacedSchedule* schedule : shared.met)
    if (!shared.placed.contains(schedule)) unplaced->push_back(schedule);
  return module;
}

}  // namespace tenon::ir
