// The checker of one function's body. Its parts stand in the check_*.cpp files that the lines between them
// name; checker.h says what each is about.
#pragma once
#include "ast/checker.h"
#include "ast/match_directive.h"

namespace tenon::ast {

/// constant + sum of coefficient * variable: the form in which the ranges of indices decide
/// exactly.
struct Affine {
  Extent constant;
  std::map<typed::VarId, int64_t> coefficients = {};  ///< none is 0

  bool is_number() const { return coefficients.empty(); }
  /// this + scale * other, nothing on overflow.
  std::optional<Affine> plus(const Affine& other, int64_t scale) const;
};

/// Checks one function: for all instances at once (`generic`: its dimensions are symbols), or as
/// one instance. Without a function: the value of a const, or the types of a record's fields.
class FunctionChecker {
 public:
  FunctionChecker(ProgramChecker& program, const FunctionInfo* info, Substitution parameters,
                  bool generic, bool in_prelude, typed::Function& out, Diagnostics& diagnostics);

  bool signature();
  void body();
  /// The value of a const's initializer: no variable is in scope.
  MaybeChecked constant_expression(const Expr& e);

 private:
  friend class ProgramChecker;
  using TypePtr = const typed::Type*;  ///< what zeros() and load() are wanted as; null: not known
  using Stmts = std::vector<typed::Stmt>;

  // check_statement.cpp
  void block(const Block& block, Stmts& out);
  void check(const Let& let, Span span, Stmts& out);
  void check(const LetTuple& let, Span span, Stmts& out);
  void check(const If& s, Span span, Stmts& out);
  void check(const While& s, Span span, Stmts& out);
  void check(const For& s, Span span, Stmts& out);
  void check(const Break& s, Span span, Stmts& out);
  void check(const Continue& s, Span span, Stmts& out);
  void check(const Return& s, Span span, Stmts& out);
  std::optional<typed::Expr> condition(const Expr& e);

  struct Scope {
    std::map<std::string, typed::VarId> names;
    std::map<std::string, std::vector<typed::VarId>> runs;  ///< of indices, `...s`
  };
  typed::VarId declare(const Name& name, typed::Type type, typed::VarKind kind);
  void declare_wrong(
      const Name& name);  ///< a name whose definition failed: its uses report nothing
  std::optional<typed::VarId> find(const std::string& name) const;
  typed::VarId hidden(std::string name, typed::Type type, Span span, typed::VarKind kind);
  /// `advice` is a hint for where no name is near.
  void report_unknown(const std::string& name, Span span, std::string_view advice = {});

  // check_effect.cpp
  void check(const Assign& assign, Span span, Stmts& out);
  void check(const Evaluate& s, Span span, Stmts& out);
  /// A variable, or a field of one.
  struct Place {
    typed::VarId var;
    std::vector<size_t> path;
    typed::Type type;
    Origin origin;
  };
  std::optional<Place> place(const Expr& target);
  std::optional<typed::VarId> assignable(const NameRef& name, Span span);
  void assign_whole(const Assign& assign, const Place& place, Span span, Stmts& out);
  void assign_part(const Assign& assign, const Subscript& target, const Place& place, Span span,
                   Stmts& out);
  std::optional<typed::Expr> assigned_value(const Assign& assign, const typed::Type& type,
                                            const Origin& origin, Span span);
  std::optional<typed::Expr> assigned_part(const Assign& assign, const typed::Type& type,
                                           const Origin& origin, Span span);
  MaybeChecked combined_value(const Assign& assign, Span span);
  std::optional<typed::Expr> printable(const Expr& e, std::string_view shown);
  void check_print(const Call& call, Span span, Stmts& out);
  void check_save(const Call& call, Span span, Stmts& out);
  void check_write(const Call& call, Span span, Stmts& out);
  void check_assert(const Call& call, Span span, Stmts& out);
  const std::string* string_argument(const Expr& argument, std::string_view what);

  // check_expression.cpp
  MaybeChecked expression(const Expr& e, TypePtr want = nullptr);
  /// expression() of just this type, after settling and widening.
  std::optional<typed::Expr> expression_of(const Expr& e, const typed::Type& type,
                                           const Origin& origin = {});
  /// expression() of its own type; literals take their default.
  std::optional<typed::Expr> settled(const Expr& e, TypePtr want = nullptr);
  /// Says what is wrong in expressions whose context is lost; not that it is.
  void look_at(const Expr& e);
  void look_at(const std::vector<ExprPtr>& all);
  MaybeChecked check(const NumberLiteral& n, Span span, TypePtr want);
  MaybeChecked check(const BoolLiteral& n, Span span, TypePtr want);
  MaybeChecked check(const StringLiteral& n, Span span, TypePtr want);
  MaybeChecked check(const ErrorExpr& n, Span span, TypePtr want);
  MaybeChecked check(const NameRef& n, Span span, TypePtr want);
  MaybeChecked check(const Colon& n, Span span, TypePtr want);
  MaybeChecked check(const Run& n, Span span, TypePtr want);
  MaybeChecked check(const BracketArg& n, Span span, TypePtr want);
  MaybeChecked check(const Unary& n, Span span, TypePtr want);
  MaybeChecked check(const Binary& n, Span span, TypePtr want);
  MaybeChecked check(const ast::Convert& n, Span span, TypePtr want);
  MaybeChecked convert(DType to, const Expr& tree, Span span);
  MaybeChecked check(const IfExpr& n, Span span, TypePtr want);
  MaybeChecked logic(const Binary& n, Span span);
  /// `op` on operands: types unified, then lifted over tensors. `shown` is how messages call it.
  MaybeChecked apply(ScalarOp op, std::string_view shown, std::vector<Checked> args, Span span);
  /// The one type that `op` takes these operands in; literals alone are f32 to what takes floats only.
  std::optional<DType> operand_type(ScalarOp op, std::string_view shown,
                                    const std::vector<Checked*>& operands, Span span);
  void refuse_operands(ScalarOp op, std::string_view shown, const std::vector<Checked*>& args,
                       Span span);
  void refuse_operand(ScalarOp op, std::string_view shown, const typed::Type& type, Span span);

  // check_literal.cpp
  MaybeChecked check(const TensorLiteral& n, Span span, TypePtr want);
  bool flatten(const Expr& e, const std::vector<int64_t>& shape, size_t axis,
               std::vector<const Expr*>& leaves);
  void refuse_elements(const std::vector<Checked*>& all);
  bool settle(Checked& c, DType to);  ///< closes an open expression as `to`; reports
  bool settle_default(Checked& c);    ///< i32 or f32
  /// Whether the operations of an open expression take the type: `5 % 2` is never a float.
  static bool can_take(typed::Expr& e, DType to);
  bool retype(typed::Expr& e, DType to);
  bool retype(typed::Constant& c, Span span, DType to);
  bool expand_power(typed::Expr& e);
  /// The one element type that all can take, nothing if there is none; open ones follow the others.
  static std::optional<DType> common_type(const std::vector<Checked*>& all);
  bool unify(const std::vector<Checked*>& all, DType common);
  /// Makes `c` have this element type by settling or widening, or reports.
  bool coerce(Checked& c, DType to, const Origin& origin = {});
  bool coerce(Checked& c, const typed::Type& to, const Origin& origin = {});
  std::vector<lexer::Edit> conversion(const Checked& c, DType to) const;
  bool refuse_type(const Checked& c, const typed::Type& to, const Origin& origin);
  void widen(Checked& c, DType to);

  // check_constant.cpp
  /// The value of a constant expression, its literals taken as widely as can be.
  std::optional<Scalar> known_value(const Checked& c);
  bool divides_by_zero(const typed::Expr& e);       ///< itself; reports
  bool has_division_by_zero(const typed::Expr& e);  ///< anywhere; reports
  bool is_static(const typed::Expr& e) const;

  // check_extent.cpp
  std::optional<Extent> extent(const Expr& e);
  std::optional<Extent> extent_of(const Binary& n, Span span);
  bool rank_fits(size_t rank, Span span);
  bool fits_memory(const typed::Type& type, Span span);
  /// Equal as polynomials; before the dimensions are known, also what cannot be decided yet.
  bool agree(const Extent& a, const Extent& b) const;
  bool same_shape(const typed::Type& a, const typed::Type& b) const;
  bool same_parts(const typed::Type& a, const typed::Type& b) const;

  // check_shapes.cpp
  /// One of two shapes that clash: what messages call it, and the variable that it comes from.
  struct Side {
    std::string name;
    typed::Type type;
    size_t column = 0;  ///< where its first axis stands
    std::optional<typed::VarId> var = std::nullopt;
  };
  /// Of a value: called by its name, or `otherwise` if it has none.
  Side side(const typed::Expr& e, std::string_view otherwise) const;
  Side side(const Expr& tree, const typed::Type& type) const;
  void show_unequal(Diagnostic& d, Side a, Side b) const;
  void show_broadcast(Diagnostic& d, Side a, Side b, size_t skipped = 0) const;
  void show_axes(Diagnostic& d, Side a, size_t axis_a, Side b, size_t axis_b,
                 std::string_view what) const;
  /// Marks `columns`; `what` says in words of which axis they are.
  void show_clash(Diagnostic& d, std::vector<Side> sides, const std::vector<size_t>& columns,
                  std::string_view what) const;
  void note_origin(Diagnostic& d, typed::VarId id) const;

  // check_type.cpp
  std::optional<typed::Type> type(const TypeExpr& t);
  std::optional<typed::Type> tensor_type(DType dtype, const std::vector<BracketArg>& args, Span span);
  std::optional<typed::Type> tuple_type(std::vector<typed::Type> parts, Span span);
  /// The type, unless it has too many leaves.
  std::optional<typed::Type> bounded(typed::Type type, Span span);
  void report_unknown_type(const Name& name);
  /// An extent, or those of a run, behind `shape`.
  bool add_extents(const Expr& e, std::vector<Extent>& shape);
  std::optional<typed::Type> record_type(const RecordInfo& info, const Substitution& arguments,
                                         Span use);
  /// What brackets say about parameters; false where they are wrong.
  /// `in_order` has the parameter of each argument by position.
  bool bracket_arguments(const std::vector<Parameter>& parameters, const Name& owner,
                         const std::vector<BracketArg>& args,
                         const std::vector<const Parameter*>& in_order, Substitution& out);
  bool bracket_argument(const Parameter& parameter, const BracketArg& arg, Substitution& out);
  /// The defaults of parameters that nothing else has decided.
  bool add_defaults(const std::vector<Parameter>& parameters, bool in_prelude, Substitution& out);
  std::optional<DType> element_type(const BracketArg& arg) const;

  // check_record.cpp
  MaybeChecked check(const Tuple& n, Span span, TypePtr want);
  MaybeChecked check(const Field& n, Span span, TypePtr want);
  MaybeChecked make_record(const RecordInfo& info, const Call& n, Span span, TypePtr want);
  /// The arguments in the order of the fields; empty where they do not fit, after saying so.
  std::vector<const Expr*> arguments_by_field(const RecordInfo& info, const Call& n, Span span);
  std::optional<size_t> find_field(const typed::Type& type, const Name& name);
  typed::Expr field(typed::Expr base, size_t part, Span span);

  // check_index.cpp
  struct Bound {
    Extent lo, hi;  ///< [lo, hi)
    bool is_empty() const;
  };
  /// The variables of each index: one, or those of a run.
  using BoundIndices = std::vector<std::vector<typed::VarId>>;
  MaybeChecked index_definition(const Let& let, Span span, std::optional<DType> want);
  std::optional<std::vector<std::optional<Bound>>> given_bounds(
      const std::vector<IndexBinding>& indices);
  /// A body that runs for all combinations of `vars`.
  MaybeChecked body_under(const BoundIndices& vars, const Expr& body);
  MaybeChecked check(const Reduce& n, Span span, TypePtr want);
  bool is_whole_tensor(const Expr& e) const;
  bool reduces(const Reduce& n, const Checked& body);

  // infer_extents.cpp
  struct Use;
  struct UseFinder;
  /// An extent that a use asks for, its place, and what stands there in words.
  struct Evidence {
    Extent extent;
    Span span;
    std::string where;
    Side side;
    size_t axis;
  };
  /// The axes of a base that one subscript stands for.
  struct Axes { size_t first, count; };
  /// Brings the indices into scope and infers the extents that are not given.
  bool bind(const std::vector<IndexBinding>& indices, const Expr& body, BoundIndices& vars);
  bool bind_run(const IndexBinding& index, const std::vector<Use>& uses, const Expr& body,
                std::vector<typed::VarId>& vars);
  /// The extent that all uses agree on. Of a run: of its index number `offset`.
  std::optional<Extent> infer(const IndexBinding& index, const std::vector<Use>& uses,
                              size_t offset = 0);
  std::optional<Evidence> evidence(const Use& use, size_t offset);
  std::optional<Axes> axes_of(const Use& use, size_t rank);
  const std::optional<typed::Type>& type_of_base(const Expr& base);
  void explain_no_extent(const IndexBinding& index, const std::vector<Use>& uses);

  // check_subscript.cpp
  MaybeChecked check(const Subscript& n, Span span, TypePtr want);
  /// Nothing stands for a subscript left open.
  using Subscripts = std::vector<std::optional<typed::Expr>>;
  bool subscripts(const Subscript& n, const typed::Type& base, Span span, Subscripts& out);
  /// How many axes the subscripts stand for, runs written out; nothing if a run is unknown.
  std::optional<size_t> axis_count(const Subscript& n);
  const std::vector<typed::VarId>* find_run(const std::string& name) const;
  bool rank_matches(const Subscript& n, const typed::Type& base, size_t given, Span span);
  void check_range(const typed::Expr& subscript, const Extent& extent, const Expr& tree);
  std::optional<Affine> affine(const typed::Expr& e) const;
  std::optional<Bound> range(const Affine& form) const;

  // check_part.cpp
  MaybeChecked part(typed::Expr base, Subscripts subscripts, Span span);
  /// `value` as a tensor of just this shape, repeated where it has fewer elements.
  std::optional<typed::Expr> repeated(Checked value, const typed::Type& type, const Origin& origin);
  static typed::Type part_type(const typed::Type& base, const Subscripts& subscripts);

  // check_infer.cpp
  /// What says what a parameter is: an argument, and which of its axes, if it is one.
  struct Witness {
    Span span;
    std::string where = {};
    Side side = {};
    std::optional<size_t> axis = std::nullopt;
  };
  /// What is known so far of the parameters of a function or record, and which argument said it.
  struct Inference {
    const Name& owner;
    const std::vector<Parameter>& parameters;
    bool in_prelude;
    std::string_view role;  ///< of what decides: parameter, field
    Substitution found = {};
    std::string argument = {};  ///< what messages call the one that is looked at
    std::map<std::string, Witness> places = {};
    std::map<std::string, DType> open = {};  ///< types of which literals have spoken
    std::set<std::string> given = {};        ///< in brackets

    Origin origin(const Param& param) const;
  };
  bool infer_parameters(Inference& inference, const TypeExpr& pattern, const Checked& arg,
                        const Param& param);
  bool infer_type(Inference& inference, const TypeExpr& pattern, const typed::Type& type, bool open,
                  const Param& param, Span arg);
  bool infer_shape(Inference& inference, const TypeExpr& pattern, const typed::Type& type,
                   const Param& param, Span arg);
  bool infer_extents(Inference& inference, std::span<const BracketArg> args,
                     const std::vector<Extent>& extents, Witness here, const Param& param);
  bool infer_extent(Inference& inference, const std::string& name, const Extent& extent,
                    Witness here, const Param& param);
  bool infer_run(Inference& inference, const std::string& name, const std::vector<Extent>& extents,
                 Witness here, const Param& param);
  bool infer_element_type(Inference& inference, const std::string& name, DType type, bool open,
                          const Param& param, Span arg);
  bool infer_record(Inference& inference, const TypeExpr& pattern, const typed::Type& type,
                    const Param& param, Span arg);
  /// Gives open types their default and parameters theirs; says which are still not known.
  bool finish(Inference& inference, Span span);
  /// Whether all that a type names is known by now.
  bool is_decided(const Inference& inference, const TypeExpr& type) const;

  // check_call.cpp
  MaybeChecked check(const Call& n, Span span, TypePtr want);
  void report_unknown_function(const Call& n);
  MaybeChecked call_function(const FunctionInfo& info, const Call& n, Span span);
  bool infer_argument(const FunctionInfo& info, Inference& inference, const Param& param,
                      const Checked& arg);
  MaybeChecked call_scalar(const FunctionInfo& info, const Substitution& parameters,
                           std::vector<Checked> args, Span span);
  MaybeChecked call_tensor(const FunctionInfo& info, const Substitution& parameters,
                           std::vector<Checked> args, Span span);
  /// A call of a checked function whose arguments fit; its value has the callee's result type.
  MaybeChecked make_call(const FunctionInfo& info, const Substitution& parameters,
                         std::vector<Checked> args, Span span);
  /// A type written in the signature of `owner`, for these parameters.
  std::optional<typed::Type> type_under(const Name& owner, bool in_prelude, const TypeExpr& t,
                                        const Substitution& parameters, Span use);
  bool no_names(const Call& n, const Function* callee = nullptr);
  bool no_brackets(const Call& n);
  bool argument_count(const Name& callee, size_t takes, size_t given, Span span);

  // check_builtin.cpp
  MaybeChecked call_scalar_builtin(ScalarOp op, const Call& n, Span span);
  MaybeChecked call_clamp(const Call& n, Span span);
  MaybeChecked call_shaped(const Call& n, Span span, TypePtr want);
  MaybeChecked call_load(const Call& n, Span span, TypePtr want);
  MaybeChecked load_whole(const std::string& path, const typed::Type& type, const std::string& name,
                          Span span);
  MaybeChecked no_context(std::string_view name, std::string_view args, Span span);
  std::optional<std::vector<Checked>> arguments(const Call& n);

  // check_math.cpp
  MaybeChecked call_math(const Call& n, Span span);
  MaybeChecked apply_math(std::string_view name, std::string_view shown, std::vector<Checked> args,
                          Span span);
  /// Points a mathematical call, whose type is final, at the prelude's function.
  bool find_callee(typed::Expr& call);
  /// The same for all those in a const's value; not for an open one, which has no final type.
  bool link_math(typed::Expr& e, bool open);

  // check_tensor.cpp
  MaybeChecked call_tensor_builtin(const Call& n, Span span, TypePtr want);
  MaybeChecked call_reshape(const Call& n, Span span, TypePtr want);
  MaybeChecked call_concat(const Call& n, Span span, TypePtr want);
  std::optional<size_t> concat_axis(const Call& n, size_t rank);
  MaybeChecked call_scatter_add(const Call& n, Span span, TypePtr want);
  MaybeChecked call_random(const Call& n, Span span, TypePtr want);
  MaybeChecked joined(std::vector<Checked> parts, size_t axis, DType dtype, bool open, Span span);
  typed::Expr position(const std::vector<typed::ComputeIndex>& indices, const typed::Type& type,
                       Span span);
  std::vector<typed::ComputeIndex> indices_over(const typed::Type& type, Span span);

  // check_schedule.cpp
  typed::PlacedSchedule check_schedule(const Let& let);
  /// `loops`: null where they are not known.
  typed::PlacedSchedule check_schedule(const Schedule& schedule, typed::LoopNames* loops);
  void report_directive(const typed::DirectiveMatch::Mistake& mistake, const typed::DirectiveRow& row,
                        const typed::LoopNames* loops);
  std::optional<std::string> scheduled_inside(const Expr& value) const;
  int64_t check_factor(const DirectiveWord& factor);

  // check_lift.cpp
  /// Makes a scalar expression of scalar operands. It may use each of them as often as it likes.
  using Body = std::function<std::optional<typed::Expr>(std::vector<typed::Expr>)>;
  /// A Compute over the broadcast shape of `args`, whose body is `body` of their elements; plainly
  /// `body(args)` if all are scalars.
  MaybeChecked lift(std::string_view shown, std::vector<Checked> args, Span span, const Body& body);
  /// The one shape that all operands have when those of extent 1 repeat; aligned at the last axis.
  std::optional<std::vector<Extent>> broadcast(const std::vector<Checked>& args,
                                               std::string_view shown, Span span);
  void refuse_broadcast(const Checked& a, const Checked& b, std::string_view shown, Span span);
  typed::Expr element(typed::VarId tensor, const std::vector<typed::VarId>& indices,
                      const std::vector<Extent>& shape, Span span);
  MaybeChecked filled(const typed::Type& type, typed::Expr value, Span span);

  // check_product.cpp
  MaybeChecked power(Checked base, Checked exponent, Span span, const Expr& exponent_tree);
  std::optional<typed::Expr> repeated_product(typed::Expr base, int64_t exponent, Span span);
  MaybeChecked check(const Matmul& n, Span span, TypePtr want);
  void refuse_product(const Checked& left, const Checked& right, std::optional<DType> common,
                      Span span);
  std::optional<std::vector<Extent>> matmul_batch(const std::vector<Extent>& a,
                                                  const std::vector<Extent>& b) const;

  // small makers
  typed::Expr constant(Scalar value, Span span);
  typed::Expr number(DType type, int64_t value, Span span);
  typed::Expr index_constant(int64_t value, Span span) { return number(DType::i64, value, span); }
  typed::Expr variable(typed::VarId var, Span span);
  typed::VarId hidden_index(Span span) {
    return hidden("", {DType::i64, {}}, span, typed::VarKind::index);
  }
  typed::VarId hidden_operand(const typed::Type& type, Span span) {
    return hidden("", type, span, typed::VarKind::operand);
  }
  const typed::Var& var(typed::VarId id) const { return out_.vars[id]; }
  typed::Type& type_of(typed::VarId id) { return out_.vars[id].type; }
  template <class... Args>
  Diagnostic& report(Diag diag, Span span, const Args&... args) {
    return diagnostics_->report(diag, span, args...);
  }

  ProgramChecker& program_;
  const FunctionInfo* info_;
  Substitution parameters_;
  bool generic_, in_prelude_;
  typed::Function& out_;
  Diagnostics* diagnostics_;  ///< another while a type is only asked for
  std::vector<Scope> scopes_;
  std::set<typed::VarId> wrong_;
  Span target_;  ///< of the `x += e` at hand: what is assigned cannot be converted
  std::map<typed::VarId, Span> let_words_;              ///< where each `let` stands
  std::map<typed::VarId, Bound> bounds_;                ///< of indices with known extents
  std::map<std::string, typed::VarId> dimension_vars_;  ///< symbols as values (generic only)
  std::map<typed::VarId, Extent> symbols_;              ///< the same, the other way
  /// Found without messages by inference; so that nested reductions are looked at once each.
  std::map<std::string, Span> ended_;  ///< reductions of this statement, by the indices they bound
  std::map<const Expr*, std::optional<typed::Type>> base_types_;
  int loops_ = 0;        ///< `while` and `for` around this place
  int branches_ = 0;     ///< `if` branches around this place, and whatever else may never run
  int definitions_ = 0;  ///< index definitions and reductions around this place
};

}  // namespace tenon::ast
