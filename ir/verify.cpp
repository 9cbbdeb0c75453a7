// The verifier of modules, functions and instructions; bodies of computes are verify_body.cpp's, and
// that definitions dominate uses is verify_dominance.cpp's.
//
// First the structure of all functions (ids, arities and attributes by ops.def), on which the rest
// relies; then types and dominance.
#include "ir/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "ir/dominators.h"
#include "ir/prepared.h"
#include "ir/text.h"
#include "ir/verify_body.h"
#include "ir/verify_dominance.h"
#include "runtime/file_format.h"

namespace tenon::ir {

using runtime::row;

namespace {

constexpr size_t kMaxViolations = 20;

/// Which alternative of Attribute an instruction carries.
template <class T, class... Alternatives>
constexpr size_t index_in(const std::variant<Alternatives...>*) {
  size_t index = 0;
  (void)((std::is_same_v<T, Alternatives> || (++index, false)) || ...);
  return index;
}
template <class T>
constexpr size_t kIndexOf = index_in<T>(static_cast<const Attribute*>(nullptr));
size_t attribute_index(Op op) {
  switch (op) {
    case Op::constant: return kIndexOf<Scalar>;
    case Op::apply: return kIndexOf<ScalarOp>;
    case Op::compute: return kIndexOf<Compute>;
    case Op::update: return kIndexOf<Part>;
    case Op::call: return kIndexOf<FuncId>;
    case Op::load: return kIndexOf<LoadFrom>;
    case Op::save:
    case Op::assert_: return kIndexOf<std::string>;
    case Op::print: return kIndexOf<std::vector<std::string>>;
    case Op::jump:
    case Op::branch: return kIndexOf<std::vector<Edge>>;
    case Op::convert:
    case Op::pack:
    case Op::element:
    case Op::write:
    case Op::share:
    case Op::drop:
    case Op::ret: break;
  }
  return kIndexOf<std::monostate>;
}

class FunctionVerifier {
 public:
  FunctionVerifier(const Module& module, const Function& function, std::vector<Violation>& found)
      : module_(module), function_(function), found_(found) {}

  bool structure();
  void types_and_dominance();

 private:
  // ---- structure: each says whether what comes after may rely on it
  bool signature();
  bool values_and_names();
  bool blocks();
  bool inst_structure(const Inst& inst, bool is_last);
  bool define(ValueId value);
  bool is_value(ValueId id) const { return id.index < function_.values.size(); }
  bool is_type(TypeId id) const { return id.index < module_.types.size(); }

  // ---- types: a rule for each row of ops.def
#define OP(name, text, arity, result, trait, meaning) void check_##name(const Inst& inst);
#include "ir/ops.def"
  void types(const Inst& inst);
  void check_unchecked(const Inst& inst);
  void check_edges(const Inst& inst, size_t count);
  bool check_subscripts(const Inst& inst, size_t axes);
  void check_effect(FuncId callee);
  void want_type(ValueId value, const Type& type, std::string_view what);
  void want_bool(ValueId value, std::string_view what);
  const Type& type_of(ValueId id) const {
    return module_.type(function_, id);
  }
  std::string name_of(ValueId id) const {
    return fmt::format("`%{}`", function_.value(id).name);
  }

  // ---- dominance
  void dominance();

  void fail(std::string message);
  bool ensure(bool holds, std::string message) {
    if (!holds) fail(std::move(message));
    return holds;
  }

  const Module& module_;
  const Function& function_;
  std::vector<Violation>& found_;
  const Block* block_ = nullptr;  ///< what is being looked at, for messages
  const Inst* inst_ = nullptr;
  bool printable_ = false;  ///< instructions are well-formed enough to print
  std::vector<bool> defined_;
};

void FunctionVerifier::fail(std::string message) {
  if (found_.size() >= kMaxViolations) return;
  std::string where = fmt::format("@{}", function_.name);
  if (block_ != nullptr) where += fmt::format(", block {}", block_->name);
  Span span = function_.span;
  if (inst_ != nullptr) {
    span = inst_->span;
    const auto number = inst_ - block_->insts.data();
    where += fmt::format(
        ": {:.200}", printable_ ? print(module_, function_, *inst_)
                                : fmt::format("instruction {}, {}", number, row(inst_->op).text));
  }
  found_.push_back({std::move(where), std::move(message), span});
}

bool FunctionVerifier::structure() {
  printable_ = signature() && values_and_names() && blocks();
  return printable_;
}

void FunctionVerifier::types_and_dominance() {
  for (const Block& block : function_.blocks) {
    block_ = &block;
    for (const Inst& inst : block.insts) {
      inst_ = &inst;
      types(inst);
    }
  }
  dominance();
}

// ---- structure

bool FunctionVerifier::signature() {
  if (!ensure(is_name(function_.name), "the function has no proper name")) return false;
  for (const TypeId result : function_.results)
    if (!ensure(is_type(result), "a result has no type")) return false;
  if (!ensure(!function_.blocks.empty(), "the function has no block")) return false;
  if (function_.name == "main")
    ensure(function_.params.empty() && function_.results.empty(), "main takes and returns nothing");
  return ensure(function_.blocks[0].params.empty(), "the entry block has parameters");
}

bool FunctionVerifier::values_and_names() {
  std::unordered_set<std::string_view> names;
  for (const Value& value : function_.values) {
    if (!ensure(is_name(value.name), fmt::format("`%{}` is not a proper name", value.name)) ||
        !ensure(names.insert(value.name).second,
                fmt::format("two values are named `%{}`", value.name)) ||
        !ensure(is_type(value.type), fmt::format("`%{}` has no type", value.name)))
      return false;
    const Type& type = module_.types[value.type];
    if (!ensure(runtime::byte_count(type.dtype, type.shape).has_value(),
                fmt::format("`{}` is too large for memory", type.text())))
      return false;
  }
  names.clear();
  for (const Block& block : function_.blocks)
    if (!ensure(is_name(block.name), fmt::format("`{}` is not a proper label", block.name)) ||
        !ensure(names.insert(block.name).second,
                fmt::format("two blocks are named `{}`", block.name)))
      return false;
  return true;
}

bool FunctionVerifier::blocks() {
  bool sound = true;
  defined_.assign(function_.values.size(), false);
  for (const ValueId param : function_.params) sound &= define(param);
  for (const Block& block : function_.blocks) {
    block_ = &block;
    for (const ValueId param : block.params) sound &= define(param);
    sound &= ensure(!block.insts.empty(), "the block is empty, so it has no terminator");
    for (const Inst& inst : block.insts) {
      inst_ = &inst;
      sound &= inst_structure(inst, &inst == &block.insts.back());
    }
    inst_ = nullptr;
  }
  block_ = nullptr;
  return sound;
}

bool FunctionVerifier::define(ValueId value) {
  if (!ensure(is_value(value), "a definition names no value of the function")) return false;
  const bool first = !defined_[value.index];
  defined_[value.index] = true;
  return ensure(first, fmt::format("{} is defined twice", name_of(value)));
}

bool FunctionVerifier::inst_structure(const Inst& inst, bool is_last) {
  const OpRow& op = row(inst.op);
  const bool terminates = op.trait == Trait::terminator;
  if (!ensure(terminates == is_last, is_last ? "the block does not end with a terminator"
                                             : "a terminator stands inside the block"))
    return false;
  if (!ensure(inst.attribute.index() == attribute_index(inst.op),
              "it carries an attribute of the wrong kind"))
    return false;
  if (!ensure(op.arity < 0 || inst.args.size() == static_cast<size_t>(op.arity),
              fmt::format("it takes {} arguments, not {}", op.arity, inst.args.size())))
    return false;
  const auto* compute = std::get_if<Compute>(&inst.attribute);
  if (compute && !ensure(!compute->bodies.empty(), "it has no body")) return false;
  const size_t results = inst.results.size();
  const size_t wanted = compute ? compute->bodies.size() : op.result ? 1 : 0;
  if (inst.op != Op::call &&
      !ensure(results == wanted, fmt::format("it defines {} values, not {}", results, wanted)))
    return false;
  for (const ValueId result : inst.results)
    if (!define(result)) return false;

  bool sound = true;
  auto check_use = [&](ValueId value) { sound &= is_value(value); };
  for (const ValueId arg : inst.args) check_use(arg);
  if (const auto* edges = std::get_if<std::vector<Edge>>(&inst.attribute)) {
    for (const Edge& edge : *edges) {
      sound &= edge.target.index < function_.blocks.size();
      for (const ValueId arg : edge.args) check_use(arg);
    }
  }
  if (const auto* callee = std::get_if<FuncId>(&inst.attribute))
    sound &= callee->index < module_.functions.size();
  if (compute) {
    for (const ExprId body : compute->bodies) {
      sound &= is_well_formed(module_, function_, body);
      if (sound &&
          !ensure(function_.exprs[body].depth <= kMaxExprDepth,
                  fmt::format("the body is nested more than {} levels deep", kMaxExprDepth)))
        return false;
    }
  }
  // What printing relies on, as element's `%t[%i]`.
  if (inst.op == Op::element) sound &= !inst.args.empty();
  if (inst.op == Op::update) {
    const std::vector<bool>& open = inst.get<Part>().open;
    const auto given = static_cast<size_t>(std::ranges::count(open, false));
    sound &= inst.args.size() == given + 2;
  }
  if (inst.op == Op::jump) sound &= inst.get<std::vector<Edge>>().size() == 1;
  return ensure(sound, "it refers to what the function does not have");
}

// ---- types

void FunctionVerifier::types(const Inst& inst) {
  if (inst.unchecked) check_unchecked(inst);
  switch (inst.op) {
    // clang-format off
#define OP(name, text, arity, result, trait, meaning) case Op::name: return check_##name(inst);
#include "ir/ops.def"
    // clang-format on
  }
}

void FunctionVerifier::check_unchecked(const Inst& inst) {
  const bool divides =
      inst.op == Op::apply && runtime::is_integer(type_of(inst.result()).dtype) &&
      (inst.get<ScalarOp>() == ScalarOp::div || inst.get<ScalarOp>() == ScalarOp::mod);
  ensure(can_be_unchecked(inst.op) && (inst.op != Op::apply || divides),
         "it checks nothing, so it cannot be `unchecked`");
}

void FunctionVerifier::want_type(ValueId value, const Type& type, std::string_view what) {
  ensure(type_of(value) == type, fmt::format("{} {} is `{}`, not `{}`", what, name_of(value),
                                             type_of(value).text(), type.text()));
}
void FunctionVerifier::want_bool(ValueId value, std::string_view what) {
  want_type(value, {DType::bool_, {}}, what);
}

void FunctionVerifier::check_constant(const Inst& inst) {
  want_type(inst.result(), {inst.get<Scalar>().type, {}}, "the result");
}

void FunctionVerifier::check_apply(const Inst& inst) {
  std::vector<DType> operands;
  for (const ValueId arg : inst.args) {
    if (!ensure(type_of(arg).is_scalar(), fmt::format("operand {} is no scalar", name_of(arg))))
      return;
    operands.push_back(type_of(arg).dtype);
  }
  const ScalarOp op = inst.get<ScalarOp>();
  if (const auto wrong = operand_error(op, operands)) return fail(*wrong);
  want_type(inst.result(), {runtime::result_type(op, operands.back()), {}}, "the result");
}

void FunctionVerifier::check_convert(const Inst& inst) {
  ensure(type_of(inst.args[0]).is_scalar() && type_of(inst.result()).is_scalar(),
         "only scalars are converted");
}

void FunctionVerifier::check_compute(const Inst& inst) {
  const Compute& compute = inst.get<Compute>();
  for (size_t i = 0; i < compute.bodies.size(); ++i) {
    const DType type = function_.exprs[compute.bodies[i]].type;
    want_type(inst.results[i], {type, compute.extents}, "the result");
  }
  if (auto wrong = body_error(module_, function_, compute)) fail(std::move(*wrong));
}

void FunctionVerifier::check_pack(const Inst& inst) {
  const Type& type = type_of(inst.result());
  ensure(runtime::element_count(type.shape) == static_cast<int64_t>(inst.args.size()),
         fmt::format("`{}` does not have {} elements", type.text(), inst.args.size()));
  for (const ValueId arg : inst.args) want_type(arg, {type.dtype, {}}, "element");
}

/// Whether the tensor has that many axes.
bool FunctionVerifier::check_subscripts(const Inst& inst, size_t axes) {
  const Type& tensor = type_of(inst.args[0]);
  for_each_subscript(inst, [&](size_t, ValueId subscript) {
    want_type(subscript, {DType::i64, {}}, "subscript");
  });
  return ensure(!tensor.is_scalar() && tensor.shape.size() == axes,
                fmt::format("{} has rank {}, but {} subscripts are given", name_of(inst.args[0]),
                            tensor.shape.size(), axes));
}

// [snippet check-element]
void FunctionVerifier::check_element(const Inst& inst) {
  check_subscripts(inst, inst.args.size() - 1);
  want_type(inst.result(), {type_of(inst.args[0]).dtype, {}}, "the result");
}
// [end]

void FunctionVerifier::check_update(const Inst& inst) {
  const Part& part = inst.get<Part>();
  const Type& whole = type_of(inst.args[0]);
  if (check_subscripts(inst, part.open.size()))
    want_type(inst.args.back(), {whole.dtype, part.shape(whole.shape)}, "the new part");
  want_type(inst.result(), whole, "the result");
}

void FunctionVerifier::check_effect(FuncId callee) {
  ensure(
      !function_.pure || module_.function(callee).pure,
      fmt::format("a pure function calls `@{}`, which has effects", module_.function(callee).name));
}

void FunctionVerifier::check_call(const Inst& inst) {
  const FuncId id = inst.get<FuncId>();
  const Function& callee = module_.function(id);
  check_effect(id);
  if (!ensure(callee.params.size() == inst.args.size(),
              fmt::format("`@{}` takes {} arguments, but {} are given", callee.name,
                          callee.params.size(), inst.args.size())))
    return;
  for (size_t i = 0; i < inst.args.size(); ++i) {
    want_type(inst.args[i], module_.type(callee, callee.params[i]), "argument");
  }
  const size_t gives = callee.results.size(), defines = inst.results.size();
  if (!ensure(gives == defines,
              fmt::format("`@{}` gives {} values, not {}", callee.name, gives, defines)))
    return;
  for (size_t i = 0; i < gives; ++i)
    want_type(inst.results[i], module_.types[callee.results[i]], "the result");
}

void FunctionVerifier::check_load(const Inst& inst) {
  const auto& [path, name] = inst.get<LoadFrom>();
  const runtime::FileFormat* format = runtime::file_format(path);
  if (ensure(format, "the ending of its file's name tells no known format"))
    ensure(format->named || name.empty(), "its file holds one tensor without a name");
}
void FunctionVerifier::check_save(const Inst&) {
  ensure(!function_.pure, "a pure function has an effect");
}
void FunctionVerifier::check_write(const Inst& inst) {
  ensure(!function_.pure, "a pure function has an effect");
  const Type& bytes = type_of(inst.args[0]);
  ensure(bytes.dtype == DType::i8 && bytes.shape.size() == 1, "it does not write an i8 tensor of rank 1");
}
void FunctionVerifier::check_print(const Inst& inst) {
  ensure(!function_.pure, "a pure function has an effect");
  ensure(inst.get<std::vector<std::string>>().size() == inst.args.size() + 1,
         "it does not have one text more than values");
}
void FunctionVerifier::check_assert_(const Inst& inst) {
  ensure(!function_.pure, "a pure function has an effect");
  want_bool(inst.args[0], "the condition");
}
void FunctionVerifier::check_share(const Inst& inst) {
  ensure(!type_of(inst.args[0]).is_scalar(), "scalars have no owners");
}
void FunctionVerifier::check_drop(const Inst& inst) {
  check_share(inst);
}

void FunctionVerifier::check_edges(const Inst& inst, size_t count) {
  const auto& edges = inst.get<std::vector<Edge>>();
  if (!ensure(edges.size() == count, fmt::format("it has {} targets, not {}", edges.size(), count)))
    return;
  for (const Edge& edge : edges) {
    const Block& target = function_.block(edge.target);
    ensure(edge.target.index != 0, "it goes to the entry block");
    if (!ensure(target.params.size() == edge.args.size(),
                fmt::format("block `{}` takes {} arguments, but {} are given", target.name,
                            target.params.size(), edge.args.size())))
      continue;
    for (size_t i = 0; i < edge.args.size(); ++i)
      want_type(edge.args[i], type_of(target.params[i]), "argument");
  }
}
void FunctionVerifier::check_jump(const Inst& inst) {
  check_edges(inst, 1);
}
void FunctionVerifier::check_branch(const Inst& inst) {
  want_bool(inst.args[0], "the condition");
  check_edges(inst, 2);
}
void FunctionVerifier::check_ret(const Inst& inst) {
  const size_t count = function_.results.size();
  if (!ensure(inst.args.size() == count,
              fmt::format("the function returns {} values, not {}", count, inst.args.size())))
    return;
  for (size_t i = 0; i < count; ++i)
    want_type(inst.args[i], module_.types[function_.results[i]], "the returned");
}

// ---- dominance

void FunctionVerifier::dominance() {
  for (const UndefinedUse& use : undefined_uses(function_)) {
    block_ = &function_.block(use.block);
    inst_ = &block_->insts[use.inst];
    fail(fmt::format("{} {}", name_of(use.value),
                     use.has_definition ? "is not defined on every path to this use"
                                        : "has no definition"));
  }
}

// ---- modules

/// Every cycle of calls has a function that is marked: the mark is what bounds its depth.
void verify_recursion(const Module& module, std::vector<Violation>& found) {
  // Node 0 calls all unmarked functions; node f + 1 is function f.
  std::vector<Arc> arcs;
  for (uint32_t f = 0; f < module.functions.size(); ++f) {
    const Function& function = module.functions[f];
    if (function.recursive) continue;
    arcs.push_back({0, f + 1});
    for_each_callee(function, [&](FuncId callee) {
      if (!module.function(callee).recursive) arcs.push_back({f + 1, callee.index + 1});
    });
  }
  const Graph calls(module.functions.size() + 1, arcs);
  const std::vector<uint32_t> order = reverse_postorder(calls);
  std::vector<uint32_t> rank(calls.size());
  for (uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  for (const uint32_t caller : order) {
    for (const uint32_t callee : calls[caller]) {
      if (rank[callee] > rank[caller] || found.size() >= kMaxViolations) continue;
      const Function& function = module.functions[callee - 1];
      found.push_back({fmt::format("@{}", function.name),
                       "the function can reach itself, but is not marked recursive",
                       function.span});
    }
  }
}

/// The last parameters are what the function gives that prepares them.
void verify_prepared(const Module& module, const Function& function, std::vector<Violation>& found) {
  if (!function.prepared) return;
  const FuncId from = preparing(module, function);
  bool agree = from && *function.prepared <= function.params.size() &&
               module.function(from).results.size() == *function.prepared;
  for (size_t i = 0; agree && i < *function.prepared; ++i) {
    const ValueId param = function.params[function.params.size() - *function.prepared + i];
    agree = function.value(param).type == module.function(from).results[i];
  }
  if (agree) return;
  found.push_back({fmt::format("@{}", function.name),
                   fmt::format("its prepared parameters are not what a function gives that is exported as `{}`",
                               preparing_name(function.exported)),
                   function.span});
}

}  // namespace

std::vector<Violation> verify(const Module& module) {
  std::vector<Violation> found;
  std::unordered_set<std::string_view> names, exported;
  std::vector<FunctionVerifier> functions;
  for (const Function& function : module.functions) {
    if (!names.insert(function.name).second)
      found.push_back(
          {fmt::format("@{}", function.name), "two functions have this name", function.span});
    if (!function.exported.empty() && !exported.insert(function.exported).second)
      found.push_back({fmt::format("@{}", function.name),
                       fmt::format("another function is exported as `{}` too", function.exported),
                       function.span});
    functions.emplace_back(module, function, found);
  }
  for (const Function& function : module.functions) verify_prepared(module, function, found);
  if (module.main != module.find("main"))
    found.push_back({"the module", "its main is not the function of that name", {}});
  for (FunctionVerifier& function : functions) function.structure();
  if (!found.empty()) return found;
  for (FunctionVerifier& function : functions) function.types_and_dominance();
  if (found.empty()) verify_recursion(module, found);
  return found;
}

}  // namespace tenon::ir
