// A part is copied run by run: where its last axes are open, what they span lies together in both
// tensors. Around that stands one loop for each open axis before them.
#include "backend/copies.h"

#include <algorithm>

#include "backend/elements.h"

namespace tenon::backend {
namespace {

/// A loop over 0..extent while it is written; it runs at least once.
struct Loop {
  std::string index, before, head;
  size_t phi;  ///< the space for it
  int64_t extent;
};

Loop open_loop(FunctionText& out, int64_t extent) {
  Loop loop{out.fresh("i"), out.current_label(), out.fresh("copy"), 0, extent};
  out.line("br label {}", loop.head);
  out.label(loop.head);
  loop.phi = out.leave_space();
  return loop;
}

void close_loop(FunctionText& out, const Loop& loop) {
  const std::string next = out.fresh("next"), more = out.fresh("more"), done = out.fresh("copied");
  out.line("{} = add nuw nsw i64 {}, 1", next, loop.index);
  out.line("{} = icmp ult i64 {}, {}", more, next, loop.extent);
  out.fill(loop.phi, fmt::format("  {} = phi i64 [ 0, {} ], [ {}, {} ]\n", loop.index, loop.before,
                                 next, out.current_label()));
  out.line("br i1 {}, label {}, label {}", more, loop.head, done);
  out.label(done);
}

}  // namespace

void write_copy(FunctionText& out, const std::string& to, const std::string& from, int64_t bytes) {
  out.line("call void @llvm.memcpy.p0.p0.i64(ptr {}, ptr {}, i64 {}, i1 false)", to, from, bytes);
}

void write_part(FunctionText& out, const ir::Type& tensor, const std::string& base,
                const ir::Part& part, std::span<const std::string> subscripts,
                const std::string& value, bool on_gpu) {
  const ir::Type source{tensor.dtype, part.shape(tensor.shape)};
  if (source.is_scalar()) {
    const std::string to = write_address(out, tensor, base, subscripts);
    return write_store(out, tensor.dtype, value, to);
  }
  if (std::ranges::find(source.shape, 0) != source.shape.end()) return;

  size_t run_axes = 0;
  int64_t run = runtime::row(tensor.dtype).bytes;
  for (size_t axis = part.open.size(); axis > 0 && part.open[axis - 1]; --axis, ++run_axes)
    run *= tensor.shape[axis - 1];  // no more than the part, which is in memory

  std::vector<Loop> loops;
  std::vector<std::string> to, from;
  for (size_t axis = 0, next = 0; axis < part.open.size(); ++axis) {
    if (!part.open[axis]) {
      to.push_back(subscripts[next++]);
      continue;
    }
    const bool in_run = from.size() + run_axes >= source.shape.size();
    if (!in_run) loops.push_back(open_loop(out, tensor.shape[axis]));
    from.push_back(in_run ? "0" : loops.back().index);
    to.push_back(from.back());
  }
  const std::string target = write_address(out, tensor, base, to);
  const std::string first = write_address(out, source, value, from);
  if (on_gpu)
    out.line("call void @tn_copy_run(ptr %context, ptr {}, ptr {}, ptr {}, ptr {}, i64 {})", base, target,
             value, first, run);
  else
    write_copy(out, target, first, run);
  while (!loops.empty()) {
    close_loop(out, loops.back());
    loops.pop_back();
  }
}

}  // namespace tenon::backend
