#include "backend/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

namespace tenon::backend {

double Roofline::seconds(const ir::loops::Work& work) const {
  return std::max(work.flops / flops_per_second, work.bytes / bytes_per_second);
}

std::string profile_table(const std::vector<KernelFacts>& kernels, const runtime::Profile& profile,
                          const Roofline& roofline) {
  std::vector<size_t> order(kernels.size());
  std::iota(order.begin(), order.end(), 0);
  std::erase_if(order, [&](size_t k) { return profile.kernels[k].calls == 0; });
  std::ranges::stable_sort(order, std::greater(),
                           [&](size_t k) { return profile.kernels[k].nanoseconds; });
  double all = 0;
  for (const size_t k : order) all += static_cast<double>(profile.kernels[k].nanoseconds) * 1e-9;

  std::string text = fmt::format(
      "roofline on {} thread{}: {:.1f} GFLOP/s (f32), {:.1f} GB/s\n"
      "{:>11} {:>7} {:>8} {:>11} {:>11} {:>9} {:>8} {:>9}  kernel\n",
      roofline.threads, roofline.threads == 1 ? "" : "s", roofline.flops_per_second * 1e-9,
      roofline.bytes_per_second * 1e-9, "ms", "share", "calls", "MFLOP/call", "MB/call", "GFLOP/s",
      "GB/s", "of roof");
  for (const size_t k : order) {
    const auto& [calls, nanoseconds] = profile.kernels[k];
    const auto& [name, place, work] = kernels[k];
    const double seconds = std::max(static_cast<double>(nanoseconds) * 1e-9, 1e-9);
    const double flops = work.flops * static_cast<double>(calls),
                 bytes = work.bytes * static_cast<double>(calls);
    text += fmt::format(
        "{:>11.3f} {:>6.1f}% {:>8} {:>11.3f} {:>11.3f} {:>9.2f} {:>8.2f} {:>8.1f}%  @{}  {}\n",
        seconds * 1e3, 100 * seconds / std::max(all, 1e-9), calls, work.flops * 1e-6,
        work.bytes * 1e-6, flops / seconds * 1e-9, bytes / seconds * 1e-9,
        100 * roofline.seconds({flops, bytes}) / seconds, name, place);
  }
  return text;
}

std::string profile_trace(const std::vector<KernelFacts>& kernels, const runtime::Profile& profile) {
  using Json = nlohmann::ordered_json;
  Json events = Json::array();
  const int64_t start = profile.calls.empty() ? 0 : profile.calls.front().begin;
  const auto micros = [&](int64_t nanoseconds) { return static_cast<double>(nanoseconds) * 1e-3; };
  for (const auto& [kernel, begin, end] : profile.calls) {
    const KernelFacts& facts = kernels[static_cast<size_t>(kernel)];
    events.push_back({{"name", facts.name},
                      {"ph", "X"},
                      {"ts", micros(begin - start)},
                      {"dur", micros(end - begin)},
                      {"pid", 1},
                      {"tid", 1},
                      {"args",
                       {{"place", facts.place},
                        {"flop", facts.work.flops},
                        {"bytes", facts.work.bytes}}}});
  }
  return Json{{"displayTimeUnit", "ns"}, {"traceEvents", std::move(events)}}.dump(
             1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace tenon::backend
