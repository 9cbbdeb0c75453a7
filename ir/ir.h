// SSA functions: modules, functions, blocks with parameters, instructions.
//
// Entities are handles into arenas of their function; types are interned in the module, so that
// equality is ==. Users of a value are found by walking (an analysis, not a burden). The text form
// (text.h) round-trips: print(parse(t)) == t.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "ast/schedule.h"
#include "ir/expr.h"
#include "ir/ids.h"
#include "lexer/source.h"
#include "runtime/tensor.h"

namespace tenon::ir {

using ast::typed::Directive;
using ast::typed::DirectiveKind;
using ast::typed::Schedule;
using lexer::Span;
using runtime::Shape;

struct Type {
  DType dtype = DType::i64;
  Shape shape;  ///< empty: a scalar
  bool is_scalar() const { return shape.empty(); }
  bool operator==(const Type&) const = default;
  std::string text() const { return runtime::type_text(dtype, shape); }
};

/// Equal types get one id. References stay valid while more are interned.
class Types {
 public:
  TypeId intern(Type type);
  TypeId scalar(DType dtype) { return intern({dtype, {}}); }
  const Type& operator[](TypeId id) const { return types_[id.index]; }
  size_t size() const { return types_.size(); }

 private:
  std::deque<Type> types_;
  std::unordered_multimap<size_t, uint32_t> by_hash_;
};

enum class Op : uint8_t {
#define OP(name, text, arity, result, trait, meaning) name,
#include "ir/ops.def"
};
enum class Trait : uint8_t { pure, may_fail, effect, ownership, terminator };
struct OpRow {
  std::string_view text;
  int arity;
  bool result;
  Trait trait;
  std::string_view meaning;
};
inline constexpr OpRow kOps[] = {
#define OP(name, text, arity, result, trait, meaning) {text, arity, result, Trait::trait, meaning},
#include "ir/ops.def"
};
constexpr const OpRow& row(Op op) { return kOps[static_cast<int>(op)]; }

/// Where a terminator goes, and what it passes to the block's parameters.
struct Edge {
  BlockId target;
  std::vector<ValueId> args;
};

struct Inst;

/// compute: index l runs over [0, extents[l]), the last one fastest. Each body gives the elements of
/// one result; at each point of the domain they are evaluated in their order. `sites` are the places
/// of the nodes that can fail (Expr::place keeps those apart that fail at different ones); others
/// fail at the instruction's.
struct Compute {
  Shape extents;
  std::vector<ExprId> bodies;
  std::vector<std::pair<ExprId, Span>> sites;
  /// What the source calls the indices, by level; none where it does not name them. Those of reductions
  /// are in their nodes.
  std::vector<std::string> indices = {};
  /// How it is to be computed, by directives that name its loops as `indices` does; nothing: the compiler
  /// chooses.
  std::optional<Schedule> schedule = std::nullopt;
  /// Computes whose tensors nobody else reads: they are worked out in this one's nest, where its schedule says
  /// (the directive `at`). None may fail, and none reads a later one.
  std::vector<Inst> producers = {};
};

/// load: which tensor of which file; `name` as in ast::typed::Load.
struct LoadFrom {
  std::string path, name;
};

/// The part of a tensor that an update replaces: `:` leaves an axis open, the others have a
/// subscript each. With none open it is an element.
struct Part {
  std::vector<bool> open;  ///< by axis
  static Part element(size_t rank) { return {std::vector<bool>(rank)}; }
  /// The extents of the open axes.
  Shape shape(const Shape& whole) const;
};

/// The instructions that may be marked `unchecked`: integer divisions, and the others that check what
/// they are given.
bool can_be_unchecked(Op op);

/// What an instruction carries besides values. Which alternative goes with which Op:
///   constant: Scalar; apply: ScalarOp; compute: Compute; update: Part; call: FuncId;
///   load: LoadFrom; save: std::string (path); assert_: std::string (message);
///   print: std::vector<std::string>: the texts before, between and after the args (size args + 1),
///          blanks between pieces included;
///   jump, branch: std::vector<Edge> (one, two)
using Attribute = std::variant<std::monostate, Scalar, ScalarOp, Compute, Part, FuncId, LoadFrom,
                               std::string, std::vector<std::string>, std::vector<Edge>>;

struct Inst {
  Op op;
  /// What it defines: one or none; a call as many as it gives, a compute one for each body.
  std::vector<ValueId> results;
  std::vector<ValueId> args;
  Attribute attribute;
  Span span;
  /// It is proved that it cannot fail where it stands, so nothing is checked. The proof may rest on
  /// the branches taken to get here and the checks passed: the instruction may go, or move down to
  /// where it surely has been reached, but not up past those.
  bool unchecked = false;
  /// Of a compute or call: the definition in the source that it belongs to, `main.logits.y`; empty: to
  /// none. By it schedules find what they are for.
  std::string path = {};

  /// The only value that it defines, or none.
  ValueId result() const { return results.size() == 1 ? results[0] : ValueId{}; }
  template <class T> const T& get() const { return std::get<T>(attribute); }
  template <class T> T& get() { return std::get<T>(attribute); }
};

struct Value {
  TypeId type;
  std::string name;           ///< unique in its function; printed after %
};

struct Block {
  std::string name;           ///< unique in its function
  std::vector<ValueId> params;
  std::vector<Inst> insts;    ///< the last one, and only it, is a terminator
};

struct Function {
  std::string name;           ///< unique in its module; printed after @
  std::vector<ValueId> params;
  std::vector<TypeId> results;  ///< empty if it returns nothing
  std::vector<Block> blocks;  ///< blocks[0] is the entry; it has no parameters and no predecessor
  std::vector<Value> values;
  Exprs exprs;
  bool pure = true;           ///< as ast::typed::Function says
  bool recursive = false;
  std::string exported;       ///< the name by which C calls it, in a library; empty: not at all
  /// So many of the last parameters are what another function prepares (ir/prepared.h); nothing: C gives all.
  std::optional<uint32_t> prepared = {};
  Span span;

  /// A new value; its name is `hint` (characters that names cannot have become _), with a number
  /// behind it if that is taken.
  ValueId add_value(TypeId type, std::string_view hint);
  BlockId add_block(std::string_view hint);
  Block& block(BlockId id) { return blocks[id.index]; }
  const Block& block(BlockId id) const { return blocks[id.index]; }
  Value& value(ValueId id) { return values[id.index]; }
  const Value& value(ValueId id) const { return values[id.index]; }

 private:
  std::unordered_map<std::string, uint32_t> value_names_, block_names_;  ///< name -> next number
};

struct Module {
  Types types;
  std::vector<Function> functions;
  FuncId main;  ///< the function named `main`, if there is one
  /// For computes as they are when the passes are done, by Inst::path; they count before what these carry.
  /// No part of the text form, as no pass sees them.
  std::map<std::string, Schedule> schedules;

  Function& function(FuncId id) { return functions[id.index]; }
  const Function& function(FuncId id) const { return functions[id.index]; }
  FuncId find(std::string_view name) const;
  /// What is called from outside: main and what is exported; without either, anything may be.
  std::vector<FuncId> entries() const;
  const Type& type(const Function& f, ValueId v) const { return types[f.value(v).type]; }
};

/// Whether the text form can write it after % or @, or as a label: letters, digits and _, and
/// single dots between them, and no digit first.
bool is_name(std::string_view text);

/// Every value that an instruction uses: args, edges' args, and those inside a compute's body and its producers'.
void for_each_use(const Function& function, const Inst& inst,
                  const std::function<void(ValueId)>& visit);
/// Replaces uses by `map(use)`, bodies included.
void map_uses(Function& function, Inst& inst, const std::function<ValueId(ValueId)>& map);

/// The first directive of that kind in a compute's schedule; null if it has none.
const Directive* directive_of(const Compute& compute, DirectiveKind kind);
/// Gives each index of a compute the name that the source has for it, or that of its level, and sees to
/// it that it keeps it: for what has a schedule.
void keep_index_names(Exprs& exprs, Compute& compute);
/// The names that its reductions keep are but hints again: for what has none.
void let_index_names_go(Exprs& exprs, Compute& compute);

/// Visits the subscripts of an element or update, each with the axis at which it stands.
template <class Visit>
void for_each_subscript(const Inst& inst, const Visit& visit) {
  const Part* part = std::get_if<Part>(&inst.attribute);
  const size_t end = inst.args.size() - (part != nullptr ? 1 : 0);
  for (size_t axis = 0, next = 1; next < end; ++axis)
    if (part == nullptr || !part->open[axis]) visit(axis, inst.args[next++]);
}

/// Every function that an instruction calls, or a function in all of its instructions, bodies included;
/// one may come up repeatedly.
void for_each_callee(const Function& function, const Inst& inst,
                     const std::function<void(FuncId)>& visit);
void for_each_callee(const Function& function, const std::function<void(FuncId)>& visit);

/// Whether removing, repeating or reordering the instruction could be noticed: effects, and what
/// cannot be proved not to fail (ranges.h).
bool has_effect(const Module& module, const Function& function, const Inst& inst);

}  // namespace tenon::ir
