#include "backend/elements.h"

namespace tenon::backend {
namespace {

/// What intrinsics call the type of an element in memory.
std::string memory_name(DType type, Lanes lanes) {
  if (type == DType::bool_) return lane_name("i8", lanes);
  return lane_name(runtime::is_small_float(type) ? "i16" : runtime::row(type).text, lanes);
}

/// What an intrinsic on masked memory is called: `masked.load.v16f32.p0`.
std::string intrinsic(std::string_view name, DType type, const LanesPlace& place, Lanes lanes) {
  return fmt::format("@llvm.masked.{}.{}.{}", name, memory_name(type, lanes),
                     place.apart ? lane_name("p0", lanes) : "p0");
}

/// `i32 4, <16 x i1> <i1 true, …>`: how its last operands say where and what.
std::string mask(const LanesPlace& place, Lanes lanes) {
  return fmt::format("i32 {}, <{} x i1> {}", place.align, lanes.width,
                     place.guard.empty() ? used_lanes(lanes) : place.guard);
}

std::string pointer(const LanesPlace& place, Lanes lanes) {
  return (place.apart ? lane_type("ptr", lanes) : "ptr") + " " + place.address;
}

/// Of one element, where it is said.
std::string aligned(uint32_t align) { return align == 0 ? "" : fmt::format(", align {}", align); }

}  // namespace

void write_load(FunctionText& out, const std::string& result, DType type, const std::string& from) {
  if (type != DType::bool_) {
    out.line("{} = load {}, ptr {}", result, memory_type(type), from);
    return;
  }
  const std::string byte = out.fresh("byte");
  out.line("{} = load i8, ptr {}", byte, from);
  out.line("{} = icmp ne i8 {}, 0", result, byte);
}

void write_store(FunctionText& out, DType type, const std::string& value, const std::string& to,
                 uint32_t align) {
  std::string stored = value;
  if (type == DType::bool_) {
    stored = out.fresh("byte");
    out.line("{} = zext i1 {} to i8", stored, value);
  }
  out.line("store {} {}, ptr {}{}", memory_type(type), stored, to, aligned(align));
}

std::string write_address(FunctionText& out, const ir::Type& tensor, const std::string& base,
                          std::span<const std::string> subscripts) {
  if (subscripts.empty()) return base;
  std::string steps;
  for (const std::string& s : subscripts) steps += ", i64 " + s;
  const std::string address = out.fresh(base.substr(1) + ".at");
  out.line("{} = getelementptr inbounds {}, ptr {}{}", address, row_type(tensor), base, steps);
  return address;
}

std::string load_line(DType type, const LanesPlace& from, Lanes lanes) {
  const std::string vector = lane_type(memory_type(type), lanes);
  if (lanes.scalar()) return fmt::format("load {}, ptr {}{}", vector, from.address, aligned(from.align));
  if (!from.apart && !lanes.partial() && from.guard.empty())
    return fmt::format("load {}, ptr {}, align {}", vector, from.address, from.align);
  return fmt::format("call {} {}({}, {}, {} zeroinitializer)", vector,
                     intrinsic(from.apart ? "gather" : "load", type, from, lanes),
                     pointer(from, lanes), mask(from, lanes), vector);
}

std::string write_in_memory(FunctionText& out, DType type, const std::string& value, Lanes lanes) {
  const std::string stored = operand(register_type(type), value, lanes);
  if (type != DType::bool_) return stored;
  const std::string bytes = out.fresh("bytes");
  out.line("{} = zext {} {} to {}", bytes, lane_type(type, lanes), stored,
           lane_type(memory_type(type), lanes));
  return bytes;
}

bool write_store(FunctionText& out, DType type, const std::string& value, const LanesPlace& to,
                 Lanes lanes, bool stream) {
  const std::string vector = lane_type(memory_type(type), lanes);
  const std::string stored = write_in_memory(out, type, value, lanes);
  if (to.apart || lanes.partial()) {
    out.line("call void {}({} {}, {}, {})",
             intrinsic(to.apart ? "scatter" : "store", type, to, lanes), vector, stored,
             pointer(to, lanes), mask(to, lanes));
    return false;
  }
  // In parts the size of a register, each of which must be aligned.
  const uint32_t bytes = lanes.width * static_cast<uint32_t>(runtime::row(type).bytes);
  const bool streams = stream && to.align >= std::min(bytes, uint32_t{64}) && bytes >= 16;
  out.line("store {} {}, ptr {}, align {}{}", vector, stored, to.address, to.align,
           streams ? ", !nontemporal !0" : "");
  return streams;
}

}  // namespace tenon::backend
