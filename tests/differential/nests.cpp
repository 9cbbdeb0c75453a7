#include "tests/differential/nests.h"

#include "ir/loops_parse.h"
#include "ir/loops_verify.h"
#include "opt/loops/choose.h"
#include "tests/support/text.h"

namespace tenon::tests {

using namespace ir::loops;

namespace {

std::string violation_of(const ir::Module& module, const Kernel& kernel) {
  const std::vector<Violation> found = verify(module, kernel);
  return found.empty() ? "" : found[0].message + ", in " + found[0].where;
}

/// What is wrong with kernels by themselves or with their text.
std::string problem_of(const ir::Module& module, const std::vector<Kernel>& kernels) {
  std::string text, printed;
  for (const Kernel& kernel : kernels) {
    const std::string problem = violation_of(module, kernel);
    if (!problem.empty()) return "a nest does not verify: " + problem;
    text += print(module, kernel);
  }
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  ir::Module declared;  // what the nests call
  for (const ParsedKernel& each :
       parse(sources, sources.add("nests.loops", text), declared, diagnostics)) {
    const std::string problem = violation_of(declared, each.kernel);
    if (!problem.empty()) return "the text of a nest does not verify: " + problem;
    printed += print(declared, each.kernel);
  }
  if (diagnostics.any())
    return "a nest does not read back: " + lexer::render(diagnostics.all()[0], sources);
  if (printed == text) return {};
  return "a nest reads back as another text\n" + difference(text, printed);
}

struct Chosen {
  opt::loops::Machine machine;
  opt::loops::Mode mode;
};
const Chosen kChosen[] = {
    {{}, {true}},
    {{64, 32}, {false}},
};

}  // namespace

std::string nests_problem(const ir::Module& module) {
  const std::vector<Kernel> lowered = lower(module);
  std::string problem = problem_of(module, lowered);
  for (const auto& [machine, mode] : kChosen) {
    std::vector<Kernel> scheduled;
    for (const Kernel& kernel : lowered)
      scheduled.push_back(opt::loops::choose(kernel, machine, mode).kernel);
    if (problem.empty()) problem = problem_of(module, scheduled);
  }
  for (const bool strict : {true, false}) {
    std::vector<Kernel> on_gpu;
    for (const Kernel& kernel : lowered)
      on_gpu.push_back(opt::loops::choose_gpu(kernel, {strict}).kernel);
    if (problem.empty()) problem = problem_of(module, on_gpu);
  }
  return problem;
}

}  // namespace tenon::tests
