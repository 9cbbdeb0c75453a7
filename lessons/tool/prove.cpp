#include "lessons/tool/prove.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace tenon::lessons {
namespace {

namespace fs = std::filesystem;

/// Text that no compiler accepts, in the language of the file.
std::string planted(const std::string& text, const fs::path& file) {
  const std::string error = "#error planted by the proof\n";
  return (file.extension() == ".yy" ? "%code top {\n" + error + "}\n" : error) + text;
}

class Proof {
 public:
  Proof(const Workshop& workshop, const Task& task, tests::Tally& tally)
      : workshop_(workshop),
        task_(task),
        tally_(tally),
        file_(workshop.build / "student" / task.name / fs::path(task.file).filename()),
        reference_(tests::read_file(workshop.root / task.file)) {}

  void run() {
    judge("the starter fails", starter_text(workshop_.root, task_), false);
    judge("the reference passes", reference_, true);
    for (const fs::path& path : tests::entries_of(task_.folder / "mistakes")) {
      const std::string what = "the mistake " + path.stem().string() + " is caught";
      judge(what, apply_mistake(reference_, tests::read_file(path)), false);
      ++mistakes_;
    }
    if (mistakes_ == 0)
      report("mistakes", "there is none, so nothing shows that the checks see one");
    tests::write_file(file_, planted(reference_, file_));
    // A file that is read when the program starts, as rules are, shows it in the checks.
    const std::string words = build_with(workshop_, task_, file_);
    const bool noticed = words.empty() ? !grade(workshop_, task_).is_full()
                                       : tests::contains(words, "planted");
    report("the student's file is the one that is built",
           noticed ? "" : "an #error in it went unnoticed:\n" + words);
  }

 private:
  void judge(const std::string& what, const std::string& text, bool should_pass) {
    tests::write_file(file_, text);
    const std::string problem = build_with(workshop_, task_, file_);
    if (!problem.empty()) return report(what, "it does not build:\n" + problem);
    const Grade result = grade(workshop_, task_);
    if (result.passed + result.failed == 0 && result.skipped > 0)
      return tally_.skip(fmt::format("lesson {}, {}: {}", task_.lesson, task_.name, what),
                         "every check is skipped");
    if (result.is_full() == should_pass && result.passed + result.failed > 0)
      return report(what, "");
    report(what,
           fmt::format("{} passed, {} failed\n{}", result.passed, result.failed, result.report));
  }

  void report(const std::string& what, const std::string& problem) {
    const std::string name = fmt::format("lesson {}, {}: {}", task_.lesson, task_.name, what);
    fmt::print("{}  {}\n", problem.empty() ? "ok  " : "FAIL", name);
    problem.empty() ? tally_.pass() : tally_.fail(name, problem);
  }

  const Workshop& workshop_;
  const Task& task_;
  tests::Tally& tally_;
  const fs::path file_;
  const std::string reference_;
  int mistakes_ = 0;
};

}  // namespace

std::string apply_mistake(const std::string& reference, const std::string& mistake) {
  std::string text = reference, from, to;
  std::string* part = nullptr;
  auto replace = [&] {
    if (from.empty()) return;
    const size_t at = text.find(from);
    if (at == std::string::npos || text.find(from, at + 1) != std::string::npos) {
      throw std::runtime_error("a mistake's text must stand exactly once in the reference:\n" +
                               from);
    }
    text.replace(at, from.size(), to);
    from.clear(), to.clear();
  };
  for (const std::string& line : tests::split_lines(mistake)) {
    if (line == "--- replace") {
      replace();
      part = &from;
    } else if (line == "--- with") {
      part = &to;
    } else if (part) {
      *part += line + "\n";
    }
  }
  replace();
  if (text == reference) throw std::runtime_error("a mistake that changes nothing:\n" + mistake);
  return text;
}

void prove(const Workshop& workshop, const Task& task, tests::Tally& tally) {
  try {
    Proof(workshop, task, tally).run();
  } catch (const std::runtime_error& error) {
    tally.fail(fmt::format("lesson {}, {}", task.lesson, task.name), error.what());
  }
}

}  // namespace tenon::lessons
