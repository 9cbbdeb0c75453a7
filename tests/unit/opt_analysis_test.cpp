// The analyses: use lists, strongly connected components, termination, purity, value numbers.
#include <fmt/format.h>

#include <algorithm>

#include "opt/analysis/purity.h"
#include "opt/analysis/strong_components.h"
#include "opt/analysis/termination.h"
#include "opt/analysis/uses.h"
#include "opt/analysis/value_numbers.h"
#include "tests/unit/ir_helpers.h"

namespace tenon::tests {
namespace {

ir::ValueId value(const ir::Function& function, std::string_view name) {
  for (uint32_t v = 0; v < function.values.size(); ++v)
    if (function.values[v].name == name) return {v};
  FAIL("no value ", name);
  return {};
}

TEST_CASE("uses: arguments, edges and bodies, once per use") {
  const ir::Module module = valid_ir(R"(func @f(%x: f32, %t: f32[4]) -> f32 {
entry:
  %a = mul %x, %x
  %u = compute [i: 4] { %t[i] * %x + %x }
  jump out(%x, %a)
out(%p: f32, %q: f32):
  ret %p
}
)");
  const ir::Function& f = module.functions[0];
  const opt::Uses uses(f);
  CHECK(uses.count(value(f, "x")) == 4);  // twice, in the body, on the edge
  CHECK(uses.count(value(f, "t")) == 1);
  CHECK(uses.count(value(f, "u")) == 0);
  CHECK(uses.of(value(f, "a"))[0] == opt::User{{0}, 2});
  CHECK(uses.of(value(f, "p"))[0] == opt::User{{1}, 0});
}

TEST_CASE("strong components come after what they lead to") {
  // 0 -> 1 <-> 2 -> 3, and 4 by itself in a circle.
  const std::vector<ir::Arc> arcs = {{0, 1}, {1, 2}, {2, 1}, {2, 3}, {4, 4}};
  const auto components = opt::strong_components(ir::Graph(5, arcs));
  std::vector<std::vector<uint32_t>> sorted = components;
  for (auto& component : sorted) std::ranges::sort(component);
  CHECK(sorted == std::vector<std::vector<uint32_t>>{{3}, {1, 2}, {0}, {4}});
  SUBCASE("a chain longer than any stack") {
    std::vector<ir::Arc> chain;
    for (uint32_t i = 0; i + 1 < 1'000'000; ++i) chain.push_back({i, i + 1});
    CHECK(opt::strong_components(ir::Graph(1'000'000, chain)).size() == 1'000'000);
  }
}

/// Whether a loop `head(%i, …)` over these lines is known to end.
bool ends(std::string_view lines) {
  const ir::Module module =
      valid_ir("func @f(%n: i64, %c: bool) {\nentry:\n  %zero = const 0\n  %one = const 1\n"
               "  %two = const 2\n  %minus = const -1\n  jump head(%zero)\n" +
               std::string(lines) + "done:\n  ret\n}\n");
  return opt::Termination(module.functions[0]).ends();
}

TEST_CASE("termination: loops that count by one to a bound that stays") {
  CHECK(ends("head(%i: i64):\n  %go = lt %i, %n\n  branch %go, body, done\n"
             "body:\n  %k = add %i, %one\n  jump head(%k)\n"));
  CHECK(ends("head(%i: i64):\n  %go = gt %n, %i\n  branch %go, body, done\n"
             "body:\n  %k = sub %i, %minus\n  jump head(%k)\n"));
  CHECK(ends("head(%i: i64):\n  %go = gt %i, %n\n  branch %go, body, done\n"
             "body:\n  %k = add %minus, %i\n  jump head(%k)\n"));
  CHECK(ends("head(%i: i64):\n  %k = add %i, %one\n  %go = lt %k, %n\n"
             "  branch %go, again, done\nagain:\n  jump head(%k)\n"));
  SUBCASE("also with a way out besides") {
    CHECK(ends("head(%i: i64):\n  branch %c, more, done\nmore:\n  %go = lt %i, %n\n"
               "  branch %go, body, done\nbody:\n  %k = add %i, %one\n  jump head(%k)\n"));
  }
  SUBCASE("not in steps that may jump over the bound, or away from it") {
    CHECK_FALSE(ends("head(%i: i64):\n  %go = lt %i, %n\n  branch %go, body, done\n"
                     "body:\n  %k = add %i, %two\n  jump head(%k)\n"));
    CHECK_FALSE(ends("head(%i: i64):\n  %go = lt %i, %n\n  branch %go, body, done\n"
                     "body:\n  %k = sub %i, %one\n  jump head(%k)\n"));
    CHECK_FALSE(ends("head(%i: i64):\n  %go = le %i, %n\n  branch %go, body, done\n"
                     "body:\n  %k = add %i, %one\n  jump head(%k)\n"));
  }
  SUBCASE("not where the bound moves, or a round goes past the comparison") {
    CHECK_FALSE(ends("head(%i: i64):\n  %m = add %i, %two\n  %go = lt %i, %m\n"
                     "  branch %go, body, done\nbody:\n  %k = add %i, %one\n  jump head(%k)\n"));
    CHECK_FALSE(ends("head(%i: i64):\n  branch %c, more, body\nmore:\n  %go = lt %i, %n\n"
                     "  branch %go, body, done\nbody:\n  %k = add %i, %one\n  jump head(%k)\n"));
    CHECK_FALSE(ends("head(%i: i64):\n  %go = lt %i, %n\n  branch %go, body, done\n"
                     "body:\n  %k = add %i, %one\n  branch %c, one_way, other_way\n"
                     "one_way:\n  jump head(%k)\nother_way:\n  jump head(%i)\n"));
  }
  SUBCASE("not with two ways in") {
    CHECK_FALSE(ends("head(%i: i64):\n  branch %c, a, b\na:\n  jump b\nb:\n  jump a\n"));
  }
}

TEST_CASE("purity is known through calls, circles of them and bodies") {
  const ir::Module module = valid_ir(R"(func @clean(%x: i64) -> i64 {
entry:
  %y = add %x, %x
  ret %y
}

func @divides(%x: i64, %y: i64) -> i64 {
entry:
  %q = div %x, %y
  ret %q
}

func @halves(%x: i64) -> i64 {
entry:
  %two = const 2
  %q = div %x, %two
  ret %q
}

func @reads() -> f32 {
entry:
  %a = load "a.npy" : f32
  ret %a
}

func @maps(%x: i64) -> i64[4] {
entry:
  %t = compute [i: 4] { @divides(i, %x) }
  ret %t
}

func @prints(%x: i64) effects {
entry:
  print %x
  ret
}

func @even(%x: i64) -> i64 recursive {
entry:
  %y = call @odd(%x)
  ret %y
}

func @odd(%x: i64) -> i64 {
entry:
  %y = call @even(%x)
  %a = call @reads()
  ret %y
}

func @spins() {
entry:
  jump entry1
entry1:
  jump entry1
}
)");
  const opt::Purity purity(module);
  const auto effects = [&](std::string_view name) {
    const opt::Effects& e = purity.of(module.find(name));
    std::string text;
    if (e.acts) text += "acts ";
    if (e.may_fail) text += "fails ";
    if (e.reads_files) text += "reads ";
    if (e.may_not_end) text += "spins ";
    return text;
  };
  CHECK(effects("clean") == "");
  CHECK(effects("halves") == "");
  CHECK(effects("divides") == "fails ");
  CHECK(effects("maps") == "fails ");
  CHECK(effects("reads") == "fails reads ");
  CHECK(effects("prints") == "acts ");
  CHECK(effects("even") == "fails reads ");
  CHECK(effects("odd") == "fails reads ");
  CHECK(effects("spins") == "spins ");
}

TEST_CASE("value numbers: congruent around loops, until something differs") {
  const ir::Module module = valid_ir(R"(func @f(%n: i64, %c: bool) -> i64 {
entry:
  %zero = const 0
  %one = const 1
  jump head(%zero, %zero, %zero)
head(%i: i64, %j: i64, %k: i64):
  %a = add %i, %one
  %b = add %one, %j
  %d = add %k, %one
  %go = lt %i, %n
  %also = gt %n, %j
  branch %go, body, done
body:
  branch %c, step, stay
step:
  jump head(%a, %b, %d)
stay:
  jump head(%a, %b, %k)
done:
  ret %k
}
)");
  const ir::Function& f = module.functions[0];
  const opt::Purity purity(module);
  const opt::ValueNumbers numbers(module, f, purity);
  const auto congruent = [&](std::string_view a, std::string_view b) {
    return numbers.of(value(f, a)) == numbers.of(value(f, b));
  };
  CHECK(congruent("i", "j"));
  CHECK(congruent("a", "b"));
  CHECK(congruent("go", "also"));
  CHECK_FALSE(congruent("i", "k"));
  CHECK_FALSE(congruent("a", "d"));
  CHECK_FALSE(congruent("zero", "i"));
}

TEST_CASE("value numbers: more rounds than are allowed end in the careful answer") {
  // Each loop variable takes one round to be told apart from the next.
  std::string params, first, next;
  constexpr int kCount = 40;
  for (int i = 0; i < kCount; ++i) {
    params += fmt::format("{}%x{}: i64", i ? ", " : "", i);
    first += i ? ", %zero" : "%zero";
    next += fmt::format("{}%x{}", i ? ", " : "", i ? i - 1 : kCount);
  }
  const ir::Module module = valid_ir(fmt::format(
      "func @f(%c: bool, %x{}: i64) -> i64 {{\nentry:\n  %zero = const 0\n  jump head({})\n"
      "head({}):\n  branch %c, again, done\nagain:\n  jump head({})\ndone:\n  ret %x0\n}}\n",
      kCount, first, params, next));
  const ir::Function& f = module.functions[0];
  const opt::Purity purity(module);
  const opt::ValueNumbers numbers(module, f, purity);
  for (int i = 0; i + 1 < kCount; ++i) {
    CHECK(numbers.of(value(f, fmt::format("x{}", i))) !=
          numbers.of(value(f, fmt::format("x{}", i + 1))));
  }
}

}  // namespace
}  // namespace tenon::tests
