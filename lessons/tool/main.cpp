// tenon_lessons: what the course does, behind make.
//
//   tenon_lessons check | update             pages against the truth, or set to it
//   tenon_lessons prove [N [TASK]]           the graders grade: all, a lesson's, one
//   tenon_lessons lesson N                   demo and checks of a lesson
//   tenon_lessons exercise N [TASK]          writes the starter the first time, builds, grades
//   tenon_lessons hint N [TASK]              one more hint
//
// Before the command: --tenon=PATH (the compiler), --build=FOLDER (where to build), and any -D… for
// CMake.
#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "lessons/tool/exercise.h"
#include "lessons/tool/markers.h"
#include "lessons/tool/pages.h"
#include "lessons/tool/prove.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::lessons {
namespace {

namespace fs = std::filesystem;

constexpr int kLessons = 19;

struct Request {
  std::string tenon, command, task;
  int lesson = 0;
  Workshop workshop{tests::root(), {}, {}};
};

/// The lesson's tasks, or the one that was asked for.
std::vector<Task> wanted_tasks(const Request& request) {
  std::vector<Task> tasks = tasks_of(request.workshop.root, request.lesson);
  std::erase_if(
      tasks, [&](const Task& task) { return !request.task.empty() && task.name != request.task; });
  if (tasks.empty()) {
    throw std::runtime_error(
        fmt::format("lesson {} has no exercise {}", request.lesson, request.task));
  }
  return tasks;
}

int check(const Request& request, bool update) {
  tests::Tally tally("lessons");
  check_pages(request.workshop.root, request.tenon, update, tally);
  return tally.close();
}

int prove_all(const Request& request) {
  tests::Tally tally("exercises");
  // One folder for all: only the driver depends on how far a build goes.
  Workshop workshop = request.workshop;
  workshop.build /= "prove";
  for (int lesson = 1; lesson <= kLessons; ++lesson) {
    if (request.lesson != 0 && request.lesson != lesson) continue;
    std::vector<Task> tasks;
    try {
      tasks = tasks_of(workshop.root, lesson);
    } catch (const std::runtime_error& error) {
      // A lesson that is not written yet has nothing to prove; one that is malformed has.
      if (!tests::contains(error.what(), "there is no lesson")) tally.fail("tasks", error.what());
    }
    for (const Task& task : tasks) {
      if (request.task.empty() || task.name == request.task) prove(workshop, task, tally);
    }
  }
  return tally.close();
}

// ---- what students call

int lesson(const Request& request) {
  const fs::path& root = request.workshop.root;
  const fs::path page_path =
      (lesson_folder(root, request.lesson) / "README.md").lexically_relative(root);
  const Page page = read_page(root, page_path, request.tenon, false);
  for (const PageCommand& command : page.commands) {
    std::string problem;
    if (!command.is_demo) continue;
    const std::string output = run_page_command(root, request.tenon, command, problem);
    fmt::print("{}\n", problem.empty() ? output : fmt::format("$ {}\n{}\n", command.text, problem));
  }
  for (const std::string& problem : page.problems) fmt::print("FAIL  {}\n", problem);
  for (const auto& [text, why] : page.skipped) fmt::print("skip  {} ({})\n", text, why);
  fmt::print("Checked {} quotations, outputs and links of the chapter: {}\n\n", page.checked,
             page.problems.empty() ? "all as it says" : "see above");
  fmt::print("Read   {}\n", page_path.string());
  const char* lead = "Then  ";
  for (const Task& task : tasks_of(root, request.lesson)) {
    fmt::print("{} make exercise{} TASK={:<10} {}\n", std::exchange(lead, "      "), request.lesson,
               task.name, task.title);
  }
  return page.problems.empty() && page.checked > 0 ? 0 : 1;
}

bool exercise(const Request& request, const Task& task) {
  const fs::path& root = request.workshop.root;
  const fs::path file = task.student_file();
  fmt::print("{}: {}\n", task.name, task.title);
  if (!fs::exists(root / file)) {
    const std::string starter = starter_text(root, task);
    tests::write_file(root / file, starter);
    const bool says_where = tests::contains(starter, "Your code here");
    fmt::print("  Your file is {}: a copy of {} in which something is {}.\n  {}\n", file.string(),
               task.file, says_where ? "missing" : "wrong",
               says_where ? "Look in it for `Your code here`." : "Where, you find out.");
  }
  const bool is_compiler = tests::split_words(task.program).front() == "tenon";
  const bool is_first = !fs::exists(request.workshop.build / "build.ninja");
  fmt::print("  Building {} with {}{} …\n", is_compiler ? "the compiler" : task.program,
             file.string(), is_first ? ": minutes, the first time" : "");
  std::fflush(stdout);
  const std::string problem = build_with(request.workshop, task, file);
  if (!problem.empty()) {
    fmt::print("  FAIL  it does not build:\n{}", problem);
    return false;
  }
  const Grade result = grade(request.workshop, task);
  if (result.passed + result.failed == 0) {
    fmt::print("{}  Nothing was graded.\n", result.report);
    return false;
  }
  fmt::print("{}  {} of {} checks passed. ", result.report, result.passed,
             result.passed + result.failed);
  if (result.is_full()) {
    fmt::print("Done! Compare yours with {}.\n", task.file);
  } else {
    fmt::print("Edit {} and run this again.\n", file.string());
    if (!task.hints.empty()) fmt::print("  A hint: make hint{} TASK={}\n", task.lesson, task.name);
  }
  return result.is_full();
}

int exercises(const Request& request) {
  bool all = true;
  for (const Task& task : wanted_tasks(request)) all &= exercise(request, task);
  return all ? 0 : 1;
}

/// Hints open one at a time: a file beside the student's remembers how many are open.
int hint(const Request& request) {
  for (const Task& task : wanted_tasks(request)) {
    const fs::path counter =
        request.workshop.root / task.student_file().parent_path() / "hints-opened";
    size_t open =
        fs::exists(counter) ? std::strtoul(tests::read_file(counter).c_str(), nullptr, 10) : 0;
    open = std::min(open + 1, task.hints.size());
    tests::write_file(counter, fmt::format("{}\n", open));
    fmt::print("{}: {}\n", task.name, task.title);
    for (size_t i = 0; i < open; ++i)
      fmt::print("  {} of {}: {}\n", i + 1, task.hints.size(), task.hints[i]);
  }
  return 0;
}

int run(const Request& request) {
  if (request.command == "check") return check(request, false);
  if (request.command == "update") return check(request, true);
  if (request.command == "prove") return prove_all(request);
  if (request.command == "lesson") return lesson(request);
  if (request.command == "exercise") return exercises(request);
  if (request.command == "hint") return hint(request);
  fmt::print(stderr,
             "tenon_lessons: check, update, prove [N [TASK]], lesson N, exercise N [TASK], hint N "
             "[TASK]\n");
  return 2;
}

Request read_request(int argc, char** argv) {
  Request request;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with("--tenon="))
      request.tenon = fs::absolute(word.substr(8)).string();
    else if (word.starts_with("--build="))
      request.workshop.build = fs::absolute(word.substr(8));
    else if (word.starts_with("-D"))
      request.workshop.cmake_options.push_back(word);
    else if (request.command.empty())
      request.command = word;
    else if (request.lesson == 0)
      request.lesson = std::atoi(word.c_str());
    else
      request.task = word;
  }
  return request;
}

}  // namespace
}  // namespace tenon::lessons

int main(int argc, char** argv) {
  setenv("LC_ALL", "C.UTF-8", 1);  // Bison draws its arrows in the letters of the user's language
  try {
    return tenon::lessons::run(tenon::lessons::read_request(argc, argv));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
