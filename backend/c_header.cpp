// The C header of a library: a declaration per exported function, and what its callers must know.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <span>

#include "backend/backend.h"
#include "backend/prepared.h"
#include "ir/prepared.h"
#include "runtime/scalar.h"

namespace tenon::backend {
namespace {

using ir::Function;
using ir::Module;
using ir::Type;

/// By the rows of dtypes.def. The bits of f16 and bf16 are all that C can hold everywhere.
std::string_view c_type(runtime::DType type) {
  static constexpr std::string_view kTypes[] = {
#define DTYPE(name, text, cpp, bytes, kind, npy, safetensors) #cpp,
#include "runtime/dtypes.def"
  };
  const std::string_view name = kTypes[static_cast<int>(type)];
  return name == "Half" || name == "BFloat" ? "uint16_t" : name;
}

/// The names of a function's parameters in C, each a different one.
class ParameterNames {
 public:
  ParameterNames() {
    for (std::string_view word : c_reserved_words()) taken_.emplace(word);
    taken_.emplace("error");
  }
  std::string take(std::string_view wanted) {
    std::string name;
    for (char c : wanted) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
    while (!taken_.insert(name).second) name += '_';
    return name;
  }

 private:
  std::set<std::string> taken_;
};

struct Line {
  std::string declared, meaning;
};

std::vector<Line> parameters(const Module& module, const Function& function) {
  ParameterNames names;
  std::vector<Line> lines;
  const bool prepares = static_cast<bool>(ir::prepared_for(module, function));
  if (prepares || function.prepared)
    for (const char* taken : {"prepared", "bytes"}) names.take(taken);
  const size_t own = function.params.size() - function.prepared.value_or(0);
  for (ir::ValueId param : std::span(function.params).first(own)) {
    const Type& type = module.type(function, param);
    lines.push_back(
        {fmt::format("{}{} {}{}", type.is_scalar() ? "" : "const ", c_type(type.dtype),
                     type.is_scalar() ? "" : "*", names.take(function.value(param).name)),
         type.text()});
  }
  if (prepares) {
    lines.push_back({"void *prepared", "gets what calls of the function take"});
    lines.push_back({"int64_t bytes", "that there are"});
  } else if (function.prepared) {
    lines.push_back({"const void *prepared", fmt::format("what {} gave", ir::preparing_name(function.exported))});
  }
  for (size_t i = 0; i < function.results.size() && !prepares; ++i) {
    const Type& type = module.types[function.results[i]];
    const std::string wanted =
        function.results.size() == 1 ? "result" : fmt::format("result_{}", i + 1);
    lines.push_back(
        {fmt::format("{} *{}", c_type(type.dtype), names.take(wanted)), "gets " + type.text()});
  }
  lines.push_back({"struct tn_error *error", "may be null"});
  return lines;
}

constexpr std::string_view kPrepared =
    R"(/* {name} takes what {name}_prepare makes of these parameters, once for any number of calls. It lies in the
 * caller's memory: so many bytes, at a multiple of 64. What does not, or has not been prepared for this
 * function, is refused: -2. */
#define {name}_prepared_bytes {bytes}
)";

std::string declaration(const Module& module, const Function& function) {
  const std::vector<Line> lines = parameters(module, function);
  size_t width = 0;
  for (const Line& line : lines) width = std::max(width, line.declared.size());
  std::string text;
  if (const ir::FuncId user = ir::prepared_for(module, function))
    text = fmt::format(kPrepared, fmt::arg("name", module.function(user).exported),
                       fmt::arg("bytes", prepared_layout(module, module.function(user)).bytes));
  text += fmt::format("int32_t {}(\n", function.exported);
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string end = lines[i].declared + (i + 1 < lines.size() ? "," : ");");
    text += fmt::format("    {:<{}}  /* {} */\n", end, width + 2, lines[i].meaning);
  }
  return text;
}

/// LAYER_H of layer.h.
std::string guard_of(std::string_view file) {
  std::string guard = "TENON_";
  for (unsigned char c : file) guard += std::isalnum(c) ? static_cast<char>(std::toupper(c)) : '_';
  return guard;
}

/// Texts go into a comment, which they must not end.
std::string in_comment(std::string text) {
  for (size_t at; (at = text.find("*/")) != text.npos;) text.replace(at, 2, "* /");
  std::ranges::replace(text, '\n', ' ');
  return text;
}

constexpr std::string_view kHeader =
    R"(/* {file}: the functions of {source} for C. Written by `tenon build`, and again each time.
 *
{link} *
 * A function returns 0, or says what went wrong: 701 for E0701 (`tenon explain E0701`), -1 for a null
 * pointer where there are elements. Then results hold nothing of use, and `error`, if it is given, has
 * the place and the reason. Calls share nothing: several threads may call at a time.
 *
 * Tensors are the caller's: row-major, without gaps. A bool is a byte, 0 or 1; an f16 or bf16 its 16
 * bits. They lie at multiples of their element's size; at multiples of 64 bytes they are used where they
 * lie, elsewhere they are copied first. What gets a result must not overlap anything else.
 */
#ifndef {guard}
#define {guard}

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#ifndef TN_ERROR
#define TN_ERROR
struct tn_error {{
  int32_t code;      /* as it was returned */
  char message[508]; /* zero-terminated: layer.tn:3:12: error[E0701]: subscript 5 is out of range … */
}};
#endif
{functions}
#ifdef __cplusplus
}}
#endif

#endif
)";

}  // namespace

std::span<const std::string_view> c_reserved_words() {
  static constexpr std::string_view kWords[] = {
      "alignas",  "alignof",  "and",     "asm",       "auto",      "bool",     "break",
      "case",     "catch",    "char",    "class",     "const",     "continue", "default",
      "delete",   "do",       "double",  "else",      "enum",      "explicit", "export",
      "extern",   "false",    "float",   "for",       "friend",    "goto",     "if",
      "inline",   "int",      "long",    "mutable",   "namespace", "new",      "not",
      "operator", "or",       "private", "protected", "public",    "register", "restrict",
      "return",   "short",    "signed",  "sizeof",    "static",    "struct",   "switch",
      "template", "this",     "throw",   "true",      "try",       "typedef",  "typename",
      "union",    "unsigned", "using",   "virtual",   "void",      "volatile", "while",
      "xor"};
  return kWords;
}

std::string c_header(const Module& module, const HeaderTexts& texts) {
  std::string functions, link;
  for (const Function& function : module.functions) {
    if (function.exported.empty()) continue;
    functions += '\n' + declaration(module, function);
  }
  for (const std::string& line : texts.link) link += " * " + in_comment(line) + "\n";
  return fmt::format(kHeader, fmt::arg("file", in_comment(texts.file)),
                     fmt::arg("source", in_comment(texts.source)), fmt::arg("link", link),
                     fmt::arg("guard", guard_of(texts.file)), fmt::arg("functions", functions));
}

}  // namespace tenon::backend
