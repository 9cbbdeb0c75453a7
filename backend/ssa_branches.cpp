// Blocks with parameters as blocks with phis: an edge brings its arguments, a phi takes them in.
#include "backend/function_writer.h"

namespace tenon::backend {

using ir::Edge;

// [snippet jump]
void FunctionWriter::arrive(const Edge& edge, std::vector<std::string> args) {
  arrivals_[edge.target.index].push_back({out_.current_label(), std::move(args)});
}

void FunctionWriter::write_jump(const Inst& inst) {
  const Edge& edge = inst.get<std::vector<Edge>>()[0];
  arrive(edge, names(edge.args));
  out_.line("br label {}", label(edge));
}
// [end]

/// LLVM's phis know blocks, not edges: two edges to one block become one that selects the
/// arguments.
void FunctionWriter::write_branch(const Inst& inst) {
  // [exercise branch]
  // [starter] (void)inst;
  // [starter] out_.line("unreachable");
  const std::vector<Edge>& edges = inst.get<std::vector<Edge>>();
  std::vector<std::string> then = names(edges[0].args), otherwise = names(edges[1].args);
  if (edges[0].target != edges[1].target) {
    out_.line("br i1 {}, label {}, label {}", arg(inst, 0), label(edges[0]), label(edges[1]));
    arrive(edges[0], std::move(then));
    arrive(edges[1], std::move(otherwise));
    return;
  }
  for (size_t i = 0; i < then.size(); ++i) {
    const std::string_view what = value_type(type(edges[0].args[i]));
    const std::string chosen = out_.fresh("chosen");
    out_.line("{} = select i1 {}, {} {}, {} {}", chosen, arg(inst, 0), what, then[i], what,
              otherwise[i]);
    then[i] = chosen;
  }
  arrive(edges[0], std::move(then));
  out_.line("br label {}", label(edges[0]));
  // [end]
}

/// When all blocks are written it is known from where each is reached. Some are from nowhere, the entry
/// among them.
void FunctionWriter::write_phis() {
  // [exercise branch]
  for (uint32_t i = 1; i < blocks_.size(); ++i) {
    std::string lines;
    const std::vector<ValueId>& params = function_.blocks[i].params;
    for (size_t p = 0; p < params.size() && !arrivals_[i].empty(); ++p) {
      std::string from;
      for (const Arrival& a : arrivals_[i])
        from += fmt::format("{}[ {}, {} ]", from.empty() ? "" : ", ", a.args[p], a.from);
      lines +=
          fmt::format("  {} = phi {} {}\n", name(params[p]), value_type(type(params[p])), from);
    }
    out_.fill(blocks_[i].phis, std::move(lines));
  }
  // [end]
}

}  // namespace tenon::backend
