// The parser of loop nests: kernels and statements. Expressions are loops_parse_expr.cpp's.
//
//   nests      = {kernel}
//   kernel     = "kernel" @name "(" [params] ")" "->" params block      scalars are passed as such
//   params     = %name ":" type {"," …}
//   block      = "{" {statement} "}"                                    a line each
//   statement  = [kind] "for" loop "in" expr ".." expr block
//              | "local" local ":" type ["=" (expr | @function "(" list ")")]
//              | "local" local ":" type "of" %name                      the elements of a definition
//              | ["swizzled"] "shared" local ":" type | "barrier" | "await" number
//              | ["async"] local ["[" list "]"] "=" expr
//              | "if" expr block ["else" block]
//              | ["stream"] element "=" expr
//              | "prefetch" element
//              | "check" expr "else" fault "(" (string | list) ")"
//   element    = %name "[" list "]"
#include "ir/loops_parse.h"

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "ir/loops_parse_expr.h"
#include "ir/ranges.h"
#include "ir/straight.h"

namespace tenon::ir::loops {
namespace {

constexpr uint32_t kMaxNesting = 5000;    ///< loops and branches around a statement
constexpr size_t kMaxLocals = 1'000'000;  ///< of all kernels of a file

std::optional<runtime::FaultKind> fault_named(std::string_view text) {
  for (size_t i = 0; i < std::size(runtime::kFaults); ++i)
    if (runtime::kFaults[i].name == text) return static_cast<runtime::FaultKind>(i);
  return std::nullopt;
}

/// What the kernels of a file share.
struct Shared {
  Module& module;
  std::unordered_map<std::string, FuncId> functions;  ///< of the module
  size_t locals = 0;                                  ///< so far
};

// ---- one kernel

class NestParser {
 public:
  NestParser(TextScanner& scanner, Shared& shared) : scanner_(scanner), shared_(shared) {}

  ParsedKernel run();

 private:
  void inputs();
  void outputs();
  struct Param {
    std::string_view name;
    Type type;
  };
  Param param(std::string_view what);
  void add_buffer(const Param& param);

  Block block();
  Stmt stmt();
  Stmt for_();
  Stmt declaration();
  Stmt assignment();
  Stmt if_();
  Stmt store();
  Stmt prefetch();
  Stmt check();
  Stmt shared();
  Stmt barrier();
  Stmt await();
  Stmt async();

  LoopId loop_named(const Token& name);
  LocalId declare(const Token& name, const Type& type);
  FuncId function(const Token& name, const std::vector<ExprPtr>& args, const Type& result);
  bool is_reassociable(const SetLocal& set) const;
  NestExprParser exprs() { return {scanner_, kernel_, names_}; }

  TextScanner& scanner_;
  Shared& shared_;
  ParsedKernel parsed_;
  Kernel& kernel_ = parsed_.kernel;
  NestNames names_;
  uint32_t nesting_ = 0;
};

ParsedKernel NestParser::run() {
  const Span begin = scanner_.peek().span;
  scanner_.expect_name("kernel");
  kernel_.name = scanner_.expect(TokenKind::function, "the name of a kernel").text;
  inputs();
  scanner_.expect("->");
  outputs();
  parsed_.span = lexer::join(begin, scanner_.last_span());
  kernel_.body = block();
  return std::move(parsed_);
}

/// A scalar among the inputs is passed as such; a scalar output is a buffer of one element.
void NestParser::inputs() {
  scanner_.expect("(");
  for (bool first = true; !scanner_.at(")"); first = false) {
    if (!first) scanner_.expect(",");
    const Param input = param("a parameter");
    if (input.type.is_scalar()) {
      names_.scalars.emplace(input.name, static_cast<uint32_t>(kernel_.scalars.size()));
      kernel_.scalars.push_back({std::string(input.name), input.type.dtype});
      kernel_.scalar_values.emplace_back();
    } else {
      add_buffer(input);
      kernel_.buffer_values.emplace_back();
    }
  }
  scanner_.expect(")");
}

void NestParser::outputs() {
  do add_buffer(param("an output"));
  while (scanner_.accept(","));
}

/// `%x: f32[4]`, under a name of its own.
NestParser::Param NestParser::param(std::string_view what) {
  const Token name = scanner_.expect(TokenKind::value, what);
  scanner_.expect(":");
  Type type = parse_type(scanner_);
  if (names_.buffers.contains(name.text) || names_.scalars.contains(name.text))
    scanner_.fail(name.span, fmt::format("`%{}` is defined twice", name.text));
  return {name.text, std::move(type)};
}

void NestParser::add_buffer(const Param& param) {
  names_.buffers.emplace(param.name, static_cast<BufferId>(kernel_.buffers.size()));
  kernel_.buffers.push_back({std::string(param.name), param.type});
}

Block NestParser::block() {
  if (++nesting_ > kMaxNesting)
    scanner_.fail(scanner_.peek().span,
                  fmt::format("blocks are nested more than {} levels deep", kMaxNesting));
  scanner_.expect("{");
  scanner_.skip_newlines();
  Block block;
  while (!scanner_.accept("}")) {
    block.push_back(stmt());
    if (!scanner_.at("}")) scanner_.expect(TokenKind::newline, "the end of the line");
  }
  --nesting_;
  return block;
}

// ---- statements

Stmt NestParser::stmt() {
  struct Form {
    std::string_view word;
    Stmt (NestParser::*read)();
  };
  static constexpr Form kForms[] = {
      {"for", &NestParser::for_},      {"unrolled", &NestParser::for_},
      {"parallel", &NestParser::for_}, {"vectorized", &NestParser::for_},
      {"if", &NestParser::if_},        {"local", &NestParser::declaration},
      {"block", &NestParser::for_},    {"thread", &NestParser::for_},
      {"stream", &NestParser::store},  {"prefetch", &NestParser::prefetch},
      {"check", &NestParser::check},   {"shared", &NestParser::shared},
      {"barrier", &NestParser::barrier}, {"swizzled", &NestParser::shared},
      {"mma", &NestParser::for_},       {"await", &NestParser::await},
      {"async", &NestParser::async},
  };
  const Token first = scanner_.peek();
  const size_t number = parsed_.stmts.size();
  parsed_.stmts.push_back(first.span);
  const auto form = std::ranges::find(kForms, first.text, &Form::word);
  Stmt stmt;
  if (first.kind == TokenKind::value) {
    stmt = store();
  } else if (first.kind == TokenKind::name && form != std::end(kForms)) {
    stmt = (this->*form->read)();
  } else if (first.kind == TokenKind::name && local_named(first.text)) {
    stmt = assignment();
  } else {
    scanner_.fail_expected("a statement");
  }
  const bool has_blocks =
      std::holds_alternative<For>(stmt.node) || std::holds_alternative<If>(stmt.node);
  if (!has_blocks) parsed_.stmts[number] = lexer::join(first.span, scanner_.last_span());
  return stmt;
}

Stmt NestParser::for_() {
  const Span begin = scanner_.peek().span;
  const size_t number = parsed_.stmts.size() - 1;
  For loop;
  const auto kind = std::ranges::find(kLoopKinds, scanner_.peek().text);
  if (kind != std::end(kLoopKinds)) {
    loop.kind = static_cast<LoopKind>(kind - std::begin(kLoopKinds));
    scanner_.take();
  }
  scanner_.expect_name("for");
  const Token name = scanner_.expect(TokenKind::name, "the name of a loop");
  scanner_.expect_name("in");
  loop.lo = exprs().expr();
  scanner_.expect("..");
  loop.hi = exprs().expr();
  loop.loop = loop_named(name);
  parsed_.stmts[number] = lexer::join(begin, scanner_.last_span());
  names_.open_loops.push_back(loop.loop);
  loop.body = block();
  names_.open_loops.pop_back();
  return {std::move(loop)};
}

LoopId NestParser::loop_named(const Token& name) {
  if (is_reserved(name.text) || local_named(name.text))
    scanner_.fail(name.span, fmt::format("`{}` cannot be the name of a loop", name.text));
  const auto [at, added] =
      names_.loops.emplace(name.text, static_cast<LoopId>(kernel_.loops.size()));
  if (added) kernel_.loops.emplace_back(name.text);
  return at->second;
}

Stmt NestParser::if_() {
  const size_t number = parsed_.stmts.size() - 1;
  scanner_.expect_name("if");
  If branch{exprs().expr(), {}, {}};
  parsed_.stmts[number] = lexer::join(parsed_.stmts[number], scanner_.last_span());
  branch.then = block();
  if (scanner_.accept_name("else")) branch.otherwise = block();
  return {std::move(branch)};
}

Stmt NestParser::store() {
  const bool stream = scanner_.accept_name("stream");
  Read to = exprs().element();
  scanner_.expect("=");
  return {Store{to.buffer, std::move(to.subscripts), exprs().expr(), stream}};
}

Stmt NestParser::prefetch() {
  scanner_.expect_name("prefetch");
  Read wanted = exprs().element();
  return {Prefetch{wanted.buffer, std::move(wanted.subscripts)}};
}

Stmt NestParser::check() {
  scanner_.expect_name("check");
  Check check{exprs().expr(), {}, nullptr, nullptr, {}, {}};
  kernel_.may_fail = true;
  scanner_.expect_name("else");
  const Token name = scanner_.expect(TokenKind::name, "a fault");
  const auto fault = fault_named(name.text);
  if (!fault) scanner_.fail(name.span, fmt::format("there is no fault `{}`", name.text));
  check.fault = *fault;
  scanner_.expect("(");
  if (scanner_.peek().kind == TokenKind::string) {
    check.text = parse_string(scanner_);
    scanner_.expect(")");
    return {std::move(check)};
  }
  const std::vector<ExprPtr> values = exprs().list(")");
  if (values.size() > 2)
    scanner_.fail(name.span, fmt::format("a fault tells two numbers, not {}", values.size()));
  if (!values.empty()) check.a = values[0];
  if (values.size() == 2) check.b = values[1];
  return {std::move(check)};
}

// ---- locals

Stmt NestParser::declaration() {
  scanner_.expect_name("local");
  const Token name = scanner_.expect(TokenKind::name, "the name of a local");
  scanner_.expect(":");
  const Type type = parse_type(scanner_);
  if (!type.is_scalar() && scanner_.accept_name("of")) {
    const Token definition = scanner_.expect(TokenKind::value, "the name of a definition");
    const LocalId local = declare(name, type);
    kernel_.definitions.emplace(local, definition.text);
    return {SetLocal{local, nullptr, true}};
  }
  ExprPtr value;
  const bool has_value = scanner_.accept("=");
  const bool calls = has_value && scanner_.peek().kind == TokenKind::function;
  if (has_value && !calls) value = exprs().expr();
  if (!calls) return {SetLocal{declare(name, type), std::move(value), true}};

  const Token callee = scanner_.take();
  scanner_.expect("(");
  std::vector<ExprPtr> args = exprs().list(")");
  const FuncId id = function(callee, args, type);
  const bool known = !shared_.module.function(id).blocks.empty();
  if (!known || may_fail(shared_.module, id)) kernel_.may_fail = true;
  return {CallInto{declare(name, type), id, std::move(args), {}, known && goes_in_lanes(shared_.module, id)}};
}

Stmt NestParser::shared() {
  const bool swizzled = scanner_.accept_name("swizzled");
  scanner_.expect_name("shared");
  const Token name = scanner_.expect(TokenKind::name, "the name of a local");
  scanner_.expect(":");
  const LocalId local = declare(name, parse_type(scanner_));
  kernel_.shared.insert(local);
  if (swizzled) kernel_.swizzled.insert(local);
  return {SetLocal{local, nullptr, true}};
}

Stmt NestParser::barrier() {
  scanner_.expect_name("barrier");
  return {Barrier{}};
}

Stmt NestParser::await() {
  scanner_.expect_name("await");
  return {Await{parse_extent(scanner_)}};
}

Stmt NestParser::async() {
  scanner_.expect_name("async");
  if (!local_named(scanner_.peek().text)) scanner_.fail_expected("a local");
  Stmt copy = assignment();
  std::get<SetLocal>(copy.node).async = true;
  return copy;
}

LocalId NestParser::declare(const Token& name, const Type& type) {
  const auto id = local_named(name.text);
  if (!id) {
    scanner_.fail(
        name.span,
        fmt::format("`{}` is no local's name: they are a to h, a1 to h1 and so on", name.text));
  }
  if (*id >= kernel_.locals.size()) {
    shared_.locals += *id + 1 - kernel_.locals.size();
    if (shared_.locals > kMaxLocals)
      scanner_.fail(name.span, fmt::format("there are more than {} locals", kMaxLocals));
    kernel_.locals.resize(*id + 1);
    names_.declared.resize(*id + 1);
  }
  if (names_.declared[*id] && kernel_.locals[*id] != type) {
    scanner_.fail(name.span,
                  fmt::format("local `{}` is `{}` above", name.text, kernel_.locals[*id].text()));
  }
  kernel_.locals[*id] = type;
  names_.declared[*id] = true;
  return *id;
}

Stmt NestParser::assignment() {
  Local to = exprs().local();
  scanner_.expect("=");
  SetLocal set{to.local, exprs().expr(), false, false, std::move(to.subscripts)};
  set.reassociable = is_reassociable(set);
  return {std::move(set)};
}

/// Whether it is a step that lowering makes of a sum or product.
bool NestParser::is_reassociable(const SetLocal& set) const {
  const auto* step = std::get_if<Apply>(&set.value->node);
  if (step == nullptr || !runtime::is_floating(set.value->type)) return false;
  if (step->op != ScalarOp::add && step->op != ScalarOp::mul) return false;
  const auto* so_far = std::get_if<Local>(&step->args[0]->node);
  if (so_far == nullptr || so_far->local != set.local) return false;
  const auto text = [&](std::vector<ExprPtr> subscripts) {
    return print(shared_.module, kernel_, {SetLocal{set.local, nullptr, false, false, subscripts}});
  };
  return text(so_far->subscripts) == text(set.subscripts);
}

/// A function of the module; or a declaration that the call asks for, if it has none of that name.
FuncId NestParser::function(const Token& name, const std::vector<ExprPtr>& args,
                            const Type& result) {
  const FuncId next{static_cast<uint32_t>(shared_.module.functions.size())};
  const auto [at, added] = shared_.functions.emplace(name.text, next);
  if (!added) return at->second;
  Types& types = shared_.module.types;
  Function& made = shared_.module.functions.emplace_back();
  made.name = name.text;
  for (const ExprPtr& arg : args)
    made.params.push_back(made.add_value(types.scalar(arg->type), "x"));
  made.results.push_back(types.intern(result));
  return next;
}

// ---- all of them

class NestsParser {
 public:
  NestsParser(TextScanner scanner, Module& module, lexer::Diagnostics& diagnostics)
      : scanner_(scanner), shared_{module, {}}, diagnostics_(diagnostics) {
    for (uint32_t i = 0; i < module.functions.size(); ++i)
      shared_.functions.emplace(module.functions[i].name, FuncId{i});
  }

  std::vector<ParsedKernel> run();

 private:
  bool next();

  TextScanner scanner_;
  Shared shared_;
  lexer::Diagnostics& diagnostics_;
  std::vector<ParsedKernel> kernels_;
  std::unordered_set<std::string> names_;
};

/// After an error it goes on with the next kernel.
std::vector<ParsedKernel> NestsParser::run() {
  bool started = false, more = true;
  while (more && !diagnostics_.full()) {
    try {
      if (!started) scanner_.seek({});
      started = true;
      more = next();
    } catch (const SyntaxError&) {
      started = true;
      scanner_.skip_to("kernel");
    }
  }
  return std::move(kernels_);
}

/// Whether there was one.
bool NestsParser::next() {
  scanner_.skip_newlines();
  if (scanner_.peek().kind == TokenKind::end) return false;
  ParsedKernel parsed = NestParser(scanner_, shared_).run();
  if (!names_.insert(parsed.kernel.name).second)
    scanner_.fail(parsed.span, fmt::format("kernel `@{}` is defined twice", parsed.kernel.name));
  kernels_.push_back(std::move(parsed));
  if (scanner_.peek().kind != TokenKind::end)
    scanner_.expect(TokenKind::newline, "the end of the line");
  return true;
}

}  // namespace

std::vector<ParsedKernel> parse(const lexer::SourceMap& sources, uint32_t file, Module& module,
                                lexer::Diagnostics& diagnostics) {
  TextScanner scanner(sources.file(file).text(), file, diagnostics, Braces::blocks);
  return NestsParser(scanner, module, diagnostics).run();
}

}  // namespace tenon::ir::loops
