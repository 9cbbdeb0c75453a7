// The parts of lowering, shared by the lower_*.cpp files; users include lower.h.
//
//   lower.cpp           modules, functions, statements
//   lower_expr.cpp      expressions as instructions
//   lower_body.cpp      expressions as bodies of computes
//   lower_leaves.cpp    tuples and records: as many values as they have scalars and tensors (leaves)
//   lower_explicit.cpp  computes and reductions as loops of instructions, where a body cannot say it
//   lower_schedules.cpp schedules to the computes that they are for
//   lower_facts.cpp     what may fail, what may be inlined
#pragma once
#include <fmt/format.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>

#include "ast/typed.h"
#include "ir/ir.h"
#include "ir/lower_facts.h"
#include "ir/ssa_builder.h"

namespace tenon::ir {

namespace typed = ast::typed;

/// A schedule on its way to the definition that it is for: how many words of its path are behind it.
struct Pending {
  const typed::PlacedSchedule* schedule;
  size_t gone;
  auto operator<=>(const Pending&) const = default;
};

/// A function as it is lowered: alone; or for calls that schedules go through, which have a copy of
/// their own.
struct Instance {
  const typed::Function* source;
  std::string path;  ///< what leads to its definitions: its name, or that of the definition that calls
  std::vector<Pending> pending = {};
  auto operator<=>(const Instance&) const = default;
};

/// What all functions of a module share while they are lowered.
struct ModuleLowering {
  Module& module;
  const typed::Program& program;
  std::unordered_map<const typed::Function*, FuncId> functions = {};
  LowerFacts facts = {};
  std::map<Instance, FuncId> copies = {};
  std::vector<Instance> wanted = {};  ///< copies that are not lowered yet
  std::set<const typed::PlacedSchedule*> placed = {}, met = {};
};

/// Lowers one function. Code is put at the end of the present block; behind a `return`, `break` or
/// `continue` there is none, and statements are dropped until a block begins.
class FunctionLowering {
 public:
  FunctionLowering(ModuleLowering& shared, const Instance& instance, Function& out);
  void run();

  // ---- for BodyLowering

  Function& out() { return out_; }
  const typed::Function& source() const { return source_; }
  ModuleLowering& shared() { return shared_; }
  TypeId type_of(const TypedExpr& expr) { return type_id(expr.type); }
  TypeId type_id(const typed::Type& type);
  ValueId read(typed::VarId variable) { return ssa_.read(variable, block_); }
  ValueId value(const TypedExpr& expr, std::string_view hint = "t");
  /// The variable of the first leaf, if `expr` is a variable or a field of one.
  std::optional<typed::VarId> leaf_variable(const TypedExpr& expr) const;
  /// Every use of `placeholder` becomes one of `value`.
  void settle(ValueId placeholder, ValueId value) { ssa_.forward(placeholder, value); }

 private:
  struct Loop {
    BlockId exit, step;  ///< where break and continue go; made when the first one asks
  };

  // lower.cpp: statements
  void block(const std::vector<typed::Stmt>& stmts);
  void statement(const typed::Define& node, Span span);
  void statement(const typed::Update& node, Span span);
  void statement(const typed::If& node, Span span);
  void statement(const typed::While& node, Span span);
  void statement(const typed::For& node, Span span);
  void statement(const typed::Break& node, Span span);
  void statement(const typed::Continue& node, Span span);
  void statement(const typed::Return& node, Span span);
  void statement(const typed::Print& node, Span span);
  void statement(const typed::Save& node, Span span);
  void statement(const typed::Write& node, Span span);
  void statement(const typed::Assert& node, Span span);
  void statement(const typed::Evaluate& node, Span span);

  // lower_schedules.cpp
  /// The definition whose value is being lowered.
  struct Definition {
    const TypedExpr* value = nullptr;
    std::string path;
    const typed::PlacedSchedule* schedule = nullptr;  ///< for itself
    /// For definitions in what it calls; of in-source ones, in that function.
    struct Inner { Pending pending; const std::string* callee; };
    std::vector<Inner> inner = {};
  };
  Definition definition(const typed::Define& node) const;
  Definition nameless_definition(const typed::Define& node) const;
  Definition no_definition() const;
  void add_schedule(const TypedExpr& expr, Compute& compute);
  void keep_producers(const Schedule& schedule);
  FuncId instance_of(const typed::Function& callee);
  /// Of what is emitted for the definition's value as a whole; else empty.
  std::string path_of(const TypedExpr& expr) const { return &expr == definition_.value ? definition_.path : ""; }
  ValueId emit_compute(Compute compute, const TypedExpr& expr, std::string_view hint);

  // lower.cpp: blocks
  void jump_if_open(BlockId target, Span span);
  /// Goes on in a new block that only `from` leads to, or in `block` once all its predecessors are
  /// there.
  void begin(BlockId block);
  void begin(BlockId block, SsaBuilder::Moment before);
  struct Ways { BlockId then, otherwise; };
  Ways branch(ValueId condition, std::string_view then, std::string_view otherwise, Span span);

  // lower_expr.cpp
  ValueId value_of(const typed::Constant& node, const TypedExpr& expr, std::string_view hint);
  ValueId value_of(const typed::Variable& node, const TypedExpr& expr, std::string_view hint);
  ValueId value_of(const typed::Apply& node, const TypedExpr& expr, std::string_view hint);
  ValueId value_of(const typed::Convert& node, const TypedExpr& expr, std::string_view hint);
  ValueId value_of(const typed::IfExpr& node, const TypedExpr& expr, std::string_view hint);
  ValueId value_of(const typed::Element& node, const TypedExpr& expr, std::string_view hint);
  ValueId value_of(const typed::Reduce& node, const TypedExpr& expr, std::string_view hint);
  ValueId value_of(const typed::Call& node, const TypedExpr& expr, std::string_view hint);
  ValueId value_of(const typed::Compute& node, const TypedExpr& expr, std::string_view hint);
  ValueId value_of(const typed::Pack& node, const TypedExpr& expr, std::string_view hint);
  ValueId value_of(const typed::Load& node, const TypedExpr& expr, std::string_view hint);
  ValueId value_of(const typed::Tuple& node, const TypedExpr& expr, std::string_view hint);
  ValueId value_of(const typed::Field& node, const TypedExpr& expr, std::string_view hint);
  ValueId value_of(const typed::ScatterAdd& node, const TypedExpr& expr, std::string_view hint);
  ValueId guarded_element(const typed::Element& node, const TypedExpr& expr, std::string_view hint);
  std::vector<ValueId> values(const std::vector<TypedExpr>& exprs);
  /// The results of a call; `hint` names them.
  std::vector<ValueId> call(const typed::Call& node, const TypedExpr& expr, std::string_view hint);

  // lower_leaves.cpp
  /// The values of all leaves in order; of a scalar or tensor its own.
  std::vector<ValueId> leaves(const TypedExpr& expr, std::string_view hint = "t");
  std::vector<ValueId> leaves_of_if(const typed::IfExpr& node, const TypedExpr& expr,
                                    std::string_view hint);
  static size_t leaves_before(const typed::Field& field);
  void write_leaves(typed::VarId first, const std::vector<ValueId>& values);
  /// Arguments, leaf by leaf.
  std::vector<ValueId> all_leaves(const std::vector<TypedExpr>& exprs);

  // lower_explicit.cpp
  ValueId explicit_compute(const typed::Compute& node, const TypedExpr& expr, std::string_view hint);
  ValueId explicit_reduce(const typed::Reduce& node, const TypedExpr& expr, std::string_view hint);
  void refuse_empty(const typed::Reduce& node, std::span<const ValueId> bounds, Span span);
  /// for variable in lo..hi { body }, of i64 values.
  void count(typed::VarId variable, ValueId lo, ValueId hi, Span span,
             const std::function<void()>& body);

  // instructions
  ValueId emit(Op op, TypeId type, std::vector<ValueId> args, Attribute attribute, Span span,
               std::string_view hint);
  void emit_effect(Op op, std::vector<ValueId> args, Attribute attribute, Span span);
  ValueId constant(Scalar value, Span span, std::string_view hint = "c");
  ValueId constant(int64_t value, Span span) { return constant(Scalar::integer(DType::i64, value), span); }
  ValueId apply(ScalarOp op, std::vector<ValueId> args, Span span, std::string_view hint = "t");

  /// A variable that no source has, for what the arms of a branch or the turns of a loop hand on.
  typed::VarId temporary(TypeId type, std::string_view name) {
    return ssa_.add_variable(type, std::string(name));
  }
  void write(typed::VarId variable, ValueId value) { ssa_.write(variable, block_, value); }

  ModuleLowering& shared_;
  const Instance& instance_;
  const typed::Function& source_;
  Definition definition_;
  Function& out_;
  SsaBuilder ssa_;
  /// By VarId: where the leaves of a variable begin. That of a scalar or tensor is the variable
  /// itself; those of tuples and records are behind all variables of the source.
  std::vector<typed::VarId> first_leaf_;
  BlockId block_;  ///< none where no code can be reached
  std::vector<Loop> loops_;
};

/// Visits the scalars and tensors that a type is made of, with names like `model.w1`.
void for_each_leaf(const typed::Type& type, const std::string& name,
                   const std::function<void(const typed::Type&, const std::string&)>& visit);

/// The number that a reduction of numbers starts from, or the zero of a new tensor.
Scalar number(DType type, int n);

}  // namespace tenon::ir
