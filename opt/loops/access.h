// How a nest walks over memory: by how many elements an access moves when a loop's variable does.
#pragma once
#include <functional>
#include <map>
#include <optional>

#include "opt/loops/nest.h"

namespace tenon::opt::loops {

/// Elements of distance between neighbouring turns of each loop, 0 left out. A loop whose turns are not
/// all as far apart, as those of `i / 2` or those of an index that is read, has kIrregular.
using Strides = std::map<LoopId, int64_t>;
constexpr int64_t kIrregular = int64_t{1} << 40;  ///< further than any tensor is long
/// A subscript of one axis, or one of several that fused loops took apart: %x[.., p / 56, p % 56], where the
/// last axis has 56 elements, goes by p along both. `elements` lie between neighbours.
struct Step {
  ExprPtr subscript;
  int64_t elements;
};
/// From the first axis to the last.
std::vector<Step> steps_along(const ir::Shape& shape, const Subscripts& subscripts);
/// Nothing where a subscript depends on a local.
std::optional<Strides> strides_of(const ir::Shape& shape, const Subscripts& subscripts);

/// Every read of a buffer in an expression.
struct Access {
  BufferId buffer;
  std::optional<Strides> strides;
};
std::vector<Access> reads_of(const Kernel& kernel, const ExprPtr& e);

/// Every expression of a block, operands first, as often as statements have it, with the loops of the block around
/// it, outermost first.
void for_each_expr(const Block& block,
                   const std::function<void(const ExprPtr&, const std::vector<const For*>& around)>& visit);
/// Every read of one buffer in a block, with the loops of the block around it, outermost first.
void for_each_read(const Block& block, BufferId buffer,
                   const std::function<void(const Read&, const std::vector<const For*>& around)>& visit);

/// What stands around a statement.
struct Site {
  const Stmt* stmt;
  std::vector<const For*> loops;  ///< outermost first
};
/// Every statement that holds no others, with the loops around it.
std::vector<Site> sites_of(const Block& block);

}  // namespace tenon::opt::loops
