#include "lessons/04-oracle/hunt/planted.h"

#include <cmath>
#include <iterator>
#include <utility>

namespace tenon::lessons {
namespace {

using namespace ast::typed;
using runtime::Kind;

// ---- the tree, from the leaves up

template <class Visit>
void visit_all(Function& function, std::vector<Expr>& exprs, const Visit& visit);

/// Calls visit(function, expr) on every expression inside `expr` and then on itself.
template <class Visit>
void visit_all(Function& function, Expr& expr, const Visit& visit) {
  const auto inside = [&](const ExprPtr& each) {
    if (each) visit_all(function, *each, visit);
  };
  std::visit(
      [&](auto& node) {
        using Node = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<Node, Apply> || std::is_same_v<Node, Call>) {
          visit_all(function, node.args, visit);
        } else if constexpr (std::is_same_v<Node, Convert>) {
          inside(node.operand);
        } else if constexpr (std::is_same_v<Node, IfExpr>) {
          inside(node.condition), inside(node.then), inside(node.otherwise);
        } else if constexpr (std::is_same_v<Node, Element>) {
          inside(node.tensor), inside(node.otherwise);
          visit_all(function, node.subscripts, visit);
        } else if constexpr (std::is_same_v<Node, Reduce>) {
          for (ReduceIndex& index : node.indices) inside(index.lo), inside(index.hi);
          inside(node.body);
        } else if constexpr (std::is_same_v<Node, Compute>) {
          for (Operand& operand : node.operands) inside(operand.value);
          inside(node.body);
        } else if constexpr (std::is_same_v<Node, Pack>) {
          visit_all(function, node.elements, visit);
        } else if constexpr (std::is_same_v<Node, Tuple>) {
          visit_all(function, node.parts, visit);
        } else if constexpr (std::is_same_v<Node, Field>) {
          inside(node.base);
        } else if constexpr (std::is_same_v<Node, ScatterAdd>) {
          inside(node.tensor), inside(node.ids), inside(node.values);
        }
      },
      expr.node);
  visit(function, expr);
}
template <class Visit>
void visit_all(Function& function, std::vector<Expr>& exprs, const Visit& visit) {
  for (Expr& expr : exprs) visit_all(function, expr, visit);
}

/// Calls on_expr(function, expr) and on_stmt(stmt) on everything in the statements.
template <class OnExpr, class OnStmt>
void visit_all(Function& function, std::vector<Stmt>& stmts, const OnExpr& on_expr,
               const OnStmt& on_stmt) {
  const auto expr = [&](Expr& each) { visit_all(function, each, on_expr); };
  for (Stmt& stmt : stmts) {
    std::visit(
        [&](auto& node) {
          using Node = std::decay_t<decltype(node)>;
          if constexpr (std::is_same_v<Node, Define> || std::is_same_v<Node, Save> ||
                        std::is_same_v<Node, Write> || std::is_same_v<Node, Evaluate>) {
            expr(node.value);
          } else if constexpr (std::is_same_v<Node, Update>) {
            for (auto& subscript : node.subscripts) {
              if (subscript) expr(*subscript);
            }
            expr(node.value);
          } else if constexpr (std::is_same_v<Node, If>) {
            expr(node.condition);
            visit_all(function, node.then, on_expr, on_stmt);
            visit_all(function, node.otherwise, on_expr, on_stmt);
          } else if constexpr (std::is_same_v<Node, While>) {
            expr(node.condition);
            visit_all(function, node.body, on_expr, on_stmt);
          } else if constexpr (std::is_same_v<Node, For>) {
            expr(node.lo), expr(node.hi);
            visit_all(function, node.body, on_expr, on_stmt);
          } else if constexpr (std::is_same_v<Node, Return>) {
            if (node.value) expr(*node.value);
          } else if constexpr (std::is_same_v<Node, Print>) {
            for (auto& piece : node.pieces) {
              if (auto* printed = std::get_if<Expr>(&piece)) expr(*printed);
            }
          } else if constexpr (std::is_same_v<Node, Assert>) {
            expr(node.condition);
          }
        },
        stmt.node);
    on_stmt(stmt);
  }
}

// ---- making nodes; each stands where `like` stands

ExprPtr boxed(Expr expr) {
  return std::make_unique<Expr>(std::move(expr));
}
Type scalar_type(DType dtype) {
  return {dtype, {}, nullptr};
}

template <class... Args>
Expr apply(const Expr& like, ScalarOp op, Args... args) {
  std::vector<Expr> list;
  (list.push_back(std::move(args)), ...);
  const Type type = scalar_type(runtime::result_type(op, list.back().type.dtype));
  return {type, like.span, Apply{op, std::move(list)}};
}
Expr integer(const Expr& like, DType dtype, int64_t value) {
  return {scalar_type(dtype), like.span, Constant{Scalar::integer(dtype, value), {}}};
}
Expr choice(const Expr& like, Expr condition, Expr then, Expr otherwise) {
  const Type type = then.type;
  return {type, like.span,
          IfExpr{boxed(std::move(condition)), boxed(std::move(then)), boxed(std::move(otherwise))}};
}

/// Two values under names, to be used more than once.
struct Pair {
  Function& function;
  Expr& node;
  VarId first, second;

  Pair(Function& function, Expr& node)
      : function(function), node(node), first(new_var()), second(new_var()) {}
  Expr a() const { return use(first); }
  Expr b() const { return use(second); }
  /// The node becomes `body`, in which a() and b() are the operation's arguments.
  void become(Expr body) {
    std::vector<Expr>& args = std::get<Apply>(node.node).args;
    std::vector<Operand> operands;
    operands.push_back({first, boxed(std::move(args[0]))});
    operands.push_back({second, boxed(std::move(args[1]))});
    node.node = Compute{std::move(operands), {}, boxed(std::move(body))};
  }

 private:
  VarId new_var() const {
    const Type type = std::get<Apply>(node.node).args[0].type;
    function.vars.push_back({"", type, node.span, VarKind::operand});
    return static_cast<VarId>(function.vars.size() - 1);
  }
  Expr use(VarId var) const { return {function.vars[var].type, node.span, Variable{var}}; }
};

Apply* applied(Expr& expr, ScalarOp op, Kind kind) {
  auto* node = std::get_if<Apply>(&expr.node);
  const bool fits = node && node->op == op && row(node->args.back().type.dtype).kind == kind;
  return fits ? node : nullptr;
}

// ---- the bugs

void divide_toward_zero(Function& function, Expr& expr) {
  if (!applied(expr, ScalarOp::div, Kind::integer)) return;
  const DType type = expr.type.dtype;
  Pair p(function, expr);
  const auto zero = [&] { return integer(expr, type, 0); };
  Expr quotient = apply(expr, ScalarOp::div, p.a(), p.b());
  Expr inexact = apply(expr, ScalarOp::ne, apply(expr, ScalarOp::mod, p.a(), p.b()), zero());
  Expr signs_differ = apply(expr, ScalarOp::ne, apply(expr, ScalarOp::lt, p.a(), zero()),
                            apply(expr, ScalarOp::lt, p.b(), zero()));
  Expr is_below = apply(expr, ScalarOp::and_, std::move(inexact), std::move(signs_differ));
  p.become(apply(expr, ScalarOp::add, std::move(quotient),
                 choice(expr, std::move(is_below), integer(expr, type, 1), zero())));
}

void two_at_a_time(Function&, Expr& expr) {
  auto* node = std::get_if<Reduce>(&expr.node);
  if (!node) return;
  const auto* lo = std::get_if<Constant>(&node->indices.back().lo->node);
  auto* hi = std::get_if<Constant>(&node->indices.back().hi->node);
  if (!lo || !hi) return;
  const int64_t steps = hi->value.i - lo->value.i;
  if (steps >= 3 && steps % 2 == 1) --hi->value.i;
}

void not_less_is_greater_or_equal(Function&, Expr& expr) {
  Apply* outer = applied(expr, ScalarOp::not_, Kind::boolean);
  if (!outer) return;
  static constexpr std::pair<ScalarOp, ScalarOp> kOpposites[] = {{ScalarOp::lt, ScalarOp::ge},
                                                                 {ScalarOp::ge, ScalarOp::lt},
                                                                 {ScalarOp::gt, ScalarOp::le},
                                                                 {ScalarOp::le, ScalarOp::gt}};
  for (const auto& [op, opposite] : kOpposites) {
    Apply* inner = applied(outer->args[0], op, Kind::floating);
    if (!inner) continue;
    Apply flipped{opposite, std::move(inner->args)};
    expr.node = std::move(flipped);
    return;
  }
}

void adding_zero_is_nothing(Function&, Expr& expr) {
  Apply* node = applied(expr, ScalarOp::add, Kind::floating);
  if (!node) return;
  const auto* zero = std::get_if<Constant>(&node->args[1].node);
  if (!zero || zero->value.f != 0 || std::signbit(zero->value.f)) return;
  Expr rest = std::move(node->args[0]);
  expr = std::move(rest);
}

void narrow_is_wide(Function&, Expr& expr) {
  auto* convert = std::get_if<Convert>(&expr.node);
  if (!convert || expr.type.dtype == DType::i8 || !runtime::is_integer(expr.type.dtype)) return;
  Expr& inner = *convert->operand;
  for (ScalarOp op : {ScalarOp::add, ScalarOp::sub, ScalarOp::mul}) {
    Apply* node = inner.type.dtype == DType::i8 ? applied(inner, op, Kind::integer) : nullptr;
    if (!node) continue;
    std::vector<Expr> wide;
    for (Expr& arg : node->args) {
      wide.push_back({expr.type, arg.span, Convert{boxed(std::move(arg))}});
    }
    expr.node = Apply{op, std::move(wide)};
    return;
  }
}

void negative_is_first(Function&, Expr& expr) {
  auto* node = std::get_if<Element>(&expr.node);
  if (!node || !node->otherwise) return;
  for (Expr& subscript : node->subscripts) {
    Expr zero = integer(subscript, subscript.type.dtype, 0);
    Expr given = std::move(subscript);
    const Expr place{given.type, given.span, Constant{}};
    subscript = apply(place, ScalarOp::max, std::move(given), std::move(zero));
  }
}

void max_is_a_comparison(Function& function, Expr& expr) {
  if (!applied(expr, ScalarOp::max, Kind::floating)) return;
  Pair p(function, expr);
  p.become(choice(expr, apply(expr, ScalarOp::gt, p.a(), p.b()), p.a(), p.b()));
}

void nothing(Function&, Expr&) {}

void break_goes_on(Stmt& stmt) {
  if (std::holds_alternative<Break>(stmt.node)) stmt.node = Continue{};
}
void leave(Stmt&) {}

struct Bug {
  void (*on_expr)(Function&, Expr&);
  void (*on_stmt)(Stmt&);
  std::string_view about;
};
constexpr Bug kTable[] = {
    {two_at_a_time, leave, "a reduction takes two steps at a time and forgets the odd one"},
    {divide_toward_zero, leave, "integer division rounds toward zero, as in C"},
    {max_is_a_comparison, leave,
     "max(a, b) has become `if a > b { a } else { b }`, which loses a NaN"},
    {not_less_is_greater_or_equal, leave,
     "not (a < b) has become a >= b, which is false for a NaN"},
    {narrow_is_wide, leave,
     "i8 sums and products that are converted are computed in the wide type"},
    {negative_is_first, leave, "x[i else v] takes x[0] where i is negative"},
    {nothing, break_goes_on, "break goes on with the next turn"},
    {adding_zero_is_nothing, leave, "x + 0.0 has become x, but -0.0 + 0.0 is 0.0"},
};
static_assert(std::size(kTable) == kBugs);

}  // namespace

void miscompile(Program& program, int bug) {
  const Bug& planted = kTable[bug - 1];
  for (const auto& function : program.functions) {
    visit_all(*function, function->body, planted.on_expr, planted.on_stmt);
  }
}

std::string_view about(int bug) {
  return kTable[bug - 1].about;
}

}  // namespace tenon::lessons
