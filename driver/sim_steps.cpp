#include "driver/sim_steps.h"

#include <fmt/format.h>

#include <algorithm>

#include "driver/commands.h"

namespace tenon::driver {
namespace {

using runtime::sim::Step;

constexpr size_t kMostSteps = 100'000;
constexpr uint32_t kLanes = 32;

/// Without indentation and comment; what is in columns is one blank apart.
std::string plain(std::string_view line) {
  line = line.substr(0, line.find("//"));
  std::string result;
  for (const char c : line) {
    const bool blank = c == ' ' || c == '\t' || c == '\r';
    if (!blank)
      result += c;
    else if (!result.empty() && result.back() != ' ')
      result += ' ';
  }
  while (result.ends_with(' ')) result.pop_back();
  return result;
}

bool has(uint32_t mask, uint32_t lane) {
  return mask >> lane & 1;
}

std::string lanes_of(const Step& step) {
  std::string lanes;
  for (uint32_t lane = 0; lane < kLanes; ++lane)
    lanes += has(step.lanes, lane) ? '#' : has(step.here, lane) ? '-' : '.';
  return lanes;
}

std::string_view color(const Step& step, uint32_t lane) {
  return has(step.lanes, lane) ? "#2b6cb0" : has(step.here, lane) ? "#bcd4ec" : "#f0f0f0";
}

/// As `4` or nothing.
std::string number(uint64_t count) {
  return count == 0 ? std::string() : fmt::format("{}", count);
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else
      result += c;
  }
  return result;
}

}  // namespace

Steps::Steps(std::string_view ptx) {
  for (size_t at = 0; at <= ptx.size();) {
    const size_t end = std::min(ptx.find('\n', at), ptx.size());
    lines_.push_back(plain(ptx.substr(at, end - at)));
    at = end + 1;
  }
}

void Steps::add(const Step& step) {
  if (steps_.size() == kMostSteps)
    throw UsageError{fmt::format("--steps: there are more than {}; launch less", kMostSteps)};
  steps_.push_back(step);
}

std::string Steps::instruction(const Step& step) const {
  const size_t index = step.ptx_line - 1;
  return index < lines_.size() ? lines_[index] : std::string();
}

std::string Steps::text() const {
  std::string out = fmt::format("{:>5} {:>4} {:>4}  {:<32} {:>7} {:>6}\n", "block", "warp", "line",
                                "lanes 0 to 31", "sectors", "passes");
  for (const Step& step : steps_)
    out += fmt::format("{:>5} {:>4} {:>4}  {} {:>7} {:>6}  {}\n", step.block, step.warp,
                       step.ptx_line, lanes_of(step), number(step.sectors), number(step.wavefronts),
                       instruction(step));
  return out;
}

std::string Steps::svg() const {
  constexpr int kRow = 14, kCell = 10, kText = 420, kTop = 24, kCosts = 90;
  const int width = kText + static_cast<int>(kLanes) * kCell + kCosts;
  const int height = kTop + kRow * static_cast<int>(steps_.size()) + 8;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" font-family=\"monospace\" font-size=\"11\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      "<text x=\"8\" y=\"15\" font-weight=\"bold\">block.warp  line  instruction</text>\n"
      "<text x=\"{2}\" y=\"15\" font-weight=\"bold\">lanes 0 to 31</text>\n",
      width, height, kText);
  int y = kTop;
  for (const Step& step : steps_) {
    svg +=
        fmt::format("<text x=\"8\" y=\"{}\" xml:space=\"preserve\">{:>3}.{:<3} {:>4}  {}</text>\n",
                    y + 10, step.block, step.warp, step.ptx_line, escaped(instruction(step)));
    for (uint32_t lane = 0;
         lane < kLanes;) {  // a rectangle for all beside each other that are alike
      const uint32_t first = lane;
      while (lane < kLanes && color(step, lane) == color(step, first)) ++lane;
      svg += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n",
                         kText + static_cast<int>(first) * kCell, y + 1,
                         static_cast<int>(lane - first) * kCell, kRow - 2, color(step, first));
    }
    const std::string cost = step.sectors != 0      ? fmt::format("{} sectors", step.sectors)
                             : step.wavefronts != 0 ? fmt::format("{} passes", step.wavefronts)
                                                    : std::string();
    if (!cost.empty())
      svg += fmt::format("<text x=\"{}\" y=\"{}\">{}</text>\n",
                         kText + static_cast<int>(kLanes) * kCell + 8, y + 10, cost);
    y += kRow;
  }
  std::string between;
  for (uint32_t lane = 0; lane <= kLanes; ++lane)
    between += fmt::format("M{} {}V{}", kText + static_cast<int>(lane) * kCell, kTop, y);
  return svg + fmt::format("<path d=\"{}\" stroke=\"white\"/>\n</svg>\n", between);
}

}  // namespace tenon::driver
