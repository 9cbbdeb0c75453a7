// Statements: scopes, assignment, control flow, and the effects print, save and assert.
#include "ast/checker.h"

namespace tenon::ast {

FunctionChecker::FunctionChecker(ProgramChecker& program, const FunctionInfo* info,
                                 std::map<std::string, Extent> dimensions, bool generic,
                                 bool in_prelude, typed::Function& out, Diagnostics& diagnostics)
    : program_(program), info_(info), dimensions_(std::move(dimensions)), generic_(generic),
      in_prelude_(in_prelude), out_(out), diagnostics_(&diagnostics) {}

bool FunctionChecker::signature() {
  out_.vars.clear();
  scopes_.assign(1, {});
  bool fine = true;
  for (const Param& p : info_->tree->params) {
    auto t = type(p.type);
    fine &= t.has_value();
    declare(p.name, t.value_or(typed::Type{}), typed::VarKind::parameter);
  }
  out_.param_count = out_.vars.size();
  if (info_->tree->result) {
    auto t = type(*info_->tree->result);
    fine &= t.has_value();
    out_.result = t;
  }
  return fine;
}

void FunctionChecker::body() {
  const Function& f = *info_->tree;
  scopes_.push_back({});
  out_.body.clear();
  block(f.body, out_.body);
  if (f.result && !ends(f.body)) {
    Span brace{f.span.file, f.span.end ? f.span.end - 1 : 0, f.span.end};
    report(Diag::missing_return, f.name.span, f.name.text).note(brace, "the end is reached here");
  }
}

bool ends(const Block& block) {
  struct Breaks {  // a `break` that leaves this loop
    static bool in(const Block& b) {
      for (const Stmt& s : b) {
        if (std::holds_alternative<Break>(s.node)) return true;
        if (auto* i = std::get_if<If>(&s.node); i && (in(i->then) || in(i->otherwise))) return true;
      }
      return false;
    }
  };
  for (const Stmt& s : block) {
    if (std::holds_alternative<Return>(s.node)) return true;
    if (auto* i = std::get_if<If>(&s.node); i && ends(i->then) && ends(i->otherwise)) return true;
    if (auto* w = std::get_if<While>(&s.node)) {
      auto* always = std::get_if<BoolLiteral>(&w->condition->node);
      if (always && always->value && !Breaks::in(w->body)) return true;
    }
  }
  return false;
}

// ---- scopes

bool FunctionChecker::claim(const Name& name) {
  auto& names = scopes_.back().names;
  auto it = names.find(name.text);
  if (it == names.end()) return true;
  auto& d = report(Diag::duplicate_name, name.span, name.text);
  d.note(out_.vars[it->second].span, "it is first defined here");
  if (out_.vars[it->second].kind == typed::VarKind::var)
    d.hint(fmt::format("to assign a new value, write `{} = …;`", name.text));
  return false;
}

typed::VarId FunctionChecker::declare(const Name& name, typed::Type type, typed::VarKind kind) {
  claim(name);
  typed::VarId id = hidden(name.text, std::move(type), name.span, kind);
  scopes_.back().names[name.text] = id;
  return id;
}

void FunctionChecker::declare_wrong(const Name& name) {
  wrong_.insert(declare(name, {}, typed::VarKind::var));
}

typed::VarId FunctionChecker::hidden(std::string name, typed::Type type, Span span, typed::VarKind kind) {
  out_.vars.push_back({std::move(name), std::move(type), span, kind});
  return static_cast<typed::VarId>(out_.vars.size() - 1);
}

std::optional<typed::VarId> FunctionChecker::find(const std::string& name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
    if (auto it = scope->names.find(name); it != scope->names.end()) return it->second;
  return std::nullopt;
}

// ---- statements

void FunctionChecker::block(const Block& block, std::vector<typed::Stmt>& out) {
  scopes_.push_back({});
  for (const Stmt& s : block) {
    if (diagnostics_->full()) break;
    statement(s, out);
  }
  scopes_.pop_back();
}

void FunctionChecker::statement(const Stmt& stmt, std::vector<typed::Stmt>& out) {
  std::visit([&](auto& s) { check(s, stmt.span, out); }, stmt.node);
}

void FunctionChecker::check(const Let& let, Span span, std::vector<typed::Stmt>& out) {
  std::optional<typed::Type> annotated;
  bool wrong = false;
  if (let.type) wrong = !(annotated = type(*let.type));
  MaybeChecked value;
  if (let.indices) {
    if (annotated && !annotated->is_scalar()) {
      report(Diag::type_mismatch, let.type->span, "a scalar type", annotated->text())
          .hint("an index definition's type is that of one element");
      wrong = true;
    }
    std::optional<DType> want;
    if (annotated) want = annotated->dtype;
    value = index_definition(*let.indices, *let.value, span, want);
  } else if (annotated) {
    if (auto e = expression_of(*let.value, *annotated)) value = Checked{std::move(*e)};
  } else if (auto e = settled(*let.value)) {
    value = Checked{std::move(*e)};
  }
  if (!value || wrong) return declare_wrong(let.name);
  typed::VarId id = declare(let.name, value->type(), let.is_var ? typed::VarKind::var : typed::VarKind::let);
  out.push_back({span, typed::Define{id, std::move(value->expr)}});
}

std::optional<typed::VarId> FunctionChecker::assignable(const Expr& target) {
  auto* name = std::get_if<NameRef>(&target.node);
  if (!name) {
    if (!std::holds_alternative<ErrorExpr>(target.node))
      report(Diag::not_assignable, target.span, "this");
    return std::nullopt;
  }
  auto id = find(name->name);
  if (!id) {
    if (dimensions_.count(name->name) || program_.find_const(name->name, in_prelude_))
      report(Diag::not_assignable, target.span, name->name);
    else
      report(Diag::unknown_name, target.span, name->name).hint(fmt::format("`var {} = …;` defines it", name->name));
    return std::nullopt;
  }
  if (wrong_.count(*id)) return std::nullopt;
  const typed::Var& var = out_.vars[*id];
  if (var.kind == typed::VarKind::var) return id;
  auto& d = report(Diag::not_assignable, target.span, name->name);
  switch (var.kind) {
    case typed::VarKind::let:
      d.note(var.span, "`let` binds it once, here").hint("define it with `var` instead");
      break;
    case typed::VarKind::parameter: d.note(var.span, "it is a parameter"); break;
    case typed::VarKind::loop: d.note(var.span, "it is the variable of this loop"); break;
    default: d.note(var.span, "it is an index"); break;
  }
  return std::nullopt;
}

void FunctionChecker::check(const Assign& assign, Span span, std::vector<typed::Stmt>& out) {
  if (auto* target = std::get_if<Subscript>(&assign.target->node))
    return element_assign(assign, *target, span, out);
  auto id = assignable(*assign.target);
  if (!id) {
    settled(*assign.value);
    return;
  }
  typed::Type type = type_of(*id);
  if (!assign.op) {
    if (auto e = expression_of(*assign.value, type)) out.push_back({span, typed::Define{*id, std::move(*e)}});
    return;
  }
  auto right = expression(*assign.value);
  if (!right) return;
  std::vector<Checked> args;
  args.push_back({variable(*id, assign.target->span)});
  args.push_back(std::move(*right));
  auto value = apply(*assign.op, row(*assign.op).infix, std::move(args), span);
  if (value && coerce(*value, type)) out.push_back({span, typed::Define{*id, std::move(value->expr)}});
}

void FunctionChecker::element_assign(const Assign& assign, const Subscript& target, Span span,
                                     std::vector<typed::Stmt>& out) {
  auto id = assignable(*target.base);
  if (!id) return;
  if (target.otherwise) {
    report(Diag::not_supported, target.otherwise->span, "`else` in an assigned subscript is");
    return;
  }
  typed::Type type = type_of(*id);
  std::vector<typed::Expr> subs;
  if (!subscripts(target.subscripts, type, *target.base, assign.target->span, true, subs)) return;
  typed::Type scalar{type.dtype, {}};
  if (!assign.op) {
    if (auto e = expression_of(*assign.value, scalar))
      out.push_back({span, typed::Update{*id, std::move(subs), std::move(*e)}});
    return;
  }
  auto old = expression(*assign.target), right = expression(*assign.value);
  if (!old || !right) return;
  if (!right->type().is_scalar()) {
    report(Diag::type_mismatch, assign.value->span, scalar.text(), right->type().text());
    return;
  }
  std::vector<Checked> args;
  args.push_back(std::move(*old));
  args.push_back(std::move(*right));
  auto value = apply(*assign.op, row(*assign.op).infix, std::move(args), span);
  if (value && coerce(*value, scalar))
    out.push_back({span, typed::Update{*id, std::move(subs), std::move(value->expr)}});
}

std::optional<typed::Expr> FunctionChecker::condition(const Expr& e) {
  auto c = settled(e);
  if (c && c->type != typed::Type{DType::bool_, {}}) {
    auto& d = report(Diag::type_mismatch, e.span, "bool", c->type.text());
    if (c->type.is_scalar()) d.hint("compare it: `… != 0`");
    else d.hint("reduce it: `all[i] …[i]` or `any[i] …[i]`");
    return std::nullopt;
  }
  return c;
}

void FunctionChecker::check(const If& s, Span span, std::vector<typed::Stmt>& out) {
  auto c = condition(*s.condition);
  typed::If made;
  branches_++;
  block(s.then, made.then);
  block(s.otherwise, made.otherwise);
  branches_--;
  if (!c) return;
  made.condition = std::move(*c);
  out.push_back({span, std::move(made)});
}

void FunctionChecker::check(const While& s, Span span, std::vector<typed::Stmt>& out) {
  auto c = condition(*s.condition);
  typed::While made;
  loops_++;
  block(s.body, made.body);
  loops_--;
  if (!c) return;
  made.condition = std::move(*c);
  out.push_back({span, std::move(made)});
}

void FunctionChecker::check(const For& s, Span span, std::vector<typed::Stmt>& out) {
  auto lo = expression_of(*s.lo, {DType::i64, {}}), hi = expression_of(*s.hi, {DType::i64, {}});
  typed::For made;
  scopes_.push_back({});
  made.var = declare(s.name, {DType::i64, {}}, typed::VarKind::loop);
  loops_++;
  block(s.body, made.body);
  loops_--;
  scopes_.pop_back();
  if (!lo || !hi) return;
  made.lo = std::move(*lo);
  made.hi = std::move(*hi);
  out.push_back({span, std::move(made)});
}

void FunctionChecker::check(const Break&, Span span, std::vector<typed::Stmt>& out) {
  if (!loops_) report(Diag::outside_loop, span, "break");
  out.push_back({span, typed::Break{}});
}

void FunctionChecker::check(const Continue&, Span span, std::vector<typed::Stmt>& out) {
  if (!loops_) report(Diag::outside_loop, span, "continue");
  out.push_back({span, typed::Continue{}});
}

void FunctionChecker::check(const Return& s, Span span, std::vector<typed::Stmt>& out) {
  if (!s.value) {
    if (info_->tree->result)
      report(Diag::return_value, span, fmt::format("`{}` must return a `{}`", info_->tree->name.text,
                                                   out_.result ? out_.result->text() : "value"));
    out.push_back({span, typed::Return{}});
    return;
  }
  if (!info_->tree->result) {
    report(Diag::return_value, s.value->span, fmt::format("`{}` has no result type, so it returns no value",
                                                          info_->tree->name.text))
        .hint(fmt::format("write `fn {}(…) -> type`", info_->tree->name.text));
    return;
  }
  if (auto e = expression_of(*s.value, *out_.result))
    out.push_back({span, typed::Return{std::move(e)}});
}

void FunctionChecker::check(const Evaluate& s, Span span, std::vector<typed::Stmt>& out) {
  auto* call = std::get_if<Call>(&s.value->node);
  if (!call) {
    if (auto e = settled(*s.value)) report(Diag::unused_value, s.value->span);
    return;
  }
  if (!program_.find_function(call->callee.text, in_prelude_) && effect_call(*call, span, out)) return;
  const FunctionInfo* callee = program_.find_function(call->callee.text, in_prelude_);
  if (callee && !callee->tree->result) {
    auto c = call_function(*callee, *call, span);
    if (c) out.push_back({span, typed::Evaluate{std::move(c->expr)}});
  } else if (auto e = settled(*s.value)) {
    out.push_back({span, typed::Evaluate{std::move(*e)}});
  }
}

// ---- effects

bool FunctionChecker::effect_call(const Call& call, Span span, std::vector<typed::Stmt>& out) {
  const std::string& name = call.callee.text;
  if (name == "print") check_print(call, span, out);
  else if (name == "save") check_save(call, span, out);
  else if (name == "assert") check_assert(call, span, out);
  else if (name == "write") report(Diag::not_supported, call.callee.span, "`write` is");
  else return false;
  return true;
}

void FunctionChecker::check_print(const Call& call, Span span, std::vector<typed::Stmt>& out) {
  typed::Print made;
  bool fine = true;
  for (const ExprPtr& arg : call.args) {
    if (auto* text = std::get_if<StringLiteral>(&arg->node)) {
      made.pieces.emplace_back(text->value);
    } else if (auto e = settled(*arg)) {
      made.pieces.emplace_back(std::move(*e));
    } else {
      fine = false;
    }
  }
  if (fine) out.push_back({span, std::move(made)});
}

void FunctionChecker::check_save(const Call& call, Span span, std::vector<typed::Stmt>& out) {
  if (!argument_count(call.callee, 2, call.args.size(), span)) return;
  auto* path = std::get_if<StringLiteral>(&call.args[0]->node);
  if (!path) report(Diag::type_mismatch, call.args[0]->span, "a string with the file's name", "an expression");
  auto value = settled(*call.args[1]);
  if (path && value) out.push_back({span, typed::Save{path->value, std::move(*value)}});
}

void FunctionChecker::check_assert(const Call& call, Span span, std::vector<typed::Stmt>& out) {
  if (!argument_count(call.callee, 2, call.args.size(), span)) return;
  auto c = condition(*call.args[0]);
  auto* message = std::get_if<StringLiteral>(&call.args[1]->node);
  if (!message) report(Diag::type_mismatch, call.args[1]->span, "a string with the message", "an expression");
  if (c && message) out.push_back({span, typed::Assert{std::move(*c), message->value}});
}

}  // namespace tenon::ast
