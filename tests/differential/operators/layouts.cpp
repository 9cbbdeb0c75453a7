// What moves elements, and computes little.
#include "tests/differential/operators/operators.h"

namespace tenon::differential {

void Operators::elements() {
  choose_types();
  const Axes out = axes("i", 1, 4);
  std::string value = read(special_operand(shuffled(out)));
  for (size_t more = choices_.below(3); more > 0; --more) {
    static constexpr std::string_view kForms[] = {"{} + {}", "{} - {} * 2", "max({}, {})", "min({}, {})"};
    const std::string other = read(special_operand(chance(128) ? shuffled(out) : subset(out)));
    value = fmt::format(fmt::runtime(choices_.among(kForms)), value, other);
  }
  define(out, value);
}

void Operators::stencil() {
  choose_types();
  const Axes out = axes("i", 1, 3);
  Axes in = out;
  const bool has_margin = chance(128);
  if (!has_margin)
    for (Axis& each : in) each.extent += 2;
  const Tensor x = operand(in);
  std::string value;
  for (size_t point = 0, points = 2 + choices_.below(5); point < points; ++point) {
    std::vector<std::string> subscripts;
    for (const Axis& each : out) {
      const int64_t shift = between(0, 2) - (has_margin ? 1 : 0);
      subscripts.push_back(shift == 0 ? each.index : fmt::format("{} {} {}", each.index, shift < 0 ? '-' : '+', std::abs(shift)));
    }
    value += fmt::format("{}{} * {}", value.empty() ? "" : " + ", read(x, subscripts, has_margin ? " else " + zero() : ""),
                         between(1, 4));
  }
  define(out, value);
}

void Operators::slice() {
  choose_types();
  type_ = stored_;
  const Axes out = axes("i", 1, 3);
  Axes in = shuffled(out);
  std::vector<std::string> subscripts;
  std::vector<Tensor> ids;
  for (Axis& each : in) {
    const int64_t by = between(2, 4), last = each.extent - 1;
    switch (choices_.below(5)) {
      case 0: subscripts.push_back(each.index); break;
      case 1: subscripts.push_back(fmt::format("{} - {}", last, each.index)); break;
      case 2:
        subscripts.push_back(fmt::format("{} * {} + 1", each.index, by));
        each.extent = each.extent * by + 2;
        break;
      case 3: subscripts.push_back(fmt::format("({} + {}) % {}", each.index, by, std::max<int64_t>(each.extent, 1))); break;
      default: {
        const int64_t size = extent(64) + 1;
        subscripts.push_back(fmt::format("{}[{}]", subscripts_into(each, size).name, each.index));
        each.extent = size;
      }
    }
  }
  define(out, read(special_operand(in), subscripts));
}

/// Writes in a row of turns, each behind the one before.
void Operators::update() {
  choose_types();
  type_ = stored_;
  const Axis rows = axis("i"), columns = axis("j");
  const Tensor x = operand({rows, columns});
  if (chance(128)) {
    const Axis times = axis("n");
    const Tensor ids = subscripts_into(times, std::max<int64_t>(rows.extent, 1)), v = operand({times, columns});
    line("let y = scatter_add({}, {}, {});", x.name, ids.name, v.name);
  } else {
    line("var y = {};", x.name);
    line("for i in 1..{} {{", rows.extent);
    switch (choices_.below(3)) {
      case 0: line("  y[i, :] = {}[i - 1, :] - y[i - 1, :];", x.name); break;
      case 1: line("  if i % 3 == 1 {{ y[i, :] = y[{} - i, :]; }}", rows.extent); break;
      default: line("  y[:, i % {}] += {}(i % 5);", std::max<int64_t>(columns.extent, 1), text_of(type_));
    }
    line("}}");
  }
  result_ = {"y", type_, {rows, columns}, ""};
}

}  // namespace tenon::differential
