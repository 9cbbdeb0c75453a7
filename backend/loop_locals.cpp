// Locals of a kernel: registers that change their names as they change their values, with phis where
// ways join; and arrays in memory, where registers cannot hold them.
#include <algorithm>

#include "backend/kernel_writer.h"
#include "backend/scalar_to_llvm.h"

namespace tenon::backend {

using namespace ir::loops;

namespace {

std::string phi(std::string_view type, std::string_view a, std::string_view from_a,
                std::string_view b, std::string_view from_b) {
  return fmt::format("phi {} [ {}, {} ], [ {}, {} ]", type, a, from_a, b, from_b);
}

}  // namespace

// ---- phis

KernelWriter::Places KernelWriter::places_of(const std::set<LocalId>& locals) const {
  Places places;
  for (LocalId local : locals) places[local] = places_[local];
  return places;
}

void KernelWriter::restore(const Places& places) {
  for (const auto& [local, place] : places) places_[local] = place;
}

KernelWriter::Places KernelWriter::open_phis(const Places& before) {
  Places opened;
  for (const auto& [local, place] : before) {
    for (Value& v : places_[local].registers)
      v = made(out_.fresh(local_name(local)), !place.lanes.scalar());
    opened[local] = places_[local];
  }
  return opened;
}

std::string KernelWriter::phis(const Places& opened, const Places& before, const std::string& from,
                               const std::string& latch) const {
  std::string lines;
  for (const auto& [local, place] : opened) {
    const std::string_view type = register_type(kernel_.locals[local].dtype);
    const auto text = [&](const Value& v) { return operand(type, v.text, place.lanes); };
    for (size_t i = 0; i < place.registers.size(); ++i)
      lines += fmt::format("  {} = {}\n", place.registers[i].text,
                           phi(lane_type(type, place.lanes), text(before.at(local).registers[i]),
                               from, text(places_[local].registers[i]), latch));
  }
  return lines;
}

void KernelWriter::merge(const Places& other, const std::string& from, const std::string& here) {
  for (const auto& [local, place] : other) {
    const std::string_view type = register_type(kernel_.locals[local].dtype);
    const auto text = [&](const Value& v) { return operand(type, v.text, place.lanes); };
    for (size_t i = 0; i < place.registers.size(); ++i) {
      Value& now = places_[local].registers[i];
      if (now.text == place.registers[i].text) continue;
      Value merged = made(out_.fresh(local_name(local)), !place.lanes.scalar());
      out_.line("{} = {}", merged.text,
                phi(lane_type(type, place.lanes), text(place.registers[i]), from, text(now), here));
      now = std::move(merged);
    }
  }
}

// ---- memory

/// What is too large for the stack comes from the runtime, all at once.
void KernelWriter::reserve_memory(const Block& body) {
  int64_t bytes = 0;
  std::map<LocalId, int64_t> offsets;
  const auto visit = [&](const auto& self, const Block& stmts) -> void {
    for (const Stmt& stmt : stmts) {
      if (const auto* set = std::get_if<SetLocal>(&stmt.node); set != nullptr && set->declares) {
        const int64_t size = bytes_of(kernel_.locals[set->local]);
        if (size <= kStackBytes || !offsets.emplace(set->local, bytes).second) continue;
        const bool fits = !__builtin_add_overflow(bytes, size, &bytes) && bytes < INT64_MAX - kAligned;
        bytes = fits ? (bytes + kAligned - 1) / kAligned * kAligned : INT64_MAX - kAligned;
      }
      const auto* loop = std::get_if<For>(&stmt.node);
      if (loop != nullptr && is_function(*loop)) continue;  // which has its own
      for_each_block(stmt, [&](const Block& inner) { self(self, inner); });
    }
  };
  visit(visit, body);
  if (bytes == 0 || on_gpu()) return;
  scratch_ = out_.fresh("scratch");
  const std::string none = out_.fresh("none");
  out_.line("{} = call ptr @tn_alloc(ptr %context, i64 {}, i32 -1)", scratch_, bytes);
  out_.line("{} = icmp eq ptr {}, null", none, scratch_);
  out_.fail_if(none);
  for (const auto& [local, offset] : offsets) {
    memory_[local] = out_.fresh(local_name(local));
    out_.line("{} = getelementptr inbounds i8, ptr {}, i64 {}", memory_[local], scratch_, offset);
  }
}

/// The same each time that the array is declared; on the stack unless reserve_memory() has it.
const std::string& KernelWriter::memory_of(LocalId local) {
  if (on_gpu() && kernel_.shared.contains(local)) return shared_memory_of(local);
  std::string& memory = memory_[local];
  if (memory.empty()) {
    const ir::Type& type = kernel_.locals[local];
    memory = out_.fresh(local_name(local));
    reserved_ += fmt::format("  {} = alloca [{} x i8], align {}\n", memory,
                             std::max<int64_t>(bytes_of(type), 1), kAligned);
  }
  return memory;
}

void KernelWriter::declare(LocalId local) {
  const ir::Type& type = kernel_.locals[local];
  Place& place = places_[local];
  if (vector_) vector_->declared.insert(local);
  if (type.is_scalar()) {
    const bool varies = vector_ && vector_->varying->contains(local);
    place = {lanes_if(varies), {made("poison", false)}};
  } else if (facts_.widths[local] == 0) {
    place = {{}, {}, memory_of(local)};
  } else {
    const int64_t width = facts_.widths[local];
    int64_t count = (type.shape.back() + width - 1) / width;
    for (size_t axis = 0; axis + 1 < type.shape.size(); ++axis) count *= type.shape[axis];
    const Lanes lanes{facts_.widths[local], facts_.widths[local]};
    place = {lanes, std::vector(static_cast<size_t>(count), made("poison", false))};
  }
}

// ---- reading and setting

Value KernelWriter::read_local(const Local& local) {
  const ir::Type& type = kernel_.locals[local.local];
  Place& place = places_[local.local];
  if (!place.memory.empty()) return load(memory_of_array(local.local), local.subscripts);
  const RegisterAt at =
      type.is_scalar() ? RegisterAt{} : register_at(place, type, local.subscripts);
  here(place.registers[at.index].text, lane_type(type.dtype, place.lanes));
  return type.is_scalar() ? place.registers[0] : read_register(place, type, at);
}

void KernelWriter::assign(const SetLocal& set, const Value& value) {
  const ir::Type& type = kernel_.locals[set.local];
  Place& place = places_[set.local];
  if (!place.memory.empty()) {
    const Alone alone = kernel_.shared.contains(set.local) ? open_alone(true) : Alone{};
    store(memory_of_array(set.local), set.subscripts, value, false);
    return close_alone(alone);
  }
  if (!type.is_scalar())
    return set_register(place, type, register_at(place, type, set.subscripts), value);
  place.registers[0] = place.lanes.scalar() ? value : splat(value, register_type(type.dtype));
}

/// A step `a = a + e` of every turn: first the turns' e are combined with each other.
void KernelWriter::combine(const SetLocal& set) {
  const auto& step = std::get<Apply>(set.value->node);
  const DType type = set.value->type;
  const FastMath fast = fast_math(*set.value, false);
  reassociable_ = false;
  const Value element = value(combined_with(set));
  const std::string operands[] = {read_local({set.local, set.subscripts}).text,
                                  reduced(step.op, type, element, fast)};
  const std::string result = out_.fresh(runtime::row(step.op).text);
  write_scalar(out_, result, step.op, type, operands, fast);
  assign(set, made(result, false));
}

/// In which register an element of an array is, or those of the turns are.
KernelWriter::RegisterAt KernelWriter::register_at(const Place& place, const ir::Type& type,
                                                   const std::vector<ExprPtr>& subscripts) {
  const std::vector<Sum> at = sums(subscripts);
  const int64_t width = place.lanes.width;
  int64_t row = 0;
  for (size_t axis = 0; axis + 1 < at.size(); ++axis)
    row = row * type.shape[axis] + at[axis].constant;
  const int64_t last = at.back().constant;
  return {static_cast<size_t>(row * ((type.shape.back() + width - 1) / width) + last / width),
          static_cast<uint32_t>(last % width), at.back().lane != 0, type.shape.back() - last};
}

Value KernelWriter::read_register(const Place& place, const ir::Type& type, RegisterAt at) {
  const Value& held = place.registers[at.index];
  if (is_constant(held.text)) return held;
  const std::string_view element = register_type(type.dtype);
  if (!at.vector) {
    if (place.lanes.scalar()) return held;
    return made(write_lane(out_, element, held.text, place.lanes, at.first), false);
  }
  if (at.first == 0 && place.lanes.width == lanes().width) return made(held.text, true);
  const std::string part = out_.fresh("part"), vector = lane_type(element, place.lanes);
  out_.line("{} = shufflevector {} {}, {} poison, {}", part, vector, held.text, vector,
            lanes_from(at.first, lanes().width));
  return made(part, true);
}

void KernelWriter::set_register(Place& place, const ir::Type& type, RegisterAt at,
                                const Value& value) {
  Value& held = place.registers[at.index];
  const std::string_view element = register_type(type.dtype);
  if (!at.vector) {
    held = place.lanes.scalar() ? value
                                : made(write_with_lane(out_, element, held.text, place.lanes,
                                                       at.first, value.text), true);
    return;
  }
  const Value all = splat(value, element);
  const bool whole = at.first == 0 && place.lanes.width == lanes().width;
  if (whole && (!lanes().partial() || at.behind <= lanes().used)) {
    held = all;
    return;
  }
  // Two steps: the lanes go to their places, and those of the register around them stay.
  std::string to_places, blend;
  const uint32_t width = place.lanes.width;
  for (uint32_t lane = 0; lane < width; ++lane) {
    const bool set = lane >= at.first && lane < at.first + lanes().used;
    to_places += fmt::format("{}i32 {}", lane > 0 ? ", " : "", set ? lane - at.first : 0);
    blend += fmt::format("{}i32 {}", lane > 0 ? ", " : "", set ? width + lane : lane);
  }
  const std::string moved = out_.fresh("moved"), blended = out_.fresh("blended");
  const std::string from = lane_type(element, lanes()), to = lane_type(element, place.lanes);
  out_.line("{} = shufflevector {} {}, {} poison, <{} x i32> <{}>", moved, from,
            operand(element, all.text, lanes()), from, width, to_places);
  out_.line("{} = shufflevector {} {}, {} {}, <{} x i32> <{}>", blended, to,
            operand(element, held.text, place.lanes), to, moved, width, blend);
  held = made(blended, true);
}

}  // namespace tenon::backend
