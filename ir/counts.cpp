#include "ir/counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace tenon::ir {
namespace {

using Row = std::pair<std::string, int64_t>;

std::vector<Row> rows_of(const Counts& counts) {
  std::vector<Row> rows;
  for (size_t i = 0; i < counts.ops.size(); ++i)
    if (static_cast<Op>(i) != Op::constant) rows.emplace_back(kOps[i].text, counts.ops[i]);
  for (size_t i = 0; i < counts.scalar_ops.size(); ++i)
    rows.emplace_back(runtime::kScalarOps[i].text, counts.scalar_ops[i]);
  for (size_t i = 0; i < counts.reductions.size(); ++i)
    rows.emplace_back(fmt::format("{}[]", ast::text(static_cast<Reduction>(i))),
                      counts.reductions[i]);
  rows.emplace_back("read", counts.reads);
  rows.emplace_back("if", counts.ifs);
  rows.emplace_back("store", counts.stores);
  rows.emplace_back("check", counts.checks);
  rows.emplace_back("turn of a loop", counts.turns);
  std::erase_if(rows, [](const Row& row) { return row.second == 0; });
  std::ranges::stable_sort(rows, std::greater(), &Row::second);
  return rows;
}

}  // namespace

int flops_of(ScalarOp op, runtime::DType type) {
  if (!runtime::is_floating(type)) return 0;
  switch (op) {
    case ScalarOp::fma: return 2;
    case ScalarOp::add:
    case ScalarOp::sub:
    case ScalarOp::mul:
    case ScalarOp::div:
    case ScalarOp::min:
    case ScalarOp::max:
    case ScalarOp::sqrt:
    case ScalarOp::rsqrt: return 1;
    default: return 0;
  }
}

Counts& Counts::operator+=(const Counts& other) {
  const auto add = [](auto& to, const auto& from) {
    for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  add(ops, other.ops);
  add(scalar_ops, other.scalar_ops);
  add(reductions, other.reductions);
  reads += other.reads;
  ifs += other.ifs;
  stores += other.stores;
  checks += other.checks;
  turns += other.turns;
  flops += other.flops;
  for (auto [to, from] : {std::pair(&loaded, &other.loaded), std::pair(&stored, &other.stored)}) {
    to->elements += from->elements;
    to->bytes += from->bytes;
  }
  return *this;
}

int64_t Counts::instructions() const {
  int64_t sum = reads + ifs + stores + checks + turns - ops[static_cast<size_t>(Op::constant)];
  for (const int64_t count : ops) sum += count;
  for (const int64_t count : scalar_ops) sum += count;
  for (const int64_t count : reductions) sum += count;
  return sum;
}

std::string Counts::table() const {
  const int64_t total = instructions();
  std::string text = fmt::format("{:>14} {:>7}  {}\n", "executed", "share", "instruction");
  const auto line = [&](int64_t count, std::string_view name) {
    const double share = total == 0 ? 100.0 : 100.0 * static_cast<double>(count) / total;
    text += fmt::format("{:>14} {:>6.1f}%  {}\n", count, share, name);
  };
  for (const auto& [name, count] : rows_of(*this)) line(count, name);
  line(total, "total");
  text += fmt::format("{:>14} {:>14}  {}\n", "elements", "bytes", "of tensors");
  for (const auto& [traffic, name] : {std::pair(loaded, "loaded"), std::pair(stored, "stored")})
    text += fmt::format("{:>14} {:>14}  {}\n", traffic.elements, traffic.bytes, name);
  return text;
}

}  // namespace tenon::ir
