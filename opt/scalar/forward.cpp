// forward: what was stored is not loaded again. Updates give new tensors, so the versions of a tensor
// form a chain, and what memory held is read off it: no alias analysis is needed (array SSA form,
// Knobe and Sarkar, POPL 1998; element-level forwarding is Fink, Knobe and Sarkar, SAS 2000).
//
//   %t1 = update %t0[%i] = %x          %a is %x: the same subscript
//   %t2 = update %t1[%j] = %y          %b is %y, and if %j is surely not %i, then %c is %x
//   %a = element %t1[%i]
//   %b = element %t2[%j]
//   %c = element %t2[%i]
//
// - An element looks for its value at older and older versions, past updates with surely different
//   subscripts: the value of an update, or of an element that was read before. If there is none it
//   stays as it is. To read the older version instead would never pay: that would still be needed
//   when the update wants to overwrite it, so the update would have to copy.
// - An update of what the next one overwrites, and nobody else sees, goes.
//
// What this gives is not only fewer loads and stores: a version that nobody reads any more is one that
// its update may overwrite (opt/tensor/own.cpp).
#include <algorithm>
#include <map>
#include <ranges>

#include "opt/analysis/purity.h"
#include "opt/analysis/uses.h"
#include "opt/analysis/value_ranges.h"
#include "opt/pass.h"
#include "opt/rewrite.h"

namespace tenon::opt {
namespace {

using namespace ir;

constexpr int kMaxVersions = 16;  ///< looked at for one element
constexpr int kMaxReads = 8;      ///< looked at of one version

class Forward {
 public:
  Forward(const Module& module, Function& function, const Purity& purity, PassContext& context)
      : function_(function),
        context_(context),
        graph_(control_flow(function)),
        dominators_(graph_),
        effects_(module, function, purity),
        ranges_(module, function) {}

  void run() {
    find_definitions();
    const std::vector<uint32_t> order = reverse_postorder(graph_);  // definitions before uses
    for (uint32_t block : order) forward_elements({block});
    replacements_.apply(function_);
    const Uses uses(function_);
    for (uint32_t block : order) remove_overwritten({block}, uses);
  }

 private:
  using Key = std::vector<ValueId>;  ///< a version and subscripts
  struct Update {
    ValueId from, value;
    std::vector<ValueId> subscripts;  ///< by axis; none where the axis is left open
  };
  struct Read {
    BlockId block;
    ValueId value;
  };

  void find_definitions() {
    for (const Block& block : function_.blocks) {
      for (const Inst& inst : block.insts) {
        if (inst.op == Op::constant) offsets_[inst.result()] = {{}, inst.get<Scalar>().i};
        if (inst.op == Op::apply) find_offset(inst);
        if (inst.op != Op::update) continue;
        std::vector<ValueId> subscripts(inst.get<Part>().open.size());
        for_each_subscript(inst, [&](size_t axis, ValueId value) { subscripts[axis] = value; });
        updates_[inst.result()] = {inst.args[0], inst.args.back(), std::move(subscripts)};
      }
    }
  }

  // ---- elements

  void forward_elements(BlockId block) {
    std::vector<Inst>& insts = function_.block(block).insts;
    std::vector<bool> gone(insts.size());
    for (size_t i = 0; i < insts.size(); ++i) {
      Inst& inst = insts[i];
      replacements_.apply(function_, inst);
      if (inst.op != Op::element) continue;
      const ValueId known = find_value(inst, block, i);
      gone[i] = known && context_.may_rewrite("element");
      if (gone[i]) {
        replacements_.add(inst.result(), known);
      } else {
        reads_[inst.args].push_back({block, inst.result()});
      }
    }
    size_t i = 0;
    std::erase_if(insts, [&](const Inst&) { return gone[i++]; });
  }

  ValueId find_value(const Inst& element, BlockId block, size_t position) const {
    Key key = element.args;
    for (int versions = 0; versions < kMaxVersions; ++versions) {
      if (const auto reads = reads_.find(key); reads != reads_.end()) {
        int looked_at = 0;
        for (const Read& read : std::views::reverse(reads->second)) {
          if (dominators_.dominates(read.block, block)) return read.value;
          if (++looked_at == kMaxReads) break;
        }
      }
      const auto found = updates_.find(key[0]);
      if (found == updates_.end()) return {};
      const Update& update = found->second;
      const std::span<const ValueId> subscripts = std::span(key).subspan(1);
      if (std::ranges::equal(subscripts, update.subscripts))
        return replacements_.resolve(update.value);
      if (!surely_differ(subscripts, update.subscripts, block, position)) return {};
      key[0] = update.from;
    }
    return {};
  }

  // ---- subscripts

  /// value = base + offset, wrapping around; a constant has no base.
  struct Offset {
    ValueId base;
    int64_t offset;
  };
  Offset offset_of(ValueId value) const {
    const auto known = offsets_.find(value);
    return known == offsets_.end() ? Offset{value, 0} : known->second;
  }
  void find_offset(const Inst& inst) {
    const ScalarOp op = inst.get<ScalarOp>();
    if (op != ScalarOp::add && op != ScalarOp::sub) return;
    const Offset left = offset_of(inst.args[0]), right = offset_of(inst.args[1]);
    const auto sum = [](int64_t a, int64_t b) {
      return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
    };
    if (!right.base) {
      const int64_t added = op == ScalarOp::add ? right.offset : sum(~right.offset, 1);
      offsets_[inst.result()] = {left.base, sum(left.offset, added)};
    } else if (!left.base && op == ScalarOp::add) {
      offsets_[inst.result()] = {right.base, sum(right.offset, left.offset)};
    }
  }

  /// On some axis on which both have one.
  bool surely_differ(std::span<const ValueId> a, std::span<const ValueId> b, BlockId block,
                     size_t position) const {
    for (size_t axis = 0; axis < a.size(); ++axis) {
      if (!b[axis]) continue;
      const Offset left = offset_of(a[axis]), right = offset_of(b[axis]);
      if (left.base == right.base && left.offset != right.offset) return true;
      const Range both = intersection(ranges_.at(a[axis], block, position),
                                      ranges_.at(b[axis], block, position));
      if (both.is_empty()) return true;
    }
    return false;
  }

  // ---- updates

  /// Within a block, so that the second surely comes after the first; and where it takes over the
  /// first one's check, nothing may show in between.
  void remove_overwritten(BlockId block, const Uses& uses) {
    std::vector<Inst>& insts = function_.block(block).insts;
    std::vector<bool> gone(insts.size());
    std::map<ValueId, size_t> open;  ///< updates that may be overwritten yet, by result
    size_t last_effect = 0;
    for (size_t i = 0; i < insts.size(); ++i) {
      if (insts[i].op != Op::update) {
        // What is unchecked may rely on a check before it.
        if (insts[i].unchecked || effects_.would_be_missed(insts[i])) last_effect = i;
        continue;
      }
      for (auto first = open.find(insts[i].args[0]); first != open.end();
           first = open.find(insts[i].args[0])) {
        const size_t at = first->second;
        const bool checks = effects_.may_fail(insts[at]);
        const bool same = std::ranges::equal(subscripts_of(insts[at]), subscripts_of(insts[i])) &&
                          insts[at].get<Part>().open == insts[i].get<Part>().open;
        if (!same || uses.count(insts[at].result()) != 1 || (checks && last_effect > at) ||
            insts[i].args.back() == insts[at].result() ||
            !context_.may_rewrite("overwritten update"))
          break;
        insts[i].args[0] = insts[at].args[0];
        insts[i].unchecked = insts[i].unchecked && insts[at].unchecked;
        gone[at] = true;
        open.erase(first);
      }
      if (effects_.may_fail(insts[i])) last_effect = i;
      open[insts[i].result()] = i;
    }
    size_t i = 0;
    std::erase_if(insts, [&](const Inst&) { return gone[i++]; });
  }
  static std::span<const ValueId> subscripts_of(const Inst& update) {
    return std::span(update.args).subspan(1, update.args.size() - 2);
  }

  Function& function_;
  PassContext& context_;
  Graph graph_;
  Dominators dominators_;
  InstEffects effects_;
  ValueRanges ranges_;
  std::map<ValueId, Update> updates_;  ///< by result
  std::map<ValueId, Offset> offsets_;
  std::map<Key, std::vector<Read>> reads_;
  Replacements replacements_;
};

}  // namespace

void forward(ir::Module& module, PassContext& context) {
  const Purity purity(module);
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (!has_owners(function)) Forward(module, function, purity, context).run();
  }
}

}  // namespace tenon::opt
