#include "ir/dot.h"

#include <fmt/format.h>

#include <algorithm>

#include "ast/dot.h"
#include "ir/dominators.h"
#include "ir/text.h"

namespace tenon::ir {
namespace {

using ast::dot_label;

/// Draws one function; the names of its nodes begin with its number, which tells them from
/// another's.
class Drawing {
 public:
  Drawing(const Module& module, const Function& function, size_t number)
      : module_(module), function_(function), number_(number) {}

  void control_flow();
  void dominators();
  void data_flow();
  std::string take() { return std::move(out_); }

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += ";\n";
  }
  std::string block(size_t index) const { return fmt::format("f{}b{}", number_, index); }
  std::string inst(size_t block, size_t index) const {
    return fmt::format("f{}b{}i{}", number_, block, index);
  }
  std::string value(ValueId id) const { return fmt::format("f{}v{}", number_, id.index); }
  std::string typed_name(ValueId id) const {
    return fmt::format("%{}: {}", function_.value(id).name, module_.type(function_, id).text());
  }
  std::string heading(const Block& block) const;
  void define_values();
  void use_values(size_t block, size_t index);

  const Module& module_;
  const Function& function_;
  const size_t number_;
  std::vector<std::string> definition_;  ///< data flow: the node of each value
  std::string out_;
};

/// `loop(%i: i64):`
std::string Drawing::heading(const Block& block) const {
  std::string params;
  for (const ValueId param : block.params)
    params += (params.empty() ? "" : ", ") + typed_name(param);
  return block.name + (params.empty() ? ":" : fmt::format("({}):", params));
}

void Drawing::control_flow() {
  for (size_t b = 0; b < function_.blocks.size(); ++b) {
    const Block& from = function_.blocks[b];
    std::string text = heading(from);
    for (const Inst& inst : from.insts) text += "\n  " + print(module_, function_, inst);
    put("    {} [label={}]", block(b), dot_label(text, true));
    const std::vector<Edge>& edges = successors(from);
    for (size_t e = 0; e < edges.size(); ++e) {
      const char* label = edges.size() == 1 ? ""
                          : e == 0          ? " [label=\"true\"]"
                                            : " [label=\"false\"]";
      put("    {} -> {}{}", block(b), block(edges[e].target.index), label);
    }
  }
}

void Drawing::dominators() {
  const Dominators dominators(ir::control_flow(function_));
  for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
    const bool reachable = dominators.reachable(b);
    put("    {} [label={}{}]", block(b), dot_label(function_.blocks[b].name),
        reachable ? "" : ", style=dashed");
    if (reachable && b != 0) put("    {} -> {}", block(dominators.immediate(b)), block(b));
  }
}

/// A node for each parameter and each instruction but jumps, which use nothing themselves.
void Drawing::define_values() {
  definition_.resize(function_.values.size());
  const auto param = [&](ValueId id) {
    definition_[id.index] = value(id);
    put("    {} [label={}, shape=ellipse]", value(id), dot_label(typed_name(id)));
  };
  for (const ValueId id : function_.params) param(id);
  for (size_t b = 0; b < function_.blocks.size(); ++b) {
    for (const ValueId id : function_.blocks[b].params) param(id);
    for (size_t i = 0; i < function_.blocks[b].insts.size(); ++i) {
      const Inst& from = function_.blocks[b].insts[i];
      if (from.op == Op::jump) continue;
      for (const ValueId id : from.results) definition_[id.index] = inst(b, i);
      put("    {} [label={}]", inst(b, i), dot_label(print(module_, function_, from)));
    }
  }
}

void Drawing::use_values(size_t block, size_t index) {
  const Inst& user = function_.blocks[block].insts[index];
  std::vector<ValueId> seen;  // a value that a body reads twice is one edge
  const auto use = [&](ValueId id) {
    if (std::ranges::find(seen, id) != seen.end()) return;
    seen.push_back(id);
    put("    {} -> {}", definition_[id.index], inst(block, index));
  };
  const auto* edges = std::get_if<std::vector<Edge>>(&user.attribute);
  if (!edges) return for_each_use(function_, user, use);
  for (const ValueId arg : user.args) use(arg);
  for (const Edge& edge : *edges) {
    const std::vector<ValueId>& params = function_.block(edge.target).params;
    for (size_t i = 0; i < edge.args.size(); ++i) {
      put("    {} -> {} [style=dashed, label={}]", definition_[edge.args[i].index],
          value(params[i]), dot_label(function_.blocks[block].name));
    }
  }
}

void Drawing::data_flow() {
  define_values();
  for (size_t b = 0; b < function_.blocks.size(); ++b)
    for (size_t i = 0; i < function_.blocks[b].insts.size(); ++i) use_values(b, i);
}

}  // namespace

std::string dot(const Module& module, Picture picture, FuncId only) {
  std::string out =
      "digraph module {\n  node [shape=box, fontname=\"monospace\", fontsize=11];\n"
      "  edge [fontname=\"monospace\", fontsize=10];\n";
  for (uint32_t f = 0; f < module.functions.size(); ++f) {
    if (only && only != FuncId{f}) continue;
    const Function& function = module.functions[f];
    Drawing drawing(module, function, f);
    switch (picture) {
      case Picture::control_flow: drawing.control_flow(); break;
      case Picture::dominators: drawing.dominators(); break;
      case Picture::data_flow: drawing.data_flow(); break;
    }
    out += fmt::format(
        "  subgraph cluster_f{} {{\n    label={};\n    fontname=\"monospace\";\n{}  }}\n", f,
        dot_label("@" + function.name), drawing.take());
  }
  return out + "}\n";
}

}  // namespace tenon::ir
