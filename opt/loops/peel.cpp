// peel i by 2 as first, rest: a loop's first turns apart from the others, so that what follows in the
// schedule may treat them differently: the first panel of a product packs while it computes, say.
//
//     for i in 0..9 { S(i) }         for first in 0..2 { S(first) }
//                                    for rest in 2..9 { S(rest) }
//
// The turns keep their order; so it is always right.
#include "opt/loops/nest.h"

namespace tenon::opt::loops {

using runtime::ScalarOp;

void peel(Kernel& kernel, const Directive& directive, Mode) {
  const LoopId loop = find_loop(kernel, directive.loops[0]);
  const LoopId first = add_loop(kernel, directive.made[0]), rest = add_loop(kernel, directive.made[1]);
  replace_loops(kernel.body, loop, [&](const For& found) -> Block {
    require_serial(kernel, found);
    // Where there are fewer turns, they all are first ones.
    const std::optional<int64_t> lo = constant_of(found.lo), hi = constant_of(found.hi);
    ExprPtr border;
    if (lo && hi) border = integer(*hi - *lo > directive.factor ? *lo + directive.factor : *hi);
    else border = ir::loops::apply(ScalarOp::min, {sum(found.lo, integer(directive.factor)), found.hi});
    const auto part = [&](LoopId name, ExprPtr from, ExprPtr to) {
      Block body = with_loop(found.body, loop, variable(name));
      return Stmt{For{name, std::move(from), std::move(to), std::move(body), found.kind}};
    };
    return {part(first, found.lo, border), part(rest, border, found.hi)};
  });
}

}  // namespace tenon::opt::loops
