// Directives on loop nests: what each makes of a nest, and what it refuses with which dependence.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ir/text.h"
#include "ir/verify.h"
#include "opt/loops/choose.h"
#include "opt/loops/nest.h"
#include "opt/loops/panels.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

using namespace ir::loops;
using ir::DirectiveKind;
using opt::loops::Mode;

/// The nest of the one compute in a function with these tensors: %x: f32[20, 12], %w: f32[12, 50],
/// %v: f32[200], %n: i64[200], %p: f32[2, 12, 32].
struct Nest {
  ir::Module module;
  Kernel kernel;

  explicit Nest(const std::string& compute) {
    lexer::SourceMap sources;
    lexer::Diagnostics diagnostics;
    const std::string text = fmt::format(
        "func @f(%x: f32[20, 12], %w: f32[12, 50], %v: f32[200], %n: i64[200], %p: f32[2, 12, 32]) "
        "{{\nentry:\n"
        "  %out = compute {}\n  ret\n}}\n",
        compute);
    module = ir::parse(sources, sources.add("test.ir", text), diagnostics);
    for (const lexer::Diagnostic& d : diagnostics.all()) FAIL_CHECK(lexer::render(d, sources));
    for (const ir::Violation& v : ir::verify(module)) FAIL_CHECK(v.where << ": " << v.message);
    const ir::Function& function = module.functions[0];
    kernel = ir::loops::lower(module, function, function.blocks[0].insts[0], "f.0");
  }

  std::string after(const ir::Schedule& schedule, Mode mode = {}) {
    opt::loops::apply_schedule(kernel, schedule, mode);
    return ir::loops::print(module, kernel);
  }
  /// Why the last directive is refused.
  std::string refusal(ir::Schedule schedule, Mode mode = {}) {
    const ir::Directive last = schedule.back();
    schedule.pop_back();
    opt::loops::apply_schedule(kernel, schedule, mode);
    try {
      opt::loops::apply_directive(kernel, last, mode);
    } catch (const opt::loops::Refused& refused) {
      return refused.reason;
    }
    return "it was allowed";
  }
};

const std::string kProduct = "[i: 20, j: 50] { sum[k: 12](%x[i, k] * %w[k, j]) }";
const std::string kScale = "[i: 20] { %v[i] * 2.0 }";

void check_text(const std::string& got, const std::string& want) {
  CHECK(got == want.substr(1));
}

/// The directives of the compiler's own choice on a machine with 32 registers of 64 bytes.
std::string chosen(const std::string& compute) {
  std::string text;
  const opt::loops::Machine machine = {.vector_bytes = 64, .vector_registers = 32};
  for (const ir::Directive& directive : opt::loops::choose(Nest(compute).kernel, machine, {}).schedule)
    text += print(directive) + "; ";
  return text;
}

}  // namespace

TEST_CASE("split leaves a tail with the same names") {
  check_text(Nest(kScale).after({{DirectiveKind::split_, {"i"}, {"io", "ii"}, 8}}), R"(
kernel @f.0(%v: f32[200]) -> %out: f32[20] {
  for io in 0..2 {
    for ii in 0..8 {
      %out[io * 8 + ii] = %v[io * 8 + ii] * 2.0
    }
  }
  for io in 2..3 {
    for ii in 0..4 {
      %out[io * 8 + ii] = %v[io * 8 + ii] * 2.0
    }
  }
}
)");
}

TEST_CASE("split by the width of panels leaves nothing to divide, by another width all") {
  const std::string panels = "[j: 50] { %p[j / 32, 3, j % 32] }";
  check_text(Nest(panels).after({{DirectiveKind::split_, {"j"}, {"jo", "ji"}, 32}}), R"(
kernel @f.0(%p: f32[2, 12, 32]) -> %out: f32[50] {
  for jo in 0..1 {
    for ji in 0..32 {
      %out[jo * 32 + ji] = %p[jo, 3, ji]
    }
  }
  for jo in 1..2 {
    for ji in 0..18 {
      %out[jo * 32 + ji] = %p[jo, 3, ji]
    }
  }
}
)");
  const std::string by_16 = Nest(panels).after({{DirectiveKind::split_, {"j"}, {"jo", "ji"}, 16}});
  CHECK(contains(by_16, "%p[(jo * 16 + ji) / 32, 3, (jo * 16 + ji) % 32]"));
}

TEST_CASE("the blocks of a parallel loop are shared out, the lanes of a vector are one block's turns") {
  check_text(Nest("[i: 8] { %v[i] * 2.0 }")
                 .after({{DirectiveKind::parallel_, {"i"}}, {DirectiveKind::split_, {"i"}, {"io", "ii"}, 4}}),
             R"(
kernel @f.0(%v: f32[200]) -> %out: f32[8] {
  parallel for io in 0..2 {
    for ii in 0..4 {
      %out[io * 4 + ii] = %v[io * 4 + ii] * 2.0
    }
  }
}
)");
}

TEST_CASE("order gives what is needed for every turn an element for each") {
  check_text(Nest(kProduct).after({{DirectiveKind::order_, {"k", "j"}}}), R"(
kernel @f.0(%x: f32[20, 12], %w: f32[12, 50]) -> %out: f32[20, 50] {
  for i in 0..20 {
    local b: f32[50]
    for j in 0..50 {
      b[j] = 0.0
    }
    for k in 0..12 {
      for j in 0..50 {
        b[j] = b[j] + %x[i, k] * %w[k, j]
      }
    }
    for j in 0..50 {
      %out[i, j] = b[j]
    }
  }
}
)");
}

TEST_CASE("a register tile") {
  check_text(Nest("[i: 4, j: 32] { sum[k: 12](%x[i, k] * %w[k, j]) }")
                 .after({{DirectiveKind::split_, {"j"}, {"jo", "ji"}, 32},
                         {DirectiveKind::order_, {"jo", "k", "i", "ji"}},
                         {DirectiveKind::vectorize_, {"ji"}, {}, 16},
                         {DirectiveKind::unroll_, {"ji"}},
                         {DirectiveKind::unroll_, {"i"}},
                         {DirectiveKind::parallel_, {"jo"}}}),
             R"(
kernel @f.0(%x: f32[20, 12], %w: f32[12, 50]) -> %out: f32[4, 32] {
  for jo in 0..1 {
    local c: f32[4, 32]
    unrolled for i in 0..4 {
      unrolled for ji in 0..2 {
        vectorized for jiv in 0..16 {
          c[i, ji * 16 + jiv] = 0.0
        }
      }
    }
    for k in 0..12 {
      unrolled for i in 0..4 {
        unrolled for ji in 0..2 {
          vectorized for jiv in 0..16 {
            c[i, ji * 16 + jiv] = c[i, ji * 16 + jiv] + %x[i, k] * %w[k, jo * 32 + (ji * 16 + jiv)]
          }
        }
      }
    }
    unrolled for i in 0..4 {
      unrolled for ji in 0..2 {
        vectorized for jiv in 0..16 {
          %out[i, jo * 32 + (ji * 16 + jiv)] = c[i, ji * 16 + jiv]
        }
      }
    }
  }
}
)");
}

TEST_CASE("pack copies what a turn reads, in the order in which it is read") {
  check_text(Nest("[i: 20, j: 32] { sum[k: 12](%x[i, k] * %w[k, j]) }")
                 .after({{DirectiveKind::split_, {"j"}, {"jo", "ji"}, 16},
                         {DirectiveKind::order_, {"jo", "i", "k", "ji"}},
                         {DirectiveKind::vectorize_, {"ji"}},
                         {DirectiveKind::pack_, {"jo"}, {}, 0, "w"}}),
             R"(
kernel @f.0(%x: f32[20, 12], %w: f32[12, 50]) -> %out: f32[20, 32] {
  for jo in 0..2 {
    local c: f32[12, 16]
    for w0 in 0..12 {
      for w1 in 0..16 {
        c[w0, w1] = %w[w0, jo * 16 + w1]
      }
    }
    for i in 0..20 {
      local b: f32[16]
      vectorized for ji in 0..16 {
        b[ji] = 0.0
      }
      for k in 0..12 {
        vectorized for ji in 0..16 {
          b[ji] = b[ji] + %x[i, k] * c[k, ji]
        }
      }
      vectorized for ji in 0..16 {
        %out[i, jo * 16 + ji] = b[ji]
      }
    }
  }
}
)");
}

TEST_CASE("pack gives an image its margin; loops over pixels and window share an axis") {
  check_text(
      Nest("[i: 20, j: 12] { sum[k: 3](if j + k >= 1 { if j + k < 13 { %x[i, j + k - 1] } else { 0.0 } } "
           "else { 0.0 } * %v[k]) }")
          .after({{DirectiveKind::pack_, {"i"}, {}, 0, "x"}}),
      R"(
kernel @f.0(%x: f32[20, 12], %v: f32[200]) -> %out: f32[20, 12] {
  for i in 0..20 {
    local b: f32[14]
    for x0 in 0..14 {
      b[x0] = %x[i, x0 - 1 if x0 >= 1 and x0 < 13]
    }
    for j in 0..12 {
      local a: f32 = 0.0
      for k in 0..3 {
        a = a + b[j + k] * %v[k]
      }
      %out[i, j] = a
    }
  }
}
)");
}

TEST_CASE("pack puts side by side what a step of 2 reads, and behind it what lies between") {
  check_text(Nest("[i: 20, j: 5] { sum[k: 3](%x[i, j * 2 + k] * %v[k]) }")
                 .after({{DirectiveKind::order_, {"k", "j"}}, {DirectiveKind::pack_, {"i"}, {}, 0, "x"}}),
             R"(
kernel @f.0(%x: f32[20, 12], %v: f32[200]) -> %out: f32[20, 5] {
  for i in 0..20 {
    local c: f32[2, 6]
    for x0 in 0..2 {
      for x1 in 0..6 {
        c[x0, x1] = %x[i, x1 * 2 + x0 if x0 + x1 * 2 < 11]
      }
    }
    local b: f32[5]
    for j in 0..5 {
      b[j] = 0.0
    }
    for k in 0..3 {
      for j in 0..5 {
        b[j] = b[j] + c[k % 2, k / 2 + j] * %v[k]
      }
    }
    for j in 0..5 {
      %out[i, j] = b[j]
    }
  }
}
)");
  check_text(Nest("[i: 20, j: 4] { sum[k: 3](if j * 3 + k >= 1 { %x[i, j * 3 + k - 1] } else { 0.0 } * %v[k]) }")
                 .after({{DirectiveKind::order_, {"k", "j"}}, {DirectiveKind::pack_, {"i"}, {}, 0, "x"}}),
             R"(
kernel @f.0(%x: f32[20, 12], %v: f32[200]) -> %out: f32[20, 4] {
  for i in 0..20 {
    local c: f32[3, 4]
    for x0 in 0..3 {
      for x1 in 0..4 {
        c[x0, x1] = %x[i, x1 * 3 + x0 - 1 if x1 * 3 + x0 >= 1]
      }
    }
    local b: f32[4]
    for j in 0..4 {
      b[j] = 0.0
    }
    for k in 0..3 {
      for j in 0..4 {
        b[j] = b[j] + c[k % 3, k / 3 + j] * %v[k]
      }
    }
    for j in 0..4 {
      %out[i, j] = b[j]
    }
  }
}
)");
}

TEST_CASE("rfactor sums in parts") {
  check_text(Nest("[i: 2] { sum[j: 40](%v[i * 100 + j]) }")
                 .after({{DirectiveKind::split_, {"j"}, {"jo", "jv"}, 16},
                         {DirectiveKind::rfactor_, {"jv"}},
                         {DirectiveKind::vectorize_, {"jv"}}}),
             R"(
kernel @f.0(%v: f32[200]) -> %out: f32[2] {
  for i in 0..2 {
    local a: f32 = 0.0
    local b: f32[16]
    vectorized for jv in 0..16 {
      b[jv] = 0.0
    }
    for jo in 0..2 {
      vectorized for jv in 0..16 {
        b[jv] = b[jv] + %v[i * 100 + (jo * 16 + jv)]
      }
    }
    for jo in 2..3 {
      vectorized for jv in 0..8 {
        b[jv] = b[jv] + %v[i * 100 + (jo * 16 + jv)]
      }
    }
    vectorized for jv in 0..16 {
      a = a + b[jv]
    }
    %out[i] = a
  }
}
)");
}

TEST_CASE("rfactor gives each turn of a tail a part, too") {
  check_text(Nest("[] { sum[j: 13](%v[j]) }")
                 .after({{DirectiveKind::split_, {"j"}, {"jo", "ji"}, 4}, {DirectiveKind::rfactor_, {"jo"}}}),
             R"(
kernel @f.0(%v: f32[200]) -> %out: f32 {
  local a: f32 = 0.0
  local b: f32[4]
  for jo in 0..4 {
    b[jo] = 0.0
  }
  for jo in 0..3 {
    local c: f32 = b[jo]
    for ji in 0..4 {
      c = c + %v[jo * 4 + ji]
    }
    b[jo] = c
  }
  for jo in 3..4 {
    local d: f32 = b[jo]
    for ji in 0..1 {
      d = d + %v[jo * 4 + ji]
    }
    b[jo] = d
  }
  for jo in 0..4 {
    a = a + b[jo]
  }
  %out[] = a
}
)");
}

TEST_CASE("the parts of a sum on several threads") {
  check_text(Nest("[] { sum[i: 200](%v[i]) }")
                 .after({{DirectiveKind::split_, {"i"}, {"ip", "iq"}, 100},
                         {DirectiveKind::rfactor_, {"ip"}},
                         {DirectiveKind::parallel_, {"ip"}}}),
             R"(
kernel @f.0(%v: f32[200]) -> %out: f32 {
  local a: f32 = 0.0
  local b: f32[2]
  parallel for ip in 0..2 {
    b[ip] = 0.0
  }
  parallel for ip in 0..2 {
    local c: f32 = b[ip]
    for iq in 0..100 {
      c = c + %v[ip * 100 + iq]
    }
    b[ip] = c
  }
  for ip in 0..2 {
    a = a + b[ip]
  }
  %out[] = a
}
)");
}

TEST_CASE("fuse makes one loop of two") {
  check_text(Nest("[i: 20, j: 12] { %x[i, j] }").after({{DirectiveKind::fuse_, {"i", "j"}, {"p"}}}), R"(
kernel @f.0(%x: f32[20, 12]) -> %out: f32[20, 12] {
  for p in 0..240 {
    %out[p / 12, p % 12] = %x[p / 12, p % 12]
  }
}
)");
}

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
        "split j by 30 as jo, ji; split i by 16 as io, ii; order io, jo, k, ji, ii; pack x at io; "
        "vectorize x1 by 16; vectorize ii by 16; unroll ii; unroll ji; ");
}

TEST_CASE("an operand in panels is read by tiles of their width, and not copied") {
  CHECK(chosen("[i: 20, j: 50] { sum[k: 12](%x[i, k] * %p[j / 32, k, j % 32]) }") ==
        "split i by 13 as io, ii; split j by 32 as jo, ji; order jo, io, k, ii, ji; vectorize ji by 16; unroll ji; "
        "unroll ii; ");
}

TEST_CASE("an operand that stays is wanted in panels as wide as the tile") {
  const opt::loops::Machine machine = {.vector_bytes = 64, .vector_registers = 32};
  const auto wanted = [&](const std::string& compute, std::string_view constant) {
    const Nest nest(compute);
    const auto panels = opt::loops::wanted_panels(nest.kernel, machine, [&](ir::ValueId value) {
      return nest.module.functions[0].value(value).name == constant;
    });
    return panels ? fmt::format("{} of {} along {}", panels->width, panels->turns, nest.kernel.loops[panels->lanes])
                  : "none";
  };
  CHECK(wanted(kProduct, "w") == "64 of 50 along j");
  CHECK(wanted(kProduct, "x") == "none");  // it is not read by vectors
  CHECK(wanted("[i: 20, j: 5] { sum[k: 12](%x[i, k] * %w[k, j]) }", "w") == "16 of 5 along j");
  CHECK(wanted("[j: 50, i: 3] { sum[k: 12](%w[k, j] * %x[i, k]) }", "w") == "64 of 50 along j");
  CHECK(wanted("[j: 50] { sum[k: 12](%v[k] * %w[k, j]) }", "w") == "none");  // each element is read once
  CHECK(wanted("[i: 20, j: 50] { sum[k: 12](%x[i, k] * (%w[k, j] + 1.0)) }", "w") == "none");
  CHECK(wanted("[i: 20, j: 50] { sum[k: 12](%x[i, k] * %p[j / 32, k, j % 32]) }", "p") == "none");
}

TEST_CASE("peel takes the first turns apart, all of them where there are fewer") {
  check_text(Nest(kScale).after({{DirectiveKind::peel_, {"i"}, {"first", "rest"}, 2}}), R"(
kernel @f.0(%v: f32[200]) -> %out: f32[20] {
  for first in 0..2 {
    %out[first] = %v[first] * 2.0
  }
  for rest in 2..20 {
    %out[rest] = %v[rest] * 2.0
  }
}
)");
  check_text(Nest(kScale).after({{DirectiveKind::peel_, {"i"}, {"first", "rest"}, 30}}), R"(
kernel @f.0(%v: f32[200]) -> %out: f32[20] {
  for first in 0..20 {
    %out[first] = %v[first] * 2.0
  }
  for rest in 20..20 {
    %out[rest] = %v[rest] * 2.0
  }
}
)");
  check_text(Nest("[i: 9] { sum[j: i](%v[j]) }").after({{DirectiveKind::peel_, {"j"}, {"first", "rest"}, 2}}),
             R"(
kernel @f.0(%v: f32[200]) -> %out: f32[9] {
  for i in 0..9 {
    local a: f32 = 0.0
    for first in 0..min(2, i) {
      a = a + %v[first]
    }
    for rest in min(2, i)..i {
      a = a + %v[rest]
    }
    %out[i] = a
  }
}
)");
}

TEST_CASE("pad makes the rows of a copy longer") {
  const ir::Directive pack{DirectiveKind::pack_, {"i"}, {}, 0, "w"}, pad{DirectiveKind::pad_, {}, {}, 4, "w"};
  check_text(Nest("[i: 2, j: 32] { sum[k: 12](%x[i, k] * %w[k, j]) }").after({pack, pad}), R"(
kernel @f.0(%x: f32[20, 12], %w: f32[12, 50]) -> %out: f32[2, 32] {
  for i in 0..2 {
    local b: f32[32, 16]
    for w0 in 0..32 {
      for w1 in 0..12 {
        b[w0, w1] = %w[w1, w0]
      }
    }
    for j in 0..32 {
      local a: f32 = 0.0
      for k in 0..12 {
        a = a + %x[i, k] * b[j, k]
      }
      %out[i, j] = a
    }
  }
}
)");
  CHECK(Nest(kProduct).refusal({pad}) == "there is no copy of `w`; `pack` comes before");
}

TEST_CASE("registers writes out the loops that subscript a turn's arrays") {
  check_text(Nest("[i: 4, j: 32] { sum[k: 12](%x[i, k] * %w[k, j]) }")
                 .after({{DirectiveKind::split_, {"j"}, {"jo", "ji"}, 16},
                         {DirectiveKind::order_, {"jo", "k", "i", "ji"}},
                         {DirectiveKind::vectorize_, {"ji"}},
                         {DirectiveKind::registers_, {"jo"}}}),
             R"(
kernel @f.0(%x: f32[20, 12], %w: f32[12, 50]) -> %out: f32[4, 32] {
  for jo in 0..2 {
    local c: f32[4, 16]
    unrolled for i in 0..4 {
      vectorized for ji in 0..16 {
        c[i, ji] = 0.0
      }
    }
    for k in 0..12 {
      unrolled for i in 0..4 {
        vectorized for ji in 0..16 {
          c[i, ji] = c[i, ji] + %x[i, k] * %w[k, jo * 16 + ji]
        }
      }
    }
    unrolled for i in 0..4 {
      vectorized for ji in 0..16 {
        %out[i, jo * 16 + ji] = c[i, ji]
      }
    }
  }
}
)");
  const ir::Directive registers{DirectiveKind::registers_, {"i"}};
  CHECK(Nest(kScale).refusal({registers}) == "no turn of loop `i` has an array of its own");
  CHECK(Nest("[i: 4, j: 20] { sum[k: 12](%x[j, k] * %w[k, i]) }")
            .refusal({{DirectiveKind::pack_, {"i"}, {}, 0, "x"}, {DirectiveKind::registers_, {"i"}}}) ==
        "it was allowed");
  CHECK(Nest("[i: 4, j: 20] { sum[k: 12, l: 2](%x[j, k] * %w[k, i + l]) }")
            .refusal({{DirectiveKind::order_, {"k", "l", "j"}}, {DirectiveKind::pack_, {"i"}, {}, 0, "x"},
                      {DirectiveKind::registers_, {"i"}}}) == "it was allowed");
  CHECK(Nest("[i: 2, j: 200] { sum[k: 2](%v[j] * %x[k, i]) }")
            .refusal({{DirectiveKind::order_, {"k", "j"}},
                      {DirectiveKind::split_, {"j"}, {"jo", "ji"}, 100},
                      {DirectiveKind::pack_, {"i"}, {}, 0, "v"}, registers}) == "it was allowed");
}

TEST_CASE("prefetch asks for the lines of the next turn") {
  check_text(Nest("[i: 20, j: 50] { sum[k: 12](%x[i, k] * %w[k, j]) }")
                 .after({{DirectiveKind::order_, {"k", "j"}}, {DirectiveKind::prefetch_, {"k"}, {}, 0, "w"}}),
             R"(
kernel @f.0(%x: f32[20, 12], %w: f32[12, 50]) -> %out: f32[20, 50] {
  for i in 0..20 {
    local b: f32[50]
    for j in 0..50 {
      b[j] = 0.0
    }
    for k in 0..12 {
      for w0 in 0..4 {
        prefetch %w[k + 1, w0 * 16]
      }
      for j in 0..50 {
        b[j] = b[j] + %x[i, k] * %w[k, j]
      }
    }
    for j in 0..50 {
      %out[i, j] = b[j]
    }
  }
}
)");
  const ir::Directive prefetch{DirectiveKind::prefetch_, {"j"}, {}, 0, "x"};
  CHECK(Nest(kProduct).refusal({prefetch}) == "%x is read at the same places on every turn of loop `j`");
  CHECK(Nest("[i: 4] { %v[i] * %x[i, 0] }")
            .refusal({{DirectiveKind::vectorize_, {"i"}}, {DirectiveKind::prefetch_, {"i"}, {}, 0, "v"}}) ==
        "the turns of loop `i` are lanes");
  CHECK(Nest("[i: 4] { %v[%n[i] % 4] }").refusal({{DirectiveKind::prefetch_, {"i"}, {}, 0, "v"}}) ==
        "a subscript of %v is no sum of multiples of loops");
}

TEST_CASE("what has no turns keeps its loops") {
  check_text(Nest("[i: 0] { %v[i] }")
                 .after({{DirectiveKind::split_, {"i"}, {"io", "ii"}, 4}, {DirectiveKind::vectorize_, {"ii"}}}),
             R"(
kernel @f.0(%v: f32[200]) -> %out: f32[0] {
  for io in 0..0 {
    vectorized for ii in 0..4 {
      %out[io * 4 + ii] = %v[io * 4 + ii]
    }
  }
}
)");
}

TEST_CASE("what is refused, and with which dependence") {
  const ir::Directive vectorize{DirectiveKind::vectorize_, {"i"}, {}, 8};
  CHECK(Nest(kScale).refusal({{DirectiveKind::split_, {"q"}, {"io", "ii"}, 8}}) ==
        "there is no loop `q`");
  CHECK(Nest(kProduct).refusal({{DirectiveKind::split_, {"i"}, {"j", "ii"}, 8}}) ==
        "there is a loop `j` already");
  CHECK(Nest("[i: 16, j: 4] { %v[i] * %x[j, 0] }")
            .refusal({{DirectiveKind::vectorize_, {"i"}, {}, 16}, {DirectiveKind::vectorize_, {"j"}}}) ==
        "loop `iv` around it is vectorized already");
  CHECK(Nest("[] { sum[i: 40](%v[i]) }").refusal({vectorize}, {true}) ==
        "loop `iv` cannot be vectorized: `a` goes from one turn to the next");
  CHECK(Nest("[] { sum[i: 40](%v[i]) }").refusal({{DirectiveKind::rfactor_, {"i"}}}, {true}) ==
        "the steps of `a` in loop `i` may not be taken in another order");
  CHECK(Nest("[] { sum[i: 40](%v[i]) }").refusal({{DirectiveKind::parallel_, {"i"}}}) ==
        "loop `i` cannot be parallel: `a` goes from one turn to the next");
  CHECK(Nest("[i: 4] { %v[%n[i]] }").refusal({{DirectiveKind::vectorize_, {"i"}, {}, 4}}) ==
        "loop `iv` cannot be vectorized: it has a check, which may fail in one lane");
  CHECK(Nest("[] { sum[i: 10, j: 12](%x[i, j]) }").refusal({{DirectiveKind::order_, {"j", "i"}}}, {true}) ==
        "loops `i` and `j` both change `a`, whose steps may not be taken in another order");
  CHECK(Nest("[] { sum[i: 10, j: 12](%n[i * 12 + j]) }").refusal({{DirectiveKind::order_, {"j", "i"}}},
                                                              {true}) == "it was allowed");
  CHECK(Nest("[i: 9] { sum[j: 0..i](%v[j]) }").refusal({{DirectiveKind::order_, {"j", "i"}}}) ==
        "the range of loop `j` depends on loop `i`");
  CHECK(Nest("[] { max[i: 8, j: 4](%n[i + j]) }")
            .refusal({{DirectiveKind::vectorize_, {"i"}}, {DirectiveKind::rfactor_, {"j"}}}) ==
        "how loop `i` runs is decided already; `rfactor` comes before that");
  CHECK(Nest(kProduct).refusal({{DirectiveKind::pack_, {"i"}, {}, 0, "q"}}) ==
        "the kernel reads no tensor `q`");
  CHECK(Nest(kProduct).refusal({{DirectiveKind::unroll_, {"j"}}, {DirectiveKind::order_, {"k", "j"}}}) ==
        "how loop `j` runs is decided already; `order` comes before that");
  CHECK(Nest("[i: 20] { sum[k: 12](%x[i, k]) }")
            .refusal({{DirectiveKind::vectorize_, {"k"}}, {DirectiveKind::order_, {"k", "i"}}}) ==
        "how loop `k` runs is decided already; `order` comes before that");
  CHECK(Nest(kScale).refusal({{DirectiveKind::vectorize_, {"i"}, {}, 4},
                              {DirectiveKind::peel_, {"iv"}, {"first", "rest"}, 2}}) ==
        "how loop `iv` runs is decided already");
  CHECK(Nest("[i: 20, j: 12] { %x[i, j] }")
            .refusal({{DirectiveKind::parallel_, {"j"}}, {DirectiveKind::parallel_, {"i"}}}) ==
        "loop `j` in it is parallel already");
  CHECK(Nest("[i: 20, j: 12] { %x[i, j] }")
            .refusal({{DirectiveKind::split_, {"j"}, {"jo", "ji"}, 4},
                      {DirectiveKind::vectorize_, {"i"}}, {DirectiveKind::parallel_, {"jo"}}}) ==
        "loop `i` around it is vectorized already");
}

TEST_CASE("directives are printed as in the language") {
  CHECK(ast::typed::print({DirectiveKind::split_, {"i"}, {"io", "ii"}, 8}) == "split i by 8 as io, ii");
  CHECK(ast::typed::print({DirectiveKind::order_, {"a", "b"}}) == "order a, b");
  CHECK(ast::typed::print({DirectiveKind::vectorize_, {"a"}, {}, 16}) == "vectorize a by 16");
  CHECK(ast::typed::print({DirectiveKind::unroll_, {"a"}}) == "unroll a");
  CHECK(ast::typed::print({DirectiveKind::pack_, {"jo"}, {}, 0, "w"}) == "pack w at jo");
}

}  // namespace tenon::tests
