// What single instructions compute, on values where it matters: rounding, saturation, no numbers,
// shifts beyond the width, lanes outside of a segment.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "runtime/small_float.h"
#include "tests/sim/launcher.h"

namespace tenon::tests {
namespace {

/// Runs `body` with %r1 … %r3 (and %f1 … as the same bits) loaded from a, b, c; gives %r0 of each
/// lane.
std::vector<uint32_t> run(const std::string& body, const std::vector<uint32_t>& a,
                          const std::vector<uint32_t>& b = {},
                          const std::vector<uint32_t>& c = {}) {
  const std::string ptx =
      ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 a, .param .u64 "
      "b, .param .u64 c, .param .u64 d)\n{\n"
      ".reg .pred %p<4>; .reg .b16 %h<4>; .reg .b32 %r<10>; .reg .f32 %f<8>; .reg .b64 %rd<10>; "
      ".reg .f64 %g<4>;\n"
      "ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u64 %rd3, [c]; ld.param.u64 %rd4, "
      "[d];\n"
      "mov.u32 %r9, %laneid; mul.wide.u32 %rd9, %r9, 4;\n"
      "add.s64 %rd1, %rd1, %rd9; add.s64 %rd2, %rd2, %rd9; add.s64 %rd3, %rd3, %rd9; add.s64 %rd4, "
      "%rd4, %rd9;\n"
      "ld.global.b32 %r1, [%rd1]; ld.global.b32 %r2, [%rd2]; ld.global.b32 %r3, [%rd3];\n"
      "mov.b32 %f1, %r1; mov.b32 %f2, %r2; mov.b32 %f3, %r3; cvt.u16.u32 %h1, %r1; cvt.u16.u32 "
      "%h2, %r2; cvt.u16.u32 %h3, %r3;\n" +
      body + "\nst.global.b32 [%rd4], %r0;\nret;\n}\n";
  sim::Device device;
  KernelArguments arguments;
  for (const auto* values : {&a, &b, &c}) {
    std::vector<uint32_t> lanes(32);
    for (size_t i = 0; i < 32; ++i) lanes[i] = values->empty() ? 0 : (*values)[i % values->size()];
    const sim::Address at = device.allocate(128);
    device.write(at, std::as_bytes(std::span(lanes)));
    arguments << at;
  }
  const sim::Address at = device.allocate(128);
  arguments << at;
  const sim::Report report =
      device.launch(sim::parse(ptx, "k.ptx"), "k", {1}, {32}, 0, arguments.bytes());
  CHECK_MESSAGE(report.ok(), faults_text(report));
  std::vector<uint32_t> result(32);
  device.read(at, std::as_writable_bytes(std::span(result)));
  return result;
}
uint32_t one(const std::string& body, uint32_t a, uint32_t b = 0, uint32_t c = 0) {
  return run(body, {a}, {b}, {c})[0];
}
uint32_t bits(float x) {
  return std::bit_cast<uint32_t>(x);
}

constexpr uint32_t kNan = 0x7fc00000, kInf = 0x7f800000;

TEST_CASE("shifts beyond the width give zeros or signs") {
  CHECK(one("shl.b32 %r0, %r1, %r2;", 1, 31) == 0x80000000u);
  CHECK(one("shl.b32 %r0, %r1, %r2;", 1, 32) == 0);
  CHECK(one("shl.b32 %r0, %r1, %r2;", 1, 0xffffffff) == 0);
  CHECK(one("shr.u32 %r0, %r1, %r2;", 0x80000000u, 40) == 0);
  CHECK(one("shr.s32 %r0, %r1, %r2;", 0x80000000u, 40) == 0xffffffffu);
  CHECK(one("shf.l.clamp.b32 %r0, %r1, %r2, %r3;", 0x12345678, 0x9abcdef0, 40) == 0x12345678);
  CHECK(one("shf.l.wrap.b32 %r0, %r1, %r2, %r3;", 0x12345678, 0x9abcdef0, 36) == 0xabcdef01u);
  CHECK(one("shf.r.wrap.b32 %r0, %r1, %r2, %r3;", 0x12345678, 0x9abcdef0, 4) == 0x01234567u);
}

TEST_CASE("parts of words") {
  CHECK(one("bfe.u32 %r0, %r1, 4, 8;", 0x12345678) == 0x67);
  CHECK(one("bfe.s32 %r0, %r1, 4, 4;", 0x000000f0) == 0xffffffffu);
  CHECK(one("bfe.s32 %r0, %r1, 28, 16;", 0x80000000u) == 0xfffffff8u);
  CHECK(one("bfi.b32 %r0, %r1, %r2, 8, 4;", 0xffffffffu, 0) == 0xf00u);
  CHECK(one("prmt.b32 %r0, %r1, %r2, 0x7610;", 0x03020100, 0x07060504) == 0x07060100u);
  CHECK(one("prmt.b32 %r0, %r1, %r2, 0x8;", 0x80, 0) == 0x808080ffu);
  CHECK(one("lop3.b32 %r0, %r1, %r2, %r3, 0xe8;", 0b0011, 0b0101, 0b1001) == 0b0001);
  CHECK(one("brev.b32 %r0, %r1;", 1) == 0x80000000u);
  CHECK(one("bfind.u32 %r0, %r1;", 0x00010000) == 16);
  CHECK(one("bfind.u32 %r0, %r1;", 0) == 0xffffffffu);
  CHECK(one("clz.b32 %r0, %r1;", 0) == 32);
  CHECK(one("dp4a.s32.s32 %r0, %r1, %r2, %r3;", 0xff01ff01u, 0x02030405u, 10) ==
        static_cast<uint32_t>(10 - 2 + 3 - 4 + 5));
  CHECK(one("mul.hi.u32 %r0, %r1, %r2;", 0xffffffffu, 0xffffffffu) == 0xfffffffeu);
  CHECK(one("mul.hi.s32 %r0, %r1, %r2;", 0xffffffffu, 2) == 0xffffffffu);
  CHECK(one("mad.wide.u32 %rd5, %r1, %r2, 1; shr.u64 %rd5, %rd5, 32; cvt.u32.u64 %r0, %rd5;",
            0xffffffffu, 2) == 1);
  CHECK(one("add.cc.u32 %r4, %r1, %r2; addc.u32 %r0, %r3, 0;", 0xffffffffu, 1, 7) == 8);
  CHECK(one("div.u32 %r0, %r1, %r2;", 7, 0) == 0xffffffffu);
  CHECK(one("div.s32 %r0, %r1, %r2;", 0x80000000u, 0xffffffffu) == 0x80000000u);
  CHECK(one("rem.s32 %r0, %r1, %r2;", 0x80000000u, 0xffffffffu) == 0);
  CHECK(one("sad.s32 %r0, %r1, %r2, %r3;", 3, 0xfffffffeu, 10) == 15);
}

TEST_CASE("floats round and compare as IEEE 754 says") {
  const auto f32 = [](const char* op, uint32_t a, uint32_t b, uint32_t c = 0) {
    return one(std::string(op) + "; mov.b32 %r0, %f0;", a, b, c);
  };
  const uint32_t third = bits(1.0f / 3);
  CHECK(f32("div.rn.f32 %f0, %f1, %f2", bits(1), bits(3)) == third);
  CHECK(f32("div.rz.f32 %f0, %f1, %f2", bits(1), bits(3)) == third - 1);
  CHECK(f32("div.rm.f32 %f0, %f1, %f2", bits(-1), bits(3)) == (third | 0x80000000u));
  CHECK(f32("div.rp.f32 %f0, %f1, %f2", bits(1), bits(3)) == third);
  CHECK(f32("fma.rn.f32 %f0, %f1, %f2, %f3", bits(1 + 0x1p-12f), bits(1 - 0x1p-12f), bits(-1)) ==
        bits(-0x1p-24f));
  CHECK(f32("min.f32 %f0, %f1, %f2", kNan, bits(2)) == bits(2));
  CHECK(f32("max.f32 %f0, %f1, %f2", bits(2), kNan) == bits(2));
  CHECK(f32("min.NaN.f32 %f0, %f1, %f2", kNan, bits(2)) == kNan);
  CHECK(f32("min.f32 %f0, %f1, %f2", bits(0.0f), bits(-0.0f)) == bits(-0.0f));
  CHECK(f32("add.sat.f32 %f0, %f1, %f2", bits(0.75f), bits(0.75f)) == bits(1));
  CHECK(f32("add.sat.f32 %f0, %f1, %f2", kNan, bits(1)) == 0);
  CHECK(f32("add.ftz.f32 %f0, %f1, %f2", 1, 1) == 0);
  CHECK(f32("add.f32 %f0, %f1, %f2", 1, 1) == 2);
  CHECK(f32("mul.ftz.f32 %f0, %f1, %f2", bits(-0x1p-70f), bits(0x1p-70f)) == 0x80000000u);
  CHECK(f32("sqrt.rn.f32 %f0, %f1", bits(2), 0) == bits(std::sqrt(2.0f)));
  CHECK(f32("rcp.approx.f32 %f0, %f1", bits(0), 0) == kInf);
  CHECK(f32("ex2.approx.f32 %f0, %f1", bits(-2), 0) == bits(0.25f));
  CHECK(f32("copysign.f32 %f0, %f1, %f2", bits(-1), bits(3)) == bits(-3));
  const auto holds = [](const char* compare, uint32_t a, uint32_t b) {
    return one("setp." + std::string(compare) + ".f32 %p1, %f1, %f2; selp.u32 %r0, 1, 0, %p1;", a,
               b);
  };
  CHECK(holds("lt", bits(1), bits(2)) == 1);
  CHECK(holds("lt", kNan, bits(2)) == 0);
  CHECK(holds("ltu", kNan, bits(2)) == 1);
  CHECK(holds("ne", kNan, bits(2)) == 0);
  CHECK(holds("neu", kNan, kNan) == 1);
  CHECK(holds("equ", kNan, bits(2)) == 1);
  CHECK(holds("num", bits(1), bits(2)) == 1);
  CHECK(holds("nan", bits(1), kNan) == 1);
  CHECK(one("setp.ne.u32 %p3, %r1, %r1; setp.lt.or.u32 %p1|%p2, %r1, %r2, %p3; selp.u32 %r0, 1, 0, "
            "%p2;",
            1, 2) == 0);
}

TEST_CASE("conversions saturate, round and extend") {
  CHECK(one("cvt.rzi.s32.f32 %r0, %f1;", bits(3e9f)) == 0x7fffffffu);
  CHECK(one("cvt.rzi.s32.f32 %r0, %f1;", bits(-3e9f)) == 0x80000000u);
  CHECK(one("cvt.rzi.u32.f32 %r0, %f1;", bits(-1.5f)) == 0);
  CHECK(one("cvt.rzi.s32.f32 %r0, %f1;", kNan) == 0);
  CHECK(one("cvt.rni.s32.f32 %r0, %f1;", bits(2.5f)) == 2);
  CHECK(one("cvt.rpi.s32.f32 %r0, %f1;", bits(2.1f)) == 3);
  CHECK(one("cvt.rmi.f32.f32 %f0, %f1; mov.b32 %r0, %f0;", bits(-2.1f)) == bits(-3));
  CHECK(one("cvt.s32.s8 %r0, %r1;", 0x80) == 0xffffff80u);
  CHECK(one("cvt.u32.u8 %r0, %r1;", 0x1ff) == 0xff);
  CHECK(one("cvt.sat.u8.s32 %r0, %r1;", 0xffffffffu) == 0);
  CHECK(one("cvt.sat.s8.s32 %r0, %r1;", 300) == 127);
  CHECK(one("cvt.rn.f32.u32 %f0, %r1; mov.b32 %r0, %f0;", 0xffffffffu) == bits(4294967296.0f));
  CHECK(one("cvt.rz.f32.u32 %f0, %r1; mov.b32 %r0, %f0;", 0xffffffffu) == bits(4294967040.0f));
  CHECK(one("cvt.rn.bf16x2.f32 %r0, %f1, %f2;", bits(1), bits(2)) == 0x3f804000u);
  CHECK(one("cvt.rna.tf32.f32 %r0, %f1;", 0x3f801000u) == 0x3f802000u);
  CHECK(one("cvt.f64.f32 %g1, %f1; cvt.rn.f32.f64 %f0, %g1; mov.b32 %r0, %f0;", 0x3f8ccccdu) ==
        0x3f8ccccdu);
}

TEST_CASE("f16 and bf16 are rounded once, on all their numbers") {
  using Half = runtime::SmallFloat<runtime::SmallFormat::f16>;
  using BFloat = runtime::SmallFloat<runtime::SmallFormat::bf16>;
  for (uint32_t first = 0; first < 65536;
       first += 32 * 61) {  // a sample of all, the lanes side by side
    std::vector<uint32_t> a(32), b(32);
    for (uint32_t i = 0; i < 32; ++i)
      a[i] = (first + 61 * i) & 0xffff, b[i] = (a[i] * 40503u + 12345) & 0xffff;
    const auto check = [&](const std::string& body, auto expected) {
      const std::vector<uint32_t> result = run(body, a, b, a);
      for (uint32_t i = 0; i < 32; ++i) {
        const uint16_t wanted = expected(a[i], b[i]);
        const bool is_nan = (wanted & 0x7fff) > (body.find("bf16") == body.npos ? 0x7c00 : 0x7f80);
        CAPTURE(body);
        CAPTURE(a[i]);
        CAPTURE(b[i]);
        if (is_nan)
          CHECK((result[i] & 0x7fff) == 0x7fff);
        else
          CHECK(result[i] == wanted);
      }
    };
    const auto half = [](uint32_t x) {
      return static_cast<float>(Half::from_bits(static_cast<uint16_t>(x)));
    };
    const auto bfloat = [](uint32_t x) {
      return static_cast<float>(BFloat::from_bits(static_cast<uint16_t>(x)));
    };
    check("add.f16 %h0, %h1, %h2; cvt.u32.u16 %r0, %h0;",
          [&](uint32_t x, uint32_t y) { return Half(half(x) + half(y)).bits(); });
    check("mul.f16 %h0, %h1, %h2; cvt.u32.u16 %r0, %h0;",
          [&](uint32_t x, uint32_t y) { return Half(half(x) * half(y)).bits(); });
    check("fma.rn.f16 %h0, %h1, %h2, %h3; cvt.u32.u16 %r0, %h0;", [&](uint32_t x, uint32_t y) {
      return Half(runtime::sum_to_odd(double{half(x)} * half(y), half(x))).bits();
    });
    check("fma.rn.bf16 %h0, %h1, %h2, %h3; cvt.u32.u16 %r0, %h0;", [&](uint32_t x, uint32_t y) {
      return BFloat(runtime::sum_to_odd(double{bfloat(x)} * bfloat(y), bfloat(x))).bits();
    });
    check(
        "cvt.f32.f16 %f0, %h1; mul.f32 %f0, %f0, 0f3f000000; cvt.rn.f16.f32 %h0, %f0; cvt.u32.u16 "
        "%r0, %h0;",
        [&](uint32_t x, uint32_t) { return Half(half(x) * 0.5f).bits(); });
  }
}

TEST_CASE("lanes of a warp together") {
  std::vector<uint32_t> lanes(32);
  for (uint32_t i = 0; i < 32; ++i) lanes[i] = i * 10;
  const auto shuffled = [&](const char* op, uint32_t lane) {
    return run("shfl.sync." + std::string(op) + ", -1;", lanes)[lane];
  };
  CHECK(shuffled("up.b32 %r0, %r1, 3, 0", 5) == 20);
  CHECK(shuffled("up.b32 %r0, %r1, 3, 0", 2) == 20);
  CHECK(shuffled("down.b32 %r0, %r1, 3, 31", 30) == 300);
  CHECK(shuffled("bfly.b32 %r0, %r1, 1, 31", 6) == 70);
  CHECK(shuffled("idx.b32 %r0, %r1, 7, 31", 20) == 70);
  CHECK(shuffled("idx.b32 %r0, %r1, 1, 0x1c03", 14) == 130);  // segments of 4 lanes
  CHECK(run("setp.gt.u32 %p1, %r1, 300; vote.sync.ballot.b32 %r0, %p1, -1;", lanes)[0] ==
        0x80000000u);
  CHECK(run("redux.sync.add.s32 %r0, %r1, -1;", lanes)[9] == 4960);
  CHECK(run("redux.sync.max.u32 %r0, %r1, -1;", lanes)[9] == 310);
  CHECK(run("and.b32 %r1, %r1, 4; match.any.sync.b32 %r0, %r1, -1;", lanes)[0] ==
        run("and.b32 %r4, %r1, 4; setp.eq.u32 %p1, %r4, 0; vote.sync.ballot.b32 %r0, %p1, -1;",
            lanes)[0]);
  CHECK(run("match.all.sync.b32 %r0|%p1, %r2, -1;", lanes)[3] == 0xffffffffu);
  CHECK(run("match.all.sync.b32 %r0|%p1, %r1, -1;", lanes)[3] == 0);
  CHECK(
      run("setp.lt.u32 %p1, %r1, 40; mov.u32 %r0, 0; @%p1 bra L; bra E; L: activemask.b32 %r0; E:",
          lanes)[2] == 0xf);
  CHECK(run("elect.sync %r0|%p1, -1; selp.u32 %r0, 1, 0, %p1;", lanes)[0] == 1);
  CHECK(run("setp.lt.u32 %p1, %r1, 50; bar.red.popc.u32 %r0, 0, %p1;", lanes)[31] == 5);
  CHECK(run("setp.lt.u32 %p1, %r1, 50; bar.red.or.pred %p2, 0, %p1; selp.u32 %r0, 1, 0, %p2;",
            lanes)[31] == 1);
}

TEST_CASE("an mbarrier's phases") {
  const std::string body =
      ".shared .b64 m; setp.eq.u32 %p1, %r9, 0; @%p1 mbarrier.init.shared.b64 [m], 32; bar.sync "
      "0;\n"
      "mbarrier.arrive.shared.b64 %rd5, [m];\n"
      "W: mbarrier.try_wait.parity.shared.b64 %p2, [m], 0; @!%p2 bra W; mov.u32 %r0, 7;";
  CHECK(one(body, 0) == 7);
}

}  // namespace
}  // namespace tenon::tests
