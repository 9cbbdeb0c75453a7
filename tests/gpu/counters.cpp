#include "tests/gpu/counters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <stdexcept>

#include "tests/gpu/corpus.h"

namespace tenon::gpu_tests {
namespace {

constexpr double kSame = 0.01;  // relative; ncu adds up what its counters saw in several runs of a kernel

/// Fields of a line, as `"a","b ""c""",3`.
std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') fields.back() += line[++i];
    else if (line[i] == '"') quoted = !quoted;
    else if (line[i] == ',' && !quoted) fields.emplace_back();
    else if (line[i] != '\r') fields.back() += line[i];
  }
  return fields;
}

/// `1,024` and `12.5`.
std::optional<double> number_of(std::string text) {
  std::erase(text, ',');
  size_t end = 0;
  try {
    const double value = std::stod(text, &end);
    return end == text.size() && std::isfinite(value) ? std::optional(value) : std::nullopt;
  } catch (const std::exception&) {
    return {};
  }
}

constexpr std::string_view kColumns[] = {"ID", "Kernel Name", "Metric Name", "Metric Value"};

std::string ratio_text(double simulated, double counted) {
  return simulated == 0 ? "-" : fmt::format("{:.3f}", counted / simulated);
}

}  // namespace

std::vector<Counted> read_ncu(std::string_view csv) {
  std::vector<size_t> columns;
  std::vector<Counted> rows;
  while (!csv.empty()) {
    const std::string_view line = csv.substr(0, csv.find('\n'));
    csv.remove_prefix(std::min(line.size() + 1, csv.size()));
    const std::vector<std::string> fields = fields_of(line);
    if (columns.empty()) {
      if (fields[0] != kColumns[0]) continue;
      for (const std::string_view name : kColumns) {
        const auto column = std::ranges::find(fields, name);
        if (column == fields.end()) throw CorpusError(fmt::format("ncu's table has no column `{}`", name));
        columns.push_back(static_cast<size_t>(column - fields.begin()));
      }
      continue;
    }
    if (line.empty() || line.starts_with("==")) continue;
    if (fields.size() <= std::ranges::max(columns))
      throw CorpusError(fmt::format("ncu's table has a row without all columns: {}", line));
    const std::optional<double> launch = number_of(fields[columns[0]]), value = number_of(fields[columns[3]]);
    if (launch && value)  // else it is what this card does not count: n/a
      rows.push_back({static_cast<int64_t>(*launch), fields[columns[1]], fields[columns[2]], *value});
  }
  if (columns.empty()) throw CorpusError("ncu printed no table");
  return rows;
}

CounterTable compare(const std::vector<CountedLaunch>& launches, const std::vector<Counted>& counted) {
  std::map<std::pair<int64_t, std::string>, const Counted*> by_launch;
  for (const Counted& row : counted) by_launch.emplace(std::pair(row.launch, row.counter), &row);
  CounterTable table;
  for (size_t i = 0; i < launches.size(); ++i) {
    const runtime::Recording::Launch& launch = *launches[i].launch;
    for (const runtime::Recording::Count& count : launch.counts) {
      const auto found = by_launch.find({static_cast<int64_t>(i), count.counter});
      const auto simulated = static_cast<double>(count.value);
      if (found == by_launch.end()) {
        ++table.missing;
        continue;
      }
      // `main_0` or `main_0(…)`: in another order nothing can be compared.
      if (!found->second->kernel.starts_with(launch.kernel))
        throw CorpusError(fmt::format("launch {} is kernel {}, but ncu saw {}", i, launch.kernel,
                                      found->second->kernel));
      const double on_card = found->second->value;
      const bool same = std::abs(on_card - simulated) <= kSame * std::max(on_card, simulated);
      ++(same ? table.equal : table.differing);
      if (simulated == 0 && on_card == 0) continue;
      table.text += fmt::format("{:<32} {:<14} {:<58} {:>12} {:>12} {:>8}{}\n", launches[i].recording, launch.kernel,
                                count.counter, count.value, on_card, ratio_text(simulated, on_card),
                                same ? "" : "  differs");
    }
  }
  return table;
}

}  // namespace tenon::gpu_tests
