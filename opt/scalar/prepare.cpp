// prepare: of a function of a library, what depends on its constant parameters alone is moved to the function
// that prepares them, once for all calls (ir/prepared.h).
//
//     func @layer.prepare(%w, %s) { ret %w, %s }
//     func @layer.bound(%x, %w, %s) prepared 2 { %u = compute { %w[i, j] * %s[j] }; … %x … %u … }
//
//     func @layer.prepare(%w, %s) { %u = compute { %w[i, j] * %s[j] }; ret %u }
//     func @layer.bound(%x, %u) prepared 1 { … %x … %u … }
//
// This is binding-time analysis (Jones, Gomard, Sestoft, "Partial Evaluation", 1993): an instruction is static
// if all that it uses is. It is licm too, with the calls as the turns of a loop that nobody sees. What crosses the
// cut, static and used by what is not, is what the prepared parameters are from then on.
//
// When it may: it acts on nothing, reads no file and cannot fail, wherever it stands. What uses no
// constant parameter stays where it is. When it pays: always, but for a tensor that is much larger than what
// it is made of: to repeat its elements costs less than to load them.
#include "opt/scalar/prepare.h"

#include <algorithm>
#include <set>

#include "ir/dominators.h"
#include "ir/prepared.h"
#include "opt/analysis/purity.h"
#include "opt/rewrite.h"
#include "opt/scalar/copy_function.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// So many times the elements that it reads may a tensor have that is stored.
constexpr int64_t kMostGrowth = 2;

class Preparing {
 public:
  Preparing(Module& module, Function& function, Function& prepare, const Purity& purity, PassContext& context)
      : module_(module), function_(function), prepare_(prepare), context_(context), effects_(module, function, purity) {
    const size_t first = function.params.size() - *function.prepared;
    given_.assign(function.params.begin() + static_cast<std::ptrdiff_t>(first), function.params.end());
    for (const ValueId value : given_) static_.insert(value), constant_.insert(value);
  }

  void run() {
    const auto ends = std::ranges::count_if(prepare_.blocks, [](const Block& block) {
      return block.insts.back().op == Op::ret;
    });
    if (ends != 1) return;
    for (const uint32_t block : reverse_postorder(control_flow(function_))) choose(function_.blocks[block]);
    if (moved_.empty() && all_used()) return;
    move();
  }

 private:
  void choose(const Block& block) {
    for (const Inst& inst : block.insts) {
      Inst checked = inst;  // the proof that it cannot fail may hold only where it stands
      checked.unchecked = false;
      if (!effects_.is_movable(inst) || effects_.would_be_missed(checked)) continue;
      bool all = true, any = false;
      for_each_use(function_, inst, [&](ValueId used) {
        all &= static_.contains(used);
        any |= constant_.contains(used);
      });
      if (!all) continue;
      if (any && (!pays(inst) || !context_.may_rewrite(row(inst.op).text))) continue;
      (any ? moved_ : repeated_).push_back(inst);
      for (const ValueId result : inst.results) {
        static_.insert(result);
        if (any) constant_.insert(result);
      }
    }
  }

  int64_t elements(ValueId value) const {
    return runtime::element_count(module_.type(function_, value).shape).value_or(INT64_MAX);
  }
  bool pays(const Inst& inst) const {
    int64_t read = 1, made = 1;
    const auto add = [](int64_t& sum, int64_t count) {
      if (__builtin_add_overflow(sum, count, &sum)) sum = INT64_MAX;
    };
    for_each_use(function_, inst, [&](ValueId used) { add(read, elements(used)); });
    for (const ValueId result : inst.results) add(made, elements(result));
    return made / kMostGrowth <= read;
  }

  /// Whether all that is given is used.
  bool all_used() const {
    std::set<ValueId> used;
    for (const Block& block : function_.blocks)
      for (const Inst& inst : block.insts) for_each_use(function_, inst, [&](ValueId value) { used.insert(value); });
    return std::ranges::all_of(given_, [&](ValueId value) { return used.contains(value); });
  }

  void move() {
    std::set<ValueId> results;
    for (const Inst& inst : moved_) results.insert(inst.results.begin(), inst.results.end());
    for (Block& block : function_.blocks)
      std::erase_if(block.insts, [&](const Inst& inst) {
        return !inst.results.empty() && results.contains(inst.results[0]);
      });
    copy(crossing());
  }

  /// What is static and needed by what stays, each once, in the order of its use.
  std::vector<ValueId> crossing() const {
    std::vector<ValueId> found;
    for (const Block& block : function_.blocks)
      for (const Inst& inst : block.insts)
        for_each_use(function_, inst, [&](ValueId used) {
          if (constant_.contains(used) && std::ranges::count(found, used) == 0) found.push_back(used);
        });
    return found;
  }

  /// Moves the instructions behind those of the other function; `crossing` is what it gives then.
  void copy(const std::vector<ValueId>& crossing) {
    const auto end = std::ranges::find_if(prepare_.blocks, [](const Block& block) { return block.insts.back().op == Op::ret; });
    Inst ret = std::move(end->insts.back());
    end->insts.pop_back();
    FunctionCopy copy(function_, prepare_);
    for (size_t i = 0; i < given_.size(); ++i) copy.map(given_[i], ret.args[i]);
    for (const std::vector<Inst>& insts : {needed(repeated_), moved_})
      for (const Inst& inst : insts) end->insts.push_back(copy.inst(inst));
    ret.args.clear(), prepare_.results.clear();
    for (const ValueId value : crossing) {
      ret.args.push_back(*copy.find(value));
      prepare_.results.push_back(function_.value(value).type);
    }
    end->insts.push_back(std::move(ret));
    function_.params.resize(function_.params.size() - given_.size());
    function_.params.insert(function_.params.end(), crossing.begin(), crossing.end());
    function_.prepared = static_cast<uint32_t>(crossing.size());
  }

  /// Of these, what the moved instructions use, and what that uses.
  std::vector<Inst> needed(std::vector<Inst> insts) const {
    std::set<ValueId> used;
    const auto note = [&](const Inst& inst) { for_each_use(function_, inst, [&](ValueId value) { used.insert(value); }); };
    for (const Inst& inst : moved_) note(inst);
    std::vector<Inst> all;
    for (auto inst = insts.rbegin(); inst != insts.rend(); ++inst) {
      if (std::ranges::none_of(inst->results, [&](ValueId result) { return used.contains(result); })) continue;
      note(*inst);
      all.push_back(std::move(*inst));
    }
    std::ranges::reverse(all);
    return all;
  }

  Module& module_;
  Function &function_, &prepare_;
  PassContext& context_;
  InstEffects effects_;
  std::vector<ValueId> given_;
  std::set<ValueId> static_;       ///< known before any call
  std::set<ValueId> constant_;     ///< of these, what depends on the constant parameters
  std::vector<Inst> moved_;        ///< in the order in which they can be run
  std::vector<Inst> repeated_;     ///< what these use and is computed in both functions
};

}  // namespace

void move_to_prepare(Module& module, FuncId id, PassContext& context) {
  const FuncId prepare = preparing(module, module.function(id));
  if (!prepare || has_owners(module.function(id)) || has_owners(module.function(prepare))) return;
  const Purity purity(module);
  Preparing(module, module.function(id), module.function(prepare), purity, context).run();
}

void prepare(Module& module, PassContext& context) {
  for (uint32_t f = 0; f < module.functions.size(); ++f) {
    context.enter(module.functions[f]);
    if (module.functions[f].prepared) move_to_prepare(module, {f}, context);
  }
}

}  // namespace tenon::opt
