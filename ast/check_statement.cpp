// Statements: scopes, definitions, control flow.
#include <stdexcept>

#include "ast/function_checker.h"

namespace tenon::ast {

FunctionChecker::FunctionChecker(ProgramChecker& program, const FunctionInfo* info,
                                 Substitution parameters, bool generic, bool in_prelude,
                                 typed::Function& out, Diagnostics& diagnostics)
    : program_(program),
      info_(info),
      parameters_(std::move(parameters)),
      generic_(generic),
      in_prelude_(in_prelude),
      out_(out),
      diagnostics_(&diagnostics) {}

bool FunctionChecker::signature() {
  scopes_.assign(1, {});
  bool fine = true;
  for (const Param& p : info_->tree->params) {
    auto t = type(p.type);
    fine &= t.has_value();
    if (t)
      declare(p.name, *t, typed::VarKind::parameter);
    else
      declare_wrong(p.name);
  }
  out_.param_count = out_.vars.size();
  if (!info_->tree->result) return fine;
  out_.result = type(*info_->tree->result);
  return fine && out_.result;
}

void FunctionChecker::body() {
  const Function& f = *info_->tree;
  block(f.body, out_.body);
  if (!f.result || ends(f.body)) return;
  Span brace{f.span.file, f.span.end - 1, f.span.end};
  report(Diag::missing_return, f.name.span, f.name.text).note(brace, "the end is reached here");
}

namespace {

/// Whether a `break` in these statements leaves the loop around them.
bool breaks(const Block& block) {
  for (const Stmt& s : block) {
    if (std::holds_alternative<Break>(s.node)) return true;
    auto* i = std::get_if<If>(&s.node);
    if (i && (breaks(i->then) || breaks(i->otherwise))) return true;
  }
  return false;
}

}  // namespace

bool ends(const Block& block) {
  for (const Stmt& s : block) {
    if (std::holds_alternative<Return>(s.node)) return true;
    if (auto* i = std::get_if<If>(&s.node); i && ends(i->then) && ends(i->otherwise)) return true;
    if (auto* w = std::get_if<While>(&s.node)) {
      auto* always = std::get_if<BoolLiteral>(&w->condition->node);
      if (always && always->value && !breaks(w->body)) return true;
    }
  }
  return false;
}

// ---- scopes

typed::VarId FunctionChecker::declare(const Name& name, typed::Type type, typed::VarKind kind) {
  typed::VarId id = hidden(name.text, std::move(type), name.span, kind);
  auto [it, fresh] = scopes_.back().names.emplace(name.text, id);
  if (!fresh) {
    const typed::Var& first = var(it->second);
    auto& d = report(Diag::duplicate_name, name.span, name.text);
    d.note(first.span, "it is first defined here");
    if (first.kind == typed::VarKind::var) {
      d.hint(fmt::format("to assign a new value, write `{} = …;`", name.text));
    }
    it->second = id;
  }
  return id;
}

void FunctionChecker::declare_wrong(const Name& name) {
  wrong_.insert(declare(name, {}, typed::VarKind::var));
}

typed::VarId FunctionChecker::hidden(std::string name, typed::Type type, Span span,
                                     typed::VarKind kind) {
  out_.vars.push_back({std::move(name), std::move(type), span, kind});
  return static_cast<typed::VarId>(out_.vars.size() - 1);
}

// [snippet find]
std::optional<typed::VarId> FunctionChecker::find(const std::string& name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (auto it = scope->names.find(name); it != scope->names.end()) return it->second;
  }
  return std::nullopt;
}
// [end]

void FunctionChecker::report_unknown(const std::string& name, Span span, std::string_view advice) {
  if (program_.lost_items() || program_.clashes(name) || (info_ && info_->broken)) return;
  auto& d = report(Diag::unknown_name, span, name);
  if (program_.find_function(name, in_prelude_) || builtin_kind(name) != BuiltinKind::none) {
    d.hint(fmt::format("{} is a function: call it, `{}(…)`", quoted(name), name));
    return;
  }
  std::vector<std::string> candidates;
  for (const Scope& scope : scopes_) {
    for (auto& [known, id] : scope.names) candidates.push_back(known);
  }
  for (auto& [dimension, extent] : parameters_.dimensions) candidates.push_back(dimension);
  program_.add_const_names(candidates, in_prelude_);
  for (std::string_view word : {"true", "false"}) candidates.emplace_back(word);
  if (auto it = ended_.find(name); it != ended_.end() && it->second.end <= span.begin) {
    d.note(it->second, fmt::format("{} is an index of this reduction, which ends here", quoted(name)))
        .hint("a reduction reaches as far as a product does: put its body in parentheses");
    return;
  }
  suggest(d, name, span, candidates);
  if (d.hints.empty() && !advice.empty()) d.hint(std::string(advice));
}

// ---- statements

void FunctionChecker::block(const Block& block, Stmts& out) {
  scopes_.push_back({});
  for (const Stmt& stmt : block) {
    if (diagnostics_->full()) break;
    ended_.clear();
    size_t before = out.size();
    std::visit([&](auto& s) { check(s, stmt.span, out); }, stmt.node);
    if (out.size() == before && !diagnostics_->any() && !program_.anything_wrong()) {
      throw std::logic_error("a statement was refused without a word");
    }
  }
  scopes_.pop_back();
}

void FunctionChecker::check(const Let& let, Span span, Stmts& out) {
  std::optional<typed::Type> annotated;
  bool wrong = false;
  if (let.type) {
    annotated = type(*let.type);
    wrong = !annotated;
    if (annotated && let.indices && !annotated->is_scalar()) {
      report(Diag::type_mismatch, let.type->span, "a scalar type", quoted(*annotated))
          .hint("an index definition's type is that of one element");
      wrong = true;
    }
  }
  std::optional<typed::Expr> value;
  std::optional<typed::PlacedSchedule> schedule;
  if (let.schedule) schedule = check_schedule(let);
  if (let.indices) {
    auto element = annotated && !wrong ? std::optional(annotated->dtype) : std::nullopt;
    if (auto c = index_definition(let, span, element)) value = std::move(c->expr);
  } else if (annotated) {
    value = expression_of(*let.value, *annotated, {let.type->span, "the type is given here"});
  } else if (!let.type) {
    value = settled(*let.value);
  } else {
    look_at(*let.value);
  }
  auto kind = let.is_var ? typed::VarKind::var : typed::VarKind::let;
  const Span word{span.file, span.begin, span.begin + 3};
  if (!value && annotated && !let.indices) {  // its type is known all the same
    let_words_[declare(let.name, *annotated, kind)] = word;
    return;
  }
  if (!value || wrong) return declare_wrong(let.name);
  typed::VarId id = declare(let.name, value->type, kind);
  let_words_[id] = word;
  out.push_back({span, typed::Define{id, std::move(*value), std::move(schedule)}});
}

std::optional<typed::Expr> FunctionChecker::condition(const Expr& e) {
  auto c = settled(e);
  if (!c || c->type == typed::Type{DType::bool_, {}}) return c;
  auto& d = report(Diag::type_mismatch, e.span, "`bool`", quoted(c->type));
  if (c->type.is_scalar())
    d.hint("compare it, as in `x != 0`");
  else
    d.hint("say whether all or any of its elements decide: `all[i] (a[i] == b[i])`");
  return std::nullopt;
}

void FunctionChecker::check(const If& s, Span span, Stmts& out) {
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

void FunctionChecker::check(const While& s, Span span, Stmts& out) {
  auto c = condition(*s.condition);
  typed::While made;
  loops_++;
  block(s.body, made.body);
  loops_--;
  if (!c) return;
  made.condition = std::move(*c);
  out.push_back({span, std::move(made)});
}

void FunctionChecker::check(const For& s, Span span, Stmts& out) {
  const typed::Type index{DType::i64, {}};
  const Origin origin{s.name.span, "a loop counts in integers"};
  auto lo = expression_of(*s.lo, index, origin), hi = expression_of(*s.hi, index, origin);
  typed::For made;
  scopes_.push_back({});
  made.var = declare(s.name, index, typed::VarKind::loop);
  loops_++;
  block(s.body, made.body);
  loops_--;
  scopes_.pop_back();
  if (!lo || !hi) return;
  made.lo = std::move(*lo);
  made.hi = std::move(*hi);
  out.push_back({span, std::move(made)});
}

void FunctionChecker::check(const Break&, Span span, Stmts& out) {
  if (loops_ == 0) report(Diag::outside_loop, span, "break");
  out.push_back({span, typed::Break{}});
}

void FunctionChecker::check(const Continue&, Span span, Stmts& out) {
  if (loops_ == 0) report(Diag::outside_loop, span, "continue");
  out.push_back({span, typed::Continue{}});
}

void FunctionChecker::check(const Return& s, Span span, Stmts& out) {
  const Function& f = *info_->tree;
  if (!f.result) {
    if (s.value) {
      report(Diag::return_value, s.value->span,
             fmt::format("{} has no result type, so it returns no value", quoted(f.name.text)))
          .note(f.name.span, "it is defined here")
          .hint(fmt::format("write `fn {}(…) -> type`", f.name.text));
    }
    out.push_back({span, typed::Return{}});
  } else if (!out_.result) {
    if (s.value) look_at(*s.value);
  } else if (!s.value) {
    report(Diag::return_value, span, fmt::format("{} must return a value", quoted(f.name.text)))
        .note(f.result->span, fmt::format("its result is {}", quoted(*out_.result)));
  } else if (auto e = expression_of(*s.value, *out_.result,
                                    {f.result->span, "the result type is given here"})) {
    out.push_back({span, typed::Return{std::move(e)}});
  }
}

}  // namespace tenon::ast
