// Extents as they are written, and when two shapes agree.
#include "ast/function_checker.h"

namespace tenon::ast {

namespace {

using Arithmetic = std::optional<Extent> (*)(const Extent&, const Extent&);

/// What an operator means between extents; null for those that extents are not made of.
Arithmetic extent_operator(ScalarOp op) {
  switch (op) {
    case ScalarOp::add: return Extent::add;
    case ScalarOp::sub: return Extent::sub;
    case ScalarOp::mul: return Extent::mul;
    case ScalarOp::div: return Extent::div;
    case ScalarOp::mod: return Extent::mod;
    default: return nullptr;
  }
}

}  // namespace

std::optional<Extent> FunctionChecker::extent(const Expr& e) {
  if (auto* name = std::get_if<NameRef>(&e.node)) {
    if (auto id = find(name->name)) {
      if (!wrong_.contains(*id)) {
        report(Diag::extent_constant, e.span)
            .note(var(*id).span, "this is known only when the program runs");
      }
      return std::nullopt;
    }
    auto it = parameters_.dimensions.find(name->name);
    if (it != parameters_.dimensions.end()) return it->second;
    if (!program_.find_const(name->name, in_prelude_)) {
      report_unknown(name->name, e.span,
                     fmt::format("declare the dimension, `fn f[{0}](…)`, or a `const {0}`", name->name));
      return std::nullopt;
    }
  }
  if (auto* b = std::get_if<Binary>(&e.node); b && extent_operator(b->op)) {
    return extent_of(*b, e.span);
  }
  if (auto* u = std::get_if<Unary>(&e.node); u && u->op == ScalarOp::neg) {
    auto operand = extent(*u->operand);
    return operand ? Extent::sub(Extent(0), *operand) : std::nullopt;
  }
  auto c = expression(e);
  if (!c) return std::nullopt;
  if (!is_constant(c->expr)) {
    report(Diag::extent_constant, e.span);
    return std::nullopt;
  }
  if (!coerce(*c, DType::i64)) return std::nullopt;
  if (auto value = evaluate(c->expr)) return Extent(value->i);
  report(Diag::extent_constant, e.span);  // a mathematical function: computed when the program runs
  return std::nullopt;
}

std::optional<Extent> FunctionChecker::extent_of(const Binary& n, Span span) {
  auto left = extent(*n.left), right = extent(*n.right);
  if (!left || !right) return std::nullopt;
  auto result = extent_operator(n.op)(*left, *right);
  if (result) return result;
  bool divides = n.op == ScalarOp::div || n.op == ScalarOp::mod;
  bool numbers = left->constant() && right->constant();
  report(Diag::extent_arithmetic, span,
         divides && *right == Extent(0) ? "divides by zero"
         : numbers                      ? "does not fit 64 bits"
                                        : "is too complicated");
  return std::nullopt;
}

bool FunctionChecker::rank_fits(size_t rank, Span span) {
  if (rank <= kMaxRank) return true;
  report(Diag::not_supported, span, fmt::format("a rank above {} is", kMaxRank));
  return false;
}

bool FunctionChecker::fits_memory(const typed::Type& type, Span span) {
  for (const Extent& e : type.shape) {
    if (!e.constant()) return true;  // its instances will tell
  }
  if (runtime::byte_count(type.dtype, type.concrete_shape())) return true;
  report(Diag::too_large, span, type.text());
  return false;
}

// [snippet agree]
bool FunctionChecker::agree(const Extent& a, const Extent& b) const {
  if (a == b) return true;
  if (!generic_) return false;
  auto difference = Extent::sub(a, b);
  return !difference || !difference->constant();
}
// [end]

bool FunctionChecker::same_shape(const typed::Type& a, const typed::Type& b) const {
  if (a.aggregate || b.aggregate) return same_parts(a, b);
  if (a.shape.size() != b.shape.size()) return false;
  for (size_t i = 0; i < a.shape.size(); i++) {
    if (!agree(a.shape[i], b.shape[i])) return false;
  }
  return true;
}

/// Of tuples and records, whose element types must be the same, too.
bool FunctionChecker::same_parts(const typed::Type& a, const typed::Type& b) const {
  if (!a.aggregate || !b.aggregate || a.aggregate->name != b.aggregate->name) return false;
  const auto &x = a.aggregate->parts, &y = b.aggregate->parts;
  if (x.size() != y.size()) return false;
  for (size_t i = 0; i < x.size(); i++) {
    if (!same_shape(x[i], y[i])) return false;
    if (!x[i].aggregate && x[i].dtype != y[i].dtype) return false;
  }
  return true;
}

}  // namespace tenon::ast
