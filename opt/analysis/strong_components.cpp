#include "opt/analysis/strong_components.h"

#include <algorithm>

namespace tenon::opt {
namespace {

class Tarjan {
 public:
  explicit Tarjan(const ir::Graph& graph)
      : graph_(graph), number_(graph.size(), kUnseen), lowest_(graph.size()) {}

  std::vector<std::vector<uint32_t>> run() {
    for (uint32_t node = 0; node < graph_.size(); ++node)
      if (number_[node] == kUnseen) walk_from(node);
    return std::move(components_);
  }

 private:
  static constexpr uint32_t kUnseen = 0xffffffff, kDone = 0xfffffffe;
  struct Visit {
    uint32_t node;
    size_t next = 0;  // successor
  };

  /// Depth first. The stack of the walk is explicit, since chains of calls are as long as programs.
  void walk_from(uint32_t root) {
    std::vector<Visit> stack = {enter(root)};
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next < graph_[node].size()) {
        const uint32_t successor = graph_[node][next++];
        if (number_[successor] == kUnseen) {
          stack.push_back(enter(successor));
        } else if (number_[successor] != kDone) {
          lowest_[node] = std::min(lowest_[node], number_[successor]);
        }
        continue;
      }
      const uint32_t left = node;
      stack.pop_back();
      if (lowest_[left] == number_[left]) close(left);
      else lowest_[stack.back().node] = std::min(lowest_[stack.back().node], lowest_[left]);
    }
  }

  Visit enter(uint32_t node) {
    number_[node] = lowest_[node] = count_++;
    open_.push_back(node);
    return {node};
  }
  /// `root` reaches nothing older than itself: it and all that was entered since are a component.
  void close(uint32_t root) {
    const auto begin = std::ranges::find(open_.rbegin(), open_.rend(), root).base() - 1;
    components_.emplace_back(begin, open_.end());
    open_.erase(begin, open_.end());
    for (uint32_t node : components_.back()) number_[node] = kDone;
  }

  const ir::Graph& graph_;
  std::vector<uint32_t> number_;  ///< in the order of entering
  std::vector<uint32_t> lowest_;  ///< the least number of an open node that is reached
  std::vector<uint32_t> open_;    ///< entered, and not yet in a component
  uint32_t count_ = 0;
  std::vector<std::vector<uint32_t>> components_;
};

}  // namespace

ir::Graph call_graph(const ir::Module& module) {
  std::vector<ir::Arc> arcs;
  for (uint32_t f = 0; f < module.functions.size(); ++f) {
    ir::for_each_callee(module.functions[f],
                        [&](ir::FuncId callee) { arcs.push_back({f, callee.index}); });
  }
  return ir::Graph(module.functions.size(), arcs);
}

std::vector<std::vector<uint32_t>> strong_components(const ir::Graph& graph) {
  return Tarjan(graph).run();
}

}  // namespace tenon::opt
