#include "ir/linear.h"

namespace tenon::ir {

std::optional<Linear> add(const Linear& a, int64_t factor, const Linear& b) {
  bool wraps = false;
  auto multiply_add = [&](int64_t x, int64_t y) {
    int64_t product = 0, sum = 0;
    wraps |=
        __builtin_mul_overflow(factor, y, &product) || __builtin_add_overflow(x, product, &sum);
    return sum;
  };
  Linear result{{}, multiply_add(a.constant, b.constant)};
  auto left = a.terms.begin();
  auto right = b.terms.begin();
  while (left != a.terms.end() || right != b.terms.end()) {
    const bool from_left =
        right == b.terms.end() || (left != a.terms.end() && left->first <= right->first);
    const bool from_right =
        left == a.terms.end() || (right != b.terms.end() && right->first <= left->first);
    const ExprId id = from_left ? left->first : right->first;
    const int64_t sum = multiply_add(from_left ? left->second : 0, from_right ? right->second : 0);
    if (sum != 0) result.terms.emplace_back(id, sum);
    if (from_left) ++left;
    if (from_right) ++right;
  }
  if (wraps) return std::nullopt;
  return result;
}

}  // namespace tenon::ir
