// What a kernel takes of a block's shared memory, and where in it everything lies.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ir/loops_parse.h"
#include "opt/loops/shared_memory.h"
#include "runtime/device.h"
#include "tests/unit/ir_helpers.h"

namespace tenon::tests {
namespace {

using namespace ir::loops;
using opt::loops::SharedMemory;

/// Of a nest with such a body.
SharedMemory taken(const std::string& body) {
  ir::Module module;
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const std::string text = "kernel @f.0(%x: f32[64, 64]) -> %y: f32[64] {\n" + body + "\n}\n";
  const std::vector<ParsedKernel> parsed = parse(sources, sources.add("f.loops", text), module, diagnostics);
  for (const lexer::Diagnostic& d : diagnostics.all()) FAIL(lexer::render(d, sources));
  return opt::loops::shared_memory(parsed[0].kernel);
}

/// A block that adds up 64 numbers with so many threads, and has arrays of so many f32.
SharedMemory taken_by_sum(int threads, std::initializer_list<int> arrays) {
  std::string shared;
  char name = 'b';
  for (const int count : arrays) shared += fmt::format("    shared {}: f32[{}]\n", name++, count);
  return taken(fmt::format(R"(  block for i in 0..64 {{
{}    local a: f32 = 0.0
    thread for t in 0..{} {{
      a = a + %x[i, t]
    }}
    %y[i] = a
  }})", shared, threads));
}

}  // namespace

TEST_CASE("shared arrays lie one behind the other, each where vectors of any width may begin") {
  const SharedMemory memory = taken_by_sum(32, {3, 40, 16});
  REQUIRE(memory.arrays.size() == 3);
  int64_t end = 0;
  for (const auto& [local, start] : memory.arrays) {
    CHECK(start % opt::loops::kSharedAligned == 0);
    CHECK(start >= end);
    end = start + 1;
  }
  CHECK(memory.bytes == 64 + 192 + 64);
}

TEST_CASE("what warps leave each other takes room, where there are several") {
  CHECK(taken_by_sum(32, {}).bytes == 0);
  CHECK_FALSE(taken_by_sum(32, {}).parts);
  CHECK(taken_by_sum(64, {}).parts == 0);
  CHECK(taken_by_sum(64, {}).bytes == 256);
  CHECK(taken_by_sum(64, {16}).parts == 64);
  CHECK_FALSE(taken("  block for i in 0..64 {\n    thread for t in 0..64 {\n      local a: f32 = %x[i, t]\n"
                    "      if t == 0 {\n        %y[i] = a\n      }\n    }\n  }").parts);
}

TEST_CASE("a kernel declares its arrays as long as all of them fit") {
  constexpr int kAll = runtime::kSharedBytes / 4;
  CHECK_FALSE(taken_by_sum(32, {kAll}).is_dynamic());
  CHECK(taken_by_sum(32, {kAll, 1}).is_dynamic());
  CHECK(taken_by_sum(64, {kAll}).is_dynamic());
  CHECK(taken_by_sum(64, {kAll}).bytes == runtime::kSharedBytes + 256);
}

}  // namespace tenon::tests
