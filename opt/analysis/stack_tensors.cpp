#include "opt/analysis/stack_tensors.h"

#include <numeric>
#include <set>

#include "ir/dominators.h"
#include "opt/analysis/liveness.h"

namespace tenon::opt {

using namespace ir;

namespace {

constexpr int64_t kMaxBytes = 1024;        ///< of a tensor
constexpr int64_t kMaxFrame = 16 * 1024;   ///< of all in one function

class Webs {
 public:
  Webs(const Module& module, const Function& function, FuncId id, const UniqueOwners& owners)
      : module_(module),
        function_(function),
        web_(function.values.size()),
        leaves_(function.values.size()) {
    std::iota(web_.begin(), web_.end(), 0);
    for (const Block& block : function.blocks) connect(block);
    for (uint32_t v = 0; v < web_.size(); ++v)
      if (!owners.is_unique(id, {v}) || bytes({v}) > kMaxBytes) leave({v});
    for (ValueId param : function.params) leave(param);
    for (const Block& block : function.blocks) find_leaving(block);
    const Liveness liveness(function, [&](ValueId value) { return bytes(value) >= 0; });
    for (const Block& block : function.blocks) find_overlaps(block, liveness);
  }

  bool leaves(ValueId value) { return leaves_[find(value)]; }
  /// Of a tensor; of a scalar less than nothing.
  int64_t bytes(ValueId value) const {
    const ir::Type& type = module_.type(function_, value);
    if (type.is_scalar()) return -1;
    return runtime::byte_count(type.dtype, type.shape).value_or(INT64_MAX);
  }
  /// An instruction that makes a tensor without another's memory.
  static bool makes(const Inst& inst) { return inst.op == Op::compute || inst.op == Op::pack; }

 private:
  uint32_t find(ValueId value) {
    uint32_t v = value.index;
    while (web_[v] != v) v = web_[v] = web_[web_[v]];
    return v;
  }
  void join(ValueId a, ValueId b) {
    const uint32_t from = find(a), to = find(b);
    leaves_[to] = leaves_[to] || leaves_[from];
    web_[from] = to;
  }
  void leave(ValueId value) { leaves_[find(value)] = true; }

  void connect(const Block& block) {
    for (const Inst& inst : block.insts)
      if (inst.op == Op::update) join(inst.args[0], inst.result());
    for (const Edge& edge : successors(block)) {
      const std::vector<ValueId>& params = function_.block(edge.target).params;
      for (size_t p = 0; p < params.size(); ++p) join(edge.args[p], params[p]);
    }
  }

  void find_leaving(const Block& block) {
    for (const Inst& inst : block.insts) {
      if (inst.op == Op::ret)
        for (ValueId arg : inst.args) leave(arg);
      if (inst.op == Op::update || makes(inst)) continue;
      for (ValueId result : inst.results) leave(result);
    }
  }

  /// From the end of a block backward: what is needed behind an instruction that makes a tensor.
  void find_overlaps(const Block& block, const Liveness& liveness) {
    std::multiset<uint32_t> live;  ///< webs, once for each value
    std::set<ValueId> values;
    const auto need = [&](ValueId value) {
      if (bytes(value) >= 0 && values.insert(value).second) live.insert(find(value));
    };
    for (const Edge& edge : successors(block))
      for (ValueId value : liveness.at_start(edge.target)) need(value);
    for (auto inst = block.insts.rbegin(); inst != block.insts.rend(); ++inst) {
      for (ValueId result : inst->results) {
        if (values.erase(result) > 0) live.erase(live.find(find(result)));
        if (makes(*inst) && live.contains(find(result))) leave(result);
        // What it reads while it writes must not lie there either.
        for_each_use(function_, *inst, [&](ValueId used) {
          if (makes(*inst) && find(used) == find(result)) leave(result);
        });
      }
      for_each_use(function_, *inst, need);
    }
  }

  const Module& module_;
  const Function& function_;
  std::vector<uint32_t> web_;   ///< by value, a forest: its web
  std::vector<bool> leaves_;    ///< by web
};

}  // namespace

StackTensors::StackTensors(const Module& module, FuncId id, const UniqueOwners& owners) {
  const Function& function = module.function(id);
  on_stack_.resize(function.values.size());
  if (function.recursive) return;  // its frames are many
  Webs webs(module, function, id, owners);
  int64_t frame = 0;
  for (const Block& block : function.blocks) {
    for (const Inst& inst : block.insts)
      for (ValueId result : inst.results)
        if (Webs::makes(inst) && !webs.leaves(result))
          frame += std::max<int64_t>(webs.bytes(result), 0);
  }
  if (frame > kMaxFrame) return;
  for (uint32_t v = 0; v < on_stack_.size(); ++v)
    on_stack_[v] = webs.bytes({v}) >= 0 && !webs.leaves({v});
}

}  // namespace tenon::opt
