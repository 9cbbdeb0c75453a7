// One version of the executors, gathered.
#include "runtime/sim/lanes.h"

namespace tenon::runtime::sim::TENON_LANES {

extern Exec (*const kIntegers)(Op, Type, const Modifiers&);
extern Exec (*const kFloats)(Op, Type, const Modifiers&);
extern Exec (*const kHalves)(Op, Type, const Modifiers&);
extern Exec (*const kCompare)(Type, Compare);
extern Exec (*const kCompareSet)(Type, Compare);
extern Exec (*const kConvert)(Type, Type, const Modifiers&);
extern Exec (*const kMatrix)(Matrix, Type, Type);

const Lanes kTable = {
    [](Op op, Type type, const Modifiers& mod) { return kIntegers(op, type, mod); },
    [](Op op, Type type, const Modifiers& mod) { return kFloats(op, type, mod); },
    [](Op op, Type type, const Modifiers& mod) { return kHalves(op, type, mod); },
    [](Type type, Compare how) { return kCompare(type, how); },
    [](Type type, Compare how) { return kCompareSet(type, how); },
    [](Type to, Type from, const Modifiers& mod) { return kConvert(to, from, mod); },
    [](Matrix shape, Type to, Type from) { return kMatrix(shape, to, from); },
};

}  // namespace tenon::runtime::sim::TENON_LANES
