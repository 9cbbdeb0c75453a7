// Arenas, names and types of SSA functions, and walks over the values that an instruction uses.
#include "ir/ir.h"

#include <algorithm>
#include <map>

#include "ir/operands.h"
#include "ir/ranges.h"
#include "ir/text.h"

namespace tenon::ir {
namespace {

size_t hash_of(const Type& type) {
  size_t hash = static_cast<size_t>(type.dtype);
  for (const int64_t extent : type.shape) {
    hash = (hash ^ static_cast<size_t>(extent)) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  }
  return hash;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.';
}

/// `hint` made a name, then with the first number behind it that makes it a new one.
std::string unique_name(std::unordered_map<std::string, uint32_t>& taken, std::string_view hint) {
  std::string base(hint.empty() ? "v" : hint);
  for (char& c : base)
    if (!is_name_char(c)) c = '_';
  if (!is_name(base)) {
    std::replace(base.begin(), base.end(), '.', '_');
    base.insert(0, "_");
  }
  std::string name = base;
  while (!taken.emplace(name, 1).second) name = base + std::to_string(taken[base]++);
  return name;
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_name_char) &&
         !(text[0] >= '0' && text[0] <= '9') && text[0] != '.' && text.back() != '.' &&
         text.find("..") == std::string_view::npos;
}

TypeId Types::intern(Type type) {
  const size_t hash = hash_of(type);
  const auto [first, last] = by_hash_.equal_range(hash);
  for (auto at = first; at != last; ++at)
    if (types_[at->second] == type) return TypeId{at->second};
  const TypeId id{static_cast<uint32_t>(types_.size())};
  types_.push_back(std::move(type));
  by_hash_.emplace(hash, id.index);
  return id;
}

ValueId Function::add_value(TypeId type, std::string_view hint) {
  values.push_back({type, unique_name(value_names_, hint)});
  return ValueId{static_cast<uint32_t>(values.size() - 1)};
}

BlockId Function::add_block(std::string_view hint) {
  blocks.push_back({unique_name(block_names_, hint), {}, {}});
  return BlockId{static_cast<uint32_t>(blocks.size() - 1)};
}

bool can_be_unchecked(Op op) {
  return op == Op::apply || op == Op::compute || op == Op::element || op == Op::update;
}

Shape Part::shape(const Shape& whole) const {
  Shape extents;
  for (size_t axis = 0; axis < open.size(); ++axis)
    if (open[axis]) extents.push_back(whole[axis]);
  return extents;
}

FuncId Module::find(std::string_view name) const {
  for (uint32_t i = 0; i < functions.size(); ++i)
    if (functions[i].name == name) return FuncId{i};
  return {};
}

std::vector<FuncId> Module::entries() const {
  std::vector<FuncId> all, called;
  for (uint32_t i = 0; i < functions.size(); ++i) {
    all.push_back({i});
    if (all.back() == main || !functions[i].exported.empty()) called.push_back({i});
  }
  return called.empty() ? all : called;
}

namespace {

bool produces(const Compute& compute, ValueId value) {
  return std::ranges::any_of(compute.producers, [&](const Inst& inst) { return inst.result() == value; });
}

}  // namespace

void for_each_use(const Function& function, const Inst& inst,
                  const std::function<void(ValueId)>& visit) {
  for (const ValueId arg : inst.args) visit(arg);
  if (const auto* edges = std::get_if<std::vector<Edge>>(&inst.attribute)) {
    for (const Edge& edge : *edges)
      for (const ValueId arg : edge.args) visit(arg);
  }
  if (const auto* compute = std::get_if<Compute>(&inst.attribute)) {
    const auto visit_outer = [&](ValueId value) {
      if (value && !produces(*compute, value)) visit(value);
    };
    for (const Inst& producer : compute->producers) for_each_use(function, producer, visit_outer);
    for_each_node(function.exprs, compute->bodies, [&](ExprId id) { visit_outer(function.exprs[id].value); });
  }
}

namespace {

/// The bodies with their values replaced. A node keeps its id, and its site, where nothing below it
/// changed.
void map_body(Exprs& exprs, Compute& compute, const std::function<ValueId(ValueId)>& map) {
  std::unordered_map<ExprId, ExprId> mapped;
  for_each_node(exprs, compute.bodies, [&](ExprId id) {
    std::vector<ExprId> args = exprs[id].args;
    for (ExprId& arg : args) arg = mapped.at(arg);
    ExprId now = exprs.with_args(id, std::move(args));
    if (const ValueId value = exprs[now].value) now = exprs.with_value(now, map(value));
    mapped.emplace(id, now);
  });
  for (ExprId& body : compute.bodies) body = mapped.at(body);
  for (auto& [id, span] : compute.sites)
    if (const auto found = mapped.find(id); found != mapped.end()) id = found->second;
}

}  // namespace

void map_uses(Function& function, Inst& inst, const std::function<ValueId(ValueId)>& map) {
  for (ValueId& arg : inst.args) arg = map(arg);
  if (auto* edges = std::get_if<std::vector<Edge>>(&inst.attribute)) {
    for (Edge& edge : *edges)
      for (ValueId& arg : edge.args) arg = map(arg);
  }
  auto* compute = std::get_if<Compute>(&inst.attribute);
  if (compute == nullptr) return;
  if (compute->schedule) {
    std::map<std::string, std::string> names;
    for_each_use(function, inst, [&](ValueId used) {
      names.emplace(function.value(used).name, function.value(map(used)).name);
    });
    rename_operands(*compute->schedule, names);
  }
  const auto map_outer = [&](ValueId value) { return produces(*compute, value) ? value : map(value); };
  for (Inst& producer : compute->producers) map_uses(function, producer, map_outer);
  map_body(function.exprs, *compute, map_outer);
}

void for_each_callee(const Function& function, const Inst& inst,
                     const std::function<void(FuncId)>& visit) {
  if (inst.op == Op::call) visit(inst.get<FuncId>());
  if (inst.op != Op::compute) return;
  for (const Inst& producer : inst.get<Compute>().producers) for_each_callee(function, producer, visit);
  for_each_node(function.exprs, inst.get<Compute>().bodies, [&](ExprId id) {
    if (const FuncId callee = function.exprs[id].callee) visit(callee);
  });
}

void for_each_callee(const Function& function, const std::function<void(FuncId)>& visit) {
  for (const Block& block : function.blocks)
    for (const Inst& inst : block.insts) for_each_callee(function, inst, visit);
}

bool has_effect(const Module& module, const Function& function, const Inst& inst) {
  switch (row(inst.op).trait) {
    case Trait::pure: return false;
    case Trait::may_fail:
      if (inst.op == Op::call && !module.function(inst.get<FuncId>()).pure) return true;
      return may_fail(module, function, inst);
    case Trait::effect:
    case Trait::ownership:
    case Trait::terminator: return true;
  }
  return true;
}

const Directive* directive_of(const Compute& compute, DirectiveKind kind) {
  if (!compute.schedule) return nullptr;
  const auto found = std::ranges::find(*compute.schedule, kind, &Directive::kind);
  return found == compute.schedule->end() ? nullptr : &*found;
}

static void rename_indices(Exprs& exprs, Compute& compute, bool keeps) {
  std::unordered_map<ExprId, ExprId> now;
  for (ExprId& body : compute.bodies)
    body = with_kept_names(exprs, body, keeps, [&](ExprId before, ExprId after) { now[before] = after; });
  for (auto& [id, span] : compute.sites)
    if (const auto found = now.find(id); found != now.end()) id = found->second;
}

void keep_index_names(Exprs& exprs, Compute& compute) {
  for (uint32_t level = 0; level < compute.extents.size(); ++level) {
    if (compute.indices.size() <= level) compute.indices.emplace_back();
    if (compute.indices[level].empty()) compute.indices[level] = index_name(level);
  }
  rename_indices(exprs, compute, true);
}

void let_index_names_go(Exprs& exprs, Compute& compute) { rename_indices(exprs, compute, false); }

}  // namespace tenon::ir
