// Schedules that the compiler chooses, and the panels that it wants of operands that stay.
#include "opt/loops/choose.h"
#include "opt/loops/panels.h"
#include "tests/unit/loop_nest.h"

namespace tenon::tests {
namespace {

/// The directives of the compiler's own choice on a machine with 32 registers of 64 bytes.
std::string chosen(const std::string& compute) {
  std::string text;
  const opt::loops::Machine machine = {.vector_bytes = 64, .vector_registers = 32};
  for (const ir::Directive& directive : opt::loops::choose(LoopNest(compute).kernel, machine, {}).schedule)
    text += print(directive) + "; ";
  return text;
}

}  // namespace

TEST_CASE("a subscript that no loop moves, or that another one moves irregularly, leaves rows what they are") {
  const std::string eight = "split j by 8 as jo, ji; order jo, k, ji; vectorize ji by 8; unroll ji; unroll k; ";
  CHECK(chosen("[i: 3, j: 8] { sum[k: 10](%x[k, 0] * %w[i / 2 + k, j]) }") == eight);
  CHECK(chosen("[i: 3, j: 8] { sum[k: 10](%w[%n[i], j] * %x[k, 0]) }") == "");  // may fail
  // A window over a padded plane, which is copied with its margin.
  CHECK(chosen("[c: 2, i: 48] { sum[m: 3](if i + m > 0 and i + m < 49 { %w[c, i + m - 1] } else { 0.0 } * "
               "%x[c, m]) }") ==
        "split i by 48 as io, ii; order io, m, ii; pack w at c_; vectorize w0 by 16; unroll w0; vectorize ii by 16; "
        "unroll ii; unroll m; ");
}

TEST_CASE("where the result has few columns its rows go into the lanes") {
  CHECK(chosen("[j: 50, i: 3] { sum[k: 12](%w[k, j] * %x[i, k]) }") ==
        "split i by 3 as io, ii; split j by 64 as jo, ji; order jo, io, ii, ji; order jo, io, k, ii, ji; "
        "vectorize ji by 16; unroll ji; unroll ii; ");
  CHECK(chosen("[j: 50, i: 20] { sum[k: 12](%w[k, j] * %x[i, k]) }") ==
        "split j by 25 as jo, ji; split i by 16 as io, ii; order io, jo, k, ji, ii; pack x at io; "
        "vectorize x1 by 16; vectorize ii by 16; unroll ii; unroll ji; ");
}

TEST_CASE("an operand in panels is read by tiles of their width, and not copied") {
  CHECK(chosen("[i: 20, j: 50] { sum[k: 12](%x[i, k] * %p[j / 32, k, j % 32]) }") ==
        "split i by 10 as io, ii; split j by 32 as jo, ji; order jo, io, k, ii, ji; vectorize ji by 16; unroll ji; "
        "unroll ii; ");
}

TEST_CASE("an operand that stays is wanted in panels as wide as the tile") {
  const opt::loops::Machine machine = {.vector_bytes = 64, .vector_registers = 32};
  const auto wanted = [&](const std::string& compute, std::string_view constant) {
    const LoopNest nest(compute);
    const auto panels = opt::loops::wanted_panels(nest.kernel, machine, [&](ir::ValueId value) {
      return nest.module.functions[0].value(value).name == constant;
    });
    return panels ? fmt::format("{} of {} along {}", panels->width, panels->turns, nest.kernel.loops[panels->lanes])
                  : "none";
  };
  CHECK(wanted(kProduct, "w") == "16 of 50 along j");
  CHECK(wanted(kProduct, "x") == "none");  // it is not read by vectors
  CHECK(wanted("[i: 20, j: 5] { sum[k: 12](%x[i, k] * %w[k, j]) }", "w") == "16 of 5 along j");
  CHECK(wanted("[j: 50, i: 3] { sum[k: 12](%w[k, j] * %x[i, k]) }", "w") == "64 of 50 along j");
  CHECK(wanted("[j: 50] { sum[k: 12](%v[k] * %w[k, j]) }", "w") == "none");  // each element is read once
  CHECK(wanted("[i: 20, j: 50] { sum[k: 12](%x[i, k] * (%w[k, j] + 1.0)) }", "w") == "none");
  CHECK(wanted("[i: 20, j: 50] { sum[k: 12](%x[i, k] * %p[j / 32, k, j % 32]) }", "p") == "none");
}

}  // namespace tenon::tests
