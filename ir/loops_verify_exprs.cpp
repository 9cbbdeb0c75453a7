#include "ir/loops_verify_exprs.h"

#include <fmt/format.h>

#include <unordered_set>

#include "ir/loops_walk.h"
#include "ir/verify_body.h"

namespace tenon::ir::loops {

using Error = std::optional<std::string>;

namespace {

// ---- structure

class Structure {
 public:
  Structure(const Module& module, const Kernel& kernel) : module_(module), kernel_(kernel) {}

  bool holds() {
    return kernel_.buffer_values.size() <= kernel_.buffers.size() &&
           kernel_.scalar_values.size() == kernel_.scalars.size() && block(kernel_.body);
  }

 private:
  bool block(const Block& block) {
    for (const Stmt& stmt : block) {
      if (!std::visit([&](const auto& node) { return own(node); }, stmt.node)) return false;
      bool sound = true;
      for_each_expr(stmt, [&](const ExprPtr& e) { sound = sound && (e == nullptr || expr(e)); });
      for_each_block(stmt, [&](const Block& inner) { sound = sound && this->block(inner); });
      if (!sound) return false;
    }
    return true;
  }

  static bool all(const std::vector<ExprPtr>& exprs) {
    for (const ExprPtr& e : exprs)
      if (e == nullptr) return false;
    return true;
  }
  bool own(const For& loop) const {
    return loop.loop < kernel_.loops.size() && loop.lo != nullptr && loop.hi != nullptr;
  }
  bool own(const SetLocal& set) const {
    return set.local < kernel_.locals.size() && all(set.subscripts);
  }
  bool own(const If& branch) const { return branch.condition != nullptr; }
  bool own(const Store& store) const {
    return store.buffer < kernel_.buffers.size() && store.value != nullptr && all(store.subscripts);
  }
  bool own(const Prefetch& prefetch) const {
    return prefetch.buffer < kernel_.buffers.size() && all(prefetch.subscripts);
  }
  bool own(const Barrier&) const { return true; }
  bool own(const Await&) const { return true; }
  bool own(const Check& check) const { return check.holds != nullptr; }
  bool own(const CallInto& call) const {
    return call.local < kernel_.locals.size() && call.callee.index < module_.functions.size() &&
           all(call.args);
  }

  bool expr(const ExprPtr& e) {
    if (!seen_.insert(e.get()).second) return true;
    bool sound = std::visit([&](const auto& node) { return own(node); }, e->node);
    for_each_operand(
        *e, [&](const ExprPtr& operand) { sound = sound && operand != nullptr && expr(operand); });
    return sound;
  }
  bool own(const Constant&) const { return true; }
  bool own(const Loop& loop) const { return loop.loop < kernel_.loops.size(); }
  bool own(const Local& local) const { return local.local < kernel_.locals.size(); }
  bool own(const Scalar_& scalar) const { return scalar.param < kernel_.scalars.size(); }
  bool own(const Read& read) const { return read.buffer < kernel_.buffers.size(); }
  bool own(const Apply& apply) const {
    return apply.args.size() == static_cast<size_t>(runtime::row(apply.op).arity);
  }
  bool own(const Convert&) const { return true; }
  bool own(const Select&) const { return true; }

  const Module& module_;
  const Kernel& kernel_;
  std::unordered_set<const Expr*> seen_;
};

// ---- types

std::string_view text(DType type) {
  return runtime::row(type).text;
}

Error type_error(const Expr& node, DType type) {
  if (node.type == type) return std::nullopt;
  return fmt::format("a node of type `{}` is marked `{}`", text(type), text(node.type));
}

class Types {
 public:
  Types(const Kernel& kernel, const Expr& node) : kernel_(kernel), node_(node) {}

  Error error(const Constant& constant) const { return type_error(node_, constant.value.type); }
  Error error(const Loop&) const { return type_error(node_, DType::i64); }
  Error error(const Local& local) const {
    return element(local_name(local.local), kernel_.locals[local.local], local.subscripts);
  }
  Error error(const Scalar_& scalar) const {
    return type_error(node_, kernel_.scalars[scalar.param].type);
  }
  Error error(const Read& read) const {
    const Buffer& buffer = kernel_.buffers[read.buffer];
    if (kernel_.is_output(read.buffer))
      return fmt::format("`%{}` is an output, which is not read", buffer.name);
    if (read.guard != nullptr && read.guard->type != DType::bool_)
      return fmt::format("a guard is `{}`, not `bool`", text(read.guard->type));
    return element("%" + buffer.name, buffer.type, read.subscripts);
  }
  Error error(const Apply& apply) const {
    std::vector<DType> operands;
    for (const ExprPtr& arg : apply.args) operands.push_back(arg->type);
    if (Error wrong = operand_error(apply.op, operands)) return wrong;
    if (apply.op == ScalarOp::select) return "a `select` is a node of its own kind";
    return type_error(node_, runtime::result_type(apply.op, operands.back()));
  }
  Error error(const Convert&) const { return std::nullopt; }
  Error error(const Select& select) const {
    if (select.condition->type != DType::bool_)
      return fmt::format("a condition is `{}`, not `bool`", text(select.condition->type));
    if (select.then->type != select.otherwise->type)
      return fmt::format("`select` has a `{}` and a `{}`", text(select.then->type),
                         text(select.otherwise->type));
    return type_error(node_, select.then->type);
  }

 private:
  Error element(const std::string& name, const Type& type,
                const std::vector<ExprPtr>& subscripts) const {
    if (Error wrong = subscript_error(name, type, subscripts)) return wrong;
    return type_error(node_, type.dtype);
  }

  const Kernel& kernel_;
  const Expr& node_;
};

}  // namespace

bool is_well_formed(const Module& module, const Kernel& kernel) {
  return Structure(module, kernel).holds();
}

Error node_error(const Kernel& kernel, const Expr& node) {
  const Types types(kernel, node);
  return std::visit([&](const auto& kind) { return types.error(kind); }, node.node);
}

Error subscript_error(const std::string& name, const Type& type,
                      const std::vector<ExprPtr>& subscripts) {
  if (subscripts.size() != type.shape.size())
    return fmt::format("`{}` has rank {}, but {} subscripts are given", name, type.shape.size(),
                       subscripts.size());
  for (const ExprPtr& subscript : subscripts)
    if (subscript->type != DType::i64)
      return fmt::format("a subscript is `{}`, not `i64`", text(subscript->type));
  return std::nullopt;
}

}  // namespace tenon::ir::loops
