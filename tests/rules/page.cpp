#include "tests/rules/page.h"

#include <fmt/ranges.h>

#include "tests/rules/values.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

constexpr std::string_view kHead = R"(# Rewrite rules

Written by `tenon_rules --bless` from `opt/rules/*.rules`; `make verify-rules` proves them. `simplify` applies
them, the first that fits, in this order: `tenon opt --passes=simplify --stats` counts them by name.

In a rule `x`, `y`, `z`, `p`, `q` stand for any term and `c1`, `c2` for constants; what is constant on the right
is computed when the rule applies. An *exact* rule gives the same bits for every value. A *subscript* rule
holds for the integers of mathematics, and applies only where ranges show that nothing wraps around. A
*default* rule is one that `--strict` switches off.

*Proved* are, by Z3: exact rules on integers at the widths named, by bit vectors; rules on subscripts for
all integers. Rules on floats are tried on every value of a small format (1 bit for the sign, 4 for the
exponent, 3 for the fraction, or fewer where there are three variables), and on the special values of each
type. Where Z3 does not answer within a minute, the reason why a rule holds beyond is that of
`tests/rules/by_hand.txt`.
)";

/// The comment at the head of a rule file, as a paragraph.
std::string introduction(std::string_view text) {
  std::string paragraph;
  for (const std::string& line : split_lines(text)) {
    if (!line.starts_with(";")) break;
    paragraph += fmt::format("{}\n", trim(std::string_view(line).substr(1)));
  }
  return paragraph;
}

std::string proved_text(const std::vector<std::string>* labels, const std::string* argument) {
  if (labels == nullptr) return "";
  std::vector<std::string> shown;
  size_t special = 0;
  for (const std::string& label : *labels) {
    if (label.starts_with("special ")) {
      ++special;
    } else {
      shown.push_back(label);
    }
  }
  if (special > 0) shown.push_back("special values");
  return fmt::format("{}{}{}", fmt::join(shown, ", "), argument ? "; beyond: " : "",
                     argument ? *argument : "");
}

}  // namespace

std::string rules_page(const opt::RuleSet&, const std::vector<RuleLine>& lines,
                       const Record& record, const Arguments& arguments) {
  std::string page(kHead);
  for (const auto& [file, text] : opt::rule_files()) {
    page += fmt::format("\n## {}\n{}\n| rule | | for | proved | why |\n|---|---|---|---|---|\n",
                        file, introduction(text));
    for (const RuleLine& line : lines) {
      if (line.name.substr(0, line.name.find('.')) != file) continue;
      std::vector<std::string> types;
      for (const opt::Rule* rule : line.instances) types.push_back(types_text(*rule));
      const auto argument = arguments.find(line.name);
      page +=
          fmt::format("| {} | `{}` | {} {} | {} | {} |\n", line.name.substr(file.size() + 1),
                      line.text(), opt::text(line.instances[0]->rule_class), fmt::join(types, ", "),
                      proved_text(record.find(line), argument == arguments.end() ? nullptr : &argument->second),
                      line.instances[0]->why);
    }
  }
  page += fmt::format("\n{} rules.\n", lines.size());
  return page;
}

}  // namespace tenon::tests
