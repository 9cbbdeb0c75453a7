// Kernels on a GPU. A loop over blocks or threads is written once, for the turn that the block or thread
// takes. What stands outside of thread loops every thread does for itself, with the same values; what it
// writes for all, one of them writes. How they put a reduction together is in reduce.cpp.
#include <algorithm>

#include "backend/kernel_writer.h"
#include "backend/scalar_to_llvm.h"
#include "opt/loops/nest.h"

namespace tenon::backend {

using namespace ir::loops;
using runtime::ScalarOp;

std::string KernelWriter::entry_signature(const std::string& params) const {
  return fmt::format("ptx_kernel void {}({})", symbol(gpu::entry_name(kernel_.name)), params);
}

bool KernelWriter::is_bound(const For& loop) const {
  return on_gpu() && (loop.kind == LoopKind::block || loop.kind == LoopKind::thread);
}

// ---- whose turn it is

/// As an i64; its upper half is zero.
std::string KernelWriter::special_register(std::string_view name) {
  const std::string narrow = once(
      depth(), name, fmt::format("call i32 @llvm.nvvm.read.ptx.sreg.{}.x()", name));
  return once(depth(), name, fmt::format("zext i32 {} to i64", narrow));
}

/// What the loop's variable is in this block or thread.
std::string KernelWriter::coordinate(const For& loop) {
  // [snippet coordinate]
  const std::string id = special_register(loop.kind == LoopKind::block ? "ctaid" : "tid");
  const int64_t turns = *most_turns_of(loop), inside = gpu::turns_with_inner(loop) / turns;
  const std::string_view hint = kernel_.loops[loop.loop];
  const std::string place =
      inside == 1 ? id : once(depth(), hint, fmt::format("udiv i64 {}, {}", id, inside));
  const bool outermost = !(loop.kind == LoopKind::block ? in_block_ : in_thread_);
  return outermost ? place : once(depth(), hint, fmt::format("urem i64 {}, {}", place, turns));
  // [end]
}

std::string KernelWriter::takes_turn(const For& loop, const std::string& place) {
  const bool blocks = loop.kind == LoopKind::block;
  const bool outermost = !(blocks ? in_block_ : in_thread_);
  const int64_t launched = blocks ? launch_.blocks : launch_.threads;
  const bool constant = turns_of(loop).has_value();
  if (constant && (!outermost || gpu::turns_with_inner(loop) == launched)) return {};
  const std::string end = value(loop.hi).text, takes = out_.fresh("takes");
  out_.line("{} = icmp slt i64 {}, {}", takes, place, end);
  return takes;
}

/// The threads of a turn, where loops over threads inside it have several, all have its part: the first one counts.
std::string KernelWriter::counted_once(ScalarOp op, DType type, const std::string& part, const For& loop) {
  const int64_t inside = gpu::turns_with_inner(loop) / *most_turns_of(loop);
  if (inside == 1) return part;
  const std::string number = once(depth(), "number", fmt::format("urem i64 {}, {}", special_register("tid"), inside));
  const std::string is_first = once(depth(), "first", fmt::format("icmp eq i64 {}, 0", number));
  const std::string_view held = register_type(type);
  return named("part", fmt::format("select i1 {}, {} {}, {} {}", is_first, held, part, held,
                                   literal(runtime::identity_of(op, type))));
}

/// Locals from outside are changed by steps alone, from what changes nothing: so each thread has its
/// part, a thread without a turn too, and the parts are put together behind the loop.
void KernelWriter::bound(const For& loop) {
  const std::string place = coordinate(loop);
  const std::string takes = takes_turn(loop, place);
  const Places before = places_of(opt::loops::changed_by(loop.body));
  std::map<LocalId, ScalarOp> steps;
  for (const auto& [local, at] : before) {
    if (!kernel_.locals[local].is_scalar()) continue;
    const auto op = opt::loops::steps_of(kernel_, loop.body, local, {});
    if (!op) continue;
    steps.emplace(local, *op);
    places_[local].registers[0] = constant(runtime::identity_of(*op, kernel_.locals[local].dtype));
  }

  bool& open = loop.kind == LoopKind::block ? in_block_ : in_thread_;
  const bool was_open = std::exchange(open, true);
  int64_t& at_once = loop.kind == LoopKind::block ? blocks_at_once_ : threads_at_once_;
  const int64_t were_at_once =
      std::exchange(at_once, gpu::turns_with_inner(loop) / *most_turns_of(loop));
  const std::string from = out_.current_label(), join = out_.fresh("join");
  const Places identity = places_of(opt::loops::changed_by(loop.body));
  if (!takes.empty()) {
    const std::string turn = out_.fresh("turn");
    out_.line("br i1 {}, label {}, label {}", takes, turn, join);
    out_.label(turn);
    regions_.push_back({depth()});
  }
  loops_[loop.loop] = {place, false, {}, depth()};
  block(loop.body);
  if (!takes.empty()) {
    regions_.pop_back();
    const std::string end = out_.current_label();
    out_.line("br label {}", join);
    out_.label(join);
    merge(identity, from, end);
  }
  open = was_open;
  at_once = were_at_once;

  for (const auto& [local, op] : steps) {
    const DType type = kernel_.locals[local].dtype;
    const std::string part = counted_once(op, type, places_[local].registers[0].text, loop);
    const std::string parts[] = {before.at(local).registers[0].text,
                                 across_threads(op, type, part, gpu::turns_with_inner(loop))};
    const std::string result = out_.fresh(runtime::row(op).text);
    write_scalar(out_, result, op, type, parts);
    places_[local].registers[0] = made(result, false);
  }
}

// ---- what one does for all

/// The first of those that do the same: of all, or of the threads of each block.
KernelWriter::Alone KernelWriter::open_alone(bool in_each_block) {
  if (!on_gpu()) return {};
  std::string first;
  const auto ask = [&](int64_t at_once, int64_t launched, std::string_view which) {
    if (at_once == 1) return;
    std::string number = special_register(which);
    if (at_once != launched)
      number = once(depth(), "number", fmt::format("urem i64 {}, {}", number, at_once));
    const std::string is_first = out_.fresh("first");
    out_.line("{} = icmp eq i64 {}, 0", is_first, number);
    if (!first.empty()) {
      const std::string all = out_.fresh("first");
      out_.line("{} = and i1 {}, {}", all, first, is_first);
      first = all;
    } else {
      first = is_first;
    }
  };
  if (!in_each_block) ask(blocks_at_once_, launch_.blocks, "ctaid");
  ask(threads_at_once_, launch_.threads, "tid");
  if (first.empty()) return {};
  const Alone alone{out_.fresh("join")};
  const std::string then = out_.fresh("alone");
  out_.line("br i1 {}, label {}, label {}", first, then, alone.join);
  out_.label(then);
  regions_.push_back({depth()});
  scopes_.emplace_back();
  return alone;
}

void KernelWriter::close_alone(const Alone& alone) {
  if (alone.join.empty()) return;
  scopes_.pop_back();
  regions_.pop_back();
  out_.line("br label {}", alone.join);
  out_.label(alone.join);
}

// ---- what they do together

void KernelWriter::stmt(const Barrier&) {
  fragments_.clear();
  if (on_gpu() && launch_.threads > 1) out_.line("call void @llvm.nvvm.barrier0()");
}

// [snippet async]
void KernelWriter::stmt(const Await& await) {
  fragments_.clear();
  if (!on_gpu() || !copies_alone()) return;
  out_.line("call void @llvm.nvvm.cp.async.commit.group()");
  out_.line("call void @llvm.nvvm.cp.async.wait.group(i32 {})", await.pending);
}

/// A copy that goes past the registers, 4, 8 or 16 bytes at once; of 16 bytes past the nearest cache, too, for
/// they are read from shared memory. Whether the GPU has such copies, and elements lie as they need it.
bool KernelWriter::copy_async(const SetLocal& set) {
  const auto& read = std::get<Read>(set.value->node);
  if (!copies_alone() || read.guard != nullptr) return false;
  const Memory to = memory_of_array(set.local), from = buffer(read.buffer);
  const Sum there = offset_in(to, sums(set.subscripts)), here = offset_in(from, sums(read.subscripts));
  const bool side_by_side = !vector_ || (there.lane == 1 && here.lane == 1);
  if (!side_by_side || there.has_varying() || here.has_varying()) return false;
  const uint32_t element = static_cast<uint32_t>(runtime::row(set.value->type).bytes), all = lanes().used * element;
  uint32_t bytes = std::min({16u, alignment(to, there), alignment(from, here)});
  while (all % bytes != 0) bytes /= 2;
  if (bytes < 4) return false;
  const auto in_space = [&](const Memory& memory, const Sum& offset, uint32_t lane, int space) {
    const std::string at = address(memory, at_lane(offset, lane));
    return once(depth(), "copied", fmt::format("addrspacecast ptr {} to ptr addrspace({})", at, space));
  };
  for (uint32_t lane = 0; lane < lanes().used; lane += bytes / element)
    out_.line("call void @llvm.nvvm.cp.async.{}.shared.global.{}(ptr addrspace(3) {}, ptr addrspace(1) {})",
              bytes == 16 ? "cg" : "ca", bytes, in_space(to, there, lane, 3), in_space(from, here, lane, 1));
  return true;
}
// [end]

/// An address in the shared memory of a block: of a variable, or a place in what the launch brings.
std::string KernelWriter::shared_memory_at(std::string_view what, int64_t at, int64_t bytes) {
  const std::string entry = gpu::entry_name(kernel_.name);
  const bool dynamic = shared_.is_dynamic();
  const std::string memory = symbol(dynamic ? entry + "$shared" : fmt::format("{}.{}", entry, what));
  const std::string declaration =
      dynamic ? fmt::format("{} = external addrspace(3) global [0 x i8], align {}\n", memory, kAligned)
              : fmt::format("{} = internal addrspace(3) global [{} x i8] poison, align {}\n", memory, bytes, kAligned);
  if (functions_.find(declaration) == std::string::npos) functions_ += declaration;
  return dynamic ? fmt::format("getelementptr (i8, ptr addrspace(3) {}, i64 {})", memory, at) : memory;
}

const std::string& KernelWriter::shared_memory_of(LocalId local) {
  std::string& memory = memory_[local];
  if (!memory.empty()) return memory;
  const std::string at = shared_memory_at(local_name(local), shared_.arrays.at(local),
                                          std::max<int64_t>(bytes_of(kernel_.locals[local]), 1));
  memory = out_.fresh(local_name(local));
  reserved_ += fmt::format("  {} = addrspacecast ptr addrspace(3) {} to ptr\n", memory, at);
  return memory;
}

}  // namespace tenon::backend
