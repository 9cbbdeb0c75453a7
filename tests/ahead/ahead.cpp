// What `tenon build` makes works without Tenon: libraries called from C and from Python, and
// programs that print what `tenon run` prints.
//
//   tenon_ahead TENON [--bless]
//
// library.tn is built in every form and called by caller.c, with what the header says to link; the
// header is compared with library.h (--bless records it). Every program with a recorded output is
// built and run.
#include <fmt/format.h>

#include <algorithm>

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
       {"dense", "sum_of_five=open_size[N = 5]", "scalars", "several", "same", "prefix_sums",
        "squares", "small_types", "pick", "fibonacci", "endless", "says"})
    words.insert(words.end(), {"--export", f});
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
          problem_of(tenon({"build", "tests/golden/errors/E0501_index.tn", "-o", out}), 1));
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
