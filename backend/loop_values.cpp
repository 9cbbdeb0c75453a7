// Expressions of a kernel. What is the same for all turns of a vectorized loop is computed once and
// spread over the lanes where it meets something that differs.
#include <algorithm>

#include "backend/kernel_writer.h"
#include "backend/scalar_to_llvm.h"

namespace tenon::backend {

using namespace ir::loops;
using runtime::ScalarOp;

namespace {

bool all_constant(std::span<const Value> values) {
  return std::ranges::all_of(values, [](const Value& v) {
    return v.constant && !runtime::is_floating(v.constant->type);
  });
}

}  // namespace

Value KernelWriter::made(std::string text, bool varies) const {
  return {std::move(text), varies, {}, depth()};
}

std::string KernelWriter::once(uint32_t known_at, std::string_view hint, const std::string& line) {
  for (auto region = regions_.rbegin(); region != regions_.rend(); ++region) {
    const auto found = region->written.find(line);
    if (found != region->written.end()) return found->second;
  }
  std::string name = out_.fresh(hint);
  Region* region = &regions_.back();
  if (known_at < depth()) {
    region = &*std::ranges::find_if(
        regions_, [&](const Region& r) { return r.depth == known_at + 1 && r.before; });
    region->hoisted += fmt::format("  {} = {}\n", name, line);
  } else {
    out_.line("{} = {}", name, line);
  }
  region->written.emplace(line, name);
  return name;
}

// ---- lanes

Value KernelWriter::splat(const Value& value, std::string_view type) {
  if (value.varies || is_constant(value.text)) return value;
  const std::string vector = lane_type(type, lanes()), name = value.text.substr(1);
  const std::string one = once(value.depth, name + ".lane",
                               fmt::format("insertelement {} poison, {} {}, i64 0", vector, type,
                                           value.text));
  Value all = value;
  all.text = once(value.depth, name + ".all",
                  fmt::format("shufflevector {} {}, {} poison, <{} x i32> zeroinitializer", vector,
                              one, vector, lanes().width));
  all.varies = true;
  return all;
}

KernelWriter::Together KernelWriter::together(std::span<const Value> values,
                                              std::span<const DType> types) {
  Together result;
  result.varies = std::ranges::any_of(values, &Value::varies);
  for (size_t i = 0; i < values.size(); ++i)
    result.texts.push_back(
        result.varies ? splat(values[i], register_type(types[i])).text : values[i].text);
  return result;
}

/// Halves are combined until one lane is left.
std::string KernelWriter::reduced(ScalarOp op, DType type, const Value& value, FastMath fast) {
  Lanes lanes = this->lanes();
  const std::string_view element = register_type(type);
  std::string all = operand(element, splat(value, element).text, lanes);
  if (lanes.partial()) {
    const std::string whole = out_.fresh("whole"), vector = lane_type(type, lanes);
    out_.line("{} = select <{} x i1> {}, {} {}, {} {}", whole, lanes.width, used_lanes(lanes),
              vector, all, vector, operand(element, literal(runtime::identity_of(op, type)), lanes));
    all = whole;
  }
  while (!lanes.scalar()) {
    const Lanes half{lanes.width / 2, lanes.width / 2};
    std::string parts[2];
    for (uint32_t i = 0; i < 2; ++i) {
      if (half.scalar()) {
        parts[i] = write_lane(out_, element, all, lanes, i);
        continue;
      }
      const std::string vector = lane_type(type, lanes);
      parts[i] = out_.fresh("half");
      out_.line("{} = shufflevector {} {}, {} poison, {}", parts[i], vector, all, vector,
                lanes_from(i * half.width, half.width));
    }
    all = out_.fresh(runtime::row(op).text);
    write_scalar(out_, all, op, type, parts, fast, half);
    lanes = half;
  }
  return all;
}

// ---- expressions

Value* KernelWriter::find_known(const Expr* e) {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    const auto found = scope->values.find(e);
    if (found != scope->values.end()) return &found->second;
  }
  return nullptr;
}

Value KernelWriter::value(const ExprPtr& e) {
  if (Value* known = find_known(e.get())) {
    here(known->text, register_type(e->type));
    return *known;
  }
  const FastMath fast = fast_math(*e, facts_.fusible.contains(e));
  reassociable_ = false;  // only the step itself, not what it combines
  Value written = compute(*e, fast);
  scopes_.back().values.emplace(e.get(), written);
  return written;
}

std::vector<Value> KernelWriter::values(std::span<const ExprPtr> exprs) {
  std::vector<Value> result;
  for (const ExprPtr& e : exprs) result.push_back(value(e));
  return result;
}

FastMath KernelWriter::fast_math(const Expr& e, bool self_fusible) const {
  if (strict_ || !runtime::is_floating(e.type)) return {};
  FastMath fast{self_fusible, reassociable_};
  const auto* apply = std::get_if<Apply>(&e.node);
  if (apply != nullptr && is_sum(apply->op))
    for (const ExprPtr& arg : apply->args) fast.contract |= facts_.fusible.contains(arg);
  return fast;
}

Value KernelWriter::constant(Scalar number) const { return {literal(number), false, number, 0}; }

Value KernelWriter::compute(const Expr& e, FastMath fast) {
  const auto write = [&](const auto& node) -> Value {
    using Node = std::decay_t<decltype(node)>;
    if constexpr (std::is_same_v<Node, Constant>) {
      return constant(node.value);
    } else if constexpr (std::is_same_v<Node, Loop>) {
      here(loops_[node.loop].text, "i64");
      return loops_[node.loop];
    } else if constexpr (std::is_same_v<Node, Local>) {
      return read_local(node);
    } else if constexpr (std::is_same_v<Node, Scalar_>) {
      return {here(scalars_[node.param], register_type(e.type))};
    } else if constexpr (std::is_same_v<Node, Read>) {
      at(node.span);
      return node.guard == nullptr ? load(buffer(node.buffer), node.subscripts)
                                   : guarded_load(buffer(node.buffer), node);
    } else if constexpr (std::is_same_v<Node, Apply>) {
      return compute_apply(node, fast);
    } else if constexpr (std::is_same_v<Node, Convert>) {
      return compute_convert(e.type, node);
    } else {
      return compute_select(e.type, node);
    }
  };
  return std::visit(write, e.node);
}

Value KernelWriter::compute_apply(const Apply& node, FastMath fast) {
  const std::vector<Value> args = values(node.args);
  if (all_constant(args)) {
    std::vector<Scalar> numbers;
    for (const Value& arg : args) numbers.push_back(*arg.constant);
    if (!runtime::divides_by_zero(node.op, numbers)) return constant(eval(node.op, numbers));
  }
  const DType type = node.args.back()->type;
  const Together operands = together(args, std::vector(args.size(), type));
  const std::string result = out_.fresh(runtime::row(node.op).text);
  write_scalar(out_, result, node.op, type, operands.texts, fast, lanes_if(operands.varies));
  const bool divides = node.op == ScalarOp::div || node.op == ScalarOp::mod;
  if (divides && type == DType::i64 && args[1].constant)
    quotients_[result] = {sum(node.args[0]), args[0].text, args[1].constant->i, node.op == ScalarOp::mod};
  return made(result, operands.varies);
}

Value KernelWriter::compute_convert(DType to, const Convert& node) {
  const Value operand = value(node.operand);
  if (all_constant({&operand, 1})) return constant(runtime::convert(to, *operand.constant));
  const std::string result = out_.fresh(runtime::row(to).text);
  write_convert(out_, result, node.operand->type, to, operand.text, lanes_if(operand.varies));
  return made(result, operand.varies);
}

Value KernelWriter::compute_select(DType type, const Select& node) {
  const Value condition = value(node.condition);
  if (condition.constant) return value(condition.constant->i != 0 ? node.then : node.otherwise);
  const Value then = value(node.then), otherwise = value(node.otherwise);
  const Together operands =
      together(std::array{condition, then, otherwise}, std::array{DType::bool_, type, type});
  const std::string result = out_.fresh("select");
  write_scalar(out_, result, ScalarOp::select, type, operands.texts, {},
               lanes_if(operands.varies));
  return made(result, operands.varies);
}

}  // namespace tenon::backend
