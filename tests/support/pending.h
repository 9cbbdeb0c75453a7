// The programs of a test set that is ahead of the compiler: a file of lines `FOLDER/NAME.tn reason`
// (`#` starts a comment). A pending program is run all the same, and passing is its failure, so
// that the list only shrinks.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "tests/support/text.h"

namespace tenon::tests {

class Pending {
 public:
  Pending() = default;  ///< nothing is pending
  explicit Pending(const std::filesystem::path& list);

  /// Reports what came of a program: `problem` is empty if all is well.
  void settle(Tally& tally, const std::filesystem::path& program, const std::string& problem) const;
  bool holds(const std::filesystem::path& program) const;
  /// An entry without a program below `folder` is a failure.
  void check_entries(Tally& tally, const std::filesystem::path& folder) const;

 private:
  std::map<std::string, std::string> reasons_;  ///< by folder and file name
};

}  // namespace tenon::tests
