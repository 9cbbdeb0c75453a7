// PTX as it is written: what the parser makes and decode.h reads. Names are views into the text.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tenon::runtime::sim::ptx {

/// Where a token or a construct lies in the text; lines count from 1.
struct Span {
  uint32_t begin = 0, end = 0, line = 1;
};

enum class OperandKind : uint8_t {
  reg,       ///< %r1, %tid.x
  integer,   ///< value: its 64 bits
  floating,  ///< value: the bits, of 32 or 64 (wide)
  symbol,    ///< a variable, label, parameter or function, plus offset
  address,   ///< [%rd1 + 8], [name + 8], [16]: parts[0] is the base, if there is one
  vector,    ///< {a, b}
  pair,      ///< %p1|%p2
  tuple,     ///< (a, b), of calls
};

struct Operand {
  OperandKind kind = OperandKind::integer;
  bool negated = false;  ///< !%p
  bool wide = false;     ///< of a floating: 64 bits, written 0d… or in decimals
  std::string_view name;
  uint64_t value = 0;
  int64_t offset = 0;
  std::vector<Operand> parts;
  Span span;
};
using Operands = std::vector<Operand>;

struct Guard {
  std::string_view name;  ///< empty: none
  bool negated = false;
};

struct Instruction {
  Guard guard;
  std::string_view opcode;  ///< with its modifiers: ld.global.v4.f32
  Operands operands;
  Span span;
};

/// A register or several: name, or name0 … name(count-1) for name<count>.
struct RegDecl {
  std::string_view type;
  struct Name {
    std::string_view name;
    uint64_t count;  ///< 0: one, with exactly that name
    Span span;
  };
  std::vector<Name> names;
};

/// An element of an initializer: a number, or the address of a symbol.
struct Initial {
  Operand value;
  bool generic = false;  ///< generic(name): in the generic address space
};

struct Variable {
  std::string_view space, type, name, linkage;
  uint64_t align = 0;  ///< 0: that of the type
  bool is_array = false;
  bool is_unsized = false;  ///< name[]
  uint64_t elements = 1;
  std::vector<Initial> initial;
  Span span;
};
using Variables = std::vector<Variable>;

struct Label {
  std::string_view name;
  Span span;
};
struct Loc {
  uint64_t file, line, column;
};
struct ScopeBegin {};
struct ScopeEnd {};
/// name: .branchtargets a, b;
struct BranchTargets {
  std::string_view name;
  Operands labels;
};

using Statement =
    std::variant<Instruction, RegDecl, Variable, Label, Loc, ScopeBegin, ScopeEnd, BranchTargets>;
using Statements = std::vector<Statement>;

struct Bound {
  std::string_view name;  ///< .maxntid, …
  std::vector<uint64_t> values;
};

struct Function {
  bool is_kernel = false, has_body = false;
  std::string_view name, linkage;
  Variables results, params;
  std::vector<Bound> bounds;
  Statements body;
  Span span;
};

struct File {
  uint64_t index;
  std::string_view name;
};

struct Tree {
  std::string_view version, target;
  std::vector<File> files;
  Variables variables;
  std::vector<Function> functions;
};

}  // namespace tenon::runtime::sim::ptx
