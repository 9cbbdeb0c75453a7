// Value numbers: which values of a function are surely equal, whichever way control takes.
//
// Two values are congruent if they are computed by the same operation from congruent values; block
// parameters of one block are if what each edge passes to them is. The largest such relation is
// found by assuming that all are and taking back what is contradicted: so two loop variables that
// start equal and step equally are found equal, though each is defined by itself. This is the "RPO"
// algorithm of Simpson, "Value-Driven Redundancy Elimination" (thesis, Rice 1996), chapter 4; the
// relation goes back to Alpern, Wegman and Zadeck (POPL 1988).
#pragma once
#include <span>
#include <unordered_map>
#include <vector>

#include "opt/analysis/purity.h"

namespace tenon::opt {

class ValueNumbers {
 public:
  ValueNumbers(const ir::Module& module, const ir::Function& function, const Purity& purity);

  /// The value that stands for the class of `value`: the same one for all that are congruent. None
  /// for values in blocks that nothing reaches. It need not dominate.
  ir::ValueId of(ir::ValueId value) const { return numbers_[value.index]; }

 private:
  /// What is computed, written out, so that equal keys mean equal values.
  using Key = std::vector<uint64_t>;
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };

  /// One round over all values. With `assume`, what has no number yet is assumed to be what it would
  /// have to be for values to agree; without, to equal nothing.
  void number_all(bool assume);
  void number_param(ir::BlockId block, size_t param, bool assume);
  void number_inst(const ir::Inst& inst);
  Key key_of(const ir::Inst& inst);
  uint64_t number_body(ir::ExprId root);
  Key key_of_node(const ir::Expr& node, const std::unordered_map<ir::ExprId, uint64_t>& below) const;
  void set(ir::ValueId value, ir::ValueId number);

  const ir::Module& module_;
  const ir::Function& function_;
  InstEffects effects_;
  std::vector<uint32_t> order_;                             ///< blocks, in reverse postorder
  std::vector<std::vector<const ir::Edge*>> edges_to_;      ///< by block, from reachable ones
  std::vector<ir::ValueId> numbers_;                        ///< by value; none: not contradicted yet
  std::unordered_map<Key, std::span<const ir::ValueId>, KeyHash> known_;  ///< in this round
  std::unordered_map<Key, uint64_t, KeyHash> known_nodes_;
  uint64_t files_ = 0;  ///< changes wherever files may have
  bool changed_ = false;
};

}  // namespace tenon::opt
