// Operands that are copied before they are read, by one thread (pack) or by all of a block (shared).
#pragma once
#include "opt/loops/nest.h"

namespace tenon::opt::loops {

/// The axes of the array that takes the copy: in the order of the loops that read it, or as they lie in
/// the tensor.
enum class CopyOrder : uint8_t { as_read, as_stored };

/// One copy: at the beginning of an occurrence of the loop stand the array's declaration and the loops that
/// fill it.
struct CopiedOperand {
  LocalId array;
  std::vector<LoopId> loops;   ///< of the copy, outermost first: the same for all occurrences
  bool is_contiguous = false;  ///< the last of them steps through neighbouring elements
};
/// Copies `directive.operand` at every occurrence of its loop that reads it. Throws Refused.
std::vector<CopiedOperand> copy_operand(Kernel& kernel, const Directive& directive, CopyOrder order);

/// `thread` of a loop by so many, whose turns are known to be free: what they write differs.
void thread_free_loop(Kernel& kernel, std::string_view loop, int64_t threads);

/// One array for two of definitions, where that goes (in_place.cpp).
void compute_in_place(Kernel& kernel);

/// Whether the threads of a block take turns in it.
bool has_threads(const Block& block);

/// Puts barriers where threads hand something on in shared memory, and takes away all others.
void add_barriers(Kernel& kernel);

}  // namespace tenon::opt::loops
