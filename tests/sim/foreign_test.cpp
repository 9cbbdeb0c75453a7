// PTX that others made: tests/sim/foreign/NAME.cu as nvcc, clang 19 and LLVM 22 compile it
// (scripts/foreign-ptx.sh), run on the simulator and compared with the same computation here.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/sim/foreign_examples.h"
#include "tests/sim/launcher.h"

namespace tenon::tests {
namespace {

void run_file(const std::filesystem::path& path) {
  CAPTURE(path.filename().string());
  const std::string name = path.filename().string().substr(0, path.filename().string().find('.'));
  REQUIRE(examples().contains(name));
  const Example& example = examples().at(name);
  const Floats a = numbers(n, 1), b = numbers(n, 2);
  Floats expected(n);
  example.reference(a, b, expected);
  for (const bool late : {true, false}) {
    sim::Device device;
    const sim::Address at_a = upload(device, a, "a"), at_b = upload(device, b, "b"),
                       at_c = device.allocate(4 * n, "c");
    sim::LaunchOptions options;
    options.late_copies = late;
    options.reverse_blocks = !late && name != "last_block" && name != "atomics";
    const sim::Report report =
        device.launch(read_ptx(path), name, example.grid, example.block, 0,
                      (KernelArguments() << at_a << at_b << at_c << n).bytes(), options);
    CHECK_MESSAGE(report.ok(), faults_text(report));
    const Floats c = download(device, at_c, n);
    int wrong = -1;
    for (int i = n; i-- > 0;) {
      if (!(std::fabs(c[i] - expected[i]) <=
            example.bound * std::max(1.0f, std::fabs(expected[i]))))
        wrong = i;
    }
    if (wrong < 0) continue;
    CAPTURE(wrong);
    CHECK(c[wrong] == expected[wrong]);
  }
}

TEST_CASE("PTX of other compilers computes what the processor does") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSimTests / "foreign")) {
    if (entry.path().extension() != ".ptx") continue;
    ++files;
    run_file(entry.path());
  }
  CHECK(files >= 60);
}

}  // namespace
}  // namespace tenon::tests
