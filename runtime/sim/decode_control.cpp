// Branches, calls, barriers, and what the lanes of a warp do together: modifiers and operands.
#include <fmt/format.h>

#include "runtime/sim/decode.h"

namespace tenon::runtime::sim {

using ptx::OperandKind;

uint32_t Decoder::label_number(std::string_view name, ptx::Span span) {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (auto found = scope->labels.find(name); found != scope->labels.end()) return found->second;
  }
  fail(span, fmt::format("label `{}` is not defined", name));
}

void Decoder::branch() {
  inst_.mod.uniform = parts_.take("uni");
  operands(1, 1);
  if (operand(0).kind != OperandKind::symbol) fail(operand(0).span, "a label is needed here");
  inst_.target = label_number(operand(0).name, operand(0).span);
  executor(run::branch);
}

void Decoder::branch_table() {
  if (!parts_.take("idx")) fail("of `brx` only `brx.idx` is done here");
  inst_.mod.uniform = parts_.take("uni");
  operands(2, 2);
  use(inst_.a, source(operand(0), Type::u32));
  const std::vector<uint32_t>* table = nullptr;
  for (const Scope& scope : scopes_) {
    if (auto found = scope.tables.find(operand(1).name); found != scope.tables.end())
      table = &found->second;
  }
  if (table == nullptr)
    fail(operand(1).span, fmt::format("`{}` is no table of labels", operand(1).name));
  inst_.list = static_cast<uint32_t>(program_.lists.size());
  inst_.list_size = static_cast<uint32_t>(table->size());
  program_.lists.insert(program_.lists.end(), table->begin(), table->end());
  executor(run::branch_table);
}

/// call (results), function, (arguments): the list says how many values are copied in and out, and
/// for each from where to where in local memory, and how many bytes.
void Decoder::call() {
  inst_.mod.uniform = parts_.take("uni");
  const ptx::Operands& all = instruction_->operands;
  const size_t at = !all.empty() && all[0].kind == OperandKind::tuple ? 1 : 0;
  operands(at + 1, at + 3);
  const ptx::Operand& callee = all[at];
  if (callee.kind != OperandKind::symbol)
    fail(callee.span, "calls through registers are not done here");
  auto found = program_.function_named.find(std::string(callee.name));
  if (found == program_.function_named.end())
    fail(callee.span, fmt::format("function `{}` is not declared", callee.name));
  const Function& target = program_.functions[found->second];
  if (target.is_kernel)
    fail(callee.span, fmt::format("`{}` is a kernel, not a function", callee.name));
  inst_.target = found->second;
  function_->calls.push_back(found->second);
  static const ptx::Operands kEmpty;
  const ptx::Operands& results = at == 1 ? all[0].parts : kEmpty;
  const ptx::Operands& arguments =
      all.size() > at + 1 && all[at + 1].kind == OperandKind::tuple ? all[at + 1].parts : kEmpty;
  if (target.is_defined &&
      (results.size() != target.results.size() || arguments.size() != target.params.size())) {
    fail(callee.span, fmt::format("`{}` takes {} arguments and gives {} results", callee.name,
                                  target.params.size(), target.results.size()));
  }
  inst_.list = static_cast<uint32_t>(program_.lists.size());
  const auto pass = [&](const ptx::Operands& values, const std::vector<Param>& params, bool is_in) {
    program_.lists.push_back(target.is_defined ? static_cast<uint32_t>(values.size()) : 0);
    for (size_t i = 0; target.is_defined && i < values.size(); ++i) {
      const std::optional<Named> named = find_name(values[i].name);
      if (values[i].kind != OperandKind::symbol || !named || named->kind != Named::Kind::local ||
          named->bytes < params[i].size) {
        fail(values[i].span, "a `.param` variable of the parameter's size is needed here");
      }
      program_.lists.push_back(is_in ? named->index : params[i].offset);
      program_.lists.push_back(is_in ? params[i].offset : named->index);
      program_.lists.push_back(params[i].size);
    }
  };
  pass(arguments, target.params, true);
  pass(results, target.results, false);
  executor(target.is_defined ? run::call : run::refused_call);
}

void Decoder::leave() {
  parts_.take("uni");
  operands(0, 0);
  inst_.mod.what =
      inst_.op == Op::exit || function_->is_kernel;  // leaves the kernel, not only the function
  executor(run::leave);
}

void Decoder::trap() {
  operands(0, 0);
  executor(run::trap);
}

/// Hints and what only measures.
void Decoder::nothing() {
  while (!parts_.left().empty()) parts_.take(parts_.left());
  executor(run::nothing);
}

void Decoder::fence() {
  while (!parts_.left().empty()) {
    if (parts_.left() == "gl" || parts_.left() == "gpu" || parts_.left() == "sys")
      inst_.mod.what = 1;
    parts_.take(parts_.left());
  }
  operands(0, 1);
  executor(run::fence);
}

void Decoder::barrier() {
  if (parts_.take("warp")) {
    parts_.take("sync");
    operands(1, 1);
    use(inst_.a, source(operand(0), Type::b32));
    return executor(run::warp_barrier);
  }
  parts_.take("cta");
  if (parts_.take("cluster")) fail("clusters are not done here");
  inst_.mod.aligned = inst_.op == Op::bar || parts_.take("aligned");
  parts_.take("aligned");
  int red = -1;
  const int kind = parts_.take_one_of({"sync", "arrive", "red"});
  if (kind < 0) fail(fmt::format("`{}` needs `.sync`, `.arrive` or `.red`", parts_.root()));
  if (kind == 2) red = parts_.take_one_of({"and", "or", "popc"});
  parts_.take("aligned");
  inst_.mod.what = static_cast<uint8_t>(kind == 2 ? 2 + red : kind);
  inst_.b = inst_.c = inst_.d = kNone;
  const size_t count = instruction_->operands.size();
  if (kind == 2) {
    if (red < 0) fail("`.red` needs `.and`, `.or` or `.popc`");
    operands(3, 4);
    parts_.take_type();
    inst_.type = red == 2 ? Type::u32 : Type::pred;
    define(inst_.d, destination(operand(0), red == 2 ? 32 : 1));
    use(inst_.a, source(operand(1), Type::u32));
    if (count == 4) use(inst_.b, source(operand(2), Type::u32));
    use(inst_.c, predicate(operand(count - 1)));
  } else {
    operands(kind == 1 ? 2 : 1, 2);
    use(inst_.a, source(operand(0), Type::u32));
    if (count == 2) use(inst_.b, source(operand(1), Type::u32));
  }
  executor(run::barrier);
}

// ---- lanes together

void Decoder::shuffle() {
  if (!parts_.take("sync")) fail("`shfl` without `.sync` went with sm_70");
  const int kind = parts_.take_one_of({"up", "down", "bfly", "idx"});
  if (kind < 0 || bits(type()) != 32) fail("`shfl.sync` needs a direction and `.b32`");
  inst_.mod.what = static_cast<uint8_t>(kind);
  operands(5, 5);
  const ptx::Operand& to = operand(0);
  use(inst_.a, source(operand(1), Type::b32));
  use(inst_.b, source(operand(2), Type::b32));
  use(inst_.c, source(operand(3), Type::b32));
  inst_.list = static_cast<uint32_t>(program_.lists.size());
  list_use(source(operand(4), Type::b32));
  const bool pair = to.kind == OperandKind::pair;
  define(inst_.d, destination(pair ? to.parts[0] : to, 32));
  list_define(pair ? destination(to.parts[1], 1) : sink(1));
  executor(run::shuffle);
}

void Decoder::vote() {
  if (!parts_.take("sync")) fail("`vote` without `.sync` went with sm_70");
  const int kind = parts_.take_one_of({"all", "any", "uni", "ballot"});
  if (kind < 0) fail("`vote.sync` needs `.all`, `.any`, `.uni` or `.ballot`");
  inst_.mod.what = static_cast<uint8_t>(kind);
  inst_.type = type();
  operands(3, 3);
  use(inst_.a, predicate(operand(1)));
  use(inst_.b, source(operand(2), Type::b32));
  define(inst_.d, destination(operand(0), static_cast<Vote>(kind) == Vote::ballot ? 32 : 1));
  executor(run::vote);
}

void Decoder::match() {
  const int kind = parts_.take_one_of({"any", "all"});
  if (kind < 0 || !parts_.take("sync")) fail("`match` needs `.any` or `.all`, and `.sync`");
  inst_.mod.what = static_cast<uint8_t>(kind);
  inst_.type = type();
  operands(3, 3);
  const ptx::Operand& to = operand(0);
  inst_.width_a = static_cast<uint8_t>(bits(inst_.type));
  if (inst_.width_a < 32) fail("`match` compares 32 or 64 bits");
  use(inst_.a, source(operand(1), inst_.type));
  use(inst_.b, source(operand(2), Type::b32));
  const bool pair = to.kind == OperandKind::pair;
  define(inst_.d, destination(pair ? to.parts[0] : to, 32));
  inst_.list = static_cast<uint32_t>(program_.lists.size());
  list_define(pair ? destination(to.parts[1], 1) : sink(1));
  executor(run::match);
}

void Decoder::reduce() {
  if (!parts_.take("sync")) fail("`redux` needs `.sync`");
  static constexpr Atomic kKinds[] = {Atomic::add,  Atomic::min, Atomic::max,
                                      Atomic::and_, Atomic::or_, Atomic::xor_};
  const int kind = parts_.take_one_of({"add", "min", "max", "and", "or", "xor"});
  inst_.type = type();
  if (kind < 0 || bits(inst_.type) != 32 || is_float(inst_.type))
    fail(fmt::format("`{}` is not done here", instruction_->opcode));
  inst_.mod.what = static_cast<uint8_t>(kKinds[kind]);
  operands(3, 3);
  use(inst_.a, source(operand(1), Type::b32));
  use(inst_.b, source(operand(2), Type::b32));
  define(inst_.d, destination(operand(0), 32));
  executor(run::reduce);
}

void Decoder::active_mask() {
  parts_.take_type();
  operands(1, 1);
  define(inst_.d, destination(operand(0), 32));
  executor(run::active_mask);
}

void Decoder::elect() {
  if (!parts_.take("sync")) fail("`elect` needs `.sync`");
  operands(2, 2);
  const ptx::Operand& to = operand(0);
  if (to.kind != OperandKind::pair) fail(to.span, "`elect` gives a lane and a predicate, `d|p`");
  use(inst_.a, source(operand(1), Type::b32));
  define(inst_.d, destination(to.parts[0], 32));
  inst_.list = static_cast<uint32_t>(program_.lists.size());
  list_define(destination(to.parts[1], 1));
  executor(run::elect);
}

void Decoder::matrix() {
  parts_.take("sync"), parts_.take("aligned");
  static constexpr Matrix kShapes[] = {Matrix::m16n8k4, Matrix::m16n8k8, Matrix::m16n8k16,
                                       Matrix::m16n8k32};
  static constexpr uint32_t kDepths[] = {4, 8, 16, 32};
  const int shape = parts_.take_one_of({"m16n8k4", "m16n8k8", "m16n8k16", "m16n8k32"});
  if (shape < 0) fail(fmt::format("`{}` is not done here", instruction_->opcode));
  if (!parts_.take("row") || !parts_.take("col")) fail("`mma` takes A by rows and B by columns");
  if (parts_.take("satfinite")) fail("`mma` with `.satfinite` is not done here");
  inst_.type = type();
  inst_.from = type();
  const Type b = type(), c = type();
  if (b != inst_.from || c != inst_.type) fail("`mma` of different types is not done here");
  executor(lanes_.matrix(kShapes[shape], inst_.type, inst_.from));
  const uint32_t packed = 32 / (inst_.from == Type::tf32 ? 32 : bits(inst_.from));
  const uint32_t sums = inst_.type == Type::f16 ? 2 : 4;
  const uint32_t counts[] = {sums, 16 * kDepths[shape] / (32 * packed),
                             8 * kDepths[shape] / (32 * packed), sums};
  operands(4, 4);
  inst_.list = static_cast<uint32_t>(program_.lists.size());
  for (size_t i = 0; i < 4; ++i) {
    const ptx::Operand& group = operand(i);
    const bool is_vector = group.kind == OperandKind::vector;
    if ((is_vector ? group.parts.size() : 1) != counts[i])
      fail(group.span, fmt::format("{} registers are needed here", counts[i]));
    for (size_t k = 0; k < counts[i]; ++k) {
      const ptx::Operand& part = is_vector ? group.parts[k] : group;
      if (i == 0)
        list_define(destination(part, 32));
      else
        list_use(source(part, i == 3 && inst_.type == Type::f32 ? Type::f32 : Type::b32));
    }
  }
  inst_.offset = 2 * 16 * 8 * kDepths[shape];  // operations
}

}  // namespace tenon::runtime::sim
