// A golden case: an input file whose first lines say how to run it, and the output it must give.
//
//   //@ emit tokens            arguments of tenon; the file's name is appended (`;@` in other files than .tn)
//   //@ exit 1                 the exit status, if it is not 0
//   //@ program tenon_hunt     what runs instead of tenon; it lies beside tenon
//   //@ title spans in columns  what the case is about, in words (exercise graders print it)
//
// `{dir}` in the arguments is the case's folder, and a `-` among them feeds the file through
// standard input instead of naming it. NAME.expected holds the standard output and, if there is
// any, a line
// `--- stderr` and the standard error. Cases run in their own folder, so that no path of the
// machine gets into an output. Wherever passes run, the IR is verified after each.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process.h"

namespace tenon::tests {

struct GoldenCase {
  std::filesystem::path input;         ///< absolute
  std::vector<std::string> arguments;  ///< of the program, without the file
  std::string program;                 ///< of `program`; empty: tenon
  int status = 0;
  std::string title;    ///< of `title`; may be empty
  std::string problem;  ///< why this is no usable case; empty if it is one

  std::filesystem::path expected() const;
};

/// A directive line's text behind `//@` or `;@`; empty for any other line.
std::string_view directive(std::string_view line);

/// Reads the directives at the head of `input`.
GoldenCase read_case(const std::filesystem::path& input);

/// What has to run for the case.
Command command_of(const GoldenCase& test, const std::string& tenon);

/// Standard output and error in the form of .expected files.
std::string recorded(const Outcome& outcome);

/// Runs the case; returns what is wrong with it, or nothing. `actual` gets the recorded output.
std::string run_case(const GoldenCase& test, const std::string& tenon, std::string& actual);

inline constexpr std::string_view kInputEndings[] = {".tn", ".ir", ".loops", ".ll", ".ptx"};
/// With this begins the output of a program that lacks something here, a solver or LLVM.
inline constexpr std::string_view kSkipped = "skipped: ";
/// What stands behind it; empty if the output is another.
std::string skip_reason(std::string_view output);

/// Whether the file's ending is that of an input.
bool is_input(const std::filesystem::path& path);

}  // namespace tenon::tests
