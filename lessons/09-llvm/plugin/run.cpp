// tenon_plugin: LLVM's opt, of the version that Tenon is built with, and with our passes.
//
//   tenon_plugin -passes=shifts FILE.ll       is opt -S -load-pass-plugin=lib/libtenon-plugin.so …
//
// Without a file it reads standard input. Where LLVM's headers or opt are missing it says that it
// skips.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/text.h"

#ifndef TENON_OPT
#define TENON_OPT ""
#endif

namespace tenon::lessons {
namespace {

namespace fs = std::filesystem;

constexpr double kTimeout = 60;  ///< seconds

int skip(const std::string& why) {
  fmt::print("skipped: {}\n", why);
  return 0;
}

/// The file's name is in what opt prints, and a version's number may be.
std::string without_header(const std::string& module) {
  std::string text;
  for (const std::string& line : tests::split_lines(module)) {
    const bool header = line.starts_with("; ModuleID") || line.starts_with("source_filename");
    if (!header && !(text.empty() && line.empty())) text += line + "\n";
  }
  return text;
}

int run(const fs::path& self, const std::vector<std::string>& words) {
  const fs::path opt = TENON_OPT, plugin = self.parent_path() / "../lib/libtenon-plugin.so";
  if (opt.empty()) return skip("Tenon is built without LLVM");
  if (!fs::exists(plugin)) return skip("LLVM's headers are not here (the package llvm-19-dev)");
  if (!fs::exists(opt)) return skip("LLVM's opt is not here (the package llvm-19)");

  tests::Command command;
  command.argv = {opt.string(), "-S", "-load-pass-plugin=" + plugin.string()};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.timeout = kTimeout;
  if (words.empty() || words.back().starts_with('-'))
    command.input.assign(std::istreambuf_iterator<char>(std::cin), {});
  const tests::Outcome outcome = tests::run(command);
  fmt::print("{}", without_header(outcome.out));
  fmt::print(stderr, "{}", outcome.err);
  return outcome.status;
}

}  // namespace
}  // namespace tenon::lessons

int main(int, char** argv) {
  std::vector<std::string> words;
  for (char** word = argv + 1; *word != nullptr; ++word) words.push_back(*word);
  return tenon::lessons::run(std::filesystem::read_symlink("/proc/self/exe"), words);
}
