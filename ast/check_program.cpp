// Items: the functions and consts of prelude and program, which functions have effects or recurse,
// and the list of instances that main needs.
#include <algorithm>
#include <charconv>

#include "ast/checker.h"

namespace tenon::ast {

namespace {

/// Calls `visit` on every function call in the tree below.
struct CallFinder {
  const std::function<void(const Call&)>& visit;

  void in(const ExprPtr& e) const { if (e) in(*e); }
  void in(const std::vector<ExprPtr>& es) const { for (auto& e : es) in(e); }
  void in(const std::vector<IndexBinding>& indices) const {
    for (auto& i : indices) in(i.lo), in(i.hi);
  }
  void in(const Expr& e) const { std::visit([&](auto& n) { children(n); }, e.node); }
  void in(const Block& block) const {
    for (auto& s : block) std::visit([&](auto& n) { children(n); }, s.node);
  }

  void children(const NumberLiteral&) const {}
  void children(const BoolLiteral&) const {}
  void children(const StringLiteral&) const {}
  void children(const NameRef&) const {}
  void children(const ErrorExpr&) const {}
  void children(const Unary& n) const { in(n.operand); }
  void children(const Binary& n) const { in(n.left), in(n.right); }
  void children(const Matmul& n) const { in(n.left), in(n.right); }
  void children(const Call& n) const { visit(n), in(n.args); }
  void children(const ast::Convert& n) const { in(n.operand); }
  void children(const Subscript& n) const { in(n.base), in(n.subscripts), in(n.otherwise); }
  void children(const Reduce& n) const { in(n.indices), in(n.body); }
  void children(const IfExpr& n) const { in(n.condition), in(n.then), in(n.otherwise); }
  void children(const TensorLiteral& n) const { in(n.elements); }
  void children(const Let& n) const { if (n.indices) in(*n.indices); in(n.value); }
  void children(const Assign& n) const { in(n.target), in(n.value); }
  void children(const If& n) const { in(n.condition), in(n.then), in(n.otherwise); }
  void children(const While& n) const { in(n.condition), in(n.body); }
  void children(const For& n) const { in(n.lo), in(n.hi), in(n.body); }
  void children(const Break&) const {}
  void children(const Continue&) const {}
  void children(const Return& n) const { in(n.value); }
  void children(const Evaluate& n) const { in(n.value); }
};

bool is_effect(const std::string& builtin) {
  return builtin == "print" || builtin == "save" || builtin == "assert" || builtin == "write";
}

/// The literal that `-D NAME=text` stands for; nothing if it is none.
ExprPtr parse_define(std::string_view text, Span span) {
  auto make = [&](auto node) {
    auto e = std::make_unique<Expr>();
    e->span = span;
    e->node = std::move(node);
    return e;
  };
  if (text == "true" || text == "false") return make(BoolLiteral{text == "true"});
  bool negative = !text.empty() && text[0] == '-';
  std::string digits;
  for (char c : text.substr(negative)) if (c != '_') digits += c;
  if (digits.empty() || digits[0] < '0' || digits[0] > '9') return nullptr;
  bool hex = digits.starts_with("0x") || digits.starts_with("0X");
  bool is_float = !hex && digits.find_first_of(".eE") != std::string::npos;
  const char* end = digits.data() + digits.size();
  double f;
  uint64_t i;
  auto parsed = is_float ? std::from_chars(digits.data(), end, f)
                         : std::from_chars(digits.data() + (hex ? 2 : 0), end, i, hex ? 16 : 10);
  if (parsed.ec != std::errc() || parsed.ptr != end) return nullptr;
  auto number = make(NumberLiteral{digits, is_float});
  return negative ? make(Unary{ScalarOp::neg, std::move(number)}) : std::move(number);
}

}  // namespace

typed::Program check(const Program& prelude, const Program& program, const CheckOptions& options,
                     Diagnostics& diagnostics) {
  return ProgramChecker(options, diagnostics).check(prelude, program);
}

ProgramChecker::ProgramChecker(const CheckOptions& options, Diagnostics& diagnostics)
    : diagnostics(diagnostics), options_(options) {}

typed::Program ProgramChecker::check(const Program& prelude, const Program& program) {
  collect(prelude, true);
  collect(program, false);
  apply_defines();
  collect_callees();
  find_impure_and_recursive();
  check_signatures_and_bodies();

  const FunctionInfo* main = find_function("main", false);
  if (!main && options_.needs_main) diagnostics.report(Diag::no_main, Span{});
  if (diagnostics.any() || !main) return {};
  program_.main = instantiate(*main, {}, main->tree->name.span);
  for (size_t i = 0; i < instances_.size() && !diagnostics.any(); i++) check_instance(instances_[i]);
  return std::move(program_);
}

void ProgramChecker::collect(const Program& program, bool is_prelude) {
  Names& names = is_prelude ? prelude_ : user_;
  std::map<std::string, Span> places;
  auto claim = [&](const Name& name) {
    auto [it, fresh] = places.emplace(name.text, name.span);
    if (!fresh)
      diagnostics.report(Diag::duplicate_name, name.span, name.text)
          .note(it->second, "it is first defined here");
    return fresh;
  };
  for (const Const& c : program.consts)
    if (claim(c.name)) names.consts.emplace(c.name.text, ConstInfo{&c, nullptr, ConstInfo::unchecked, {}});
  for (const Function& f : program.functions) {
    if (!claim(f.name)) continue;
    FunctionInfo info{&f, is_prelude, true, false, true, {}};
    info.all_scalar = !f.result || f.result->extents.empty();
    for (const Param& p : f.params) info.all_scalar &= p.type.extents.empty();
    names.functions.emplace(f.name.text, info);
  }
}

void ProgramChecker::apply_defines() {
  for (const Define& d : options_.defines) {
    auto it = user_.consts.find(d.name);
    if (it == user_.consts.end()) throw BadDefine{"-D " + d.name + ": the program has no const of that name"};
    ConstInfo original{it->second.tree, nullptr, ConstInfo::unchecked, {}};
    it->second.define = &d;
    ExprPtr value = parse_define(d.value, Span{});
    if (!value) throw BadDefine{"-D " + d.name + "=" + d.value + ": the value is not a literal"};
    Diagnostics silent;
    typed::Function scratch;
    FunctionChecker checker(*this, nullptr, {}, false, false, scratch, silent);
    it->second.state = ConstInfo::checked;
    it->second.value = checker.constant_expression(*value);
    // The kind must stay that of the program's own value; an integer may stand for a float.
    MaybeChecked own = const_value(original, false);
    if (!own || !it->second.value) continue;
    Checked& replacement = *it->second.value;
    bool fits = own->dtype() == DType::bool_ ? replacement.dtype() == DType::bool_
                : runtime::is_floating(own->dtype())
                    ? replacement.dtype() != DType::bool_
                    : runtime::is_integer(replacement.dtype());
    if (fits) fits = own->open && !runtime::is_floating(own->dtype())
                         ? true
                         : own->open ? (replacement.expr.type.dtype = DType::f32, true)
                                     : checker.coerce(replacement, own->dtype());
    if (!fits)
      throw BadDefine{fmt::format("-D {}={}: the const is of type {}", d.name, d.value, own->type().text())};
  }
}

ConstInfo* ProgramChecker::find_const(const std::string& name, bool from_prelude) {
  Names& names = from_prelude ? prelude_ : user_;
  auto it = names.consts.find(name);
  return it == names.consts.end() ? nullptr : &it->second;
}

MaybeChecked ProgramChecker::const_value(ConstInfo& info, bool from_prelude) {
  if (info.state == ConstInfo::checking) {
    diagnostics.report(Diag::constant_cycle, info.tree->name.span, info.tree->name.text);
    return std::nullopt;
  }
  if (info.state == ConstInfo::unchecked) {
    info.state = ConstInfo::checking;
    typed::Function scratch;
    FunctionChecker checker(*this, nullptr, {}, false, from_prelude, scratch, diagnostics);
    info.value = checker.constant_expression(*info.tree->value);
    info.state = ConstInfo::checked;
  }
  if (!info.value) return std::nullopt;
  return Checked{clone(info.value->expr), info.value->open};
}

void ProgramChecker::collect_callees() {
  for (Names* names : {&prelude_, &user_})
    for (auto& [name, info] : names->functions) {
      std::function<void(const Call&)> visit = [&](const Call& call) {
        if (auto* callee = find_function(call.callee.text, info.in_prelude))
          info.callees.emplace(call.callee.text, std::pair(callee, call.callee.span));
        else if (is_effect(call.callee.text))
          info.pure = false;
      };
      CallFinder{visit}.in(info.tree->body);
    }
}

void ProgramChecker::find_impure_and_recursive() {
  std::vector<FunctionInfo*> all;
  for (Names* names : {&prelude_, &user_})
    for (auto& [name, info] : names->functions) all.push_back(&info);
  for (bool changed = true; changed;) {  // effects spread from callees to callers
    changed = false;
    for (FunctionInfo* f : all)
      for (auto& [name, callee] : f->callees)
        if (f->pure && !callee.first->pure) f->pure = false, changed = true;
  }
  for (FunctionInfo* f : all) {  // f recurses if it can be reached from its own callees
    std::set<const FunctionInfo*> seen;
    std::vector<const FunctionInfo*> work{f};
    while (!work.empty() && !f->recursive) {
      const FunctionInfo* g = work.back();
      work.pop_back();
      for (auto& [name, callee] : g->callees) {
        if (callee.first == f) f->recursive = true;
        if (seen.insert(callee.first).second) work.push_back(callee.first);
      }
    }
    if (f->recursive && !f->all_scalar)
      diagnostics.report(Diag::tensor_recursion, f->tree->name.span, f->tree->name.text);
  }
}

void ProgramChecker::check_signatures_and_bodies() {
  for (auto& [name, info] : user_.consts) const_value(info, false);
  std::vector<const FunctionInfo*> in_order;  // as they stand in the file, for the order of messages
  for (auto& [name, info] : user_.functions) in_order.push_back(&info);
  std::sort(in_order.begin(), in_order.end(), [](auto* a, auto* b) {
    return std::pair(a->tree->span.file, a->tree->span.begin) < std::pair(b->tree->span.file, b->tree->span.begin);
  });
  for (const FunctionInfo* info : in_order) {
    std::map<std::string, Extent> symbols;
    for (const Name& d : info->tree->dimensions)
      if (!symbols.emplace(d.text, Extent::parameter(d.text)).second)
        diagnostics.report(Diag::duplicate_name, d.span, d.text);
    const Function& f = *info->tree;
    if (f.name.text == "main" && (!f.params.empty() || f.result || !f.dimensions.empty()))
      diagnostics.report(Diag::main_signature, f.name.span);
    typed::Function scratch;
    FunctionChecker checker(*this, info, symbols, true, false, scratch, diagnostics);
    if (checker.signature()) checker.body();
  }
}

const FunctionInfo* ProgramChecker::find_function(const std::string& name, bool from_prelude) const {
  if (!from_prelude)
    if (auto it = user_.functions.find(name); it != user_.functions.end()) return &it->second;
  auto it = prelude_.functions.find(name);
  return it == prelude_.functions.end() ? nullptr : &it->second;
}

void ProgramChecker::add_function_names(std::vector<std::string>& names, bool from_prelude) const {
  for (auto& [name, info] : prelude_.functions) names.push_back(name);
  if (!from_prelude)
    for (auto& [name, info] : user_.functions) names.push_back(name);
}

const typed::Function* ProgramChecker::instantiate(const FunctionInfo& info,
                                                   const std::vector<Extent>& dimensions, Span call) {
  std::string key = (info.in_prelude ? "prelude " : "") + info.tree->name.text;
  for (const Extent& d : dimensions) key += "," + d.text();
  if (auto it = by_key_.find(key); it != by_key_.end()) return it->second;
  if (instances_.size() == kMaxInstances) {
    diagnostics.report(Diag::program_too_large, call, kMaxInstances);
    return nullptr;
  }
  auto& f = *program_.functions.emplace_back(std::make_unique<typed::Function>());
  f.name = info.tree->name.text;
  f.span = info.tree->span;
  f.pure = info.pure;
  f.recursive = info.recursive;
  for (size_t i = 0; i < dimensions.size(); i++)
    f.dimensions.emplace_back(info.tree->dimensions[i].text, dimensions[i].value());
  by_key_[key] = &f;
  instances_.push_back({&info, dimensions, &f, call, present_});
  // The signature at once: callers need it before the body's turn comes.
  std::map<std::string, Extent> names;
  for (size_t i = 0; i < dimensions.size(); i++) names.emplace(info.tree->dimensions[i].text, dimensions[i]);
  FunctionChecker(*this, &info, names, false, info.in_prelude, f, diagnostics).signature();
  return &f;
}

void ProgramChecker::check_instance(const Instance& instance) {
  present_ = &instance;
  Diagnostics found;
  std::map<std::string, Extent> names;
  for (size_t i = 0; i < instance.dimensions.size(); i++)
    names.emplace(instance.info->tree->dimensions[i].text, instance.dimensions[i]);
  FunctionChecker checker(*this, instance.info, names, false, instance.info->in_prelude,
                          *instance.function, found);
  if (checker.signature()) checker.body();
  for (Diagnostic d : found.all()) {
    // What only an instance shows is explained by the calls that led to it.
    for (const Instance* i = &instance; i->caller && d.notes.size() < 8; i = i->caller)
      d.note(i->call, "in `" + i->function->text() + "`, called here");
    diagnostics.add(std::move(d));
  }
}

}  // namespace tenon::ast
