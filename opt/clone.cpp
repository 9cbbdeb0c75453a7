#include "opt/clone.h"

namespace tenon::opt {

using namespace ir;

BlockId Copies::of(BlockId block) const {
  const auto found = blocks.find(block);
  return found == blocks.end() ? block : found->second;
}
ValueId Copies::of(ValueId value) const {
  const auto found = values.find(value);
  return found == values.end() ? value : found->second;
}

Copies clone_blocks(Function& function, std::span<const BlockId> blocks) {
  Copies copies;
  const auto copy_value = [&](ValueId value) {
    const auto [type, name] = function.value(value);
    return copies.values[value] = function.add_value(type, name);
  };
  // All names first: a block may use what a later one in the list defines.
  for (BlockId from : blocks) {
    const BlockId to = function.add_block(std::string(function.block(from).name));
    copies.blocks[from] = to;
    for (ValueId param : function.block(from).params)
      function.block(to).params.push_back(copy_value(param));
    function.block(to).insts = function.block(from).insts;
    for (Inst& inst : function.block(to).insts) {
      for (ValueId& result : inst.results) result = copy_value(result);
    }
  }
  for (const auto& [from, to] : copies.blocks) {
    for (Inst& inst : function.block(to).insts) {
      map_uses(function, inst, [&](ValueId value) { return copies.of(value); });
      auto* edges = std::get_if<std::vector<Edge>>(&inst.attribute);
      if (edges == nullptr) continue;
      for (Edge& edge : *edges) edge.target = copies.of(edge.target);
    }
  }
  return copies;
}

}  // namespace tenon::opt
