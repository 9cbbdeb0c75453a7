// NVIDIA's assembler takes what Tenon writes, and finds registers enough.
//
//   tenon_ptx TENON [--filter=PART] [FOLDER...]
//
// Of each FOLDER's programs (tests/programs, tests/golden/gpu and the examples, unless others are given)
// the PTX is written for each GPU and assembled by ptxas, which is looked for in PATH and where CUDA
// installs it. So are, unless folders are given, the kernels that bench/gpu measures, in their full size
// (bench/gpu/plan.py). A kernel whose registers are spilled to memory fails. Where there is no ptxas, the
// PTX must be there and no more.
#include <fmt/format.h>

#include <regex>
#include <string>

#include "tests/support/arguments.h"
#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

constexpr const char* kGpus[] = {"sm_75", "sm_80", "sm_90"};
constexpr double kTimeout = 120, kPlanTimeout = 500;

/// The assembler; empty if there is none.
std::string find_assembler() {
  for (const char* name : {"ptxas", "/usr/local/cuda/bin/ptxas"})
    if (run({{name, "--version"}, ".", ""}).status == 0) return name;
  return "";
}

std::string spilled(const std::string& report) {
  static const std::regex kernels("Function properties for ([^\n]*)\n[^\n]*, ([0-9]+) bytes spill stores, "
                                  "([0-9]+) bytes spill loads");
  for (auto at = std::sregex_iterator(report.begin(), report.end(), kernels);
       at != std::sregex_iterator(); ++at)
    if ((*at)[2] != "0" || (*at)[3] != "0") return fmt::format("kernel {} spills registers", (*at)[1].str());
  return "";
}

/// What ptxas has against a file; empty if nothing.
std::string assemble(const fs::path& ptx, const std::string& gpu, const std::string& assembler) {
  const ScratchFolder scratch;
  const Outcome assembled =
      run({{assembler, "-v", "-arch=" + gpu, ptx.string(), "-o", "k.cubin"}, scratch.path(), "", kTimeout});
  if (assembled.status != 0 || assembled.timed_out) return describe(assembled) + "\n" + assembled.err;
  return spilled(assembled.err + assembled.out);
}

std::string check_program(const fs::path& program, const std::string& gpu, const std::string& tenon,
                          const std::string& assembler) {
  const ScratchFolder scratch;
  const fs::path ptx = scratch.path() / "k.ptx";
  const Outcome written = run({{tenon, "emit", "ptx", "--gpu-arch", gpu, program.string(), "-o", ptx.string()},
                               scratch.path(), "", kTimeout});
  if (written.status != 0 || written.timed_out) return describe(written) + "\n" + written.err;
  if (read_file(ptx).empty() || assembler.empty()) return "";  // without a kernel there is nothing
  return assemble(ptx, gpu, assembler);
}

/// A workload always has kernels.
std::string check_plan(const fs::path& ptx, const std::string& gpu, const std::string& assembler) {
  if (!contains(read_file(ptx), ".entry")) return "it has no kernel";
  return assembler.empty() ? "" : assemble(ptx, gpu, assembler);
}

/// The kernels of bench/gpu, GPU/WORKLOAD.ptx in `folder`.
std::vector<fs::path> plans(const fs::path& folder, const std::string& tenon, Tally& tally) {
  if (run({{"python3", "--version"}, ".", ""}).status != 0) {
    tally.skip("the kernels of bench/gpu", "there is no python3");
    return {};
  }
  const Outcome planned =
      run({{(root() / "bench/gpu/plan.py").string(), tenon, folder.string()}, ".", "", kPlanTimeout});
  if (planned.status != 0 || planned.timed_out)
    tally.fail("bench/gpu/plan.py", describe(planned) + "\n" + planned.err);
  std::vector<fs::path> found;
  for (const fs::path& path : files_below(folder))
    if (path.extension() == ".ptx") found.push_back(path);
  return found;
}

/// Programs that are wrong on purpose have no PTX.
bool is_program(const fs::path& path, const std::string& tenon) {
  return path.extension() == ".tn" && run({{tenon, "check", path.string()}, ".", "", kTimeout}).status == 0;
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  Arguments arguments = read_arguments(argc, argv);
  Tally tally("ptx");
  const ScratchFolder scratch;
  std::vector<fs::path> planned;
  if (arguments.folders.empty()) {
    for (const char* folder : {"tests/programs", "tests/golden/gpu"})
      arguments.folders.push_back((root() / folder).string());
    for (const fs::path& path : entries_of(root() / "examples")) arguments.folders.push_back(path.string());
    planned = plans(scratch.path(), arguments.tenon, tally);
  }
  const std::string assembler = find_assembler();
  if (assembler.empty()) tally.skip("assembling", "there is no ptxas");
  std::vector<std::pair<fs::path, std::string>> cases;
  for (const std::string& folder : arguments.folders)
    for (const fs::path& path : entries_of(folder))
      if (contains(path.string(), arguments.filter) && is_program(path, arguments.tenon))
        for (const char* gpu : kGpus) cases.emplace_back(fs::absolute(path), gpu);
  for (const fs::path& path : planned)
    if (contains(path.string(), arguments.filter)) cases.emplace_back(path, path.parent_path().filename().string());
  for_each_in_parallel(cases.size(), [&](size_t i) {
    const auto& [path, gpu] = cases[i];
    const std::string problem = path.extension() == ".ptx" ? check_plan(path, gpu, assembler)
                                                           : check_program(path, gpu, arguments.tenon, assembler);
    if (problem.empty()) tally.pass();
    else tally.fail(fmt::format("{} for {}", path.filename().string(), gpu), problem);
  });
  return tally.close();
}
