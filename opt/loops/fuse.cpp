// fuse i, j as ij: two loops of which one stands alone in the other become one over all pairs, in the
// same order. For `parallel`, `thread` and `block`, where neither alone has enough turns to share out.
// Locals that are declared between the two, and that nothing changes, are computed anew for every pair.
#include <fmt/format.h>

#include "opt/loops/nest.h"

namespace tenon::opt::loops {
namespace {

using runtime::ScalarOp;

Block fuse_pair(const Kernel& kernel, const For& outer, LoopId inner_loop, LoopId made) {
  const For* inner = loop_behind_declarations(outer.body);
  if (inner == nullptr || inner->loop != inner_loop)
    throw Refused{fmt::format("loop {} does not stand alone in loop {}",
                              quoted(kernel.loops[inner_loop]), quoted(kernel.loops[outer.loop]))};
  for (const For* loop : {&outer, inner})
    if (loop->kind == LoopKind::mma) require_serial(kernel, *loop);  // a matrix unit takes all of its turns
  const std::optional<int64_t> rows = turns_of(outer), columns = turns_of(*inner);
  int64_t all;
  if (!rows || !columns || *columns == 0 || __builtin_mul_overflow(*rows, *columns, &all))
    throw Refused{"the numbers of turns are not constant"};
  const ExprPtr place = variable(made), width = integer(*columns);
  const ExprPtr row = ir::loops::apply(ScalarOp::div, {place, width}),
                column = ir::loops::apply(ScalarOp::mod, {place, width});
  Block body(outer.body.begin(), outer.body.end() - 1);
  body.insert(body.end(), inner->body.begin(), inner->body.end());
  body = with_loop(body, outer.loop, sum(outer.lo, row));
  body = with_loop(body, inner->loop, sum(inner->lo, column));
  return {Stmt{For{made, integer(0), integer(all), std::move(body), outer.kind}}};
}

}  // namespace

void fuse(Kernel& kernel, const Directive& directive, Mode) {
  if (directive.loops.size() != 2) throw Refused{"it takes two loops"};
  const LoopId outer = find_loop(kernel, directive.loops[0]),
               inner = find_loop(kernel, directive.loops[1]),
               made = add_loop(kernel, directive.made[0]);
  replace_loops(kernel.body, outer,
                [&](const For& found) { return fuse_pair(kernel, found, inner, made); });
}

}  // namespace tenon::opt::loops
