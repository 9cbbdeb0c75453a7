// mma.sync: D = A B + C of small matrices that lie in the registers of a whole warp. Where each
// element is (g = lane / 4, t = lane % 4) is the PTX manual's "matrix fragments".
//
// Products of f16, bf16 and tf32 are exact in f32; they are added to C one after the other, in the
// order of k, each sum rounded to f32. Cards add several at once with fewer bits, so results agree
// with theirs within a bound, not bit for bit.
#include "runtime/sim/lanes_loops.h"

namespace tenon::runtime::sim {
namespace {

/// What a matrix is of: how many elements of A and B a 32-bit register holds, and how they are
/// read.
struct OfF16 {
  static constexpr uint32_t kPacked = 2;
  using sum = float;
  static float read(uint32_t word, uint32_t part) {
    return F16::read(static_cast<uint16_t>(word >> 16 * part));
  }
};
struct OfBF16 {
  static constexpr uint32_t kPacked = 2;
  using sum = float;
  static float read(uint32_t word, uint32_t part) {
    return BF16::read(static_cast<uint16_t>(word >> 16 * part));
  }
};
struct OfTF32 {
  static constexpr uint32_t kPacked = 1;
  using sum = float;
  static float read(uint32_t word, uint32_t) { return as<float>(word & ~0x1fffu); }
};
struct OfS8 {
  static constexpr uint32_t kPacked = 4;
  using sum = int32_t;
  static int32_t read(uint32_t word, uint32_t part) {
    return static_cast<int8_t>(word >> 8 * part);
  }
};
struct OfU8 {
  static constexpr uint32_t kPacked = 4;
  using sum = int32_t;
  static int32_t read(uint32_t word, uint32_t part) {
    return static_cast<uint8_t>(word >> 8 * part);
  }
};

/// m16n8kK. The list holds the registers of D, A, B, C. Registers i of A: row g + 8 (i & 1),
/// columns from P t + 4 P (i >> 1) for P packed elements; of B: rows from P t + 4 P i, column g;
/// element i of C and D: row g + 8 (i >> 1), column 2 t + (i & 1).
template <class E, uint32_t K, bool half_sums>
Flow multiply(Warp& warp, const Inst& inst, uint32_t) {
  using S = typename E::sum;
  constexpr uint32_t P = E::kPacked, kA = 16 * K / (32 * P), kB = 8 * K / (32 * P),
                     kC = half_sums ? 2 : 4;
  const uint32_t* list = warp.block->launch->program->lists.data() + inst.list;
  S a[16][K], b[K][8], c[16][8];
  for (uint32_t i = 0; i < kA; ++i) {
    const uint32_t* words = warp.lanes<uint32_t>(list[kC + i]);
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      for (uint32_t part = 0; part < P; ++part) {
        a[lane / 4 + 8 * (i & 1)][P * (lane % 4) + part + 4 * P * (i >> 1)] =
            E::read(words[lane], part);
      }
    }
  }
  for (uint32_t i = 0; i < kB; ++i) {
    const uint32_t* words = warp.lanes<uint32_t>(list[kC + kA + i]);
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      for (uint32_t part = 0; part < P; ++part)
        b[P * (lane % 4) + part + 4 * P * i][lane / 4] = E::read(words[lane], part);
    }
  }
  for (uint32_t i = 0; i < kC; ++i) {
    const uint32_t* words = warp.lanes<uint32_t>(list[kC + kA + kB + i]);
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      if constexpr (half_sums) {
        for (uint32_t part = 0; part < 2; ++part)
          c[lane / 4 + 8 * i][2 * (lane % 4) + part] =
              F16::read(static_cast<uint16_t>(words[lane] >> 16 * part));
      } else {
        c[lane / 4 + 8 * (i >> 1)][2 * (lane % 4) + (i & 1)] = as<S>(words[lane]);
      }
    }
  }
  for (uint32_t row = 0; row < 16; ++row) {
    for (uint32_t k = 0; k < K; ++k) {
      for (uint32_t column = 0; column < 8; ++column) {
        if constexpr (std::is_integral_v<S>) {
          c[row][column] = static_cast<S>(static_cast<uint32_t>(c[row][column]) +
                                          static_cast<uint32_t>(a[row][k] * b[k][column]));
        } else {
          c[row][column] += a[row][k] * b[k][column];
        }
      }
    }
  }
  for (uint32_t i = 0; i < kC; ++i) {
    uint32_t* words = warp.lanes<uint32_t>(list[i]);
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      if constexpr (half_sums) {
        const S* pair = &c[lane / 4 + 8 * i][2 * (lane % 4)];
        words[lane] = F16::write(pair[0]) | uint32_t{F16::write(pair[1])} << 16;
      } else {
        words[lane] = as<uint32_t>(c[lane / 4 + 8 * (i >> 1)][2 * (lane % 4) + (i & 1)]);
      }
    }
  }
  return Flow::next;
}

/// By shape, type of D (and C), type of A (and B).
Exec matrix(Matrix shape, Type to, Type from) {
  if (to == Type::f16 && from == Type::f16) {
    return shape == Matrix::m16n8k8    ? multiply<OfF16, 8, true>
           : shape == Matrix::m16n8k16 ? multiply<OfF16, 16, true>
                                       : nullptr;
  }
  if (to == Type::f32 && from == Type::f16) {
    return shape == Matrix::m16n8k8    ? multiply<OfF16, 8, false>
           : shape == Matrix::m16n8k16 ? multiply<OfF16, 16, false>
                                       : nullptr;
  }
  if (to == Type::f32 && from == Type::bf16) {
    return shape == Matrix::m16n8k8    ? multiply<OfBF16, 8, false>
           : shape == Matrix::m16n8k16 ? multiply<OfBF16, 16, false>
                                       : nullptr;
  }
  if (to == Type::f32 && from == Type::tf32) {
    return shape == Matrix::m16n8k4   ? multiply<OfTF32, 4, false>
           : shape == Matrix::m16n8k8 ? multiply<OfTF32, 8, false>
                                      : nullptr;
  }
  if (to == Type::s32 && from == Type::s8) {
    return shape == Matrix::m16n8k16   ? multiply<OfS8, 16, false>
           : shape == Matrix::m16n8k32 ? multiply<OfS8, 32, false>
                                       : nullptr;
  }
  if (to == Type::s32 && from == Type::u8) {
    return shape == Matrix::m16n8k16   ? multiply<OfU8, 16, false>
           : shape == Matrix::m16n8k32 ? multiply<OfU8, 32, false>
                                       : nullptr;
  }
  return nullptr;
}

}  // namespace

namespace TENON_LANES {
extern Exec (*const kMatrix)(Matrix, Type, Type);
Exec (*const kMatrix)(Matrix, Type, Type) = matrix;
}  // namespace TENON_LANES

}  // namespace tenon::runtime::sim
