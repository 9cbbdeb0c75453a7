// split i by 8 as io, ii: a loop as two, over blocks of 8 turns and the turns of one block. What does
// not fill a block stays behind as a tail, with the same two names, so that what follows in the
// schedule changes it too, and every loop of it has constant bounds where those of `i` are:
//
//     for i in 0..20 { S(i) }        for io in 0..2 { for ii in 0..8 { S(io * 8 + ii) } }
//                                    for io in 2..3 { for ii in 0..4 { S(io * 8 + ii) } }
//
// The turns keep their order; so it is always right.
#include "opt/loops/nest.h"

namespace tenon::opt::loops {
namespace {

using runtime::ScalarOp;

struct Names {
  LoopId outer, inner;
};

/// What is divided by the turns of a block: the block's number, and the turn's within it. So is an operand
/// read that lies in blocks.
Block without_division(const Block& body, Names names, int64_t factor) {
  const LinearForm place{{{names.outer, factor}, {names.inner, 1}}, {}, 0};
  Copier copier([&](const ExprPtr& e) -> ExprPtr {
    const auto* apply = std::get_if<Apply>(&e->node);
    if (apply == nullptr || (apply->op != ScalarOp::div && apply->op != ScalarOp::mod)) return e;
    if (constant_of(apply->args[1]) != factor || linear_form(apply->args[0]) != place) return e;
    return variable(apply->op == ScalarOp::div ? names.outer : names.inner);
  });
  return copier.block(body);
}

For nest(const For& loop, Names names, int64_t factor, ExprPtr lo, ExprPtr hi, ExprPtr turns) {
  const ExprPtr place = sum(product(variable(names.outer), factor), variable(names.inner));
  Block body = without_division(with_loop(loop.body, loop.loop, sum(loop.lo, place)), names, factor);
  // Threads share out blocks; lanes, and what is written out, are the turns of one.
  const bool shared = loop.kind == LoopKind::parallel;
  For inner{names.inner, integer(0), std::move(turns), std::move(body), shared ? LoopKind::serial : loop.kind};
  return {names.outer, std::move(lo), std::move(hi), {Stmt{std::move(inner)}}, shared ? loop.kind : LoopKind::serial};
}

Block split_loop(const For& loop, Names names, int64_t factor) {
  Block result;
  // [snippet blocks]
  if (const std::optional<int64_t> turns = turns_of(loop)) {
    const int64_t blocks = *turns / factor, rest = *turns % factor;
    if (blocks > 0 || rest == 0)  // what has no turns keeps its loops: directives name them
      result.push_back({nest(loop, names, factor, integer(0), integer(blocks), integer(factor))});
    if (rest > 0)
      result.push_back(
          {nest(loop, names, factor, integer(blocks), integer(blocks + 1), integer(rest))});
    return result;
  }
  // [end]
  // hi may lie before lo: the quotient rounds down, so that there are no blocks and no tail then.
  const ExprPtr turns = constant_of(loop.lo) == 0
                            ? loop.hi
                            : apply(ScalarOp::sub, {loop.hi, loop.lo});
  const ExprPtr blocks = apply(ScalarOp::div, {turns, integer(factor)});
  result.push_back({nest(loop, names, factor, integer(0), blocks, integer(factor))});
  For tail = nest(loop, names, factor, blocks, sum(blocks, integer(1)),
                  apply(ScalarOp::sub, {turns, product(blocks, factor)}));
  result.push_back({std::move(tail)});
  return result;
}

}  // namespace

void split(Kernel& kernel, const Directive& directive, Mode) {
  const LoopId loop = find_loop(kernel, directive.loops[0]);
  const Names names{add_loop(kernel, directive.made[0]), add_loop(kernel, directive.made[1])};
  replace_loops(kernel.body, loop, [&](const For& found) {
    if (found.kind == LoopKind::mma) require_serial(kernel, found);  // a matrix unit takes all of its turns
    return split_loop(found, names, directive.factor);
  });
}

}  // namespace tenon::opt::loops
