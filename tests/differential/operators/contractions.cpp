// Sums of products.
#include "tests/differential/operators/operators.h"

namespace tenon::differential {

namespace {

Axes together(std::initializer_list<Axes> parts) {
  Axes all;
  for (const Axes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

void Operators::product() {
  choose_types();
  const Axes k = axes("k", 1, chance(64) ? 2 : 1), i = axes("i", chance(32) ? 0 : 1, chance(32) ? 2 : 1);
  const Axes j = axes("j", chance(64) ? 0 : 1, chance(32) ? 2 : 1), batch = axes("b", 0, chance(96) ? 1 : 0);
  const Axes left = together({batch, i, k}), right = together({chance(128) ? batch : Axes{}, k, j});
  const Tensor x = operand(chance(128) ? shuffled(left) : left), w = operand(chance(128) ? shuffled(right) : right);
  Axes out = together({batch, i, j});
  if (chance(64)) out = shuffled(out);
  define(out, finished(fmt::format("sum[{}] {} * {}", bounds(k), read(x), read(w)), out));
}

void Operators::gram() {
  choose_types();
  const Axes k = axes("k", 1, 1);
  const Axis i = axis("i"), j{"j", i.extent};
  work_ *= std::max<int64_t>(j.extent, 1);
  const Tensor x = operand(shuffled({i, k[0]}));
  Tensor other = x;
  for (Axis& each : other.axes)
    if (each.index == "i") each.index = "j";
  define({i, j}, finished(fmt::format("sum[{}] {} * {}", bounds(k), read(x), read(other)), {i, j}));
}

/// Between two steps everything becomes small again.
void Operators::steps() {
  choose_types();
  type_ = stored_;
  work_ *= 3;
  const Axis i = axis("i"), k = axis("k", 48), j{"j", k.extent};
  work_ *= std::max<int64_t>(j.extent, 1);
  const Tensor x = operand({i, k}), w = operand(chance(128) ? Axes{k, j} : Axes{j, k});
  line("var y = {};", x.name);
  line("for step in 0..3 {{");
  line("  let z[{}] = sum[{}] y[i, k] * {};", bounds({i, j}), bounds({k}), read(w));
  line("  y = clamp(z, {0}(-3), {0}(3));", text_of(type_));
  line("}}");
  result_ = {"y", type_, {i, j}, ""};
}

// ---- windows

/// One axis along which a window slides: `i * 2 + p - 1`.
struct Operators::Window {
  Axis out, at, in;
  int64_t step, hole, margin;
  std::string subscript() const {
    std::string text = out.index;
    if (step > 1) text += fmt::format(" * {}", step);
    text += hole > 1 ? fmt::format(" + {} * {}", at.index, hole) : fmt::format(" + {}", at.index);
    return margin > 0 ? fmt::format("{} - {}", text, margin) : text;
  }
};

Operators::Window Operators::window(std::string_view out, std::string_view at, bool may_pad) {
  Window made{axis(out), axis(at, 5), {}, 1, 1, 0};
  if (chance(80)) made.step = between(2, 3);
  if (chance(32)) made.hole = 2;
  if (may_pad && chance(96)) made.margin = between(1, 2);
  const int64_t reach = (made.out.extent - 1) * made.step + (made.at.extent - 1) * made.hole + 1;
  const int64_t spare = chance(64) ? between(0, made.step) : 0;
  made.in = {"", std::max<int64_t>(reach - 2 * made.margin + spare, 1)};
  return made;
}

std::vector<Operators::Window> Operators::windows(bool may_pad) {
  static constexpr std::string_view kOut[] = {"i", "j", "l"}, kAt[] = {"p", "q", "r"};
  std::vector<Window> all;
  const size_t rank = chance(160) ? 2 : chance(32) ? 3 : 1;
  for (size_t at = 0; at < rank; ++at) all.push_back(window(kOut[at], kAt[at], may_pad));
  return all;
}

/// Channels stand before the windows or behind them.
void Operators::convolution() {
  choose_types();
  const std::vector<Window> all = windows(true);
  const bool by_channel = chance(80), channels_last = chance(64), turned = chance(48);
  const Axes batch = axes("n", 0, chance(64) ? 1 : 0);
  const Axis c = axis("c"), o = by_channel ? c : axis("o");
  Axes in = batch, out = batch, weight = by_channel ? Axes{c} : Axes{o, c}, reduced = by_channel ? Axes{} : Axes{c};
  std::vector<std::string> from, of;
  for (const Axis& each : batch) from.push_back(each.index);
  for (const Axis& each : weight) of.push_back(each.index);
  const auto channels = [&] {
    in.push_back(c), out.push_back(o), from.push_back(c.index);
  };
  if (!channels_last) channels();
  bool has_margin = false;
  for (const Window& each : all) {
    in.push_back(each.in), out.push_back(each.out), weight.push_back(each.at), reduced.push_back(each.at);
    from.push_back(each.subscript());
    of.push_back(turned ? fmt::format("{} - {}", each.at.extent - 1, each.at.index) : each.at.index);
    has_margin |= each.margin > 0;
  }
  if (channels_last) channels();
  const Tensor x = operand(in), w = operand(weight);
  const std::string margin = has_margin ? " else " + zero() : "";
  define(out, finished(fmt::format("sum[{}] {} * {}", bounds(reduced), read(x, from, margin), read(w, of)), out));
}

void Operators::pool() {
  static constexpr std::string_view kOver[] = {"max", "min", "sum"};
  choose_types();
  const std::string_view over = choices_.among(kOver);
  const std::vector<Window> all = windows(true);
  Axes in = axes("c", 0, 2), out = in, reduced;
  std::vector<std::string> from;
  for (const Axis& each : in) from.push_back(each.index);
  bool has_margin = false;
  for (const Window& each : all) {
    in.push_back(each.in), out.push_back(each.out), reduced.push_back(each.at);
    from.push_back(each.subscript());
    has_margin |= each.margin > 0;
  }
  const Tensor x = over == "sum" ? operand(in) : special_operand(in);
  define(out, fmt::format("{}[{}] {}", over, bounds(reduced), read(x, from, has_margin ? " else " + zero() : "")));
}

}  // namespace tenon::differential
