// What finds wrong compilers is code too: the generator, the reducer, and who is to blame.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/context.h"
#include "tests/differential/generator/choices.h"
#include "tests/differential/generator/program.h"
#include "tests/differential/oracle/reduce.h"

namespace tenon::tests {
namespace {

using namespace tenon::differential;

TEST_CASE("without bytes the program is the smallest, and bytes always mean the same program") {
  CHECK(generate("").text == "fn main() {\n}\n");
  CHECK(generate(std::string(500, '\0')).text.size() < 1000);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    CHECK(generate(bytes_of(seed)).text == generate(bytes_of(seed)).text);
  }
}

TEST_CASE("choices are in range, the first without bytes, and weights are kept") {
  const std::string bytes = bytes_of(7);
  Choices some({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  while (!some.exhausted()) CHECK(some.below(1000) < 1000);
  CHECK(some.below(1000) == 0);
  CHECK(!some.chance(255));
  const uint8_t last[] = {255};
  const std::vector<int> rows = {10, 0, 1};
  CHECK(Choices(last).weighted(rows, [](int row) { return size_t(row); }) == 1);
  CHECK(Choices({}).weighted(rows, [](int row) { return size_t(row); }) == 10);
}

TEST_CASE("reducing keeps what holds, and little else") {
  const std::string bytes =
      reduce_bytes(bytes_of(3) + "xy" + bytes_of(4),
                   [](const std::string& some) { return some.find("xy") != some.npos; });
  CHECK(bytes == "xy");
  const std::string text =
      reduce_text("a = 1;\nb = (f((a + (2 * a))) - 7);\nc = 3;\n",
                  [](const std::string& some) { return some.find("b = ") != some.npos; });
  CHECK(text == "b = (0);\n");
}

/// Makes `b - a` of the second `a - b` that it sees, and of all others.
void swap_operands(ir::Module& module, opt::PassContext& context) {
  for (ir::Function& function : module.functions) {
    for (ir::Block& block : function.blocks) {
      for (ir::Inst& inst : block.insts) {
        if (inst.op != ir::Op::apply || inst.get<ir::ScalarOp>() != ir::ScalarOp::sub) continue;
        if (context.may_rewrite("operands swapped")) std::swap(inst.args[0], inst.args[1]);
      }
    }
  }
}

TEST_CASE("the first wrong rewrite is found, and shown") {
  const opt::PassRow dce = *opt::find_pass("dce");
  opt::PassRow wrong{};
  wrong.name = "wrong";
  wrong.run = swap_operands;
  const std::vector<const opt::PassRow*> passes = {&dce, &wrong};
  // The first swap does no harm.
  const std::string text = R"(
fn main() {
  var a = 1;
  while a < 5 { a += 1; }
  let same = a - a;
  let other = a - 3;
  print(same, other);
}
)";
  std::string blamed;
  runtime::run_on_large_stack([&] { blamed = blame(Frontend(), text, passes); });
  CAPTURE(blamed);
  CHECK(blamed.find(", wrong: operands swapped:\n") != blamed.npos);
  CHECK(blamed.find("-  %other = sub %a1, %c2\n") != blamed.npos);
  CHECK(blamed.find("-  %same") == blamed.npos);
}

}  // namespace
}  // namespace tenon::tests
