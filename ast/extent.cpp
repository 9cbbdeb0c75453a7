#include "ast/extent.h"

#include <algorithm>
#include <stdexcept>

namespace tenon::ast {

namespace {

/// Division that rounds toward minus infinity, and its remainder, as the language's integers do.
int64_t floor_div(int64_t a, int64_t b) {
  int64_t q = a / b;
  return a % b != 0 && (a % b < 0) != (b < 0) ? q - 1 : q;
}

}  // namespace

Extent::Extent(int64_t constant) {
  if (constant != 0) terms_[{}] = constant;
}

Extent Extent::parameter(const std::string& name) {
  Extent e;
  e.terms_[{name}] = 1;
  return e;
}

std::optional<int64_t> Extent::constant() const {
  if (terms_.empty()) return 0;
  if (terms_.size() == 1 && terms_.begin()->first.empty()) return terms_.begin()->second;
  return std::nullopt;
}

int64_t Extent::value() const {
  if (auto c = constant()) return *c;
  throw std::logic_error("the extent " + text() + " is not a number yet");
}

std::string Extent::text() const {
  std::string out;
  auto add = [&](const Monomial& monomial, int64_t coefficient) {
    bool negative = coefficient < 0;
    if (!out.empty())
      out += negative ? " - " : " + ";
    else if (negative)
      out += "-";
    std::string magnitude = std::to_string(coefficient);
    if (negative) magnitude.erase(0, 1);
    std::string product = monomial.empty() || magnitude != "1" ? magnitude : "";
    for (const std::string& atom : monomial) product += (product.empty() ? "" : "*") + atom;
    out += product;
  };
  for (auto& [monomial, coefficient] : terms_)
    if (!monomial.empty()) add(monomial, coefficient);
  if (auto it = terms_.find({}); it != terms_.end()) add({}, it->second);
  return out.empty() ? "0" : out;
}

std::optional<Extent> Extent::bounded(Extent e) {
  std::erase_if(e.terms_, [](auto& term) { return term.second == 0; });
  size_t size = 0;
  for (auto& [monomial, coefficient] : e.terms_) {
    size += 1 + monomial.size();
    for (const std::string& atom : monomial) size += atom.size();
  }
  return size <= kMaxSize ? std::optional(std::move(e)) : std::nullopt;
}

std::optional<Extent> Extent::add(const Extent& a, const Extent& b) {
  Extent sum = a;
  for (auto& [monomial, coefficient] : b.terms_) {
    int64_t& total = sum.terms_[monomial];
    if (__builtin_add_overflow(total, coefficient, &total)) return std::nullopt;
  }
  return bounded(std::move(sum));
}

std::optional<Extent> Extent::sub(const Extent& a, const Extent& b) {
  auto negated = mul(b, Extent(-1));
  return negated ? add(a, *negated) : std::nullopt;
}

// [snippet mul]
std::optional<Extent> Extent::mul(const Extent& a, const Extent& b) {
  if (a.terms_.size() * b.terms_.size() > kMaxSize) return std::nullopt;
  Extent product;
  for (auto& [ma, ca] : a.terms_) {
    for (auto& [mb, cb] : b.terms_) {
      Monomial monomial = ma;
      monomial.insert(monomial.end(), mb.begin(), mb.end());
      std::sort(monomial.begin(), monomial.end());
      int64_t coefficient;
      if (__builtin_mul_overflow(ca, cb, &coefficient)) return std::nullopt;
      int64_t& sum = product.terms_[monomial];
      if (__builtin_add_overflow(sum, coefficient, &sum)) return std::nullopt;
    }
  }
  return bounded(std::move(product));
}
// [end]

std::optional<Extent> Extent::atom(const Extent& a, const Extent& b, char op) {
  auto operand = [](const Extent& e) {
    bool lone = e.terms_.size() == 1 && e.terms_.begin()->first.size() == 1 &&
                e.terms_.begin()->second == 1;
    bool plain = lone || e.constant().value_or(-1) >= 0;
    return plain ? e.text() : "(" + e.text() + ")";
  };
  return bounded(parameter("(" + operand(a) + " " + op + " " + operand(b) + ")"));
}

std::optional<Extent> Extent::div(const Extent& a, const Extent& b) {
  auto x = a.constant(), y = b.constant();
  if (y == 0) return std::nullopt;
  if (x && y) return *y == -1 ? sub(Extent(), a) : Extent(floor_div(*x, *y));
  return y == 1 ? std::optional(a) : atom(a, b, '/');
}

std::optional<Extent> Extent::mod(const Extent& a, const Extent& b) {
  auto x = a.constant(), y = b.constant();
  if (y == 0) return std::nullopt;
  if (x && y) return *y == -1 ? Extent() : Extent(*x - floor_div(*x, *y) * *y);
  return y == 1 ? std::optional(Extent()) : atom(a, b, '%');
}

}  // namespace tenon::ast
