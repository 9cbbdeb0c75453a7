// Consts and the -D that replace them; and which expressions have a value before the program runs.
#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "ast/function_checker.h"

namespace tenon::ast {

// ---- -D

namespace {

bool is_number(std::string_view digits, bool is_float) {
  bool hex = digits.starts_with("0x") || digits.starts_with("0X");
  const char *begin = digits.data() + (hex ? 2 : 0), *end = digits.data() + digits.size();
  if (is_float) {
    double f;
    return std::from_chars(begin, end, f).ptr == end && digits.back() != '.';
  }
  bool octal = digits.size() > 1 && digits[0] == '0' && !hex;  // as in source, 007 is no number
  uint64_t i;
  auto parsed = std::from_chars(begin, end, i, hex ? 16 : 10);
  return !octal && parsed.ec == std::errc() && parsed.ptr == end;
}

/// The literal that the text of a -D stands for; nothing if it is none.
ExprPtr parse_define(std::string_view text) {
  auto make = [](auto node) { return std::make_unique<Expr>(Expr{Span{}, 1, std::move(node)}); };
  if (text == "true" || text == "false") return make(BoolLiteral{text == "true"});
  bool negative = text.starts_with('-');
  std::string digits;
  for (size_t i = negative; i < text.size(); i++) {
    bool between = i > 0 && i + 1 < text.size() &&
                   std::isxdigit(static_cast<uint8_t>(text[i - 1])) &&
                   std::isxdigit(static_cast<uint8_t>(text[i + 1]));
    if (text[i] != '_')
      digits += text[i];
    else if (!between)
      return nullptr;
  }
  if (digits.empty() || !std::isdigit(static_cast<uint8_t>(digits[0]))) return nullptr;
  bool is_float = !digits.starts_with("0x") && !digits.starts_with("0X") &&
                  digits.find_first_of(".eE") != std::string::npos;
  if (!is_number(digits, is_float)) return nullptr;
  auto number = make(NumberLiteral{digits, is_float});
  return negative ? make(Unary{ScalarOp::neg, std::move(number)}) : std::move(number);
}

}  // namespace

void ProgramChecker::apply_defines() {
  // All of them first: a const may be made of others that are replaced, too.
  for (const Define& d : options_.defines) {
    auto it = user_.consts.find(d.name);
    if (it == user_.consts.end()) {
      throw BadDefine{fmt::format("-D {}: the program has no const of that name", d.name)};
    }
    ConstInfo& info = it->second;
    info.replacement = parse_define(d.value);
    Diagnostics silent;
    typed::Function scratch;
    FunctionChecker checker(*this, nullptr, {}, false, false, scratch, silent);
    info.value.reset();
    if (info.replacement) info.value = checker.constant_expression(*info.replacement);
    info.state = ConstInfo::checked;
    if (!info.value) {
      throw BadDefine{fmt::format("-D {}={}: the value is not a number that fits, true or false",
                                  d.name, d.value)};
    }
  }
  for (const Define& d : options_.defines) check_define(d, user_.consts.at(d.name));
}

/// The value keeps the type of the program's own; an integer may stand for a float.
void ProgramChecker::check_define(const Define& define, ConstInfo& info) {
  ConstInfo as_written{info.tree, info.in_prelude};
  MaybeChecked own = const_value(as_written);
  if (!own) return;
  Checked& value = *info.value;
  bool fits;
  if (own->open) {
    bool to_float = runtime::is_floating(own->dtype());
    fits = value.open && (to_float || !runtime::is_floating(value.dtype()));
    if (to_float) value.expr.type.dtype = DType::f32;
  } else {
    Diagnostics silent;
    typed::Function scratch;
    fits = FunctionChecker(*this, nullptr, {}, false, false, scratch, silent)
               .coerce(value, own->dtype());
  }
  if (fits) return;
  std::string type = !own->open                           ? "of type " + own->type().text()
                     : runtime::is_floating(own->dtype()) ? "a float"
                                                          : "an integer";
  throw BadDefine{fmt::format("-D {}={}: the const is {}", define.name, define.value, type)};
}

// ---- consts

ConstInfo* ProgramChecker::find_const(const std::string& name, bool from_prelude) {
  Names& names = from_prelude ? prelude_ : user_;
  auto it = names.consts.find(name);
  return it == names.consts.end() ? nullptr : &it->second;
}

void ProgramChecker::add_const_names(std::vector<std::string>& names, bool from_prelude) const {
  for (auto& [name, info] : (from_prelude ? prelude_ : user_).consts) names.push_back(name);
}

MaybeChecked ProgramChecker::const_value(ConstInfo& info) {
  const Const& c = *info.tree;
  if (info.state == ConstInfo::checking) {
    diagnostics_.report(Diag::constant_cycle, c.name.span, c.name.text);
    return std::nullopt;
  }
  if (info.state == ConstInfo::unchecked) {
    if (const_depth_ == kMaxConstDepth) {
      diagnostics_.report(Diag::nested_too_deeply, c.name.span, kMaxConstDepth);
      return std::nullopt;
    }
    info.state = ConstInfo::checking;
    const_depth_++;
    typed::Function scratch;
    FunctionChecker checker(*this, nullptr, {}, false, info.in_prelude, scratch, diagnostics_);
    info.value = checker.constant_expression(*c.value);
    const_depth_--;
    info.state = ConstInfo::checked;
  }
  if (!info.value) return std::nullopt;
  return Checked{clone(info.value->expr), info.value->open};
}

MaybeChecked FunctionChecker::constant_expression(const Expr& e) {
  scopes_.assign(1, {});
  auto c = expression(e);
  if (!c) return std::nullopt;
  if (!is_constant(c->expr)) {
    report(Diag::not_constant, e.span);
    return std::nullopt;
  }
  if (node_count(c->expr) > kMaxConstNodes) {
    report(Diag::constant_too_large, e.span, kMaxConstNodes);
    return std::nullopt;
  }
  // Whoever uses it gives a literal its type; what is wrong for every type is said here.
  Checked widest{clone(c->expr), c->open};
  if (!settle(widest, runtime::is_floating(c->dtype()) ? DType::f64 : DType::i64)) {
    return std::nullopt;
  }
  return c;
}

// ---- values

std::optional<Scalar> FunctionChecker::known_value(const Checked& c) {
  if (!is_constant(c.expr)) return std::nullopt;
  Checked widest{clone(c.expr), c.open};
  Diagnostics silent, *loud = std::exchange(diagnostics_, &silent);
  bool settled = settle(widest, runtime::is_floating(c.dtype()) ? DType::f64 : DType::i64);
  diagnostics_ = loud;
  return settled ? evaluate(widest.expr) : std::nullopt;
}

bool FunctionChecker::is_static(const typed::Expr& e) const {
  if (auto* v = std::get_if<typed::Variable>(&e.node)) return symbols_.contains(v->var);
  if (auto* c = std::get_if<typed::Convert>(&e.node)) return is_static(*c->operand);
  if (auto* a = std::get_if<typed::Apply>(&e.node)) {
    for (const typed::Expr& arg : a->args) {
      if (!is_static(arg)) return false;
    }
    return true;
  }
  return std::holds_alternative<typed::Constant>(e.node);
}

bool FunctionChecker::divides_by_zero(const typed::Expr& e) {
  // In an instance dimensions are constants, too; there a division may stand where it is never
  // reached, and what is made of literals has been looked at before.
  if (info_ && !generic_) return false;
  auto* a = std::get_if<typed::Apply>(&e.node);
  if (!a || (a->op != ScalarOp::div && a->op != ScalarOp::mod)) return false;
  auto left = evaluate(a->args[0]), right = evaluate(a->args[1]);
  if (!left || !right || !runtime::divides_by_zero(a->op, std::vector{*left, *right})) return false;
  report(Diag::constant_division, e.span).with_label("the right side is 0");
  return true;
}

bool FunctionChecker::has_division_by_zero(const typed::Expr& e) {
  if (auto* i = std::get_if<typed::IfExpr>(&e.node)) {
    auto c = evaluate(*i->condition);
    if (c) return has_division_by_zero(c->i ? *i->then : *i->otherwise);
    return has_division_by_zero(*i->then) || has_division_by_zero(*i->otherwise);
  }
  if (auto* r = std::get_if<typed::Reduce>(&e.node)) return has_division_by_zero(*r->body);
  if (auto* a = std::get_if<typed::Apply>(&e.node)) {
    for (const typed::Expr& arg : a->args) {
      if (has_division_by_zero(arg)) return true;
    }
  }
  if (auto* c = std::get_if<typed::Call>(&e.node)) {
    return std::ranges::any_of(c->args, [&](auto& arg) { return has_division_by_zero(arg); });
  }
  return divides_by_zero(e);
}

bool is_constant(const typed::Expr& e) {
  if (auto* c = std::get_if<typed::Convert>(&e.node)) return is_constant(*c->operand);
  if (auto* i = std::get_if<typed::IfExpr>(&e.node)) {
    return is_constant(*i->condition) && is_constant(*i->then) && is_constant(*i->otherwise);
  }
  if (auto* a = std::get_if<typed::Apply>(&e.node)) {
    for (const typed::Expr& arg : a->args) {
      if (!is_constant(arg)) return false;
    }
    return true;
  }
  if (auto* c =
          std::get_if<typed::Call>(&e.node)) {  // of a mathematical function, if args are constant
    return !c->math.empty() && std::ranges::all_of(c->args, is_constant);
  }
  return std::holds_alternative<typed::Constant>(e.node);
}

std::optional<Scalar> evaluate(const typed::Expr& e) {
  if (auto* c = std::get_if<typed::Constant>(&e.node)) return c->value;
  if (auto* c = std::get_if<typed::Convert>(&e.node)) {
    auto v = evaluate(*c->operand);
    return v ? std::optional(runtime::convert(e.type.dtype, *v)) : std::nullopt;
  }
  if (auto* i = std::get_if<typed::IfExpr>(&e.node)) {
    auto c = evaluate(*i->condition);
    return c ? evaluate(c->i ? *i->then : *i->otherwise) : std::nullopt;
  }
  auto* a = std::get_if<typed::Apply>(&e.node);
  if (!a) return std::nullopt;
  std::vector<Scalar> values;
  for (const typed::Expr& arg : a->args) {
    auto v = evaluate(arg);
    if (!v) return std::nullopt;
    values.push_back(*v);
  }
  if (runtime::divides_by_zero(a->op, values)) return std::nullopt;
  return runtime::eval(a->op, values);
}

typed::Expr clone(const typed::Expr& e) {
  auto copy = [](const typed::ExprPtr& p) { return boxed(clone(*p)); };
  typed::Expr out{e.type, e.span, typed::Constant{}};
  if (auto* c = std::get_if<typed::Constant>(&e.node)) {
    out.node = *c;
  } else if (auto* v = std::get_if<typed::Variable>(&e.node)) {
    out.node = *v;
  } else if (auto* c = std::get_if<typed::Convert>(&e.node)) {
    out.node = typed::Convert{copy(c->operand)};
  } else if (auto* i = std::get_if<typed::IfExpr>(&e.node)) {
    out.node = typed::IfExpr{copy(i->condition), copy(i->then), copy(i->otherwise)};
  } else if (auto* x = std::get_if<typed::Element>(&e.node)) {
    typed::Element made{copy(x->tensor), {}, nullptr};
    for (const typed::Expr& s : x->subscripts) made.subscripts.push_back(clone(s));
    out.node = std::move(made);
  } else if (auto* a = std::get_if<typed::Apply>(&e.node)) {
    typed::Apply made{a->op, {}};
    for (const typed::Expr& arg : a->args) made.args.push_back(clone(arg));
    out.node = std::move(made);
  } else if (auto* c = std::get_if<typed::Call>(&e.node)) {
    typed::Call made{c->callee, {}, c->math};
    for (const typed::Expr& arg : c->args) made.args.push_back(clone(arg));
    out.node = std::move(made);
  } else {
    throw std::logic_error("only constants and cheap expressions are ever cloned");
  }
  return out;
}

size_t node_count(const typed::Expr& e) {
  size_t n = 1;
  if (auto* c = std::get_if<typed::Convert>(&e.node)) {
    n += node_count(*c->operand);
  } else if (auto* i = std::get_if<typed::IfExpr>(&e.node)) {
    n += node_count(*i->condition) + node_count(*i->then) + node_count(*i->otherwise);
  } else if (auto* a = std::get_if<typed::Apply>(&e.node)) {
    for (const typed::Expr& arg : a->args) n += node_count(arg);
  } else if (auto* c = std::get_if<typed::Call>(&e.node)) {
    for (const typed::Expr& arg : c->args) n += node_count(arg);
  }
  return n;
}

}  // namespace tenon::ast
