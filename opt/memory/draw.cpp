#include "opt/memory/draw.h"

#include <fmt/format.h>

#include <algorithm>

namespace tenon::opt::memory {
namespace {

using namespace ir;

constexpr int64_t kColumns = 56;  ///< of the time line, at most

/// Those with something to say, in the order of the module.
std::vector<FuncId> functions_of(const Module& module, const MemoryPlan& plan) {
  std::vector<FuncId> found;
  for (uint32_t f = 0; f < module.functions.size(); ++f)
    if (!plan.of({f}).held.empty() || !plan.of({f}).left.empty()) found.push_back({f});
  return found;
}

std::string name_of(const Module& module, const Function& function, const Held& held) {
  return held.value ? "%" + function.value(held.value).name
                    : "frame of @" + module.function(held.callee).name;
}

std::string head_of(const Function& function, const FunctionPlan& plan) {
  if (plan.frame_bytes == 0) return fmt::format("memory @{}: no frame", function.name);
  const double share =
      100.0 * static_cast<double>(plan.frame_bytes - plan.live_bytes) / static_cast<double>(plan.live_bytes);
  return fmt::format("memory @{}: a frame of {} bytes; at most {} are live at once (+{:.1f}%)",
                     function.name, plan.frame_bytes, plan.live_bytes, share);
}

/// From low to high, then from left to right.
std::vector<Held> sorted(const FunctionPlan& plan) {
  std::vector<Held> all = plan.held;
  std::ranges::stable_sort(
      all, {}, [](const Held& h) { return std::pair(h.offset, h.piece.needed.front().first); });
  return all;
}

/// One character for `scale` steps.
std::string bar(const Piece& piece, int64_t steps, int64_t scale) {
  std::string text;
  for (int64_t from = 0; from < steps; from += scale)
    text += common(piece.needed, {{2 * from, 2 * (from + scale)}}).empty() ? '.' : '#';
  return text;
}

std::string draw(const Module& module, FuncId id, const FunctionPlan& plan) {
  const Function& function = module.function(id);
  std::string text = head_of(function, plan) + "\n";
  const int64_t scale = (plan.steps + kColumns - 1) / kColumns;
  if (!plan.held.empty())
    text += fmt::format("{:>12} {:>12}  {} steps{}\n", "offset", "bytes", plan.steps,
                        scale > 1 ? fmt::format(", {} to a column", scale) : "");
  for (const Held& held : sorted(plan))
    text += fmt::format("{:>12} {:>12} |{}| {}\n", held.offset, held.piece.bytes,
                        bar(held.piece, plan.steps, scale), name_of(module, function, held));
  for (const Left& left : plan.left)
    text += fmt::format("{:>12} {:>12}  %{}: {}\n", "runtime", left.bytes,
                        function.value(left.value).name, memory::text(left.why));
  return text;
}

// ---- SVG

constexpr double kWidth = 900, kHeight = 360, kLeft = 20, kHead = 30;

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text)
    result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  return result;
}

/// The rectangles of one function, with `top` pixels above them.
std::string picture(const Module& module, FuncId id, const FunctionPlan& plan, double top) {
  const Function& function = module.function(id);
  std::string svg = fmt::format("<text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>\n", kLeft,
                                top + 18, escaped(head_of(function, plan)));
  if (plan.frame_bytes == 0) return svg;
  const double x = kWidth / static_cast<double>(std::max<int64_t>(2 * plan.steps, 1));
  const double y = kHeight / static_cast<double>(plan.frame_bytes);
  int number = 0;
  for (const Held& held : sorted(plan)) {
    const std::string name = escaped(name_of(module, function, held));
    const double height = y * static_cast<double>(held.piece.bytes);
    const double above = top + kHead + kHeight - y * static_cast<double>(held.offset) - height;
    svg += fmt::format("<g fill=\"hsl({}, 55%, 78%)\" stroke=\"#444\" stroke-width=\"0.5\">"
                       "<title>{}: {} bytes at {}</title>",
                       47 * number++ % 360, name, held.piece.bytes, held.offset);
    for (const auto& [first, end] : held.piece.needed)
      svg += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>",
                         kLeft + x * static_cast<double>(first), above,
                         x * static_cast<double>(end - first), height);
    svg += "</g>\n";
    if (height >= 12)
      svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                         kLeft + x * static_cast<double>(held.piece.needed.front().first) + 3,
                         above + 11, name);
  }
  return svg;
}

}  // namespace

std::string draw(const Module& module, const MemoryPlan& plan) {
  std::string text;
  for (const FuncId id : functions_of(module, plan))
    text += (text.empty() ? "" : "\n") + draw(module, id, plan.of(id));
  return text.empty() ? "no tensor needs memory but on the stack or where a caller wants it\n" : text;
}

std::string draw_svg(const Module& module, const MemoryPlan& plan) {
  std::string pictures;
  double top = 0;
  for (const FuncId id : functions_of(module, plan)) {
    pictures += picture(module, id, plan.of(id), top);
    top += plan.of(id).frame_bytes == 0 ? kHead : kHead + kHeight + kLeft;
  }
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"sans-serif\" font-size=\"11\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{2}</svg>\n",
      kWidth + 2 * kLeft, top + kLeft, pictures);
}

}  // namespace tenon::opt::memory
