#include "lessons/tool/exercise.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "lessons/tool/markers.h"
#include "tests/support/golden_case.h"
#include "tests/support/process.h"
#include "tests/support/text.h"

namespace tenon::lessons {
namespace {

namespace fs = std::filesystem;
using tests::trim;

constexpr double kBuildTimeout = 1200;  ///< seconds

Task read_task(const fs::path& folder, int lesson) {
  Task task;
  task.folder = folder;
  task.lesson = lesson;
  task.name = folder.filename().string();
  auto refuse = [&](const std::string& why) {
    throw std::runtime_error(fmt::format("{}/task.txt: {}", folder.string(), why));
  };
  std::string* last = nullptr;  // an indented line goes on with the value before it
  for (const std::string& line : tests::split_lines(tests::read_file(folder / "task.txt"))) {
    if (trim(line).empty()) continue;
    if (line[0] == ' ' && last) {
      *last += fmt::format(" {}", trim(line));
      continue;
    }
    const size_t colon = std::min(line.find(':'), line.size());
    const std::string key = line.substr(0, colon);
    if (key == "title")
      last = &task.title;
    else if (key == "file")
      last = &task.file;
    else if (key == "program")
      last = &task.program;
    else if (key == "hint")
      last = &task.hints.emplace_back();
    else
      refuse(fmt::format("the keys are title, file, program, hint; not `{}`", key));
    *last = trim(line.substr(std::min(colon + 1, line.size())));
  }
  if (task.title.empty() || task.file.empty()) refuse("title and file are missing");
  return task;
}

tests::Outcome run_build_step(const Workshop& workshop, std::vector<std::string> argv) {
  return tests::run({std::move(argv), workshop.root, "", kBuildTimeout});
}

/// The key under which CMake knows a source (cmake/TenonFolder.cmake): lexer/scanner.re is
/// lexer_scanner_re.
std::string replace_key(std::string path) {
  for (char& c : path) {
    if (c == '/' || c == '.' || c == '-') c = '_';
  }
  return path;
}

/// The compiler's messages without the build tool's own lines, its commands among them.
std::string messages(const std::string& output) {
  std::vector<std::string> lines = tests::split_lines(output);
  std::erase_if(lines, [after_failed = false](const std::string& line) mutable {
    const bool is_command = std::exchange(after_failed, line.starts_with("FAILED:"));
    return is_command || after_failed || line.starts_with("[") || line.starts_with("ninja:");
  });
  return tests::join_lines(lines);
}

std::string without(const std::string& part, std::string text) {
  for (size_t at; (at = text.find(part)) != std::string::npos;) text.erase(at, part.size());
  return text;
}

std::string indented(const std::string& text) {
  std::string result;
  for (const std::string& line : tests::split_lines(text))
    result += fmt::format("        {}\n", line);
  return result;
}

/// Whether the build reads the file, by Ninja's own account.
bool is_input_of_build(const std::string& inputs, const fs::path& file, const fs::path& build) {
  for (const std::string& line : tests::split_lines(inputs)) {
    if (fs::weakly_canonical(build / std::string(trim(line))) == fs::weakly_canonical(file)) {
      return true;
    }
  }
  return false;
}

/// A compiler that a student's mistake makes crash leaves a report where it ran.
void remove_bug_reports(const fs::path& folder) {
  for (const fs::path& path : tests::entries_of(folder)) {
    if (path.filename().string().starts_with("tenon-bug-")) fs::remove(path);
  }
}

}  // namespace

fs::path Task::student_file() const {
  return fs::path("my") / fmt::format("{:02}-{}", lesson, name) / fs::path(file).filename();
}

fs::path lesson_folder(const fs::path& root, int number) {
  const std::string prefix = fmt::format("{:02}-", number);
  for (const fs::path& path : tests::entries_of(root / "lessons")) {
    if (fs::is_directory(path) && path.filename().string().starts_with(prefix)) return path;
  }
  throw std::runtime_error(fmt::format("there is no lesson {}", number));
}

std::vector<Task> tasks_of(const fs::path& root, int lesson) {
  std::vector<Task> tasks;
  for (const fs::path& path : tests::entries_of(lesson_folder(root, lesson) / "exercise")) {
    if (fs::is_directory(path)) tasks.push_back(read_task(path, lesson));
  }
  return tasks;
}

std::string starter_text(const fs::path& root, const Task& task) {
  const MarkedFile reference = read_marked(root, task.file);
  if (!reference.problems.empty()) throw std::runtime_error(reference.problems[0]);
  if (!reference.find("exercise", task.name)) {
    throw std::runtime_error(fmt::format("{} has no [exercise {}]", task.file, task.name));
  }
  return starter(reference, task.name);
}

namespace {

std::vector<std::string> configure_step(const Workshop& workshop, const Task& task,
                                        const fs::path& file) {
  // Options of an earlier task would replace another file, so all of them go first.
  std::vector<std::string> configure{
      "cmake",
      "-S",
      workshop.root.string(),
      "-B",
      workshop.build.string(),
      "-G",
      "Ninja",
      "-UTENON_REPLACE_*",
      fmt::format("-DTENON_UPTO={}", task.lesson),
      fmt::format("-DTENON_REPLACE_{}={}", replace_key(task.file), file.string())};
  configure.insert(configure.end(), workshop.cmake_options.begin(), workshop.cmake_options.end());
  return configure;
}

/// Runs a step; returns what it said if it failed.
std::string failure_of(const Workshop& workshop, const std::vector<std::string>& step) {
  const tests::Outcome outcome = run_build_step(workshop, step);
  if (outcome.status == 0 && !outcome.timed_out) return {};
  return without(workshop.root.string() + "/",
                 fmt::format("{}: {}\n{}", tests::spelled(step), tests::describe(outcome),
                             messages(outcome.out + outcome.err)));
}

/// Configures the build folder, unless that is how it was configured last (Ninja sees to what
/// changed in the project since): the mistakes of one task differ in the text of one file only.
std::string configure(const Workshop& workshop, const Task& task, const fs::path& file) {
  const std::vector<std::string> step = configure_step(workshop, task, file);
  const fs::path stamp = workshop.build / "configured-by.txt";
  const std::string command = tests::spelled(step) + "\n";
  const bool known = fs::exists(stamp) && fs::exists(workshop.build / "build.ninja");
  if (known && tests::read_file(stamp) == command) return {};
  const std::string problem = failure_of(workshop, step);
  problem.empty() ? tests::write_file(stamp, command) : (void)fs::remove(stamp);
  return problem;
}

}  // namespace

std::string build_with(const Workshop& workshop, const Task& task, const fs::path& file) {
  const std::string build = workshop.build.string();
  std::vector<std::string> make{"cmake", "--build", build, "--target"};
  std::vector<std::string> ask{"ninja", "-C", build, "-t", "inputs"};
  for (const std::string& program : tests::split_words(task.program)) {
    make.push_back(program);
    ask.push_back(program);
  }
  std::string problem = configure(workshop, task, file);
  if (problem.empty()) problem = failure_of(workshop, make);
  if (!problem.empty()) return problem;
  const std::string inputs = run_build_step(workshop, ask).out;
  if (!is_input_of_build(inputs, workshop.root / file, workshop.build)) {
    return fmt::format("{} was built without {}", task.program, file.string());
  }
  if (is_input_of_build(inputs, workshop.root / task.file, workshop.build)) {
    return fmt::format("{} was built from {} and not from {}", task.program, task.file,
                       file.string());
  }
  return {};
}

Grade grade(const Workshop& workshop, const Task& task) {
  std::vector<fs::path> inputs = tests::entries_of(task.folder / "checks");
  std::erase_if(inputs, [](const fs::path& path) { return !tests::is_input(path); });
  std::vector<std::string> problems(inputs.size()), skipped(inputs.size());
  tests::for_each_in_parallel(inputs.size(), [&](size_t i) {
    const tests::GoldenCase test = tests::read_case(inputs[i]);
    std::string actual;
    problems[i] = tests::run_case(test, workshop.tenon().string(), actual);
    skipped[i] = tests::skip_reason(actual);
    if (!fs::exists(test.expected())) problems[i] = "skipped: nothing is recorded to compare with";
  });
  Grade result;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const fs::path& path = inputs[i];
    const std::string& problem = problems[i];
    const tests::GoldenCase test = tests::read_case(path);
    const std::string title = test.title.empty() ? path.stem().string() : test.title;
    if (!skipped[i].empty()) {
      result.report += fmt::format("  skip  {} ({})\n", title, skipped[i]);
      ++result.skipped;
      continue;
    }
    result.report += fmt::format("  {}  {}\n", problem.empty() ? "pass" : "FAIL", title);
    // One failure in full is enough to work on.
    if (!problem.empty() && result.failed == 0) {
      result.report += indented(without(workshop.root.string() + "/", problem));
      result.report +=
          fmt::format("        The input is {}\n", path.lexically_relative(workshop.root).string());
    }
    ++(problem.empty() ? result.passed : result.failed);
  }
  remove_bug_reports(task.folder / "checks");
  return result;
}

}  // namespace tenon::lessons
