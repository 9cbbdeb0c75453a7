// What `make verify-rules` has proved, in tests/rules/proved.txt: a line per rule.
//
//   integer.mul_mul  8 16 32 64  | (x * c1) * c2 => x * (c1 * c2)
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/rules/prove.h"

namespace tenon::tests {

inline constexpr const char* kRecordFile = "tests/rules/proved.txt";

class Record {
 public:
  void add(const RuleLine& line, const std::string& label);
  void write(const std::filesystem::path& file) const;

  static Record read(const std::filesystem::path& file);
  /// The labels of what is proved of a rule as it is written now; nothing if there is no record of
  /// it.
  const std::vector<std::string>* find(const RuleLine& line) const;
  /// The labels of its cases that are not proved.
  std::vector<std::string> missing(const opt::RuleSet& rules, const RuleLine& line) const;

 private:
  std::vector<std::string> order_;                          ///< names
  std::map<std::string, std::string> texts_;                ///< by name
  std::map<std::string, std::vector<std::string>> proved_;  ///< by name
};

/// tests/rules/by_hand.txt: by the name of a rule, why it holds where it is not proved.
using Arguments = std::map<std::string, std::string>;
inline constexpr const char* kArgumentsFile = "tests/rules/by_hand.txt";
Arguments read_arguments(const std::filesystem::path& file);

}  // namespace tenon::tests
