// Elements of tensors, and of arrays in memory. In a kernel that a schedule has made an address is
// written as sums: what does not change in a loop before the loop, and what is constant last, as the
// displacement that an instruction has room for.
#include <algorithm>
#include <bit>

#include "backend/kernel_writer.h"
#include "opt/loops/banks.h"

namespace tenon::backend {

using namespace ir::loops;
using runtime::ScalarOp;

namespace {

constexpr int64_t kLine = 64;  ///< bytes of a cache line
constexpr int64_t kWidestStep = 4;
/// Registers so large come with loads that leave lanes out.
constexpr int64_t kMaskedBytes = 32;

}  // namespace

// ---- sums

void Sum::add(int64_t factor, const Sum& other) {
  constant = wrapping_sum(constant, wrapping_product(factor, other.constant));
  lane = wrapping_sum(lane, wrapping_product(factor, other.lane));
  for (const Term& term : other.terms) {
    const int64_t by = wrapping_product(factor, term.factor);
    const auto same = std::ranges::find_if(
        terms, [&](const Term& t) { return t.value.text == term.value.text; });
    if (same == terms.end()) terms.push_back({term.value, by});
    else same->factor = wrapping_sum(same->factor, by);
  }
  std::erase_if(terms, [](const Term& t) { return t.factor == 0; });
}

bool Sum::has_varying() const {
  return std::ranges::any_of(terms, [](const Term& t) { return t.value.varies; });
}

Sum KernelWriter::sum_of(const Value& value) const {
  if (value.constant) return {value.constant->i, 0, {}};
  return {0, 0, {{value, 1}}};
}

Sum KernelWriter::sum(const ExprPtr& e) {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    const auto found = scope->sums.find(e.get());
    if (found != scope->sums.end()) return found->second;
  }
  const Sum result = compute_sum(e);
  scopes_.back().sums.emplace(e.get(), result);
  return result;
}

Sum KernelWriter::compute_sum(const ExprPtr& e) {
  const auto* loop = std::get_if<Loop>(&e->node);
  if (loop != nullptr && vector_ && loop->loop == vector_->loop) return {vector_->turns.lo, 1, {}};
  const auto* apply = std::get_if<Apply>(&e->node);
  const ScalarOp op = apply == nullptr ? ScalarOp::div : apply->op;
  if (op != ScalarOp::add && op != ScalarOp::sub && op != ScalarOp::mul) return sum_of(value(e));
  const Sum a = sum(apply->args[0]), b = sum(apply->args[1]);
  Sum result;
  if (op != ScalarOp::mul) {
    result.add(1, a);
    result.add(op == ScalarOp::sub ? -1 : 1, b);
  } else if (a.is_constant()) {
    result.add(a.constant, b);
  } else if (b.is_constant()) {
    result.add(b.constant, a);
  } else {
    return sum_of(value(e));
  }
  return result;
}

std::vector<Sum> KernelWriter::sums(const std::vector<ExprPtr>& exprs) {
  std::vector<Sum> result;
  for (const ExprPtr& e : exprs) result.push_back(sum(e));
  return result;
}

/// The number of an element in row-major order.
Sum KernelWriter::flat(const ir::Type& type, const std::vector<Sum>& subscripts) const {
  Sum offset;
  for (size_t axis = 0; axis < subscripts.size(); ++axis) {
    Sum scaled;
    scaled.add(type.shape[axis], offset);
    scaled.add(1, subscripts[axis]);
    offset = std::move(scaled);
  }
  join_quotients(offset);
  return offset;
}

Sum KernelWriter::offset_in(const Memory& memory, const std::vector<Sum>& subscripts) {
  return memory.swizzled ? swizzled_offset(memory.type, subscripts) : flat(memory.type, subscripts);
}

Value KernelWriter::value_of(const Sum& sum) {
  Value total = constant(Scalar::integer(DType::i64, sum.constant));
  for (const auto& [value, factor] : sum.terms) {
    const std::string by =
        factor == 1 ? value.text : once(value.depth, "by", fmt::format("mul i64 {}, {}", value.text, factor));
    const bool is_zero = total.constant && total.constant->i == 0;
    const uint32_t depth = std::max(total.depth, value.depth);
    total = {is_zero ? by : once(depth, "sum", fmt::format("add i64 {}, {}", total.text, by)), false, {}, depth};
  }
  return total;
}

/// Rows of 128 bytes take all banks once, and a piece of 16 bytes those that the pieces above and below it
/// take: so each row exchanges its pieces, by the exclusive or of their number and its own.
Sum KernelWriter::swizzled_offset(const ir::Type& type, const std::vector<Sum>& subscripts) {
  const opt::loops::Swizzle swizzle = opt::loops::swizzle_of(type);
  const ir::Type rows{type.dtype, {type.shape.begin(), type.shape.end() - 1}};
  const Sum row = flat(rows, {subscripts.begin(), subscripts.end() - 1});
  const Sum& column = subscripts.back();
  const int64_t within = column.constant % swizzle.elements;
  Sum low, first{column.constant - within, 0, column.terms};  // of the piece
  for (const Sum::Term& term : row.terms)  // what may change the bits that count
    if (term.factor % (swizzle.rows * swizzle.pieces) != 0) low.terms.push_back(term);
  low.constant = row.constant % (swizzle.rows * swizzle.pieces);
  const Value of_row = value_of(low);
  Value of_column = value_of(first);
  of_column.text = once(of_column.depth, "column",
                        fmt::format("udiv i64 {}, {}", of_column.text, swizzle.elements));
  const uint32_t known_at = std::max(of_row.depth, of_column.depth);
  const std::string shifted =
      swizzle.rows == 1 ? of_row.text
                        : once(of_row.depth, "row", fmt::format("udiv i64 {}, {}", of_row.text, swizzle.rows));
  const std::string key =
      once(of_row.depth, "key", fmt::format("and i64 {}, {}", shifted, swizzle.pieces - 1));
  const Value place{once(known_at, "piece", fmt::format("xor i64 {}, {}", of_column.text, key)), false, {},
                    known_at};
  Sum offset{within, column.lane, {{place, swizzle.elements}}};
  offset.add(type.shape.back(), row);
  return offset;
}

/// x / c * (c * f) + x % c * f is x * f: what fused loops take apart, row-major order puts together.
void KernelWriter::join_quotients(Sum& sum) const {
  for (bool joined = true; joined;) {
    joined = false;
    for (const Sum::Term& rest : sum.terms) {
      const auto low = quotients_.find(rest.value.text);
      if (low == quotients_.end() || !low->second.is_rest) continue;
      const auto is_partner = [&](const Sum::Term& t) {
        const auto high = quotients_.find(t.value.text);
        return high != quotients_.end() && !high->second.is_rest && high->second.by == low->second.by &&
               high->second.text == low->second.text &&
               t.factor == wrapping_product(rest.factor, low->second.by);
      };
      const auto partner = std::ranges::find_if(sum.terms, is_partner);
      if (partner == sum.terms.end()) continue;
      Sum whole;
      whole.add(rest.factor, low->second.of);
      const std::string gone[] = {rest.value.text, partner->value.text};
      std::erase_if(sum.terms, [&](const Sum::Term& t) {
        return t.value.text == gone[0] || t.value.text == gone[1];
      });
      sum.add(1, whole);
      joined = true;
      break;
    }
  }
}

// ---- addresses

/// Of what is the same in all lanes.
std::string KernelWriter::address(const Memory& memory, const Sum& offset) {
  const std::string_view element = memory_type(memory.type.dtype);
  const std::string name = memory.base.substr(1) + ".at";
  std::vector<Sum::Term> terms = offset.terms;
  std::erase_if(terms, [](const Sum::Term& t) { return t.value.varies; });
  std::ranges::stable_sort(terms, {}, [](const Sum::Term& t) { return t.value.depth; });
  std::string at = memory.base;
  const auto step = [&](uint32_t known_at, std::string_view by) {
    at = once(known_at, name, fmt::format("getelementptr {}, ptr {}, i64 {}", element, at, by));
  };
  for (const auto& [value, factor] : terms) {
    const std::string by =
        factor == 1 ? value.text
                    : once(value.depth, value.text.substr(1) + ".by",
                           fmt::format("mul i64 {}, {}", value.text, factor));
    step(value.depth, by);
  }
  if (offset.constant != 0) step(depth(), std::to_string(offset.constant));
  return at;
}

/// A power of two that divides every byte address that the offset may lead to.
uint32_t KernelWriter::alignment(const Memory& memory, const Sum& offset) {
  const int64_t bytes = runtime::row(memory.type.dtype).bytes;
  uint64_t all = kAligned | static_cast<uint64_t>(wrapping_product(offset.constant, bytes));
  for (const auto& [value, factor] : offset.terms)
    all |= static_cast<uint64_t>(wrapping_product(factor, bytes));
  return 1u << std::countr_zero(all);
}

LanesPlace KernelWriter::lanes_place(const Memory& memory, const Sum& offset) {
  if (!offset.has_varying()) return {address(memory, offset), alignment(memory, offset)};
  const std::string vector = lane_type("i64", lanes());
  std::string sum = "zeroinitializer";
  const auto add = [&](const std::string& text, int64_t factor) {
    const std::string product = out_.fresh("scaled"), total = out_.fresh("offsets");
    out_.line("{} = mul {} {}, splat (i64 {})", product, vector, text, factor);
    out_.line("{} = add {} {}, {}", total, vector, sum, product);
    sum = total;
  };
  for (const auto& [value, factor] : offset.terms)
    if (value.varies) add(value.text, factor);
  if (offset.lane != 0) add(lane_numbers(lanes(), 0), offset.lane);
  const std::string base = address(memory, offset), pointers = out_.fresh("places");
  out_.line("{} = getelementptr {}, ptr {}, {} {}", pointers, memory_type(memory.type.dtype), base,
            vector, sum);
  return {pointers, static_cast<uint32_t>(runtime::row(memory.type.dtype).bytes), true};
}

/// A GPU loads neighbours at once where the first one is aligned, so there that is said.
LanesPlace KernelWriter::element_place(const Memory& memory, const Sum& offset) {
  const std::string at = address(memory, offset);
  return on_gpu() ? LanesPlace{at, alignment(memory, offset)} : LanesPlace{at};
}

// ---- loads and stores

/// What nobody changes is loaded once.
std::string KernelWriter::load_at(const Memory& memory, const LanesPlace& place, Lanes lanes) {
  const DType type = memory.type.dtype;
  const std::string name = memory.base.substr(1) + (lanes.scalar() ? ".element" : ".elements");
  const std::string line = load_line(type, place, lanes);
  const auto write = [&](std::string_view hint, const std::string& what) {
    if (memory.fixed) return once(depth(), hint, what);
    const std::string result = out_.fresh(hint);
    out_.line("{} = {}", result, what);
    return result;
  };
  if (type != DType::bool_) return write(name, line);
  const std::string bytes = write("bytes", line);
  return write(name, fmt::format("icmp ne {} {}, {}", lane_type(memory_type(type), lanes), bytes,
                                 operand(memory_type(type), "0", lanes)));
}

Value KernelWriter::load(const Memory& memory, const std::vector<ExprPtr>& subscripts) {
  if (!facts_.scheduled) {
    const std::string address = plain_address(memory, subscripts);
    const std::string result = out_.fresh(memory.base.substr(1) + ".element");
    write_load(out_, result, memory.type.dtype, address);
    return made(result, false);
  }
  const Sum offset = offset_in(memory, sums(subscripts));
  const auto element = [&](const Sum& at) { return load_at(memory, element_place(memory, at), {}); };
  if (offset.lane == 0 && !offset.has_varying()) return made(element(offset), false);
  if (offset.lane == 1 || offset.has_varying())
    return made(load_at(memory, lanes_place(memory, offset), lanes()), true);
  if (loads_wide(memory, offset)) return made(wide_load(memory, offset, used_lanes(lanes())), true);
  std::string all = no_lanes();
  for (uint32_t lane = 0; lane < lanes().used; ++lane)
    all = write_with_lane(out_, register_type(memory.type.dtype), all, lanes(), lane,
                          element(at_lane(offset, lane)));
  return made(all, true);
}

/// Whether elements that lie a few apart are loaded with what is between them.
bool KernelWriter::loads_wide(const Memory& memory, const Sum& offset) const {
  const int64_t bytes = runtime::row(memory.type.dtype).bytes;
  return !on_gpu() && offset.lane >= 2 && offset.lane <= kWidestStep && bytes >= 4 &&
         lanes().width * bytes >= kMaskedBytes;
}

/// Every second element, or third: those between are loaded, too, and dropped, in a few instructions
/// where lane by lane it would be some for each. What is masked is not touched, as `mask`, one bit for
/// each lane, says; nothing between is needed, so none of it is touched either.
std::string KernelWriter::wide_load(const Memory& memory, const Sum& offset, const std::string& mask) {
  const auto step = static_cast<uint32_t>(offset.lane);
  const Lanes wide{lanes().width * step, lanes().width * step};
  std::string spread, kept;
  for (uint32_t at = 0; at < wide.width; ++at)
    spread += fmt::format("{}i32 {}", at == 0 ? "" : ", ", at % step == 0 ? at / step : lanes().width);
  for (uint32_t lane = 0; lane < lanes().width; ++lane)
    kept += fmt::format("{}i32 {}", lane == 0 ? "" : ", ", lane * step);
  LanesPlace place = lanes_place(memory, offset);
  place.guard = once(depth(), "wide.mask",
                     fmt::format("shufflevector <{} x i1> {}, <{} x i1> zeroinitializer, <{} x i32> <{}>",
                                 lanes().width, mask, lanes().width, wide.width, spread));
  const std::string all = load_at(memory, place, wide);
  const std::string vector = lane_type(register_type(memory.type.dtype), wide);
  return once(depth(), memory.base.substr(1) + ".elements",
              fmt::format("shufflevector {} {}, {} poison, <{} x i32> <{}>", vector, all, vector,
                          lanes().width, kept));
}

/// One element where the guard holds. Where not, the first one is read in its place and forgotten, which
/// costs no branch.
std::string KernelWriter::load_if(const Memory& memory, const std::string& guard,
                                  const std::string& address) {
  const DType type = memory.type.dtype;
  const std::string place = out_.fresh("place"), read = out_.fresh("read"),
                    result = out_.fresh(memory.base.substr(1) + ".element");
  out_.line("{} = select i1 {}, ptr {}, ptr {}", place, guard, address, memory.base);
  write_load(out_, read, type, place);
  const std::string_view element = register_type(type);
  out_.line("{} = select i1 {}, {} {}, {} {}", result, guard, element, read, element,
            literal(runtime::convert(type, Scalar::integer(DType::i64, 0))));
  return result;
}

Value KernelWriter::guarded_load(const Memory& memory, const Read& read) {
  const DType type = memory.type.dtype;
  const Value guard = value(read.guard);
  if (guard.constant && guard.constant->i != 0) return load(memory, read.subscripts);
  if (guard.constant) return constant(runtime::convert(type, Scalar::integer(DType::i64, 0)));
  if (!facts_.scheduled)
    return made(load_if(memory, guard.text, plain_address(memory, read.subscripts)), false);
  const Sum offset = offset_in(memory, sums(read.subscripts));
  const bool one = offset.lane == 0 && !offset.has_varying();
  if (one && !guard.varies) return made(load_if(memory, guard.text, address(memory, offset)), false);
  if (offset.lane == 1 || offset.has_varying()) {
    LanesPlace place = lanes_place(memory, offset);
    place.guard = splat(guard, "i1").text;
    if (lanes().partial()) {
      const std::string both = out_.fresh("guard");
      out_.line("{} = and <{} x i1> {}, {}", both, lanes().width, place.guard, used_lanes(lanes()));
      place.guard = both;
    }
    return made(load_at(memory, place, lanes()), true);
  }
  const std::string guards = splat(guard, "i1").text;
  if (loads_wide(memory, offset)) {
    std::string mask = guards;
    if (lanes().partial()) {
      mask = out_.fresh("guard");
      out_.line("{} = and <{} x i1> {}, {}", mask, lanes().width, guards, used_lanes(lanes()));
    }
    return made(wide_load(memory, offset, mask), true);
  }
  std::string all = no_lanes();
  for (uint32_t lane = 0; lane < lanes().used; ++lane)
    all = write_with_lane(out_, register_type(type), all, lanes(), lane,
                          load_if(memory, write_lane(out_, "i1", guards, lanes(), lane),
                                  address(memory, at_lane(offset, lane))));
  return made(all, true);
}

/// Of a GPU's registers each is one lane: one past those in use is computed with, too, and must have been written.
std::string KernelWriter::no_lanes() const { return on_gpu() && lanes().partial() ? "zeroinitializer" : "poison"; }

Sum KernelWriter::at_lane(const Sum& offset, uint32_t lane) {
  Sum one = offset;
  one.constant = wrapping_sum(one.constant, wrapping_product(one.lane, lane));
  one.lane = 0;
  return one;
}

std::string KernelWriter::plain_address(const Memory& memory,
                                        const std::vector<ExprPtr>& subscripts) {
  std::vector<std::string> texts;
  for (const ExprPtr& s : subscripts) texts.push_back(value(s).text);
  return write_address(out_, memory.type, memory.base, texts);
}

/// Of several lanes, one after the other, every cache line that they begin.
void KernelWriter::stmt(const Prefetch& node) {
  if (on_gpu()) return;
  const Memory memory = buffer(node.buffer);
  const Sum offset = flat(memory.type, sums(node.subscripts));
  if (offset.has_varying()) return;
  const int64_t bytes = wrapping_product(offset.lane, runtime::row(memory.type.dtype).bytes);
  const int64_t apart = bytes > 0 && bytes < kLine ? kLine / bytes : 1;
  const int64_t count = offset.lane == 0 ? 1 : lanes().used;
  for (int64_t lane = 0; lane < count; lane += apart)
    out_.line("call void @llvm.prefetch.p0(ptr {}, i32 0, i32 2, i32 1)",
              address(memory, at_lane(offset, static_cast<uint32_t>(lane))));
}

}  // namespace tenon::backend
