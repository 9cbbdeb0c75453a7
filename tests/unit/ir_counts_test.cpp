// What the SSA interpreter counts, on texts whose counts follow from what they say.
#include "ir/counts.h"

#include <memory>

#include "ir/interpret.h"
#include "tests/support/text.h"
#include "tests/unit/ir_helpers.h"

namespace tenon::tests {
namespace {

/// What main takes; its output goes nowhere.
ir::Counts counts_of(const std::string& text) {
  const ir::Module module = valid_ir(text);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"),
                                                                std::fclose);
  runtime::Context context;
  context.out = nowhere.get();
  ir::Counts counts;
  try {
    runtime::run_on_large_stack([&] { ir::interpret(module, context, counts); });
  } catch (const ast::RunError&) {  // what was done until then is counted
  }
  return counts;
}

ir::Counts counts_of_main(const std::string& lines) {
  return counts_of("func @main() effects {\nentry:\n" + lines + "  ret\n}\n");
}

TEST_CASE("constants are operands, every other instruction is one") {
  const ir::Counts counts =
      counts_of_main("  %a = const 2\n  %b = add %a, %a\n  %c = mul %b, %a\n  print %c\n");
  CHECK(counts.instructions() == 4);  // add, mul, print, ret
  CHECK(counts.loaded.elements == 0);
  CHECK(counts.stored.elements == 0);
}

TEST_CASE("a body counts its operations each time they are evaluated") {
  // Per element: the read of %x and mul, add. No index, no constant, no %s.
  const ir::Counts counts = counts_of_main(
      "  %s = const 7\n  %x = compute [i: 5] { i }\n"
      "  %y = compute [i: 5] { %x[i] * 3 + %s }\n");
  CHECK(counts.reads == 5);
  CHECK(counts.instructions() == 2 + 5 * 3 + 1);  // the computes, their elements, ret
  CHECK(counts.loaded.elements == 5);
  CHECK(counts.loaded.bytes == 5 * 8);
  CHECK(counts.stored.elements == 10);
}

TEST_CASE("a reduction counts an element that it combines, an if its decision and one branch") {
  const ir::Counts counts =
      counts_of_main("  %y = compute [i: 3] { sum[k: i](if k == 0 { 1 } else { k * k }) }\n");
  // 0 + 1 + 2 elements: the sum, the if, ==; and * for k = 1 alone.
  CHECK(counts.ifs == 3);
  CHECK(counts.instructions() == 1 + 3 * 3 + 1 + 1);
}

TEST_CASE("a call counts, and what it calls") {
  const std::string callee = "func @f(%x: i64) -> i64 {\nentry:\n  %y = add %x, %x\n  ret %y\n}\n";
  const ir::Counts counts =
      counts_of(callee +
                "\nfunc @main() {\nentry:\n  %a = const 2\n  %b = call @f(%a)\n"
                "  %t = compute [i: 4] { @f(i) }\n  ret\n}\n");
  CHECK(counts.instructions() == (1 + 2) + 1 + 4 * (1 + 2) + 1);
}

TEST_CASE("an update in place writes its part, one that copies all of the tensor") {
  const std::string lines =
      "  %i = const 1\n  %v = const 9\n  %t = compute [i: 6] { i }\n  %u = update %t[%i] = %v\n";
  const ir::Counts copied = counts_of_main(lines);
  CHECK(copied.loaded.elements == 6);
  CHECK(copied.stored.elements == 6 + 6 + 1);
  const ir::Counts in_place = counts_of_main(lines + "  drop %u\n");
  CHECK(in_place.loaded.elements == 0);
  CHECK(in_place.stored.elements == 6 + 1);
}

TEST_CASE("elements have the size of their type") {
  const ir::Counts counts = counts_of_main(
      "  %i = const 0\n  %t = compute [i: 3] { f16(i) }\n  %e = element %t[%i]\n"
      "  %p = pack [%e, %e] : f16[2]\n");
  CHECK(counts.loaded.bytes == 2);
  CHECK(counts.stored.bytes == (3 + 2) * 2);
}

TEST_CASE("what fails counts what was done before") {
  const ir::Counts counts =
      counts_of_main("  %z = const 0\n  %a = add %z, %z\n  %b = div %a, %z\n  %c = add %z, %z\n");
  CHECK(counts.instructions() == 2);
}

TEST_CASE("the table is sorted, and its total is the sum") {
  const std::string table =
      counts_of_main("  %t = compute [i: 8] { (i + 1) * i + i }\n  print %t\n").table();
  const std::vector<std::string> lines = split_lines(table);
  REQUIRE(lines.size() == 10);
  CHECK(lines[0] == "      executed   share  instruction");
  CHECK(lines[1] == "            16   59.3%  add");
  CHECK(lines[2] == "             8   29.6%  mul");
  CHECK(lines[6] == "            27  100.0%  total");
  CHECK(lines[9] == "             8             64  stored");
}

}  // namespace
}  // namespace tenon::tests
