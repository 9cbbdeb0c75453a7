#include "backend/declarations.h"

#include <algorithm>
#include <set>

#include "backend/debug_info.h"
#include "runtime/abi.h"

namespace tenon::backend {
namespace {

/// runtime/abi.h and alone.h as LLVM declares them: before the name, the name, and behind it.
struct Declaration {
  std::string_view result, name, rest;
};
#define PURE " nounwind willreturn memory(none)"
#define MATH(name)                                         \
  {"float", "tn_" #name "_f32", "(float)" PURE},           \
  {"double", "tn_" #name "_f64", "(double)" PURE},
constexpr Declaration kDeclarations[] = {
    {"noalias ptr", "tn_alloc", "(ptr, i64, i32) nounwind"},
    {"void", "tn_share", "(ptr) nounwind"},
    {"void", "tn_drop", "(ptr, ptr) nounwind"},
    {"ptr", "tn_own", "(ptr, ptr, i64, i32) nounwind cold"},  // called only where it must copy
    {"i32", "tn_parallel", "(ptr, ptr, ptr, i64, i64) nounwind"},
    {"i32", "tn_launch", "(ptr, i32, ptr, i32) nounwind"},
    {"void", "tn_to_host", "(ptr, ptr, i32) nounwind"},
    {"void", "tn_copy_run", "(ptr, ptr, ptr, ptr, ptr, i64) nounwind"},
    {"i64", "tn_clock", "() nounwind"},
    {"void", "tn_profile", "(ptr, i32, i64) nounwind"},
    {"void", "tn_fail", "(ptr, i32, i32, i64, i64, ptr) nounwind cold"},
    {"void", "tn_print_text", "(ptr, ptr, i64) nounwind"},
    {"void", "tn_print_int", "(ptr, i32, i64) nounwind"},
    {"void", "tn_print_float", "(ptr, i32, double) nounwind"},
    {"void", "tn_print_tensor", "(ptr, i32, i32, ptr, ptr) nounwind"},
    {"void", "tn_print_end", "(ptr) nounwind"},
    {"ptr", "tn_load", "(ptr, i32, ptr, ptr, i32, i32, ptr) nounwind"},
    {"void", "tn_write", "(ptr, ptr, i64) nounwind"},
    {"i32", "tn_save", "(ptr, i32, ptr, i32, i32, ptr, ptr) nounwind"},
    {"ptr", "tn_enter", "(ptr) nounwind"},
    {"void", "tn_null_argument", "(ptr) nounwind cold"},
    {"i32", "tn_begin_prepared", "(ptr, ptr, i64, i64) nounwind"},
    {"void", "tn_end_prepared", "(ptr, i64) nounwind"},
    {"i32", "tn_check_prepared", "(ptr, ptr, i64) nounwind"},
    {"ptr", "tn_borrow", "(ptr, ptr, i64, i32) nounwind"},
    {"ptr", "tn_place_result", "(ptr, ptr, i64) nounwind"},
    {"void", "tn_deliver", "(ptr, ptr, i64) nounwind"},
    {"i32", "tn_leave", "(ptr, ptr, ptr) nounwind"},
    {"i32", "tn_main", "(i32, ptr, ptr, ptr, ptr) nounwind"},
    TN_MATH(MATH)
    {"float", "tn_pow_f32", "(float, float)" PURE},
    {"double", "tn_pow_f64", "(double, double)" PURE},
};
#undef MATH
#undef PURE

/// The names behind `prefix`, an `@` and more, that stand in a text.
std::set<std::string_view> names_in(std::string_view text, std::string_view prefix) {
  std::set<std::string_view> names;
  for (size_t at = text.find(prefix); at != text.npos; at = text.find(prefix, at + 1)) {
    const size_t end = text.find_first_of("(), \n", at);
    names.insert(text.substr(at, end - at));
  }
  return names;
}

/// Of the runtime's functions that `text` calls. LLVM knows its own (llvm.…).
std::string declarations(std::string_view text) {
  const std::set<std::string_view> called = names_in(text, "@tn_");
  std::string lines;
  for (const Declaration& d : kDeclarations)
    if (called.contains("@" + std::string(d.name)))
      lines += fmt::format("declare {} @{}{}\n", d.result, d.name, d.rest);
  return lines;
}

/// Those lines, each `@name = …`, whose name `text` has.
std::string constants_used(std::string_view lines, std::string_view text) {
  const std::set<std::string_view> names = names_in(text, "@");
  std::string used;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n') + 1);
    if (names.contains(line.substr(0, line.find(' ')))) used += line;
    lines.remove_prefix(line.size());
  }
  return used;
}

/// Of the functions that `text` calls, and has not got.
std::string declared_functions(const ModuleText& shared, std::string_view text) {
  std::string lines;
  for (const auto& [name, definition] : shared.functions())
    if (text.find(" " + name + "(") != text.npos && text.find(definition) == text.npos)
      lines += declaration(definition);
  return lines;
}

}  // namespace

std::string module_of(const ModuleText& shared, std::string_view functions) {
  std::string text = constants_used(shared.constants(), functions);
  if (!text.empty()) text += "\n";
  text += functions;
  text += declarations(functions);
  text += declared_functions(shared, functions);
  if (functions.find("!nontemporal !0") != functions.npos) text += "!0 = !{i32 1}\n";
  if (functions.find("!dbg !") != functions.npos) text += shared.debug->text();
  return text;
}

std::string declaration(std::string_view function) {
  constexpr std::string_view kDefine = "define ";
  const std::string_view head = function.substr(0, function.find(" {\n"));
  const std::string_view line = head.substr(0, head.find(" !dbg !"));
  return fmt::format("declare {}\n", line.substr(kDefine.size()));
}

}  // namespace tenon::backend
