// The other roof: how many operations on f32 a machine does at best, measured by a kernel of nothing but
// fused multiply-adds, which LLVM compiles as it does all others.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "backend/backend.h"
#include "opt/loops/machine.h"
#include "runtime/profile.h"

namespace tenon::backend::cpu {
namespace {

constexpr int kChains = 12;  ///< independent ones: more than a multiply-add takes cycles times two units
constexpr int64_t kTurns = 1 << 20;

/// `turns` multiply-adds on each of the chains, on each of the threads.
std::string text_of(int64_t lanes, int threads) {
  const std::string type = fmt::format("<{} x float>", lanes);
  std::string phis, steps, all;
  for (int c = 0; c < kChains; ++c) {
    phis += fmt::format("  %a{0} = phi {1} [ splat (float {2}.0), %entry ], [ %n{0}, %loop ]\n", c, type, c + 1);
    steps += fmt::format(
        "  %n{0} = call {1} @llvm.fma.v{2}f32({1} %a{0}, {1} splat (float 0.5), {1} splat (float 1.0))\n",
        c, type, lanes);
    all += fmt::format("  store volatile {} %n{}, ptr %sink, align 64\n", type, c);
  }
  return fmt::format(
      "declare {0} @llvm.fma.v{1}f32({0}, {0}, {0})\n"
      "declare i32 @tn_parallel(ptr, ptr, ptr, i64, i64)\n"
      "define internal i32 @turns(ptr %context, ptr %environment, i64 %first, i64 %end) {{\n"
      "entry:\n  %sink = alloca {0}, align 64\n  br label %loop\n"
      "loop:\n{2}  %i = phi i64 [ 0, %entry ], [ %next, %loop ]\n{3}"
      "  %next = add i64 %i, 1\n  %more = icmp slt i64 %next, {4}\n"
      "  br i1 %more, label %loop, label %done\n"
      "done:\n{5}  ret i32 0\n}}\n"
      "define i32 @tenon_main(ptr %context) {{\n"
      "  %status = call i32 @tn_parallel(ptr %context, ptr @turns, ptr null, i64 0, i64 {6})\n"
      "  ret i32 %status\n}}\n",
      type, lanes, phis, steps, kTurns, all, threads);
}

}  // namespace

double peak_flops(int threads) {
  const int64_t lanes = opt::loops::host().lanes(sizeof(float));
  const Executable executable({text_of(lanes, threads), {}}, {.llvm_opt = false}, nullptr);
  int64_t best = std::numeric_limits<int64_t>::max();
  for (int i = 0; i < 3; ++i) {
    runtime::Context context;
    context.threads = threads;
    const int64_t begin = runtime::now();
    executable.run(context);
    best = std::min(best, std::max<int64_t>(runtime::now() - begin, 1));
  }
  return 2.0 * kChains * static_cast<double>(kTurns * lanes * threads) * 1e9 / static_cast<double>(best);
}

}  // namespace tenon::backend::cpu
