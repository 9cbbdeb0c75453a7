// Schedules as data: how a nest is to be changed, one directive after the other.
//
//   split i by 6 as io, ii;  split j by 32 as jo, ji;  order jo, io, k, ii, ji;
//   vectorize ji by 16;  unroll ji;  unroll ii;  parallel jo;
//
// Directives name loops; one that a nest holds several times (a split leaves a tail behind) is
// changed wherever it stands. What each does, and when it is refused, its file in opt/loops says.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::ir {

enum class DirectiveKind : uint8_t {
#define DIRECTIVE(name, form, meaning) name##_,
#include "ast/directives.def"
};

struct Directive {
  DirectiveKind kind;
  std::vector<std::string> loops = {};  ///< that are there
  std::vector<std::string> made = {};   ///< names for new ones
  int64_t factor = 0;                   ///< 0: none is given
  std::string operand = {};             ///< a buffer's name: of pack and prefetch

  bool operator==(const Directive&) const = default;
};

using Schedule = std::vector<Directive>;

/// The word that it is written with.
std::string_view name(DirectiveKind kind);
/// `split i by 8 as io, ii`, as in the language.
std::string print(const Directive& directive);

}  // namespace tenon::ir
