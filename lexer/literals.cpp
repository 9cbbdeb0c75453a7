#include "lexer/literals.h"

#include <fmt/format.h>

#include <algorithm>

#include "lexer/scanner.h"
#include "lexer/utf8.h"

namespace tenon::lexer {

std::string string_value(std::string_view token_text) {
  std::string value;
  if (token_text.starts_with('"')) token_text.remove_prefix(1);
  if (token_text.ends_with('"')) token_text.remove_suffix(1);
  for (size_t i = 0; i < token_text.size(); ++i) {
    char c = token_text[i];
    if (c == '\\' && i + 1 < token_text.size()) {
      c = token_text[++i];
      if (c == 'n') c = '\n';
      if (c == 't') c = '\t';
    }
    value += c;
  }
  return value;
}

std::string number_hint(std::string_view text) {
  auto all = [](std::string_view part, std::string_view set) {
    return part.find_first_not_of(set) == std::string_view::npos;
  };
  constexpr std::string_view kDigits = "0123456789";
  if (text[0] == '.') return fmt::format("write `0{}`", shortened(text));
  if (text.back() == '.') return fmt::format("write `{}0`", shortened(text));
  if (text.back() == '_' || text.find("__") != text.npos) {
    return "a single `_` may stand between two digits";
  }
  if (text[0] == '0' && text.size() > 1 && all(text, kDigits)) {
    std::string_view rest = text.substr(std::min(text.find_first_not_of('0'), text.size() - 1));
    return fmt::format("a number does not begin with 0: write `{}`", shortened(rest));
  }
  if (text.starts_with("0x") || text.starts_with("0X")) {
    return "a hexadecimal number is `0x` and digits from 0 to 9, a to f";
  }
  if (text.starts_with("0b") || text.starts_with("0o")) {
    return "numbers are decimal, or hexadecimal after `0x`";
  }
  if (all(text.substr(0, text.size() - 1), "0123456789._") && text.back() == 'f') {
    return "the type of a number comes from what it is used with, or from a conversion: `f32(1.0)`";
  }
  if (text.back() == 'e' || text.back() == 'E' || text.back() == '+' || text.back() == '-') {
    return "an exponent needs digits, as in `1e-3`";
  }
  return "a name cannot begin with a digit";
}

std::string number_meant(std::string_view text) {
  const auto all = [](std::string_view part, std::string_view set) {
    return part.find_first_not_of(set) == part.npos;
  };
  const std::string meant(text);
  const std::string_view digits = "0123456789_", hex = "0123456789abcdefABCDEF";
  if (text.starts_with('.') && all(text.substr(1), digits)) return "0" + meant;
  if (text.ends_with('.') && all(text.substr(0, text.size() - 1), digits)) return meant + "0";
  // `010` is 8 in some languages and 10 in others; of one digit all think the same.
  const size_t zeros = std::min(text.find_first_not_of('0'), text.size() - 1);
  if (all(text, "0123456789") && zeros > 0 && text.size() == zeros + 1) return meant.substr(zeros);
  const bool is_hex = text.starts_with("0X") && text.size() > 2 && all(text.substr(2), hex);
  if (is_hex) return "0x" + meant.substr(2);
  if (text[0] != '0' && all(text, digits)) {  // `1__000`, `10_`
    std::string single;
    for (char c : text) {
      if (c != '_' || single.back() != '_') single += c;
    }
    if (single.back() == '_') single.pop_back();
    return single;
  }
  return "";
}

std::string character_name(std::string_view utf8) {
  std::string_view rest = utf8;
  char32_t code = take_character(rest);
  if (!rest.empty() || is_visible(code)) return fmt::format("`{}`", shortened(utf8));
  return fmt::format("U+{:04X}", static_cast<uint32_t>(code));
}

std::string shortened(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && is_continuation(text[bytes])) --bytes;
  return std::string(text.substr(0, bytes)) + "...";
}

}  // namespace tenon::lexer
