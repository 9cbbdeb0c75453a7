// The structure of a function: ids, arities and attributes by ops.def. And that definitions dominate uses, as
// verify_dominance.cpp finds.
#include "ir/verify_function.h"

#include <algorithm>
#include <unordered_set>

#include "ir/text.h"
#include "ir/verify_body.h"
#include "ir/verify_dominance.h"

namespace tenon::ir {

using runtime::row;

namespace {

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

}  // namespace

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
  if (compute && !std::ranges::all_of(compute->producers, [&](const Inst& each) { return producer_structure(each); }))
    return false;

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

bool FunctionVerifier::producer_structure(const Inst& producer) {
  const auto* compute = std::get_if<Compute>(&producer.attribute);
  return ensure(producer.op == Op::compute && compute && compute->bodies.size() == 1 && !compute->extents.empty() &&
                    compute->producers.empty(),
                "what it computes for itself is not one tensor") &&
         inst_structure(producer, false);
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

}  // namespace tenon::ir
