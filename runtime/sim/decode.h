// From the tree to the program: names become places, opcodes executors. A function is decoded
// statement by statement; then flow.h finds where parted lanes meet and packs its registers.
#pragma once
#include <map>

#include "runtime/sim/flow.h"
#include "runtime/sim/lanes.h"
#include "runtime/sim/machine.h"
#include "runtime/sim/ptx_tree.h"

namespace tenon::runtime::sim {

/// Reads PTX into a program. Throws PtxError.
std::shared_ptr<const Program> decode(std::string_view ptx, const std::string& file);

/// The modifiers of an opcode, which are taken off one by one; one that nobody takes is an error.
class OpcodeParts {
 public:
  explicit OpcodeParts(std::string_view opcode);
  std::string_view root() const { return root_; }
  bool take(std::string_view part);
  /// The first modifier that is a type, or nothing.
  std::optional<Type> take_type();
  /// Any of these; its index, or -1.
  int take_one_of(std::initializer_list<std::string_view> parts);
  std::string_view left() const { return parts_.empty() ? std::string_view() : parts_.front(); }

 private:
  std::string_view root_;
  std::vector<std::string_view> parts_;
};

/// Where a name of a function leads.
struct Named {
  enum class Kind : uint8_t { variable, local, param } kind;
  uint32_t index =
      0;  ///< of a variable: its number; else the offset in local memory or among the parameters
  uint32_t bytes = 0;
};

class Decoder {
 public:
  Decoder(Program& program, std::string_view text, const std::string& file);
  void decode_module(const ptx::Tree& tree);

 private:
  // decode_variables.cpp
  void declare_variable(const ptx::Variable& variable, bool in_function);
  void fill_variable(const ptx::Variable& variable);
  // decode.cpp: functions and statements
  void declare_function(const ptx::Function& function);
  void decode_function(const ptx::Function& function, uint32_t index);
  void lay_out(const ptx::Variables& params, std::vector<Param>& into, uint32_t& at);
  void decode_statement(const ptx::Statement& statement);
  void decode_instruction(const ptx::Instruction& instruction);
  void finish_function();

  // decode_operands.cpp: what operands mean
  uint32_t new_register(uint8_t width);
  void declare_registers(const ptx::RegDecl& declaration);
  const uint32_t* find_register(std::string_view name, uint32_t& made);
  std::optional<Named> find_name(std::string_view name) const;
  uint32_t constant(uint64_t value, uint8_t width);
  uint32_t symbol(const ptx::Operand& operand, uint8_t width);
  uint32_t register_of(const ptx::Operand& operand);        ///< of any width; sinks are made up
  uint32_t source(const ptx::Operand& operand, Type type);  ///< exactly that type's width
  uint32_t destination(const ptx::Operand& operand, uint8_t width);
  uint32_t predicate(const ptx::Operand& operand);
  uint32_t sink(uint8_t width);
  uint8_t width(uint32_t slot) const { return flow_.slots[slot].width; }
  void use(uint32_t& field, uint32_t slot);
  void define(uint32_t& field, uint32_t slot);
  void list_use(uint32_t slot);
  void list_define(uint32_t slot);
  void address(const ptx::Operand& operand);
  Space space_of(const ptx::Operand& address, Space said);

  // decode_*.cpp: a member for each row's decoder in ptx_ops.def
  void arithmetic();
  void multiply();
  void bit_insert();
  void logic3();
  void permute();
  void funnel();
  void dot4();
  void test();
  void compare();
  void compare_set();
  void select();
  void select_sign();
  void move();
  void convert();
  void convert_address();
  void is_space();
  void load();
  void store();
  void atomic();
  void copy_async();
  void mbarrier();
  void shuffle();
  void vote();
  void match();
  void reduce();
  void active_mask();
  void elect();
  void load_matrix();
  void store_matrix();
  void matrix();
  void barrier();
  void fence();
  void branch();
  void branch_table();
  void call();
  void leave();
  void trap();
  void nothing();

  // What decoders share.
  void rounding();
  Type type();                               ///< the next type, or an error
  void operands(size_t least, size_t most);  ///< checks how many there are
  const ptx::Operand& operand(size_t index) const { return instruction_->operands[index]; }
  void three_sources(size_t count);  ///< operands 1 … count into a, b, c by inst_.type
  std::optional<Space> take_space();
  void take_cache_hints();
  [[noreturn]] void fail(ptx::Span span, const std::string& reason) const;
  [[noreturn]] void fail(const std::string& reason) const { fail(instruction_->span, reason); }
  void executor(Exec exec);  ///< or an error, if it is null

  Program& program_;
  std::string_view text_;
  std::string file_;
  const Lanes& lanes_;
  std::map<uint64_t, uint32_t> files_;

  // The function at hand.
  Function* function_ = nullptr;
  FunctionFlow flow_;
  struct Scope {
    std::unordered_map<std::string_view, uint32_t> registers;
    std::unordered_map<std::string_view, std::pair<uint32_t, uint64_t>> ranges;  // first, count
    std::unordered_map<std::string_view, Named> names;
    std::unordered_map<std::string_view, uint32_t> labels;  // to label numbers
    std::unordered_map<std::string_view, std::vector<uint32_t>> tables;
  };
  std::vector<Scope> scopes_;
  std::map<std::pair<uint64_t, uint8_t>, uint32_t> constants_;
  std::unordered_map<std::string_view, uint32_t> specials_;
  std::map<std::tuple<uint32_t, int64_t, uint8_t>, uint32_t> symbols_;
  struct LabelState {
    uint32_t at = kNone;
    std::string_view name;
    ptx::Span span;
  };
  std::vector<LabelState> labels_;
  uint32_t label_number(std::string_view name, ptx::Span span);
  uint32_t local_top_ = 0;
  Site location_;
  uint64_t register_count_ = 0;

  // The instruction at hand.
  const ptx::Instruction* instruction_ = nullptr;
  OpcodeParts parts_{""};
  Inst inst_;
  InstRefs refs_;
};

// Executors outside of the lane loops, by the file that has them.
namespace run {
// moves.cpp
Exec select(uint8_t width), copy(uint8_t width);
extern const Exec select_sign, pack_vector, unpack_vector, bit_insert32, bit_insert64, logic3,
    permute, funnel, dot4, test_float, clock, is_space;
// memory_*.cpp
Exec load(Space space), store(Space space);
extern const Exec load_param, atomic, copy_async, copy_commit, copy_wait, load_matrix, store_matrix;
// warp_ops.cpp
extern const Exec shuffle, vote, match, reduce, active_mask, elect;
// sync.cpp
extern const Exec barrier, warp_barrier, fence, mbarrier;
// control.cpp
extern const Exec branch, branch_table, call, leave, trap, nothing, refused_call;
}  // namespace run

// Modifiers::what of those.
enum class Atomic : uint8_t { add, min, max, inc, dec, and_, or_, xor_, exch, cas };
enum class Shuffle : uint8_t { up, down, bfly, idx };
enum class Vote : uint8_t { all, any, uni, ballot };
enum class BarrierKind : uint8_t { sync, arrive, red_and, red_or, red_popc };
enum class MBarrierKind : uint8_t {
  init,
  inval,
  arrive,
  arrive_expect,
  expect,
  test_wait,
  test_parity,
  try_wait,
  try_parity,
  copies_arrive
};
enum class FloatTest : uint8_t { finite, infinite, number, notanumber, normal, subnormal };
enum class Permute : uint8_t { index, f4e, b4e, rc8, ecl, ecr, rc16 };

}  // namespace tenon::runtime::sim
