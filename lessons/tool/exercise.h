// Exercises: a task replaces one source file of the compiler by the student's.
//
// lessons/NN-name/exercise/TASK/ holds
//   task.txt      title: …   file: lexer/scanner.re   hint: … (several, opened one at a time)
//                 program: tenon tenon_tamper (what is built with the file, if not only tenon)
//   checks/       golden cases (tests/support/golden_case.h), each with its `//@ title`
//   mistakes/     wrong versions of the reference, which the checks must catch (prove.h)
// The starter is cut from the reference by the markers `[exercise TASK]` (markers.h).
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace tenon::lessons {

struct Task {
  std::filesystem::path folder;  ///< lessons/01-tokens/exercise/hex-numbers, absolute
  int lesson = 0;
  std::string name;  ///< hex-numbers
  std::string title, file, program = "tenon";
  std::vector<std::string> hints;

  /// my/01-hex-numbers/scanner.re, relative to the root.
  std::filesystem::path student_file() const;
};

/// The folder of lesson `number`; throws std::runtime_error if there is none.
std::filesystem::path lesson_folder(const std::filesystem::path& root, int number);
/// The tasks of a lesson, in order of their names; throws if one is malformed.
std::vector<Task> tasks_of(const std::filesystem::path& root, int lesson);
/// The starter, cut from the reference; throws if the reference has no region for the task.
std::string starter_text(const std::filesystem::path& root, const Task& task);

/// Where and how compilers with a student's file are built.
struct Workshop {
  std::filesystem::path root;
  std::filesystem::path build;  ///< the build folder
  std::vector<std::string> cmake_options;

  std::filesystem::path tenon() const { return build / "bin/tenon"; }
};

/// Builds task.program (several words: each), up to the task's lesson, with `file` in the place of
/// task.file. Returns what went wrong: the compiler's messages, or that the build did not read
/// `file`.
std::string build_with(const Workshop& workshop, const Task& task,
                       const std::filesystem::path& file);

struct Grade {
  int passed = 0, failed = 0, skipped = 0;
  std::string report;  ///< a line per check, and below the first failed one what differed
  bool is_full() const { return failed == 0 && passed > 0; }
};

/// Runs the task's checks with the compiler that the workshop built.
Grade grade(const Workshop& workshop, const Task& task);

}  // namespace tenon::lessons
