// The verifier's rules for index expressions.
#include "ir/verify_body.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/text.h"

namespace tenon::ir {

using runtime::row;

namespace {

/// A body that is wrong: thrown inside this file only.
struct Wrong {
  std::string message;
};

void ensure(bool holds, std::string message) {
  if (!holds) throw Wrong{std::move(message)};
}

std::string_view text(DType type) {
  return row(type).text;
}

bool picks_index(Reduction reduction) {
  return reduction == Reduction::argmax || reduction == Reduction::argmin;
}
bool is_logical(Reduction reduction) {
  return reduction == Reduction::any || reduction == Reduction::all;
}

class BodyVerifier {
 public:
  BodyVerifier(const Module& module, const Function& function)
      : module_(module), function_(function) {}

  void run(const Compute& compute);

 private:
  /// What a node asks of the number of indices bound around it. A reduction's level is just that
  /// number, so a node with reductions inside fits one number only.
  struct Scope {
    uint32_t least = 0;             ///< one more than the highest level that it reads
    std::optional<uint32_t> exact;  ///< the level of the reductions inside it
  };

  void check(const Expr& node);
  void check_read(const Expr& node);
  void check_reduce(const Expr& node);
  void check_call(const Expr& node);
  Scope scope_of(const Expr& node) const;
  static void merge(Scope& scope, const Scope& other);
  static void ensure_fits(const Scope& scope, uint32_t bound);

  const Expr& at(ExprId id) const { return function_.exprs[id]; }
  const Type& type_of(ValueId id) const { return module_.type(function_, id); }
  void want(ExprId id, DType type, std::string_view what) const {
    ensure(at(id).type == type,
           fmt::format("{} is `{}`, not `{}`", what, text(at(id).type), text(type)));
  }
  void want_type(const Expr& node, DType type) const {
    ensure(node.type == type,
           fmt::format("a node of type `{}` is marked `{}`", text(type), text(node.type)));
  }

  const Module& module_;
  const Function& function_;
  std::unordered_map<ExprId, Scope> scopes_;
};

void BodyVerifier::run(const Compute& compute) {
  for_each_node(function_.exprs, compute.bodies, [&](ExprId id) {
    check(at(id));
    scopes_.emplace(id, scope_of(at(id)));
  });
  for (const ExprId body : compute.bodies)
    ensure_fits(scopes_.at(body), static_cast<uint32_t>(compute.extents.size()));
}

// ---- types

void BodyVerifier::check(const Expr& node) {
  switch (node.kind) {
    case ExprKind::constant: return want_type(node, node.constant.type);
    case ExprKind::index: return want_type(node, DType::i64);
    case ExprKind::value:
      ensure(type_of(node.value).is_scalar(),
             fmt::format("tensor `%{}` has no subscripts", function_.value(node.value).name));
      return want_type(node, type_of(node.value).dtype);
    case ExprKind::read: return check_read(node);
    case ExprKind::apply: {
      std::vector<DType> operands;
      for (const ExprId arg : node.args) operands.push_back(at(arg).type);
      if (auto wrong = operand_error(node.op, operands)) throw Wrong{std::move(*wrong)};
      return want_type(node, runtime::result_type(node.op, operands.back()));
    }
    case ExprKind::convert: return;
    case ExprKind::if_:
      want(node.args[0], DType::bool_, "a condition");
      want(node.args[2], at(node.args[1]).type, "the branch after `else`");
      return want_type(node, at(node.args[1]).type);
    case ExprKind::reduce: return check_reduce(node);
    case ExprKind::call: return check_call(node);
  }
}

void BodyVerifier::check_read(const Expr& node) {
  const Type& tensor = type_of(node.value);
  ensure(!tensor.is_scalar() && tensor.shape.size() == node.args.size(),
         fmt::format("`%{}` has rank {}, but {} subscripts are given",
                     function_.value(node.value).name, tensor.shape.size(), node.args.size()));
  for (const ExprId subscript : node.args) want(subscript, DType::i64, "a subscript");
  want_type(node, tensor.dtype);
}

void BodyVerifier::check_reduce(const Expr& node) {
  const std::string_view name = ast::text(node.reduction);
  for (size_t i = 0; i + 1 < node.args.size(); ++i) want(node.args[i], DType::i64, "a bound");
  const DType body = at(node.reduce_body()).type;
  ensure(is_logical(node.reduction) == (body == DType::bool_),
         fmt::format("`{}` does not reduce `{}`", name, text(body)));
  if (picks_index(node.reduction)) {
    ensure(node.reduce_rank() == 1,
           fmt::format("`{}` takes one index, not {}", name, node.reduce_rank()));
  }
  want_type(node, picks_index(node.reduction) ? DType::i64 : body);
}

void BodyVerifier::check_call(const Expr& node) {
  const Function& callee = module_.function(node.callee);
  ensure(callee.pure, fmt::format("`@{}` has effects", callee.name));
  ensure(callee.params.size() == node.args.size(),
         fmt::format("`@{}` takes {} arguments, but {} are given", callee.name,
                     callee.params.size(), node.args.size()));
  for (size_t i = 0; i < node.args.size(); ++i) {
    ensure(module_.type(callee, callee.params[i]) == Type{at(node.args[i]).type, {}},
           fmt::format("argument {} of `@{}` does not fit", i + 1, callee.name));
  }
  ensure(callee.results.size() == 1 && module_.types[callee.results[0]] == Type{node.type, {}},
         fmt::format("`@{}` does not return one `{}`", callee.name, text(node.type)));
}

// ---- levels

void BodyVerifier::merge(Scope& scope, const Scope& other) {
  scope.least = std::max(scope.least, other.least);
  if (!scope.exact) scope.exact = other.exact;
  ensure(!other.exact || scope.exact == other.exact,
         "reductions under equally many indices have different levels");
}

void BodyVerifier::ensure_fits(const Scope& scope, uint32_t bound) {
  ensure(scope.least <= bound, fmt::format("index `{}` is not bound where it is used",
                                           index_name(std::max(scope.least, 1u) - 1)));
  ensure(!scope.exact || scope.exact == bound,
         fmt::format("a reduction under {} indices binds level {} next", bound,
                     scope.exact.value_or(0)));
}

BodyVerifier::Scope BodyVerifier::scope_of(const Expr& node) const {
  Scope scope;
  if (node.kind == ExprKind::index) scope.least = node.level + 1;
  if (node.kind != ExprKind::reduce) {
    for (const ExprId arg : node.args) merge(scope, scopes_.at(arg));
    return scope;
  }
  for (size_t i = 0; i + 1 < node.args.size(); ++i) merge(scope, scopes_.at(node.args[i]));
  const Scope& body = scopes_.at(node.reduce_body());
  ensure_fits(body, node.level + static_cast<uint32_t>(node.reduce_rank()));
  merge(scope, {std::min(body.least, node.level), node.level});
  ensure_fits(scope, node.level);
  return scope;
}

}  // namespace

std::optional<std::string> operand_error(ScalarOp op, std::span<const DType> operands) {
  const runtime::ScalarOpRow& op_row = row(op);
  if (operands.size() != static_cast<size_t>(op_row.arity))
    return fmt::format("`{}` takes {} operands, not {}", op_row.text, op_row.arity,
                       operands.size());
  const DType type = operands.back();
  for (size_t i = 0; i < operands.size(); ++i) {
    const DType wanted = op == ScalarOp::select && i == 0 ? DType::bool_ : type;
    if (operands[i] != wanted)
      return fmt::format("operand {} of `{}` is `{}`, not `{}`", i + 1, op_row.text,
                         text(operands[i]), text(wanted));
  }
  if (!runtime::accepts(op, type))
    return fmt::format("`{}` does not take `{}`", op_row.text, text(type));
  return std::nullopt;
}

bool is_well_formed(const Module& module, const Function& function, ExprId body) {
  if (body.index >= function.exprs.size()) return false;
  bool sound = true;
  for_each_node(function.exprs, body, [&](ExprId id) {
    const Expr& node = function.exprs[id];
    const size_t count = node.args.size();
    const bool has_value = node.kind == ExprKind::value || node.kind == ExprKind::read;
    sound &= has_value == static_cast<bool>(node.value);
    if (has_value) sound &= node.value.index < function.values.size();
    switch (node.kind) {
      case ExprKind::constant:
      case ExprKind::index:
      case ExprKind::value: sound &= count == 0; break;
      case ExprKind::convert: sound &= count == 1; break;
      case ExprKind::if_: sound &= count == 3; break;
      case ExprKind::reduce: sound &= count >= 3 && count % 2 == 1; break;
      case ExprKind::call: sound &= node.callee.index < module.functions.size(); break;
      case ExprKind::apply: sound &= count == static_cast<size_t>(row(node.op).arity); break;
      case ExprKind::read: break;
    }
  });
  return sound;
}

std::optional<std::string> body_error(const Module& module, const Function& function,
                                      const Compute& compute) {
  try {
    BodyVerifier(module, function).run(compute);
    return std::nullopt;
  } catch (const Wrong& wrong) {
    return wrong.message;
  }
}

}  // namespace tenon::ir
