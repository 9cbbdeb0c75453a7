// range_checks: removal of checks that value ranges prove. An element or update whose subscripts lie
// inside of the tensor, a division by what is not 0, a compute in whose body nothing can fail: each
// is marked `unchecked`, and nothing is compared at run time any more (Gupta, "Optimizing Array
// Bound Checks Using Flow Analysis", 1993; Bodík, Gupta, Sarkar, "ABCD", PLDI 2000).
//
//   for i in 1..n { t[i] += t[i - 1]; }        for n up to t's extent, neither is checked
//
// What is marked is no effect any more: it may go if nobody uses it, and no longer stands in the way
// of what moves. Its proof, though, may rest on the branches and checks before it: see Inst. The SSA
// interpreter goes on checking, so that tests find a wrong proof.
//
// It always pays. Checks that constants alone decide are left as they are: nobody makes them.
#include "opt/analysis/purity.h"
#include "opt/analysis/value_ranges.h"
#include "opt/pass.h"
#include "opt/rewrite.h"

namespace tenon::opt {
namespace {

using namespace ir;

void mark_proved(const Module& module, const Purity& purity, Function& function,
                 PassContext& context) {
  const InstEffects effects(module, function, purity);
  const ValueRanges ranges(module, function);
  for (uint32_t b = 0; b < function.blocks.size(); ++b) {
    std::vector<Inst>& insts = function.blocks[b].insts;
    for (size_t i = 0; i < insts.size(); ++i) {
      if (!can_be_unchecked(insts[i].op) || !effects.may_fail(insts[i])) continue;
      const Known known = {[&](FuncId callee) { return purity.of(callee).may_fail; },
                           [&](ValueId value) { return ranges.at(value, {b}, i); }};
      if (!may_fail(module, function, insts[i], known) &&
          context.may_rewrite(row(insts[i].op).text))
        insts[i].unchecked = true;
    }
  }
}

}  // namespace

void range_checks(ir::Module& module, PassContext& context) {
  const Purity purity(module);
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (!has_owners(function)) mark_proved(module, purity, function, context);
  }
}

}  // namespace tenon::opt
