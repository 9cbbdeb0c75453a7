// Executors that work on the 32 lanes of a warp at once, each a loop that the compiler turns into
// vector instructions. The files lanes_*.cpp are compiled twice, for any processor and for those
// with AVX2 and FMA; find_lanes() takes what the machine can do.
#pragma once
#include "runtime/sim/program.h"

namespace tenon::runtime::sim {

enum class Part : uint8_t { lo, hi, wide };  ///< Modifiers::what of mul and mad
enum class Compare : uint8_t { eq, ne, lt, le, gt, ge, equ, neu, ltu, leu, gtu, geu, num, nan };
enum class Join : uint8_t { none, and_, or_, xor_ };  ///< Modifiers::with of setp
enum class Matrix : uint8_t { m16n8k4, m16n8k8, m16n8k16, m16n8k32 };
inline constexpr uint8_t kCarryIn = 1, kCarryOut = 2;  ///< Modifiers::with of add and sub

/// The executors, by what they do; null where there is none.
struct Lanes {
  Exec (*integers)(Op, Type, const Modifiers&);
  Exec (*floats)(Op, Type, const Modifiers&);
  Exec (*halves)(Op, Type, const Modifiers&);
  Exec (*compare)(Type, Compare);      ///< setp
  Exec (*compare_set)(Type, Compare);  ///< set, into 32 bits
  Exec (*convert)(Type to, Type from, const Modifiers&);
  Exec (*matrix)(Matrix, Type to, Type from);
};
const Lanes& find_lanes();

namespace lanes_any {
extern const Lanes kTable;
}
namespace lanes_avx2 {
extern const Lanes kTable;
}

}  // namespace tenon::runtime::sim
