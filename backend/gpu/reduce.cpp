// A reduction of which each thread of a block has a part. The lanes of a warp put theirs together
// by shuffles: a lane gets a register of another one, without memory between. Then each warp leaves
// what it has in shared memory, and after a barrier every warp puts those together, so that all
// threads have the whole.
#include "backend/kernel_writer.h"
#include "backend/scalar_to_llvm.h"
#include "opt/loops/nest.h"

namespace tenon::backend {

using gpu::kWarp;
using runtime::ScalarOp;

// ---- what is written with

std::string KernelWriter::named(std::string_view hint, const std::string& line) {
  const std::string name = out_.fresh(hint);
  out_.line("{} = {}", name, line);
  return name;
}

std::string KernelWriter::combined(ScalarOp op, DType type, const std::string& a,
                                   const std::string& b) {
  const std::string parts[] = {a, b}, result = out_.fresh(runtime::row(op).text);
  write_scalar(out_, result, op, type, parts);
  return result;
}

void KernelWriter::only_where(const std::string& condition, const std::function<void()>& body) {
  const std::string then = out_.fresh("then"), join = out_.fresh("join");
  out_.line("br i1 {}, label {}, label {}", condition, then, join);
  out_.label(then);
  body();
  out_.line("br label {}", join);
  out_.label(join);
}

std::string KernelWriter::slot(const std::string& at) {
  const std::string memory = shared_memory_at("parts", shared_.parts.value(), kWarp * opt::loops::kPartBytes);
  return named("part", fmt::format("getelementptr i64, ptr addrspace(3) {}, i64 {}", memory, at));
}

/// The lanes that put their parts together, as a mask; the others of the warp may have no turn, and are not here.
std::string KernelWriter::lanes_together() {
  if (lanes_together_ == kWarp) return "-1";
  const std::string tid = once(depth(), "tid", fmt::format("trunc i64 {} to i32", special_register("tid")));
  const std::string first = once(depth(), "first", fmt::format("and i32 {}, {}", tid, kWarp - lanes_together_));
  return once(depth(), "mask", fmt::format("shl i32 {}, {}", (int64_t{1} << lanes_together_) - 1, first));
}

/// The value that the lane has whose number differs by `distance` in one bit.
std::string KernelWriter::shuffled(DType type, const std::string& value, int64_t distance) {
  const std::string_view held = register_type(type);
  const int bits = held == "i1" ? 1 : runtime::bits_of(type);
  const std::string lanes = lanes_together();
  const auto shuffle = [&](const std::string& word) {
    return named(
        "other",
        fmt::format("call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 {}, i32 {}, i32 {}, i32 31)", lanes,
                    word, distance));
  };
  const bool is_float = held == "float" || held == "double";
  const std::string whole = fmt::format("i{}", bits);
  const std::string number =
      is_float ? named("bits", fmt::format("bitcast {} {} to {}", held, value, whole)) : value;
  std::string got;
  if (bits == 64) {
    const std::string low = named("low", fmt::format("trunc i64 {} to i32", number));
    const std::string up = named("up", fmt::format("lshr i64 {}, 32", number));
    const std::string high = named("high", fmt::format("trunc i64 {} to i32", up));
    const std::string low2 = named("low", fmt::format("zext i32 {} to i64", shuffle(low)));
    const std::string high2 = named("high", fmt::format("zext i32 {} to i64", shuffle(high)));
    const std::string shifted = named("up", fmt::format("shl i64 {}, 32", high2));
    got = named("bits", fmt::format("or i64 {}, {}", shifted, low2));
  } else if (bits == 32) {
    got = shuffle(number);
  } else {
    const std::string wide = named("wide", fmt::format("zext {} {} to i32", whole, number));
    got = named("bits", fmt::format("trunc i32 {} to {}", shuffle(wide), whole));
  }
  return is_float ? named("other", fmt::format("bitcast {} {} to {}", whole, got, held)) : got;
}

// ---- putting parts together

/// Among groups of `lanes` lanes, a power of two; all of them get it.
std::string KernelWriter::across_warp(ScalarOp op, DType type, std::string part, int64_t lanes) {
  // [snippet across_warp]
  // [exercise warp]
  // [starter] static_cast<void>(op), static_cast<void>(type), static_cast<void>(lanes);
  for (int64_t distance = lanes / 2; distance > 0; distance /= 2)
    part = combined(op, type, part, shuffled(type, part, distance));
  // [end]
  return part;
  // [end]
}

/// Of a block of several warps. `part` is the same in all lanes of a warp; the result is in all
/// threads.
std::string KernelWriter::across_warps(ScalarOp op, DType type, const std::string& part,
                                       int64_t warps) {
  // [snippet across_warps]
  const std::string_view held = register_type(type);
  const std::string tid = special_register("tid");
  const std::string lane = named("lane", fmt::format("and i64 {}, {}", tid, kWarp - 1));
  const std::string warp = named("warp", fmt::format("lshr i64 {}, 5", tid));
  // [exercise block]
  // [starter] static_cast<void>(op), static_cast<void>(held), static_cast<void>(warps);
  // [starter] return part;
  const std::string is_first = named("first", fmt::format("icmp eq i64 {}, 0", lane));
  only_where(is_first,
             [&] { out_.line("store {} {}, ptr addrspace(3) {}", held, part, slot(warp)); });
  out_.line("call void @llvm.nvvm.barrier0()");
  // Lane i takes the part of warp i. A lane beyond the warps has what changes nothing.
  const std::string has_part = named("has", fmt::format("icmp ult i64 {}, {}", lane, warps));
  const std::string before = out_.current_label();
  std::string loaded, loaded_at;
  only_where(has_part, [&] {
    loaded = named("part", fmt::format("load {}, ptr addrspace(3) {}", held, slot(lane)));
    loaded_at = out_.current_label();
  });
  const std::string nothing = literal(runtime::identity_of(op, type));
  const std::string mine = named("mine", fmt::format("phi {} [ {}, {} ], [ {}, {} ]", held, loaded,
                                                     loaded_at, nothing, before));
  const std::string whole = across_warp(op, type, mine, kWarp);
  out_.line("call void @llvm.nvvm.barrier0()");  // the slots may be used again
  return whole;
  // [end]
  // [end]
}

/// Of so many threads: a warp or fewer where a thread loop is open, else the block.
std::string KernelWriter::across_threads(ScalarOp op, DType type, const std::string& part,
                                         int64_t threads) {
  lanes_together_ = in_thread_ ? threads : kWarp;
  if (in_thread_) return across_warp(op, type, part, threads);
  const std::string of_warp = across_warp(op, type, part, kWarp);
  const int64_t warps = launch_.threads / kWarp;
  return warps <= 1 ? of_warp : across_warps(op, type, of_warp, warps);
}

}  // namespace tenon::backend
