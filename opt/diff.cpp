#include "opt/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tenon::opt {
namespace {

using Lines = std::vector<std::string_view>;

constexpr size_t kContext = 3;
constexpr size_t kMaxTable = 4'000'000;  ///< beyond, what differs is shown as one block

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// One line of the comparison: kept (' '), removed ('-') or added ('+').
struct Step {
  char mark;
  std::string_view line;
};

/// The longest common subsequence by dynamic programming: table[i][j] is its length for the lines
/// from i and from j on.
void compare(const Lines& a, const Lines& b, std::vector<Step>& steps) {
  const size_t columns = b.size() + 1;
  if ((a.size() + 1) * columns > kMaxTable) {
    for (std::string_view line : a) steps.push_back({'-', line});
    for (std::string_view line : b) steps.push_back({'+', line});
    return;
  }
  std::vector<uint32_t> table((a.size() + 1) * columns);
  for (size_t i = a.size(); i-- > 0;) {
    for (size_t j = b.size(); j-- > 0;) {
      uint32_t& here = table[i * columns + j];
      here = a[i] == b[j] ? table[(i + 1) * columns + j + 1] + 1
                          : std::max(table[(i + 1) * columns + j], table[i * columns + j + 1]);
    }
  }
  size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      steps.push_back({' ', a[i]});
      ++i, ++j;
    } else if (j == b.size() ||
               (i < a.size() && table[(i + 1) * columns + j] >= table[i * columns + j + 1])) {
      steps.push_back({'-', a[i++]});
    } else {
      steps.push_back({'+', b[j++]});
    }
  }
}

std::vector<Step> compare(const Lines& a, const Lines& b) {
  size_t head = 0, tail = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
  while (tail < a.size() - head && tail < b.size() - head &&
         a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
    ++tail;
  }
  std::vector<Step> steps;
  for (size_t i = 0; i < head; ++i) steps.push_back({' ', a[i]});
  compare(Lines(a.begin() + head, a.end() - tail), Lines(b.begin() + head, b.end() - tail), steps);
  for (size_t i = a.size() - tail; i < a.size(); ++i) steps.push_back({' ', a[i]});
  return steps;
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after) {
  const std::vector<Step> steps = compare(lines_of(before), lines_of(after));
  std::string out;
  size_t old_line = 1, new_line = 1;  // of steps[at]
  for (size_t at = 0; at < steps.size();) {
    const auto changed = [&](size_t i) { return steps[i].mark != ' '; };
    size_t first = at;
    while (first < steps.size() && !changed(first)) ++first;
    if (first == steps.size()) break;
    size_t last = first;  // the last change that the same stretch shows
    for (size_t i = first; i < steps.size() && i <= last + 2 * kContext; ++i) {
      if (changed(i)) last = i;
    }
    const size_t begin = std::max(at, first - std::min(first, kContext));
    const size_t end = std::min(steps.size(), last + kContext + 1);
    old_line += begin - at;
    new_line += begin - at;
    size_t removed = 0, added = 0;
    std::string body;
    for (size_t i = begin; i < end; ++i) {
      removed += steps[i].mark != '+';
      added += steps[i].mark != '-';
      body += fmt::format("{}{}\n", steps[i].mark, steps[i].line);
    }
    out += fmt::format("@@ -{},{} +{},{} @@\n{}", old_line, removed, new_line, added, body);
    old_line += removed;
    new_line += added;
    at = end;
  }
  return out;
}

}  // namespace tenon::opt
