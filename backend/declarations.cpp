#include "backend/declarations.h"

#include <algorithm>
#include <set>

#include "runtime/abi.h"

namespace tenon::backend {
namespace {

/// runtime/abi.h as LLVM declares it: before the name, the name, and behind it.
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
    {"void", "tn_fail", "(ptr, i32, i32, i64, i64, ptr) nounwind cold"},
    {"void", "tn_print_text", "(ptr, ptr, i64) nounwind"},
    {"void", "tn_print_int", "(ptr, i32, i64) nounwind"},
    {"void", "tn_print_float", "(ptr, i32, double) nounwind"},
    {"void", "tn_print_tensor", "(ptr, i32, i32, ptr, ptr) nounwind"},
    {"void", "tn_print_end", "(ptr) nounwind"},
    {"ptr", "tn_load", "(ptr, i32, ptr, ptr, i32, i32, ptr) nounwind"},
    {"void", "tn_write", "(ptr, ptr, i64) nounwind"},
    {"i32", "tn_save", "(ptr, i32, ptr, i32, i32, ptr, ptr) nounwind"},
    TN_MATH(MATH)
    {"float", "tn_pow_f32", "(float, float)" PURE},
    {"double", "tn_pow_f64", "(double, double)" PURE},
};
#undef MATH
#undef PURE

/// Of the runtime's functions that `text` calls. LLVM knows its own (llvm.…).
std::string declarations(std::string_view text) {
  std::set<std::string_view> called;
  constexpr std::string_view prefix = " @tn_";
  for (size_t at = text.find(prefix); at != text.npos; at = text.find(prefix, at + 1)) {
    const size_t name = at + 2, end = std::min(text.find('(', name), text.size());
    called.insert(text.substr(name, end - name));
  }
  std::string lines;
  for (const Declaration& d : kDeclarations)
    if (called.contains(d.name))
      lines += fmt::format("declare {} @{}{}\n", d.result, d.name, d.rest);
  return lines;
}

}  // namespace

std::string module_of(const ModuleText& shared, std::string_view functions) {
  std::string text = shared.constants();
  if (!text.empty()) text += "\n";
  text += functions;
  text += declarations(functions);
  if (functions.find("!nontemporal !0") != functions.npos) text += "!0 = !{i32 1}\n";
  return text;
}

}  // namespace tenon::backend
