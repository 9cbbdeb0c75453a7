// Modules, functions, statements.
#include "runtime/sim/decode.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/sim/ptx_parser.h"

namespace tenon::runtime::sim {

OpcodeParts::OpcodeParts(std::string_view opcode) {
  size_t dot = opcode.find('.');
  root_ = opcode.substr(0, dot);
  while (dot != opcode.npos) {
    const size_t next = opcode.find('.', dot + 1);
    parts_.push_back(opcode.substr(dot + 1, next == opcode.npos ? next : next - dot - 1));
    dot = next;
  }
}

bool OpcodeParts::take(std::string_view part) {
  auto found = std::find(parts_.begin(), parts_.end(), part);
  if (found == parts_.end()) return false;
  parts_.erase(found);
  return true;
}

std::optional<Type> OpcodeParts::take_type() {
  for (auto part = parts_.begin(); part != parts_.end(); ++part) {
    if (const std::optional<Type> type = type_named(*part)) {
      parts_.erase(part);
      return type;
    }
  }
  return std::nullopt;
}

int OpcodeParts::take_one_of(std::initializer_list<std::string_view> parts) {
  int index = 0;
  for (const std::string_view part : parts) {
    if (take(part)) return index;
    ++index;
  }
  return -1;
}

Decoder::Decoder(Program& program, std::string_view text, const std::string& file)
    : program_(program), text_(text), file_(file), lanes_(find_lanes()) {}

void Decoder::fail(ptx::Span span, const std::string& reason) const {
  const size_t before = span.begin == 0 ? text_.npos : text_.rfind('\n', span.begin - 1);
  const size_t column = before == text_.npos ? span.begin + 1 : span.begin - before;
  throw PtxError(file_, span.line, static_cast<uint32_t>(column), reason);
}

// ---- functions

void Decoder::declare_function(const ptx::Function& source) {
  const auto [found, is_new] = program_.function_named.emplace(
      source.name, static_cast<uint32_t>(program_.functions.size()));
  if (!is_new) {  // a declaration and its definition
    Function& known = program_.functions[found->second];
    if (known.is_defined && source.has_body)
      fail(source.span, fmt::format("`{}` is defined twice", source.name));
    if (!source.has_body) return;
    known = Function();
  } else {
    program_.functions.emplace_back();
  }
  Function& function = program_.functions[found->second];
  function.name = std::string(source.name);
  function.is_kernel = source.is_kernel;
  function.is_defined = source.has_body;
  if (source.is_kernel) {
    lay_out(source.params, function.params, function.param_bytes);
  } else {  // in local memory: results first
    lay_out(source.results, function.results, function.local_bytes);
    lay_out(source.params, function.params, function.local_bytes);
  }
  for (const ptx::Bound& bound : source.bounds) {
    if (bound.name != ".maxntid" && bound.name != ".reqntid") continue;
    Dim3 most;
    uint32_t* const fields[] = {&most.x, &most.y, &most.z};
    for (size_t i = 0; i < bound.values.size() && i < 3; ++i)
      *fields[i] = static_cast<uint32_t>(std::min<uint64_t>(bound.values[i], UINT32_MAX));
    function.max_threads = most;
    function.has_exact_threads = bound.name == ".reqntid";
  }
}

void Decoder::decode_function(const ptx::Function& source, uint32_t index) {
  function_ = &program_.functions[index];
  flow_ = FunctionFlow();
  flow_.first = static_cast<uint32_t>(program_.code.size());
  scopes_.assign(1, Scope());
  constants_.clear(), specials_.clear(), symbols_.clear(), labels_.clear();
  local_top_ = function_->local_bytes;
  location_ = Site();
  location_.function = index;
  register_count_ = 0;
  function_->entry = flow_.first;
  const auto declare = [&](const std::vector<Param>& params) {
    for (size_t i = 0; i < params.size(); ++i) {
      const Named named{function_->is_kernel ? Named::Kind::param : Named::Kind::local,
                        params[i].offset, params[i].size};
      const ptx::Variables& from = &params == &function_->params ? source.params : source.results;
      scopes_.back().names.emplace(from[i].name, named);
    }
  };
  declare(function_->params);
  declare(function_->results);
  // Labels and variables are known in all of their scope, also before they stand there.
  std::vector<Scope*> open;
  for (const ptx::Statement& statement : source.body) {
    if (const auto* label = std::get_if<ptx::Label>(&statement)) {
      if (open.empty() && !scopes_.back().labels.emplace(label->name, labels_.size()).second) {
        fail(label->span, fmt::format("label `{}` stands there twice", label->name));
      }
      if (open.empty()) labels_.push_back({kNone, label->name, label->span});
    } else if (std::holds_alternative<ptx::ScopeBegin>(statement)) {
      open.push_back(nullptr);
    } else if (std::holds_alternative<ptx::ScopeEnd>(statement)) {
      open.pop_back();
    }
  }
  for (size_t i = 0; i < source.body.size(); ++i) {
    const ptx::Statement& statement = source.body[i];
    if (std::holds_alternative<ptx::ScopeBegin>(statement)) {
      scopes_.emplace_back();
      int depth = 0;
      for (size_t k = i + 1; depth >= 0 && k < source.body.size(); ++k) {
        depth += std::holds_alternative<ptx::ScopeBegin>(source.body[k]);
        depth -= std::holds_alternative<ptx::ScopeEnd>(source.body[k]);
        const auto* label = std::get_if<ptx::Label>(&source.body[k]);
        if (depth != 0 || label == nullptr) continue;
        scopes_.back().labels.emplace(label->name, labels_.size());
        labels_.push_back({kNone, label->name, label->span});
      }
    } else if (std::holds_alternative<ptx::ScopeEnd>(statement)) {
      scopes_.pop_back();
    } else if (const auto* targets = std::get_if<ptx::BranchTargets>(&statement)) {
      std::vector<uint32_t>& table = scopes_.back().tables[targets->name];
      for (const ptx::Operand& label : targets->labels)
        table.push_back(label_number(label.name, label.span));
    } else {
      decode_statement(statement);
    }
  }
  finish_function();
}

void Decoder::decode_statement(const ptx::Statement& statement) {
  if (const auto* registers = std::get_if<ptx::RegDecl>(&statement))
    return declare_registers(*registers);
  if (const auto* variable = std::get_if<ptx::Variable>(&statement))
    return declare_variable(*variable, true);
  if (const auto* label = std::get_if<ptx::Label>(&statement)) {
    labels_[label_number(label->name, label->span)].at =
        static_cast<uint32_t>(program_.code.size());
    return;
  }
  if (const auto* loc = std::get_if<ptx::Loc>(&statement)) {
    if (loc->file == 0 || loc->line == 0)
      return;  // a .pragma; what the compiler added belongs to what is before
    auto file = files_.find(loc->file);
    location_.file = file == files_.end() ? 0 : file->second;
    location_.line = static_cast<uint32_t>(loc->line);
    location_.column = static_cast<uint32_t>(loc->column);
    return;
  }
  decode_instruction(std::get<ptx::Instruction>(statement));
}

void Decoder::decode_instruction(const ptx::Instruction& instruction) {
  instruction_ = &instruction;
  parts_ = OpcodeParts(instruction.opcode);
  inst_ = Inst();
  inst_.d = inst_.a = inst_.b = inst_.c = kNone;
  refs_ = InstRefs();
  const std::optional<Op> op = op_named(parts_.root());
  if (!op) {
    const std::string near = nearest_op(parts_.root());
    fail(fmt::format("no opcode `{}`{}", parts_.root(),
                     near.empty() ? "" : fmt::format("; did you mean `{}`?", near)));
  }
  inst_.op = *op;
  if (!instruction.guard.name.empty()) {
    ptx::Operand guard;
    guard.kind = ptx::OperandKind::reg;
    guard.name = instruction.guard.name;
    guard.span = instruction.span;
    use(inst_.guard, predicate(guard));
    inst_.guard_negated = instruction.guard.negated;
    inst_.mod.negated = false;
  }
  switch (*op) {
#define PTX_OP(id, name, group, decoder, forms) \
  case Op::id:                                  \
    decoder();                                  \
    break;
#include "runtime/sim/ptx_ops.def"
  }
  if (!parts_.left().empty())
    fail(fmt::format("`.{}` is not done here in `{}`", parts_.left(), instruction.opcode));
  inst_.group = row(*op).group;
  inst_.site = static_cast<uint32_t>(program_.sites.size());
  if (inst_.site >= Access::kMaxSites)
    fail(fmt::format("more than {} instructions", Access::kMaxSites));
  Site site = location_;
  site.ptx_line = instruction.span.line;
  site.group = inst_.group;
  site.op = inst_.op;
  site.type = inst_.type;
  if (inst_.op == Op::mma) site.tensor_flops = static_cast<uint32_t>(inst_.offset);
  program_.sites.push_back(site);
  program_.code.push_back(inst_);
  flow_.refs.push_back(std::move(refs_));
}

/// Ends with a return of its own, resolves labels, and packs registers.
void Decoder::finish_function() {
  ptx::Instruction end;
  end.opcode = "ret";
  end.span.line = program_.sites.empty() ? 1 : program_.sites.back().ptx_line;
  decode_instruction(end);
  function_->end = static_cast<uint32_t>(program_.code.size());
  for (uint32_t at = flow_.first; at < function_->end; ++at) {
    Inst& inst = program_.code[at];
    if (inst.op == Op::bra) inst.target = labels_[inst.target].at;
    for (uint32_t i = 0; inst.op == Op::brx && i < inst.list_size; ++i) {
      program_.lists[inst.list + i] = labels_[program_.lists[inst.list + i]].at;
    }
  }
  function_->local_bytes = (local_top_ + 15) / 16 * 16;
  if (!finish_flow(program_, *function_, flow_))
    fail("a function with this many registers and branches");
}

void Decoder::decode_module(const ptx::Tree& tree) {
  program_.target = std::string(tree.target);
  program_.files.emplace_back();
  for (const ptx::File& file : tree.files) {
    files_.emplace(file.index, static_cast<uint32_t>(program_.files.size()));
    program_.files.emplace_back(file.name);
  }
  for (const ptx::Variable& variable : tree.variables) declare_variable(variable, false);
  for (const ptx::Variable& variable : tree.variables) fill_variable(variable);
  for (const ptx::Function& function : tree.functions) declare_function(function);
  for (const ptx::Function& function : tree.functions) {
    if (function.has_body)
      decode_function(function, program_.function_named.at(std::string(function.name)));
  }
}

/// The shared variables that a kernel needs: its own, and those of all that it calls.
static void gather_shared(Program& program) {
  for (Function& function : program.functions) {
    if (!function.is_kernel) continue;
    std::vector<uint32_t> reached = function.calls;
    std::vector<bool> seen(program.functions.size());
    for (size_t i = 0; i < reached.size(); ++i) {
      if (seen[reached[i]]) continue;
      seen[reached[i]] = true;
      const Function& callee = program.functions[reached[i]];
      reached.insert(reached.end(), callee.calls.begin(), callee.calls.end());
      function.shared.insert(function.shared.end(), callee.shared.begin(), callee.shared.end());
      function.registers = std::max(function.registers, callee.registers);
    }
    std::sort(function.shared.begin(), function.shared.end());
    function.shared.erase(std::unique(function.shared.begin(), function.shared.end()),
                          function.shared.end());
  }
}

static void describe_kernels(Program& program) {
  for (const Function& function : program.functions) {
    if (!function.is_kernel || !function.is_defined) continue;
    KernelInfo info;
    info.name = function.name;
    info.params = function.params;
    info.param_bytes = function.param_bytes;
    info.local_bytes = function.local_bytes;
    info.registers = function.registers;
    info.max_threads = function.max_threads;
    uint64_t shared = 0;
    for (const uint32_t index : function.shared) {
      const Variable& variable = program.variables[index];
      info.takes_shared = info.takes_shared || variable.is_extern;
      shared = (shared + variable.align - 1) / variable.align * variable.align + variable.bytes;
    }
    info.shared_bytes = static_cast<uint32_t>(shared);
    program.kernels.push_back(std::move(info));
  }
}

std::shared_ptr<const Program> decode(std::string_view ptx, const std::string& file) {
  auto program = std::make_shared<Program>();
  program->name = file;
  const ptx::Tree tree = ptx::parse_tree(ptx, file);
  Decoder(*program, ptx, file).decode_module(tree);
  if (program->target.starts_with("sm_"))
    program->sm = static_cast<uint32_t>(std::atoi(program->target.c_str() + 3));
  gather_shared(*program);
  describe_kernels(*program);
  return program;
}

}  // namespace tenon::runtime::sim
