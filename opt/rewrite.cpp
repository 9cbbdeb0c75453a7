#include "opt/rewrite.h"

#include <algorithm>
#include <unordered_map>

#include "opt/analysis/loops.h"

namespace tenon::opt {

using namespace ir;

ValueId Replacements::resolve(ValueId value) const {
  for (auto next = to_.find(value); next != to_.end(); next = to_.find(value)) value = next->second;
  return value;
}

void Replacements::apply(Function& function, Inst& inst) const {
  if (empty()) return;
  bool used = false;
  for_each_use(function, inst, [&](ValueId value) { used = used || to_.contains(value); });
  if (used) map_uses(function, inst, [&](ValueId value) { return resolve(value); });
}

void Replacements::apply(Function& function) const {
  for (Block& block : function.blocks) {
    for (Inst& inst : block.insts) apply(function, inst);
  }
}

std::string_view without_number(std::string_view name) {
  const size_t last = name.find_last_not_of("0123456789");
  return last == std::string_view::npos ? name : name.substr(0, last + 1);
}

bool has_owners(const Function& function) {
  return std::ranges::any_of(function.blocks, [](const Block& block) {
    return std::ranges::any_of(
        block.insts, [](const Inst& inst) { return row(inst.op).trait == Trait::ownership; });
  });
}

void remove_params(Function& function, const std::function<bool(ValueId)>& which) {
  for (Block& from : function.blocks) {
    auto* edges = std::get_if<std::vector<Edge>>(&from.insts.back().attribute);
    if (!edges) continue;
    for (Edge& edge : *edges) {
      const std::vector<ValueId>& params = function.block(edge.target).params;
      size_t p = 0;
      std::erase_if(edge.args, [&](ValueId) { return which(params[p++]); });
    }
  }
  for (Block& block : function.blocks) std::erase_if(block.params, which);
}

void keep_blocks(Function& function, const std::vector<bool>& keep) {
  std::vector<BlockId> now(function.blocks.size());
  std::vector<Block> kept;
  for (size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i]) continue;
    now[i] = BlockId{static_cast<uint32_t>(kept.size())};
    kept.push_back(std::move(function.blocks[i]));
  }
  function.blocks = std::move(kept);
  for (Block& block : function.blocks) {
    auto* edges = std::get_if<std::vector<Edge>>(&block.insts.back().attribute);
    if (!edges) continue;
    for (Edge& edge : *edges) edge.target = now[edge.target.index];
  }
}

namespace {

void map_callees(Function& function, Inst& inst, const std::function<FuncId(FuncId)>& map) {
  if (inst.op == Op::call) inst.attribute = map(inst.get<FuncId>());
  if (inst.op != Op::compute) return;
  bool calls = false;
  for_each_callee(function, inst, [&](FuncId) { calls = true; });
  if (!calls) return;
  Exprs& exprs = function.exprs;
  Compute& compute = inst.get<Compute>();
  std::unordered_map<ExprId, ExprId> mapped;
  for_each_node(exprs, compute.bodies, [&](ExprId id) {
    Expr node = exprs[id];
    for (ExprId& arg : node.args) arg = mapped.at(arg);
    if (node.callee) node.callee = map(node.callee);
    mapped.emplace(id, exprs.adopt(std::move(node)));
  });
  for (ExprId& body : compute.bodies) body = mapped.at(body);
  for (auto& [id, span] : compute.sites)
    if (const auto found = mapped.find(id); found != mapped.end()) id = found->second;
}

}  // namespace

void keep_functions(Module& module, const std::vector<bool>& keep) {
  if (std::ranges::find(keep, false) == keep.end()) return;
  std::vector<FuncId> now(module.functions.size());
  std::vector<Function> kept;
  for (size_t f = 0; f < keep.size(); ++f) {
    if (!keep[f]) continue;
    now[f] = FuncId{static_cast<uint32_t>(kept.size())};
    kept.push_back(std::move(module.functions[f]));
  }
  module.functions = std::move(kept);
  if (module.main) module.main = now[module.main.index];
  for (Function& function : module.functions) {
    for (Block& block : function.blocks) {
      for (Inst& inst : block.insts)
        map_callees(function, inst, [&](FuncId callee) { return now[callee.index]; });
    }
  }
}

bool has_unreachable(const Function& function) {
  return reverse_postorder(control_flow(function)).size() < function.blocks.size();
}

void remove_unreachable(Function& function) {
  std::vector<bool> keep(function.blocks.size());
  for (uint32_t block : reverse_postorder(control_flow(function))) keep[block] = true;
  keep_blocks(function, keep);
}

void add_preheaders(Function& function, PassContext& context) {
  const Loops loops(function);
  for (const Loop& loop : loops.all()) {
    if (loop.preheader || !context.may_rewrite("preheader")) continue;
    const BlockId preheader = function.add_block("preheader");
    std::vector<ValueId> params;
    for (ValueId param : std::vector(function.block(loop.header).params))
      params.push_back(function.add_value(function.value(param).type, function.value(param).name));
    for (BlockId entry : loop.entries) {
      for (Edge& edge : function.block(entry).insts.back().get<std::vector<Edge>>()) {
        if (edge.target == loop.header) edge.target = preheader;
      }
    }
    const Span span = function.block(loop.header).insts.back().span;
    function.block(preheader).params = params;
    function.block(preheader).insts = {
        {Op::jump, {}, {}, std::vector<Edge>{{loop.header, std::move(params)}}, span}};
  }
}

void add_latches(Function& function, PassContext& context) {
  const Loops loops(function);
  for (const Loop& loop : loops.all()) {
    if (loop.latches.size() != 1) continue;
    const auto edges_of = [&](BlockId block) -> std::vector<Edge>& {
      return function.block(block).insts.back().get<std::vector<Edge>>();
    };
    const BlockId from = loop.latches[0];
    const auto leads_back = [&](const Edge& edge) { return edge.target == loop.header; };
    if (edges_of(from).size() == 1 || std::ranges::count_if(edges_of(from), leads_back) != 1 ||
        !context.may_rewrite("latch"))
      continue;
    const Span span = function.block(from).insts.back().span;
    const BlockId latch = function.add_block("latch");
    Edge& back = *std::ranges::find_if(edges_of(from), leads_back);
    function.block(latch).insts = {{Op::jump, {}, {}, std::vector<Edge>{back}, span}};
    back = {latch, {}};
  }
}

}  // namespace tenon::opt
