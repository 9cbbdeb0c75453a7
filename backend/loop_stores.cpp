// Stores. Where the turns of an unrolled loop store side by side what each lane has, as convolutions do that have
// channels in lanes and pixels in turns, the registers are rows of a matrix and memory wants its columns: they are
// turned first.
//
//     a0 a1 a2 a3          a0 b0 c0 d0   to the place of lane 0
//     b0 b1 b2 b3    ->    a1 b1 c1 d1   to that of lane 1
//     c0 c1 c2 c3          a2 b2 c2 d2   …
//     d0 d1 d2 d3          a3 b3 c3 d3
//
// log2(n) steps of n shuffles do it within each 16 bytes, which all vector extensions do in one instruction
// (unpcklps, zip1). A scatter takes two cycles or three for each element.
#include <bit>
#include <numeric>

#include "backend/kernel_writer.h"

namespace tenon::backend {

using namespace ir::loops;

namespace {

constexpr int64_t kScatteredBytes = 64;  ///< registers so large come with stores to as many places
constexpr uint32_t kBlock = 16;          ///< bytes that are shuffled in one instruction everywhere

/// What one lane has in all rows, side by side: in the register `text` from its lane `first` on.
struct Column {
  uint32_t lane;
  std::string text;
  uint32_t first;
};

/// Whether all stores may wait for the last one: there is nothing else whose order matters, and no branch.
bool only_stores(const Block& block) {
  return std::ranges::all_of(block, [](const Stmt& stmt) {
    if (const auto* loop = std::get_if<For>(&stmt.node)) {
      const std::optional<Turns> turns = constant_turns(*loop);
      const bool straight = loop->kind == LoopKind::unrolled || loop->kind == LoopKind::vectorized ||
                            (loop->kind == LoopKind::serial && turns && turns->count() == 1);
      return turns && straight && only_stores(loop->body);
    }
    return std::holds_alternative<Store>(stmt.node) || std::holds_alternative<SetLocal>(stmt.node);
  });
}

std::string numbers(std::span<const uint32_t> from) {
  std::string text;
  for (const uint32_t n : from) text += fmt::format("{}i32 {}", text.empty() ? "" : ", ", n);
  return fmt::format("<{} x i32> <{}>", from.size(), text);
}

/// From two rows by turns, `unit` elements each, those of a block's first or second half.
std::string interleaved(FunctionText& out, const std::string& vector, Lanes lanes, uint32_t block,
                        uint32_t unit, bool second, const std::string& a, const std::string& b) {
  std::vector<uint32_t> from;
  for (uint32_t base = second ? block / 2 : 0; base < lanes.width; base += block)
    for (uint32_t at = base; at < base + block / 2; at += unit)
      for (const uint32_t row : {0u, lanes.width})
        for (uint32_t e = 0; e < unit; ++e) from.push_back(row + at + e);
  const std::string result = out.fresh("turned");
  out.line("{} = shufflevector {} {}, {} {}, {}", result, vector, a, vector, b, numbers(from));
  return result;
}

/// The columns of a matrix whose rows are `registers`, a power of two of them and no more than a block has lanes.
/// A register holds of each block the lanes `held`, and of each what `unit` rows have of it.
std::vector<Column> turned(FunctionText& out, std::string_view type, Lanes lanes, uint32_t block,
                           std::vector<std::string> registers) {
  const std::string vector = lane_type(type, lanes);
  const auto count = static_cast<uint32_t>(registers.size());
  std::vector<uint32_t> all(block);
  std::iota(all.begin(), all.end(), 0u);
  std::vector<std::vector<uint32_t>> held(count, all);
  for (uint32_t unit = 1; unit < count; unit *= 2) {
    std::vector<std::string> next;
    std::vector<std::vector<uint32_t>> next_held;
    for (size_t group = 0; group < count; group += 2 * unit)
      for (size_t j = group; j < group + unit; ++j)
        for (const bool second : {false, true}) {
          next.push_back(
              interleaved(out, vector, lanes, block, unit, second, registers[j], registers[j + unit]));
          const auto half = static_cast<ptrdiff_t>(held[j].size() / 2);
          const auto begin = held[j].begin() + (second ? half : 0);
          next_held.emplace_back(begin, begin + half);
        }
    registers = std::move(next), held = std::move(next_held);
  }
  std::vector<Column> columns;
  for (size_t j = 0; j < count; ++j)
    for (uint32_t base = 0; base < lanes.width; base += block)
      for (uint32_t at = 0; at < held[j].size(); ++at)
        columns.push_back({base + held[j][at], registers[j], base + at * count});
  return columns;
}

}  // namespace

// ---- one after the other

void KernelWriter::store(const Memory& memory, const std::vector<ExprPtr>& subscripts,
                         const Value& value, bool stream) {
  const DType type = memory.type.dtype;
  if (!facts_.scheduled) return write_store(out_, type, value.text, plain_address(memory, subscripts));
  const Sum offset = offset_in(memory, sums(subscripts));
  const auto lane_of = [&](uint32_t lane) {
    return value.varies ? write_lane(out_, register_type(type), value.text, lanes(), lane)
                        : value.text;
  };
  if (offset.lane == 0 && !offset.has_varying()) {  // of all turns the last one's stays
    const LanesPlace place = element_place(memory, offset);
    write_store(out_, type, lane_of(lanes().used - 1), place.address, place.align);
  } else if (offset.lane == 1 || offset.has_varying()) {
    const LanesPlace place = lanes_place(memory, offset);
    const std::string all = splat(value, register_type(type)).text;
    streams_ = write_store(out_, type, all, place, lanes(), stream) || streams_;
  } else {
    const ApartStore apart{memory, offset, lanes(), splat(value, register_type(type)).text};
    if (waiting_ && memory.unread) waiting_->stores.push_back(apart);
    else store_apart(apart);
  }
}

/// Registers so large come with stores to as many places. They are no faster than one store after the other,
/// but a tenth of the code, and of the time to compile it.
void KernelWriter::store_apart(const ApartStore& store) {
  const auto& [memory, offset, lanes, value] = store;
  const DType type = memory.type.dtype;
  const int64_t bytes = runtime::row(type).bytes;
  if (!on_gpu() && bytes >= 4 && lanes.width * bytes == kScatteredBytes) {
    write_store(out_, type, value, apart_place(memory, offset, lanes), lanes, false);
    return;
  }
  for (uint32_t lane = 0; lane < lanes.used; ++lane)
    write_store(out_, type, write_lane(out_, register_type(type), value, lanes, lane),
                address(memory, at_lane(offset, lane)));
}

/// Places a constant number of elements apart.
LanesPlace KernelWriter::apart_place(const Memory& memory, const Sum& offset, Lanes lanes) {
  std::string steps;
  for (uint32_t lane = 0; lane < lanes.width; ++lane)
    steps += fmt::format("{}i64 {}", lane == 0 ? "" : ", ", wrapping_product(offset.lane, lane));
  const std::string base = address(memory, offset), pointers = out_.fresh("places");
  out_.line("{} = getelementptr {}, ptr {}, {} <{}>", pointers, memory_type(memory.type.dtype), base,
            lane_type("i64", lanes), steps);
  return {pointers, static_cast<uint32_t>(runtime::row(memory.type.dtype).bytes), true};
}

// ---- turned

std::set<LocalId> locals_read_in(const Block& block) {
  std::set<LocalId> read;
  for_each_node(block, [&](const ExprPtr& e) {
    if (const auto* local = std::get_if<Local>(&e->node)) read.insert(local->local);
  });
  return read;
}

bool KernelWriter::may_transpose(const For& loop) const {
  return !on_gpu() && facts_.scheduled && !waiting_ && only_stores(loop.body);
}

/// Rows whose elements are neighbours are turned together; what has no neighbours is stored by itself.
void KernelWriter::store_waiting() {
  std::map<std::string, std::vector<const ApartStore*>> together;
  for (const ApartStore& store : waiting_->stores) {
    const Lanes lanes = store.lanes;
    std::string place =
        fmt::format("{} {} {} {}", store.memory.base, lanes.width, lanes.used, store.offset.lane);
    for (const auto& [value, factor] : store.offset.terms) place += fmt::format(" {}*{}", factor, value.text);
    together[place].push_back(&store);
  }
  for (auto& [place, stores] : together) {
    std::ranges::stable_sort(stores, {}, [](const ApartStore* s) { return s->offset.constant; });
    for (size_t at = 0, next = 0; at < stores.size(); at = next) {
      for (next = at + 1; next < stores.size(); ++next)
        if (stores[next]->offset.constant != stores[next - 1]->offset.constant + 1) break;
      store_rows({stores.begin() + static_cast<ptrdiff_t>(at), stores.begin() + static_cast<ptrdiff_t>(next)});
    }
  }
  waiting_.reset();
}

/// As many at once as fill a block; the last ones together with some before them, which are stored twice.
void KernelWriter::store_rows(std::span<const ApartStore* const> rows) {
  const ApartStore& first = *rows[0];
  const DType type = first.memory.type.dtype;
  const auto bytes = static_cast<uint32_t>(runtime::row(type).bytes);
  const uint32_t block = std::min(kBlock / bytes, first.lanes.width);
  const size_t count = std::min(size_t{block}, std::bit_floor(rows.size()));
  if (count < 2) {
    for (const ApartStore* row : rows) store_apart(*row);
    return;
  }
  std::map<std::pair<uint32_t, size_t>, Column> columns;  // by lane and first row: a lane's lie side by side
  for (size_t next = 0; next < rows.size(); next += count) {
    const size_t at = std::min(next, rows.size() - count);
    std::vector<std::string> registers;
    for (const ApartStore* row : rows.subspan(at, count))
      registers.push_back(write_in_memory(out_, type, row->value, first.lanes));
    for (const Column& column : turned(out_, memory_type(type), first.lanes, block, std::move(registers)))
      if (column.lane < first.lanes.used) columns.emplace(std::pair(column.lane, at), column);
  }
  const auto size = static_cast<uint32_t>(count);
  const std::string from = lane_type(memory_type(type), first.lanes),
                    to = lane_type(memory_type(type), Lanes{size, size});
  for (const auto& [place, column] : columns) {
    std::string stored = column.text;
    if (from != to) {
      stored = out_.fresh("column");
      out_.line("{} = shufflevector {} {}, {} poison, {}", stored, from, column.text, from,
                lanes_from(column.first, size));
    }
    out_.line("store {} {}, ptr {}, align {}", to, stored,
              address(first.memory, at_lane(rows[place.second]->offset, column.lane)), bytes);
  }
}

}  // namespace tenon::backend
