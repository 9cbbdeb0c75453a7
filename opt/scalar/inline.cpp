// inline: calls replaced by what they call.
//
//   %y = call @square(%x)     =>     %y = mul %x, %x
//
// A call costs little by itself. What it costs is what nobody sees through it: constants, equal
// computations, the producer of a tensor and its consumer. So the cost of inlining is the code that it
// adds, and that is what is counted here, in instructions:
//
//   + the callee's; a compute, which becomes a kernel of its own, counts kPerCompute
//   - kPerArgument for each argument, which need not be passed
//   - kPerConstant for each constant argument: it tends to fold some of the callee
//
// A call is inlined if that is at most kMaxCost; and if it is the only call of its callee, which then
// goes (to `dce`), at any cost; but never beyond kMaxSize instructions in one function. Functions are
// taken callees first (Chang and Hwu, "Inline Function Expansion for Compiling C Programs", PLDI
// 1989), so that what a callee has taken in counts, and no call is looked at twice. A call of a function
// that may reach itself stays: there the depth is counted.
//
// Instructions keep their places in the source, so that a failure is reported as before. In the body
// of a compute a call is inlined if its callee is one block of scalar operations that cannot fail: in
// lowering others were, as far as they had no loop; but a loop may have been unrolled since.
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "ir/ranges.h"
#include "opt/analysis/strong_components.h"
#include "opt/pass.h"
#include "opt/rewrite.h"
#include "opt/scalar/copy_function.h"

namespace tenon::opt {
namespace {

using namespace ir;

constexpr int64_t kMaxCost = 20, kPerCompute = 10, kPerArgument = 1, kPerConstant = 4;
constexpr int64_t kMaxSize = 5'000;

int64_t size_of(const Function& function) {
  int64_t size = 0;
  for (const Block& block : function.blocks) {
    for (const Inst& inst : block.insts) {
      if (inst.op == Op::compute) size += kPerCompute;
      else if (inst.op != Op::constant) ++size;
    }
  }
  return size;
}

/// What is known of all functions; kept up as they grow.
class CallGraph {
 public:
  explicit CallGraph(const Module& module) : calls_(module.functions.size()) {
    const Graph graph = call_graph(module);
    for (uint32_t f = 0; f < graph.size(); ++f) {
      sizes_.push_back(size_of(module.functions[f]));
      for (uint32_t callee : graph[f]) ++calls_[callee];
    }
    circular_.resize(graph.size());
    for (const std::vector<uint32_t>& component : strong_components(graph)) {
      for (uint32_t f : component) {
        order_.push_back({f});
        circular_[f] = component.size() > 1 || module.functions[f].recursive;
      }
    }
  }

  const std::vector<FuncId>& callees_first() const { return order_; }
  int64_t size(FuncId function) const { return sizes_[function.index]; }
  void grow(FuncId function, FuncId by) { sizes_[function.index] += sizes_[by.index]; }
  int calls(FuncId function) const { return calls_[function.index]; }
  bool is_circular(FuncId function) const { return circular_[function.index]; }

 private:
  std::vector<FuncId> order_;
  std::vector<int64_t> sizes_;
  std::vector<int> calls_;  ///< before any is inlined
  std::vector<bool> circular_;
};

class Inline {
 public:
  Inline(Module& module, FuncId caller, CallGraph& graph, PassContext& context)
      : module_(module),
        caller_(caller),
        function_(module.function(caller)),
        graph_(graph),
        context_(context),
        is_constant_(function_.values.size()) {
    for (const Block& block : function_.blocks)
      for (const Inst& inst : block.insts)
        if (inst.op == Op::constant) is_constant_[inst.result().index] = true;
  }

  void run() {
    const uint32_t count = static_cast<uint32_t>(function_.blocks.size());
    for (uint32_t b = 0; b < count; ++b) {
      BlockId current{b};
      std::vector<Inst> insts = std::move(function_.blocks[b].insts);
      function_.blocks[b].insts.clear();
      for (Inst& inst : insts) {
        if (inst.op == Op::compute) inline_in_body(inst);
        if (inst.op == Op::call && pays(inst) && context_.may_rewrite("call")) {
          current = splice(current, inst);
        } else {
          function_.block(current).insts.push_back(std::move(inst));
        }
      }
    }
    replacements_.apply(function_);
  }

 private:
  // [snippet pays]
  bool pays(const Inst& call) const {
    const FuncId callee = call.get<FuncId>();
    if (graph_.is_circular(callee) || has_owners(module_.function(callee))) return false;
    if (graph_.size(caller_) + graph_.size(callee) > kMaxSize) return false;
    if (graph_.calls(callee) == 1) return true;
    int64_t cost = graph_.size(callee);
    for (ValueId arg : call.args)
      cost -= kPerArgument + (is_constant(arg) ? kPerConstant : 0);
    return cost <= kMaxCost;
  }
  // [end]

  bool is_constant(ValueId value) const {
    return value.index < is_constant_.size() && is_constant_[value.index];
  }

  /// Puts the callee behind `block`; what comes next goes into the block returned.
  BlockId splice(BlockId block, const Inst& call) {
    const Function& callee = module_.function(call.get<FuncId>());
    graph_.grow(caller_, call.get<FuncId>());
    FunctionCopy copy(callee, function_);
    for (size_t i = 0; i < call.args.size(); ++i) copy.map(callee.params[i], call.args[i]);
    if (callee.blocks.size() == 1) {
      splice_block(block, call, copy);
      return block;
    }
    const BlockId behind = function_.add_block(without_number(function_.block(block).name));
    function_.block(behind).params = call.results;
    copy.lies_in(call.path);
    const BlockId entry = copy.blocks([&](const Inst& ret, std::vector<ValueId> values) {
      return Inst{Op::jump, {}, {}, std::vector<Edge>{{behind, std::move(values)}}, ret.span};
    });
    function_.block(block).insts.push_back(
        {Op::jump, {}, {}, std::vector<Edge>{{entry, {}}}, call.span});
    return behind;
  }

  /// One block becomes part of the caller's. What it returns takes the names that the caller gave.
  void splice_block(BlockId block, const Inst& call, FunctionCopy& copy) {
    copy.lies_in(call.path);
    const std::vector<Inst>& insts = copy.from().blocks[0].insts;
    const std::vector<ValueId>& returned = insts.back().args;
    for (size_t r = 0; r < returned.size(); ++r)
      if (!copy.find(returned[r])) copy.map(returned[r], call.results[r]);
    for (size_t i = 0; i + 1 < insts.size(); ++i)
      function_.block(block).insts.push_back(copy.inst(insts[i]));
    for (size_t r = 0; r < returned.size(); ++r) {
      const ValueId value = *copy.find(returned[r]);
      if (value != call.results[r]) replacements_.add(call.results[r], value);
    }
  }

  // ---- bodies

  void inline_in_body(Inst& inst) {
    bool calls = false;
    for_each_callee(function_, inst, [&](FuncId callee) { calls |= !graph_.is_circular(callee); });
    if (!calls) return;
    Compute& compute = inst.get<Compute>();
    const std::unordered_set<ExprId> fallible = find_fallible(compute);
    std::unordered_map<ExprId, ExprId> now;
    for_each_node(function_.exprs, compute.bodies, [&](ExprId id) {
      const std::vector<ExprId> before = function_.exprs[id].args;
      std::vector<ExprId> args, may_fail;
      for (ExprId arg : before) {
        args.push_back(now.at(arg));
        if (fallible.contains(arg)) may_fail.push_back(now.at(arg));
      }
      now[id] = without_call(function_.exprs.with_args(id, std::move(args)), may_fail);
    });
    for (ExprId body : compute.bodies)
      if (function_.exprs[now.at(body)].tree_size > kMaxTreeSize) return;
    for (ExprId& body : compute.bodies) body = now.at(body);
    for (auto& [id, span] : compute.sites)
      if (const auto found = now.find(id); found != now.end()) id = found->second;
  }

  /// The nodes that may fail, themselves or in what they are made of.
  std::unordered_set<ExprId> find_fallible(const Compute& compute) const {
    std::unordered_set<ExprId> fallible;
    for (ExprId id : fallible_nodes(module_, function_, compute)) fallible.insert(id);
    for_each_node(function_.exprs, compute.bodies, [&](ExprId id) {
      for (ExprId arg : function_.exprs[id].args)
        if (fallible.contains(arg)) fallible.insert(id);
    });
    return fallible;
  }

  /// A call evaluates all its arguments, from left to right. What stands for it must fail as that does:
  /// so at most one may, and that one is in it.
  ExprId without_call(ExprId id, const std::vector<ExprId>& may_fail) {
    const Expr& node = function_.exprs[id];
    if (node.kind != ExprKind::call || graph_.is_circular(node.callee) || may_fail.size() > 1) return id;
    const Function& callee = module_.function(node.callee);
    const std::vector<ExprId> args = node.args;
    const std::optional<ExprId> body = as_expression(module_, callee, args, function_.exprs);
    if (!body) return id;
    bool all = may_fail.empty();
    for_each_node(function_.exprs, *body, [&](ExprId in) { all = all || in == may_fail[0]; });
    return all && context_.may_rewrite("call in a body") ? *body : id;
  }

  Module& module_;
  FuncId caller_;
  Function& function_;
  CallGraph& graph_;
  PassContext& context_;
  std::vector<bool> is_constant_;  ///< by value
  Replacements replacements_;
};

}  // namespace

void inline_(ir::Module& module, PassContext& context) {
  CallGraph graph(module);
  for (ir::FuncId function : graph.callees_first()) {
    context.enter(module.function(function));
    if (!has_owners(module.function(function))) Inline(module, function, graph, context).run();
  }
}

}  // namespace tenon::opt
