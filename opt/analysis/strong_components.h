// Strongly connected components: the largest sets of nodes that reach each other. In a call graph,
// functions that call each other in a circle.
#pragma once
#include <vector>

#include "ir/dominators.h"

namespace tenon::opt {

/// Functions as nodes, and which calls which, once for every call.
ir::Graph call_graph(const ir::Module& module);

/// Every node of the graph in one component; a component comes after those that its nodes lead to (in
/// a call graph: callees first). Tarjan, "Depth-First Search and Linear Graph Algorithms" (1972).
std::vector<std::vector<uint32_t>> strong_components(const ir::Graph& graph);

}  // namespace tenon::opt
