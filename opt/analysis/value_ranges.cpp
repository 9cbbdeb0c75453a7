#include "opt/analysis/value_ranges.h"

#include <algorithm>
#include <set>

#include "ir/range_prover.h"

namespace tenon::opt {

using namespace ir;

namespace {

constexpr int kMaxWidenings = 8;         ///< per value, before all of its type
constexpr size_t kMaxThresholds = 64;
constexpr int kGrowing = 2;              ///< sweeps before the first widening
constexpr int kMaxSweeps = 50;           ///< before all that loops change is given up
constexpr int kNarrowing = 3;
constexpr int64_t kBodyFuel = 2'000;
constexpr Range kNothing{1, 0};

}  // namespace

ValueRanges::ValueRanges(const Module& module, const Function& function)
    : module_(module),
      function_(function),
      graph_(control_flow(function)),
      dominators_(graph_),
      conditions_(module, function, graph_, dominators_),
      order_(reverse_postorder(graph_)),
      predecessors_(graph_.reversed(order_)) {
  find_headers();
  find_thresholds();
  solve();
}

void ValueRanges::find_headers() {
  header_.resize(graph_.size());
  std::vector<bool> seen(graph_.size());
  for (uint32_t b : order_) {
    seen[b] = true;
    for (uint32_t to : graph_[b])
      if (seen[to]) header_[to] = true;
  }
}

Range ValueRanges::known(ValueId value, BlockId block, size_t position, int depth) const {
  Range range = ranges_[value.index];
  conditions_.for_each(value, block, position, [&](const Fact& fact) {
    if (!fact.other) {
      range = intersection(range, fact.bound);
    } else {
      range = refined(range, fact.op,
                      depth == 0 ? ranges_[fact.other.index]
                                 : known(fact.other, block, position, depth - 1));
    }
  });
  return range;
}

void ValueRanges::find_thresholds() {
  std::set<int64_t> found = {-1, 0, 1};
  std::unordered_map<ValueId, int64_t> constants;
  for (uint32_t b : order_) {
    for (const Inst& inst : function_.blocks[b].insts) {
      if (inst.op == Op::constant && runtime::is_integer(inst.get<Scalar>().type))
        constants[inst.result()] = inst.get<Scalar>().i;
    }
  }
  for (uint32_t b : order_) {
    for (const Inst& inst : function_.blocks[b].insts) {
      if (inst.op != Op::apply || !is_comparison(inst.get<ScalarOp>())) continue;
      for (ValueId arg : inst.args) {
        const auto number = constants.find(arg);
        if (number == constants.end() || found.size() >= kMaxThresholds) continue;
        for (int64_t near : {-1, 0, 1}) {
          int64_t sum;
          if (!__builtin_add_overflow(number->second, near, &sum)) found.insert(sum);
        }
      }
    }
  }
  thresholds_.assign(found.begin(), found.end());
}

// ---- the equations

void ValueRanges::solve() {
  ranges_.assign(function_.values.size(), kNothing);
  widenings_.assign(function_.values.size(), 0);
  for (ValueId param : function_.params)
    ranges_[param.index] = range_of_type(module_.type(function_, param).dtype);
  int sweeps = 0;
  while (sweep(sweeps < kGrowing ? Phase::grow : Phase::widen)) {
    if (++sweeps != kMaxSweeps) continue;
    // All that loops pass on is given up; the rest then follows from it in one more sweep.
    for (uint32_t b : order_) {
      for (ValueId param : function_.blocks[b].params) {
        if (header_[b])
          ranges_[param.index] = range_of_type(module_.type(function_, param).dtype);
      }
    }
  }
  for (int i = 0; i < kNarrowing && sweep(Phase::narrow); ++i) {}
}

/// Applies every equation once, in an order in which only loops need a second time.
bool ValueRanges::sweep(Phase phase) {
  bool changed = false;
  for (uint32_t b : order_) {
    const Block& block = function_.blocks[b];
    for (size_t p = 0; p < block.params.size(); ++p)
      changed = set(block.params[p], incoming({b}, p), phase, header_[b]) || changed;
    for (size_t i = 0; i < block.insts.size(); ++i) {
      const Inst& inst = block.insts[i];
      for (size_t r = 0; r < inst.results.size(); ++r)
        changed = set(inst.results[r], evaluate(inst, r, {b}, i), phase, false) || changed;
    }
  }
  return changed;
}

bool ValueRanges::set(ValueId value, Range now, Phase phase, bool in_header) {
  Range& range = ranges_[value.index];
  if (now.is_empty() && range.is_empty()) return false;
  const Range before = range;
  if (phase == Phase::narrow) {
    range = intersection(range, now);
    return range != before;
  }
  // In its type, so that widening has an end.
  range = intersection(hull(before, now), range_of_type(module_.type(function_, value).dtype));
  if (range == before) return false;
  if (phase == Phase::widen && in_header) {
    range = widened(value, before, range);
    ++widenings_[value.index];
  }
  return true;
}

Range ValueRanges::widened(ValueId value, Range before, Range now) const {
  const Range all = range_of_type(module_.type(function_, value).dtype);
  const bool slowly = widenings_[value.index] < kMaxWidenings;
  if (before.is_empty()) return now;
  if (now.lo < before.lo) {
    const auto above = std::ranges::upper_bound(thresholds_, now.lo);
    now.lo = slowly && above != thresholds_.begin() ? std::max(all.lo, *(above - 1)) : all.lo;
  }
  if (now.hi > before.hi) {
    const auto next = std::ranges::lower_bound(thresholds_, now.hi);
    now.hi = slowly && next != thresholds_.end() ? std::min(all.hi, *next) : all.hi;
  }
  return now;
}

/// What a block's parameter gets, each with what is known where it comes from.
Range ValueRanges::incoming(BlockId block, size_t param) const {
  Range range = kNothing;
  for (uint32_t from : predecessors_[block.index]) {
    const Block& before = function_.blocks[from];
    for (const Edge& edge : successors(before)) {
      if (edge.target == block)
        range = hull(range, known(edge.args[param], BlockId{from}, before.insts.size(), 1));
    }
  }
  return range;
}

Range ValueRanges::evaluate(const Inst& inst, size_t result, BlockId block,
                            size_t position) const {
  const DType type = module_.type(function_, inst.results[result]).dtype;
  const Range all = range_of_type(type);
  const auto in_range = [&](ValueId value) { return known(value, block, position, 1); };
  if (inst.op == Op::apply) {
    std::vector<Range> operands;
    for (ValueId arg : inst.args) {
      operands.push_back(in_range(arg));
      if (operands.back().is_empty()) return kNothing;
    }
    return range_of_apply(inst.get<ScalarOp>(), module_.type(function_, inst.args.back()).dtype,
                          operands);
  }
  if (runtime::is_floating(type)) return all;
  switch (inst.op) {
    case Op::constant: return {inst.get<Scalar>().i, inst.get<Scalar>().i};
    case Op::convert: {
      const Range operand = in_range(inst.args[0]);
      if (operand.is_empty()) return kNothing;
      return range_of_convert(type, module_.type(function_, inst.args[0]).dtype, operand);
    }
    case Op::element: return ranges_[inst.args[0].index];
    case Op::update: return hull(ranges_[inst.args[0].index], in_range(inst.args.back()));
    case Op::pack: {
      Range range = kNothing;
      for (ValueId arg : inst.args) range = hull(range, in_range(arg));
      return inst.args.empty() ? all : range;
    }
    case Op::compute: return range_of_body(inst.get<Compute>(), result, in_range);
    default: return all;
  }
}

/// Of all elements of one result.
Range ValueRanges::range_of_body(const Compute& compute, size_t result,
                                 const std::function<Range(ValueId)>& range_of) const {
  const Range all = range_of_type(function_.exprs[compute.bodies[result]].type);
  std::vector<Range> levels;
  for (int64_t extent : compute.extents) {
    if (extent == 0) return all;
    levels.push_back({0, extent - 1});
  }
  bool reached = true;
  const auto of_value = [&](ValueId value) {
    const Range range = range_of(value);
    reached = reached && !range.is_empty();
    return reached ? range : range_of_type(module_.type(function_, value).dtype);
  };
  const Range range =
      RangeProver(function_, levels, kBodyFuel, of_value).range(compute.bodies[result]);
  return reached ? range : kNothing;
}

// ---- answers

Range ValueRanges::of(ValueId value) const {
  const Range range = ranges_[value.index];
  return range.is_empty() ? range_of_type(module_.type(function_, value).dtype) : range;
}

Range ValueRanges::at(ValueId value, BlockId block, size_t position) const {
  const Range range = known(value, block, position, 2);
  return range.is_empty() ? range_of_type(module_.type(function_, value).dtype) : range;
}

}  // namespace tenon::opt
