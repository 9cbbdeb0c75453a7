// Variables and parameters: their sizes, where they lie, what is in them at first.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "runtime/sim/decode.h"

namespace tenon::runtime::sim {

/// Bytes and alignment of a declaration; unsized arrays have none.
static std::pair<uint64_t, uint64_t> extent_of(const ptx::Variable& variable) {
  const std::optional<Type> type = type_named(variable.type.substr(1));
  const uint64_t size = std::max(8u, type ? bits(*type) : 8) / 8;
  const uint64_t align = std::max<uint64_t>(variable.align, size);
  return {variable.is_unsized ? 0 : size * variable.elements, align};
}

static std::optional<Space> variable_space(std::string_view name) {
  if (name == ".global") return Space::global;
  if (name == ".const") return Space::constant;
  if (name == ".shared") return Space::shared;
  if (name == ".local") return Space::local;
  return std::nullopt;
}

void Decoder::declare_variable(const ptx::Variable& variable, bool in_function) {
  const auto [bytes, align] = extent_of(variable);
  if ((align & (align - 1)) != 0 || align > 65536)
    fail(variable.span, fmt::format("an alignment of {} is no power of two up to 65536", align));
  const std::optional<Space> space = variable_space(variable.space);
  Named named{Named::Kind::local, 0, static_cast<uint32_t>(std::min<uint64_t>(bytes, UINT32_MAX))};
  if (in_function && (variable.space == ".param" || space == Space::local)) {
    if (bytes > kMaxLocalBytes)
      fail(variable.span, fmt::format("`{}` does not fit in local memory, {} bytes of a thread",
                                      variable.name, kMaxLocalBytes));
    local_top_ = static_cast<uint32_t>((local_top_ + align - 1) / align * align);
    named.index = local_top_;
    local_top_ += named.bytes;
    if (local_top_ > kMaxLocalBytes)
      fail(variable.span, fmt::format("a thread has {} bytes of local memory", kMaxLocalBytes));
    if (!scopes_.back().names.emplace(variable.name, named).second)
      fail(variable.span, fmt::format("`{}` is declared twice", variable.name));
    return;
  }
  if (!space || *space == Space::local)
    fail(variable.span, fmt::format("`{}` variables stand in functions", variable.space));
  if (bytes > uint64_t{1} << 36)
    fail(variable.span, fmt::format("`{}` has {} bytes", variable.name, bytes));
  if (*space == Space::shared && bytes > (1 << 24))
    fail(variable.span, fmt::format("`{}` does not fit in shared memory", variable.name));
  Variable made;
  made.name = std::string(variable.name);
  made.space = *space;
  made.bytes = bytes;
  made.align = align;
  made.is_extern = variable.linkage == ".extern";
  if (made.is_extern && *space != Space::shared && bytes == 0)
    fail(variable.span, "an external array of unknown size is not done here");
  const auto index = static_cast<uint32_t>(program_.variables.size());
  if (in_function) {
    named = {Named::Kind::variable, index, named.bytes};
    if (!scopes_.back().names.emplace(variable.name, named).second)
      fail(variable.span, fmt::format("`{}` is declared twice", variable.name));
  } else if (!program_.variable_named.emplace(made.name, index).second) {
    fail(variable.span, fmt::format("`{}` is declared twice", variable.name));
  }
  program_.variables.push_back(std::move(made));
}

void Decoder::fill_variable(const ptx::Variable& source) {
  if (source.initial.empty()) return;
  Variable& variable = program_.variables[program_.variable_named.at(std::string(source.name))];
  const std::optional<Type> type = type_named(source.type.substr(1));
  const uint64_t size = std::max(8u, type ? bits(*type) : 8) / 8;
  if (variable.space == Space::shared) fail(source.span, "shared memory has no initial contents");
  if (source.is_unsized) variable.bytes = size * source.initial.size();
  if (size * source.initial.size() > variable.bytes)
    fail(source.span, fmt::format("more initial values than `{}` holds", source.name));
  variable.image.resize(variable.bytes);
  for (size_t i = 0; i < source.initial.size(); ++i) {
    const ptx::Initial& initial = source.initial[i];
    uint64_t value = initial.value.value;
    if (initial.value.kind == ptx::OperandKind::symbol) {
      auto found = program_.variable_named.find(std::string(initial.value.name));
      if (found == program_.variable_named.end() || size != 8) {
        fail(initial.value.span,
             fmt::format("`{}` is no variable whose address fits here", initial.value.name));
      }
      variable.pointers.push_back({i * size, found->second, initial.value.offset});
      continue;
    }
    if (initial.value.kind == ptx::OperandKind::floating && size == 4 && initial.value.wide) {
      double wide;
      std::memcpy(&wide, &value, 8);
      const auto narrow = static_cast<float>(wide);
      uint32_t narrow_bits;
      std::memcpy(&narrow_bits, &narrow, 4);
      value = narrow_bits;
    }
    std::memcpy(variable.image.data() + i * size, &value, std::min<uint64_t>(size, 8));
  }
}

/// Parameters one behind the other, each at its alignment.
void Decoder::lay_out(const ptx::Variables& params, std::vector<Param>& into, uint32_t& at) {
  for (const ptx::Variable& param : params) {
    const auto [bytes, align] = extent_of(param);
    if (bytes > 65536 || align > 65536 || (align & (align - 1)) != 0)
      fail(param.span, fmt::format("parameter `{}` is too large", param.name));
    at = static_cast<uint32_t>((at + align - 1) / align * align);
    into.push_back(
        {std::string(param.name), at, static_cast<uint32_t>(bytes), static_cast<uint32_t>(align)});
    at += static_cast<uint32_t>(bytes);
    if (at > (1 << 20)) fail(param.span, "more than 1 MiB of parameters");
  }
}

}  // namespace tenon::runtime::sim
