// Reading the text of loop nests, which loops.h's print() writes: print(parse(t)) == t for every
// printed t. Files of kernels end in .loops; `;` starts a comment.
//
// Text does not hold all that lowering knows. The spans of checks and calls and the SSA values that
// parameters are stay empty (null ids); loops of one name are one loop (LoopId); a step
// `a = a + e` or `a = a * e` of a float is reassociable, as the steps of reductions are; and what
// stands there twice is evaluated twice.
#pragma once
#include <vector>

#include "ir/loops.h"
#include "lexer/diag.h"

namespace tenon::ir::loops {

struct ParsedKernel {
  Kernel kernel;
  Span span;                ///< of its first line
  std::vector<Span> stmts;  ///< of the statements, in their order; of those with blocks, the line
};

/// Reads kernels. Errors are reported (Diag::ir_syntax); the result is usable only if none were,
/// and then verify() (loops_verify.h) says whether it means something. Functions that kernels call
/// are those of the module; of one that it lacks, it gets a declaration, a function without blocks.
std::vector<ParsedKernel> parse(const lexer::SourceMap& sources, uint32_t file, Module& module,
                                lexer::Diagnostics& diagnostics);

}  // namespace tenon::ir::loops
