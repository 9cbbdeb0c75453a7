// Arithmetic, comparisons, choices, moves, conversions: their modifiers and operands.
#include <fmt/format.h>

#include "runtime/sim/decode.h"

namespace tenon::runtime::sim {

using ptx::OperandKind;

void Decoder::rounding() {
  static constexpr std::pair<std::string_view, Rounding> kNames[] = {
      {"rn", Rounding::nearest},   {"rz", Rounding::zero},         {"rm", Rounding::down},
      {"rp", Rounding::up},        {"rni", Rounding::nearest_int}, {"rzi", Rounding::zero_int},
      {"rmi", Rounding::down_int}, {"rpi", Rounding::up_int},      {"rna", Rounding::away}};
  for (const auto& [name, value] : kNames) {
    if (parts_.take(name)) inst_.mod.rounding = static_cast<uint8_t>(value);
  }
}

Type Decoder::type() {
  const std::optional<Type> found = parts_.take_type();
  if (!found) fail(fmt::format("`{}` needs a type", instruction_->opcode));
  return *found;
}

void Decoder::operands(size_t least, size_t most) {
  const size_t count = instruction_->operands.size();
  if (count >= least && count <= most) return;
  fail(fmt::format("`{}` has {} operands, but needs {}{}", parts_.root(), count, least,
                   most > least ? fmt::format(" to {}", most) : ""));
}

void Decoder::executor(Exec exec) {
  if (exec == nullptr) fail(fmt::format("`{}` is not done here", instruction_->opcode));
  inst_.exec = exec;
}

/// How many sources an operation has, and which of them are counts of 32 bits whatever its type is.
static std::pair<size_t, uint32_t> shape_of(Op op) {
  switch (op) {
    case Op::not_:
    case Op::cnot:
    case Op::abs:
    case Op::neg:
    case Op::popc:
    case Op::clz:
    case Op::brev:
    case Op::bfind:
    case Op::rcp:
    case Op::sqrt:
    case Op::rsqrt:
    case Op::sin:
    case Op::cos:
    case Op::lg2:
    case Op::ex2:
    case Op::tanh: return {1, 0};
    case Op::fma:
    case Op::mad:
    case Op::mad24:
    case Op::sad: return {3, 0};
    case Op::bfe: return {3, 0b110};
    case Op::shl:
    case Op::shr: return {2, 0b10};
    default: return {2, 0};
  }
}

void Decoder::three_sources(size_t count) {
  operands(count + 1, count + 1);
  uint32_t* const fields[] = {&inst_.a, &inst_.b, &inst_.c};
  const uint32_t counts = shape_of(inst_.op).second;
  for (size_t i = 0; i < count; ++i) {
    use(*fields[i], source(operand(i + 1), counts >> i & 1 ? Type::u32 : inst_.type));
  }
}

void Decoder::arithmetic() {
  rounding();
  for (const std::string_view speed : {"approx", "full"}) parts_.take(speed);
  inst_.mod.ftz = parts_.take("ftz");
  inst_.mod.sat = parts_.take("sat");
  inst_.mod.nan = parts_.take("NaN");
  inst_.mod.relu = parts_.take("relu");
  parts_.take("xorsign");
  if (parts_.take("cc")) inst_.mod.with |= kCarryOut;
  if (inst_.op == Op::addc || inst_.op == Op::subc) inst_.mod.with |= kCarryIn;
  if (inst_.op == Op::bfind) inst_.mod.what = parts_.take("shiftamt");
  inst_.type = type();
  three_sources(shape_of(inst_.op).first);
  const bool counts = inst_.op == Op::popc || inst_.op == Op::clz || inst_.op == Op::bfind;
  const auto result = static_cast<uint8_t>(counts ? 32 : bits(inst_.type));
  define(inst_.d, destination(operand(0), result));
  const bool floats = is_float(inst_.type);
  const bool small =
      bits(inst_.type) == 16 || inst_.type == Type::f16x2 || inst_.type == Type::bf16x2;
  executor((floats ? small ? lanes_.halves : lanes_.floats : lanes_.integers)(inst_.op, inst_.type,
                                                                              inst_.mod));
}

void Decoder::multiply() {
  const int part = parts_.take_one_of({"lo", "hi", "wide"});
  if (part >= 0) inst_.mod.what = static_cast<uint8_t>(part);
  const bool fused = inst_.op == Op::mad || inst_.op == Op::mad24;
  if (part < 0) return arithmetic();
  inst_.type = type();
  if (is_float(inst_.type) || inst_.type == Type::pred || bits(inst_.type) < 16)
    fail(fmt::format("`{}` is not done here", instruction_->opcode));
  const bool wide = static_cast<Part>(part) == Part::wide;
  if (wide && bits(inst_.type) == 64) fail("`.wide` takes factors of 16 or 32 bits");
  if (inst_.op == Op::mul24 || inst_.op == Op::mad24) {
    if (static_cast<Part>(part) != Part::lo) fail("of `mul24` only `.lo` is done here");
  }
  const auto result = static_cast<uint8_t>(bits(inst_.type) << wide);
  operands(fused ? 4 : 3, fused ? 4 : 3);
  use(inst_.a, source(operand(1), inst_.type));
  use(inst_.b, source(operand(2), inst_.type));
  const Type sum = !wide ? inst_.type : result == 64 ? Type::b64 : Type::b32;
  if (fused) use(inst_.c, source(operand(3), sum));
  define(inst_.d, destination(operand(0), result));
  executor(lanes_.integers(inst_.op, inst_.type, inst_.mod));
}

void Decoder::bit_insert() {
  inst_.type = type();
  operands(5, 5);
  use(inst_.a, source(operand(1), inst_.type));
  use(inst_.b, source(operand(2), inst_.type));
  use(inst_.c, source(operand(3), Type::u32));
  inst_.list = static_cast<uint32_t>(program_.lists.size());
  list_use(source(operand(4), Type::u32));
  define(inst_.d, destination(operand(0), static_cast<uint8_t>(bits(inst_.type))));
  executor(bits(inst_.type) == 64   ? run::bit_insert64
           : bits(inst_.type) == 32 ? run::bit_insert32
                                    : nullptr);
}

void Decoder::logic3() {
  inst_.type = type();
  operands(5, 5);
  if (operand(4).kind != OperandKind::integer || bits(inst_.type) != 32)
    fail("`lop3.b32` needs its table as a constant");
  inst_.offset = static_cast<int64_t>(operand(4).value & 255);
  use(inst_.a, source(operand(1), Type::b32));
  use(inst_.b, source(operand(2), Type::b32));
  use(inst_.c, source(operand(3), Type::b32));
  define(inst_.d, destination(operand(0), 32));
  executor(run::logic3);
}

void Decoder::permute() {
  if (parts_.take_type() != Type::b32) fail("`prmt` is of `.b32`");
  const int mode = parts_.take_one_of({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"});
  inst_.mod.what = static_cast<uint8_t>(mode + 1);
  inst_.type = Type::b32;
  three_sources(3);
  define(inst_.d, destination(operand(0), 32));
  executor(run::permute);
}

void Decoder::funnel() {
  const int direction = parts_.take_one_of({"l", "r"}),
            mode = parts_.take_one_of({"clamp", "wrap"});
  if (direction < 0 || mode < 0) fail("`shf` needs `.l` or `.r`, and `.clamp` or `.wrap`");
  inst_.mod.what = static_cast<uint8_t>(direction);
  inst_.mod.with = static_cast<uint8_t>(mode);
  inst_.type = type();
  three_sources(3);
  define(inst_.d, destination(operand(0), 32));
  executor(bits(inst_.type) == 32 ? run::funnel : nullptr);
}

void Decoder::dot4() {
  inst_.type = type();
  inst_.from = type();
  operands(4, 4);
  use(inst_.a, source(operand(1), Type::b32));
  use(inst_.b, source(operand(2), Type::b32));
  use(inst_.c, source(operand(3), Type::b32));
  define(inst_.d, destination(operand(0), 32));
  executor(bits(inst_.type) == 32 && bits(inst_.from) == 32 ? run::dot4 : nullptr);
}

void Decoder::test() {
  const int what =
      parts_.take_one_of({"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
  if (what < 0) fail("`testp` needs the property to test");
  inst_.mod.what = static_cast<uint8_t>(what);
  inst_.type = type();
  three_sources(1);
  define(inst_.d, destination(operand(0), 1));
  executor(inst_.type == Type::f32 || inst_.type == Type::f64 ? run::test_float : nullptr);
}

// ---- comparisons

static constexpr std::string_view kComparisons[] = {
    "eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};

static std::optional<Compare> comparison(OpcodeParts& parts) {
  for (size_t i = 0; i < std::size(kComparisons); ++i) {
    if (parts.take(kComparisons[i])) return static_cast<Compare>(i);
  }
  static constexpr std::pair<std::string_view, Compare> kUnsigned[] = {
      {"lo", Compare::lt}, {"ls", Compare::le}, {"hi", Compare::gt}, {"hs", Compare::ge}};
  for (const auto& [name, compare] : kUnsigned) {
    if (parts.take(name)) return compare;
  }
  return std::nullopt;
}

void Decoder::compare() {
  const std::optional<Compare> how = comparison(parts_);
  if (!how) fail("`setp` needs a comparison");
  const int join = parts_.take_one_of({"and", "or", "xor"});
  inst_.mod.with = static_cast<uint8_t>(join + 1);
  inst_.mod.ftz = parts_.take("ftz");
  inst_.type = type();
  operands(join < 0 ? 3 : 4, join < 0 ? 3 : 4);
  use(inst_.a, source(operand(1), inst_.type));
  use(inst_.b, source(operand(2), inst_.type));
  if (join >= 0) use(inst_.c, predicate(operand(3)));
  const ptx::Operand& to = operand(0);
  inst_.list = kNone;
  if (to.kind == OperandKind::pair) {
    define(inst_.d, destination(to.parts[0], 1));
    define(inst_.list, destination(to.parts[1], 1));
  } else {
    define(inst_.d, destination(to, 1));
  }
  executor(lanes_.compare(inst_.type, *how));
}

void Decoder::compare_set() {
  const std::optional<Compare> how = comparison(parts_);
  if (!how) fail("`set` needs a comparison");
  inst_.mod.ftz = parts_.take("ftz");
  inst_.from = type();  // the result's
  inst_.type = type();
  operands(3, 3);
  use(inst_.a, source(operand(1), inst_.type));
  use(inst_.b, source(operand(2), inst_.type));
  define(inst_.d, destination(operand(0), 32));
  executor(bits(inst_.from) == 32 ? lanes_.compare_set(inst_.type, *how) : nullptr);
}

void Decoder::select() {
  inst_.type = type();
  operands(4, 4);
  use(inst_.a, source(operand(1), inst_.type));
  use(inst_.b, source(operand(2), inst_.type));
  use(inst_.c, predicate(operand(3)));
  const auto wide = static_cast<uint8_t>(bits(inst_.type));
  define(inst_.d, destination(operand(0), wide));
  executor(run::select(wide));
}

void Decoder::select_sign() {
  inst_.mod.ftz = parts_.take("ftz");
  inst_.type = type();
  inst_.from = type();
  operands(4, 4);
  use(inst_.a, source(operand(1), inst_.type));
  use(inst_.b, source(operand(2), inst_.type));
  use(inst_.c, source(operand(3), inst_.from));
  inst_.width = static_cast<uint8_t>(bits(inst_.type));
  define(inst_.d, destination(operand(0), inst_.width));
  executor(bits(inst_.from) == 32 && inst_.width >= 16 && inst_.width <= 64 ? run::select_sign
                                                                            : nullptr);
}

// ---- moves and conversions

void Decoder::move() {
  inst_.type = type();
  operands(2, 2);
  const ptx::Operand &to = operand(0), &from = operand(1);
  const auto wide = static_cast<uint8_t>(bits(inst_.type));
  inst_.width = wide;
  if (from.kind == OperandKind::vector) {  // the first part is the lowest
    const size_t count = from.parts.size();
    inst_.list = static_cast<uint32_t>(program_.lists.size());
    inst_.width_a = static_cast<uint8_t>(wide / count);
    if (inst_.width_a < 16 || inst_.width_a * count != wide)
      fail(from.span, fmt::format("these are not {} bits together", wide));
    const Type part_type = inst_.width_a == 16 ? Type::b16 : Type::b32;
    for (const ptx::Operand& part : from.parts) list_use(source(part, part_type));
    define(inst_.d, destination(to, wide));
    return executor(run::pack_vector);
  }
  if (to.kind == OperandKind::vector) {
    const auto part_width = static_cast<uint8_t>(wide / to.parts.size());
    use(inst_.a, source(from, inst_.type));
    inst_.list = static_cast<uint32_t>(program_.lists.size());
    if (part_width < 16 || part_width * to.parts.size() != wide)
      fail(to.span, fmt::format("these are not {} bits together", wide));
    for (const ptx::Operand& part : to.parts) list_define(destination(part, part_width));
    inst_.width_a = part_width;
    return executor(run::unpack_vector);
  }
  if (from.kind == OperandKind::reg &&
      (from.name == "%clock" || from.name == "%clock64" || from.name == "%globaltimer" ||
       from.name == "%clock_hi" || from.name == "%globaltimer_lo")) {
    define(inst_.d, destination(to, wide));
    return executor(run::clock);
  }
  use(inst_.a, source(from, inst_.type));
  define(inst_.d, destination(to, wide == 8 ? 16 : wide));
  executor(run::copy(wide));
}

void Decoder::convert() {
  rounding();
  inst_.mod.ftz = parts_.take("ftz");
  inst_.mod.sat = parts_.take("sat");
  inst_.mod.relu = parts_.take("relu");
  parts_.take("pack");
  inst_.type = type();
  inst_.from = type();
  const bool pair = inst_.type == Type::f16x2 || inst_.type == Type::bf16x2;
  operands(pair ? 3 : 2, pair ? 3 : 2);
  if (inst_.type == Type::pred || inst_.from == Type::pred) fail("predicates are not converted");
  // Registers may be wider than the types.
  const auto widened = [&](const ptx::Operand& from, Type type) -> uint32_t {
    if (from.kind != OperandKind::reg && from.kind != OperandKind::symbol)
      return source(from, type);
    const uint32_t slot = register_of(from);
    if (width(slot) < bits(type) || width(slot) < 16) {
      fail(from.span, fmt::format("`{}` has {} bits, but `.{}` needs {}", from.name, width(slot),
                                  row(type).name, bits(type)));
    }
    return slot;
  };
  use(inst_.a, widened(operand(1), inst_.from));
  if (pair) use(inst_.b, widened(operand(2), inst_.from));
  inst_.width_a = width(inst_.a);
  const ptx::Operand& to = operand(0);
  const uint32_t slot = to.name == "_" ? sink(64) : register_of(to);
  if (flow_.slots[slot].kind != FlowSlot::Kind::reg || width(slot) < 16 ||
      width(slot) < bits(inst_.type) ||
      (is_float(inst_.type) && bits(inst_.type) > 16 && width(slot) != bits(inst_.type))) {
    fail(to.span, fmt::format("`{}` cannot hold a `.{}`", to.name, row(inst_.type).name));
  }
  inst_.width = width(slot);
  define(inst_.d, slot);
  Exec exec = lanes_.convert(inst_.type, inst_.from, inst_.mod);
  // The short ways take registers of just their types' widths.
  const bool is_short = inst_.mod.rounding == 0 && !inst_.mod.sat && !inst_.mod.ftz &&
                        bits(inst_.type) == 64 && bits(inst_.from) == 32 && !is_float(inst_.type) &&
                        !is_float(inst_.from);
  if (is_short && inst_.width_a != 32) {
    Modifiers other = inst_.mod;
    other.rounding = static_cast<uint8_t>(Rounding::zero_int);
    exec = lanes_.convert(inst_.type, inst_.from, other);
  }
  executor(exec);
}

static Address window(Space space) {
  return space == Space::shared  ? kSharedWindow
         : space == Space::local ? kLocalWindow
         : space == Space::param ? kParamWindow
                                 : 0;
}

/// To the generic address space by adding where the window begins, and back by taking it off.
void Decoder::convert_address() {
  const bool to_space = parts_.take("to");
  std::optional<Space> space = take_space();
  if (!space) fail("`cvta` needs a state space");
  inst_.type = type();
  operands(2, 2);
  if (bits(inst_.type) != 64) fail("addresses are of 64 bits here");
  if (*space == Space::param && !function_->is_kernel) space = Space::local;
  use(inst_.a, source(operand(1), inst_.type));
  define(inst_.d, destination(operand(0), 64));
  const Address begin = window(*space);
  use(inst_.b, constant(to_space ? uint64_t{0} - begin : begin, 64));
  executor(lanes_.integers(Op::add, Type::u64, {}));
}

void Decoder::is_space() {
  const std::optional<Space> space = take_space();
  if (!space) fail("`isspacep` needs a state space");
  inst_.space = *space;
  operands(2, 2);
  use(inst_.a, source(operand(1), Type::u64));
  define(inst_.d, destination(operand(0), 1));
  executor(run::is_space);
}

}  // namespace tenon::runtime::sim
