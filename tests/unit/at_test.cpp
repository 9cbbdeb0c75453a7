// Definitions computed in the nest of who reads them: as lowered, as `at` places them, and why not.
#include "opt/pass.h"
#include "tests/support/text.h"
#include "tests/unit/loop_nest.h"
#include "tests/unit/source_helpers.h"

namespace tenon::tests {
namespace {

using ir::Directive;
using ir::DirectiveKind;

Directive at(const std::string& loop, const std::string& definition) {
  return {DirectiveKind::at_, {loop}, {}, 0, definition};
}

const std::string kRows = "%r = [i: 20, j: 10] { %x[i, j] + %x[i, j + 2] } in ";

TEST_CASE("a producer stands as a whole in front of its reader, in an array") {
  check_text(LoopNest("%u = [i: 200] { %v[i] * 2.0 } in [i: 190] { %u[i] + %v[i + 10] }").after({}), R"(
kernel @f.0(%v: f32[200]) -> %out: f32[190] {
  local a: f32[200] of %u
  for u0 in 0..200 {
    a[u0] = %v[u0] * 2.0
  }
  for i in 0..190 {
    %out[i] = a[i] + %v[i + 10]
  }
}
)");
}

TEST_CASE("what is read under a condition has a margin, in which only zeros are read") {
  const std::string shifted = "[i: 200] { if i > 0 { %u[i - 1] } else { 1.0 } }";
  check_text(LoopNest("%u = [i: 200] { %v[i] * 2.0 } in " + shifted).after({}), R"(
kernel @f.0(%v: f32[200]) -> %out: f32[200] {
  local a: f32[201] of %u
  for u0 in -1..200 {
    a[u0 + 1] = %v[u0 if 0 <= u0] * 2.0
  }
  for i in 0..200 {
    %out[i] = select(i > 0, select(i > 0, a[i - 1 + 1], 0.0), 1.0)
  }
}
)");
  // None where it would divide by what lies there, and where that is too far away.
  const std::string divides = "%u = [i: 200] { 7 / max(%n[i], 1) + i } in ";
  CHECK(contains(LoopNest(divides + "[i: 200] { if i > 0 { %u[i - 1] } else { 1 } }").after({}), "local a: i64[200]"));
  const std::string far = "[i: 200] { if i > 2 { %u[i * 4 - 700] } else { 1.0 } }";
  CHECK(contains(LoopNest("%u = [i: 200] { %v[i] * 2.0 } in " + far).after({}), ": f32[200] of %u"));
}

TEST_CASE("a turn computes what it reads, from one place to another") {
  check_text(LoopNest(kRows + "[k: 18, j: 10] { %r[k, j] - %r[k + 2, j] }").after({at("k", "r")}), R"(
kernel @f.0(%x: f32[20, 12]) -> %out: f32[18, 10] {
  for k in 0..18 {
    local b: f32[3, 10] of %r
    for r0 in 0..3 {
      for r1 in 0..10 {
        b[r0, r1] = %x[k + r0, r1] + %x[k + r0, r1 + 2]
      }
    }
    for j in 0..10 {
      %out[k, j] = b[0, j] - b[2, j]
    }
  }
}
)");
}

TEST_CASE("the tail of a split computes no more than it reads") {
  const std::string text = LoopNest(kRows + "[k: 18, j: 10] { %r[k, j] - %r[k + 2, j] }")
                               .after({{DirectiveKind::split_, {"k"}, {"ko", "ki"}, 8}, at("ko", "r")});
  CHECK(contains(text, "of %r\n    for r0 in 0..10 {"));
  CHECK(contains(text, "of %r\n    for r0 in 0..4 {"));
}

TEST_CASE("a loop further in computes the element that it reads") {
  check_text(LoopNest("%u = [i: 20] { sum[k: 12](%x[i, k]) } in [i: 20] { exp(%u[19 - i]) }").after({at("i", "u")}), R"(
kernel @f.0(%x: f32[20, 12]) -> %out: f32[20] {
  for i in 0..20 {
    local c: f32[1] of %u
    for u0 in 0..1 {
      local a: f32 = 0.0
      for u1 in 0..12 {
        a = a + %x[i * -1 + u0 + 19, u1]
      }
      c[u0] = a
    }
    %out[i] = exp(c[0])
  }
}
)");
}

TEST_CASE("a definition that another one reads goes where that is") {
  const std::string chain = "%s = [i: 20] { sum[k: 12](%x[i, k]) } in %q = [i: 20, j: 12] { %x[i, j] / %s[i] } in "
                            "[k: 20] { sum[m: 12](%q[k, m] * %q[k, m]) }";
  const std::string text = LoopNest(chain).after({at("k", "q"), at("k", "s")});
  CHECK(contains(text, "of %s\n    for s0 in 0..1 {"));
  CHECK(contains(text, "of %q\n    for q0 in 0..1 {"));
  CHECK(LoopNest(chain).refusal({at("k", "s")}) == "`s` is read outside of loop `k`, too");
  CHECK(contains(LoopNest(chain).after({at("q0", "s")}), "for q0 in 0..20 {\n    local"));
}

TEST_CASE("at: what it refuses") {
  const auto refusal = [](const std::string& reader, const ir::Schedule& schedule) {
    return LoopNest(kRows + reader).refusal(schedule);
  };
  const std::string plain = "[k: 20, j: 10] { %r[k, j] }";
  CHECK(refusal(plain, {at("k", "x")}) == "the nest computes no definition `x`");
  CHECK(refusal(plain, {at("z", "r")}) == "there is no loop `z`");
  CHECK(refusal(plain, {at("r1", "r")}) == "loop `r1` is one of those that compute `r`");
  CHECK(refusal(plain, {at("k", "r"), at("j", "r")}) == "where and how `r` is computed is decided already");
  CHECK(refusal(plain, {{DirectiveKind::split_, {"r0"}, {"ro", "ri"}, 4}, at("j", "r")}) ==
        "where and how `r` is computed is decided already");
  CHECK(LoopNest("%m = [i: 20, j: 50] { sum[k: 12](%x[i, k] * %w[k, j]) } in [i: 20] { %m[i, 49] }")
            .refusal({{DirectiveKind::order_, {"m0", "m2", "m1"}}, at("i", "m")}) ==
        "where and how `m` is computed is decided already");
  CHECK(refusal("[k: 20, j: 10] { %r[k, j] + %r[j, k / 2] }", {at("k", "r")}) ==
        "a subscript of `r` is no sum of multiples of loops");
  CHECK(refusal("[k: 10, j: 10] { %r[k, j] + %r[j, k] }", {at("k", "r")}) ==
        "a turn of loop `k` reads `r` at places that are not as far apart in the next");
  CHECK(refusal("[k: 20, j: 10] { sum[m: j](%r[k, m]) }", {at("k", "r")}) ==
        "the range of loop `m`, which reads `r`, is not constant");
}

// ---- on a GPU

std::string on_gpu(const std::string& compute, const ir::Schedule& schedule) {
  try {
    return LoopNest(compute).after(schedule, {.gpu = true});
  } catch (const opt::Refused& refused) {
    return refused.reason;
  }
}

Directive block(const std::string& loop) { return {DirectiveKind::block_, {loop}}; }
Directive thread(const std::string& loop, int64_t factor = 0) { return {DirectiveKind::thread_, {loop}, {}, factor}; }

const std::string kWindow = kRows + "[k: 18, j: 10] { %r[k, j] - %r[k + 2, j] }";

TEST_CASE("at on a GPU: what threads compute for each other is shared, with barriers between") {
  check_text(on_gpu(kWindow, {at("k", "r"), block("k"), thread("r1"), thread("j")}), R"(
kernel @f.0(%x: f32[20, 12]) -> %out: f32[18, 10] {
  block for k in 0..18 {
    shared b: f32[3, 10] of %r
    for r0 in 0..3 {
      thread for r1 in 0..10 {
        b[r0, r1] = %x[k + r0, r1] + %x[k + r0, r1 + 2]
      }
    }
    barrier
    thread for j in 0..10 {
      %out[k, j] = b[0, j] - b[2, j]
    }
  }
}
)");
  // Inside of a thread's loop each has its own.
  CHECK(contains(on_gpu(kWindow, {at("k", "r"), thread("k")}),
                 "thread for k in 0..18 {\n    local b: f32[3, 10] of %r"));
  // No thread computes it: each for itself.
  CHECK(contains(on_gpu(kWindow, {at("k", "r"), block("k"), thread("j")}), "local b: f32[3, 10] of %r"));
}

TEST_CASE("at on a GPU: a branch that all threads take has barriers of its own") {
  const std::string text = on_gpu(
      kRows + "[k: 9] { if k > 3 { sum[j: 10](%r[k, j] * %r[k, 9 - j]) } else { 1.0 } }",
      {at("k", "r"), block("k"), thread("r1"), thread("j", 16)});
  CHECK(contains(text, "barrier"));
}

TEST_CASE("at on a GPU: a definition takes the place of one that nobody reads any more") {
  const std::string twice = "%r = [i: 20, j: 10] { %x[i, j] + %x[i, j + 2] } in %q = [i: 20, j: 10] { ";
  const ir::Schedule schedule = {at("k", "q"), at("k", "r"), block("k"), thread("r1"), thread("q1"), thread("j")};
  const auto shared = [&](const std::string& q, const std::string& reader) {
    int arrays = 0;
    for (const std::string& line : split_lines(on_gpu(twice + q + " } in [k: 20, j: 10] { " + reader + " }", schedule)))
      arrays += contains(line, "shared ") ? 1 : 0;
    return arrays;
  };
  CHECK(shared("%r[i, j] * 2.0", "%q[k, 9 - j]") == 1);
  CHECK(shared("%r[i, 9 - j] * 2.0", "%q[k, 9 - j]") == 2);
  CHECK(shared("%r[i, j] * 2.0", "%q[k, 9 - j] + %r[k, j]") == 2);
  CHECK(shared("%r[i, j] * %r[i, 0]", "%q[k, 9 - j]") == 2);
  // One after the other.
  const std::string chain = twice +
                            "%r[i, j] * 2.0 } in %s = [i: 20, j: 10] { %q[i, j] + 1.0 } in [k: 20, j: 10] { %s[k, 9 - j] }";
  const std::string text = on_gpu(chain, {at("k", "s"), at("k", "q"), at("k", "r"), block("k"), thread("r1"),
                                          thread("q1"), thread("s1"), thread("j")});
  CHECK(contains(text, "of %r"));
  CHECK(!contains(text, "of %q"));
  CHECK(!contains(text, "of %s"));
}

TEST_CASE("at on a GPU: what it refuses") {
  const std::string mixed = "the threads of a block all change `b`, which is not shared";
  CHECK(on_gpu(kWindow, {at("k", "r"), thread("r1"), thread("j")}) == mixed);              // no block
  CHECK(on_gpu(kWindow, {at("k", "r"), thread("k"), thread("r1"), thread("j")}) == mixed);  // whose is it?
  CHECK(on_gpu(kWindow, {block("r0"), block("k"), thread("j")}) ==
        "`a` is made up by several blocks, which see nothing of each other's arrays");
}

// ---- the pass

std::string refused(const std::string& lines, const std::string& more = "") {
  ir::Module module = valid_ir(fmt::format(
      "func @f(%x: f32[8], %n: i64[8]) effects {{\nentry:\n{}  %y = compute [k: 6] {{ %h[k] }} schedule f.y(\"at k "
      "compute h\")\n{}  print %y\n  ret\n}}\n",
      lines, more));
  try {
    opt::run_pipeline(module, "at", {});
  } catch (const opt::Refused& refused) {
    return refused.reason;
  }
  return "";
}

TEST_CASE("at: a definition that only its reader reads, and that cannot fail") {
  const std::string because = "`at k compute h` is refused: ";
  const std::string h = "  %h = compute [i: 8] { %x[i] * 2.0 }\n";
  CHECK(refused(h).empty());
  CHECK(refused(h, "  print %h\n") == because + "`print` reads `h`, too, which is nowhere as a whole then");
  CHECK(refused(h, "  %z = compute [i: 2] { %h[i] }\n  print %z\n") ==
        because + "`%z` reads `h`, too, which is nowhere as a whole then");
  CHECK(refused("  %h = compute [i: 8] { %x[%n[i]] }\n") == because + "`h` may fail, and is computed in its order");
  CHECK(refused("  %h = compute [i: 8] { %x[i] } schedule f.h(\"vectorize i by 4\")\n") ==
        because + "`h` has a schedule of its own");
  CHECK(refused("  %h, %g = compute [i: 8] { %x[i], exp(%x[i]) }\n") ==
        because + "`h` is computed together with another tensor");
  CHECK(refused("  %h = load \"h.npy\" : f32[8]\n") ==
        because + "`h` is no definition over indices, of which a part could be computed");
}

TEST_CASE("producers: read in their order, and unfailing") {
  const auto violation = [](const std::string& compute, const auto& change) {
    ir::Module module = valid_ir("func @f(%x: f32[8], %n: i64[8]) -> f32[6] {\nentry:\n  %y = compute " + compute +
                                 "\n  ret %y\n}\n");
    change(module.functions[0].blocks[0].insts[0].get<ir::Compute>().producers);
    const auto found = ir::verify(module);
    return found.empty() ? "none" : found[0].message;
  };
  const std::string two = "%g = [i: 8] { %x[i] * 2.0 } in %h = [i: 8] { %g[i] } in [k: 6] { %h[k] }";
  using Producers = std::vector<ir::Inst>;
  CHECK(violation(two, [](Producers&) {}) == "none");
  CHECK(violation(two, [](Producers& all) { std::swap(all[0], all[1]); }) == "`%h` reads `%g`, which is computed later");
  CHECK(violation("%h = unchecked [i: 8] { %x[%n[i]] } in [k: 6] { %h[k] }", [](Producers& all) {
          all[0].unchecked = false;
        }) == "`%h` is computed inside another and may fail");
}

}  // namespace
}  // namespace tenon::tests
