// What a compute costs: the model by which passes over tensors decide between computing again and
// storing, and the numbers in it with their reasons.
//
// Two things take time, arithmetic and the movement of bytes (Williams, Waterman and Patterson,
// "Roofline", CACM 2009). Both are counted in one unit, an addition of two f32 in a vectorized loop:
// with two units of eight lanes a sixteenth of a cycle. The numbers fit no machine exactly, and
// need not: they must put in the right order what differs by factors, not by percents.
#pragma once
#include "ir/ir.h"

namespace tenon::opt {

// [snippet costs]
/// Division and square root: a unit that is not pipelined, a quotient of eight lanes in 5 cycles.
inline constexpr double kDivision = 10;
/// No vector unit divides integers: 25 cycles for one.
inline constexpr double kIntegerDivision = 400;
/// By a constant it is a multiplication of double width and shifts.
inline constexpr double kConstantDivision = 4;
/// exp, log, sin, …: a polynomial of degree five to ten and what brings its argument into range.
inline constexpr double kElementary = 25;
/// What a call of a scalar function adds to its instructions: it keeps a loop from being vectorized.
inline constexpr double kCall = 50;

/// From and to the nearest cache: two loads and one store of 32 bytes a cycle.
inline constexpr double kLoadedByte = 0.25, kStoredByte = 0.5;
/// From and to memory: about 4 bytes a cycle for each core.
inline constexpr double kMemoryByte = 4;
/// Tensors of up to so many bytes are still in a core's own cache when the next kernel reads them.
inline constexpr double kCacheBytes = 256 * 1024;
/// Allocating a tensor, entering and leaving a kernel: some 60 cycles.
inline constexpr double kKernel = 1000;
// [end]
/// A reduction whose bounds are known only when the program runs: enough that nothing is moved into
/// it which costs more there than a load.
inline constexpr double kUnknownTurns = 1 << 20;

/// At one point of the domain: arithmetic, loads and stores. A node that is shared counts once in
/// each loop that it stands in. One that does not depend on the innermost loops counts for its share of
/// the points, as it is computed in front of them; not if the compute may fail, whose order is kept.
/// Subscripts that are sums of multiples of indices cost nothing, as addresses move along with the loops.
double cost_of_point(const ir::Module& module, const ir::Function& function,
                     const ir::Compute& compute, bool may_fail = false);

/// Of the whole kernel: its points, and for every tensor that outgrows the cache its way from or to
/// memory, once.
double cost_of(const ir::Module& module, const ir::Function& function, const ir::Compute& compute,
               bool may_fail = false);

}  // namespace tenon::opt
