// The printer of the text form. What it writes for a verified module parse.cpp reads back.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ir/loops_parse_expr.h"
#include "ir/parse_expr.h"
#include "ir/print_atoms.h"
#include "ir/text.h"
#include "runtime/print.h"

namespace tenon::ir {

using runtime::row;

std::string constant_text(Scalar value) {
  const bool bare =
      value.type == DType::i64 || value.type == DType::f32 || value.type == DType::bool_;
  std::string text = runtime::to_text(value);
  if (!bare) text += row(value.type).text;
  return text;
}

std::string string_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += fmt::format("\\x{:02x}", c);
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

namespace {

/// Binding strength of what stands alone.
constexpr int kLoosest = 0;

class Printer {
 public:
  Printer(const Module& module, const Function& function) : module_(module), function_(function) {}

  std::string take() { return std::move(out_); }
  void function();
  void inst(const Inst& inst);
  void expr(ExprId id, int at_least = kLoosest);

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }
  template <class Items, class Item>
  void list(const Items& items, Item item) {
    bool first = true;
    for (const auto& each : items) {
      if (!first) out_ += ", ";
      first = false;
      item(each);
    }
  }

  void exprs(std::span<const ExprId> ids) {
    list(ids, [&](ExprId id) { expr(id); });
  }
  void apply(const Expr& node, int at_least);
  void reduce(const Expr& node);
  std::string name_of(uint32_t level) const {
    return level < names_.size() ? names_[level] : index_name(level);
  }
  void bind(const std::vector<std::string>& names, size_t index, uint32_t level);

  void value(ValueId id) { put("%{}", function_.value(id).name); }
  void values(std::span<const ValueId> ids) {
    list(ids, [&](ValueId id) { value(id); });
  }
  void results();
  void params(std::span<const ValueId> ids) {
    list(ids, [&](ValueId id) { put("%{}: {}", function_.value(id).name, type_of(id).text()); });
  }
  void edge(const Edge& edge);
  void compute(const Inst& inst, const Compute& compute);
  void part(const Inst& inst, const Part& part);
  void pieces(const Inst& inst);

  const Type& type_of(ValueId id) const { return module_.type(function_, id); }

  const Module& module_;
  const Function& function_;
  std::string out_;
  bool is_named_ = false;           ///< a compute with a schedule is being printed
  std::vector<std::string> names_;  ///< of its bound indices; elsewhere they have those of their levels
};

// ---- index expressions

void Printer::expr(ExprId id, int at_least) {
  const Expr& node = function_.exprs[id];
  switch (node.kind) {
    case ExprKind::constant: out_ += constant_text(node.constant); break;
    case ExprKind::index: out_ += name_of(node.level); break;
    case ExprKind::value: value(node.value); break;
    case ExprKind::read:
      value(node.value);
      out_ += '[';
      exprs(node.args);
      out_ += ']';
      break;
    case ExprKind::apply: apply(node, at_least); break;
    case ExprKind::convert:
      put("{}(", row(node.type).text);
      expr(node.args[0]);
      out_ += ')';
      break;
    case ExprKind::if_:
      out_ += "if ";
      expr(node.args[0]);
      out_ += " { ";
      expr(node.args[1]);
      out_ += " } else { ";
      expr(node.args[2]);
      out_ += " }";
      break;
    case ExprKind::reduce: reduce(node); break;
    case ExprKind::call:
      put("@{}(", module_.function(node.callee).name);
      exprs(node.args);
      out_ += ')';
      break;
  }
}

/// Operators of two operands stand between them, with as few parentheses as the table's precedences
/// need (they group from the left, comparisons not at all); everything else is a call. So `-3` is
/// always a constant, and a negation is `neg(3)`.
void Printer::apply(const Expr& node, int at_least) {
  const runtime::ScalarOpRow& op = row(node.op);
  if (op.arity != 2 || op.infix.empty()) {
    put("{}(", op.text);
    exprs(node.args);
    out_ += ')';
    return;
  }
  const bool parentheses = op.precedence < at_least;
  const bool compares = op.result == runtime::Result::boolean;
  if (parentheses) out_ += '(';
  expr(node.args[0], compares ? op.precedence + 1 : op.precedence);
  put(" {} ", op.infix);
  expr(node.args[1], op.precedence + 1);
  if (parentheses) out_ += ')';
}

/// Gives an index of a compute with a schedule its name: none that is bound around it.
void Printer::bind(const std::vector<std::string>& names, size_t index, uint32_t level) {
  const bool has_name = index < names.size() && !names[index].empty();
  const std::string wanted = has_name ? text_name(names[index]) : index_name(level);
  std::string name = wanted;
  for (int number = 2; std::ranges::count(names_, name) != 0 || is_reserved(name); ++number)
    name = fmt::format("{}{}", wanted, number);
  names_.push_back(std::move(name));
}

void Printer::reduce(const Expr& node) {
  put("{}[", ast::text(node.reduction));
  const std::vector<std::string> outside = names_;
  std::vector<std::string> inside = outside;
  if (is_named_) {
    for (uint32_t i = 0; i < node.reduce_rank(); ++i)
      bind(node.keeps_names ? node.names : std::vector<std::string>{}, i, node.level + i);
    inside = std::exchange(names_, outside);
  }
  for (size_t i = 0; i < node.reduce_rank(); ++i) {
    const Expr& lo = function_.exprs[node.args[2 * i]];
    const auto level = node.level + static_cast<uint32_t>(i);
    put("{}{}: ", i > 0 ? ", " : "", level < inside.size() ? inside[level] : index_name(level));
    if (lo.kind != ExprKind::constant || lo.constant.i != 0) {
      expr(node.args[2 * i]);
      out_ += "..";
    }
    expr(node.args[2 * i + 1]);
  }
  out_ += "](";
  names_ = std::move(inside);
  expr(node.reduce_body());
  names_ = outside;
  out_ += ')';
}

// ---- instructions

void Printer::edge(const Edge& edge) {
  out_ += function_.block(edge.target).name;
  if (edge.args.empty()) return;
  out_ += '(';
  values(edge.args);
  out_ += ')';
}

void Printer::compute(const Inst& inst, const Compute& compute) {
  for (const Inst& producer : compute.producers) {
    values(producer.results);
    put(" = {}", producer.unchecked ? "unchecked " : "");
    this->compute(producer, producer.get<Compute>());
    out_ += " in ";
  }
  is_named_ = compute.schedule.has_value();
  out_ += '[';
  for (uint32_t i = 0; i < compute.extents.size(); ++i) {
    if (is_named_) bind(compute.indices, i, i);
    put("{}{}: {}", i > 0 ? ", " : "", name_of(i), compute.extents[i]);
  }
  out_ += "] { ";
  exprs(compute.bodies);
  out_ += " }";
  names_.clear();
  if (!std::exchange(is_named_, false)) return;
  put(" schedule {}(", inst.path);
  list(*compute.schedule, [&](const Directive& directive) {
    put("\"{}\"", ast::typed::print(directive));
  });
  out_ += ')';
}

void Printer::part(const Inst& inst, const Part& part) {
  value(inst.args[0]);
  out_ += '[';
  size_t next = 1;
  list(part.open, [&](bool open) {
    if (open) {
      out_ += ':';
    } else {
      value(inst.args[next++]);
    }
  });
  out_ += ']';
}

void Printer::pieces(const Inst& inst) {
  const auto& texts = inst.get<std::vector<std::string>>();
  std::string_view separator = "";
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!texts[i].empty()) {
      put("{}{}", separator, string_text(texts[i]));
      separator = ", ";
    }
    if (i < inst.args.size()) {
      out_ += separator;
      value(inst.args[i]);
      separator = ", ";
    }
  }
}

void Printer::inst(const Inst& inst) {
  values(inst.results);
  if (!inst.results.empty()) out_ += " = ";
  out_ += inst.op == Op::apply ? row(inst.get<ScalarOp>()).text : row(inst.op).text;
  if (inst.unchecked) out_ += " unchecked";
  const size_t before_operands = out_.size();
  out_ += ' ';
  switch (inst.op) {
    case Op::constant: out_ += constant_text(inst.get<Scalar>()); break;
    case Op::convert:
      value(inst.args[0]);
      put(" to {}", type_of(inst.result()).text());
      break;
    case Op::compute: compute(inst, inst.get<Compute>()); break;
    case Op::pack:
      out_ += '[';
      values(inst.args);
      put("] : {}", type_of(inst.result()).text());
      break;
    case Op::element: part(inst, Part::element(inst.args.size() - 1)); break;
    case Op::update:
      part(inst, inst.get<Part>());
      out_ += " = ";
      value(inst.args.back());
      break;
    case Op::call:
      put("@{}(", module_.function(inst.get<FuncId>()).name);
      values(inst.args);
      out_ += ')';
      break;
    case Op::load: {
      const auto& [path, name] = inst.get<LoadFrom>();
      out_ += string_text(path);
      if (!name.empty()) put(", {}", string_text(name));
      put(" : {}", type_of(inst.result()).text());
      break;
    }
    case Op::save:
      put("{}, ", string_text(inst.get<std::string>()));
      values(inst.args);
      break;
    case Op::print: pieces(inst); break;
    case Op::assert_:
      values(inst.args);
      put(", {}", string_text(inst.get<std::string>()));
      break;
    case Op::apply:
    case Op::write:
    case Op::share:
    case Op::drop:
    case Op::ret: values(inst.args); break;
    case Op::jump: edge(inst.get<std::vector<Edge>>()[0]); break;
    case Op::branch:
      values(inst.args);
      for (const Edge& e : inst.get<std::vector<Edge>>()) {
        out_ += ", ";
        edge(e);
      }
      break;
  }
  if (out_.size() == before_operands + 1) out_.pop_back();  // no operands, no blank
}

/// One result stands as it is, several in parentheses.
void Printer::results() {
  const std::vector<TypeId>& types = function_.results;
  if (types.empty()) return;
  out_ += types.size() == 1 ? " -> " : " -> (";
  list(types, [&](TypeId id) { out_ += module_.types[id].text(); });
  if (types.size() > 1) out_ += ')';
}

void Printer::function() {
  put("func @{}(", function_.name);
  params(function_.params);
  out_ += ')';
  results();
  if (!function_.pure) out_ += " effects";
  if (function_.recursive) out_ += " recursive";
  if (!function_.exported.empty()) put(" exported {}", function_.exported);
  if (function_.prepared) put(" prepared {}", *function_.prepared);
  out_ += " {\n";
  for (const Block& block : function_.blocks) {
    out_ += block.name;
    if (!block.params.empty()) {
      out_ += '(';
      params(block.params);
      out_ += ')';
    }
    out_ += ":\n";
    for (const Inst& each : block.insts) {
      out_ += "  ";
      inst(each);
      out_ += '\n';
    }
  }
  out_ += "}\n";
}

}  // namespace

std::string text_name(std::string_view index) {
  std::string name(index);
  std::ranges::replace(name, '.', '_');  // of a run of indices, `s.1`
  const bool taken = is_reserved(name) || loops::local_named(name);
  return taken ? name + "_" : name;
}

std::string index_name(uint32_t level) {
  constexpr std::string_view letters = "ijklmnopqr";
  if (level < letters.size()) return std::string(1, letters[level]);
  return fmt::format("i{}", level);
}

std::string print(const Module& module, const Function& function, ExprId expr) {
  Printer printer(module, function);
  printer.expr(expr);
  return printer.take();
}

std::string print(const Module& module, const Function& function, const Inst& inst) {
  Printer printer(module, function);
  printer.inst(inst);
  return printer.take();
}

std::string print(const Module& module, const Function& function) {
  Printer printer(module, function);
  printer.function();
  return printer.take();
}

std::string print(const Module& module) {
  std::string text;
  for (const Function& function : module.functions) {
    if (!text.empty()) text += '\n';
    text += print(module, function);
  }
  return text;
}

}  // namespace tenon::ir
