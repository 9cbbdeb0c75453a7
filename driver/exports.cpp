#include "driver/exports.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "parser/parser.h"

namespace tenon::driver {
namespace {

constexpr std::string_view kFile = "--export";  // what messages call the text of an option

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

UsageError badly_written(const std::string& option) {
  return {fmt::format("--export {}: it is written F, F[N = 64] or NAME=F[N = 64]", option)};
}

/// The one call in `fn main() { F[N = 64](); }`; null if there is something else.
const ast::Call* only_call(const ast::Program& program) {
  const bool one = program.functions.size() == 1 && program.consts.empty() &&
                   program.records.empty() && program.imports.empty();
  if (!one || program.functions[0].body.size() != 1) return nullptr;
  const auto* statement = std::get_if<ast::Evaluate>(&program.functions[0].body[0].node);
  const auto* call = statement ? std::get_if<ast::Call>(&statement->value->node) : nullptr;
  return call && call->args.empty() ? call : nullptr;
}

bool is_identifier(std::string_view name) {
  return !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
         std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

}  // namespace

WantedExports read_exports(Session& session) {
  WantedExports wanted;
  for (const std::string& option : session.options.exports) {
    std::string_view function = option;
    std::string symbol;
    const size_t sign = option.find_first_of("=[");
    if (sign != option.npos && option[sign] == '=') {
      symbol = trimmed(option.substr(0, sign));
      function.remove_prefix(sign + 1);
      if (!is_identifier(symbol)) throw badly_written(option);
    }
    function = trimmed(function);
    const uint32_t file =
        session.sources.add(std::string(kFile), fmt::format("fn main() {{ {}(); }}\n", function));
    lexer::Diagnostics silent;
    wanted.trees.push_back(parser::parse(session.sources, file, silent));
    const ast::Call* call = silent.any() ? nullptr : only_call(wanted.trees.back());
    if (!call) throw badly_written(option);
    wanted.exports.push_back({symbol.empty() ? call->callee.text : symbol, call});
    const auto same = [&](const ast::Export& e) {
      return e.symbol == wanted.exports.back().symbol;
    };
    if (std::ranges::count_if(wanted.exports, same) > 1)
      throw UsageError{
          fmt::format("--export {}: two functions would be called `{}`; give one another "
                      "name: --export NAME={}",
                      option, wanted.exports.back().symbol, function)};
  }
  return wanted;
}

bool only_exports_are_wrong(const Session& session) {
  return std::ranges::all_of(session.diagnostics.all(), [&](const lexer::Diagnostic& d) {
    return d.span.file < session.sources.size() &&
           session.sources.file(d.span.file).name() == kFile;
  });
}

}  // namespace tenon::driver
