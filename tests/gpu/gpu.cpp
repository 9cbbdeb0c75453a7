// What is for a machine with a GPU, tested where there is none: a bundle (scripts/gpu-bundle.sh) of a few programs is
// made, unpacked in an empty folder, its runner built there by nothing but a C++ compiler, and run with a driver over
// the simulated GPU in the place of CUDA's (fake_cuda.cpp).
//
//   tenon_gpu TENON FOLDER      where that driver is, as libcuda.so.1
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/golden_case.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

constexpr double kTimeout = 500;

class Bundle {
 public:
  Bundle(std::string tenon, std::string driver) : tenon_(std::move(tenon)), driver_(std::move(driver)) {}

  void test() {
    if (!pack()) return;
    checks_a_card();
    checks_what_is_missing();
    names_what_differs();
    goes_on_behind_a_lost_device();
    refuses_damage();
    compares_counters();
    measures();
    runs_programs();
  }
  int close() { return tally_.close(); }

 private:
  fs::path folder() const { return scratch_.path() / "gpu-bundle"; }
  fs::path recording(const char* name) const { return folder() / "recordings" / name; }

  /// `settings`: NAME=VALUE of the environment.
  Outcome with_driver(std::vector<std::string> settings, const std::vector<std::string>& command) {
    std::vector<std::string> all{"env", "LD_LIBRARY_PATH=" + driver_};
    all.insert(all.end(), settings.begin(), settings.end());
    all.insert(all.end(), command.begin(), command.end());
    return run({all, folder(), "", kTimeout});
  }
  Outcome tested(const std::vector<std::string>& settings) {
    return with_driver(settings, {"./runner", "test", "recordings"});
  }

  void expect(const char* what, const Outcome& outcome, int status, const std::vector<std::string>& said) {
    std::string wrong;
    if (outcome.timed_out || outcome.status != status)
      wrong = fmt::format("{}, not status {}\n", describe(outcome), status);
    for (const std::string& part : said)
      if (!contains(outcome.out + outcome.err, part)) wrong += fmt::format("it does not say: {}\n", part);
    if (wrong.empty()) tally_.pass();
    else tally_.fail(what, wrong + outcome.out + outcome.err);
  }

  bool pack() {
    std::vector<std::string> command{"env", "PLANS=--small", (root() / "scripts/gpu-bundle.sh").string(), tenon_,
                                     (scratch_.path() / "gpu-bundle.tar.gz").string()};
    for (const char* program : {"tests/programs/matrix_units.tn", "tests/programs/products.tn",
                                "tests/programs/fails_in_order.tn", "tests/programs/dynamic_shared.tn",
                                "tests/counters/product.tn"})
      command.push_back(program);
    const Outcome packed = run({command, root(), "", kTimeout});
    expect("gpu-bundle.sh", packed, 0, {"26 recordings of 5 programs"});
    const Outcome unpacked = run({{"tar", "xzf", "gpu-bundle.tar.gz"}, scratch_.path(), "", kTimeout});
    expect("unpacking", unpacked, 0, {});
    const Outcome built = run({{"make", "runner", "CXXFLAGS=-O0"}, folder(), "", kTimeout});
    expect("building the runner", built, 0, {});
    return packed.status == 0 && built.status == 0;
  }

  void checks_a_card() {
    expect("all agree", with_driver({"PATH=/usr/bin:/bin"}, {"make", "test-gpu"}), 0,
           {"on simulated, compute capability 9.0", "26 passed, 0 failed", "counters: not compared: there is no ncu"});
    expect("an older card", tested({"FAKE_CUDA=80"}), 0, {"17 passed, 0 failed, 9 skipped"});
    expect("a card whose blocks share less", tested({"FAKE_CUDA_SHARED=49152"}), 0, {"20 passed, 0 failed, 6 skipped"});
  }

  void checks_what_is_missing() {
    expect("no GPU", tested({"FAKE_CUDA=none"}), 77, {"nothing was run", "there is a CUDA driver on this machine, but no GPU"});
    expect("make without a GPU", with_driver({"FAKE_CUDA=none", "PATH=/usr/bin:/bin"}, {"make", "test-gpu"}), 0,
           {"test-gpu: skipped, nothing was run: "});
    expect("a driver that does not start", tested({"FAKE_CUDA=refuses"}), 77, {"CUDA_ERROR_NO_DEVICE"});
    expect("a card that is too old", tested({"FAKE_CUDA=70"}), 77, {"compute capability 7.0; at least 7.5"});
    const Outcome bare = run({{"./runner", "test", "recordings"}, folder(), "", kTimeout});
    if (bare.status == 0) tally_.skip("no driver", "this machine has one");
    else expect("no driver", bare, 77, {"there is no CUDA driver (libcuda.so.1)"});
  }

  /// One bit of one number that was expected.
  void names_what_differs() {
    const fs::path path = recording("fast/sm_80/products.data");
    const std::string right = read_file(path);
    std::string wrong = right;
    wrong[4 * 5 + 3] ^= 1;  // of element 5 of what the first kernel leaves
    write_file(path, wrong);
    expect("a wrong element", tested({}), 1,
           {"FAILED: fast/sm_80/products: kernel main_0, launch 0, `", "`: 1 of 1961 elements differ; element 5 (f32) is ",
            "25 passed, 1 failed"});
    write_file(path, right);
  }

  void goes_on_behind_a_lost_device() {
    expect("a kernel that breaks the device", tested({"FAKE_CUDA_BREAKS=2"}), 1,
           {"FAILED: fast/sm_75/matrix_units: ", "CUDA_ERROR_ILLEGAL_ADDRESS", "FAILED: strict/sm_90/products: "});
  }

  void refuses_damage() {
    const fs::path path = recording("strict/sm_80/products.calls");
    const std::string right = read_file(path);
    write_file(path, right + "release 99\n");
    expect("a damaged recording", tested({}), 1,
           {"FAILED: strict/sm_80/products: ", "there is no buffer 99 here", "25 passed, 1 failed"});
    write_file(path, right);
    expect("no such bundle", with_driver({}, {"./runner", "test", "elsewhere"}), 2, {"there is no list of recordings"});
  }

  /// ncu's table as it would be if the card counted what the simulator did, but for one sector.
  void compares_counters() {
    std::string table = "==PROF== Connected to process 1\n\"ID\",\"Process ID\",\"Kernel Name\",\"Metric Name\",\"Metric Unit\",\"Metric Value\"\n";
    int launch = -1;
    std::string kernel;
    bool changed = false;
    for (const char* name : {"counters/sm_80/product.calls", "counters/sm_90/product.calls"})
      for (const std::string& line : split_lines(read_file(recording(name)))) {
        const std::vector<std::string> words = split_words(line);
        if (words[0] == "launch") ++launch, kernel = words[1];
        if (words[0] != "counts") continue;
        const bool change = !changed && words[2] == "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum" && words[1] != "0";
        changed = changed || change;
        table += fmt::format("\"{}\",\"1\",\"{}\",\"{}\",\"sector\",\"{}\"\n", launch, kernel, words[2],
                             change ? std::to_string(2 * std::stoll(words[1])) : words[1]);
      }
    const fs::path bin = scratch_.path() / "bin";
    fs::create_directory(bin);
    write_file(scratch_.path() / "ncu.csv", table);
    write_file(bin / "ncu", fmt::format("#!/bin/sh\nfor last; do :; done\n\"$6\" launch \"$last\" && cat {}\n",
                                        (scratch_.path() / "ncu.csv").string()));
    fs::permissions(bin / "ncu", fs::perms::owner_all);
    expect("counters", with_driver({"PATH=" + bin.string() + ":/usr/bin:/bin"}, {"tests/gpu/counters.sh", "./runner", "recordings"}), 1,
           {"l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum", "2.000  differs", " equal, 1 differ"});
    write_file(bin / "ncu", "#!/bin/sh\necho '==ERROR== ERR_NVGPUCTRPERM - The user does not have permission'\nexit 1\n");
    expect("counters without permission",
           with_driver({"PATH=" + bin.string() + ":/usr/bin:/bin"}, {"tests/gpu/counters.sh", "./runner", "recordings"}), 0,
           {"counters: not compared: ==ERROR== ERR_NVGPUCTRPERM"});
  }

  /// bench-gpu, on what is small; plain loops and PyTorch, where it is, compute the same on the processor.
  void measures() {
    if (run({{"python3", "--version"}, ".", ""}).status != 0) return tally_.skip("bench-gpu", "there is no python3");
    const std::vector<std::string> bench{"python3", "bench/gpu/run.py", "--plans", "bench/plans", "--small",
                                         "--peers", "plain", "--peers", "copy", "--peers", "cuBLAS", "--peers",
                                         "PyTorch", "--rounds", "2", "-o", "results"};
    const fs::path bin = scratch_.path() / "bin";
    write_file(bin / "nvidia-smi", "#!/bin/sh\necho 'NVIDIA-SMI has failed: no devices were found'\nexit 9\n");
    fs::permissions(bin / "nvidia-smi", fs::perms::owner_all);
    const std::string path = "PATH=" + bin.string() + ":/usr/bin:/bin";
    expect("bench-gpu without a card", with_driver({path}, bench), 77,
           {"bench-gpu: skipped, nothing was measured: NVIDIA-SMI has failed: no devices were found"});
    write_file(bin / "nvidia-smi", "#!/bin/sh\necho 'simulated, 1.0'\n");
    const Outcome measured = with_driver({path}, bench);
    expect("bench-gpu", measured, 0, {});
    if (measured.status != 0) return;
    const bool has_torch = with_driver({path}, {"python3", "-c", "import torch"}).status == 0;
    const auto rows = nlohmann::json::parse(read_file(folder() / "results/gpu.json"))["functions"];
    std::string wrong = rows.size() == 14 ? "" : fmt::format("there are {} workloads\n", rows.size());
    for (const auto& row : rows) {
      std::vector<std::string> peers{"Tenon", "plain"};
      const std::string workload = row["workload"];
      if (workload.starts_with("product")) peers.push_back("cuBLAS");
      if (has_torch && !contains(workload, "f16")) peers.push_back("PyTorch");  // which not every processor can
      wrong += judge(row, peers);
    }
    const std::string page = read_file(folder() / "results/gpu.md");
    if (!contains(page, "| gpt2 block 16x48 | ")) wrong += "the page lacks a row\n";
    if (wrong.empty()) tally_.pass();
    else tally_.fail("the page of bench-gpu", wrong + measured.out + measured.err + page);
  }

  /// What is wrong with the row of a workload; `peers` must be there.
  static std::string judge(const nlohmann::json& row, const std::vector<std::string>& peers) {
    std::string wrong;
    for (const std::string& peer : peers)
      if (!row["seconds"].contains(peer + ", 0"))
        wrong += fmt::format("{} does not measure {}\n", peer, row["workload"].get<std::string>());
    for (const std::string peer : row["wrong"])
      wrong += fmt::format("{} computes something else: {}\n", peer, row["workload"].get<std::string>());
    return wrong;
  }

  /// The compiler's own way to a card: tenon run --target gpu.
  void runs_programs() {
    for (const char* name : {"products", "matrix_units"}) {
      const fs::path program = root() / "tests/programs" / (std::string(name) + ".tn");
      const Outcome ran = with_driver({}, {tenon_, "run", "--target", "gpu", "--strict", program.string()});
      expect(name, ran, 0, {read_file(fs::path(program).replace_extension(".out"))});
    }
  }

  std::string tenon_, driver_;
  ScratchFolder scratch_;
  Tally tally_{"gpu"};
};

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: tenon_gpu TENON FOLDER\n");
    return 2;
  }
  tenon::tests::Bundle bundle(std::filesystem::absolute(argv[1]).string(), std::filesystem::absolute(argv[2]).string());
  bundle.test();
  return bundle.close();
}
