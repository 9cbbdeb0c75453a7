#include "backend/recipe.h"

#include <algorithm>
#include <cctype>

namespace tenon::backend {
namespace {

constexpr int64_t kCanonicalNan32 = 0x7fc00000;
constexpr int64_t kCanonicalNan64 = 0x7ff8000000000000;

constexpr std::string_view kTypes[] = {"i1", "i8", "i16", "i32", "i64", "float", "double"};

bool is_type(std::string_view word) {
  return std::ranges::find(kTypes, word) != std::end(kTypes);
}
bool is_number(std::string_view word) {
  const bool digit = std::isdigit(static_cast<unsigned char>(word[0])) != 0;
  return digit || word[0] == '-' || word == "true" || word == "false";
}

std::string flags(FastMath fast) {
  return std::string(fast.reassoc ? " reassoc" : "") + (fast.contract ? " contract" : "");
}

/// One recipe being written out.
class Expansion {
 public:
  Expansion(FunctionText& out, const std::string& result, const Filling& filling)
      : out_(out), filling_(filling) {
    registers_["r"] = result;
  }

  std::string expand(std::string_view line) {
    std::string text;
    while (!line.empty()) {
      const size_t length = word_length(line);
      const std::string_view word = line.substr(0, length);
      if (word[0] == '$') {
        text += input(word[1]);
      } else if (word[0] == '%') {
        text += register_named(word.substr(1));
      } else if (is_type(word)) {
        text += type(word);
      } else {
        text += is_number(word) ? constant(word) : word;
      }
      line.remove_prefix(length);
    }
    return text;
  }

 private:
  /// Of what stands first: an input, a register, a word, or one other character.
  static size_t word_length(std::string_view line) {
    if (line[0] == '$') return 2;
    const auto in_word = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '@' || c == '-';
    };
    size_t end = line[0] == '%' ? 1 : 0;
    while (end < line.size() && in_word(line[end])) ++end;
    return std::max<size_t>(end, 1);
  }

  std::string input(char letter) {
    const int width = runtime::bits_of(filling_.type);
    switch (letter) {
      case 'a': return constant(filling_.args[0]);
      case 'b': return constant(filling_.args[1]);
      case 'c': return constant(filling_.args[2]);
      case 't': return type(register_type(filling_.type));
      case 'o': return type(register_type(filling_.to));
      case 'i': return type(fmt::format("i{}", width));
      case 'F': return type(width == 32 ? "float" : "double");
      case 's': return lane_name(runtime::row(filling_.type).text, filling_.lanes);
      case 'q': return lane_name(runtime::row(filling_.to).text, filling_.lanes);
      case 'd': return lane_name("f64", filling_.lanes);
      case 'w': return constant(std::to_string(width - 1));
      case 'n': return constant(std::to_string(width == 32 ? kCanonicalNan32 : kCanonicalNan64));
      case 'z': return "i1 false";
      case 'f': return flags(filling_.fast);
    }
    return {};
  }

  std::string type(std::string_view name) {
    type_ = name;
    return lane_type(name, filling_.lanes);
  }
  /// An operand of the type that was written last.
  std::string constant(std::string_view text) const { return operand(type_, text, filling_.lanes); }

  const std::string& register_named(std::string_view name) {
    std::string& known = registers_[std::string(name)];
    if (known.empty()) known = out_.fresh(name);
    return known;
  }

  FunctionText& out_;
  const Filling& filling_;
  std::string type_;
  std::map<std::string, std::string> registers_;
};

}  // namespace

void write_recipe(FunctionText& out, const std::string& result, std::string_view recipe,
                  const Filling& filling) {
  Expansion expansion(out, result, filling);
  while (!recipe.empty()) {
    const size_t end = std::min(recipe.find('\n'), recipe.size());
    out.line("{}", expansion.expand(recipe.substr(0, end)));
    recipe.remove_prefix(std::min(end + 1, recipe.size()));
  }
}

}  // namespace tenon::backend
