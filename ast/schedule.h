// Schedules as data: how a nest is to be changed, one directive after the other.
//
//   split i by 6 as io, ii;  split j by 32 as jo, ji;  order jo, io, k, ii, ji;
//   vectorize ji by 16;  unroll ji;  unroll ii;  parallel jo;
//
// Directives name loops; one that a nest holds several times (a split leaves a tail behind) is
// changed wherever it stands. What each does, and when it is refused, its file in opt/loops says.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ast/tree.h"

namespace tenon::ast::typed {

enum class DirectiveKind : uint8_t {
#define DIRECTIVE(name, form, target, meaning) name##_,
#include "ast/directives.def"
};

/// What runs a nest that a directive is about: elsewhere it is left out.
enum class DirectiveTarget : uint8_t { any, cpu, gpu };

struct DirectiveRow {
  std::string_view name, form;
  DirectiveTarget target;
  std::string_view meaning;
};
inline constexpr DirectiveRow kDirectives[] = {
#define DIRECTIVE(name, form, target, meaning) {#name, form, DirectiveTarget::target, meaning},
#include "ast/directives.def"
};
constexpr const DirectiveRow& row(DirectiveKind kind) { return kDirectives[static_cast<size_t>(kind)]; }

struct Directive {
  DirectiveKind kind;
  std::vector<std::string> loops = {};  ///< that are there
  std::vector<std::string> made = {};   ///< names for new ones
  int64_t factor = 0;                   ///< 0: none is given
  std::string operand = {};             ///< a buffer's name: of pack, prefetch, pad and at
  Span span = {};                       ///< where it was read

  /// Wherever they were read.
  bool operator==(const Directive& other) const;
};

using Schedule = std::vector<Directive>;

/// A schedule and the definition that it is for: the one that carries it, or the one that `path` leads
/// to, a function's name and those of definitions from call to call.
struct PlacedSchedule {
  std::vector<Name> path;
  Schedule directives;
  Span span;
};

/// `split i by 8 as io, ii`, as in the language.
std::string print(const Directive& directive);
/// What print() gives; nothing, and what is wrong, if it is no directive (match_directive.cpp).
std::optional<Directive> parse_directive(std::string_view text, Span span, std::string* mistake);
/// As it is written, by its row: `split loop by factor as new, new`.
std::string form_of(const DirectiveRow& row);
/// What the loop over an axis of an operand's copy is called: `w0`; of a field, `layer.w`, `layer_w0`.
std::string copy_loop(std::string_view operand, size_t axis);

}  // namespace tenon::ast::typed
