// What numbers and strings stand for, and how to speak of them in messages.
#pragma once
#include <string>
#include <string_view>

namespace tenon::lexer {

/// Why `text`, which begins like a number, is none, and what to write instead.
std::string number_hint(std::string_view text);
/// What `text` was meant to be, where that is certain; else empty.
std::string number_meant(std::string_view text);

/// A character as messages show it: `$`, or U+0007 where it cannot be seen.
std::string character_name(std::string_view utf8);

/// `text` cut to a length fit for a message, at a character's end, with `...` behind it if cut.
std::string shortened(std::string_view text, size_t bytes = 60);

}  // namespace tenon::lexer
