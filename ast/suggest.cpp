// "did you mean …?": hints at the known name that is nearest to an unknown one.
#include <algorithm>

#include "ast/checker.h"
#include "runtime/nearest.h"

namespace tenon::ast {

namespace {

struct ForeignType {
  std::string_view theirs, ours;
};
constexpr ForeignType kForeignTypes[] = {
    {"int", "i32"},      {"long", "i64"},    {"int8", "i8"},     {"int32", "i32"},
    {"int64", "i64"},    {"float", "f32"},   {"double", "f64"},  {"float16", "f16"},
    {"half", "f16"},     {"float32", "f32"}, {"float64", "f64"}, {"bfloat16", "bf16"},
    {"boolean", "bool"},
};

}  // namespace

void suggest(Diagnostic& d, std::string_view name, Span span,
             const std::vector<std::string>& known) {
  const auto [best, certain] = runtime::guess(name, known);
  if (best.empty()) return;
  std::vector<lexer::Edit> edits;
  if (certain) edits.push_back({span, best});
  d.hint(fmt::format("did you mean {}?", quoted(best)), std::move(edits));
}

std::string_view type_called(std::string_view name) {
  auto it = std::ranges::find(kForeignTypes, name, &ForeignType::theirs);
  return it == std::end(kForeignTypes) ? "" : it->ours;
}

}  // namespace tenon::ast
