// The memory plan: where every tensor lies while a function runs.
//
//   stack    small tensors: the function's own frame on the stack
//   frame    the others of known lifetime: a place in one block, the frame, that the caller passes in.
//            It has the frames of the callees in it, so that main's is all that is ever asked for
//   result   what is returned: where the caller wants it
//   runtime  what is left: a block from tn_alloc() for each, its owners counted
//
// What hands one piece of memory on (webs.h) lies in one place. A web gets a place if everything in it has
// one owner all along (unique_owners.h), instructions of this function make it, and whenever it is made
// anew nothing of it is still needed: a loop that computes its state from the state before needs two
// pieces in turn, and gets them from the runtime. A result takes the place of an operand that dies with it
// where the kernel allows that (in_place.h). Then the webs are packed (pack.h). All of this happens after
// fusion: what is fused away needs no memory.
//
// What several calls may have at once has no frame: functions that can reach themselves, those that
// kernels call from many threads, and what they call.
#pragma once
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/loops.h"
#include "opt/analysis/unique_owners.h"
#include "opt/memory/pack.h"

namespace tenon::opt::memory {

enum class Home : uint8_t { runtime, stack, frame, result };

struct Place {
  Home home = Home::runtime;
  /// Offset in the frame; number of the result; or of the web on the stack.
  int64_t at = 0;
  bool operator==(const Place&) const = default;
};

/// Why a tensor is left to the runtime.
enum class Why : uint8_t {
#define WHY(name, text) name,
#include "opt/memory/why.def"
};
std::string_view text(Why why);

/// What lies in a frame: a web, or a callee's frame while it is called.
struct Held {
  ir::ValueId value;  ///< the first of the web; none of a callee
  ir::FuncId callee;
  Piece piece;
  int64_t offset = 0;
};

struct Left {
  ir::ValueId value;  ///< the first of the web
  int64_t bytes;
  Why why;
};

struct FunctionPlan {
  std::vector<Place> places;           ///< by value; those of scalars mean nothing
  std::vector<bool> result_is_placed;  ///< by result: the function takes a pointer more for it
  std::vector<Held> held;
  std::vector<Left> left;
  std::unordered_map<const ir::Inst*, int64_t> callee_frames;  ///< by call: where in the frame
  int64_t frame_bytes = 0;  ///< 0: it takes no frame
  int64_t live_bytes = 0;   ///< the largest sum of sizes at one moment, callees included
  int64_t steps = 0;        ///< lifetimes.h
  lexer::Span site;         ///< what asks for most: the place to name where the frame cannot be had
};

class MemoryPlan {
 public:
  /// Of a module that has been through `own`, and the kernels of all its computes in order.
  MemoryPlan(const ir::Module& module, const UniqueOwners& owners,
             std::span<const ir::loops::Kernel> kernels);
  /// All is left to the runtime.
  explicit MemoryPlan(const ir::Module& module);

  const FunctionPlan& of(ir::FuncId function) const { return functions_[function.index]; }
  /// The inputs of a kernel that one of its outputs overwrites, each before that output.
  struct InPlace {
    ir::loops::BufferId input, output;
  };
  std::span<const InPlace> in_place(size_t kernel) const {
    return kernel < in_place_.size() ? std::span<const InPlace>(in_place_[kernel]) : std::span<const InPlace>();
  }

 private:
  std::vector<FunctionPlan> functions_;
  std::vector<std::vector<InPlace>> in_place_;
};

}  // namespace tenon::opt::memory
