#include "opt/tensor/outer_reductions.h"

#include "opt/gpu_schedule.h"

#include <set>
#include <unordered_map>

#include "ir/ranges.h"

namespace tenon::opt {

using namespace ir;

namespace {

/// Whether every bound is a constant; they are put down.
bool has_constant_range(const Exprs& exprs, const ir::Expr& node, OuterReduction& found) {
  for (size_t i = 0; i < node.reduce_rank(); ++i) {
    const ir::Expr &lo = exprs[node.args[2 * i]], &hi = exprs[node.args[2 * i + 1]];
    if (lo.kind != ExprKind::constant || hi.kind != ExprKind::constant) return false;
    int64_t turns;
    if (__builtin_sub_overflow(hi.constant.i, lo.constant.i, &turns) || turns <= 0) return false;
    found.lo.push_back(lo.constant.i);
    found.turns.push_back(turns);
  }
  return true;
}

}  // namespace

int64_t OuterReduction::turns_in_all() const {
  int64_t all = 1;
  for (const int64_t each : turns)
    if (__builtin_mul_overflow(all, each, &all)) return INT64_MAX;
  return all;
}

bool OuterReduction::is_everywhere(const Compute& compute) const {
  int64_t points = 1;
  for (const int64_t extent : compute.extents)
    if (__builtin_mul_overflow(points, extent, &points)) points = INT64_MAX;
  return results == points;
}

std::vector<OuterReduction> outer_reductions(const Module& module, const Function& function,
                                             const Compute& compute) {
  std::vector<OuterReduction> all;
  if (compute.schedule && is_for_gpu(*compute.schedule)) return all;  // its loops are wanted as they are
  if (!fallible_nodes(module, function, compute).empty()) return all;
  const Exprs& exprs = function.exprs;
  const auto rank = static_cast<uint32_t>(compute.extents.size());
  std::vector<ExprId> todo = compute.bodies;
  std::set<ExprId> seen;
  while (!todo.empty()) {
    const ExprId id = todo.back();
    todo.pop_back();
    if (!seen.insert(id).second) continue;
    const ir::Expr& node = exprs[id];
    if (node.kind == ExprKind::if_) todo.push_back(node.args[0]);
    else if (node.kind != ExprKind::reduce) todo.insert(todo.end(), node.args.begin(), node.args.end());
    if (node.kind != ExprKind::reduce || node.level != rank) continue;
    OuterReduction found{id, {}, {}, {}};
    if (!has_constant_range(exprs, node, found)) continue;
    std::set<uint32_t> levels;
    for_each_node(exprs, node.reduce_body(), [&](ExprId inside) {
      const ir::Expr& each = exprs[inside];
      if (each.kind == ExprKind::index && each.level < rank) levels.insert(each.level);
    });
    found.levels.assign(levels.begin(), levels.end());
    for (const uint32_t level : levels)
      if (__builtin_mul_overflow(found.results, compute.extents[level], &found.results))
        found.results = INT64_MAX;
    all.push_back(std::move(found));
  }
  return all;
}

ExprId moved_body(Exprs& exprs, const Compute& compute, const OuterReduction& reduction, uint32_t rank,
                  const std::vector<ExprId>& levels, const std::vector<ExprId>& own) {
  const auto before = static_cast<uint32_t>(compute.extents.size());
  std::vector<ExprId> replacements(before, exprs.constant(Scalar::integer(DType::i64, 0)));
  for (size_t i = 0; i < levels.size(); ++i) replacements[reduction.levels[i]] = levels[i];
  replacements.insert(replacements.end(), own.begin(), own.end());
  return substitute(exprs, exprs[reduction.id].reduce_body(), replacements,
                    static_cast<int>(rank) - static_cast<int>(before));
}

Compute with_replaced(Exprs& exprs, const Compute& compute, ExprId from, ExprId to) {
  std::unordered_map<uint32_t, ExprId> known{{from.index, to}};
  const std::function<ExprId(ExprId)> replaced = [&](ExprId id) {
    if (const auto found = known.find(id.index); found != known.end()) return found->second;
    std::vector<ExprId> args = exprs[id].args;
    for (ExprId& arg : args) arg = replaced(arg);
    const ExprId now = exprs.with_args(id, std::move(args));
    known.emplace(id.index, now);
    return now;
  };
  Compute result = compute;
  for (ExprId& body : result.bodies) body = replaced(body);
  return result;
}

void rewrite_computes(Function& function,
                      const std::function<void(Inst& inst, std::vector<Inst>& before)>& rewrite) {
  for (Block& block : function.blocks) {
    std::vector<Inst> after;
    for (Inst& inst : block.insts) {
      if (inst.op == Op::compute) rewrite(inst, after);
      after.push_back(std::move(inst));
    }
    block.insts = std::move(after);
  }
}

}  // namespace tenon::opt
