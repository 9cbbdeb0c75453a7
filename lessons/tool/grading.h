// What the graders of lessons share: programs that are asked a question about the student's part, answer with a
// line or with what is wrong, and end with 0 or 1.
#pragma once
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/text.h"

namespace tenon::lessons {

/// Texts inside the program (`tenon_embed`), by name.
using Texts = std::span<const std::pair<std::string_view, std::string_view>>;
/// Throws std::runtime_error if there is none of that name.
std::string_view text_of(Texts texts, std::string_view name);

/// main() of a grader. What `run` throws is its answer.
int grader_main(int argc, char** argv, int (*run)(int argc, char** argv));
/// Prints what is wrong, or `fine` if nothing is; returns the exit status.
int answer(const std::string& problem, std::string_view fine);

/// A figure that may not be larger.
struct Limit {
  std::string what;
  double value, most;
};
/// A line for each figure that is larger than it may be.
std::string beyond(std::span<const Limit> limits);
/// All figures, with what they may be.
std::string table_of(std::span<const Limit> limits);

/// `tenon run` of the compiler beside the grader. Throws std::runtime_error if it takes too long.
tests::Outcome run_tenon(const std::vector<std::string>& words, const std::filesystem::path& folder = ".");
/// Without LLVM there are no kernels to run, and this is what a grader answers.
bool lacks_llvm(const tests::Outcome& outcome);
inline constexpr std::string_view kWithoutLlvm = "skipped: Tenon is built without LLVM";
/// Why a run ended badly, empty if it did not: of a kernel at fault the first thing that the simulator says.
std::string trouble_of(const tests::Outcome& outcome);
/// Whether a run printed what the interpreter prints of the file; else its trouble, or the first lines that differ.
std::string difference(const tests::Outcome& outcome, const std::string& file,
                       const std::filesystem::path& folder = ".");

/// A launch as `--target sim --profile` reports it.
struct LaunchReport {
  std::string kernel;
  std::map<std::string, double> figures;      ///< counters and figures by name; `registers`; `shared memory` in bytes
  std::map<std::string, std::string> nsight;  ///< what Nsight Compute calls them
  std::map<std::string, double> cycles;       ///< of the estimate, by resource
  std::string limit;                          ///< the resource with the most
};
std::vector<LaunchReport> launches_in(const std::string& profile);

/// A program and a schedule for it, both embedded under one name, in a folder of their own.
class ScheduledProgram {
 public:
  ScheduledProgram(std::string_view name, Texts programs, Texts schedules);
  /// `tenon run` by the schedule. Where the student does not schedule, -O1 leaves things as they are.
  tests::Outcome run(std::vector<std::string> words) const;
  /// What is wrong with what a run printed.
  std::string wrong(const tests::Outcome& outcome) const;

 private:
  const std::string name_;
  const tests::ScratchFolder folder_;
};

}  // namespace tenon::lessons
