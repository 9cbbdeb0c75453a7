// The matcher: which rule applies to a term.
#pragma once
#include <array>
#include <optional>

#include "opt/rules/rule.h"
#include "opt/rules/terms.h"

namespace tenon::opt {

/// A rule and what its variables stand for, by their slots.
struct Match {
  const Rule* rule = nullptr;
  Term root = 0;
  ir::ExprId form;  ///< of its forms, the one that fits
  std::array<Term, kMaxVariables> terms{};
  std::array<std::optional<ir::Scalar>, kMaxVariables> constants;  ///< where that is a constant
  uint32_t saved = 0;  ///< operations that nobody needs once the rule has applied
  uint32_t bound = 0, constant_terms = 0;  ///< slots, as bits; those of terms that are constants
};

class Matcher {
 public:
  explicit Matcher(const RuleSet& rules);

  /// The first rule that applies to `root`, whose operands are in normal form.
  std::optional<Match> find(Terms& terms, Term root, bool strict) const;
  const RuleSet& rules() const { return rules_; }

 private:
  /// What the outermost operation of a term or a pattern is; kAny fits all.
  using Head = uint16_t;
  static constexpr Head kAny = 0;
  struct Entry {
    uint32_t rule;
    ir::ExprId form;
    std::array<Head, 3> operands{kAny, kAny, kAny};
  };
  static Head head(ir::ExprKind kind, ir::ScalarOp op);
  static size_t root_key(Head head, ir::DType type);
  Head head_of_pattern(ir::ExprId id) const;

  bool fits(Terms& terms, ir::ExprId pattern, Term term, Match& match) const;
  bool bind(Terms& terms, const Variable& variable, Term term, Match& match) const;
  bool applies(Terms& terms, Match& match) const;
  bool guard_holds(Terms& terms, Match& match) const;

  const RuleSet& rules_;
  std::vector<std::vector<Entry>> by_root_;
};

/// The compiler's own rules.
const Matcher& built_in_matcher();

}  // namespace tenon::opt
