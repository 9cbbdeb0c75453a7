// cse: equal instructions share one value, where one dominates the other (global value numbering by
// dominators; Briggs, Cooper and Simpson, "Value Numbering", 1997, section 4).
//
// An instruction that may fail is no obstacle: where an equal one ran before, it did not fail. What
// reads files is, since a `save` between the two may change them.
#include <bit>
#include <map>

#include "ir/dominators.h"
#include "opt/pass.h"
#include "opt/rewrite.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// Which functions read files, themselves or by others.
std::vector<bool> find_readers(const Module& module) {
  std::vector<bool> reads(module.functions.size());
  const auto reads_file = [&](const Function& function, const Inst& inst) {
    bool found = inst.op == Op::load || (inst.op == Op::call && reads[inst.get<FuncId>().index]);
    if (inst.op == Op::compute) {
      for_each_node(function.exprs, inst.get<Compute>().bodies, [&](ExprId id) {
        const FuncId callee = function.exprs[id].callee;
        found = found || (callee && reads[callee.index]);
      });
    }
    return found;
  };
  for (bool again = true; again;) {
    again = false;
    for (size_t f = reads.size(); f-- > 0;) {  // callees tend to stand behind their callers
      if (reads[f]) continue;
      for (const Block& block : module.functions[f].blocks) {
        for (const Inst& inst : block.insts)
          reads[f] = reads[f] || reads_file(module.functions[f], inst);
      }
      again = again || reads[f];
    }
  }
  return reads;
}

class Cse {
 public:
  Cse(const Module& module, Function& function, const std::vector<bool>& readers,
      PassContext& context)
      : module_(module),
        function_(function),
        readers_(readers),
        context_(context),
        graph_(control_flow(function)),
        dominators_(graph_) {}

  void run() {
    // The dominator tree in preorder: what was seen on the way down to a block dominates it.
    std::vector<std::vector<uint32_t>> children(graph_.size());
    for (uint32_t node : reverse_postorder(graph_)) {
      if (node != 0) children[dominators_.immediate(node)].push_back(node);
    }
    std::vector<uint32_t> stack = {0};
    while (!stack.empty()) {
      const uint32_t node = stack.back();
      stack.pop_back();
      visit({node});
      stack.insert(stack.end(), children[node].rbegin(), children[node].rend());
    }
    if (!replacements_.empty()) replacements_.apply(function_);  // unreachable blocks
  }

 private:
  using Key = std::vector<uint64_t>;
  struct Seen {
    BlockId block;
    std::vector<ValueId> values;
  };

  void visit(BlockId block) {
    std::erase_if(function_.block(block).insts, [&](Inst& inst) {
      replacements_.apply(function_, inst);
      if (!may_share(inst)) return false;
      std::vector<Seen>& seen = seen_[key(inst)];
      while (!seen.empty() && !dominators_.dominates(seen.back().block, block)) seen.pop_back();
      if (seen.empty()) {
        seen.push_back({block, inst.results});
        return false;
      }
      if (!context_.may_rewrite(row(inst.op).text)) return false;
      for (size_t i = 0; i < inst.results.size(); ++i)
        replacements_.add(inst.results[i], seen.back().values[i]);
      return true;
    });
  }

  bool may_share(const Inst& inst) const {
    switch (inst.op) {
      case Op::constant:
      case Op::apply:
      case Op::convert:
      case Op::pack:
      case Op::element:
      case Op::update: return true;
      case Op::call:
        return module_.function(inst.get<FuncId>()).pure && reads_no_file(inst.get<FuncId>());
      case Op::compute: {
        bool free = true;
        for_each_node(function_.exprs, inst.get<Compute>().bodies,
                      [&](ExprId id) { free = free && reads_no_file(function_.exprs[id].callee); });
        return free;
      }
      default: return false;
    }
  }
  bool reads_no_file(FuncId callee) const { return !callee || !readers_[callee.index]; }

  /// Equal for instructions that compute the same from the same values.
  Key key(const Inst& inst) const {
    Key key = {static_cast<uint64_t>(inst.op)};
    for (ValueId result : inst.results) key.push_back(function_.value(result).type.index);
    for (ValueId arg : inst.args) key.push_back(arg.index);
    if (const auto* scalar = std::get_if<Scalar>(&inst.attribute)) {
      key.push_back(runtime::is_floating(scalar->type) ? std::bit_cast<uint64_t>(scalar->f)
                                                       : static_cast<uint64_t>(scalar->i));
    } else if (const auto* op = std::get_if<ScalarOp>(&inst.attribute)) {
      key.push_back(static_cast<uint64_t>(*op));
    } else if (const auto* compute = std::get_if<Compute>(&inst.attribute)) {
      for (const ExprId body : compute->bodies) key.push_back(body.index);
    } else if (const auto* part = std::get_if<Part>(&inst.attribute)) {
      key.insert(key.end(), part->open.begin(), part->open.end());
    } else if (const auto* callee = std::get_if<FuncId>(&inst.attribute)) {
      key.push_back(callee->index);
    }
    return key;
  }

  const Module& module_;
  Function& function_;
  const std::vector<bool>& readers_;
  PassContext& context_;
  Graph graph_;
  Dominators dominators_;
  std::map<Key, std::vector<Seen>> seen_;
  Replacements replacements_;
};

}  // namespace

void cse(ir::Module& module, PassContext& context) {
  const std::vector<bool> readers = find_readers(module);
  for (ir::Function& function : module.functions) {
    if (!has_owners(function)) Cse(module, function, readers, context).run();
  }
}

}  // namespace tenon::opt
