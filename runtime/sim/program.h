// Programs in the form that runs: one array of instructions for the whole module, operands as
// places in a frame of registers.
//
// A frame holds, one behind the other, what a warp needs in a function: predicates (32 bits, one
// for each lane), registers (32 values, one for each lane, of 16, 32 or 64 bits), then special
// registers and constants, which are filled in when the frame is made, so that instructions need
// not tell a register from a constant.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/sim/simulator.h"

namespace tenon::runtime::sim {

inline constexpr uint32_t kLanes = 32;
inline constexpr uint32_t kNone = 0xffffffff;

enum class TypeKind : uint8_t { bits, unsigned_, signed_, floating, predicate };
enum class Type : uint8_t {
#define TYPE(name, bits, kind) name,
#include "runtime/sim/types.def"
};
struct TypeRow {
  std::string_view name;
  uint32_t bits;
  TypeKind kind;
};
inline constexpr TypeRow kTypes[] = {
#define TYPE(name, bits, kind) {#name, bits, TypeKind::kind},
#include "runtime/sim/types.def"
};
constexpr const TypeRow& row(Type type) {
  return kTypes[static_cast<int>(type)];
}
constexpr uint32_t bits(Type type) {
  return row(type).bits;
}
constexpr bool is_float(Type type) {
  return row(type).kind == TypeKind::floating;
}
constexpr bool is_signed(Type type) {
  return row(type).kind == TypeKind::signed_;
}
std::optional<Type> type_named(std::string_view name);

enum class Space : uint8_t { generic, global, constant, shared, local, param };

/// What an instruction counts as, which decides its row among the counters' mix and its pipe.
enum class Class : uint8_t {
  by_type,
  integer,
  convert,
  special,
  tensor,
  move,
  memory,
  async,
  warp,
  control
};

enum class Op : uint8_t {
#define PTX_OP(id, name, group, decoder, forms) id,
#include "runtime/sim/ptx_ops.def"
};
struct OpRow {
  std::string_view name;
  Class group;
  std::string_view forms;
};
const OpRow& row(Op op);
std::optional<Op> op_named(std::string_view name);
std::string nearest_op(std::string_view name);  ///< "did you mean", or empty

/// Where a value of a frame is: its offset in bytes, and how many bits a lane's value has there.
struct Slot {
  uint32_t at = 0;
  uint8_t width = 0;  ///< 1 (predicates), 16, 32 or 64
};

struct Warp;
struct Inst;
/// What the warp does next: the instruction behind this one, the one at `pc`, or it waits or has
/// ended.
enum class Flow : uint8_t { next, jump, stop };
using Exec = Flow (*)(Warp&, const Inst&, uint32_t mask);

/// Modifiers that an executor looks at when it runs.
struct Modifiers {
  bool ftz : 1 = false, sat : 1 = false, nan : 1 = false, abs : 1 = false, relu : 1 = false;
  bool wide_address : 1 = false;  ///< the address is of 64 bits
  bool aligned : 1 = false, transposed : 1 = false, uniform : 1 = false, volatile_ : 1 = false;
  bool negated : 1 = false;  ///< the predicate operand is written !%p
  bool tracked : 1 = false;  ///< reads or writes a register that may be read before it is written
  uint8_t unread = 0;        ///< of a vector that is loaded: the elements, a bit each, that nobody reads
  uint8_t rounding = 0;      ///< a Rounding
  uint8_t what = 0;          ///< the kind within the opcode: a comparison, an atomic, a shuffle
  uint8_t with = 0;          ///< of setp: how the third operand joins
};
enum class Rounding : uint8_t {
  none,
  nearest,
  zero,
  down,
  up,
  nearest_int,
  zero_int,
  down_int,
  up_int,
  away
};

struct Inst {
  Exec exec = nullptr;
  uint32_t d = 0, a = 0, b = 0, c = 0;  ///< offsets in the frame
  uint32_t guard = kNone;               ///< offset of its predicate
  bool guard_negated = false;
  Op op{};
  Type type{}, from{};  ///< what it computes in; of cvt and mma what it reads
  Space space{};
  uint8_t width = 32, width_a = 32;  ///< of the registers at d (or that are stored) and a
  uint8_t count = 1;                 ///< elements of a vector
  Class group{};
  Modifiers mod;
  uint32_t list = 0, list_size = 0;  ///< further operands, in Program::lists
  uint32_t target = kNone;           ///< of branches and calls
  uint32_t join = kNone;             ///< of branches: where the lanes meet again
  int64_t offset = 0;                ///< of addresses; else an immediate
  uint32_t site = 0;                 ///< which instruction of the text this is
};

/// An instruction of the text, for messages and counters.
struct Site {
  uint32_t ptx_line = 0, file = 0, line = 0,
           column = 0;  ///< file: index into Program::files, 0: none
  uint32_t function = 0;
  Class group{};
  Op op{};
  Type type{};
  uint32_t tensor_flops = 0;  ///< of a warp
};

struct Variable {
  std::string name;
  Space space;
  uint64_t bytes = 0, align = 1;
  bool is_extern = false;
  std::vector<std::byte> image;  ///< its initial contents, or empty: zeros
  struct Pointer {
    uint64_t at;
    uint32_t variable;
    int64_t offset;
  };
  std::vector<Pointer> pointers;  ///< addresses inside the image
};

/// A constant that is known only when the kernel starts: the address of a variable.
struct Relocation {
  uint32_t at;  ///< of a slot of 64 (or 32) bits in the frame
  uint8_t width;
  uint32_t variable;
  int64_t offset;
};

enum class Special : uint8_t {
#define SPECIAL(name, text, width) name,
#include "runtime/sim/specials.def"
};

struct Function {
  std::string name;
  bool is_kernel = false, is_defined = false;
  uint32_t entry = kNone, end = kNone;  ///< in Program::code
  uint32_t frame_bytes = 0;
  uint32_t image_at = 0;         ///< where the constants begin in the frame
  std::vector<std::byte> image;  ///< the constants, lane by lane
  std::vector<Relocation> relocations;
  struct SpecialSlot {
    Special special;
    uint32_t at;
  };
  std::vector<SpecialSlot> specials;
  struct LocalSlot {
    uint32_t at, offset;
    uint8_t width;
  };
  std::vector<LocalSlot> locals;  ///< addresses in local memory, from where the call has its own
  std::vector<std::string> undefined;  ///< registers that may be read before they are written
  uint32_t local_bytes = 0;            ///< variables and parameters of calls, of one lane
  std::vector<Param> params, results;
  uint32_t params_at = 0, results_at = 0;  ///< of device functions: where in local memory
  uint32_t param_bytes = 0;
  uint32_t registers = 0;
  std::vector<uint32_t> shared;  ///< the shared variables that it or what it calls uses
  std::vector<uint32_t> calls;   ///< functions
  Dim3 max_threads{0, 0, 0};
  bool has_exact_threads = false;
};

struct Program {
  std::string name, target;
  uint32_t sm = 0;
  std::vector<Inst> code;
  std::vector<uint32_t> lists;
  std::vector<Site> sites;
  std::vector<std::string> files;
  std::vector<Variable> variables;
  std::vector<Function> functions;
  std::vector<KernelInfo> kernels;
  std::unordered_map<std::string, uint32_t> function_named, variable_named;
  /// Of instructions that are tracked, by number: which of Function::undefined they read and write.
  struct Tracked {
    std::vector<uint32_t> uses, defs;
  };
  std::unordered_map<uint32_t, Tracked> tracked;

  Place place(uint32_t site) const;
};

}  // namespace tenon::runtime::sim
