// Loop nests: what a compute becomes. A small immutable tree over buffers, in final form: what
// stands here is what the backend writes.
//
//   kernel @main.0(%x: f32[64, 784], %w: f32[784, 128]) -> %out: f32[64, 128] {
//     for i in 0..64 {
//       for j in 0..128 {
//         local a: f32 = 0.0
//         for k in 0..784 {
//           a = a + %x[i, k] * %w[k, j]
//         }
//         %out[i, j] = a
//       }
//     }
//   }
//
// Its expressions are pure scalar nodes that cannot fail: failing is a `check` statement before,
// reductions are loops over a local, an `if` whose branches need statements is one itself.
//
// What a schedule (opt/loops) makes of it stays in this form. A loop says how its turns are taken: a
// `vectorized` one side by side in the lanes of registers, an `unrolled` one written out, a `parallel`
// one on several threads. All of them mean what the serial loop means, so that an interpreter need not
// tell them apart; that they may be taken so, whoever marked them has checked. Locals may have a
// shape, as tiles in registers and packed operands have:
//
//     for jo in 0..4 {
//       local b: f32[64, 32]
//       for k in 0..64 {
//         vectorized for ji in 0..32 {
//           b[k, ji] = %w[k, jo * 32 + ji]
//         }
//       }
//       ...
//
// An expression object is evaluated where it is first met, and stands for that value in the rest of
// its block. So shared objects are computed once; and whoever wants both the old and the new value
// of a local in one block makes two objects.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "ir/ir.h"
#include "runtime/fault.h"

namespace tenon::ir::loops {

using LocalId = uint32_t;   ///< index into Kernel::locals
using LoopId = uint32_t;    ///< loop variable, i64; copies of a loop (as its tail is one) share it
using BufferId = uint32_t;  ///< index into Kernel::buffers; the outputs are the last

// ---- expressions: a graph, shared where the index expression was

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

struct Constant { Scalar value; };
struct Loop { LoopId loop; };
struct Local { LocalId local; std::vector<ExprPtr> subscripts; };  ///< none of a scalar; in range
struct Scalar_ { uint32_t param; };                                ///< a scalar parameter
/// In range where the guard holds; where it does not, zero, and no memory is touched. No guard (null): in
/// range.
struct Read {
  BufferId buffer;
  std::vector<ExprPtr> subscripts;
  ExprPtr guard = nullptr;
  Span span = {};  ///< in the source, where that is known
};
struct Apply { ScalarOp op; std::vector<ExprPtr> args; };          ///< divides no integer by zero
struct Convert { ExprPtr operand; };
struct Select { ExprPtr condition, then, otherwise; };             ///< evaluates both

struct Expr {
  DType type;
  std::variant<Constant, Loop, Local, Scalar_, Read, Apply, Convert, Select> node;
};

// ---- statements

struct Stmt;
using Block = std::vector<Stmt>;

/// How the turns of a loop are taken.
///   unrolled    its bounds are constants
///   mma         on the matrix units of a GPU: three in each other around one step of a small product, or
///               two over the elements of its result; the lanes of a warp take their turns between them
///   vectorized  as unrolled, from 0 to the number of lanes; no loops but serial and unrolled ones inside,
///               no check, call or branch that depends on it. A scalar local from outside may only be
///               changed by steps of one operation, `a = a + e`, which are taken in any order
///   parallel    not inside another one; locals from outside are only read, but for elements of arrays
///               that no other turn touches
///   block       likewise, on a GPU: a turn is a block of threads. From 0 to a constant, up to three in
///               each other, no other loop around
///   thread      a turn is a thread of the block. From 0 to a constant, or to the lesser of one and
///               something; up to three in each other. All turns are done before what follows, as of any
///               loop. A scalar local from outside may be changed by steps, as in a vectorized loop
enum class LoopKind : uint8_t { serial, unrolled, mma, vectorized, parallel, block, thread };
/// What stands before `for`, by kind.
inline constexpr std::string_view kLoopKinds[] = {"",         "unrolled", "mma",   "vectorized",
                                                  "parallel", "block",    "thread"};
/// Whether the turns of a loop are taken at once.
inline bool at_once(LoopKind kind) { return kind >= LoopKind::vectorized; }

struct For {
  LoopId loop;
  ExprPtr lo, hi;  ///< evaluated once
  std::vector<Stmt> body;
  LoopKind kind = LoopKind::serial;
};
/// A declaration without a value (null) leaves the local unset until it is set: by an `if`, or, of one
/// with a shape, element by element. Reassociable: one step of a float `sum` or `prod`, which the
/// default mode may take in any order.
struct SetLocal {
  LocalId local;
  ExprPtr value;
  bool declares = false;
  bool reassociable = false;
  std::vector<ExprPtr> subscripts = {};
  bool async = false;  ///< a copy into shared memory that is there only behind the `await` of its group
};
struct If { ExprPtr condition; std::vector<Stmt> then, otherwise; };
struct Store {
  BufferId buffer;
  std::vector<ExprPtr> subscripts;
  ExprPtr value;
  bool stream = false;  ///< past the caches: nobody reads it soon
};
/// Asks for the cache line of an element before it is needed; a place outside the tensor is no harm.
struct Prefetch { BufferId buffer; std::vector<ExprPtr> subscripts; };
/// Where `holds` is false the kernel records the fault at `span` and stops. `a`, `b` may be null.
struct Check {
  ExprPtr holds;
  runtime::FaultKind fault;
  ExprPtr a, b;
  std::string text;
  Span span;
};
/// Declares a local by the call of a scalar function, which may fail.
struct CallInto {
  LocalId local;
  FuncId callee;
  std::vector<ExprPtr> args;
  Span span;
  bool in_lanes = false;  ///< goes_in_lanes(): it may stand in a vectorized loop
};

/// Where the threads of a block wait for each other: what they wrote to its shared memory before, all of
/// them see behind. Not inside a thread loop.
struct Barrier {};

/// Closes the group of `async` copies that a thread has begun since the last one, and waits for all of its groups
/// but the last so many. What other threads have copied is there behind a barrier. Not inside a thread loop.
struct Await { int64_t pending; };

struct Stmt {
  std::variant<For, SetLocal, If, Store, Prefetch, Check, CallInto, Barrier, Await> node;
  Span span = {};  ///< in the source; unknown: the kernel's
};

struct Buffer { std::string name; Type type; };
struct ScalarParam { std::string name; DType type; };

struct Kernel {
  std::string name;                     ///< `main.0`: function, number of the compute in it
  std::vector<Buffer> buffers;          ///< inputs, then an output for each body
  std::vector<ScalarParam> scalars;
  std::vector<Type> locals;
  std::set<LocalId> shared;             ///< arrays that the threads of a block have in common
  /// Of these, those whose rows have their pieces of 16 bytes in an order of their own (opt/loops/banks.h):
  /// where elements lie, not which there are.
  std::set<LocalId> swizzled;
  std::map<LocalId, std::string> definitions;  ///< arrays with elements of a definition, and what that is called
  std::vector<std::string> loops;       ///< their names, by LoopId; those of different reductions may agree
  Block body;
  bool may_fail = false;                ///< has a check, or calls a function that may_fail()
  Span span = {};                       ///< of the definition that it computes
  /// Which values of the SSA function the inputs and scalar parameters are, in order.
  std::vector<ValueId> buffer_values, scalar_values;

  bool is_output(size_t buffer) const { return buffer >= buffer_values.size(); }
};

/// The kernel of one compute instruction. Calls of `shared_callees` (ir/straight.h) stay calls.
Kernel lower(const Module& module, const Function& function, const Inst& compute, std::string name,
             const std::set<FuncId>& shared_callees = {});
/// Those of every compute, function by function.
std::vector<Kernel> lower(const Module& module);

/// What ir/loops_parse.h reads.
std::string print(const Module& module, const Kernel& kernel);
/// One line: `for i in 0..64`, `a = a + %x[i, k]`; without the blocks inside.
std::string print(const Module& module, const Kernel& kernel, const Stmt& stmt);
/// The printed name of a local: a … h, then a1 … h1, and so on.
std::string local_name(LocalId local);

}  // namespace tenon::ir::loops
