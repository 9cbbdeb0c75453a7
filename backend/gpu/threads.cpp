// Kernels on a GPU. A loop over blocks or threads is written once, for the turn that the block or thread
// takes. What stands outside of thread loops every thread does for itself, with the same values; what it
// writes for all, one of them writes. A reduction over threads goes through warps by shuffles, and then
// through shared memory.
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
  const std::string id = special_register(loop.kind == LoopKind::block ? "ctaid" : "tid");
  const int64_t turns = *most_turns_of(loop), inside = gpu::turns_with_inner(loop) / turns;
  const std::string_view hint = kernel_.loops[loop.loop];
  const std::string place =
      inside == 1 ? id : once(depth(), hint, fmt::format("udiv i64 {}, {}", id, inside));
  const bool outermost = !(loop.kind == LoopKind::block ? in_block_ : in_thread_);
  return outermost ? place : once(depth(), hint, fmt::format("urem i64 {}, {}", place, turns));
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
    places_[local].registers[0] = constant(opt::loops::identity_of(*op, kernel_.locals[local].dtype));
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
    const std::string parts[] = {
        before.at(local).registers[0].text,
        across_threads(op, type, places_[local].registers[0].text, gpu::turns_with_inner(loop))};
    const std::string result = out_.fresh(runtime::row(op).text);
    write_scalar(out_, result, op, type, parts);
    places_[local].registers[0] = made(result, false);
  }
}

// ---- what one does for all

/// The first of those that do the same.
KernelWriter::Alone KernelWriter::open_alone() {
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
  ask(blocks_at_once_, launch_.blocks, "ctaid");
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
  if (on_gpu() && launch_.threads > 1) out_.line("call void @llvm.nvvm.barrier0()");
}

std::string& KernelWriter::shared_memory_of(LocalId local) {
  std::string& memory = memory_[local];
  if (!memory.empty()) return memory;
  const std::string name =
      symbol(fmt::format("{}.{}", gpu::entry_name(kernel_.name), local_name(local)));
  functions_ += fmt::format("{} = internal addrspace(3) global [{} x i8] poison, align {}\n", name,
                            std::max<int64_t>(bytes_of(kernel_.locals[local]), 1), kAligned);
  memory = out_.fresh(local_name(local));
  reserved_ += fmt::format("  {} = addrspacecast ptr addrspace(3) {} to ptr\n", memory, name);
  return memory;
}

/// The value that the lane has whose number differs by `distance` in one bit.
std::string KernelWriter::shuffled(DType type, const std::string& value, int64_t distance) {
  const std::string_view held = register_type(type);
  const int bits = held == "i1" ? 1 : runtime::bits_of(type);
  const auto shuffle = [&](const std::string& word) {
    const std::string got = out_.fresh("other");
    out_.line("{} = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 -1, i32 {}, i32 {}, i32 31)", got,
              word, distance);
    return got;
  };
  const auto written = [&](std::string_view hint, const std::string& line) {
    const std::string name = out_.fresh(hint);
    out_.line("{} = {}", name, line);
    return name;
  };
  const bool is_float = held == "float" || held == "double";
  const std::string whole = fmt::format("i{}", bits);
  const std::string number =
      is_float ? written("bits", fmt::format("bitcast {} {} to {}", held, value, whole)) : value;
  std::string got;
  if (bits == 64) {
    const std::string low = written("low", fmt::format("trunc i64 {} to i32", number));
    const std::string up = written("up", fmt::format("lshr i64 {}, 32", number));
    const std::string high = written("high", fmt::format("trunc i64 {} to i32", up));
    const std::string low2 = written("low", fmt::format("zext i32 {} to i64", shuffle(low)));
    const std::string high2 = written("high", fmt::format("zext i32 {} to i64", shuffle(high)));
    const std::string shifted = written("up", fmt::format("shl i64 {}, 32", high2));
    got = written("bits", fmt::format("or i64 {}, {}", shifted, low2));
  } else if (bits == 32) {
    got = shuffle(number);
  } else {
    const std::string wide = written("wide", fmt::format("zext {} {} to i32", whole, number));
    got = written("bits", fmt::format("trunc i32 {} to {}", shuffle(wide), whole));
  }
  return is_float ? written("other", fmt::format("bitcast {} {} to {}", whole, got, held)) : got;
}

/// Among groups of `lanes` lanes, a power of two; all of them get it.
std::string KernelWriter::across_warp(ScalarOp op, DType type, std::string part, int64_t lanes) {
  for (int64_t distance = lanes / 2; distance > 0; distance /= 2) {
    const std::string parts[] = {part, shuffled(type, part, distance)};
    part = out_.fresh(runtime::row(op).text);
    write_scalar(out_, part, op, type, parts);
  }
  return part;
}

/// Warps first; then each leaves its part in shared memory, and every warp puts these together.
std::string KernelWriter::across_threads(ScalarOp op, DType type, const std::string& part,
                                         int64_t threads) {
  if (in_thread_) return across_warp(op, type, part, threads);
  std::string whole = across_warp(op, type, part, kWarp);
  const int64_t warps = launch_.threads / kWarp;
  if (warps <= 1) return whole;
  const std::string memory = symbol(gpu::entry_name(kernel_.name) + ".parts");
  if (functions_.find(memory + " ") == std::string::npos)
    functions_ += fmt::format("{} = internal addrspace(3) global [{} x i64] poison, align 8\n", memory, kWarp);
  const std::string tid = special_register("tid");
  const auto written = [&](std::string_view hint, const std::string& line) {
    const std::string name = out_.fresh(hint);
    out_.line("{} = {}", name, line);
    return name;
  };
  const std::string lane = written("lane", fmt::format("and i64 {}, {}", tid, kWarp - 1));
  const std::string warp = written("warp", fmt::format("lshr i64 {}, 5", tid));
  const auto slot = [&](const std::string& at) {
    return written("part", fmt::format("getelementptr i64, ptr addrspace(3) {}, i64 {}", memory, at));
  };
  const auto only_where = [&](const std::string& holds, const auto& body) {
    const std::string then = out_.fresh("then"), join = out_.fresh("join");
    out_.line("br i1 {}, label {}, label {}", holds, then, join);
    out_.label(then);
    body(join);
    out_.line("br label {}", join);
    out_.label(join);
  };
  const std::string is_first = written("first", fmt::format("icmp eq i64 {}, 0", lane));
  only_where(is_first, [&](const std::string&) {
    out_.line("store {} {}, ptr addrspace(3) {}", register_type(type), whole, slot(warp));
  });
  out_.line("call void @llvm.nvvm.barrier0()");
  const std::string has_part = written("has", fmt::format("icmp ult i64 {}, {}", lane, warps));
  const std::string before = out_.current_label();
  std::string loaded, loaded_at;
  only_where(has_part, [&](const std::string&) {
    loaded = written("part", fmt::format("load {}, ptr addrspace(3) {}", register_type(type), slot(lane)));
    loaded_at = out_.current_label();
  });
  const std::string mine = written(
      "mine", fmt::format("phi {} [ {}, {} ], [ {}, {} ]", register_type(type), loaded, loaded_at,
                          literal(opt::loops::identity_of(op, type)), before));
  whole = across_warp(op, type, mine, kWarp);
  out_.line("call void @llvm.nvvm.barrier0()");
  return whole;
}

}  // namespace tenon::backend
