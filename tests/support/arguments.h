// The arguments of the runners that go through folders: TENON [--bless] [--filter=PART]
// [--pending=LIST] [FOLDER...]
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::tests {

struct Arguments {
  std::string tenon;                 ///< the binary under test
  bool bless = false;                ///< record instead of compare
  std::vector<std::string> folders;  ///< those that do not exist hold nothing
  std::string filter;                ///< only what has this in its path
  std::string pending;               ///< a list for tests/support/pending.h; may be empty
};

inline Arguments read_arguments(int argc, char** argv) {
  constexpr std::string_view kFilter = "--filter=", kPending = "--pending=";
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--bless") {
      arguments.bless = true;
    } else if (word.starts_with(kFilter)) {
      arguments.filter = word.substr(kFilter.size());
    } else if (word.starts_with(kPending)) {
      arguments.pending = word.substr(kPending.size());
    } else if (arguments.tenon.empty()) {
      arguments.tenon = std::filesystem::absolute(word).string();  // cases run in other folders
    } else {
      arguments.folders.emplace_back(word);
    }
  }
  return arguments;
}

}  // namespace tenon::tests
