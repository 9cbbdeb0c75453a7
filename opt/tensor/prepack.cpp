// prepack: an operand of a product that stays the same while the product is computed again and again is
// brought, once and beforehand, into the order in which the product's loops read it. A tile of the result,
// T columns wide, reads T elements of %w for each k: they come to lie beside each other, and those of the
// next k behind them, in panels.
//
//     loop:                                        before:
//       %y = compute [i: M, j: N] {                  %p = compute [jo: N / T, k: K, ji: T] {
//         sum[k: K](%x[i, k] * %w[k, j])                %w[k, jo * T + ji]
//       }                                            }
//                                                  loop:
//                                                    %y = compute [i: M, j: N] {
//                                                      sum[k: K](%x[i, k] * %p[j / T, k, j % T])
//                                                    }
//
// What T does not divide gets a margin of zeros, which nobody reads. Split by T, the loop over j leaves of
// j / T and j % T its own two variables (opt/loops/split.cpp). The product is the one that the loops will be
// scheduled as, with that tile (opt/loops/product.h), so the operand may be a matrix, the weights of a
// convolution or a part of a stack of them. (Goto and van de Geijn, TOMS 2008, pack for each product; that
// constant operands need it once is MKL's ?gemm_pack and oneDNN's reorder.)
//
// When it may: the operand's elements are read one for each multiplication, by subscripts that stay in
// range for all indices; each element of the result remains the same sum in the same order. When it pays: the
// operand is defined before a loop in which the product is computed on every turn; or it is a prepared parameter
// of a library's function (ir/prepared.h): then the packing belongs to what prepares it.
#include <algorithm>
#include <map>

#include "ir/ranges.h"
#include "opt/analysis/loops.h"
#include "opt/loops/panels.h"
#include "opt/pass.h"
#include "opt/rewrite.h"
#include "opt/scalar/prepare.h"
#include "opt/tensor/outer_reductions.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// An operand that is read several times over, by windows that overlap, grows to no more than this.
constexpr int64_t kMostGrowth = 2;

/// An operand as the product of one compute reads it.
struct Operand {
  ValueId tensor;
  BlockId before;                          ///< the block at whose end it can be packed
  ExprId read;
  uint32_t lanes;                          ///< the compute's index that goes along the panels
  int64_t turns, width;                    ///< of that index, and of a panel
  std::vector<std::pair<uint32_t, int64_t>> others;  ///< indices that it is read by, with their turns
};

class Prepack {
 public:
  Prepack(Module& module, Function& function, PassContext& context)
      : module_(module), function_(function), exprs_(function.exprs), context_(context), loops_(function) {
    defined_in_.resize(function.values.size());
    for (uint32_t b = 0; b < function.blocks.size(); ++b) {
      for (const ValueId param : function.blocks[b].params) defined_in_[param.index] = {b};
      for (const Inst& inst : function.blocks[b].insts)
        for (const ValueId result : inst.results) defined_in_[result.index] = {b};
    }
  }

  void run() {
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      for (size_t i = 0; i < function_.blocks[b].insts.size(); ++i) {
        const std::optional<Operand> found = find({b}, function_.blocks[b].insts[i]);
        if (!found || !context_.may_rewrite("panels")) continue;
        const size_t before = function_.blocks[b].insts.size();
        const ValueId panels = pack(*found, function_.blocks[b].insts[i].span);
        if (is_prepared(found->tensor)) i += function_.blocks[b].insts.size() - before;
        Inst& inst = function_.blocks[b].insts[i];
        inst.attribute = with_panels(inst.get<Compute>(), *found, panels);
      }
    }
  }
  /// Whether there is something to do.
  bool any() {
    for (uint32_t b = 0; b < function_.blocks.size(); ++b)
      for (const Inst& inst : function_.blocks[b].insts)
        if (find({b}, inst)) return true;
    return false;
  }

 private:
  // ---- which operands

  std::optional<Operand> find(BlockId block, const Inst& inst) {
    if (inst.op != Op::compute || inst.get<Compute>().schedule) return {};
    if (!loops_.around(block) && !function_.prepared) return {};
    const auto& compute = inst.get<Compute>();
    const std::optional<ExprId> sum = only_reduction(compute);
    if (!sum) return {};
    const auto panels = loops::wanted_panels(
        ir::loops::lower(module_, function_, inst, function_.name), context_.machine,
        [&](ValueId tensor) { return packed_before(tensor, block).has_value() && !is_named(inst, tensor); });
    if (!panels || panels->lanes >= compute.extents.size()) return {};
    Operand found{panels->operand, *packed_before(panels->operand, block), {}, panels->lanes, panels->turns,
                  panels->width, {}};
    if (!find_read(compute, found) || !find_indices(compute, exprs_[*sum], found)) return {};
    return exprs_[found.read].args == subscripts_of(found) ? std::nullopt : std::optional(found);  // so it is
  }

  /// Whether a schedule says itself what becomes of the tensor.
  bool is_named(const Inst& inst, ValueId tensor) const {
    const auto told = module_.schedules.find(inst.path);
    return told != module_.schedules.end() &&
           std::ranges::count(told->second, function_.value(tensor).name, &Directive::operand) != 0;
  }

  /// The reduction of a compute that has one.
  std::optional<ExprId> only_reduction(const Compute& compute) const {
    std::optional<ExprId> found;
    bool several = false;
    for_each_node(exprs_, compute.bodies, [&](ExprId id) {
      if (exprs_[id].kind != ExprKind::reduce) return;
      several |= found.has_value();
      found = id;
    });
    return several ? std::nullopt : found;
  }

  bool is_prepared(ValueId tensor) const {
    const auto& params = function_.params;
    return std::find(params.end() - function_.prepared.value_or(0), params.end(), tensor) != params.end();
  }

  /// The preheader of the outermost loop on every turn of which `block` is come to, without the tensor
  /// changing; of a prepared one the entry, from where it moves on.
  std::optional<BlockId> packed_before(ValueId tensor, BlockId block) const {
    if (is_prepared(tensor)) return BlockId{0};
    const BlockId defined = defined_in_[tensor.index];  // none: a parameter of the function
    std::optional<BlockId> place;
    for (LoopId loop = loops_.around(block); loop; loop = loops_[loop].parent) {
      if (defined && loops_.contains(loop, defined)) break;
      const BlockId inside = place.value_or(block);
      const bool every_turn = std::ranges::all_of(
          loops_[loop].latches, [&](BlockId latch) { return loops_.dominators().dominates(inside, latch); });
      if (!every_turn) break;
      // Where there is no preheader yet, the way in to it.
      place = loops_[loop].preheader ? loops_[loop].preheader : loops_[loop].entries[0];
    }
    return place;
  }

  bool find_read(const Compute& compute, Operand& operand) const {
    int count = 0;
    for_each_node(exprs_, compute.bodies, [&](ExprId id) {
      if (exprs_[id].kind != ExprKind::read || exprs_[id].value != operand.tensor) return;
      operand.read = id;
      ++count;
    });
    // What is checked in front of the product may be out of range where it is packed.
    return count == 1 && std::ranges::count(fallible_nodes(module_, function_, compute), operand.read) == 0;
  }

  /// The indices in the operand's subscripts; false if there is anything else but numbers, or the panels
  /// would be too large.
  bool find_indices(const Compute& compute, const Expr& sum, Operand& operand) const {
    bool plain = true;
    std::map<uint32_t, int64_t> turns;
    for_each_node(exprs_, exprs_[operand.read].args, [&](ExprId id) {
      const Expr& node = exprs_[id];
      plain &= node.kind == ExprKind::index || node.kind == ExprKind::constant || node.kind == ExprKind::apply;
      if (node.kind == ExprKind::index) turns[node.level] = turns_of(compute, sum, node.level);
    });
    turns.erase(operand.lanes);
    const Shape& shape = module_.type(function_, operand.tensor).shape;
    int64_t room = kMostGrowth * runtime::element_count(shape).value_or(0) / padded(operand);
    for (const auto& [level, count] : turns) {
      plain &= count > 0;
      if (plain) room /= count;
    }
    operand.others.assign(turns.begin(), turns.end());
    return plain && room > 0;
  }
  static int64_t padded(const Operand& operand) {
    return (operand.turns + operand.width - 1) / operand.width * operand.width;
  }

  /// 0 if they do not begin at 0, or their number is not constant.
  int64_t turns_of(const Compute& compute, const Expr& sum, uint32_t level) const {
    if (level < compute.extents.size()) return compute.extents[level];
    const size_t own = level - sum.level;
    const Expr &lo = exprs_[sum.args[2 * own]], &hi = exprs_[sum.args[2 * own + 1]];
    const bool constant = lo.kind == ExprKind::constant && hi.kind == ExprKind::constant;
    return constant && lo.constant.i == 0 ? hi.constant.i : 0;
  }

  // ---- the panels

  ExprId number(int64_t value) { return exprs_.constant(Scalar::integer(DType::i64, value)); }

  ValueId pack(const Operand& operand, Span span) {
    Compute made = panels_of(operand);
    const auto key = std::tuple(operand.before, made.bodies[0], made.extents);
    const auto known = packed_.find(key);
    if (known != packed_.end()) return known->second;
    const DType type = exprs_[made.bodies[0]].type;
    const ValueId panels = function_.add_value(module_.types.intern({type, made.extents}),
                                               function_.value(operand.tensor).name + ".panels");
    std::vector<Inst>& insts = function_.block(operand.before).insts;
    // At the beginning of the entry stands what is prepared, for products that the entry itself has.
    insts.insert(is_prepared(operand.tensor) ? insts.begin() : insts.end() - 1,
                 {Op::compute, {panels}, {}, std::move(made), span});
    packed_.emplace(key, panels);
    return panels;
  }

  Compute panels_of(const Operand& operand) {
    const Expr read = exprs_[operand.read];
    Compute made{{padded(operand) / operand.width}, {}, {}};
    std::vector<ExprId> now(operand.lanes + 1, number(0));  // by level of the product's compute
    for (const auto& [level, turns] : operand.others) {
      if (level >= now.size()) now.resize(level + 1, number(0));
      now[level] = exprs_.index(static_cast<uint32_t>(made.extents.size()));
      made.extents.push_back(turns);
    }
    const ExprId first = exprs_.apply(ScalarOp::mul, {exprs_.index(0), number(operand.width)});
    const ExprId within = exprs_.index(static_cast<uint32_t>(made.extents.size()));
    const ExprId lane = now[operand.lanes] = exprs_.apply(ScalarOp::add, {first, within});
    made.extents.push_back(operand.width);
    std::vector<ExprId> subscripts;
    for (const ExprId subscript : read.args) subscripts.push_back(substitute(exprs_, subscript, now, 0));
    ExprId element = exprs_.read(read.value, read.type, std::move(subscripts));
    if (operand.turns % operand.width != 0) {
      const ExprId zero = exprs_.constant(runtime::convert(read.type, Scalar::integer(DType::i64, 0)));
      element = exprs_.if_(exprs_.apply(ScalarOp::lt, {lane, number(operand.turns)}), element, zero);
    }
    made.bodies = {element};
    return made;
  }

  Compute with_panels(const Compute& compute, const Operand& operand, ValueId panels) {
    const ExprId read = exprs_.read(panels, exprs_[operand.read].type, subscripts_of(operand));
    return with_replaced(exprs_, compute, operand.read, read);
  }

  /// By which the product reads the panels.
  std::vector<ExprId> subscripts_of(const Operand& operand) {
    const ExprId lane = exprs_.index(operand.lanes), width = number(operand.width);
    const bool one = operand.turns <= operand.width;
    std::vector<ExprId> subscripts{one ? number(0) : exprs_.apply(ScalarOp::div, {lane, width})};
    for (const auto& [level, turns] : operand.others) subscripts.push_back(exprs_.index(level));
    subscripts.push_back(one ? lane : exprs_.apply(ScalarOp::mod, {lane, width}));
    return subscripts;
  }

  Module& module_;
  Function& function_;
  Exprs& exprs_;
  PassContext& context_;
  Loops loops_;
  std::vector<BlockId> defined_in_;
  std::map<std::tuple<BlockId, ExprId, Shape>, ValueId> packed_;
};

}  // namespace

void prepack(Module& module, PassContext& context) {
  for (uint32_t f = 0; f < module.functions.size(); ++f) {
    Function& function = module.functions[f];
    context.enter(function);
    if (has_owners(function) || !Prepack(module, function, context).any()) continue;
    add_preheaders(function, context);
    Prepack(module, function, context).run();
    if (function.prepared) move_to_prepare(module, {f}, context);
  }
}

}  // namespace tenon::opt
