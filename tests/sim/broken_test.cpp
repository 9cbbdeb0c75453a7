// Twelve mistakes and how they are mended: tests/sim/broken/NAME.cu has the kernels `broken` and
// `mended`. A comment `// FAULT: why` marks the line that the report must name, and with which
// fault; `banks` and `sectors` are no faults but counters of that line.
#include <doctest/doctest.h>

#include "tests/sim/launcher.h"

namespace tenon::tests {
namespace {

struct Mark {
  uint32_t line = 0;
  std::string what;
};

Mark find_mark(const std::filesystem::path& source) {
  const std::vector<std::string> lines = split_lines(read_file(source));
  for (uint32_t i = 1; i < lines.size(); ++i) {  // the first line says what the case is about
    const size_t comment = lines[i].find("// ");
    if (comment == std::string::npos) continue;
    const std::string text = lines[i].substr(comment + 3);
    return {i + 1, text.substr(0, text.find(':'))};
  }
  return {};
}

sim::Report run(const std::filesystem::path& ptx, const char* kernel) {
  constexpr int n = 128;
  sim::Device device;
  const sim::Address x = upload(device, numbers(n, 1), "x"),
                     y = upload(device, std::vector<float>(n), "y");
  return device.launch(read_ptx(ptx), kernel,
                       {ptx.stem() == "out_of_range" || ptx.stem() == "atomics_race" ? 2u : 1u},
                       {64}, 0, (KernelArguments() << x << y << n).bytes());
}

/// Whether a line's counters show what the mark says: more than is needed.
bool shows(const sim::LineCounters& line, std::string_view what) {
  if (what == "banks") return line.counters.shared_wavefronts_over_ideal() > 1;
  return line.counters.store_sectors_per_request() > 4 ||
         line.counters.load_sectors_per_request() > 4;
}

TEST_CASE("twelve mistakes are named at their lines, and their mended twins are clean") {
  int cases = 0;
  for (const auto& path : files_below(kSimTests / "broken")) {
    if (path.extension() != ".cu") continue;
    ++cases;
    CAPTURE(path.filename().string());
    const Mark mark = find_mark(path);
    REQUIRE(mark.line != 0);
    const std::filesystem::path ptx = std::filesystem::path(path).replace_extension(".ptx");
    const sim::Report broken = run(ptx, "broken"), mended = run(ptx, "mended");
    CHECK_MESSAGE(mended.ok(), faults_text(mended));
    if (mark.what == "banks" || mark.what == "sectors") {
      CHECK_MESSAGE(broken.ok(), faults_text(broken));
      for (const sim::LineCounters& line : broken.lines) {
        CAPTURE(line.place.line);
        CHECK(shows(line, mark.what) == (line.place.line == mark.line));
      }
      for (const sim::LineCounters& line : mended.lines) CHECK_FALSE(shows(line, mark.what));
      continue;
    }
    REQUIRE(!broken.faults.empty());
    const sim::SimFault& fault = broken.faults.front();
    CAPTURE(fault.text());
    CHECK(row(fault.kind).name == mark.what);
    // A race has two places, and which of the two comes first is the scheduler's choice.
    CHECK((fault.place.line == mark.line ||
           (fault.kind == sim::SimFaultKind::race && fault.other.line == mark.line)));
    CHECK(fault.place.file == path.filename().string());
    const bool two_places =
        mark.what == "race" || mark.what == "missing_wait" || mark.what == "deadlock";
    if (two_places) CHECK(fault.other.line != 0);
  }
  CHECK(cases == 12);
}

}  // namespace
}  // namespace tenon::tests
