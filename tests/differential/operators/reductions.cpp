// Reductions that are no sums of products.
#include "tests/differential/operators/operators.h"

namespace tenon::differential {

/// `k: 9`, a part of it, or up to where the index of the result stands.
std::string Operators::range(const Axis& axis, const Axes& out) {
  if (chance(160) || axis.extent == 0) return bounds({axis});
  const int64_t from = between(0, axis.extent - 1);
  if (out.empty() || chance(128)) return fmt::format("{}: {}..{}", axis.index, from, between(from + 1, axis.extent));
  return fmt::format("{}: 0..{} % {} + 1", axis.index, out.back().index, axis.extent);
}

void Operators::reduction() {
  static constexpr std::string_view kOver[] = {"sum", "max", "min", "any", "all", "prod"};
  std::string_view over = choices_.among(kOver);
  choose_types();
  if (runtime::is_floating(type_) && over == "prod") over = "sum";
  const bool logical = over == "any" || over == "all";
  const Axes all = axes("i", 1, 4);
  Axes out, reduced;
  for (const Axis& each : all) (chance(128) ? out : reduced).push_back(each);
  if (reduced.empty()) reduced.push_back(out.back()), out.pop_back();
  std::vector<std::string> ranges;
  for (const Axis& each : reduced) ranges.push_back(range(each, out));
  const Axes in = chance(96) ? shuffled(all) : all;
  std::string body = read(over == "sum" || over == "prod" ? operand(in) : special_operand(in));
  if (logical) body = fmt::format("({} {} {})", body, over == "any" ? ">" : "<", between(0, 9));
  if (!logical && over != "prod" && chance(64)) body = fmt::format("abs({}) - {}", body, read(operand(subset(all))));
  if (!logical) body = fmt::format("({})", body);
  if (logical) type_ = DType::bool_;
  define(out, fmt::format("{}[{}] {}", over, fmt::join(ranges, ", "), body));
}

void Operators::place() {
  choose_types();
  const Axis k = axis("k");
  const Axes out = axes("i", 0, 2);
  Axes in = out;
  in.push_back(k);
  const std::string value = read(special_operand(chance(128) ? shuffled(in) : in));
  type_ = DType::i64;
  define(out, fmt::format("{}[{}] {}", chance(128) ? "argmin" : "argmax", range(k, out), value));
}

void Operators::rows() {
  choose_types(false);
  const Axes outer = axes("i", 1, 2);
  const Axis j = axis("j");
  Axes all = outer;
  all.push_back(j);
  const Tensor x = operand(all);
  const std::string over = bounds({j}), value = read(x), head = bounds(outer), at = indices(outer);
  line("let top[{}] = max[{}] {};", head, over, value);
  line("let part[{}, {}] = ({} - top[{}]) * ({} + 1);", head, over, value, at, value);
  line("let total[{}] = sum[{}] part[{}, j];", head, over, at);
  define(all, fmt::format("part[{0}, j] * 2 - total[{0}] + {1}", at, value));
}

}  // namespace tenon::differential
