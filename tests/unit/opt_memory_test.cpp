// The memory plan: packing, where tensors lie, and that a plan that is wrong is found.
#include <algorithm>
#include <random>

#include "backend/backend.h"
#include "opt/memory/draw.h"
#include "opt/memory/verify.h"
#include "tests/unit/opt_helpers.h"

namespace tenon::tests {
namespace {

using opt::memory::Home;
using opt::memory::MemoryPlan;
using opt::memory::Packing;
using opt::memory::Piece;
using opt::memory::Stretches;

// ---- packing

/// Two pieces that are needed at one moment and lie over each other; empty if there are none.
std::string overlap(const std::vector<Piece>& pieces, const Packing& packing) {
  for (size_t a = 0; a < pieces.size(); ++a) {
    if (packing.offsets[a] < 0 || packing.offsets[a] % 64 != 0 ||
        packing.offsets[a] + pieces[a].bytes > packing.bytes)
      return fmt::format("{} is out of place", a);
    for (size_t b = 0; b < a; ++b)
      if (packing.offsets[a] < packing.offsets[b] + pieces[b].bytes &&
          packing.offsets[b] < packing.offsets[a] + pieces[a].bytes &&
          !opt::memory::common(pieces[a].needed, pieces[b].needed).empty())
        return fmt::format("{} and {}", b, a);
  }
  return "";
}

std::vector<Piece> random_pieces(std::mt19937& random) {
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint32_t>(n)); };
  std::vector<Piece> pieces(static_cast<size_t>(1 + below(40)));
  for (Piece& piece : pieces) {
    piece.bytes = 1 + below(below(2) ? 5000 : 200);
    for (int64_t i = below(3); i >= 0; --i) {
      const int64_t first = below(60);
      piece.needed = opt::memory::united(piece.needed, {{first, first + 1 + below(20)}});
    }
  }
  return pieces;
}

TEST_CASE("pieces that are needed at one moment lie apart, at multiples of 64") {
  std::mt19937 random(1);
  int64_t packed = 0, most = 0, all = 0;
  for (int i = 0; i < 500; ++i) {
    const std::vector<Piece> pieces = random_pieces(random);
    const Packing packing = opt::memory::pack(pieces);
    REQUIRE(overlap(pieces, packing) == "");
    std::vector<Piece> whole = pieces;
    for (Piece& piece : whole) {
      piece.bytes = opt::memory::aligned(piece.bytes);
      all += piece.bytes;
    }
    REQUIRE(packing.bytes >= opt::memory::most_live(whole));
    packed += packing.bytes, most += opt::memory::most_live(whole);
  }
  CHECK(packed * 10 < most * 11);  // no further than a tenth from what cannot be undercut
  CHECK(packed * 3 < all * 2);
}

TEST_CASE("what is never needed together shares its place") {
  const std::vector<Piece> pieces{{100, {{0, 4}}}, {300, {{4, 6}}}, {100, {{6, 9}}}, {70, {{3, 5}}}};
  const Packing packing = opt::memory::pack(pieces);
  CHECK(packing.bytes == 320 + 128);
  CHECK(packing.offsets == std::vector<int64_t>{0, 0, 0, 320});
  CHECK(opt::memory::most_live(pieces) == 370);
  CHECK(opt::memory::pack({}).bytes == 0);
}

// ---- plans

/// A module after `own`, its kernels, and the plan, which is verified.
struct Planned {
  ir::Module module;
  std::vector<ir::loops::Kernel> kernels;
  opt::UniqueOwners owners;
  MemoryPlan plan;

  explicit Planned(std::string_view text)
      : module(owned(text)),
        kernels(ir::loops::lower(module)),
        owners(module),
        plan(module, owners, kernels) {
    for (const std::string& wrong : opt::memory::verify(module, kernels, plan)) FAIL_CHECK(wrong);
  }
  static ir::Module owned(std::string_view text) {
    ir::Module module = valid_ir(text);
    run(module, "own");
    return module;
  }

  /// Where each tensor of a function lies: `x@0 y@4096 z:result z:runtime`.
  std::string places(std::string_view function) const {
    const ir::FuncId id = module.find(function);
    std::string text;
    for (uint32_t v = 0; v < module.function(id).values.size(); ++v) {
      if (module.type(module.function(id), {v}).is_scalar()) continue;
      const auto [home, at] = plan.of(id).places[v];
      text += module.function(id).values[v].name;
      if (home == Home::frame) text += fmt::format("@{} ", at);
      else text += home == Home::stack ? ":stack " : home == Home::result ? ":result " : ":runtime ";
    }
    return text;
  }
  std::string why(std::string_view function) const {
    const std::vector<opt::memory::Left>& left = plan.of(module.find(function)).left;
    return left.empty() ? "" : std::string(opt::memory::text(left[0].why));
  }
};

std::string main_of(std::string_view lines) {
  return fmt::format("func @main() effects {{\nentry:\n  %k = const 1\n  %go = const true\n{}}}\n",
                     lines);
}

TEST_CASE("an element-wise result takes the place of an operand that dies") {
  const Planned planned(main_of("  %x = compute [i: 1000] { i }\n"
                                "  %y = compute [i: 1000] { %x[i] * 2 }\n"
                                "  %z = compute [i: 1000] { %y[999 - i] }\n  print %z\n  ret\n"));
  CHECK(planned.places("main") == "x@0 y@0 z@8000 ");
  CHECK(planned.plan.of({0}).frame_bytes == 16000);
  CHECK(planned.plan.of({0}).live_bytes == 16000);
  CHECK(planned.plan.in_place(1).size() == 1);
  CHECK(planned.plan.in_place(2).empty());
}

TEST_CASE("not if the operand is needed, read elsewhere too, or of other elements") {
  const std::string x = "  %x = compute [i: 1000] { i }\n";
  CHECK(Planned(main_of(x + "  %y = compute [i: 1000] { %x[i] * 2 }\n  print %x, %y\n  ret\n"))
            .places("main") == "x@0 y@8000 ");
  CHECK(Planned(main_of(x + "  %y = compute [i: 1000] { %x[i] + %x[0] }\n  print %y\n  ret\n"))
            .places("main") == "x@0 y@8000 ");
  CHECK(Planned(main_of(x + "  %y = compute [i: 1000] { f32(%x[i]) }\n  print %y\n  ret\n"))
            .places("main") == "x@0 y@8000 ");
  // The second result reads what the first would have overwritten.
  CHECK(Planned(main_of(x + "  %y, %z = compute [i: 1000] { %x[i] * 2, %x[i] * 3 }\n"
                            "  print %y, %z\n  ret\n"))
            .places("main") == "x@0 y@8000 z@0 ");
}

TEST_CASE("loops hand their state on in place where each turn is element by element") {
  const std::string head = "  %x = compute [i: 1000] { i }\n  jump loop(%x)\nloop(%p: i64[1000]):\n";
  const std::string tail = "  branch %go, again, done\nagain:\n  jump loop(%y)\ndone:\n  print %y\n  ret\n";
  CHECK(Planned(main_of(head + "  %y = compute [i: 1000] { %p[i] * 2 }\n" + tail)).places("main") ==
        "x@0 p@0 y@0 ");
  const Planned turned(main_of(head + "  %y = compute [i: 1000] { %p[999 - i] }\n" + tail));
  CHECK(turned.places("main") == "x:runtime p:runtime y:runtime ");
  CHECK(turned.why("main") == "a loop makes it anew while the last turn's is needed");
}

TEST_CASE("a callee's frame lies in the caller's, and its result where the caller wants it") {
  const Planned planned(R"(func @main() effects {
entry:
  %x = compute [i: 1000] { i }
  %y = call @f(%x)
  %z = call @f(%y)
  print %z
  ret
}
func @f(%a: i64[1000]) -> i64[1000] {
entry:
  %b = compute [i: 1000] { %a[999 - i] }
  %c = compute [i: 1000] { %b[i] + %b[0] }
  ret %c
}
)");
  CHECK(planned.places("f") == "a:runtime b@0 c:result ");
  CHECK(planned.plan.of({1}).frame_bytes == 8000);
  // Three at once: what is passed, the result, and what lies in the callee's frame.
  CHECK(planned.plan.of({0}).frame_bytes == 3 * 8000);
  CHECK(planned.plan.of({0}).live_bytes == 3 * 8000);
}

TEST_CASE("a function that may be active several times has no frame") {
  const Planned planned(R"(func @main() effects {
entry:
  %k = const 3
  %x = call @f(%k)
  print %x
  ret
}
func @f(%k: i64) -> i64 effects recursive {
entry:
  %b = compute [i: 1000] { i * %k }
  %c = element %b[%k]
  %again = gt %c, %k
  branch %again, deeper, done
deeper:
  %d = call @f(%k)
  print %b
  ret %d
done:
  ret %c
}
)");
  CHECK(planned.places("f") == "b:runtime ");
  CHECK(planned.why("f") == "the function may be active several times at once");
  CHECK(planned.plan.of({0}).frame_bytes == 0);
}

TEST_CASE("what cannot be planned says why") {
  CHECK(Planned(main_of("  %x = load \"x.npy\" : i64[1000]\n  print %x\n  ret\n")).why("main") ==
        "it is loaded");
  CHECK(Planned(main_of("  %x = compute [i: 1000000000000] { i }\n  print %x\n  ret\n")).why("main") ==
        "the frame would be too large");
}

TEST_CASE("a plan that is wrong is found") {
  Planned planned(main_of("  %x = compute [i: 1000] { i }\n  %y = compute [i: 1000] { %x[0] }\n"
                          "  print %x, %y\n  ret\n"));
  auto& places = const_cast<opt::memory::FunctionPlan&>(planned.plan.of({0})).places;
  const auto wrong = [&](size_t value, int64_t offset) {
    const auto before = std::exchange(places[value].at, offset);
    const std::vector<std::string> found =
        opt::memory::verify(planned.module, planned.kernels, planned.plan);
    places[value].at = before;
    return found.empty() ? "" : found[0];
  };
  const auto& values = planned.module.functions[0].values;
  const auto y = static_cast<size_t>(std::ranges::find(values, "y", &ir::Value::name) - values.begin());
  CHECK(wrong(y, 7936) == "@main: %x is overwritten by %y");
  CHECK(wrong(y, 8064) == "@main: %y does not lie in the frame");
  CHECK(wrong(y, 8000) == "");
}

TEST_CASE("a plan is drawn") {
  const Planned planned(main_of("  %x = compute [i: 1000] { i }\n"
                                "  %y = compute [i: 1000] { %x[999 - i] }\n"
                                "  %z = compute [i: 500] { %y[i] }\n  print %z\n  ret\n"));
  CHECK(opt::memory::draw(planned.module, planned.plan) ==
        "memory @main: a frame of 16000 bytes; at most 16000 are live at once (+0.0%)\n"
        "      offset        bytes  4 steps\n"
        "           0         8000 |##..| %x\n"
        "           0         4000 |..##| %z\n"
        "        8000         8000 |.##.| %y\n");
  const std::string svg = opt::memory::draw_svg(planned.module, planned.plan);
  CHECK(svg.starts_with("<svg xmlns="));
  CHECK(std::ranges::count(svg, '\n') > 5);
  CHECK(svg.find("<title>%y: 8000 bytes at 8000</title>") != svg.npos);
}

}  // namespace
}  // namespace tenon::tests
