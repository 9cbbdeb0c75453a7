// simplify_cfg: the shortest control flow for the same effects.
//
//   - a branch on a constant, or with one target twice, is a jump;
//   - an edge to a block that does nothing but decide leads on to where that decides to go, if this is
//     known along the edge (jump threading): `a and b`, which is an `if` that gives a bool and another
//     that asks for it, becomes two branches;
//   - a parameter to which all edges pass the same is that;
//   - a small `if` becomes a select (if_to_select.h, with its cost);
//   - blocks that do nothing but end in the same way are one;
//   - what nothing reaches goes, and a block that leads to one with no other way in takes that over.
//
// Each makes work for the others, so all are repeated while one did something, in rounds, each a walk
// over the function. All but selects always pay: fewer instructions run, none is added.
//
// Loop headers are not threaded through, since a loop with two ways in is no loop to other passes.
// (The edges of a branch may lead to blocks with other ways in afterwards; `own` and whoever else
// needs a place on an edge makes one.)
#include <algorithm>
#include <map>
#include <optional>
#include <ranges>

#include "ir/dominators.h"
#include "opt/analysis/uses.h"
#include "opt/pass.h"
#include "opt/rewrite.h"
#include "opt/scalar/if_to_select.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// Enough for what occurs; a round more finds less, and each takes as long.
constexpr int kMaxRounds = 8, kMaxSteps = 8;

class SimplifyCfg {
 public:
  SimplifyCfg(Module& module, Function& function, PassContext& context)
      : module_(module), function_(function), context_(context) {}

  void run() {
    bool again = true;
    for (int round = 0; again && round < kMaxRounds; ++round) {
      again = false;
      again |= decide_branches();
      again |= thread_edges();
      again |= merge_equal_blocks();
      again |= drop_unreachable();
      again |= drop_common_params();
      again |= ifs_to_selects(module_, function_, context_);
      again |= drop_unreachable();
      again |= join_blocks();
    }
  }

 private:
  bool ask(std::string_view what) { return context_.may_rewrite(what); }
  static std::vector<Edge>* edges_of(Inst& end) {
    return std::get_if<std::vector<Edge>>(&end.attribute);
  }

  /// Scalars by value, of the instructions that define constants.
  std::vector<std::optional<Scalar>> find_constants() const {
    std::vector<std::optional<Scalar>> constants(function_.values.size());
    for (const Block& block : function_.blocks) {
      for (const Inst& inst : block.insts)
        if (inst.op == Op::constant) constants[inst.result().index] = inst.get<Scalar>();
    }
    return constants;
  }

  bool decide_branches() {
    const auto constants = find_constants();
    bool any = false;
    for (Block& block : function_.blocks) {
      Inst& end = block.insts.back();
      if (end.op != Op::branch) continue;
      const auto& edges = end.get<std::vector<Edge>>();
      const auto& condition = constants[end.args[0].index];
      const bool same = edges[0].target == edges[1].target && edges[0].args == edges[1].args;
      if ((!condition && !same) || !ask("branch to a jump")) continue;
      Edge taken = edges[condition && !condition->i ? 1 : 0];
      end = {Op::jump, {}, {}, std::vector<Edge>{std::move(taken)}, end.span};
      any = true;
    }
    return any;
  }

  // ---- jump threading

  bool thread_edges() {
    const auto constants = find_constants();
    const std::vector<bool> threads = find_transparent();
    bool any = false;
    // What is behind a block is threaded before it, so that a chain is one step for each of its blocks.
    std::vector<uint32_t> order = reverse_postorder(control_flow(function_));
    for (uint32_t b : std::views::reverse(order)) {
      std::vector<Edge>* edges = edges_of(function_.blocks[b].insts.back());
      for (size_t e = 0; edges && e < edges->size(); ++e) {
        for (int step = 0; step < kMaxSteps; ++step) {  // empty blocks may lead in a circle
          Edge& edge = (*edges)[e];
          if (!threads[edge.target.index] || edge.target.index == b) break;
          std::optional<Edge> next = edge_behind(edge, constants);
          if (!next || next->target == edge.target || !ask("edge threaded")) break;
          edge = std::move(*next);
          any = true;
        }
      }
    }
    return any;
  }

  /// Blocks that only end, where nobody else uses their parameters, and, if they decide, that are no
  /// loop headers.
  std::vector<bool> find_transparent() const {
    const Uses uses(function_);
    const Graph graph = control_flow(function_);
    const Dominators dominators(graph);
    std::vector<bool> is_header(graph.size()), threads(graph.size());
    for (uint32_t b : reverse_postorder(graph))
      for (uint32_t next : graph[b])
        if (dominators.dominates(next, b)) is_header[next] = true;
    for (uint32_t b = 0; b < graph.size(); ++b) {
      const Block& block = function_.blocks[b];
      const auto stays = [&](ValueId param) {
        return std::ranges::all_of(uses.of(param),
                                   [&](const User& user) { return user.block == BlockId{b}; });
      };
      threads[b] = block.insts.size() == 1 && std::ranges::all_of(block.params, stays) &&
                   (block.insts[0].op == Op::jump || !is_header[b]);
    }
    return threads;
  }

  /// Where control goes behind the empty block that `edge` leads to, with what that passes on.
  std::optional<Edge> edge_behind(const Edge& edge,
                                  const std::vector<std::optional<Scalar>>& constants) const {
    const Block& via = function_.block(edge.target);
    const auto passed = [&](ValueId value) {
      const auto param = std::ranges::find(via.params, value);
      return param == via.params.end() ? value : edge.args[param - via.params.begin()];
    };
    const Inst& end = via.insts.back();
    if (end.op == Op::ret) return std::nullopt;
    size_t way = 0;
    if (end.op == Op::branch) {
      const auto& condition = constants[passed(end.args[0]).index];
      if (!condition) return std::nullopt;
      way = condition->i ? 0 : 1;
    }
    Edge next = end.get<std::vector<Edge>>()[way];
    for (ValueId& arg : next.args) arg = passed(arg);
    return next;
  }

  // ---- blocks

  /// Blocks of nothing but a terminator, equal but for the names of their parameters.
  bool merge_equal_blocks() {
    const Uses uses(function_);
    std::map<std::vector<uint32_t>, BlockId> known;
    std::vector<BlockId> now(function_.blocks.size());
    bool any = false;
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      now[b] = {b};
      if (b == 0 || function_.blocks[b].insts.size() != 1) continue;
      const bool stays = std::ranges::all_of(function_.blocks[b].params, [&](ValueId param) {
        return std::ranges::all_of(uses.of(param),
                                   [&](const User& user) { return user.block == BlockId{b}; });
      });
      if (!stays) continue;
      const auto [first, is_new] = known.emplace(end_of(function_.blocks[b]), BlockId{b});
      if (is_new || !ask("equal blocks")) continue;
      now[b] = first->second;
      any = true;
    }
    for (Block& block : function_.blocks) {
      std::vector<Edge>* edges = any ? edges_of(block.insts.back()) : nullptr;
      if (!edges) continue;
      for (Edge& edge : *edges) edge.target = now[edge.target.index];
    }
    return any;
  }

  /// A block's terminator written out, its parameters by number.
  std::vector<uint32_t> end_of(const Block& block) const {
    std::vector<uint32_t> text = {static_cast<uint32_t>(block.params.size())};
    for (ValueId param : block.params) text.push_back(function_.value(param).type.index);
    const auto write = [&](const std::vector<ValueId>& values) {
      text.push_back(static_cast<uint32_t>(values.size()));
      for (ValueId value : values) {
        const auto param = std::ranges::find(block.params, value);
        const bool is_param = param != block.params.end();
        text.push_back(is_param);
        text.push_back(is_param ? static_cast<uint32_t>(param - block.params.begin()) : value.index);
      }
    };
    const Inst& end = block.insts.back();
    text.push_back(static_cast<uint32_t>(end.op));
    write(end.args);
    for (const Edge& edge : successors(block)) {
      text.push_back(edge.target.index);
      write(edge.args);
    }
    return text;
  }

  bool drop_unreachable() {
    if (!has_unreachable(function_) || !ask("unreachable blocks")) return false;
    remove_unreachable(function_);
    return true;
  }

  /// (A parameter that a loop passes on to itself counts as passed nothing.)
  bool drop_common_params() {
    if (has_unreachable(function_)) return false;
    std::vector<ValueId> common(function_.values.size());  // by parameter
    std::vector<bool> differs(function_.values.size());
    for (const Block& block : function_.blocks) {
      for (const Edge& edge : successors(block)) {
        const std::vector<ValueId>& params = function_.block(edge.target).params;
        for (size_t p = 0; p < params.size(); ++p) {
          ValueId& passed = common[params[p].index];
          if (edge.args[p] == params[p]) continue;
          if (passed && passed != edge.args[p]) differs[params[p].index] = true;
          passed = edge.args[p];
        }
      }
    }
    Replacements replacements;
    for (const Block& block : function_.blocks) {
      for (ValueId param : block.params) {
        const ValueId passed = common[param.index];
        if (passed && !differs[param.index] && ask("block parameter"))
          replacements.add(param, passed);
      }
    }
    if (replacements.empty()) return false;
    remove_params(function_, [&](ValueId param) { return replacements.contains(param); });
    replacements.apply(function_);
    return true;
  }

  bool join_blocks() {
    std::vector<int> ways_in(function_.blocks.size());
    for (const Block& block : function_.blocks)
      for (const Edge& edge : successors(block)) ++ways_in[edge.target.index];
    std::vector<bool> keep(function_.blocks.size(), true);
    Replacements replacements;
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      while (keep[b] && function_.blocks[b].insts.back().op == Op::jump) {
        std::vector<Inst>& insts = function_.blocks[b].insts;
        const Edge edge = insts.back().get<std::vector<Edge>>()[0];
        const uint32_t target = edge.target.index;
        if (target == b || ways_in[target] != 1 || !ask("blocks joined")) break;
        Block& next = function_.blocks[target];
        for (size_t p = 0; p < next.params.size(); ++p) replacements.add(next.params[p], edge.args[p]);
        insts.pop_back();
        std::ranges::move(next.insts, std::back_inserter(insts));
        next.insts = {{Op::ret, {}, {}, {}, {}}};
        keep[target] = false;
      }
    }
    if (std::ranges::find(keep, false) == keep.end()) return false;
    keep_blocks(function_, keep);
    replacements.apply(function_);
    return true;
  }

  Module& module_;
  Function& function_;
  PassContext& context_;
};

}  // namespace

void simplify_cfg(ir::Module& module, PassContext& context) {
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (!has_owners(function)) SimplifyCfg(module, function, context).run();
  }
}

}  // namespace tenon::opt
