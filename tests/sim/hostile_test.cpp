// PTX and launches that are wrong: each is refused with a place and a reason; nothing crashes.
#include <doctest/doctest.h>

#include <random>

#include "tests/sim/launcher.h"

namespace tenon::tests {
namespace {

/// A kernel with this body.
std::string kernel(const std::string& body) {
  return ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 p, .param "
         ".u32 n)\n{\n"
         ".reg .pred %p<4>; .reg .b16 %rs<4>; .reg .b32 %r<8>; .reg .b64 %rd<8>; .reg .f32 "
         "%f<4>;\n" +
         body + "\nret;\n}\n";
}

std::string refusal(const std::string& ptx) {
  try {
    sim::parse(ptx, "k.ptx");
  } catch (const sim::PtxError& error) {
    CHECK(error.line >= 1);
    CHECK(error.column >= 1);
    return error.what();
  }
  return "";
}

TEST_CASE("wrong PTX is refused at its place") {
  CHECK(refusal(kernel("ad.u32 %r1, %r2, %r3;")) ==
        "k.ptx:7:1: no opcode `ad`; did you mean `add`?");
  CHECK(refusal(kernel("add.u32 %r1, %r2;")) == "k.ptx:7:1: `add` has 2 operands, but needs 3");
  CHECK(refusal(kernel("add.u32 %r1, %r2, %rd1;")) ==
        "k.ptx:7:19: `%rd1` has 64 bits, but `.u32` needs 32");
  CHECK(refusal(kernel("add.u32 %r1, %r2, %r9;")) == "k.ptx:7:19: register `%r9` is not declared");
  CHECK(refusal(kernel("add.foo.u32 %r1, %r2, %r3;")) ==
        "k.ptx:7:1: `.foo` is not done here in `add.foo.u32`");
  CHECK(refusal(kernel("bra nowhere;")) == "k.ptx:7:5: label `nowhere` is not defined");
  CHECK(refusal(kernel("mov.u64 %rd1, lost;")) == "k.ptx:7:15: `lost` is not declared");
  CHECK(refusal(kernel("add.u32 %r1, %r2, 08;")).find("no integer") != std::string::npos);
  CHECK(refusal(kernel("add.u32 %r1 %r2;")).find("unexpected `%r2`") != std::string::npos);
  CHECK(refusal(kernel("{ { {")).find("end of file") != std::string::npos);
  CHECK(refusal(kernel(std::string(5000, '{'))).find("nest deeper") != std::string::npos);
  CHECK(refusal(kernel("call.uni f, ();")).find("`f` is not declared") != std::string::npos);
  CHECK(refusal(kernel("wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%f1}, %rd1, %rd2, 1;"))
            .find("no opcode `wgmma`") != std::string::npos);
  CHECK(refusal(kernel(".reg .b32 %q<4000000000>;")).find("registers") != std::string::npos);
  CHECK(refusal(kernel(".local .b8 big[1000000000];")).find("local memory") != std::string::npos);
  CHECK(refusal(kernel(".shared .b8 big[99999999999999999999];")).find("64 bits") !=
        std::string::npos);
  CHECK(refusal(kernel(".shared .align 3 .b8 s[4];")).find("power of two") != std::string::npos);
  CHECK(refusal(kernel("L: L: ret;")).find("twice") != std::string::npos);
  CHECK(refusal(kernel("\"")).find("does not end") != std::string::npos);
  CHECK(refusal(kernel("\x01")).find("unexpected byte 0x01") != std::string::npos);
  CHECK(refusal("/*").find("comment") != std::string::npos);
  CHECK(refusal(".version 7.8\n.target sm_80\n.address_size 32\n").find("64 bits") !=
        std::string::npos);
  CHECK(refusal(kernel("")) == "");
}

TEST_CASE("wrong launches are refused") {
  sim::Device device;
  const sim::Module module = sim::parse(kernel(""), "k.ptx");
  const std::vector<std::byte> params(12);
  const auto launch = [&](const char* name, sim::Dim3 grid, sim::Dim3 block, uint32_t shared,
                          size_t bytes) -> std::string {
    try {
      device.launch(module, name, grid, block, shared, std::span(params).first(bytes));
    } catch (const sim::LaunchError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(launch("k", {1}, {32}, 0, 12) == "");
  CHECK(launch("q", {1}, {32}, 0, 12) == "`k.ptx` has no kernel `q`");
  CHECK(launch("k", {0}, {32}, 0, 12) != "");
  CHECK(launch("k", {1}, {1025}, 0, 12) != "");
  CHECK(launch("k", {1}, {64, 64}, 0, 12) != "");
  CHECK(launch("k", {1, 70000}, {1}, 0, 12) != "");
  CHECK(launch("k", {1}, {32}, 1 << 30, 12) != "");
  CHECK(launch("k", {1}, {32}, 232449, 12) == "`k`: 232449 bytes of shared memory for a block; a H200 has 232448");
  CHECK(launch("k", {1}, {32}, 0, 8) != "");
  CHECK_THROWS_WITH(
      device.launch(sim::parse(kernel(".shared .b8 s[49153]; mov.u32 %r1, s;"), "k.ptx"), "k", {1}, {32}, 0, params),
      "`k`: it declares 49153 bytes of shared memory; of more than 49152 the launch has to say how many they are");
  CHECK_THROWS_AS(device.free(77), sim::LaunchError);
  CHECK_THROWS_AS(device.write(77, params), sim::LaunchError);
  const sim::Address at = device.allocate(4, "small");
  CHECK_THROWS_AS(device.write(at, params), sim::LaunchError);
  CHECK_THROWS(device.allocate(~uint64_t{0}, "huge"));
}

/// What a kernel is stopped for.
std::string fault(const std::string& body, uint64_t budget = 100000) {
  sim::Device device;
  const sim::Address x = upload(device, std::vector<float>(64), "x");
  sim::LaunchOptions options;
  options.instruction_budget = budget;
  const sim::Report report =
      device.launch(sim::parse(kernel("ld.param.u64 %rd1, [p];" + body), "k.ptx"), "k", {1}, {64},
                    0, (KernelArguments() << x << 64).bytes(), options);
  return report.ok() ? "" : std::string(row(report.faults.front().kind).name);
}

/// LLVM fills gaps in vectors that it loads.
TEST_CASE("what nobody has written may be loaded beside what is read, but not be read") {
  for (const std::string space : {"shared", "local"}) {
    const std::string vector = "mov.u32 %r1, %tid.x; setp.ne.u32 %p1, %r1, 0; @%p1 exit; .reg .f32 %g<6>; ." + space +
                               " .align 16 .b32 s[4]; st." + space + ".v2.f32 [s], {0f00000000, 0f00000000}; st." +
                               space + ".f32 [s + 8], 0f00000000; ld." + space + ".v4.f32 {%g1, %g2, %g3, %g4}, [s];";
    CHECK(fault(vector + "add.f32 %g5, %g1, %g2; add.f32 %g5, %g5, %g3;") == "");
    CHECK(fault(vector + "add.f32 %g5, %g1, %g4;") == "uninitialized_memory");
    CHECK(fault("." + space + " .align 8 .b32 s[2]; ld." + space + ".v2.f32 {%f1, %f2}, [s];") ==
          "uninitialized_memory");
  }
}

TEST_CASE("what the launch gives of shared memory is looked at like what a kernel declares") {
  const auto fault_with = [](uint32_t bytes, const std::string& body) -> std::string {
    std::string ptx = kernel("mov.u32 %r1, %tid.x; shl.b32 %r2, %r1, 2; mov.u32 %r3, d; add.u32 %r3, %r3, %r2;" + body);
    ptx.insert(ptx.find(".visible"), ".extern .shared .align 16 .b8 d[];\n");
    sim::Device device;
    const sim::Report report = device.launch(sim::parse(ptx, "k.ptx"), "k", {1}, {64}, bytes,
                                             (KernelArguments() << sim::Address{0} << 64).bytes());
    CHECK(report.occupancy.shared_bytes == bytes);
    return report.ok() ? "" : std::string(row(report.faults.front().kind).name);
  };
  const std::string exchange = "st.shared.u32 [%r3], %r1; bar.sync 0; xor.b32 %r3, %r3, 128; ld.shared.u32 %r1, [%r3]; "
                               "xor.b32 %r3, %r3, 128;";
  CHECK(fault_with(256, "st.shared.u32 [%r3], %r1;") == "");
  CHECK(fault_with(100000, "st.shared.u32 [%r3 + 99744], %r1;") == "");
  CHECK(fault_with(252, "st.shared.u32 [%r3], %r1;") == "out_of_bounds");
  CHECK(fault_with(0, "st.shared.u32 [%r3], %r1;") == "out_of_bounds");
  CHECK(fault_with(256, "ld.shared.u32 %r1, [%r3]; add.u32 %r1, %r1, 1;") == "uninitialized_memory");
  CHECK(fault_with(256, exchange + "st.shared.u32 [%r3], %r1;") == "race");
  CHECK(fault_with(256, exchange + "bar.sync 0; st.shared.u32 [%r3], %r1;") == "");
}

TEST_CASE("wrong kernels are stopped") {
  CHECK(fault("L: bra L;") == "runaway");
  CHECK(fault("trap;") == "trap");
  CHECK(fault("ld.global.f32 %f1, [%rd1 + 256];") == "out_of_bounds");
  CHECK(fault("ld.global.f32 %f1, [%rd1 + -4];") == "out_of_bounds");
  CHECK(fault("ld.global.f32 %f1, [0];") == "out_of_bounds");
  CHECK(fault("ld.global.f32 %f1, [%rd1 + 2];") == "misaligned");
  CHECK(fault("ld.shared.f32 %f1, [0];") == "out_of_bounds");
  CHECK(fault(".shared .b32 s; ld.shared.f32 %f1, [s];") == "uninitialized_memory");
  CHECK(fault(".local .b32 s; ld.local.f32 %f1, [s];") == "uninitialized_memory");
  CHECK(fault("add.u32 %r1, %r2, 1;") == "uninitialized_register");
  CHECK(fault("ld.param.u32 %r1, [p + 4096];") == "out_of_bounds");
  CHECK(fault("bar.sync 0, 48;") == "unsupported");
  CHECK(fault("mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 32; @%p1 bra E; bar.sync 0; E:") ==
        "missed_barrier");
  CHECK(fault("mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 40; @%p1 bar.sync 0;") ==
        "divergent_barrier");
  CHECK(fault("mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 8; @%p1 exit; shfl.sync.idx.b32 %r2, "
              "%r1, 3, 31, -1;") == "wrong_lanes");
  CHECK(fault("bar.warp.sync 3;") == "wrong_lanes");
  CHECK(fault("mov.u64 %rd2, p; st.u8 [%rd2], 1;") == "out_of_bounds");
}

TEST_CASE("every opcode's row is complete, and no two have one name") {
  // parse() looks names up in the table; a row that is not reachable would show here.
  for (const char* opcode : {"add.s32", "shf.l.wrap.b32", "prmt.b32", "redux.sync.add.s32",
                             "lop3.b32", "dp4a.s32.s32", "bfi.b32"}) {
    CAPTURE(opcode);
    CHECK(refusal(kernel(std::string(opcode) + " %r1;")).find("operands") != std::string::npos);
  }
}

/// Text with random edits: parts left out, doubled, or overwritten by parts of elsewhere.
std::string mutated(std::string text, std::mt19937& random) {
  const auto below = [&](size_t n) { return n == 0 ? 0 : random() % n; };
  for (size_t edits = 1 + below(4); edits > 0; --edits) {
    const size_t at = below(text.size()), length = 1 + below(30);
    const std::string piece = text.substr(below(text.size()), length);
    switch (below(4)) {
      case 0: text.erase(at, length); break;
      case 1: text.insert(at, piece); break;
      case 2: text.replace(at, length, piece); break;
      default: text[at] = static_cast<char>(32 + below(96)); break;
    }
  }
  return text;
}

TEST_CASE("damaged PTX is refused or runs, and nothing else") {
  std::mt19937 random(7);
  int refused = 0, ran = 0;
  for (const char* name :
       {"foreign/early_exit.nvcc.sm_90.ptx", "foreign/structs.nvcc.sm_75.ptx",
        "foreign/switches.nvcc.sm_90.ptx", "foreign/reduce_shared.clang19.sm_80.ptx",
        "foreign/pipeline.nvcc.sm_80.ptx", "foreign/softmax.llvm22.sm_90.ptx"}) {
    const std::string text = read_file(kSimTests / name);
    for (int i = 0; i < 60; ++i) {
      const std::string other = mutated(text, random);
      try {
        const sim::Module module = sim::parse(other, name);
        for (const sim::KernelInfo& kernel : module.kernels()) {
          if (kernel.param_bytes != 28) continue;
          sim::Device device;
          const sim::Address a = upload(device, numbers(256, 1), "a"),
                             b = upload(device, numbers(256, 2), "b"),
                             c = device.allocate(1024, "c");
          sim::LaunchOptions options;
          options.instruction_budget = 20000;
          device.launch(module, kernel.name, {2}, {64}, 0,
                        (KernelArguments() << a << b << c << 256).bytes(), options);
        }
        ++ran;
      } catch (const sim::PtxError&) {
        ++refused;
      } catch (const sim::LaunchError&) {
        ++refused;
      }
    }
  }
  CHECK(refused > 50);
  CHECK(ran > 5);
}

}  // namespace
}  // namespace tenon::tests
