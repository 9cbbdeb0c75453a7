#include "driver/c_names.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>

#include "backend/backend.h"
#include "driver/session.h"

namespace tenon::driver {
namespace {

/// Why C cannot have a function of that name; empty if it can.
std::string problem_with(const std::string& name) {
  const auto words = backend::c_reserved_words();
  if (std::ranges::find(words, name) != words.end()) return "is a word of C or C++";
  if (name == "main") return "is where a C program starts";
  if (name.starts_with("tn_") || name.starts_with("tenon_")) return "may be Tenon's own";
  // Whoever else calls that function would call the library's instead.
  if (dlsym(RTLD_DEFAULT, name.c_str()) != nullptr) return "is a function of the C library";
  return "";
}

}  // namespace

void check_exported_names(const ir::Module& module) {
  if (std::ranges::all_of(module.functions, [](const auto& f) { return f.exported.empty(); }))
    throw UsageError{"a library needs functions, and none is marked `exported`"};
  for (const ir::Function& function : module.functions) {
    const std::string& name = function.exported;
    const std::string problem = name.empty() ? "" : problem_with(name);
    if (problem.empty()) continue;
    throw UsageError{
        fmt::format("a library cannot offer `{0}`, which {1}; give it another name: "
                    "--export NAME={0}",
                    name, problem)};
  }
}

}  // namespace tenon::driver
