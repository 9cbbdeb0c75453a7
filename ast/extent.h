// Extents: integer expressions over dimension parameters, kept as polynomials in normal form, so
// that two extents agree just when they are ==.
//
// `N * 2 + N` and `3 * N` are one polynomial. Division and remainder do not distribute, so `N / 2`
// is an atom of its own, named by its printed form: `N / 2 * 2` is not `N` (rulings.md).
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tenon::ast {

class Extent {
 public:
  Extent(int64_t constant = 0);
  static Extent parameter(const std::string& name);

  /// The value, where no parameter is left.
  std::optional<int64_t> constant() const;
  /// The value of an extent of an instantiated function; must be constant().
  int64_t value() const;

  bool operator==(const Extent&) const = default;
  std::string text() const;  ///< `2*N + 1`

  /// Nothing on overflow of i64, on division by zero, or when the result is larger than kMaxSize:
  /// its terms, their atoms and the letters of these. (A chain of calls can square an extent over
  /// and over.)
  static constexpr size_t kMaxSize = 4096;
  static std::optional<Extent> add(const Extent& a, const Extent& b);
  static std::optional<Extent> sub(const Extent& a, const Extent& b);
  static std::optional<Extent> mul(const Extent& a, const Extent& b);
  static std::optional<Extent> div(const Extent& a, const Extent& b);
  static std::optional<Extent> mod(const Extent& a, const Extent& b);

 private:
  // [snippet terms]
  /// Atoms of a product in sorted order, repeated for powers; the empty one carries the constant.
  using Monomial = std::vector<std::string>;
  std::map<Monomial, int64_t> terms_;  ///< no zero coefficients
  // [end]

  static std::optional<Extent> bounded(Extent e);
  static std::optional<Extent> atom(const Extent& a, const Extent& b, char op);
};

}  // namespace tenon::ast
