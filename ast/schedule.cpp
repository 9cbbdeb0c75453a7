#include "ast/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace tenon::ast::typed {

bool Directive::operator==(const Directive& other) const {
  return kind == other.kind && loops == other.loops && made == other.made &&
         factor == other.factor && operand == other.operand;
}

/// Follows the form of the row: `loop by factor as new , new`.
std::string print(const Directive& directive) {
  const DirectiveRow& row = typed::row(directive.kind);
  std::string text(row.name);
  std::istringstream form{std::string(row.form)};
  size_t loop = 0, made = 0;
  for (std::string word; form >> word;) {
    if (word.starts_with('[')) {
      if (directive.factor == 0 && loop == directive.loops.size()) break;  // nothing is left to say
      word.erase(0, 1);
    }
    if (word.ends_with(']')) word.pop_back();
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

std::string form_of(const DirectiveRow& row) {
  std::string text = fmt::format("{}{}{}", row.name, row.form.empty() ? "" : " ", row.form);
  for (size_t at; (at = text.find(" ,")) != text.npos;) text.erase(at, 1);
  return text;
}

std::string copy_loop(std::string_view operand, size_t axis) {
  std::string name(operand);
  std::ranges::replace(name, '.', '_');
  return name + std::to_string(axis);
}

}  // namespace tenon::ast::typed
