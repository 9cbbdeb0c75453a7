#include "tests/differential/oracle/reduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tests/support/text.h"

namespace tenon::differential {
namespace {

/// Delta debugging (A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
/// 2002), its greedy half: `change(items, from, count)` simplifies a stretch, of half the length
/// each round.
template <class Items, class Change, class Holds>
void shrink(Items& items, const Change& change, const Holds& holds) {
  for (size_t size = std::max<size_t>(items.size() / 2, 1);; size /= 2) {
    for (size_t from = 0; from < items.size();) {
      Items changed = items;
      change(changed, from, std::min(size, items.size() - from));
      if (changed != items && holds(changed)) {
        if (changed.size() == items.size()) from += size;
        items = std::move(changed);
      } else {
        from += size;
      }
    }
    if (size == 1) return;
  }
}

const auto kRemove = [](auto& items, size_t from, size_t count) {
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(from),
              items.begin() + static_cast<std::ptrdiff_t>(from + count));
};

/// The stretch behind an opening bracket at `from`, with both brackets; 0 if there is none.
size_t bracketed(const std::string& text, size_t from) {
  static constexpr std::string_view kOpen = "([{", kClose = ")]}";
  int depth = 0;
  for (size_t i = from; i < text.size(); ++i) {
    if (kOpen.find(text[i]) != kOpen.npos) ++depth;
    if (kClose.find(text[i]) != kClose.npos && --depth == 0) return i + 1 - from;
    if (text[i] == '\n' || depth == 0) break;
  }
  return 0;
}

/// Puts something simpler in the place of what stands in parentheses.
std::string simplify_expressions(std::string text,
                                 const std::function<bool(const std::string&)>& holds) {
  static constexpr std::string_view kSimpler[] = {"(0)", "(1)", "(true)", "(false)", "(0.0)"};
  for (size_t at = text.find('('); at != text.npos; at = text.find('(', at + 1)) {
    const size_t size = bracketed(text, at);
    if (size <= 3) continue;
    std::vector<std::string> candidates(std::begin(kSimpler), std::end(kSimpler));
    for (size_t inner = at + 1; inner < at + size; ++inner) {  // one of its operands
      if (const size_t length = text[inner] == '(' ? bracketed(text, inner) : 0) {
        candidates.push_back(text.substr(inner, length));
        inner += length;
      }
    }
    for (const std::string& each : candidates) {
      if (each.size() >= size) continue;
      const std::string changed = text.substr(0, at) + each + text.substr(at + size);
      if (!holds(changed)) continue;
      text = changed;
      break;
    }
  }
  return text;
}

}  // namespace

std::string reduce_bytes(std::string bytes, const std::function<bool(const std::string&)>& holds) {
  shrink(bytes, kRemove, holds);
  const auto zero = [](std::string& all, size_t from, size_t count) {
    std::fill_n(all.begin() + static_cast<std::ptrdiff_t>(from), count, '\0');
  };
  shrink(bytes, zero, holds);
  return bytes;
}

std::string reduce_text(std::string text, const std::function<bool(const std::string&)>& holds) {
  for (;;) {
    const size_t before = text.size();
    std::vector<std::string> lines = tests::split_lines(text);
    shrink(lines, kRemove, [&](const std::vector<std::string>& some) {
      return holds(fmt::format("{}\n", fmt::join(some, "\n")));
    });
    text = simplify_expressions(fmt::format("{}\n", fmt::join(lines, "\n")), holds);
    if (text.size() >= before) return text;
  }
}

}  // namespace tenon::differential
