#include "opt/analysis/placed_results.h"

#include <numeric>

#include "ir/dominators.h"

namespace tenon::opt {

using namespace ir;

namespace {

class Webs {
 public:
  Webs(const Function& function, FuncId id, const UniqueOwners& owners)
      : function_(function),
        web_(function.values.size()),
        first_(function.values.size()),
        elsewhere_(function.values.size()) {
    std::iota(web_.begin(), web_.end(), 0);
    for (const Block& block : function.blocks) connect(block);
    for (uint32_t v = 0; v < web_.size(); ++v)
      if (!owners.is_unique(id, {v})) elsewhere_[find({v})] = true;
    for (const Block& block : function.blocks)
      for (const Inst& inst : block.insts) look_at(inst);
  }

  /// What the memory of a returned value begins with; none if it has to be the function's own.
  ValueId first(ValueId returned) {
    const uint32_t web = find(returned);
    return elsewhere_[web] ? ValueId{} : first_[web];
  }

 private:
  uint32_t find(ValueId value) {
    uint32_t v = value.index;
    while (web_[v] != v) v = web_[v] = web_[web_[v]];
    return v;
  }

  void connect(const Block& block) {
    for (const Inst& inst : block.insts)
      if (inst.op == Op::update) web_[find(inst.args[0])] = find(inst.result());
    for (const Edge& edge : successors(block)) {
      const std::vector<ValueId>& params = function_.block(edge.target).params;
      for (size_t p = 0; p < params.size(); ++p) web_[find(edge.args[p])] = find(params[p]);
    }
  }

  void look_at(const Inst& inst) {
    if (row(inst.op).trait == Trait::ownership) elsewhere_[find(inst.args[0])] = true;
    if (inst.op == Op::update) return;
    const bool makes = inst.op == Op::compute || inst.op == Op::pack;
    for (ValueId result : inst.results) {
      const uint32_t web = find(result);
      elsewhere_[web] = elsewhere_[web] || !makes || first_[web];
      first_[web] = result;
    }
  }

  const Function& function_;
  std::vector<uint32_t> web_;    ///< by value, a forest: its web
  std::vector<ValueId> first_;   ///< by web: what makes it
  std::vector<bool> elsewhere_;  ///< by web: it cannot be placed
};

}  // namespace

std::vector<ValueId> placed_results(const Module& module, FuncId id, const UniqueOwners& owners) {
  const Function& function = module.function(id);
  std::vector<ValueId> placed(function.results.size());
  Webs webs(function, id, owners);
  bool seen = false;
  for (const Block& block : function.blocks) {
    const Inst& end = block.insts.back();
    if (end.op != Op::ret) continue;
    for (size_t i = 0; i < placed.size(); ++i) {
      const bool is_tensor = !module.types[function.results[i]].is_scalar();
      const ValueId first = is_tensor ? webs.first(end.args[i]) : ValueId{};
      // Ways out that return different tensors could not both be in the one place.
      placed[i] = !seen || placed[i] == first ? first : ValueId{};
    }
    seen = true;
  }
  return placed;
}

}  // namespace tenon::opt
