// `tenon check --fix` mends programs.
//
//   tenon_fix TENON [--bless] [--filter=PART]
//
// A program of tests/fix/cases/ becomes what stands beside it as NAME.fixed, which then compiles
// without a word. Of the programs of tests/golden/errors/ many stay wrong; but what --fix changes
// in one is never wrong afterwards: there are fewer errors, by at least as many as it says.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/support/arguments.h"
#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

const fs::path kCases = root() / "tests/fix/cases";

/// How often each line of the program stands before `what`: `FILE:7:12: error[E0303]: …`.
std::map<std::string, size_t> count_by_line(const std::string& output, std::string_view what) {
  std::map<std::string, size_t> counts;
  for (const std::string& line : split_lines(output)) {
    const size_t name = line.find(':'), number = line.find(':', name + 1);
    const size_t text = line.find(": ");
    if (number != line.npos && text != line.npos && line.substr(text + 2).starts_with(what)) {
      ++counts[line.substr(name + 1, number - name - 1)];
    }
  }
  return counts;
}

/// Works on a copy: the program itself stays as it is.
struct Patient {
  ScratchFolder scratch;
  fs::path file;
  std::string tenon;

  Patient(const fs::path& program, const std::string& tenon)
      : file(scratch.path() / program.filename()), tenon(tenon) {
    write_file(file, read_file(program));
  }
  Outcome check(bool fix) const {
    Command command{{tenon, "check", "--format=short", file.filename().string()}, scratch.path(), ""};
    if (fix) command.argv.push_back("--fix");
    return run(command);
  }
};

std::string mend(const fs::path& program, const Arguments& arguments) {
  const Patient patient(program, arguments.tenon);
  if (patient.check(false).status != 1) return "nothing is wrong with it";
  const Outcome fixing = patient.check(true);
  const std::string fixed = read_file(patient.file);
  if (fixing.status != 0) {
    return fmt::format("--fix left errors: {}\n{}{}", describe(fixing), fixing.err, fixed);
  }
  const Outcome again = patient.check(true);
  if (!again.err.empty() || read_file(patient.file) != fixed)
    return "a second --fix still changes it";
  const fs::path expected = fs::path(program).replace_extension(".fixed");
  if (arguments.bless) {
    write_file(expected, fixed);
    return {};
  }
  if (!fs::exists(expected)) return "not recorded yet; look at it, then `make bless`";
  const std::string wanted = read_file(expected);
  return wanted == fixed ? "" : "another text (- expected, + found)\n" + difference(wanted, fixed);
}

std::string do_no_harm(const fs::path& program, const Arguments& arguments) {
  const Patient patient(program, arguments.tenon);
  auto before = count_by_line(patient.check(false).err, "error[");
  const Outcome fixing = patient.check(true);
  const auto fixed = count_by_line(fixing.err, "fixed[");
  auto after = count_by_line(fixing.err, "error[");
  const bool changed = read_file(patient.file) != read_file(program);
  if (fixed.empty() == changed) return "what changed is not what it says\n" + fixing.err;
  for (const auto& [line, times] : fixed) {  // no fix adds lines, so their numbers stay
    if (after[line] + std::min(times, before[line]) <= before[line]) continue;
    return fmt::format("line {}: {} errors, {} fixed, and yet {}\n{}", line, before[line], times,
                       after[line], fixing.err);
  }
  return {};
}

int run_all(const Arguments& arguments) {
  Tally tally("fix");
  const auto walk = [&](const fs::path& folder, const auto& test) {
    std::vector<fs::path> programs = files_below(folder);
    std::erase_if(programs, [&](const fs::path& path) {
      return path.extension() != ".tn" || !contains(path.string(), arguments.filter);
    });
    for_each_in_parallel(programs.size(), [&](size_t i) {
      const std::string problem = test(programs[i], arguments);
      problem.empty() ? tally.pass() : tally.fail(folder_and_name(programs[i]), problem);
    });
  };
  walk(kCases, mend);
  if (!arguments.bless) walk(root() / "tests/golden/errors", do_no_harm);
  return tally.close();
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  return run_all(read_arguments(argc, argv));
}
