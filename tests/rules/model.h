// Small models of the scalar types, in which every value can be tried: integers of few bits, and
// floats of a few bits each for exponent and fraction, with subnormal numbers, both zeros,
// infinities and NaN. What an operation means is what runtime/scalar.cpp says, at that size.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "opt/rules/rule.h"

namespace tenon::tests {

/// An integer or bool in `i`, sign-extended, or a float in `f`.
struct Number {
  int64_t i = 0;
  double f = 0;
};

struct Domain {
  runtime::Kind kind = runtime::Kind::boolean;
  int width = 1;          ///< integer: bits
  int exponent_bits = 0;  ///< floating
  int fraction_bits = 0;

  static Domain integer(int width) { return {runtime::Kind::integer, width, 0, 0}; }
  static Domain floating(int exponent_bits, int fraction_bits) {
    return {runtime::Kind::floating, 1 + exponent_bits + fraction_bits, exponent_bits,
            fraction_bits};
  }
  std::vector<Number> values() const;  ///< all of them; one NaN
  std::string text() const;            ///< "8-bit integers", "1-4-3 floats"
  std::string text(Number value) const;
};

bool same(const Domain& domain, Number a, Number b);

/// A rule's expressions over small domains.
class Model {
 public:
  Model(const opt::RuleSet& rules, std::map<runtime::DType, Domain> domains)
      : rules_(rules), domains_(std::move(domains)) {}

  const Domain& domain(runtime::DType type) const { return domains_.at(type); }
  void set(uint32_t slot, Number value) { values_[slot] = value; }
  /// Nothing where it divides by zero. Throws std::logic_error for operations that have no model.
  std::optional<Number> evaluate(ir::ExprId id) const;

 private:
  std::optional<Number> apply(const ir::Expr& node, std::span<const Number> args) const;
  Number integer(const Domain& domain, runtime::ScalarOp op, std::span<const Number> args) const;
  Number floating(const Domain& domain, runtime::ScalarOp op, std::span<const Number> args) const;
  Number convert(const Domain& to, const Domain& from, Number value) const;

  const opt::RuleSet& rules_;
  std::map<runtime::DType, Domain> domains_;
  std::array<Number, opt::kMaxVariables> values_{};
};

}  // namespace tenon::tests
