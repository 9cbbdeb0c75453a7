// simplify_subscripts: what is left of reshapes, transposes, slices and paddings when they have become
// subscripts. Reading an element of a reshaped tensor divides its place in row-major order by the
// extents: `%y[i, j]` of a `[12, 8]` is `%x[(i * 8 + j) / 8, (i * 8 + j) % 8]`. Where the ranges of the
// indices say what the division gives, it goes: this one is `%x[i, j]`. So goes an if that keeps a
// subscript in range where the indices do anyhow.
//
// Transposes and the like need no pass of their own: they are computes whose body is a read, `fuse`
// puts them where they are read (and what was computed before them into them), and only their
// subscripts remain.
//
// When it may: sums and quotients are taken apart only where no part of them wraps around, and only
// subscripts that cannot fail themselves; the element that is read, and the number that a failing
// read reports, are the same. When it pays: always; each division less is one less for each element.
#include "opt/pass.h"
#include "opt/rewrite.h"
#include "opt/tensor/subscripts.h"

namespace tenon::opt {

void simplify_subscripts(ir::Module& module, PassContext& context) {
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (has_owners(function)) continue;
    for (ir::Block& block : function.blocks) {
      for (ir::Inst& inst : block.insts) {
        if (inst.op != ir::Op::compute) continue;
        ir::Compute simpler = with_simple_subscripts(function, inst.get<ir::Compute>());
        if (simpler.bodies == inst.get<ir::Compute>().bodies) continue;
        if (context.may_rewrite("subscripts")) inst.attribute = std::move(simpler);
      }
    }
  }
}

}  // namespace tenon::opt
