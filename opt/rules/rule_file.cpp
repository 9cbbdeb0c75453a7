// Reading of rule files.
//
//   file    = {section {rule}}
//   section = ("exact" | "subscript" | "default") "for" types {"," name {name} ":" type}
//   types   = name "in" type {type} | "(" name {"," name} ")" "in" {"(" type {"," type} ")"}
//   rule    = name ":" expr "=>" expr ["if" expr] string
#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <unordered_map>

#include "ir/parse_expr.h"
#include "ir/text.h"
#include "opt/rules/rule.h"

namespace tenon::opt {

using namespace ir;

std::string_view text(RuleClass rule_class) {
  switch (rule_class) {
    case RuleClass::exact: return "exact";
    case RuleClass::subscript: return "subscript";
    case RuleClass::by_default: return "default";
  }
  return "";
}

class RuleReader {
 public:
  RuleReader(RuleSet& set, const lexer::SourceMap& sources, uint32_t file,
             lexer::Diagnostics& diagnostics)
      : set_(set),
        sources_(sources),
        scanner_(sources.file(file).text(), file, diagnostics),
        file_(std::filesystem::path(sources.file(file).name()).stem().string()) {}

  void run() {
    scanner_.seek({});
    scanner_.skip_newlines();
    while (scanner_.peek().kind != TokenKind::end) {
      if (scanner_.peek_second().is(TokenKind::symbol, ":")) {
        rule();
      } else {
        section();
      }
      scanner_.skip_newlines();
    }
  }

 private:
  struct Declared {
    std::string_view name, type;
    Span span;
  };
  using Choice = std::vector<DType>;  ///< a type for each of type_names_

  // ---- sections

  void section() {
    declared_.clear();
    type_names_.clear();
    choices_.clear();
    names_.clear();
    section_ = std::nullopt;
    for (const RuleClass c : {RuleClass::exact, RuleClass::subscript, RuleClass::by_default})
      if (scanner_.at_name(text(c))) section_ = c;
    if (!section_) scanner_.fail_expected("`exact`, `subscript`, `default` or a rule `name:`");
    scanner_.take();
    scanner_.expect_name("for");
    types();
    while (scanner_.accept(",")) declarations();
    for (const Choice& choice : choices_) names_.push_back(names(choice));
    if (scanner_.peek().kind != TokenKind::newline) scanner_.fail_expected("the end of the line");
  }

  /// One item, or several in parentheses.
  template <class Item>
  auto tuple(bool several, Item item) {
    std::vector<decltype(item())> items;
    if (several) scanner_.expect("(");
    do items.push_back(item());
    while (several && scanner_.accept(","));
    if (several) scanner_.expect(")");
    return items;
  }

  void types() {
    const bool tuples = scanner_.at("(");
    type_names_ = tuple(tuples, [&] { return scanner_.expect(TokenKind::name, "a name").text; });
    scanner_.expect_name("in");
    do {
      choices_.push_back(tuple(tuples, [&] { return parse_type(scanner_).dtype; }));
      if (choices_.back().size() != type_names_.size())
        scanner_.fail(scanner_.last_span(), "one type is needed for each name");
    } while (tuples ? scanner_.at("(") : scanner_.peek().kind == TokenKind::name);
  }

  void declarations() {
    const size_t first = declared_.size();
    do {
      const Token name = scanner_.expect(TokenKind::name, "a variable");
      declared_.push_back({name.text, {}, name.span});
    } while (!scanner_.accept(":"));
    const Token type = scanner_.expect(TokenKind::name, "a type");
    const bool known = std::ranges::find(type_names_, type.text) != type_names_.end();
    if (!known && !dtype_named(type.text))
      scanner_.fail(type.span, fmt::format("there is no type `{}`", type.text));
    for (size_t i = first; i < declared_.size(); ++i) declared_[i].type = type.text;
    if (declared_.size() + 3 > kMaxVariables)
      scanner_.fail(type.span,
                    fmt::format("a section has at most {} variables", kMaxVariables - 3));
  }

  // ---- rules

  /// Read once for each choice of types: what a number means depends on it.
  void rule() {
    const Token name = scanner_.take();
    if (!section_) scanner_.fail(name.span, "a rule stands in a section, `exact for …`");
    scanner_.expect(":");
    const TextPosition begin = scanner_.position();
    for (size_t c = 0; c < choices_.size(); ++c) {
      scanner_.seek(begin);
      Rule rule;
      rule.name = fmt::format("{}.{}", file_, name.text);
      rule.span = name.span;
      rule.rule_class = *section_;
      for (size_t i = 0; i < type_names_.size(); ++i)
        rule.types.emplace_back(type_names_[i], choices_[c][i]);
      sides(rule, names_[c]);
      check(rule);
      set_.rules_.push_back(std::move(rule));
    }
  }

  void sides(Rule& rule, const FreeNames& names) {
    rule.left = side(names, rule.left_text);
    scanner_.skip_newlines();
    scanner_.expect("=>");
    rule.right = side(names, rule.right_text);
    scanner_.skip_newlines();
    if (scanner_.at_name("if")) {
      scanner_.take();
      rule.guard = side(names, rule.guard_text);
      scanner_.skip_newlines();
    }
    if (scanner_.peek().kind != TokenKind::string) scanner_.fail_expected("a text that says why");
    rule.why = parse_string(scanner_);
    if (scanner_.peek().kind != TokenKind::newline && scanner_.peek().kind != TokenKind::end)
      scanner_.fail_expected("the end of the line");
  }

  ExprId side(const FreeNames& names, std::string& written) {
    scanner_.skip_newlines();
    const Span begin = scanner_.peek().span;
    const ExprId id = parse_free_expr(scanner_, set_.module_, set_.function_, names);
    written = sources_.text(lexer::join(begin, scanner_.last_span()));
    return id;
  }

  FreeNames names(const Choice& choice) {
    FreeNames names;
    for (size_t i = 0; i < choice.size(); ++i) names.types[type_names_[i]] = choice[i];
    (runtime::is_floating(choice[0]) ? names.floating : names.integer) = choice[0];
    uint32_t slot = 0;
    for (const Declared& each : declared_) {
      const auto type = names.types.find(each.type);
      const DType dtype = type != names.types.end() ? type->second : *dtype_named(each.type);
      const bool constant = each.name.size() > 1 && each.name[0] == 'c' &&
                            each.name.find_first_not_of("0123456789", 1) == each.name.npos;
      names.values[each.name] = variable(
          {constant ? Variable::constant : Variable::term, std::string(each.name), dtype, slot++});
    }
    if (!runtime::is_integer(choice[0])) return names;
    names.values["width"] = variable({Variable::width, "width", choice[0], slot++});
    names.values["lowest"] = variable({Variable::lowest, "lowest", choice[0], slot++});
    names.values["highest"] = variable({Variable::highest, "highest", choice[0], slot++});
    return names;
  }

  /// The node that stands for a variable; one for all rules that have the same.
  ExprId variable(Variable wanted) {
    const std::string key =
        fmt::format("{}.{}.{}", wanted.name, runtime::row(wanted.type).text, wanted.slot);
    auto [known, is_new] = values_.try_emplace(key);
    if (is_new) {
      known->second = set_.function_.add_value(set_.module_.types.scalar(wanted.type), wanted.name);
      set_.variables_.push_back(wanted);
    }
    return set_.function_.exprs.value(known->second, wanted.type);
  }

  // ---- what every rule must be

  void check(Rule& rule) {
    const auto type = [&](ExprId id) { return set_[id].type; };
    const uint32_t on_left = check_nodes(rule, rule.left);
    check_right(rule, rule.right, on_left);
    if (rule.guard) check_right(rule, rule.guard, on_left);
    if (type(rule.left) != type(rule.right)) fail(rule, "the sides have different types");
    if (rule.guard && type(rule.guard) != DType::bool_) fail(rule, "the guard is not a bool");
    const ExprKind kind = set_[rule.left].kind;
    if (kind == ExprKind::value || kind == ExprKind::constant)
      fail(rule, "the left side is no operation");
    rule.forms = forms(rule.left);
    rule.operations = operations(rule.right);
  }

  /// Checks an expression's nodes; its variables' slots, as bits.
  uint32_t check_nodes(const Rule& rule, ExprId id) {
    const Expr& node = set_[id];
    check_node(rule, node);
    if (node.kind == ExprKind::value) return 1u << set_.variable(node).slot;
    uint32_t slots = 0;
    for (const ExprId arg : node.args) slots |= check_nodes(rule, arg);
    return slots;
  }

  /// No variable may be new, but one constant that a guard tells how to find.
  void check_right(Rule& rule, ExprId id, uint32_t on_left) {
    const Expr& node = set_[id];
    check_node(rule, node);
    for (const ExprId arg : node.args) check_right(rule, arg, on_left);
    if (node.kind != ExprKind::value) return;
    const Variable& v = set_.variable(node);
    if ((on_left >> v.slot & 1) != 0 || v.kind > Variable::constant || rule.sought == id) return;
    if (v.kind == Variable::term || !rule.guard || rule.sought)
      fail(rule, fmt::format("`{}` does not stand on the left side", v.name));
    rule.sought = id;
  }

  uint32_t operations(ExprId id) const {
    if (set_.is_constant(id) || set_[id].kind == ExprKind::value) return 0;
    uint32_t count = 1;
    for (const ExprId arg : set_[id].args) count += operations(arg);
    return count;
  }

  /// Constants stand on the right in normal form, so operands change places only where none is one.
  std::vector<ExprId> forms(ExprId id) {
    if (set_[id].args.empty()) return {id};
    const Expr node = set_[id];
    std::vector<std::vector<ExprId>> operands{{}};
    for (const ExprId arg : node.args) {
      std::vector<std::vector<ExprId>> longer;
      for (const std::vector<ExprId>& before : operands) {
        for (const ExprId form : forms(arg)) {
          longer.push_back(before);
          longer.back().push_back(form);
        }
      }
      operands = std::move(longer);
    }
    Exprs& exprs = set_.function_.exprs;
    std::vector<ExprId> result;
    for (std::vector<ExprId>& args : operands) {
      result.push_back(exprs.with_args(id, args));
      if (node.kind != ExprKind::apply || !runtime::is_commutative(node.op) || args[0] == args[1]) continue;
      if (set_.is_constant(args[0]) || set_.is_constant(args[1])) continue;
      result.push_back(exprs.with_args(id, {args[1], args[0]}));
    }
    return result;
  }

  std::vector<bool> slots(ExprId root) const {
    std::vector<bool> found(kMaxVariables);
    for_each_node(set_.exprs(), root, [&](ExprId id) {
      if (set_[id].kind == ExprKind::value) found[set_.variable(set_[id]).slot] = true;
    });
    return found;
  }

  /// Operands have one type, which the operation takes; the parser has looked at the last alone.
  void check_node(const Rule& rule, const Expr& node) {
    switch (node.kind) {
      case ExprKind::value:
      case ExprKind::constant:
      case ExprKind::convert: return;
      case ExprKind::if_:
        if (set_[node.args[1]].type == set_[node.args[2]].type) return;
        return fail(rule, "the branches of an `if` have different types");
      case ExprKind::apply:
        for (size_t i = 0; i < node.args.size(); ++i) {
          const bool condition = node.op == ScalarOp::select && i == 0;
          const DType wanted = condition ? DType::bool_ : set_[node.args.back()].type;
          if (set_[node.args[i]].type != wanted)
            return fail(rule, fmt::format("the operands of `{}` have different types",
                                          runtime::row(node.op).text));
        }
        return;
      default: return fail(rule, "a rule is made of scalar operations, conversions and `if`");
    }
  }

  void fail(const Rule& rule, std::string message) {
    std::string types;
    for (const auto& [name, type] : rule.types)
      types += fmt::format("{}{} = {}", types.empty() ? "" : ", ", name, runtime::row(type).text);
    scanner_.fail(rule.span, fmt::format("{} (rule `{}`, {})", message, rule.name, types));
  }

  RuleSet& set_;
  const lexer::SourceMap& sources_;
  TextScanner scanner_;
  std::string file_;  ///< its name, without folder and ending
  std::optional<RuleClass> section_;
  std::vector<std::string_view> type_names_;
  std::vector<Choice> choices_;
  std::vector<FreeNames> names_;  ///< of each choice
  std::vector<Declared> declared_;
  std::unordered_map<std::string, ValueId> values_;
};

void RuleSet::read(const lexer::SourceMap& sources, uint32_t file,
                   lexer::Diagnostics& diagnostics) {
  try {
    RuleReader(*this, sources, file, diagnostics).run();
  } catch (const SyntaxError&) {
    // It is reported; the rules before it stand.
  }
}

bool RuleSet::is_constant(ExprId id) const {
  const Expr& node = (*this)[id];
  if (node.kind == ExprKind::constant) return true;
  if (node.kind == ExprKind::value) return variable(node).kind != Variable::term;
  return std::ranges::all_of(node.args, [&](ExprId arg) { return is_constant(arg); });
}

const RuleSet& built_in_rules() {
  static const RuleSet set = [] {
    RuleSet rules;
    lexer::SourceMap sources;
    lexer::Diagnostics diagnostics;
    for (const auto& [name, text] : rule_files())
      rules.read(sources, sources.add(fmt::format("opt/rules/{}.rules", name), std::string(text)),
                 diagnostics);
    for (const lexer::Diagnostic& d : diagnostics.all())
      throw std::logic_error(lexer::render(d, sources, lexer::DiagFormat::short_));
    return rules;
  }();
  return set;
}

}  // namespace tenon::opt
