#include "opt/rewrite.h"

#include <algorithm>

#include "ir/dominators.h"

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

bool has_owners(const Function& function) {
  return std::ranges::any_of(function.blocks, [](const Block& block) {
    return std::ranges::any_of(
        block.insts, [](const Inst& inst) { return row(inst.op).trait == Trait::ownership; });
  });
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

bool has_unreachable(const Function& function) {
  return reverse_postorder(control_flow(function)).size() < function.blocks.size();
}

void remove_unreachable(Function& function) {
  std::vector<bool> keep(function.blocks.size());
  for (uint32_t block : reverse_postorder(control_flow(function))) keep[block] = true;
  keep_blocks(function, keep);
}

}  // namespace tenon::opt
