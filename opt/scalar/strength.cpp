// strength_reduce: multiplications that a loop repeats become additions. Where a counter %i grows by
// the same step on each turn, so does %i * k + d: by the step times k (Allen, Cocke and Kennedy,
// "Reduction of Operator Strength", 1981; Cooper, Simpson and Vick, TOPLAS 2001).
//
//   loop(%i):                           loop(%i, %m):            %m starts as %start * k + d
//     %p = mul %i, %k                     … %m …
//     %q = add %p, %d                     %next = add %i, %step
//     … %q …                              %m2 = add %m, %by      %by = %step * k, before the loop
//     %next = add %i, %step               jump loop(%next, %m2)
//     jump loop(%next)
//
// Integers wrap around, so this is exact, and it may be done to any integer counter.
//
// It pays where the product is computed on every turn and the multiplication is dear: not by a power
// of two, which is a shift. Subscripts are not touched: addresses are the code generator's, which
// does the same to them with the machine's address modes in view. Nor is the test of the loop put
// on %m ("linear function test replacement"), which would only free %i's register: %i is most
// often a subscript as well.
#include <algorithm>
#include <bit>

#include "opt/analysis/loops.h"
#include "opt/analysis/uses.h"
#include "opt/pass.h"
#include "opt/rewrite.h"

namespace tenon::opt {
namespace {

using namespace ir;

class StrengthReduce {
 public:
  StrengthReduce(const Module& module, Function& function, PassContext& context)
      : module_(module),
        function_(function),
        context_(context),
        loops_(function),
        uses_(function),
        looked_at_(function.values.size()),
        definitions_(function.values.size()),
        defined_in_(function.values.size()) {
    for (uint32_t b = 0; b < function.blocks.size(); ++b) {
      for (ValueId param : function.blocks[b].params) defined_in_[param.index] = {b};
      for (const Inst& inst : function.blocks[b].insts) {
        for (ValueId result : inst.results) {
          definitions_[result.index] = inst;
          defined_in_[result.index] = {b};
        }
      }
    }
  }

  void run() {
    for (uint32_t l = 0; l < loops_.all().size(); ++l) {
      const Loop& loop = loops_[{l}];
      if (!loop.preheader || loop.latches.size() != 1) continue;
      if (function_.block(loop.latches[0]).insts.back().op != Op::jump) continue;
      const std::vector<ValueId> params = function_.block(loop.header).params;
      for (size_t p = 0; p < params.size(); ++p) reduce(LoopId{l}, params[p], p);
    }
    replacements_.apply(function_);
  }

 private:
  /// All products of one counter.
  void reduce(LoopId id, ValueId counter, size_t param) {
    const Loop& loop = loops_[id];
    const ValueId next = back_edge(loop).args[param];
    const ValueId step = added(next, counter);
    if (!step || !is_invariant(id, step)) return;
    for (const User& user : uses_.of(counter)) {
      if (!loops_.contains(id, user.block) || !on_every_turn(loop, user.block)) continue;
      const Inst product = function_.block(user.block).insts[user.position];
      if (!product.result() || product.result().index >= looked_at_) continue;  // made here
      const ValueId factor = multiplied(product, counter);
      if (!factor || !is_invariant(id, factor) || is_cheap(factor)) continue;
      if (!context_.may_rewrite("mul")) continue;
      const ValueId sum = only_sum(id, product.result());
      add_counter(loop, param, step, factor, sum ? sum : product.result(),
                  sum ? added(sum, product.result()) : ValueId{}, product.span);
    }
  }

  // ---- what is what

  const Inst* definition(ValueId value) const {
    return definitions_[value.index] ? &*definitions_[value.index] : nullptr;
  }
  const Edge& back_edge(const Loop& loop) const {
    return function_.block(loop.latches[0]).insts.back().get<std::vector<Edge>>()[0];
  }
  /// x where `value` is `other + x`.
  ValueId added(ValueId value, ValueId other) const {
    const Inst* inst = definition(value);
    return inst == nullptr ? ValueId{} : partner(*inst, ScalarOp::add, other);
  }
  ValueId multiplied(const Inst& inst, ValueId other) const {
    return partner(inst, ScalarOp::mul, other);
  }
  /// The operand that `op`, an operation on integers, has besides `other`.
  ValueId partner(const Inst& inst, ScalarOp op, ValueId other) const {
    if (inst.op != Op::apply || inst.get<ScalarOp>() != op) return {};
    if (!runtime::is_integer(module_.type(function_, inst.result()).dtype)) return {};
    if (inst.args[0] == other) return inst.args[1];
    return inst.args[1] == other ? inst.args[0] : ValueId{};
  }
  bool is_invariant(LoopId id, ValueId value) const {
    const BlockId block = defined_in_[value.index];  // none: a parameter of the function
    return !block || !loops_.contains(id, block);
  }
  bool on_every_turn(const Loop& loop, BlockId block) const {
    return loops_.dominators().dominates(block, loop.latches[0]);
  }
  bool is_cheap(ValueId factor) const {
    const Inst* inst = definition(factor);
    return inst != nullptr && inst->op == Op::constant &&
           std::has_single_bit(static_cast<uint64_t>(inst->get<Scalar>().i));
  }
  /// The sum with something invariant that is all that a product is used for.
  ValueId only_sum(LoopId id, ValueId product) const {
    if (uses_.count(product) != 1) return {};
    const User user = uses_.of(product)[0];
    const Inst& inst = function_.block(user.block).insts[user.position];
    const ValueId other = partner(inst, ScalarOp::add, product);
    const bool fits = other && is_invariant(id, other) && loops_.contains(id, user.block);
    return fits ? inst.result() : ValueId{};
  }

  // ---- the new counter

  void add_counter(const Loop& loop, size_t param, ValueId step, ValueId factor, ValueId replaced,
                   ValueId offset, Span span) {
    const TypeId type = function_.value(replaced).type;
    Block& before = function_.block(loop.preheader);
    const auto emit = [&](Block& block, ScalarOp op, ValueId a, ValueId b, std::string_view name) {
      const ValueId result = function_.add_value(type, name);
      block.insts.insert(block.insts.end() - 1, {Op::apply, {result}, {a, b}, op, span});
      definitions_.push_back(*(block.insts.end() - 2));
      defined_in_.push_back(&block == &before ? loop.preheader : loop.latches[0]);
      return result;
    };
    const std::string name = function_.value(replaced).name;
    ValueId start = emit(before, ScalarOp::mul,
                         before.insts.back().get<std::vector<Edge>>()[0].args[param], factor,
                         name + ".start");
    if (offset) start = emit(before, ScalarOp::add, start, offset, name + ".start");
    const ValueId by = emit(before, ScalarOp::mul, step, factor, name + ".by");
    before.insts.back().get<std::vector<Edge>>()[0].args.push_back(start);
    const ValueId now = function_.add_value(type, name);
    definitions_.emplace_back();
    defined_in_.push_back(loop.header);
    function_.block(loop.header).params.push_back(now);
    Block& latch = function_.block(loop.latches[0]);
    const ValueId next = emit(latch, ScalarOp::add, now, by, name + ".next");
    latch.insts.back().get<std::vector<Edge>>()[0].args.push_back(next);
    replacements_.add(replaced, now);
  }

  const Module& module_;
  Function& function_;
  PassContext& context_;
  Loops loops_;
  Uses uses_;
  size_t looked_at_;  ///< values that there were
  std::vector<std::optional<Inst>> definitions_;  ///< by value; none for parameters
  std::vector<BlockId> defined_in_;               ///< by value; none for parameters of the function
  Replacements replacements_;
};

}  // namespace

void strength_reduce(ir::Module& module, PassContext& context) {
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (!has_owners(function)) StrengthReduce(module, function, context).run();
  }
}

}  // namespace tenon::opt
