// The text form of SSA functions and index expressions: what `emit ir` prints and `opt` reads.
//
//   func @layer(%x: f32[64, 784], %w: f32[784, 128], %b: f32[128]) -> f32[64, 128] {
//   entry:
//     %h = compute [i: 64, j: 128] { sum[k: 784](%x[i, k] * %w[k, j]) + %b[j] }
//     %r = compute [i: 64, j: 128] { max(%h[i, j], 0.0) }
//     ret %r
//   }
//
// i64, f32 and bool constants are bare (`3`, `1.0`, `true`); others carry their type (`3i32`,
// `1.0f64`). `;` starts a comment. A compute that has a schedule says so behind its bodies, and
// calls its indices as the source does:
//
//   %y = compute [r: 64] { sum[c: 9](%x[r, c]) } schedule main.y("split r by 8 as ro, ri", "unroll ri")
//
// Computes that another one works out itself stand in front of its bodies, behind them `in`:
//
//   %y = compute %h = [r: 64] { %x[r] * 2.0 } schedule main.h() in [r: 62] { %h[r] + %h[r + 2] } schedule main.y("at r compute h")
#pragma once
#include <string>

#include "ir/ir.h"
#include "lexer/diag.h"

namespace tenon::ir {

std::string print(const Module& module);
std::string print(const Module& module, const Function& function);
/// `max(%h[i, j], 0.0)`, under the names of the levels.
std::string print(const Module& module, const Function& function, ExprId expr);
/// One line: `%c = add %a, %b`.
std::string print(const Module& module, const Function& function, const Inst& inst);
/// The printed name of a bound index: i, j, k, … by level.
std::string index_name(uint32_t level);
/// What an index of the source, or a loop made of it, is called in a text: with `_` behind it where the
/// name means something else there, as those of operations and of a nest's locals do.
std::string text_name(std::string_view index);

/// Reads a module. Errors are reported (Diag::ir_syntax); the module is usable only if none were.
/// Spans of instructions are places in the IR text, so that run-time errors have a place.
Module parse(const lexer::SourceMap& sources, uint32_t file, lexer::Diagnostics& diagnostics);

}  // namespace tenon::ir
