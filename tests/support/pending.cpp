#include "tests/support/pending.h"

#include <fmt/format.h>

namespace tenon::tests {
namespace fs = std::filesystem;

Pending::Pending(const fs::path& list) {
  for (const std::string& line : split_lines(read_file(list))) {
    const std::string_view text = trim(line);
    if (text.empty() || text.front() == '#') continue;
    const size_t end = text.find(' ');
    const std::string name(text.substr(0, end));
    const std::string reason(end == text.npos ? "" : trim(text.substr(end)));
    if (reason.empty()) throw std::runtime_error(name + " is pending without a reason");
    if (!reasons_.emplace(name, reason).second)
      throw std::runtime_error(name + " is pending twice");
  }
}

bool Pending::holds(const fs::path& program) const {
  return reasons_.contains(folder_and_name(program));
}

void Pending::settle(Tally& tally, const fs::path& program, const std::string& problem) const {
  const std::string name = folder_and_name(program);
  const auto entry = reasons_.find(name);
  if (entry == reasons_.end()) return problem.empty() ? tally.pass() : tally.fail(name, problem);
  if (!problem.empty()) return tally.skip(name, "pending: " + entry->second);
  tally.fail(name, "passes, though it is pending: strike it from the list");
}

void Pending::check_entries(Tally& tally, const fs::path& folder) const {
  for (const auto& [name, reason] : reasons_) {
    if (!fs::exists(folder / name)) tally.fail(name, "is pending, but there is no such program");
  }
}

}  // namespace tenon::tests
