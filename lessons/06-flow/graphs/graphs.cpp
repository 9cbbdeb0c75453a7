// tenon_graphs: what ir/dominators.cpp finds, against the definitions.
//
//   tenon_graphs tree FILE.ir                 each function's blocks, with what the file finds
//   tenon_graphs dominators COUNT MOST [FILE] COUNT random graphs of up to MOST nodes
//   tenon_graphs order COUNT MOST [FILE]      the same for the reverse postorder
//   tenon_graphs chain LENGTH [FILE]          the dominators of a path of that many nodes
//   tenon_graphs order-chain LENGTH [FILE]    its reverse postorder: nothing may recurse
//
// With FILE, a grader's, the graphs of its functions are compared, too. Of the graphs for which the
// answer is wrong the smallest is shown.
#include <fmt/format.h>

#include <charconv>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "ir/text.h"
#include "lessons/06-flow/graphs/definition.h"
#include "tests/support/text.h"

namespace tenon::lessons {
namespace {

using ir::Graph;

ir::Module read(const std::string& path) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const uint32_t file = sources.add(path, tests::read_file(path));
  ir::Module module = ir::parse(sources, file, diagnostics);
  if (diagnostics.any()) {
    throw std::runtime_error(lexer::render(diagnostics.all().front(), sources));
  }
  return module;
}

/// A node a line, indented below its immediate dominator.
void print_tree(const ir::Function& function, const ir::Dominators& dominators, uint32_t node,
                size_t level) {
  fmt::print("{:{}}{}\n", "", 2 * level, function.blocks[node].name);
  for (uint32_t child = 1; child < function.blocks.size(); ++child) {
    if (dominators.reachable(child) && dominators.immediate(child) == node && child != node)
      print_tree(function, dominators, child, level + 1);
  }
}

int tree(const std::string& path) {
  for (const ir::Function& function : read(path).functions) {
    const Graph graph = ir::control_flow(function);
    const std::string error = dominators_error(graph);
    fmt::print("@{}\n", function.name);
    if (!error.empty()) {
      fmt::print("nodes are blocks, from 0: {}\n{}\n", text(graph), error);
      return 1;
    }
    print_tree(function, ir::Dominators(graph), 0, 1);
  }
  return 0;
}

using Check = std::string (*)(const Graph&);

int compare(Check check, uint64_t count, uint32_t most, const std::string& path) {
  std::vector<Graph> graphs;
  if (!path.empty())
    for (const ir::Function& function : read(path).functions)
      graphs.push_back(ir::control_flow(function));
  for (uint64_t seed = 0; seed < count; ++seed) graphs.push_back(random_graph(seed, most));
  const Graph* smallest = nullptr;
  size_t wrong = 0;
  for (const Graph& graph : graphs) {
    if (check(graph).empty()) continue;
    ++wrong;
    if (!smallest || graph.size() < smallest->size()) smallest = &graph;
  }
  if (!smallest) {
    fmt::print("{} graphs: as the definition says\n", graphs.size());
    return 0;
  }
  fmt::print("{} of {} graphs are wrong; the smallest is {}\n{}\n", wrong, graphs.size(),
             text(*smallest), check(*smallest));
  return 1;
}

bool is_dominated_in_order(const Graph& graph) {
  const auto last = static_cast<uint32_t>(graph.size()) - 1;
  const ir::Dominators dominators(graph);
  return dominators.dominates(0, last) && !dominators.dominates(last, 0) &&
         dominators.immediate(last) == last - 1;
}

bool is_in_order(const Graph& graph) {
  const std::vector<uint32_t> order = ir::reverse_postorder(graph);
  bool right = order.size() == graph.size();
  for (size_t i = 0; right && i < order.size(); ++i) right = order[i] == i;
  return right;
}

int chain(bool (*is_right)(const Graph&), uint32_t length) {
  std::vector<ir::Arc> arcs;
  for (uint32_t i = 0; i + 1 < length; ++i) arcs.push_back({i, i + 1});
  const Graph graph(length, arcs);
  bool right = false;
  // A thread's stack has a limit, whatever the shell allows.
  std::thread([&] { right = is_right(graph); }).join();
  fmt::print("{}\n", right ? "as the definition says" : "not one node after the other");
  return right ? 0 : 1;
}

uint32_t number(std::string_view text) {
  constexpr uint32_t kMost = 1'000'000;
  uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || behind != end || value < 2 || value > kMost) {
    throw std::runtime_error(fmt::format("{} is no number from 2 to {}", text, kMost));
  }
  return value;
}

int run(const std::vector<std::string>& words) {
  const std::string command = words.empty() ? "" : words[0];
  const auto file = [&](size_t at) { return words.size() > at ? words[at] : std::string(); };
  if (command == "tree" && words.size() == 2) return tree(words[1]);
  if (command == "chain" && words.size() >= 2)
    return chain(is_dominated_in_order, number(words[1]));
  if (command == "order-chain" && words.size() >= 2) return chain(is_in_order, number(words[1]));
  if (words.size() == 3 || words.size() == 4) {
    const Check check = command == "order" ? order_error : dominators_error;
    if (command == "order" || command == "dominators")
      return compare(check, number(words[1]), number(words[2]), file(3));
  }
  fmt::print(stderr,
             "tenon_graphs: tree FILE, dominators COUNT MOST, order COUNT MOST, chain LENGTH, "
             "order-chain LENGTH\n");
  return 2;
}

}  // namespace
}  // namespace tenon::lessons

int main(int argc, char** argv) {
  try {
    return tenon::lessons::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "tenon_graphs: {}\n", error.what());
    return 1;
  }
}
