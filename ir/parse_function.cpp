// Blocks and instructions, each after those that dominate it, so that the type of every value is known where it
// is used. What follows an instruction's name is read by the function that has its name, `parse_NAME`; index
// expressions are parse_expr.cpp's.
#include "ir/parse_function.h"

#include "ir/dominators.h"

namespace tenon::ir {

using runtime::row;

std::vector<ValueId> parse_params(TextScanner& scanner, Module& module, Function& function,
                                  Names& names) {
  std::vector<ValueId> params;
  scanner.expect("(");
  scanner.skip_newlines();
  while (!scanner.at(")")) {
    if (!params.empty()) scanner.expect(",");
    scanner.skip_newlines();
    const Token name = scanner.expect(TokenKind::value, "a parameter");
    scanner.expect(":");
    const TypeId type = module.types.intern(parse_type(scanner));
    scanner.skip_newlines();
    if (names.values.contains(name.text))
      scanner.fail(name.span, fmt::format("`%{}` is defined twice", name.text));
    params.push_back(function.add_value(type, name.text));
    names.values.emplace(name.text, params.back());
  }
  scanner.expect(")");
  return params;
}

namespace {

std::optional<Op> op_named(std::string_view text) {
  for (size_t i = 0; i < std::size(kOps); ++i)
    if (kOps[i].text == text && static_cast<Op>(i) != Op::apply) return static_cast<Op>(i);
  return std::nullopt;
}

using ResultTypes = std::vector<TypeId>;

class FunctionParser {
 public:
  FunctionParser(TextScanner& scanner, Module& module, const FunctionOutline& outline, Names& names)
      : scanner_(scanner),
        module_(module),
        function_(module.function(outline.id)),
        outline_(outline),
        names_(names) {}

  void run();

 private:
  void block(BlockId id);
  void statement(Block& block);
  std::vector<Token> result_names();
  void define(Inst& inst, std::span<const Token> names, std::span<const TypeId> types);
  ResultTypes inst(Inst& inst);
  /// One for each row of ops.def: what follows the name. Returns the types of the values that it
  /// gives.
#define OP(name, text, arity, result, trait, meaning) ResultTypes parse_##name(Inst& inst);
#include "ir/ops.def"
  ResultTypes parse_scalar_op(ScalarOp op, Inst& inst);
  Inst parse_producer();
  ResultTypes parse_bodies(Inst& inst);

  ValueId value() {
    return parse_value(scanner_, names_);
  }
  void values(std::vector<ValueId>& out, std::string_view close);
  Edge edge();
  const Type& type_of(ValueId id) const {
    return module_.type(function_, id);
  }

  TextScanner& scanner_;
  Module& module_;
  Function& function_;
  const FunctionOutline& outline_;
  Names& names_;
  std::unordered_map<std::string_view, BlockId> blocks_;
};

void FunctionParser::run() {
  for (const BlockOutline& block : outline_.blocks) {
    if (!blocks_.emplace(block.name.text, function_.add_block(block.name.text)).second) {
      scanner_.fail(block.name.span, fmt::format("block `{}` is defined twice", block.name.text));
    }
  }
  std::vector<Arc> arcs;
  for (uint32_t b = 0; b < outline_.blocks.size(); ++b)
    for (const std::string_view target : outline_.blocks[b].targets)
      if (const auto found = blocks_.find(target); found != blocks_.end())
        arcs.push_back({b, found->second.index});
  for (const uint32_t index : definition_order(Graph(outline_.blocks.size(), arcs)))
    block(BlockId{index});
}

void FunctionParser::block(BlockId id) {
  scanner_.seek(outline_.blocks[id.index].begin);
  scanner_.take();  // its name
  if (scanner_.at("("))
    function_.block(id).params = parse_params(scanner_, module_, function_, names_);
  scanner_.expect(":");
  // The first round saw to it that a label or the function's end follows.
  for (;;) {
    scanner_.expect(TokenKind::newline, "the end of the line");
    if (scanner_.at("}") || scanner_.peek_second().is(TokenKind::symbol, ":") ||
        scanner_.peek_second().is(TokenKind::symbol, "("))
      return;
    statement(function_.block(id));
  }
}

/// `%q, %r =` before an instruction; nothing before one that gives nothing.
std::vector<Token> FunctionParser::result_names() {
  std::vector<Token> names;
  if (scanner_.peek().kind != TokenKind::value) return names;
  do {
    names.push_back(scanner_.expect(TokenKind::value, "a value"));
  } while (scanner_.accept(","));
  scanner_.expect("=");
  return names;
}

void FunctionParser::statement(Block& block) {
  const Span begin = scanner_.peek().span;
  const std::vector<Token> names = result_names();
  Inst parsed{};
  const ResultTypes types = inst(parsed);
  parsed.span = lexer::join(begin, scanner_.last_span());
  if (names.size() != types.size()) {
    scanner_.fail(parsed.span, fmt::format("this gives {} values, but {} are named", types.size(),
                                           names.size()));
  }
  define(parsed, names, types);
  block.insts.push_back(std::move(parsed));
}

void FunctionParser::define(Inst& inst, std::span<const Token> names, std::span<const TypeId> types) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names_.values.contains(names[i].text))
      scanner_.fail(names[i].span, fmt::format("`%{}` is defined twice", names[i].text));
    inst.results.push_back(function_.add_value(types[i], names[i].text));
    names_.values.emplace(names[i].text, inst.results.back());
  }
}

ResultTypes FunctionParser::inst(Inst& inst) {
  const Token name = scanner_.expect(TokenKind::name, "an instruction");
  if (const auto op = op_named(name.text)) {
    inst.op = *op;
    inst.unchecked = can_be_unchecked(*op) && scanner_.accept_name("unchecked");
    switch (*op) {
      // clang-format off
#define OP(name, text, arity, result, trait, meaning) case Op::name: return parse_##name(inst);
#include "ir/ops.def"
      // clang-format on
    }
  }
  const auto scalar_op = scalar_op_named(name.text);
  if (!scalar_op) scanner_.fail(name.span, fmt::format("there is no instruction `{}`", name.text));
  inst.op = Op::apply;
  inst.unchecked = scanner_.accept_name("unchecked");
  return parse_scalar_op(*scalar_op, inst);
}

/// Values separated by commas, up to `close` (which is taken) or, if that is empty, to the line's
/// end.
void FunctionParser::values(std::vector<ValueId>& out, std::string_view close) {
  auto ends = [&] {
    return close.empty() ? scanner_.peek().kind != TokenKind::value : scanner_.at(close);
  };
  for (bool first = true; !first || !ends(); first = false) {
    if (!first && !scanner_.accept(",")) break;
    out.push_back(value());
  }
  if (!close.empty()) scanner_.expect(close);
}

ResultTypes FunctionParser::parse_constant(Inst& inst) {
  const Scalar value = ir::parse_constant(scanner_);
  inst.attribute = value;
  return {module_.types.scalar(value.type)};
}

ResultTypes FunctionParser::parse_scalar_op(ScalarOp op, Inst& inst) {
  const Span begin = scanner_.last_span();
  values(inst.args, "");
  const Type last = inst.args.empty() ? Type{} : type_of(inst.args.back());
  check_operands(scanner_, begin, op, inst.args.size(), last);
  inst.attribute = op;
  return {module_.types.scalar(runtime::result_type(op, last.dtype))};
}
/// Not reached: no instruction is spelled `apply`.
ResultTypes FunctionParser::parse_apply(Inst&) {
  scanner_.fail_expected("a scalar operation");
}

ResultTypes FunctionParser::parse_convert(Inst& inst) {
  inst.args = {value()};
  scanner_.expect_name("to");
  return {module_.types.intern(parse_type(scanner_))};
}

ResultTypes FunctionParser::parse_compute(Inst& inst) {
  std::vector<Inst> producers;
  while (scanner_.peek().kind == TokenKind::value) producers.push_back(parse_producer());
  const ResultTypes types = parse_bodies(inst);
  inst.get<Compute>().producers = std::move(producers);
  return types;
}

/// `%h = [i: 8] { … } in`
Inst FunctionParser::parse_producer() {
  Inst inst{Op::compute, {}, {}, {}, {}};
  const Token name = scanner_.take();
  scanner_.expect("=");
  inst.unchecked = scanner_.accept_name("unchecked");
  const ResultTypes types = parse_bodies(inst);
  inst.span = lexer::join(name.span, scanner_.last_span());
  if (types.size() != 1) scanner_.fail(inst.span, "a compute inside another gives one tensor");
  define(inst, {&name, 1}, types);
  scanner_.expect_name("in");
  return inst;
}

ResultTypes FunctionParser::parse_bodies(Inst& inst) {
  Compute compute = ir::parse_compute(scanner_, module_, function_, names_);
  if (scanner_.accept_name("schedule")) {
    if (!scanner_.at("(")) inst.path = scanner_.expect(TokenKind::name, "the path of a definition").text;
    compute.schedule = parse_schedule(scanner_);
    keep_index_names(function_.exprs, compute);
  } else {
    let_index_names_go(function_.exprs, compute);
  }
  ResultTypes types;
  for (const ExprId body : compute.bodies)
    types.push_back(module_.types.intern({function_.exprs[body].type, compute.extents}));
  inst.attribute = std::move(compute);
  return types;
}

ResultTypes FunctionParser::parse_pack(Inst& inst) {
  scanner_.expect("[");
  values(inst.args, "]");
  scanner_.expect(":");
  return {module_.types.intern(parse_type(scanner_))};
}

ResultTypes FunctionParser::parse_element(Inst& inst) {
  inst.args = {value()};
  scanner_.expect("[");
  values(inst.args, "]");
  return {module_.types.scalar(type_of(inst.args[0]).dtype)};
}

ResultTypes FunctionParser::parse_update(Inst& inst) {
  inst.args = {value()};
  const Type type = type_of(inst.args[0]);
  Part part;
  scanner_.expect("[");
  do {
    part.open.push_back(scanner_.accept(":"));
    if (!part.open.back()) inst.args.push_back(value());
  } while (scanner_.accept(","));
  scanner_.expect("]");
  scanner_.expect("=");
  inst.attribute = std::move(part);
  inst.args.push_back(value());
  return {module_.types.intern(type)};
}

ResultTypes FunctionParser::parse_call(Inst& inst) {
  const FuncId callee = parse_callee(scanner_, names_);
  inst.attribute = callee;
  scanner_.expect("(");
  values(inst.args, ")");
  return module_.function(callee).results;
}

ResultTypes FunctionParser::parse_load(Inst& inst) {
  LoadFrom from{parse_string(scanner_), {}};
  if (scanner_.accept(",")) from.name = parse_string(scanner_);
  inst.attribute = std::move(from);
  scanner_.expect(":");
  return {module_.types.intern(parse_type(scanner_))};
}

ResultTypes FunctionParser::parse_save(Inst& inst) {
  inst.attribute = parse_string(scanner_);
  scanner_.expect(",");
  inst.args = {value()};
  return {};
}

/// Texts that stand side by side become one, with the blank between them that print writes.
ResultTypes FunctionParser::parse_print(Inst& inst) {
  std::vector<std::string> texts(1);
  bool first = true;
  while (scanner_.peek().kind != TokenKind::newline && (first || scanner_.accept(","))) {
    first = false;
    if (scanner_.peek().kind == TokenKind::string) {
      texts.back() += parse_string(scanner_);
    } else {
      inst.args.push_back(value());
      texts.emplace_back();
    }
  }
  inst.attribute = std::move(texts);
  return {};
}

ResultTypes FunctionParser::parse_assert_(Inst& inst) {
  inst.args = {value()};
  scanner_.expect(",");
  inst.attribute = parse_string(scanner_);
  return {};
}

ResultTypes FunctionParser::parse_write(Inst& inst) {
  inst.args = {value()};
  return {};
}

ResultTypes FunctionParser::parse_share(Inst& inst) {
  inst.args = {value()};
  return {};
}
ResultTypes FunctionParser::parse_drop(Inst& inst) {
  inst.args = {value()};
  return {};
}
ResultTypes FunctionParser::parse_ret(Inst& inst) {
  values(inst.args, "");
  return {};
}

ResultTypes FunctionParser::parse_jump(Inst& inst) {
  inst.attribute = std::vector<Edge>{edge()};
  return {};
}

ResultTypes FunctionParser::parse_branch(Inst& inst) {
  inst.args = {value()};
  std::vector<Edge> edges;
  for (int i = 0; i < 2; ++i) {
    scanner_.expect(",");
    edges.push_back(edge());
  }
  inst.attribute = std::move(edges);
  return {};
}

Edge FunctionParser::edge() {
  const Token name = scanner_.expect(TokenKind::name, "a block");
  const auto found = blocks_.find(name.text);
  if (found == blocks_.end())
    scanner_.fail(name.span, fmt::format("there is no block `{}`", name.text));
  Edge edge{found->second, {}};
  if (scanner_.accept("(")) values(edge.args, ")");
  return edge;
}

}  // namespace

void parse_blocks(TextScanner& scanner, Module& module, const FunctionOutline& outline, Names& names) {
  FunctionParser(scanner, module, outline, names).run();
}

}  // namespace tenon::ir
