// Loads, stores, atomics, asynchronous copies: their modifiers and operands.
#include <fmt/format.h>

#include "runtime/sim/decode.h"

namespace tenon::runtime::sim {

using ptx::OperandKind;

std::optional<Space> Decoder::take_space() {
  static constexpr std::pair<std::string_view, Space> kNames[] = {
      {"global", Space::global},      {"const", Space::constant},    {"shared", Space::shared},
      {"shared::cta", Space::shared}, {"local", Space::local},       {"param", Space::param},
      {"param::entry", Space::param}, {"param::func", Space::param}, {"generic", Space::generic}};
  for (const auto& [name, space] : kNames) {
    if (parts_.take(name)) return space;
  }
  return std::nullopt;
}

/// What promises or asks something of caches or other threads changes nothing here.
void Decoder::take_cache_hints() {
  static constexpr std::string_view kHints[] = {"weak",
                                                "relaxed",
                                                "acquire",
                                                "release",
                                                "acq_rel",
                                                "mmio",
                                                "cta",
                                                "cluster",
                                                "gpu",
                                                "sys",
                                                "ca",
                                                "cg",
                                                "cs",
                                                "lu",
                                                "cv",
                                                "wb",
                                                "wt",
                                                "nc",
                                                "L1::evict_normal",
                                                "L1::evict_unchanged",
                                                "L1::evict_first",
                                                "L1::evict_last",
                                                "L1::no_allocate",
                                                "L2::64B",
                                                "L2::128B",
                                                "L2::256B",
                                                "L2::evict_last",
                                                "L2::evict_normal",
                                                "L2::evict_first",
                                                "unified",
                                                "noftz"};
  inst_.mod.volatile_ = parts_.take("volatile");
  for (const std::string_view hint : kHints) {
    if (parts_.take(hint) && (hint == "relaxed" || hint == "acquire" || hint == "release"))
      inst_.mod.volatile_ = true;
  }
}

static Type plain_memory_type(Type type) {
  switch (type) {
    case Type::f16:
    case Type::bf16: return Type::b16;
    case Type::f32:
    case Type::f16x2:
    case Type::bf16x2:
    case Type::tf32: return Type::b32;
    case Type::f64: return Type::b64;
    default: return type;
  }
}

void Decoder::load() {
  const std::optional<Space> space = take_space();
  take_cache_hints();
  const int vector = parts_.take_one_of({"v2", "v4", "v8"});
  inst_.type = plain_memory_type(type());
  if (inst_.type == Type::pred || bits(inst_.type) > 64)
    fail(fmt::format("`{}` is not done here", instruction_->opcode));
  inst_.count = static_cast<uint8_t>(vector < 0 ? 1 : 2 << vector);
  operands(2, 2);
  address(operand(1));
  inst_.space = space_of(operand(1), space.value_or(Space::generic));
  inst_.list = static_cast<uint32_t>(program_.lists.size());
  const ptx::Operand& to = operand(0);
  if ((to.kind == OperandKind::vector) != (vector >= 0) ||
      (vector >= 0 && to.parts.size() != inst_.count)) {
    fail(to.span, fmt::format("{} registers are needed here", inst_.count));
  }
  inst_.width = 0;
  for (size_t i = 0; i < inst_.count; ++i) {
    const ptx::Operand& part = vector >= 0 ? to.parts[i] : to;
    if (part.name == "_") continue;
    const uint32_t slot = register_of(part);
    if (width(slot) < 16 || width(slot) < bits(inst_.type) ||
        flow_.slots[slot].kind != FlowSlot::Kind::reg ||
        (inst_.width && inst_.width != width(slot))) {
      fail(part.span, fmt::format("`{}` cannot hold a `.{}`", part.name, row(inst_.type).name));
    }
    inst_.width = width(slot);
  }
  if (inst_.width == 0) inst_.width = static_cast<uint8_t>(std::max(16u, bits(inst_.type)));
  for (size_t i = 0; i < inst_.count; ++i)
    list_define(destination(vector >= 0 ? to.parts[i] : to, inst_.width));
  executor(inst_.space == Space::param ? run::load_param : run::load(inst_.space));
}

void Decoder::store() {
  const std::optional<Space> space = take_space();
  take_cache_hints();
  const int vector = parts_.take_one_of({"v2", "v4", "v8"});
  inst_.type = plain_memory_type(type());
  if (inst_.type == Type::pred || bits(inst_.type) > 64)
    fail(fmt::format("`{}` is not done here", instruction_->opcode));
  inst_.count = static_cast<uint8_t>(vector < 0 ? 1 : 2 << vector);
  operands(2, 2);
  address(operand(0));
  inst_.space = space_of(operand(0), space.value_or(Space::generic));
  if (inst_.space == Space::constant) fail("constant memory is not written");
  if (inst_.space == Space::param) fail("the parameters of a kernel are not written");
  inst_.list = static_cast<uint32_t>(program_.lists.size());
  const ptx::Operand& from = operand(1);
  if ((from.kind == OperandKind::vector) != (vector >= 0) ||
      (vector >= 0 && from.parts.size() != inst_.count)) {
    fail(from.span, fmt::format("{} registers are needed here", inst_.count));
  }
  inst_.width = 0;
  std::vector<uint32_t> slots;
  for (size_t i = 0; i < inst_.count; ++i) {
    const ptx::Operand& part = vector >= 0 ? from.parts[i] : from;
    uint32_t made;
    const bool is_register = part.kind == OperandKind::reg ||
                             (part.kind == OperandKind::symbol && find_register(part.name, made));
    if (!is_register) {
      slots.push_back(kNone);
      continue;
    }
    slots.push_back(register_of(part));
    const uint8_t wide = width(slots.back());
    if (wide < 16 || wide < bits(inst_.type) || (inst_.width && inst_.width != wide)) {
      fail(part.span, fmt::format("`{}` does not hold a `.{}`", part.name, row(inst_.type).name));
    }
    inst_.width = wide;
  }
  if (inst_.width == 0) inst_.width = static_cast<uint8_t>(std::max(16u, bits(inst_.type)));
  for (size_t i = 0; i < inst_.count; ++i) {
    if (slots[i] != kNone) {
      list_use(slots[i]);
      continue;
    }
    const Type type = inst_.width == 64 ? Type::b64 : inst_.width == 32 ? Type::b32 : Type::b16;
    list_use(source(vector >= 0 ? from.parts[i] : from, type));
  }
  executor(run::store(inst_.space));
}

void Decoder::atomic() {
  const std::optional<Space> space = take_space();
  take_cache_hints();
  const int what =
      parts_.take_one_of({"add", "min", "max", "inc", "dec", "and", "or", "xor", "exch", "cas"});
  if (what < 0) fail(fmt::format("`{}` needs an operation", parts_.root()));
  inst_.mod.what = static_cast<uint8_t>(what);
  inst_.type = type();
  const bool gives = inst_.op == Op::atom, swaps = static_cast<Atomic>(what) == Atomic::cas;
  const size_t count = size_t{2} + gives + swaps;
  operands(count, count);
  inst_.space = space.value_or(Space::generic);
  if (inst_.space != Space::generic && inst_.space != Space::global && inst_.space != Space::shared)
    fail("atomics are on global and shared memory");
  if (bits(inst_.type) < 16 || bits(inst_.type) > 64)
    fail(fmt::format("`{}` is not done here", instruction_->opcode));
  const bool counts =
      static_cast<Atomic>(what) == Atomic::inc || static_cast<Atomic>(what) == Atomic::dec;
  const bool bitwise = static_cast<Atomic>(what) >= Atomic::and_;
  if ((counts && inst_.type != Type::u32) || (bitwise && is_float(inst_.type)) ||
      (bits(inst_.type) == 16 && !is_float(inst_.type) && !swaps)) {
    fail(fmt::format("`{}` is not done here", instruction_->opcode));
  }
  address(operand(gives));
  use(inst_.b, source(operand(gives + 1), inst_.type));
  if (swaps) use(inst_.c, source(operand(gives + 2), inst_.type));
  inst_.width = static_cast<uint8_t>(bits(inst_.type));
  inst_.mod.uniform = gives;  // whether the old value is wanted
  if (gives) define(inst_.d, destination(operand(0), inst_.width));
  executor(run::atomic);
}

void Decoder::copy_async() {
  if (!parts_.take("async")) fail("of `cp` only `cp.async` is done here");
  if (parts_.take("commit_group")) return operands(0, 0), executor(run::copy_commit);
  if (parts_.take("mbarrier")) fail("`cp.async.mbarrier.arrive` is not done here");
  const bool group = parts_.take("wait_group"), all = parts_.take("wait_all");
  if (group || all) {
    operands(group, group);
    if (group && operand(0).kind != OperandKind::integer)
      fail("the number of groups must be a constant");
    inst_.offset = group ? static_cast<int64_t>(operand(0).value) : 0;
    inst_.mod.uniform = all;
    return executor(run::copy_wait);
  }
  if (parts_.take("bulk")) fail("`cp.async.bulk` is not done here");
  if (parts_.take_one_of({"ca", "cg"}) < 0) fail("`cp.async` needs `.ca` or `.cg`");
  if (parts_.take("shared") || parts_.take("shared::cta")) parts_.take("global");
  take_cache_hints();
  operands(3, 4);
  address(operand(1));
  const bool wide_from = inst_.mod.wide_address;
  const int64_t from_offset = inst_.offset;
  const uint32_t from = inst_.a;
  if (!wide_from) fail(operand(1).span, "an address in global memory has 64 bits");
  address(operand(0));
  inst_.b = from;
  if (operand(2).kind != OperandKind::integer ||
      (operand(2).value != 4 && operand(2).value != 8 && operand(2).value != 16)) {
    fail(operand(2).span, "`cp.async` copies 4, 8 or 16 bytes");
  }
  inst_.count = static_cast<uint8_t>(operand(2).value);
  inst_.c = kNone;
  if (instruction_->operands.size() == 4) use(inst_.c, source(operand(3), Type::u32));
  inst_.list = static_cast<uint32_t>(program_.lists.size());
  program_.lists.push_back(static_cast<uint32_t>(from_offset));
  program_.lists.push_back(static_cast<uint32_t>(static_cast<uint64_t>(from_offset) >> 32));
  executor(run::copy_async);
}

void Decoder::mbarrier() {
  parts_.take("release"), parts_.take("acquire"), parts_.take("relaxed");
  using K = MBarrierKind;
  K kind;
  if (parts_.take("init"))
    kind = K::init;
  else if (parts_.take("inval"))
    kind = K::inval;
  else if (parts_.take("expect_tx"))
    kind = parts_.take("arrive") ? K::arrive_expect : K::expect;
  else if (parts_.take("arrive"))
    kind = K::arrive;
  else if (parts_.take("test_wait"))
    kind = parts_.take("parity") ? K::test_parity : K::test_wait;
  else if (parts_.take("try_wait"))
    kind = parts_.take("parity") ? K::try_parity : K::try_wait;
  else
    fail("this form of `mbarrier` is not done here");
  if (parts_.take("noComplete") || parts_.take("drop"))
    fail("this form of `mbarrier` is not done here");
  inst_.space = take_space().value_or(Space::generic);
  take_cache_hints();
  if (parts_.take_type() != Type::b64) fail("`mbarrier` objects are `.b64`");
  inst_.mod.what = static_cast<uint8_t>(kind);
  inst_.b = inst_.d = kNone;
  const bool tests = kind == K::test_wait || kind == K::test_parity || kind == K::try_wait ||
                     kind == K::try_parity;
  const bool arrives = kind == K::arrive || kind == K::arrive_expect;
  const bool is_state = kind == K::test_wait || kind == K::try_wait;
  const size_t at = tests || (arrives && !(instruction_->operands.empty()) &&
                              operand(0).kind != OperandKind::address)
                        ? 1
                        : 0;
  operands(at + 1, at + 3);
  address(operand(at));
  if (instruction_->operands.size() > at + 1)
    use(inst_.b, source(operand(at + 1), is_state ? Type::b64 : Type::b32));
  else if (kind == K::init || kind == K::expect || tests || kind == K::arrive_expect)
    fail("`mbarrier` needs a count or a phase here");
  if (at == 1) define(inst_.d, destination(operand(0), tests ? 1 : 64));
  executor(run::mbarrier);
}

void Decoder::load_matrix() {
  parts_.take("sync"), parts_.take("aligned");
  if (!parts_.take("m8n8")) fail("of `ldmatrix` only `.m8n8` is done here");
  const int count = parts_.take_one_of({"x1", "x2", "x4"});
  inst_.mod.transposed = parts_.take("trans");
  inst_.space = take_space().value_or(Space::generic);
  if (count < 0 || parts_.take_type() != Type::b16)
    fail("`ldmatrix` needs `.x1`, `.x2` or `.x4` and `.b16`");
  inst_.type = Type::b16;
  inst_.count = static_cast<uint8_t>(1 << count);
  operands(2, 2);
  address(operand(1));
  const ptx::Operand& to = operand(0);
  const bool is_vector = to.kind == OperandKind::vector;
  if ((is_vector ? to.parts.size() : 1) != inst_.count)
    fail(to.span, fmt::format("{} registers are needed here", inst_.count));
  inst_.list = static_cast<uint32_t>(program_.lists.size());
  for (size_t i = 0; i < inst_.count; ++i)
    list_define(destination(is_vector ? to.parts[i] : to, 32));
  executor(run::load_matrix);
}

void Decoder::store_matrix() {
  parts_.take("sync"), parts_.take("aligned");
  if (!parts_.take("m8n8")) fail("of `stmatrix` only `.m8n8` is done here");
  const int count = parts_.take_one_of({"x1", "x2", "x4"});
  inst_.mod.transposed = parts_.take("trans");
  inst_.space = take_space().value_or(Space::generic);
  if (count < 0 || parts_.take_type() != Type::b16)
    fail("`stmatrix` needs `.x1`, `.x2` or `.x4` and `.b16`");
  inst_.type = Type::b16;
  inst_.count = static_cast<uint8_t>(1 << count);
  operands(2, 2);
  address(operand(0));
  const ptx::Operand& from = operand(1);
  const bool is_vector = from.kind == OperandKind::vector;
  if ((is_vector ? from.parts.size() : 1) != inst_.count)
    fail(from.span, fmt::format("{} registers are needed here", inst_.count));
  inst_.list = static_cast<uint32_t>(program_.lists.size());
  for (size_t i = 0; i < inst_.count; ++i)
    list_use(source(is_vector ? from.parts[i] : from, Type::b32));
  executor(run::store_matrix);
}

}  // namespace tenon::runtime::sim
