#include "tests/rules/record.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tests/support/text.h"

namespace tenon::tests {
namespace {

constexpr std::string_view kHead =
    "What `make verify-rules` has proved: a rule, the cases, the rule's text. Written by it.\n";

std::string field(std::string_view line, size_t number) {
  for (; number > 0; --number) line.remove_prefix(std::min(line.find(" | "), line.size() - 3) + 3);
  return std::string(trim(line.substr(0, line.find(" | "))));
}

}  // namespace

void Record::add(const RuleLine& line, const std::string& label) {
  if (texts_.emplace(line.name, line.text()).second) order_.push_back(line.name);
  proved_[line.name].push_back(label);
}

void Record::write(const std::filesystem::path& file) const {
  std::string text(kHead);
  for (const std::string& name : order_)
    text += fmt::format("{} | {} | {}\n", name, fmt::join(proved_.at(name), ", "), texts_.at(name));
  write_file(file, text);
}

Record Record::read(const std::filesystem::path& file) {
  Record record;
  for (const std::string& line : split_lines(read_file(file))) {
    if (!contains(line, " | ")) continue;
    const std::string name = field(line, 0);
    record.order_.push_back(name);
    record.texts_[name] = field(line, 2);
    std::string labels = field(line, 1);
    for (size_t comma; !labels.empty(); labels.erase(0, comma == labels.npos ? comma : comma + 2)) {
      comma = labels.find(", ");
      record.proved_[name].push_back(labels.substr(0, comma));
    }
  }
  return record;
}

const std::vector<std::string>* Record::find(const RuleLine& line) const {
  const auto text = texts_.find(line.name);
  return text == texts_.end() || text->second != line.text() ? nullptr : &proved_.at(line.name);
}

std::vector<std::string> Record::missing(const opt::RuleSet& rules, const RuleLine& line) const {
  const std::vector<std::string>* proved = find(line);
  std::vector<std::string> labels;
  for (const Case& each : cases_of(rules, line, true)) {
    if (!proved || std::ranges::find(*proved, each.label) == proved->end())
      labels.push_back(each.label);
  }
  return labels;
}

Arguments read_arguments(const std::filesystem::path& file) {
  Arguments arguments;
  for (const std::string& line : split_lines(read_file(file)))
    if (contains(line, " | ")) arguments[field(line, 0)] = field(line, 1);
  return arguments;
}

}  // namespace tenon::tests
