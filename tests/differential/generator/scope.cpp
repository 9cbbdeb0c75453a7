#include "tests/differential/generator/scope.h"

#include <fmt/format.h>

#include <algorithm>

namespace tenon::differential {

Extent extent(int value) {
  return {fmt::format("{}", value), value, true};
}

std::string joined(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string Type::text() const {
  std::vector<std::string> extents;
  for (const Extent& each : shape) extents.push_back(each.text);
  const std::string_view name = runtime::row(element).text;
  return extents.empty() ? std::string(name) : fmt::format("{}[{}]", name, joined(extents));
}

bool is_known(const Shape& shape) {
  return std::ranges::all_of(shape, [](const Extent& each) { return each.known; });
}

int count(const Shape& shape) {
  int product = 1;
  for (const Extent& each : shape) product *= each.least;
  return product;
}

bool Function::scalars_only() const {
  return results.size() == 1 && results[0].is_scalar() &&
         std::ranges::all_of(params, [](const Type& type) { return type.is_scalar(); });
}

}  // namespace tenon::differential
