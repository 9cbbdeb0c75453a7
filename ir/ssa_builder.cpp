#include "ir/ssa_builder.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tenon::ir {

SsaBuilder::Variable SsaBuilder::add_variable(TypeId type, std::string name) {
  variables_.push_back({type, std::move(name), {}});
  return static_cast<Variable>(variables_.size() - 1);
}

SsaBuilder::BlockInfo& SsaBuilder::info(BlockId block) {
  if (blocks_.size() <= block.index) blocks_.resize(function_.blocks.size());
  return blocks_[block.index];
}

void SsaBuilder::write(Variable variable, BlockId block, ValueId value) {
  info(block).values[variable] = value;
  variables_[variable].written_at.push_back(writes_++);
}

ValueId SsaBuilder::read(Variable variable, BlockId block) {
  const ValueId value = find(variable, block);
  fill_parameters();
  return value;
}

// [snippet find]
/// Walks up while there is one way to go. Where several meet, a parameter stands for what they
/// bring, and is noted before they are asked: that is what ends the search in a loop.
ValueId SsaBuilder::find(Variable variable, BlockId block) {
  const BlockId reader = block;
  ValueId value;
  for (;;) {
    BlockInfo& here = info(block);
    if (auto found = here.values.find(variable); found != here.values.end()) {
      value = found->second;
      break;
    }
    if (here.before.block && !is_written_before(here, variable)) {
      block = here.before.block;
      continue;
    }
    if (here.sealed && here.predecessors.empty()) {
      throw std::logic_error("variable " + variables_[variable].name + " is read before it is set");
    }
    if (!here.sealed || here.predecessors.size() > 1) {
      value = add_parameter(variable, block);
      info(block).values[variable] = value;
      break;
    }
    block = here.predecessors.front().from;
  }
  info(reader).values[variable] = value;
  return value;
}
// [end]

/// Whether it may have been written between what all ways to `block` come from, and `block`.
bool SsaBuilder::is_written_before(const BlockInfo& block, Variable variable) const {
  const std::vector<size_t>& times = variables_[variable].written_at;
  const auto next = std::ranges::lower_bound(times, block.before.time);
  return next != times.end() && *next < block.until;
}

ValueId SsaBuilder::add_parameter(Variable variable, BlockId block) {
  const ValueId value = function_.add_value(variables_[variable].type, variables_[variable].name);
  std::vector<ValueId>& params = function_.block(block).params;
  const Parameter parameter{variable, block, params.size()};
  params.push_back(value);
  (info(block).sealed ? to_fill_ : info(block).incomplete).push_back(parameter);
  return value;
}

void SsaBuilder::fill_parameters() {
  while (!to_fill_.empty()) {
    const Parameter parameter = to_fill_.back();
    to_fill_.pop_back();
    const size_t count = info(parameter.block).predecessors.size();
    for (size_t i = 0; i < count; ++i) {
      const Predecessor predecessor = info(parameter.block).predecessors[i];
      const ValueId value = find(parameter.variable, predecessor.from);
      std::vector<ValueId>& args = edge_args(predecessor);
      if (args.size() <= parameter.index) args.resize(parameter.index + 1);
      args[parameter.index] = value;
    }
  }
}

std::vector<ValueId>& SsaBuilder::edge_args(const Predecessor& predecessor) {
  Inst& terminator = function_.block(predecessor.from).insts.back();
  return terminator.get<std::vector<Edge>>()[predecessor.edge].args;
}

void SsaBuilder::jump(BlockId from, BlockId to, Span span) {
  function_.block(from).insts.push_back({Op::jump, {}, {}, std::vector<Edge>{{to, {}}}, span});
  info(to).predecessors.push_back({from, 0});
}

void SsaBuilder::branch(BlockId from, ValueId condition, BlockId then, BlockId otherwise,
                        Span span) {
  function_.block(from).insts.push_back(
      {Op::branch, {}, {condition}, std::vector<Edge>{{then, {}}, {otherwise, {}}}, span});
  info(then).predecessors.push_back({from, 0});
  info(otherwise).predecessors.push_back({from, 1});
}

void SsaBuilder::seal(BlockId block) {
  info(block).sealed = true;
  to_fill_ = std::exchange(info(block).incomplete, {});
  fill_parameters();
}

void SsaBuilder::seal(BlockId block, Moment before) {
  info(block).before = before;
  info(block).until = writes_;
  seal(block);
}

void SsaBuilder::forward(ValueId from, ValueId to) {
  forwards_[from] = to;
}

ValueId SsaBuilder::resolve(ValueId value) {
  ValueId last = value;
  for (auto next = forwards_.find(last); next != forwards_.end(); next = forwards_.find(last)) {
    last = next->second;
  }
  while (value != last) value = std::exchange(forwards_[value], last);  // shortens the way
  return last;
}

// [snippet remove-trivial]
/// A parameter is trivial if all that comes in, beside itself, is one value.
bool SsaBuilder::remove_trivial(BlockId block) {
  std::vector<ValueId>& params = function_.block(block).params;
  const std::vector<Predecessor>& predecessors = info(block).predecessors;
  bool removed = false;
  // [exercise parameters]
  // [starter] static_cast<void>(params), static_cast<void>(predecessors);
  for (size_t index = params.size(); index-- > 0;) {
    ValueId only;
    bool trivial = true;
    for (const Predecessor& predecessor : predecessors) {
      const ValueId value = resolve(edge_args(predecessor)[index]);
      if (value == params[index] || value == only) continue;
      trivial = trivial && !only;
      only = value;
    }
    if (!trivial || !only) continue;
    forward(params[index], only);
    params.erase(params.begin() + index);
    for (const Predecessor& predecessor : predecessors) {
      std::vector<ValueId>& args = edge_args(predecessor);
      args.erase(args.begin() + index);
    }
    removed = true;
  }
  // [end]
  return removed;
}
// [end]

void SsaBuilder::finish() {
  for (bool again = true; again;) {
    again = false;
    for (uint32_t block = 0; block < function_.blocks.size(); ++block) {
      again |= remove_trivial({block});
    }
  }
  if (forwards_.empty()) return;
  for (Block& block : function_.blocks) {
    for (Inst& inst : block.insts) {
      map_uses(function_, inst, [&](ValueId value) { return resolve(value); });
    }
  }
}

}  // namespace tenon::ir
