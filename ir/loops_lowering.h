// The walk that makes loops of a compute's bodies; its parts stand in loops_lower.cpp,
// loops_reduce.cpp and loops_calls.cpp.
#pragma once
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "ir/levels.h"
#include "ir/loops_build.h"
#include "ir/ranges.h"
#include "ir/text.h"

namespace tenon::ir::loops {

using runtime::FaultKind;
using IndexExpr = tenon::ir::Expr;

/// Where the axes of tensors are read that a compute works out itself: the domain of each, and what lies beyond it
/// where a condition says that nobody wants it.
using Reach = std::unordered_map<ValueId, std::vector<Range>>;

class Lowering {
 public:
  Lowering(const Module& module, const Function& function, const Inst& inst, std::string name,
           const std::set<FuncId>& shared_callees)
      : shared_callees_(shared_callees),
        module_(module),
        function_(function),
        inst_(inst),
        compute_(inst.get<Compute>()),
        levels_needed_(function.exprs) {
    kernel_.name = std::move(name);
    if (!inst.unchecked)
      for (ExprId id : fallible_nodes(module, function, compute_)) fallible_.insert(id);
    sites_.insert(compute_.sites.begin(), compute_.sites.end());
    find_companions();
    find_kept_names();
  }

  /// Over the compute's own domain, or a wider one: then what it reads there that it need not have is 0.
  /// `reach` has the tensors that are to be watched.
  Kernel run(std::span<const Range> domain, Reach& reach);

 private:
  /// [lo, hi) of one loop, and what is known of its variable.
  struct Bounds {
    ExprPtr lo, hi;
    Range range;
    std::string name = {};       ///< in the source; empty: none
    bool keeps_name = false;     ///< a schedule goes by it
  };
  /// A block being written, and the nodes whose value is known in it.
  struct Scope {
    Block block;
    std::unordered_map<ExprId, ExprPtr> values;
    std::unordered_map<std::string, ExprPtr> reductions;  ///< by key_of_reduction()
    size_t levels = 0;  ///< how many indices are bound around it
    bool is_branch = false;
  };

  /// A reduction whose loop is being written.
  struct Reducing {
    ExprId id;
    LocalId so_far;
    LocalId place;  ///< of argmax and argmin: where the best so far stood
    ExprPtr value;  ///< when all is done
  };

  template <class Body> Block in_scope(Body body, bool is_branch = false);
  template <class Body> Block in_branch(Body body) { return in_scope(std::move(body), true); }
  template <class Body> void emit_loops(std::span<const Bounds> bounds, const Body& body);
  void emit(decltype(Stmt::node) node) {
    scopes_.back().block.push_back({std::move(node), reducing_});
  }
  void emit_check(ExprId at, ExprPtr holds, FaultKind fault, ExprPtr a = nullptr,
                  ExprPtr b = nullptr, std::string_view text = {});

  ExprPtr find(ExprId id) const;
  ExprPtr find_reduction(const std::string& key) const;
  ExprPtr lower(ExprId id);
  ExprPtr lower_node(ExprId id, const IndexExpr& node);
  size_t home_of(ExprId id, const IndexExpr& node);
  ExprPtr lower_outside(ExprId id, size_t home);
  ExprPtr lower_read(ExprId id, const IndexExpr& node);
  ExprPtr lower_apply(ExprId id, const IndexExpr& node);
  ExprPtr lower_if(const IndexExpr& node);
  ExprPtr lower_reduce(ExprId id, const IndexExpr& node);
  void find_companions();
  bool go_by_one_name(std::span<const ExprId> reductions) const;
  std::vector<ExprId> companions_of(ExprId id) const;
  Reducing start(ExprId id, const Bounds& bounds);
  void step(const Reducing& reducing);
  void step_to_best(const Reducing& reducing);
  ExprPtr lower_call(ExprId id, const IndexExpr& node);
  ExprPtr write_out(const Function& callee, std::vector<ExprPtr> args);
  std::vector<ExprPtr> lower_all(std::span<const ExprId> ids);
  std::vector<Bounds> lower_bounds(const IndexExpr& node);

  LocalId add_local(DType type);
  std::string loop_name(const Bounds& bounds) const;
  void find_kept_names();
  ExprPtr declare(DType type, ExprPtr start, LocalId* local);
  void assign(LocalId local, ExprPtr value, bool reassociable = false) {
    emit(SetLocal{local, std::move(value), false, reassociable});
  }
  BufferId buffer_of(ValueId tensor);
  bool is_fallible(ExprId id) const { return fallible_.contains(id); }
  ExprPtr inside_of_extents() const;
  void note_reach(const IndexExpr& read);
  ExprPtr lower_guarded(ExprId id, const ExprPtr& condition);
  bool is_padding(const ExprPtr& then, const ExprPtr& condition, const ExprPtr& otherwise) const;
  /// Nodes that may be left to look at, and those that have been: each is evaluated once.
  struct Speculation {
    int budget;
    std::unordered_set<ExprId> seen;
  };
  bool can_speculate(ExprId id, Speculation& speculation) const;
  bool in_range(const IndexExpr& read) const;
  Span span_of(ExprId id) const;

  const std::set<FuncId>& shared_callees_;
  const Module& module_;
  const Function& function_;
  const Inst& inst_;
  const Compute& compute_;
  Kernel kernel_;
  std::unordered_set<ExprId> fallible_;
  std::unordered_map<ExprId, std::vector<ExprId>> companions_;  ///< of reductions
  std::unordered_map<ExprId, Span> sites_;
  std::set<std::string> kept_names_;
  std::unordered_map<ValueId, BufferId> buffers_;
  LevelsNeeded levels_needed_;
  Span reducing_;  ///< the reduction whose statements are being written
  Reach* reach_ = nullptr;
  ExprPtr guard_;  ///< what holds where the branch that is being lowered is taken; may be null
  std::vector<Scope> scopes_;
  std::vector<ExprPtr> levels_;  ///< the loop variable of each bound level
  std::vector<Range> ranges_;    ///< and where it lies
};

template <class Body>
Block Lowering::in_scope(Body body, bool is_branch) {
  scopes_.push_back({{}, {}, {}, levels_.size(), is_branch});
  body();
  Block block = std::move(scopes_.back().block);
  scopes_.pop_back();
  return block;
}

/// Loops over each bound in turn, the last innermost, around what `body` emits.
template <class Body>
void Lowering::emit_loops(std::span<const Bounds> bounds, const Body& body) {
  if (bounds.empty()) return body();
  const auto loop = static_cast<LoopId>(kernel_.loops.size());
  kernel_.loops.push_back(loop_name(bounds[0]));
  levels_.push_back(make(DType::i64, Loop{loop}));
  ranges_.push_back(bounds[0].range);
  Block block = in_scope([&] { emit_loops(bounds.subspan(1), body); });
  levels_.pop_back();
  ranges_.pop_back();
  emit(For{loop, bounds[0].lo, bounds[0].hi, std::move(block)});
}

}  // namespace tenon::ir::loops
