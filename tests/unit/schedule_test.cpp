// Directives on loop nests: what each makes of the loops, and what it refuses with which dependence.
#include "tests/support/text.h"
#include "tests/unit/loop_nest.h"

namespace tenon::tests {

using ir::DirectiveKind;

TEST_CASE("split leaves a tail with the same names") {
  check_text(LoopNest(kScale).after({{DirectiveKind::split_, {"i"}, {"io", "ii"}, 8}}), R"(
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
  check_text(LoopNest(panels).after({{DirectiveKind::split_, {"j"}, {"jo", "ji"}, 32}}), R"(
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
  const std::string by_16 = LoopNest(panels).after({{DirectiveKind::split_, {"j"}, {"jo", "ji"}, 16}});
  CHECK(contains(by_16, "%p[(jo * 16 + ji) / 32, 3, (jo * 16 + ji) % 32]"));
}

TEST_CASE("the blocks of a parallel loop are shared out, the lanes of a vector are one block's turns") {
  check_text(LoopNest("[i: 8] { %v[i] * 2.0 }")
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
  check_text(LoopNest(kProduct).after({{DirectiveKind::order_, {"k", "j"}}}), R"(
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
  check_text(LoopNest("[i: 4, j: 32] { sum[k: 12](%x[i, k] * %w[k, j]) }")
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

TEST_CASE("rfactor sums in parts") {
  check_text(LoopNest("[i: 2] { sum[j: 40](%v[i * 100 + j]) }")
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
  check_text(LoopNest("[] { sum[j: 13](%v[j]) }")
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
  check_text(LoopNest("[] { sum[i: 200](%v[i]) }")
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
  check_text(LoopNest("[i: 20, j: 12] { %x[i, j] }").after({{DirectiveKind::fuse_, {"i", "j"}, {"p"}}}), R"(
kernel @f.0(%x: f32[20, 12]) -> %out: f32[20, 12] {
  for p in 0..240 {
    %out[p / 12, p % 12] = %x[p / 12, p % 12]
  }
}
)");
}

TEST_CASE("peel takes the first turns apart, all of them where there are fewer") {
  check_text(LoopNest(kScale).after({{DirectiveKind::peel_, {"i"}, {"first", "rest"}, 2}}), R"(
kernel @f.0(%v: f32[200]) -> %out: f32[20] {
  for first in 0..2 {
    %out[first] = %v[first] * 2.0
  }
  for rest in 2..20 {
    %out[rest] = %v[rest] * 2.0
  }
}
)");
  check_text(LoopNest(kScale).after({{DirectiveKind::peel_, {"i"}, {"first", "rest"}, 30}}), R"(
kernel @f.0(%v: f32[200]) -> %out: f32[20] {
  for first in 0..20 {
    %out[first] = %v[first] * 2.0
  }
  for rest in 20..20 {
    %out[rest] = %v[rest] * 2.0
  }
}
)");
  check_text(LoopNest("[i: 9] { sum[j: i](%v[j]) }").after({{DirectiveKind::peel_, {"j"}, {"first", "rest"}, 2}}),
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

TEST_CASE("registers writes out the loops that subscript a turn's arrays") {
  check_text(LoopNest("[i: 4, j: 32] { sum[k: 12](%x[i, k] * %w[k, j]) }")
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
  CHECK(LoopNest(kScale).refusal({registers}) == "no turn of loop `i` has an array of its own, or comes to a part of one again");
  CHECK(LoopNest("[i: 4, j: 20] { sum[k: 12](%x[j, k] * %w[k, i]) }")
            .refusal({{DirectiveKind::pack_, {"i"}, {}, 0, "x"}, {DirectiveKind::registers_, {"i"}}}) ==
        "it was allowed");
  CHECK(LoopNest("[i: 4, j: 20] { sum[k: 12, l: 2](%x[j, k] * %w[k, i + l]) }")
            .refusal({{DirectiveKind::order_, {"k", "l", "j"}}, {DirectiveKind::pack_, {"i"}, {}, 0, "x"},
                      {DirectiveKind::registers_, {"i"}}}) == "it was allowed");
  CHECK(LoopNest("[i: 2, j: 200] { sum[k: 2](%v[j] * %x[k, i]) }")
            .refusal({{DirectiveKind::order_, {"k", "j"}},
                      {DirectiveKind::split_, {"j"}, {"jo", "ji"}, 100},
                      {DirectiveKind::pack_, {"i"}, {}, 0, "v"}, registers}) == "it was allowed");
}

TEST_CASE("neither blocks nor threads make up an array that others read") {
  const auto refusal = [](const ir::Schedule& schedule) -> std::string {
    LoopNest nest(kProduct);
    try {
      opt::loops::apply_schedule(nest.kernel, schedule, {.gpu = true});
    } catch (const opt::loops::Refused& refused) {
      return refused.reason;
    }
    return "it was allowed";
  };
  const ir::Directive pixels{DirectiveKind::fuse_, {"i", "j"}, {"ij"}}, order{DirectiveKind::order_, {"k", "ij"}};
  const ir::Directive block{DirectiveKind::block_, {"ij"}}, thread{DirectiveKind::thread_, {"j"}};
  CHECK(refusal({pixels, block}) == "it was allowed");
  // What is left of `ij` then are the loops before and behind the sums: zeros, and what is stored.
  CHECK(refusal({pixels, order, {DirectiveKind::fuse_, {"k", "ij"}, {"kij"}}, block}) ==
        "`b` is made up by several blocks, which see nothing of each other's arrays");
  const ir::Directive rows{DirectiveKind::order_, {"k", "j"}};
  CHECK(refusal({rows, thread}) == "it was allowed");
  CHECK(refusal({rows, {DirectiveKind::fuse_, {"k", "j"}, {"kj"}}, thread}) ==
        "the threads of a block all change `b`, which is not shared");
}

TEST_CASE("registers takes a part of an array only where it is clear which") {
  const ir::Directive blocks{DirectiveKind::split_, {"k"}, {"ko", "ki"}, 4}, registers{DirectiveKind::registers_, {"i"}};
  const ir::Directive order{DirectiveKind::order_, {"ko", "i", "ki", "j"}};
  const char* const product = "[i: 4, j: 20] { sum[k: 12](%x[i, k] * %w[k, j]) }";
  CHECK(LoopNest(product).refusal({blocks, order, registers}) == "it was allowed");
  CHECK(LoopNest(product).refusal({blocks, order, {DirectiveKind::parallel_, {"j"}}, registers}) ==
        "the turns of loop `j` are not taken one after the other");
  CHECK(LoopNest(product).refusal({blocks, {DirectiveKind::order_, {"ko", "j", "ki", "i"}},
                                   {DirectiveKind::vectorize_, {"i"}}, {DirectiveKind::registers_, {"i"}}}) ==
        "the turns of loop `i` are lanes");
  CHECK(LoopNest("[i: 4] { max[p: 2, q: 2](%n[i * 2 + p + q]) }")
            .refusal({{DirectiveKind::order_, {"p", "i", "q"}}, {DirectiveKind::peel_, {"i"}, {"a", "b"}, 2},
                      {DirectiveKind::registers_, {"p"}}}) == "a turn works on `b` at places that differ");
}

TEST_CASE("what has no turns keeps its loops") {
  check_text(LoopNest("[i: 0] { %v[i] }")
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
  CHECK(LoopNest(kScale).refusal({{DirectiveKind::split_, {"q"}, {"io", "ii"}, 8}}) ==
        "there is no loop `q`");
  CHECK(LoopNest(kProduct).refusal({{DirectiveKind::split_, {"i"}, {"j", "ii"}, 8}}) ==
        "there is a loop `j` already");
  CHECK(LoopNest("[i: 16, j: 4] { %v[i] * %x[j, 0] }")
            .refusal({{DirectiveKind::vectorize_, {"i"}, {}, 16}, {DirectiveKind::vectorize_, {"j"}}}) ==
        "loop `iv` around it is vectorized already");
  CHECK(LoopNest("[] { sum[i: 40](%v[i]) }").refusal({vectorize}, {true}) ==
        "loop `iv` cannot be vectorized: `a` goes from one turn to the next");
  CHECK(LoopNest("[] { sum[i: 40](%v[i]) }").refusal({{DirectiveKind::rfactor_, {"i"}}}, {true}) ==
        "the steps of `a` in loop `i` may not be taken in another order");
  CHECK(LoopNest("[] { sum[i: 40](%v[i]) }").refusal({{DirectiveKind::parallel_, {"i"}}}) ==
        "loop `i` cannot be parallel: `a` goes from one turn to the next");
  CHECK(LoopNest("[i: 4] { %v[%n[i]] }").refusal({{DirectiveKind::vectorize_, {"i"}, {}, 4}}) ==
        "loop `iv` cannot be vectorized: it has a check, which may fail in one lane");
  CHECK(LoopNest("[] { sum[i: 10, j: 12](%x[i, j]) }").refusal({{DirectiveKind::order_, {"j", "i"}}}, {true}) ==
        "loops `i` and `j` both change `a`, whose steps may not be taken in another order");
  CHECK(LoopNest("[] { sum[i: 10, j: 12](%n[i * 12 + j]) }").refusal({{DirectiveKind::order_, {"j", "i"}}},
                                                              {true}) == "it was allowed");
  CHECK(LoopNest("[i: 9] { sum[j: 0..i](%v[j]) }").refusal({{DirectiveKind::order_, {"j", "i"}}}) ==
        "the range of loop `j` depends on loop `i`");
  CHECK(LoopNest("[] { max[i: 8, j: 4](%n[i + j]) }")
            .refusal({{DirectiveKind::vectorize_, {"i"}}, {DirectiveKind::rfactor_, {"j"}}}) ==
        "how loop `i` runs is decided already; `rfactor` comes before that");
  CHECK(LoopNest("[] { max[i: 8, j: 4](%n[i + j]) }")
            .refusal({{DirectiveKind::thread_, {"i"}}, {DirectiveKind::rfactor_, {"j"}}}, {.gpu = true}) ==
        "how loop `i` runs is decided already; `rfactor` comes before that");
  CHECK(LoopNest("[i: 4] { max[p: 2, q: 2](%n[i * 2 + p + q]) }")
            .refusal({{DirectiveKind::order_, {"p", "i", "q"}}, {DirectiveKind::peel_, {"i"}, {"a", "b"}, 2},
                      {DirectiveKind::rfactor_, {"q"}}}) == "turns of loop `q` reduce into `b` at places that differ");
  CHECK(LoopNest(kProduct).refusal({{DirectiveKind::pack_, {"i"}, {}, 0, "q"}}) ==
        "the kernel reads no tensor `q`");
  CHECK(LoopNest(kProduct).refusal({{DirectiveKind::unroll_, {"j"}}, {DirectiveKind::order_, {"k", "j"}}}) ==
        "how loop `j` runs is decided already; `order` comes before that");
  CHECK(LoopNest("[i: 20] { sum[k: 12](%x[i, k]) }")
            .refusal({{DirectiveKind::vectorize_, {"k"}}, {DirectiveKind::order_, {"k", "i"}}}) ==
        "how loop `k` runs is decided already; `order` comes before that");
  CHECK(LoopNest("[i: 4, j: 8] { sum[m: 4, k: 2](%x[i, m * 3 + k] * %w[m, j]) }")
            .refusal({{DirectiveKind::vectorize_, {"k"}}, {DirectiveKind::order_, {"m", "j"}}}) ==
        "the turns of loop `k` add up `a` at once; `order` comes before that");
  CHECK(LoopNest(kScale).refusal({{DirectiveKind::vectorize_, {"i"}, {}, 4},
                              {DirectiveKind::peel_, {"iv"}, {"first", "rest"}, 2}}) ==
        "how loop `iv` runs is decided already");
  CHECK(LoopNest("[i: 20, j: 12] { %x[i, j] }")
            .refusal({{DirectiveKind::parallel_, {"j"}}, {DirectiveKind::parallel_, {"i"}}}) ==
        "loop `j` in it is parallel already");
  CHECK(LoopNest("[i: 20, j: 12] { %x[i, j] }")
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
