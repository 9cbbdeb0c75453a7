// What `tenon build` makes works without Tenon: libraries called from C and from Python, and
// programs that print what `tenon run` prints.
//
//   tenon_ahead TENON [--bless]
//
// library.tn is built in every form and called by caller.c, with what the header says to link; the
// header is compared with library.h (--bless records it). Line tables are read by objdump and by gdb, code for other processors is
// run where they are, or emulated (elsewhere.c). Every program with a recorded output is
// built and run.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "tests/support/arguments.h"
#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = root();
const fs::path kHere = kRoot / "tests/ahead";
constexpr double kPatience = 120;  ///< seconds

using Words = std::vector<std::string>;

/// Why a command did not end with `status`; empty if it did.
std::string problem_of(const Outcome& outcome, int status) {
  if (outcome.status == status && !outcome.timed_out) return "";
  return fmt::format("{}, expected exit status {}\n{}{}", describe(outcome), status, outcome.out,
                     outcome.err);
}

std::string difference_if_any(const std::string& expected, const std::string& actual) {
  return expected == actual ? "" : difference(expected, actual);
}

/// The exports of the library that is tested: all that can be had, which the options have to name
/// if they name any.
Words all_exports() {
  Words words;
  for (const char* f :
       {"dense", "scaled", "after_all", "sum_of_five=open_size[N = 5]", "scalars", "several", "same", "prefix_sums",
        "squares", "small_types", "pick", "fibonacci", "endless", "says"})
    words.insert(words.end(), {"--export", f});
  for (const char* constant : {"scaled.d,scale", "scaled.*y", "after_all.w"})
    words.insert(words.end(), {"--constant", constant});
  return words;
}

class Ahead {
 public:
  explicit Ahead(const Arguments& arguments) : arguments_(arguments) {}

  int run_all() {
    for (const char* ending : {".so", ".a", ".o"}) library(ending);
    header();
    python();
    texts();
    lines();
    stops();
    levels();
    elsewhere();
    frames();
    programs();
    wrong_command_lines();
    return tally_.close();
  }

 private:
  void judge(const std::string& what, const std::string& problem) {
    problem.empty() ? tally_.pass() : tally_.fail(what, problem);
  }
  Outcome tenon(Words words, const fs::path& folder = kRoot) const {
    words.insert(words.begin(), arguments_.tenon);
    return run({std::move(words), folder, "", kPatience});
  }
  std::string file(const std::string& name) const { return (scratch_.path() / name).string(); }

  std::string build_library(const std::string& out) const {
    Words words = {"build", "tests/ahead/library.tn", "-o", out};
    const Words exports = all_exports();
    words.insert(words.end(), exports.begin(), exports.end());
    return problem_of(tenon(words), 0);
  }

  /// The words that the header's line on linking has behind the file's name.
  Words link_words() const {
    const std::string header = read_file(file("library.h"));
    for (const std::string& line : split_lines(header)) {
      Words words = split_words(line);
      if (!contains(line, "Link with")) continue;
      words.erase(words.begin(), std::ranges::find(words, "main.c") + 1);
      for (std::string& word : words) {
        if (word == "libtenon_runtime.a")
          word = (fs::path(arguments_.tenon).parent_path().parent_path() / "lib" / word).string();
        else if (word[0] != '-')
          word = file(word);
      }
      return words;
    }
    return {"the header does not say how to link"};
  }

  void library(const std::string& ending) {
    std::string problem = build_library(file("library" + ending));
    if (problem.empty()) {
      Words words = {"cc",
                     "-std=c99",
                     "-Wall",
                     "-Wextra",
                     "-Werror",
                     "-pedantic",
                     "-I",
                     scratch_.path().string(),
                     "-o",
                     file("caller"),
                     (kHere / "caller.c").string()};
      const Words linked = link_words();
      words.insert(words.end(), linked.begin(), linked.end());
      problem = problem_of(run({words, kRoot, "", kPatience}), 0);
    }
    if (problem.empty()) {
      const Outcome outcome = run({{file("caller")}, kRoot, "", kPatience});
      problem = problem_of(outcome, 0);
      if (problem.empty())
        problem = difference_if_any(read_file(kHere / "caller.out"), outcome.out);
    }
    judge("library" + ending, problem);
  }

  void header() {
    std::string made = read_file(file("library.h"));                 // of the form built last
    const std::string sanitizers = " -fsanitize=address,undefined";  // of builds that have them
    if (const size_t at = made.find(sanitizers); at != made.npos) made.erase(at, sanitizers.size());
    if (arguments_.bless) write_file(kHere / "library.h", made);
    judge("library.h", difference_if_any(read_file(kHere / "library.h"), made));
  }

  void python() {
    const Outcome has_numpy =
        run({{"/usr/bin/python3", "-c", "import numpy"}, kRoot, "", kPatience});
    if (has_numpy.status != 0) return tally_.skip("caller.py", "/usr/bin/python3 has no NumPy");
#ifdef TENON_SANITIZE
    return tally_.skip("caller.py", "the sanitizers would have to be there before Python");
#endif
    const Words words = {"/usr/bin/python3", (kHere / "caller.py").string(), file("library.so")};
    judge("caller.py", problem_of(run({words, kRoot, "", kPatience}), 0));
  }

  void texts() {
    for (const auto& [name, part] :
         {std::pair{"library.ll", "define i32 @dense("}, {"library.s", "dense:"}}) {
      std::string problem = build_library(file(name));
      if (problem.empty() && !contains(read_file(file(name)), part))
        problem = fmt::format("there is no `{}` in it", part);
      judge(name, problem);
    }
  }

  /// objdump knows of each exported function of the library which lines its instructions come from.
  void lines() {
    if (run({{"objdump", "--version"}, kRoot, "", kPatience}).status != 0)
      return tally_.skip("line tables", "there is no objdump");
    const std::string object = file("lines.o");
    std::string problem = problem_of(
        tenon({"build", "-g", "tests/ahead/library.tn", "--export", "dense", "-o", object}), 0);
    const std::string listing =
        run({{"objdump", "-dl", "--no-show-raw-insn", object}, kRoot, "", kPatience}).out;
    const std::vector<std::string> source = split_lines(read_file(kHere / "library.tn"));
    const auto starts = [](const std::string& line) { return line.starts_with("fn dense"); };
    const auto function = std::ranges::find_if(source, starts) - source.begin() + 1;
    if (problem.empty() && listing.find(fmt::format("library.tn:{}\n", function)) == listing.npos)
      problem = fmt::format("objdump -dl shows no instruction of line {} of library.tn", function);
    judge("line tables", problem);
  }

  /// gdb stops at a line of a program whose code is in memory, before that has printed.
  void stops() {
    if (run({{"gdb", "--version"}, kRoot, "", kPatience}).status != 0)
      return tally_.skip("a stop in memory", "there is no gdb");
    const std::string program = (kHere / "stops.tn").string();
    const Outcome outcome = run({{"gdb", "-q", "-nx", "-batch", "-ex", "set breakpoint pending on", "-ex",
                                  "break stops.tn:4", "-ex", "run", "-ex", "frame", "--args", arguments_.tenon,
                                  "run", "-g", program},
                                 kRoot, "", kPatience});
    if (contains(outcome.out + outcome.err, "Could not trace the inferior"))
      return tally_.skip("a stop in memory", "gdb may not trace here");
    const bool stopped = contains(outcome.out, "stops.tn:4\n") && contains(outcome.out, "print(\"here\"");
    judge("a stop in memory", stopped ? "" : "gdb does not stop at line 4\n" + outcome.out + outcome.err);
  }

  /// Each level of instructions that this machine has gives what the corpus expects.
  void levels() {
    for (const char* cpu : {"x86-64", "x86-64-v3", "x86-64-v4", "aarch64"}) {
      for (const char* name : {"products", "reductions", "lanes", "index_definitions", "math_types"}) {
        const fs::path program = kRoot / "tests/programs" / fmt::format("{}.tn", name);
        const std::string what = fmt::format("{} --cpu {}", name, cpu);
        const Outcome outcome = tenon({"run", "--strict", "--cpu", cpu, program.string()});
        if (outcome.status == 2 && contains(outcome.err, "this machine has not got")) {
          tally_.skip(what, "this machine has not got it");
          continue;
        }
        const std::string expected = read_file(fs::path(program).replace_extension(".out"));
        const std::string problem = problem_of(outcome, 0);
        judge(what, problem.empty() ? difference_if_any(expected, outcome.out) : problem);
      }
    }
  }

  /// A library for a processor of another kind, with a runtime of C alone, does there what it does here.
  void elsewhere() {
    const std::string here = called("host", {"cc"}, {});
    const Words compiler = {"aarch64-linux-gnu-gcc", "-static"};
    for (const char* tool : {"aarch64-linux-gnu-gcc", "qemu-aarch64"})
      if (run({{tool, "--version"}, kRoot, "", kPatience}).status != 0)
        return tally_.skip("aarch64", fmt::format("there is no {}", tool));
    const std::string there = called("aarch64", compiler, {"qemu-aarch64"});
    judge("aarch64", difference_if_any(here, there));
  }

  /// What elsewhere.c prints with a library for `cpu`, compiled by `compiler` and run by `emulator`.
  std::string called(const std::string& cpu, Words words, Words program) const {
    const std::string object = file("elsewhere.o");
    std::string problem = problem_of(
        tenon({"build", "--strict", "--cpu", cpu, "tests/ahead/elsewhere.tn", "-o", object}), 0);
    if (!problem.empty()) return problem;
    const std::string executable = file("elsewhere-" + cpu);
    for (const std::string& word :
         {std::string("-I"), scratch_.path().string(), (kHere / "elsewhere.c").string(),
          (kHere / "bare_runtime.c").string(), object, std::string("-lm"), std::string("-o"), executable})
      words.push_back(word);
    problem = problem_of(run({words, kRoot, "", kPatience}), 0);
    if (!problem.empty()) return problem;
    program.push_back(executable);
    return run({program, kRoot, "", kPatience}).out;
  }

  /// A network asks for hardly more memory than is live at once.
  void frames() {
    const Outcome outcome = tenon({"emit", "memory", "bench/cpu/resnet18.tn"});
    std::string problem = problem_of(outcome, 0);
    long long frame = 0, live = 0;
    const char* const format = "memory @main: a frame of %lld bytes; at most %lld are live at once";
    if (problem.empty() && std::sscanf(outcome.out.c_str(), format, &frame, &live) != 2)
      problem = "it does not say how large main's frame is";
    if (problem.empty() && frame * 10 > live * 11)
      problem = fmt::format("main's frame has {} bytes, and {} are live at once", frame, live);
    judge("resnet18.tn: memory", problem);
  }

  /// Programs of the examples; and one that fails, whose messages must be the same too.
  void programs() {
    std::vector<fs::path> all = {kHere / "fails.tn"};
    for (const fs::path& path : files_below(kRoot / "examples"))
      if (path.extension() == ".tn" && fs::exists(fs::path(path).replace_extension(".out")))
        all.push_back(path);
    for_each_in_parallel(all.size(), [&](size_t i) {
      const std::string source = all[i].lexically_relative(kRoot).string(),
                        program = file(fmt::format("program{}", i));
      std::string problem = problem_of(tenon({"build", source, "-o", program}), 0);
      if (problem.empty()) {
        const Outcome expected = tenon({"run", source}),
                      actual = run({{program}, scratch_.path(), "", kPatience});
        problem = problem_of(actual, expected.status);
        if (problem.empty())
          problem = difference_if_any(expected.out + expected.err, actual.out + actual.err);
      }
      judge(source, problem);
    });
  }

  void wrong_command_lines() {
    struct Case {
      int status;
      const char* part;  ///< of the message
      Words words;
    };
    const std::string out = file("wrong.so");
    const Case cases[] = {
        {2, "-o is required", {}},
        {2, "the ending says what to make", {"-o", file("x.dll")}},
        {2, "it names a file", {"-o", "-"}},
        {2, "it names a file", {"-o", file(".so")}},
        {2, "it is a folder", {"-o", scratch_.path().string()}},
        {2, "cannot write", {"-o", file("nowhere/x.so")}},
        {2, "--export is for libraries", {"-o", file("program"), "--export", "dense"}},
        {2, "no function of that name; did you mean `dense`?", {"-o", out, "--export", "dens"}},
        {2, "cannot be found from the arguments", {"-o", out, "--export", "open_size"}},
        {2, "an extent cannot be negative", {"-o", out, "--export", "open_size[N = -1]"}},
        {2, "it is written F", {"-o", out, "--export", "open_size[N ="}},
        {2, "it is written F", {"-o", out, "--export", "dense(); same"}},
        {2,
         "two functions would be called",
         {"-o", out, "--export", "dense", "--export", "dense=same"}},
        {2, "--constant is for functions of libraries", {"-o", file("program"), "--constant", "scaled.d"}},
        {2, "no function is called `scale` in the library; did you mean `scaled`?", {"-o", out, "--constant", "scale.d"}},
        {2, "`scaled` has no parameter `scales`; did you mean `scale`?", {"-o", out, "--constant", "scaled.d,scales"}},
        {2, "`same` has no parameter `w`", {"-o", out, "--export", "same", "--constant", "same.w"}},
        {2, "`scaled` has no parameter `s*d`", {"-o", out, "--constant", "scaled.d*,s*d"}},
        {2, "it is written F.X", {"-o", out, "--constant", "scaled"}},
        {2, "it is written F.X", {"-o", out, "--constant", "scaled."}},
        {2,
         "the library has a function `dense_prepare` already",
         {"-o", out, "--export", "dense", "--export", "dense_prepare=same", "--constant", "dense.d"}},
        {2, "is offered already", {"-o", out, "--export", "dense", "--export", "other=dense"}},
        {2, "is a function of the C library", {"-o", out, "--export", "read=same"}},
        {2, "is a word of C", {"-o", out, "--export", "double=same"}},
        {2, "may be Tenon's own", {"-o", out, "--export", "tn_same=same"}},
        {2, "`main` is where a program starts", {"-o", out, "--export", "start=main"}},
        {2, "is where a C program starts", {"-o", out, "--export", "main=same"}},
    };
    for (const Case& c : cases) {
      Words words = {"build", "tests/ahead/library.tn"};
      words.insert(words.end(), c.words.begin(), c.words.end());
      const Outcome outcome = tenon(words);
      std::string problem = problem_of(outcome, c.status);
      if (problem.empty() && !contains(outcome.err, c.part))
        problem = fmt::format("its message lacks `{}`:\n{}", c.part, outcome.err);
      judge(spelled(words), problem);
    }
    judge("IR text without an export",
          problem_of(tenon({"build", "tests/golden/opt/dce.ir", "-o", out}), 2));
    judge("wrong program",
          problem_of(tenon({"build", "tests/golden/errors/extents/E0501_index.tn", "-o", out}), 1));
    for (const fs::path& path : entries_of(scratch_.path()))
      if (contains(path.string(), "wrong") || contains(path.string(), ".part"))
        tally_.fail(path.string(), "a command that failed left it");
  }

  const Arguments& arguments_;
  ScratchFolder scratch_;
  Tally tally_{"ahead"};
};

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  const tenon::tests::Arguments arguments = tenon::tests::read_arguments(argc, argv);
  if (arguments.tenon.empty()) {
    fmt::print(stderr, "usage: tenon_ahead TENON [--bless]\n");
    return 2;
  }
  return tenon::tests::Ahead(arguments).run_all();
}
