#include "tests/support/numbers.h"

#include <algorithm>
#include <cmath>

namespace tenon::tests {
namespace {

bool is_number_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '-' || c == '+';
}

/// The next stretch of number characters, or one other character.
std::string_view next_piece(std::string_view& text) {
  size_t end = 0;
  while (end < text.size() && is_number_char(text[end])) ++end;
  const std::string_view piece = text.substr(0, std::max<size_t>(end, 1));
  text.remove_prefix(piece.size());
  return piece;
}

bool is_near(std::string_view a, std::string_view b, double tolerance) {
  double x = 0, y = 0;
  if (a == b) return true;
  if (!to_number(a, x) || !to_number(b, y)) return false;
  return std::abs(x - y) <= tolerance * std::max(std::abs(x), std::abs(y));
}

}  // namespace

bool agree(std::string_view expected, std::string_view actual, double tolerance) {
  if (tolerance == 0) return expected == actual;
  while (!expected.empty() && !actual.empty()) {
    if (!is_near(next_piece(expected), next_piece(actual), tolerance)) return false;
  }
  return expected.empty() && actual.empty();
}

}  // namespace tenon::tests
