// Numbers in what programs print.
#pragma once
#include <charconv>
#include <string_view>

namespace tenon::tests {

/// All of the text as a number; false if it is none.
template <class Number>
bool to_number(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  return std::from_chars(text.data(), end, number).ptr == end && !text.empty();
}

/// Whether two texts are the same but for numbers, which may differ by so much, relatively.
bool agree(std::string_view expected, std::string_view actual, double tolerance);

}  // namespace tenon::tests
