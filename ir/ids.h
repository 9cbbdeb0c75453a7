// Typed 32-bit handles: an instruction, a value, a block are numbers into arenas of their function,
// which no other kind of number converts to by mistake.
#pragma once
#include <compare>
#include <cstdint>
#include <functional>

namespace tenon::ir {

template <class Tag>
struct Id {
  static constexpr uint32_t kNone = 0xffffffff;
  uint32_t index = kNone;

  explicit operator bool() const { return index != kNone; }
  auto operator<=>(const Id&) const = default;
};

using TypeId = Id<struct TypeTag>;    ///< into Types
using FuncId = Id<struct FuncTag>;    ///< into Module::functions
using ValueId = Id<struct ValueTag>;  ///< into Function::values
using BlockId = Id<struct BlockTag>;  ///< into Function::blocks
using ExprId = Id<struct ExprTag>;    ///< into Exprs

}  // namespace tenon::ir

template <class Tag>
struct std::hash<tenon::ir::Id<Tag>> {
  size_t operator()(tenon::ir::Id<Tag> id) const { return std::hash<uint32_t>()(id.index); }
};
