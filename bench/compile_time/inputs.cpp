#include "bench/compile_time/inputs.h"

#include <fmt/format.h>

#include <algorithm>

namespace tenon::bench {
namespace {

// ---- source

/// One module of a program; each # stands for its number. `weight#` is what the next one uses.
constexpr std::string_view kModule = R"(
// A layer, how it is trained, and what its outputs are good for.
struct Layer#[I, O] { w: f32[I, O], b: f32[O] }

fn apply#[B, I, O](layer: Layer#[I, O], x: f32[B, I]) -> f32[B, O] {
  let y[n, o] = layer.b[o] + sum[i] x[n, i] * layer.w[i, o];
  let top[n] = max[o] y[n, o];
  let bent[n, o] = if y[n, o] > 0.5 * top[n] { y[n, o] } else { 0.1 * y[n, o] };
  return bent;
}

fn smooth#[N](x: f32[N], rate: f32) -> f32[N] {
  let near[i: N] = x[i - 1 else 0.0] + x[i + 1 else 0.0];
  return x + rate * (0.5 * near - x);
}

fn count#(limit: i64) -> i64 {
  var found = 0;
  for a in 1..limit {
    var b = a;
    while b > 1 {
      if b % 2 == 0 { b /= 2; } else { b = 3 * b + 1; }
      if b == # { break; }
    }
    found += i32(b);
  }
  return found;
}

fn module#(x: f32[4, 3]) -> f32 {
  var layer: Layer#[3, 5] = Layer#(w = full(0.25), b = [1.0, 0.0, -1.0, 0.5, 2.0]);
  layer.b[2] += f32(count#(7));
  let y = apply#(layer, x);
  let best[n] = argmax[o] y[n, o];
  let picked = sum[n] smooth#(y[n, :], 0.25)[best[n]];
  return softmax(layer.b)[1] + picked;
}
)";

/// Of so many modules `main` uses one: the others are checked, too, and have no instances. (A program may
/// have 10,000 of these.)
constexpr size_t kUsed = 4;

std::string numbered(std::string_view pattern, size_t number) {
  std::string text;
  for (const char c : pattern) c == '#' ? text += std::to_string(number) : text += c;
  return text;
}

// ---- IR

/// Numbers without a pattern that a pass could use, the same each time.
class Numbers {
 public:
  size_t below(size_t limit) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return (state_ >> 33) % limit;
  }

 private:
  uint64_t state_ = 1;
};

/// The name of one of the 64 values before number `i`.
std::string earlier(Numbers& numbers, size_t i) {
  return fmt::format("%v{}", i - 1 - numbers.below(std::min<size_t>(i, 64)));
}

constexpr std::string_view kOps[] = {"add", "sub", "mul", "bit_xor", "min", "max"};

std::string straight(size_t instructions) {
  Numbers numbers;
  std::string text = "func @f(%v0: i64, %v1: i64) -> i64 {\nentry:\n";
  for (size_t i = 2; i < instructions + 1; ++i) {
    text += fmt::format("  %v{} = {} {}, {}\n", i, kOps[numbers.below(std::size(kOps))],
                        earlier(numbers, i), earlier(numbers, i));
  }
  return text + fmt::format("  ret %v{}\n}}\n", instructions);
}

/// Diamonds one behind the other; each joins a value that the next one uses.
std::string diamonds(size_t instructions) {
  Numbers numbers;
  std::string text = "func @f(%v0: i64, %w: i64) -> i64 {\nentry:\n";
  const size_t count = std::max<size_t>(instructions / 8, 1);
  for (size_t i = 1; i <= count; ++i) {
    text += fmt::format(
        "  %c{0} = const {3}\n  %t{0} = lt {2}, %c{0}\n  branch %t{0}, yes{0}, no{0}\n"
        "yes{0}:\n  %y{0} = add %v{1}, %w\n  jump join{0}(%y{0})\n"
        "no{0}:\n  %n{0} = sub %v{1}, {2}\n  jump join{0}(%n{0})\n"
        "join{0}(%v{0}: i64):\n",
        i, i - 1, earlier(numbers, i), numbers.below(1000));
  }
  return text + fmt::format("  ret %v{}\n}}\n", count);
}

/// Loops one behind the other, each with a sum and a counter.
std::string loops(size_t instructions) {
  Numbers numbers;
  std::string text = "func @f(%v0: i64, %w: i64) -> i64 {\nentry:\n";
  const size_t count = std::max<size_t>(instructions / 10, 1);
  for (size_t i = 1; i <= count; ++i) {
    text += fmt::format(
        "  %z{0} = const 0\n  jump loop{0}(%z{0}, %v{1})\n"
        "loop{0}(%i{0}: i64, %s{0}: i64):\n  %t{0} = lt %i{0}, %w\n  branch %t{0}, body{0}, done{0}\n"
        "body{0}:\n  %m{0} = mul %i{0}, {2}\n  %a{0} = add %s{0}, %m{0}\n  %o{0} = const 1\n"
        "  %n{0} = add %i{0}, %o{0}\n  jump loop{0}(%n{0}, %a{0})\n"
        "done{0}:\n  %c{0} = const {3}\n  %v{0} = bit_xor %s{0}, %c{0}\n",
        i, i - 1, earlier(numbers, i), numbers.below(1000));
  }
  return text + fmt::format("  ret %v{}\n}}\n", count);
}

/// Tensor operations, each on two earlier tensors; every fourth sums, which ends fusion.
std::string tensors(size_t instructions) {
  Numbers numbers;
  std::string text = "func @f(%v0: f32[8, 8], %v1: f32[8, 8]) -> f32[8, 8] {\nentry:\n";
  for (size_t i = 2; i < instructions + 1; ++i) {
    const std::string a = earlier(numbers, i), b = earlier(numbers, i);
    const std::string body = i % 4 ? fmt::format("{}[i, j] * 0.5 + {}[j, i]", a, b)
                                   : fmt::format("sum[k: 8]({}[i, k] * {}[k, j])", a, b);
    text += fmt::format("  %v{} = compute [i: 8, j: 8] {{ {} }}\n", i, body);
  }
  return text + fmt::format("  ret %v{}\n}}\n", instructions);
}

constexpr IrShape kShapes[] = {
    {"straight", "one block of integer arithmetic", straight, 1'000'000},
    {"diamonds", "branches that join, one behind the other", diamonds, 1'000'000},
    {"loops", "counted loops, one behind the other", loops, 1'000'000},
    {"tensors", "computes on 8 by 8 tensors", tensors, 100'000},
};

}  // namespace

std::string source_text(size_t lines) {
  const size_t in_module = std::count(kModule.begin(), kModule.end(), '\n');
  const size_t modules = std::max<size_t>((lines + in_module - 1) / in_module, 1);
  std::string text, calls;
  for (size_t i = 0; i < modules; ++i) {
    text += numbered(kModule, i);
    if (i % kUsed == 0) calls += fmt::format("  total += module{}(x);\n", i);
  }
  return text + "\nfn main() {\n  let x[i: 4, j: 3] = f32(i + j);\n  var total = 0.0;\n" + calls +
         "  print(total);\n}\n";
}

std::span<const IrShape> ir_shapes() { return kShapes; }

}  // namespace tenon::bench
