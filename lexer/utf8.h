// UTF-8, as far as messages need it: a text's characters one by one, and how wide a terminal draws
// them. (Whether a program is UTF-8 is the scanner's automaton to say.)
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>

namespace tenon::lexer {

inline constexpr char32_t kReplacement = 0xfffd;  ///< stands for bytes that are no character

constexpr bool is_continuation(char byte) {
  return (byte & 0xc0) == 0x80;
}

/// Takes one character off the front of `text`, which is not empty; of wrong bytes one, as
/// kReplacement.
inline char32_t take_character(std::string_view& text) {
  auto first = static_cast<unsigned char>(text[0]);
  int length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  char32_t code = length <= 1 ? first : first & (0x7f >> length);
  for (int i = 1; i < length; ++i) {
    if (i >= static_cast<int>(text.size()) || !is_continuation(text[i]))
      length = 0;
    else
      code = code << 6 | (text[i] & 0x3f);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  bool fine = length > 0 && code >= kLeast[length] && code <= 0x10ffff &&
              !(code >= 0xd800 && code <= 0xdfff);
  text.remove_prefix(fine ? length : 1);
  return fine ? code : kReplacement;
}

/// Not a control character, nor one that reorders or hides the text around it.
constexpr bool is_visible(char32_t code) {
  return code >= 0x20 && !(code >= 0x7f && code < 0xa0) && !(code >= 0x200b && code <= 0x200f) &&
         !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2060 && code <= 0x206f) &&
         code != 0xfeff;
}

/// Columns of a terminal that a visible character takes: 0 for marks on the one before it, 2 for
/// East Asian characters and emoji.
constexpr int display_width(char32_t code) {
  struct Range {
    char32_t first, last;
  };
  constexpr Range kWide[] = {{0x1100, 0x115f},  {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
                             {0xf900, 0xfaff},  {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                             {0xffe0, 0xffe6},  {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff},
                             {0x20000, 0x3fffd}};
  if (code >= 0x300 && code <= 0x36f) return 0;
  for (Range range : kWide) {
    if (code >= range.first && code <= range.last) return 2;
  }
  return 1;
}

/// Columns of a whole text, all of which counts as visible.
inline uint32_t display_width(std::string_view text) {
  uint32_t width = 0;
  while (!text.empty()) width += display_width(take_character(text));
  return width;
}

}  // namespace tenon::lexer
