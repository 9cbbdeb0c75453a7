// unroll: turns of a loop written out one behind the other, where their number is known (Allen and
// Cocke, "A Catalogue of Optimizing Transformations", 1972; Muchnick, 17.4.3).
//
// - Fully, if all turns together are short: the loop is gone, its counter is a constant in each
//   turn, and what depends on it is computed when compiling.
// - In part, if the turns are short and wait for each other: then several share one test and one jump
//   back. Their number must divide that of the turns, so that no test is missing. Where turns do
//   not wait for each other, the code generator does better with the loop as it is: it computes
//   several at once, in vectors.
//
// A loop counts if its header tests, against a constant, a parameter that starts as a constant and
// that each turn adds a constant to. The number of turns is found by counting: what is to be written out
// is small. Other ways out of the loop stay, in each turn.
#include <algorithm>
#include <array>

#include "opt/analysis/loops.h"
#include "opt/analysis/uses.h"
#include "opt/clone.h"
#include "opt/pass.h"
#include "opt/rewrite.h"

namespace tenon::opt {
namespace {

using namespace ir;

constexpr size_t kMaxTurns = 1 << 16;    ///< counted
constexpr size_t kFullSize = 512;        ///< instructions, all turns together
constexpr size_t kComputeSize = 128;     ///< a compute becomes a kernel, beside which a turn costs nothing
constexpr size_t kPartSize = 64, kMaxPart = 8;
constexpr size_t kMaxGrowth = 4096;      ///< of a function
constexpr int kMaxSums = 24;             ///< one in another, looked through
constexpr int kMaxRounds = 3;            ///< an unrolled loop may make counters of inner ones known

class Unroll {
 public:
  Unroll(const Module& module, Function& function, PassContext& context, size_t& growth)
      : module_(module),
        function_(function),
        context_(context),
        growth_(growth),
        loops_(function),
        uses_(function),
        definitions_(function.values.size()),
        passed_(function.values.size()) {
    std::vector<int> ways_in(function.blocks.size());
    for (const Block& block : function.blocks) {
      for (const Inst& inst : block.insts)
        for (ValueId result : inst.results) definitions_[result.index] = &inst;
      for (const Edge& edge : successors(block)) {
        const std::vector<ValueId>& params = function.block(edge.target).params;
        const bool only = ++ways_in[edge.target.index] == 1;
        for (size_t p = 0; p < params.size(); ++p)
          passed_[params[p].index] = only ? edge.args[p] : ValueId{};
      }
    }
  }

  /// Whether anything was unrolled. What lies around an unrolled loop has to wait for the next time:
  /// its blocks are other ones now.
  bool run() {
    std::vector<bool> touched(loops_.all().size());
    for (uint32_t l = 0; l < touched.size(); ++l) {
      if (!touched[l]) touched[l] = try_unroll({l});
      if (touched[l] && loops_[{l}].parent) touched[loops_[{l}].parent.index] = true;
    }
    return std::ranges::find(touched, true) != touched.end();
  }

 private:
  struct Counted {
    size_t turns;
    size_t stays;  ///< which edge of the header's branch leads into the loop
  };

  bool try_unroll(LoopId id) {
    const Loop& loop = loops_[id];
    const std::optional<Counted> counted = count_turns(id);
    if (!counted || counted->turns == 0) return false;
    const std::vector<BlockId> blocks = loops_.blocks(id);
    size_t size = 0;
    for (BlockId block : blocks)
      for (const Inst& inst : function_.block(block).insts)
        size += inst.op == Op::compute ? kComputeSize : 1;
    const bool whole = counted->turns <= kFullSize / size;
    const bool in_part = blocks.size() == loop.own.size() && waits(loop);
    const size_t copies = whole     ? counted->turns
                          : in_part ? largest_part(counted->turns, kPartSize / size)
                                    : 1;
    if ((copies == 1 && !whole) || growth_ + copies * size > kMaxGrowth || escapes(id, blocks))
      return false;
    if (!context_.may_rewrite(whole ? "fully" : "in part")) return false;
    growth_ += copies * size;
    write_out(loop, blocks, copies, whole, counted->stays);
    return true;
  }

  static size_t largest_part(size_t turns, size_t most) {
    size_t part = std::clamp(most, size_t{1}, kMaxPart);
    while (turns % part != 0) --part;
    return part;
  }

  // ---- how often it turns

  std::optional<Counted> count_turns(LoopId id) const {
    const Loop& loop = loops_[id];
    const Inst& end = function_.block(loop.header).insts.back();
    if (!loop.preheader || loop.latches.size() != 1 || end.op != Op::branch) return std::nullopt;
    const auto& edges = end.get<std::vector<Edge>>();
    const bool first_stays = loops_.contains(id, edges[0].target);
    if (first_stays == loops_.contains(id, edges[1].target)) return std::nullopt;
    const Inst* test = definitions_[end.args[0].index];
    if (test == nullptr || test->op != Op::apply || test->args.size() != 2) return std::nullopt;
    for (size_t side : {0, 1}) {
      const std::optional<Scalar> bound = constant(test->args[1 - side]);
      const std::optional<Counter> counter = find_counter(loop, test->args[side]);
      if (!bound || !counter) continue;
      Scalar now = counter->start;
      for (size_t turns = 0; turns < kMaxTurns; ++turns) {
        const Scalar operands[] = {side == 0 ? now : *bound, side == 0 ? *bound : now};
        if (runtime::divides_by_zero(test->get<ScalarOp>(), operands)) return std::nullopt;
        const bool holds = runtime::eval(test->get<ScalarOp>(), operands).i != 0;
        if (holds != first_stays) return Counted{turns, first_stays ? size_t{0} : size_t{1}};
        now = runtime::eval(ScalarOp::add, std::array{now, counter->step});
      }
    }
    return std::nullopt;
  }

  struct Counter {
    Scalar start, step;
  };
  std::optional<Counter> find_counter(const Loop& loop, ValueId value) const {
    const std::vector<ValueId>& params = function_.block(loop.header).params;
    const auto param = static_cast<size_t>(std::ranges::find(params, value) - params.begin());
    const Inst& back = function_.block(loop.latches[0]).insts.back();
    if (param == params.size() || back.op != Op::jump) return std::nullopt;
    const auto start = constant(successors(function_.block(loop.preheader))[0].args[param]);
    const Inst* next = definitions_[back.get<std::vector<Edge>>()[0].args[param].index];
    if (!start || !runtime::is_integer(start->type) || next == nullptr || next->op != Op::apply ||
        next->get<ScalarOp>() != ScalarOp::add)
      return std::nullopt;
    for (size_t side : {0, 1}) {
      const auto step = constant(next->args[1 - side]);
      if (next->args[side] == value && step) return Counter{*start, *step};
    }
    return std::nullopt;
  }

  /// Also the sums that counters of loops around are, once those are unrolled.
  std::optional<Scalar> constant(ValueId value, int depth = kMaxSums) const {
    while (passed_[value.index] && depth-- > 0) value = passed_[value.index];
    const Inst* inst = definitions_[value.index];
    if (inst == nullptr || depth <= 0) return std::nullopt;
    if (inst->op == Op::constant) return inst->get<Scalar>();
    if (inst->op != Op::apply || inst->get<ScalarOp>() != ScalarOp::add) return std::nullopt;
    for (size_t side : {0, 1}) {  // one operand a constant as it is, so that the way is no tree
      const Inst* step = definitions_[inst->args[1 - side].index];
      if (step == nullptr || step->op != Op::constant) continue;
      const auto from = constant(inst->args[side], depth - 1);
      if (from) return runtime::eval(ScalarOp::add, std::array{*from, step->get<Scalar>()});
    }
    return std::nullopt;
  }

  // ---- whether it may, and whether it pays

  /// Outside, only what the header defines may be used, and only if the header is the one way out: so
  /// it is known which turn's value that is.
  bool escapes(LoopId id, const std::vector<BlockId>& blocks) const {
    const BlockId header = loops_[id].header;
    const bool header_only = std::ranges::all_of(
        loops_.exits(id), [&](const FlowEdge& exit) { return exit.from == header; });
    const auto used_outside = [&](ValueId value) {
      return std::ranges::any_of(
          uses_.of(value), [&](const User& user) { return !loops_.contains(id, user.block); });
    };
    for (BlockId b : blocks) {
      if (b == header && header_only) continue;
      const Block& block = function_.block(b);
      if (std::ranges::any_of(block.params, used_outside)) return true;
      for (const Inst& inst : block.insts)
        if (std::ranges::any_of(inst.results, used_outside)) return true;
    }
    return false;
  }

  /// Whether a turn hands on a float, which vectors would have to combine in another order.
  bool waits(const Loop& loop) const {
    return std::ranges::any_of(function_.block(loop.header).params, [&](ValueId param) {
      const ir::Type& type = module_.type(function_, param);
      return type.is_scalar() && runtime::is_floating(type.dtype);
    });
  }

  // ---- doing it

  /// The loop as it stands is the first turn. The last turn's back edge leads to the loop's header or,
  /// if the loop is to go, to a copy of the header alone, which leaves.
  void write_out(const Loop& loop, const std::vector<BlockId>& blocks, size_t copies, bool whole,
                 size_t stays) {
    std::vector<BlockId> headers = {loop.header}, latches = {loop.latches[0]};
    for (size_t copy = 1; copy < copies; ++copy) {
      const Copies turn = clone_blocks(function_, blocks);
      headers.push_back(turn.of(loop.header));
      latches.push_back(turn.of(loop.latches[0]));
      take(headers.back(), stays);
    }
    if (whole) {
      const Copies last = clone_blocks(function_, std::span(&loop.header, 1));
      headers.push_back(last.of(loop.header));
      take(headers.back(), 1 - stays);
      take(loop.header, stays);
      exchange(last, loop, blocks);
    }
    for (size_t copy = 0; copy < copies; ++copy) {
      Edge& back = function_.block(latches[copy]).insts.back().get<std::vector<Edge>>()[0];
      back.target = headers[(copy + 1) % headers.size()];
    }
  }

  /// The branch at the end of a block goes one way only.
  void take(BlockId block, size_t way) {
    Inst& end = function_.block(block).insts.back();
    Edge taken = end.get<std::vector<Edge>>()[way];
    end = {Op::jump, {}, {}, std::vector<Edge>{std::move(taken)}, end.span};
  }

  /// What lies behind the loop uses the header's values as they are on leaving: the last copy takes
  /// over their names, and the first turn gets the copy's.
  void exchange(const Copies& last, const Loop& loop, const std::vector<BlockId>& blocks) {
    std::unordered_map<ValueId, ValueId> originals;
    for (const auto& [original, copy] : last.values) originals[copy] = original;
    for (BlockId block : blocks)
      rename(function_.block(block), [&](ValueId value) { return last.of(value); });
    rename(function_.block(last.of(loop.header)), [&](ValueId value) {
      const auto found = originals.find(value);
      return found == originals.end() ? value : found->second;
    });
  }
  template <class Map>
  void rename(Block& block, const Map& map) {
    for (ValueId& param : block.params) param = map(param);
    for (Inst& inst : block.insts) {
      for (ValueId& result : inst.results) result = map(result);
      map_uses(function_, inst, map);
    }
  }

  const Module& module_;
  Function& function_;
  PassContext& context_;
  size_t& growth_;
  Loops loops_;
  Uses uses_;
  std::vector<const Inst*> definitions_;  ///< by value; null for parameters
  std::vector<ValueId> passed_;           ///< by parameter: what arrives, if there is one way in
};

}  // namespace

void unroll(ir::Module& module, PassContext& context) {
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (has_owners(function)) continue;
    add_preheaders(function, context);
    add_latches(function, context);
    size_t growth = 0;
    for (int round = 0; round < kMaxRounds; ++round)
      if (!Unroll(module, function, context, growth).run()) break;
  }
}

}  // namespace tenon::opt
