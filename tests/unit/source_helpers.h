// Programs from their source text, and what they print, for tests.
#pragma once
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "ast/check.h"
#include "ast/interpret.h"
#include "ir/interpret.h"
#include "ir/lower.h"
#include "parser/parser.h"
#include "tests/unit/ir_helpers.h"

namespace tenon::tests {

/// A checked program without a prelude; fails the test if the text is none.
struct Source {
  lexer::SourceMap sources;
  ast::typed::Program program;

  explicit Source(const std::string& text) {
    lexer::Diagnostics diagnostics;
    const ast::Program tree = parser::parse(sources, sources.add("test.tn", text), diagnostics);
    program = ast::check({}, tree, {}, diagnostics);
    for (const lexer::Diagnostic& d : diagnostics.all()) {
      FAIL(lexer::render(d, sources, lexer::DiagFormat::short_));
    }
  }
};

/// What `run` prints; if it fails, with a last line `message at line:column "text"`.
inline std::string output_of(const lexer::SourceMap& sources,
                             const std::function<void(runtime::Context&)>& run) {
  std::string failure;
  char* printed = nullptr;
  size_t size = 0;
  std::FILE* out = open_memstream(&printed, &size);
  {
    runtime::Context context;
    context.out = out;
    try {
      runtime::run_on_large_stack([&] { run(context); });
    } catch (const ast::RunError& error) {
      REQUIRE(error.span.known());
      const lexer::Position at = sources.file(error.span.file).position(error.span.begin);
      failure = fmt::format("{} at {}:{} `{}`\n", error.fault.message(), at.line, at.column,
                            sources.text(error.span));
    }
  }
  std::fclose(out);
  std::string result(printed, size);
  std::free(printed);
  return result + failure;
}

inline std::string interpreted(const Source& source) {
  return output_of(source.sources,
                   [&](runtime::Context& context) { ast::interpret(source.program, context); });
}
inline std::string executed(const Source& source, const ir::Module& module) {
  return output_of(source.sources,
                   [&](runtime::Context& context) { ir::interpret(module, context); });
}

/// A program of just a main.
inline std::string in_main(std::string_view lines) {
  return "fn main() {\n" + std::string(lines) + "\n}\n";
}

/// Programs in which it matters what is evaluated, when, and how often.
inline const std::string kTrickyPrograms[] = {
    // the left operand fails before the right one, an operand before its operation
    in_main("let a = [1, 2]; let q = [7, 0]; let r[i: 2] = a[q[i]] / q[1]; print(r);"),
    in_main("let a = [1, 2]; let q = [0, 7]; let r[i: 2] = a[q[0]] / q[i] + a[q[i]]; print(r);"),
    // arguments are evaluated in order, needed or not
    R"(fn swapped(x: i32, y: i32) -> i32 { return y - x; }
fn lazy(x: i32, y: i32) -> i32 { return if x > 5 { y } else { 0 }; }
fn lets(x: i32) -> i32 { let a = 10 / x; let b = a * 2; return b + a; }
fn main() {
  let a = [1, 2, 5]; let q = [1, 7, 0];
  let ok[i: 3] = lets(a[i]) + lazy(q[i], a[i]) + swapped(a[i], q[i]);
  print(ok);
  let r[i: 3] = swapped(6 / q[2 - i], a[q[1]]);
  print(r);
})",
    R"(fn lazy(x: i32, y: i32) -> i32 { return if x > 5 { y } else { 0 }; }
fn main() { let q = [1, 0]; let r[i: 2] = lazy(q[i], 3 / q[i]); print(r); })",
    // what does not depend on the index fails first only where it is evaluated first
    R"(fn broken(x: f32[3]) -> f32[3] { let n = i64(x[0]); let y[i: 3] = x[n / (n - n)]; return y; }
fn main() {
  let x = [1.0, 2.0, 3.0]; let n = [0, 1, 2];
  let never[i: 3] = if n[i] > 5 { broken(x)[i] } else { 1.0 };
  print(never);
  let r[i: 3] = f32(6 / n[i]) + broken(x)[i];
  print(r);
})",
    R"(fn broken(x: f32[3]) -> f32[3] { let n = i64(x[0]); let y[i: 3] = x[n / (n - n)]; return y; }
fn main() {
  let x = [1.0, 2.0, 3.0]; let n = [0, 1, 2];
  let r[i: 3] = broken(x)[i] + f32(6 / n[i]);
  print(r);
})",
    // tensors that depend on the index: lifted, called, chosen, literal
    R"(fn scaled(x: f32[3], s: f32) -> f32[3] { let y[i] = x[i] * s; return y; }
fn norm(x: f32[3]) -> f32 { let s = sum[i] x[i] * x[i]; return s; }
fn main() {
  let x = [1.0, 2.0, 3.0];
  let a[i: 3] = (x * f32(i))[2] + (x + x)[i];
  let b[i: 3] = sum[k: 3] (x * x[i])[k];
  let c[i: 3] = norm(x * f32(i)) + norm(x);
  let d[i: 3] = argmax[k: 3] (x * (1.0 - f32(i)))[k];
  let e[i: 4] = (if i > 1 { x } else { x * f32(i) })[i else -1.0];
  let f[i: 3] = scaled(scaled(x, f32(i)), 2.0)[i];
  let g[i: 2] = [x[i], x[i + 1], 9.0][i + 1];
  let h[i: 2..5] = (x * f32(i))[i - 2];
  let s[i: 3] = prod[k: 3] scaled(x, f32(i + 1))[k];
  let t[i: 3] = any[k: 3] (scaled(x, f32(i))[k] > 5.0);
  let u[i: 3] = min[k: 3] scaled(x, f32(i) - 1.0)[k];
  let v[i: 3] = argmin[k: 3] scaled(x, f32(i) - 1.0)[k];
  print(a, b, c, d, e, f, g, h, s, t, u, v);
  let w[i: 3] = argmax[k: 0..1 - i] scaled(x, f32(i))[k];
  print(w);
})",
    // reductions inside what is put into reductions
    in_main(R"(let x = [1.0, 2.0, 3.0]; let m = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
let a[i: 3] = max[j: 0..i + 1] sum[k: 0..j + 1] x[k] * x[j];
let b[i: 2] = sum[j: 3] (m[i, j] + sum[k: 3] m[i, k]) * (x * (sum[k: 3] m[i, k] * x[k]))[j];
print(a, b);)"),
    // guarded elements: the first subscript out of range ends it
    in_main(R"(let a = [[1, 2], [3, 4]]; let q = [0, 5, 1]; var k = 3; k += 0;
let b[i: 3, j: 3] = a[q[i], q[j] else 0 - 1];
print(b, a[k, 10 / (k - 3) else 8], a[1, k - 2 else 8]);
let c[i: 3] = a[q[2 - i], 1 / q[2 - i] else 7];
print(c);)"),
    // empty ranges and extents
    in_main(R"(let x = [1.0, 2.0]; var e: f32[0] = zeros(); var n: i64 = 0; n += 0;
let a[i: 2] = sum[k: 0..n] x[k];
let b[i: 0, j: 3] = x[j] / 0.0;
print(e, b, a, prod[i: 0..n] x[i], any[i: 0..n] (x[i] > 9.0), all[i: 0..n] (x[i] > 9.0));
let c[i: 2] = max[k: 0..n + 1 - i] x[k];
print(c);)"),
    // control flow, and tensors that change in it
    R"(fn find(a: i64, b: i64) -> i64 {
  var i = a;
  while true {
    if i * i > b { return i; }
    i += 1;
    if i % 2 == 0 { continue; }
    if i > 50 { break; }
  }
  return 0 - 1;
}
fn bump(x: i32[4], k: i64) -> i32[4] { var y = x; y[k] = y[k] + 1; return y; }
fn same(x: i32[4]) -> i32[4] { return x; }
fn main() {
  print(find(1, 10), find(3, 10000));
  let c[i: 1..12] = find(i, 40);
  print(c);
  var t = [1, 2, 3, 4];
  let old = t;
  for i in 0..4 { t = bump(t, i); var s = t; s[0] = 100; if i == 2 { t = s; } }
  print(t, old, same(old));
  var u = t; var v = t;
  for i in 0..10 {
    if i == 7 { break; }
    if i % 2 == 0 { u[i % 4] += 1; continue; }
    let w = u; u = v; v = w;
  }
  print(u, v, t);
  var n = 0;
  for i in 0..3 { for j in 0..3 { if j > i { break; } n += 1; } }
  let r = if n > 3 { bump(t, 0) } else { t };
  print("n", "is", n, r[0], r[n else 7]);
  for i in 0..9 { t[i] = n; }
})",
    // recursion, and its limit
    R"(fn f(n: i64) -> i64 { if n == 0 { return 0; } return 1 + f(n - 1); }
fn main() { print(f(999)); let a[i: 3] = f(i + 998); print(a); })",
};

}  // namespace tenon::tests
