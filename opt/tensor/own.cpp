// own: makes ownership of tensors explicit, by reference counts that are placed when compiling. The
// protocol, which ir/interpret checks and the backend relies on:
//
//   - the result of every instruction comes with one owner, and so does a block parameter;
//   - `update` takes the owner of its tensor over (and overwrites it if that was the only one),
//   `ret`
//     hands it to the caller, an edge to the parameter of the block it leads to;
//   - all else borrows: computes, element, print, save, calls. A function's own parameters are
//     borrowed from the caller all along.
//
// `share` adds an owner where a tensor is taken over and needed again; `drop` takes one away behind
// the last use, or at the start of a block in which a tensor is dead that the other way out of the
// block before still needs. So an update of a last use happens in place; any other one is given a copy
// first (insert_copies.h), or makes one when the program finds another owner.
// (Ullrich and de Moura, "Counting Immutable Beans", IFL 2019, for loops instead of recursion.)
//
// This is no rewrite that could be left out: --bisect does not count it.
#include <algorithm>
#include <functional>
#include <ranges>

#include "ir/dominators.h"
#include "opt/analysis/liveness.h"
#include "opt/pass.h"
#include "opt/tensor/insert_copies.h"

namespace tenon::opt {
namespace {

using namespace ir;

class Own {
 public:
  Own(const Module& module, Function& function)
      : module_(module), function_(function) {}

  void run() {
    strip();
    if (!has_tensors()) return;
    split_edges();
    insert_copies(module_, function_);
    find_tensors();
    live_at_start_.emplace(function_, [&](ValueId value) { return is_tensor(value); });
    branches_here_.resize(function_.blocks.size());
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      if (function_.blocks[b].insts.back().op != Op::branch) continue;
      for (const Edge& edge : successors(function_.blocks[b]))
        branches_here_[edge.target.index] = {b};
    }
    for (uint32_t block = 0; block < function_.blocks.size(); ++block) place({block});
  }

 private:
  /// What an earlier run placed goes: the pass may run again.
  void strip() {
    for (Block& block : function_.blocks) {
      std::erase_if(block.insts,
                    [](const Inst& inst) { return row(inst.op).trait == Trait::ownership; });
    }
  }

  std::vector<int> ways_in() const {
    std::vector<int> ways(function_.blocks.size());
    for (const Block& block : function_.blocks) {
      for (const Edge& edge : successors(block)) ++ways[edge.target.index];
    }
    return ways;
  }

  /// Each edge of a branch gets a place of its own for copies, shares and drops: a block that only it leads
  /// to. Lowering writes them so; IR written by hand may not.
  void split_edges() {
    const std::vector<int> ways = ways_in();
    const uint32_t count = static_cast<uint32_t>(function_.blocks.size());
    for (uint32_t b = 0; b < count; ++b) {
      if (function_.blocks[b].insts.back().op != Op::branch) continue;
      for (size_t e = 0; e < 2; ++e) {
        const Edge edge = function_.blocks[b].insts.back().get<std::vector<Edge>>()[e];
        if (edge.args.empty() && ways[edge.target.index] == 1) continue;
        const BlockId between = function_.add_block("edge");
        const Span span = function_.blocks[b].insts.back().span;
        function_.block(between).insts = {{Op::jump, {}, {}, std::vector<Edge>{edge}, span}};
        function_.blocks[b].insts.back().get<std::vector<Edge>>()[e] = {between, {}};
      }
    }
  }

  bool has_tensors() const {
    return std::ranges::any_of(function_.values, [&](const Value& value) {
      return !module_.types[value.type].is_scalar();
    });
  }

  void find_tensors() {
    is_tensor_.resize(function_.values.size());
    borrowed_.resize(function_.values.size());
    live_now_.resize(function_.values.size());
    for (uint32_t v = 0; v < function_.values.size(); ++v)
      is_tensor_[v] = !module_.types[function_.values[v].type].is_scalar();
    for (ValueId param : function_.params) borrowed_[param.index] = true;
  }
  bool is_tensor(ValueId value) const { return value && is_tensor_[value.index]; }

  bool is_live(ValueId tensor) const { return live_now_[tensor.index]; }

  /// Sets what is live at the end of a block; clears what was before.
  void go_to_end(const Block& block) {
    for (ValueId tensor : touched_) live_now_[tensor.index] = false;
    touched_.clear();
    for (const Edge& edge : successors(block)) {
      for (ValueId tensor : live_at_start_->at_start(edge.target)) set_live(tensor);
    }
  }
  void set_live(ValueId tensor) {
    live_now_[tensor.index] = true;
    touched_.push_back(tensor);
  }

  // ---- shares and drops

  /// The tensors whose owner an instruction takes over, once for each time.
  std::vector<ValueId> taken(const Inst& inst) const {
    std::vector<ValueId> values;
    if (inst.op == Op::update) values = {inst.args[0]};
    if (inst.op == Op::ret) values = inst.args;
    if (inst.op == Op::jump) values = inst.get<std::vector<Edge>>()[0].args;
    std::erase_if(values, [&](ValueId value) { return !is_tensor(value); });
    return values;
  }

  void place(BlockId id) {
    go_to_end(function_.block(id));
    std::vector<Inst> reversed;  // the block from its end
    std::vector<Inst>& insts = function_.block(id).insts;
    for (auto inst = insts.rbegin(); inst != insts.rend(); ++inst) {
      const std::vector<ValueId> takes = taken(*inst);
      std::vector<ValueId> uses;
      for_each_use(function_, *inst, [&](ValueId used) {
        if (is_tensor(used)) uses.push_back(used);
      });
      std::ranges::sort(uses, std::greater());  // as the list is, from its end
      uses.erase(std::unique(uses.begin(), uses.end()), uses.end());

      const Span span = inst->span;
      for (ValueId result : std::views::reverse(inst->results)) {
        if (is_tensor(result) && !is_live(result))
          reversed.push_back(owner(Op::drop, result, span));
      }
      std::vector<Inst> shares;
      for (ValueId used : uses) {
        const auto times = std::ranges::count(takes, used);
        const bool needed = is_live(used) || borrowed_[used.index];
        if (times == 0 && !needed) reversed.push_back(owner(Op::drop, used, span));
        for (auto n = times - (needed ? 0 : 1); n > 0; --n)
          shares.push_back(owner(Op::share, used, span));
      }
      for (ValueId result : inst->results)
        if (is_tensor(result)) live_now_[result.index] = false;
      for (ValueId used : uses) set_live(used);
      reversed.push_back(std::move(*inst));
      std::ranges::move(shares, std::back_inserter(reversed));
    }
    drop_at_start(id, reversed);
    insts.assign(std::make_move_iterator(reversed.rbegin()),
                 std::make_move_iterator(reversed.rend()));
  }

  /// Parameters that nothing uses, and what the one block before still held for its other way.
  void drop_at_start(BlockId id, std::vector<Inst>& reversed) const {
    const Span span = reversed.back().span;
    const auto drop = [&](ValueId value) { reversed.push_back(owner(Op::drop, value, span)); };
    for (ValueId param : function_.block(id).params) {
      if (is_tensor(param) && !is_live(param)) drop(param);
    }
    const BlockId from = branches_here_[id.index];
    if (!from) return;
    for (const Edge& edge : successors(function_.block(from))) {
      if (edge.target == id) continue;
      for (ValueId held : std::views::reverse(live_at_start_->at_start(edge.target))) {
        if (!is_live(held) && !borrowed_[held.index]) drop(held);
      }
    }
  }

  static Inst owner(Op op, ValueId value, Span span) { return {op, {}, {value}, {}, span}; }

  const Module& module_;
  Function& function_;
  std::vector<bool> is_tensor_;             ///< by value, as are the next two
  std::vector<bool> borrowed_;              ///< the function's parameters
  std::vector<bool> live_now_;              ///< where place() is
  std::vector<ValueId> touched_;            ///< the tensors that may be in it
  std::optional<Liveness> live_at_start_;
  std::vector<BlockId> branches_here_;  ///< by block: the one whose branch leads there, if any
};

}  // namespace

void own(ir::Module& module, PassContext& context) {
  for (ir::Function& function : module.functions) {
    context.enter(function);
    Own(module, function).run();
  }
}

}  // namespace tenon::opt
