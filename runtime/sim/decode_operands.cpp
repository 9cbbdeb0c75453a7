// What operands mean: registers by scope, constants and addresses as places of the frame.
#include <fmt/format.h>

#include <bit>
#include <charconv>

#include "runtime/sim/decode.h"

namespace tenon::runtime::sim {

using ptx::Operand;
using ptx::OperandKind;

namespace {

constexpr uint64_t kMaxRegisters = 1 << 20;  // of a function; compilers number each value anew

uint8_t register_width(Type type) {
  const uint32_t width = bits(type);
  return static_cast<uint8_t>(width == 8 ? 16 : width);
}

}  // namespace

uint32_t Decoder::new_register(uint8_t width) {
  FlowSlot slot;
  slot.width = width;
  flow_.slots.push_back(slot);
  return static_cast<uint32_t>(flow_.slots.size() - 1);
}

void Decoder::declare_registers(const ptx::RegDecl& declaration) {
  const std::optional<Type> type = type_named(declaration.type.substr(1));
  for (const auto& [name, count, span] : declaration.names) {
    if (!type || bits(*type) > 64)
      fail(span, fmt::format("registers of type `{}` are not done here", declaration.type));
    register_count_ += std::max<uint64_t>(count, 1);
    if (count > kMaxRegisters || register_count_ > kMaxRegisters) {
      fail(span, fmt::format("more than {} registers", kMaxRegisters));
    }
    const auto first = static_cast<uint32_t>(flow_.slots.size());
    for (uint64_t i = 0; i < std::max<uint64_t>(count, 1); ++i) {
      flow_.slots[new_register(register_width(*type))].name =
          count == 0 ? std::string(name) : fmt::format("{}{}", name, i);
    }
    Scope& scope = scopes_.back();
    const bool is_new = count == 0 ? scope.registers.emplace(name, first).second
                                   : scope.ranges.emplace(name, std::pair(first, count)).second;
    if (!is_new) fail(span, fmt::format("`{}` is declared twice", name));
  }
}

/// The slot of a register's name; `made` holds it, if it is one of several, name<count>.
const uint32_t* Decoder::find_register(std::string_view name, uint32_t& made) {
  size_t digits = name.size();
  while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9') --digits;
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (auto found = scope->registers.find(name); found != scope->registers.end())
      return &found->second;
    if (digits == name.size()) continue;
    auto range = scope->ranges.find(name.substr(0, digits));
    if (range == scope->ranges.end()) continue;
    uint64_t index = 0;
    const auto [end, error] = std::from_chars(name.begin() + digits, name.end(), index);
    if (error != std::errc() || index >= range->second.second) continue;
    made = range->second.first + static_cast<uint32_t>(index);
    return &made;
  }
  return nullptr;
}

std::optional<Named> Decoder::find_name(std::string_view name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (auto found = scope->names.find(name); found != scope->names.end()) return found->second;
  }
  if (auto found = program_.variable_named.find(std::string(name));
      found != program_.variable_named.end()) {
    return Named{Named::Kind::variable, found->second, 0};
  }
  return std::nullopt;
}

uint32_t Decoder::constant(uint64_t value, uint8_t width) {
  if (width < 64) value &= (uint64_t{1} << width) - 1;
  const auto [found, is_new] =
      constants_.emplace(std::pair(value, width), static_cast<uint32_t>(flow_.slots.size()));
  if (is_new) {
    FlowSlot slot;
    slot.kind = FlowSlot::Kind::constant;
    slot.width = width;
    slot.value = value;
    flow_.slots.push_back(slot);
  }
  return found->second;
}

/// The address of a variable, parameter or local variable, in its own space.
uint32_t Decoder::symbol(const Operand& operand, uint8_t width) {
  if (operand.name == "WARP_SZ") return constant(kLanes + operand.offset, width);
  const std::optional<Named> named = find_name(operand.name);
  if (!named) {
    const bool is_function = program_.function_named.contains(std::string(operand.name));
    fail(operand.span,
         is_function
             ? fmt::format("the address of a function, `{}`, is not done here", operand.name)
             : fmt::format("`{}` is not declared", operand.name));
  }
  if (width < 32) fail(operand.span, "an address has 32 or 64 bits");
  if (named->kind == Named::Kind::param) return constant(named->index + operand.offset, width);
  const uint32_t key = named->index * 2 + (named->kind == Named::Kind::local);
  const auto [found, is_new] = symbols_.emplace(std::tuple(key, operand.offset, width),
                                                static_cast<uint32_t>(flow_.slots.size()));
  if (is_new) {
    FlowSlot slot;
    slot.width = width;
    slot.offset = operand.offset;
    if (named->kind == Named::Kind::local) {
      slot.kind = FlowSlot::Kind::local;
      slot.offset += named->index;
    } else {
      slot.kind = FlowSlot::Kind::address;
      slot.variable = named->index;
      if (program_.variables[named->index].space == Space::shared)
        function_->shared.push_back(named->index);
    }
    flow_.slots.push_back(slot);
  }
  return found->second;
}

uint32_t Decoder::sink(uint8_t width) {
  return new_register(width);
}

uint32_t Decoder::register_of(const Operand& operand) {
  uint32_t made;
  if (operand.kind == OperandKind::reg || operand.kind == OperandKind::symbol) {
    if (const uint32_t* found = find_register(operand.name, made)) return *found;
  }
  if (operand.kind != OperandKind::reg) fail(operand.span, "a register is needed here");
  static const auto* const specials = [] {
    auto* map = new std::unordered_map<std::string_view, std::pair<Special, uint8_t>>;
#define SPECIAL(name, text, width) map->emplace(text, std::pair(Special::name, width));
#include "runtime/sim/specials.def"
    return map;
  }();
  auto special = specials->find(operand.name);
  if (special == specials->end())
    fail(operand.span, fmt::format("register `{}` is not declared", operand.name));
  const auto [found, is_new] =
      specials_.emplace(special->first, static_cast<uint32_t>(flow_.slots.size()));
  if (is_new) {
    FlowSlot slot;
    slot.kind = FlowSlot::Kind::special;
    slot.width = special->second.second;
    slot.special = special->second.first;
    flow_.slots.push_back(slot);
  }
  return found->second;
}

/// A value to read, of exactly the type's width.
uint32_t Decoder::source(const Operand& operand, Type type) {
  const uint8_t wanted = register_width(type);
  if (operand.negated && type != Type::pred)
    fail(operand.span, "`!` stands before predicates only");
  switch (operand.kind) {
    case OperandKind::integer:
      if (type == Type::pred) return constant(operand.value != 0, 1);
      if (type == Type::f32)
        return constant(
            std::bit_cast<uint32_t>(static_cast<float>(static_cast<int64_t>(operand.value))), 32);
      if (type == Type::f64)
        return constant(
            std::bit_cast<uint64_t>(static_cast<double>(static_cast<int64_t>(operand.value))), 64);
      return constant(operand.value, wanted);
    case OperandKind::floating: {
      uint64_t value = operand.value;
      if (wanted == 32 && operand.wide)
        value = std::bit_cast<uint32_t>(static_cast<float>(std::bit_cast<double>(value)));
      if (wanted == 64 && !operand.wide) {
        value = std::bit_cast<uint64_t>(
            static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(value))));
      }
      if (wanted < 32) fail(operand.span, "a float of 32 or 64 bits in an instruction on fewer");
      return constant(value, wanted);
    }
    case OperandKind::reg: break;
    case OperandKind::symbol: {
      uint32_t made;
      if (find_register(operand.name, made) == nullptr) return symbol(operand, wanted);
      break;
    }
    default: fail(operand.span, "a register or a constant is needed here");
  }
  const uint32_t slot = register_of(operand);
  if (width(slot) != wanted) {
    fail(operand.span, fmt::format("`{}` has {} bits, but `.{}` needs {}", operand.name,
                                   width(slot), row(type).name, wanted));
  }
  return slot;
}

uint32_t Decoder::destination(const Operand& operand, uint8_t wanted) {
  if (operand.kind == OperandKind::symbol && operand.name == "_") return sink(wanted);
  const uint32_t slot = register_of(operand);
  if (flow_.slots[slot].kind != FlowSlot::Kind::reg)
    fail(operand.span, fmt::format("`{}` cannot be written", operand.name));
  if (width(slot) != wanted) {
    fail(operand.span,
         fmt::format("`{}` has {} bits, but the result has {}", operand.name, width(slot), wanted));
  }
  return slot;
}

/// A predicate to read; `!p` is made a flag of the instruction.
uint32_t Decoder::predicate(const Operand& operand) {
  inst_.mod.negated = operand.negated;
  if (operand.kind == OperandKind::integer) return constant(operand.value != 0, 1);
  const uint32_t slot = register_of(operand);
  if (width(slot) != 1) fail(operand.span, fmt::format("`{}` is no predicate", operand.name));
  return slot;
}

void Decoder::use(uint32_t& field, uint32_t slot) {
  field = slot;
  refs_.uses.push_back(slot);
}
void Decoder::define(uint32_t& field, uint32_t slot) {
  field = slot;
  refs_.defs.push_back(slot);
}
void Decoder::list_use(uint32_t slot) {
  program_.lists.push_back(slot);
  refs_.uses.push_back(slot);
  ++inst_.list_size;
}
void Decoder::list_define(uint32_t slot) {
  program_.lists.push_back(slot);
  refs_.defs.push_back(slot);
  ++inst_.list_size;
}

/// [base + offset] into a and offset.
void Decoder::address(const Operand& operand) {
  if (operand.kind != OperandKind::address)
    fail(operand.span, "an address in brackets is needed here");
  inst_.offset = operand.offset;
  inst_.mod.wide_address = true;
  if (operand.parts.empty()) return use(inst_.a, constant(0, 64));
  const Operand& base = operand.parts[0];
  uint32_t made;
  if (base.kind == OperandKind::symbol && find_register(base.name, made) == nullptr)
    return use(inst_.a, symbol(base, 64));
  const uint32_t slot = register_of(base);
  if (width(slot) < 32)
    fail(base.span,
         fmt::format("`{}` has {} bits, an address has 32 or 64", base.name, width(slot)));
  inst_.mod.wide_address = width(slot) == 64;
  use(inst_.a, slot);
}

/// Parameters of device functions, and those of calls, lie in local memory.
Space Decoder::space_of(const Operand& address, Space said) {
  if (said != Space::param || address.parts.empty()) return said;
  const Operand& base = address.parts[0];
  const std::optional<Named> named =
      base.kind == OperandKind::symbol ? find_name(base.name) : std::nullopt;
  if (named) return named->kind == Named::Kind::local ? Space::local : said;
  return function_->is_kernel ? said : Space::local;
}

}  // namespace tenon::runtime::sim
