#include "ir/schedule.h"

#include <fmt/format.h>

namespace tenon::ir {
namespace {

struct Row {
  std::string_view name, form;
};
constexpr Row kRows[] = {
#define DIRECTIVE(name, form, meaning) {#name, form},
#include "ast/directives.def"
};

}  // namespace

std::string_view name(DirectiveKind kind) {
  return kRows[static_cast<size_t>(kind)].name;
}

/// Follows the form of the row: `loop by factor as new , new`.
std::string print(const Directive& directive) {
  const Row& row = kRows[static_cast<size_t>(directive.kind)];
  std::string text(row.name);
  size_t loop = 0, made = 0;
  for (size_t at = 0; at < row.form.size();) {
    const size_t end = std::min(row.form.find(' ', at), row.form.size());
    std::string_view word = row.form.substr(at, end - at);
    at = end + 1;
    if (word.starts_with('[')) {
      if (directive.factor == 0) break;  // what is optional is the factor
      word.remove_prefix(1);
    }
    if (word.ends_with(']')) word.remove_suffix(1);
    if (word == "loops") {
      text += fmt::format(" {}", fmt::join(directive.loops, ", "));
    } else if (word == ",") {
      text += ",";
    } else {
      text += " ";
      if (word == "loop") text += directive.loops[loop++];
      else if (word == "new") text += directive.made[made++];
      else if (word == "factor") text += std::to_string(directive.factor);
      else if (word == "operand") text += directive.operand;
      else text += word;
    }
  }
  return text;
}

}  // namespace tenon::ir
