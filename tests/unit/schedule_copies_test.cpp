// Directives on what nests read: copies of operands, and asking for their lines in time.
#include "tests/unit/loop_nest.h"

namespace tenon::tests {

using ir::DirectiveKind;

TEST_CASE("pack copies what a turn reads, in the order in which it is read") {
  check_text(LoopNest("[i: 20, j: 32] { sum[k: 12](%x[i, k] * %w[k, j]) }")
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
      LoopNest("[i: 20, j: 12] { sum[k: 3](if j + k >= 1 { if j + k < 13 { %x[i, j + k - 1] } else { 0.0 } } "
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
  check_text(LoopNest("[i: 20, j: 5] { sum[k: 3](%x[i, j * 2 + k] * %v[k]) }")
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
  check_text(LoopNest("[i: 20, j: 4] { sum[k: 3](if j * 3 + k >= 1 { %x[i, j * 3 + k - 1] } else { 0.0 } * %v[k]) }")
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

TEST_CASE("pad makes the rows of a copy longer") {
  const ir::Directive pack{DirectiveKind::pack_, {"i"}, {}, 0, "w"}, pad{DirectiveKind::pad_, {}, {}, 4, "w"};
  check_text(LoopNest("[i: 2, j: 32] { sum[k: 12](%x[i, k] * %w[k, j]) }").after({pack, pad}), R"(
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
  CHECK(LoopNest(kProduct).refusal({pad}) == "there is no copy of `w`; `pack` comes before");
}

TEST_CASE("prefetch asks for the lines of the next turn") {
  check_text(LoopNest("[i: 20, j: 50] { sum[k: 12](%x[i, k] * %w[k, j]) }")
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
  const auto of = [](const char* at, const char* loop) {
    return ir::Directive{DirectiveKind::prefetch_, {at, loop}, {}, 0, "x"};
  };
  CHECK(LoopNest("[i: 8] { sum[k: 700](%x[i, k]) }")
            .refusal({{DirectiveKind::split_, {"i"}, {"io", "ii"}, 2}, of("ii", "io")}) ==
        "a turn would ask for 44 lines of %x, which it has to wait for; the most are 32");
  CHECK(LoopNest("[i: 8] { sum[k: i](%x[i, k]) }").refusal({of("k", "i")}) ==
        "the range of loop `k`, which reads %x, is not constant");
  CHECK(LoopNest("[i: 8] { sum[k: 12](%x[i, k]) + sum[m: i](%v[m]) }").refusal({of("m", "i")}) ==
        "the range of loop `m` is not constant");
  CHECK(LoopNest("[i: 8] { sum[k: 0](%x[i, k]) }").refusal({of("k", "i")}) == "it was allowed");
  CHECK(LoopNest("[i: 8] { sum[k: 0](%x[i, k]) + sum[m: 3](%v[i + m]) }").refusal({of("m", "i")}) == "it was allowed");
  CHECK(LoopNest("[i: 8, j: 8] { %x[i, j] }")
            .refusal({{DirectiveKind::vectorize_, {"j"}}, of("j", "i")}) == "the turns of loop `j` are lanes");
  CHECK(LoopNest(kProduct).refusal({of("i", "k")}) == "loop `i` is not in loop `k`");
  CHECK(LoopNest(kProduct).refusal({of("k", "j")}) == "%x is read at the same places on every turn of loop `j`");
  CHECK(LoopNest(kProduct).refusal({prefetch}) == "%x is read at the same places on every turn of loop `j`");
  CHECK(LoopNest("[i: 4] { %v[i] * %x[i, 0] }")
            .refusal({{DirectiveKind::vectorize_, {"i"}}, {DirectiveKind::prefetch_, {"i"}, {}, 0, "v"}}) ==
        "the turns of loop `i` are lanes");
  CHECK(LoopNest("[i: 4] { %v[%n[i] % 4] }").refusal({{DirectiveKind::prefetch_, {"i"}, {}, 0, "v"}}) ==
        "a subscript of %v is no sum of multiples of loops");
}

}  // namespace tenon::tests
