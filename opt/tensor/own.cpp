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
// block before still needs. So an update of a last use happens in place, and any other one copies.
// (Ullrich and de Moura, "Counting Immutable Beans", IFL 2019, for loops instead of recursion.)
//
// This is no rewrite that could be left out: --bisect does not count it.
#include <algorithm>
#include <functional>
#include <ranges>

#include "ir/dominators.h"
#include "opt/pass.h"

namespace tenon::opt {
namespace {

using namespace ir;

class Own {
 public:
  Own(const Module& module, Function& function)
      : module_(module), function_(function), number_(function.values.size(), kNoTensor) {}

  void run() {
    strip();
    number_tensors();
    if (tensors_.empty()) return;
    split_edges();
    find_live();
    branches_here_.resize(function_.blocks.size());
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      if (function_.blocks[b].insts.back().op != Op::branch) continue;
      for (const Edge& edge : successors(function_.blocks[b]))
        branches_here_[edge.target.index] = {b};
    }
    for (uint32_t block = 0; block < function_.blocks.size(); ++block) place({block});
  }

 private:
  static constexpr uint32_t kNoTensor = 0xffffffff;

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

  /// Each edge of a branch gets a place of its own for shares and drops: a block that only it leads
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

  void number_tensors() {
    for (uint32_t v = 0; v < function_.values.size(); ++v) {
      if (module_.types[function_.values[v].type].is_scalar()) continue;
      number_[v] = static_cast<uint32_t>(tensors_.size());
      tensors_.push_back({v});
    }
    borrowed_.resize(tensors_.size());
    live_now_.resize(tensors_.size());
    for (ValueId param : function_.params) {
      if (is_tensor(param)) borrowed_[number(param)] = true;
    }
  }
  bool is_tensor(ValueId value) const { return value && number_[value.index] != kNoTensor; }
  uint32_t number(ValueId value) const { return number_[value.index]; }

  // ---- liveness, tensor by tensor: upward from each use to the definition (Appel and Palsberg,
  // "Modern Compiler Implementation", 19.6), which takes as long as the answer

  void find_live() {
    const size_t count = function_.blocks.size();
    std::vector<std::vector<uint32_t>> predecessors(count), used_in(tensors_.size());
    std::vector<uint32_t> defined_in(tensors_.size(), 0);  // the entry: parameters of the function
    const auto defined = [&](ValueId value, uint32_t block) {
      if (is_tensor(value)) defined_in[number(value)] = block;
    };
    for (uint32_t b = 0; b < count; ++b) {
      const Block& block = function_.blocks[b];
      for (const Edge& edge : successors(block)) predecessors[edge.target.index].push_back(b);
      for (ValueId param : block.params) defined(param, b);
      for (const Inst& inst : block.insts) {
        for (ValueId result : inst.results) defined(result, b);
        for_each_use(function_, inst, [&](ValueId used) {
          if (is_tensor(used)) used_in[number(used)].push_back(b);
        });
      }
    }
    live_in_.resize(count);
    for (uint32_t t = 0; t < tensors_.size(); ++t) {
      std::vector<uint32_t>& work = used_in[t];
      while (!work.empty()) {
        const uint32_t b = work.back();
        work.pop_back();
        if (b == defined_in[t] || (!live_in_[b].empty() && live_in_[b].back() == t)) continue;
        live_in_[b].push_back(t);
        work.insert(work.end(), predecessors[b].begin(), predecessors[b].end());
      }
    }
  }

  bool is_live(uint32_t tensor) const { return live_now_[tensor]; }

  /// Sets what is live at the end of a block; clears what was before.
  void go_to_end(const Block& block) {
    for (uint32_t tensor : touched_) live_now_[tensor] = false;
    touched_.clear();
    for (const Edge& edge : successors(block)) {
      for (uint32_t tensor : live_in_[edge.target.index]) set_live(tensor);
    }
  }
  void set_live(uint32_t tensor) {
    live_now_[tensor] = true;
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
        if (is_tensor(result) && !is_live(number(result)))
          reversed.push_back(owner(Op::drop, result, span));
      }
      std::vector<Inst> shares;
      for (ValueId used : uses) {
        const auto times = std::ranges::count(takes, used);
        const bool needed = is_live(number(used)) || borrowed_[number(used)];
        if (times == 0 && !needed) reversed.push_back(owner(Op::drop, used, span));
        for (auto n = times - (needed ? 0 : 1); n > 0; --n)
          shares.push_back(owner(Op::share, used, span));
      }
      for (ValueId result : inst->results)
        if (is_tensor(result)) live_now_[number(result)] = false;
      for (ValueId used : uses) set_live(number(used));
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
      if (is_tensor(param) && !is_live(number(param))) drop(param);
    }
    const BlockId from = branches_here_[id.index];
    if (!from) return;
    for (const Edge& edge : successors(function_.block(from))) {
      if (edge.target == id) continue;
      const std::vector<uint32_t>& held = live_in_[edge.target.index];
      for (auto t = held.rbegin(); t != held.rend(); ++t) {
        if (!is_live(*t) && !borrowed_[*t]) drop(tensors_[*t]);
      }
    }
  }

  static Inst owner(Op op, ValueId value, Span span) { return {op, {}, {value}, {}, span}; }

  const Module& module_;
  Function& function_;
  std::vector<uint32_t> number_;
  std::vector<ValueId> tensors_;
  std::vector<bool> borrowed_;                  ///< the function's parameters
  std::vector<std::vector<uint32_t>> live_in_;  ///< by block: tensors, ascending
  std::vector<bool> live_now_;                  ///< where place() is
  std::vector<uint32_t> touched_;               ///< the tensors that may be in it
  std::vector<BlockId> branches_here_;  ///< by block: the one whose branch leads there, if any
};

}  // namespace

void own(ir::Module& module, PassContext&) {
  for (ir::Function& function : module.functions) Own(module, function).run();
}

}  // namespace tenon::opt
