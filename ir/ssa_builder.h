// SSA construction on the fly: Braun et al., "Simple and Efficient Construction of Static Single
// Assignment Form" (CC 2013), with block parameters for phi functions.
//
// Lowering writes and reads source variables per block; the builder finds the value that reaches, and
// makes a block parameter where several may. A block is sealed once all its predecessors are known;
// until then every variable read in it gets a parameter, to be filled in later. Two differences from
// the paper: the search runs with an explicit stack; and where it is known what all ways to a block
// come from, it skips what lies between if the variable was not written there, as otherwise each of v
// variables would get a parameter at each of n joins. Parameters that still turn out to be trivial go
// at the end, all together.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/ir.h"

namespace tenon::ir {

class SsaBuilder {
 public:
  using Variable = uint32_t;

  explicit SsaBuilder(Function& function) : function_(function) {}

  Variable add_variable(TypeId type, std::string name);
  void write(Variable variable, BlockId block, ValueId value);
  /// The value of `variable` at the end of what `block` holds so far. It must have been written on
  /// every path to here.
  ValueId read(Variable variable, BlockId block);

  /// The terminators, as only they make predecessors. A branch's targets are blocks of their own,
  /// with no other predecessor, so that code can be put on each of its edges.
  void jump(BlockId from, BlockId to, Span span);
  void branch(BlockId from, ValueId condition, BlockId then, BlockId otherwise, Span span);
  /// No more predecessors will come.
  void seal(BlockId block);
  /// The end of `block` as it is now.
  struct Moment { BlockId block; size_t time = 0; };
  Moment now(BlockId block) const { return {block, writes_}; }
  /// No more predecessors will come, and all that did come from `before`.
  void seal(BlockId block, Moment before);

  /// Every use of `from` is to become one of `to`.
  void forward(ValueId from, ValueId to);
  /// Drops trivial parameters and carries out what forward() asked for.
  void finish();

 private:
  struct VariableInfo { TypeId type; std::string name; std::vector<size_t> written_at; };
  struct Predecessor { BlockId from; size_t edge; };
  struct Parameter { Variable variable; BlockId block; size_t index; };
  struct BlockInfo {
    std::vector<Predecessor> predecessors;
    std::vector<Parameter> incomplete;  ///< parameters made before it was sealed
    std::unordered_map<Variable, ValueId> values;
    bool sealed = false;
    Moment before;        ///< what all ways come from, if that is known
    size_t until = 0;     ///< when it was sealed
  };

  BlockInfo& info(BlockId block);
  ValueId find(Variable variable, BlockId block);
  bool is_written_before(const BlockInfo& block, Variable variable) const;
  ValueId add_parameter(Variable variable, BlockId block);
  void fill_parameters();
  std::vector<ValueId>& edge_args(const Predecessor& predecessor);
  ValueId resolve(ValueId value);
  bool remove_trivial(BlockId block);

  Function& function_;
  std::vector<VariableInfo> variables_;
  std::vector<BlockInfo> blocks_;
  std::vector<Parameter> to_fill_;
  size_t writes_ = 0;  ///< so far: this is the time
  std::unordered_map<ValueId, ValueId> forwards_;
};

}  // namespace tenon::ir
