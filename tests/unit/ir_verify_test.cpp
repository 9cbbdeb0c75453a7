// The verifier: a valid module is accepted, and each single edit that breaks it is refused with the
// message meant for it.
#include "tests/support/text.h"
#include "tests/unit/ir_helpers.h"

namespace tenon::tests {
namespace {

using ir::Edge;
using ir::Function;
using ir::Inst;
using ir::Module;
using ir::Op;
using ir::ValueId;
using runtime::DType;
using runtime::Scalar;
using runtime::ScalarOp;

constexpr std::string_view kValid = R"(func @half(%x: f32) -> f32 {
entry:
  %two = const 2.0
  %h = div %x, %two
  ret %h
}

func @pair(%x: f32) -> (f32, i64) {
entry:
  %one = const 1
  ret %x, %one
}

func @say() effects {
entry:
  print "hello"
  ret
}

func @main() effects {
entry:
  %n = const 3
  %f = const 1.5
  %c = lt %n, %n
  %g = convert %n to f32
  %t = compute [i: 4] { f32(i) + sum[j: 3](f32(j)) }
  %u = compute [i: 4] { if i < 2 { @half(%t[i]) } else { %f } }
  %p = pack [%f, %f] : f32[2]
  %e = element %t[%n]
  %w = update %t[%n] = %e
  %s = compute [i: 3, j: 4] { f32(i) }
  %o = update %s[%n, :] = %t
  %h = call @half(%e)
  %first, %second = call @pair(%f)
  call @say()
  %l = load "a.npy" : f32[4]
  save "b.npy", %l
  %bytes = pack [] : i8[0]
  write %bytes
  print "n ", %n
  assert %c, "c"
  share %w
  drop %w
  branch %c, left(%n), right
left(%k: i64):
  %m = add %k, %n
  jump right
right:
  ret
}
)";

Function& main_of(Module& module) {
  return module.function(module.main);
}
Inst& inst(Module& module, size_t i) {
  return main_of(module).blocks[0].insts[i];
}
ValueId value(Module& module, std::string_view name) {
  const Function& f = main_of(module);
  for (uint32_t i = 0; i < f.values.size(); ++i)
    if (f.values[i].name == name) return ValueId{i};
  FAIL("no value ", name);
  return {};
}

struct Corruption {
  const char* message;  ///< part of the violation's
  void (*edit)(Module&);
};

// Instructions of main's entry block by number.
enum : size_t {
  n,
  f,
  c,
  g,
  t,
  u,
  p,
  e,
  w,
  s,
  o,
  h,
  pair,
  say,
  l,
  save,
  bytes,
  write,
  print,
  assert_,
  share,
  drop,
  branch
};

const Corruption kCorruptions[] = {
    // structure
    {"the function has no proper name", [](Module& m) { main_of(m).name = "a b"; }},
    {"two functions have this name", [](Module& m) { m.function(m.find("say")).name = "half"; }},
    {"another function is exported as `f` too",
     [](Module& m) {
       for (const char* name : {"say", "half"}) m.function(m.find(name)).exported = "f";
     }},
    {"its prepared parameters are not what a function gives that is exported as `f_prepare`",
     [](Module& m) {
       m.function(m.find("half")).exported = "f";
       m.function(m.find("half")).prepared = 1;
     }},
    {"its main is not the function of that name", [](Module& m) { m.main = ir::FuncId{0}; }},
    {"main takes and returns nothing",
     [](Module& m) { main_of(m).results = {m.types.scalar(DType::i64)}; }},
    {"the function has no block", [](Module& m) { main_of(m).blocks.clear(); }},
    {"the entry block has parameters",
     [](Module& m) { main_of(m).blocks[0].params.push_back(value(m, "k")); }},
    {"two values are named `%n`", [](Module& m) { main_of(m).value(value(m, "f")).name = "n"; }},
    {"is not a proper name", [](Module& m) { main_of(m).value(value(m, "f")).name = ""; }},
    {"two blocks are named", [](Module& m) { main_of(m).blocks[1].name = "right"; }},
    {"is not a proper label", [](Module& m) { main_of(m).blocks[1].name = "1"; }},
    {"has no type", [](Module& m) { main_of(m).value(value(m, "f")).type = {}; }},
    {"too large for memory",
     [](Module& m) {
       main_of(m).value(value(m, "f")).type = m.types.intern({DType::f64, {1ll << 62}});
     }},
    {"the block is empty, so it has no terminator",
     [](Module& m) { main_of(m).blocks[2].insts.clear(); }},
    {"the block does not end with a terminator",
     [](Module& m) { main_of(m).blocks[0].insts.pop_back(); }},
    {"a terminator stands inside the block",
     [](Module& m) { std::swap(inst(m, n), inst(m, branch)); }},
    {"it carries an attribute of the wrong kind",
     [](Module& m) { inst(m, n).attribute = std::string(); }},
    {"it takes 1 arguments, not 2", [](Module& m) { inst(m, save).args.push_back(value(m, "n")); }},
    {"it defines 0 values, not 1", [](Module& m) { inst(m, n).results = {}; }},
    {"it defines 1 values, not 0", [](Module& m) { inst(m, save).results = {value(m, "n")}; }},
    {"it defines 2 values, not 1", [](Module& m) { inst(m, e).results.push_back(value(m, "n")); }},
    {"a definition names no value of the function",
     [](Module& m) { inst(m, f).results = {ValueId{999}}; }},
    {"is defined twice", [](Module& m) { inst(m, f).results = {value(m, "n")}; }},
    {"it refers to what the function does not have",
     [](Module& m) { inst(m, e).args[0] = ValueId{999}; }},
    {"it refers to what the function does not have",
     [](Module& m) { inst(m, h).attribute = ir::FuncId{9}; }},
    {"it refers to what the function does not have",
     [](Module& m) { inst(m, branch).get<std::vector<Edge>>()[0].target = {9}; }},
    {"it refers to what the function does not have",
     [](Module& m) { inst(m, t).get<ir::Compute>().bodies[0] = ir::ExprId{999}; }},
    {"it has no body", [](Module& m) { inst(m, t).get<ir::Compute>().bodies.clear(); }},
    {"it defines 1 values, not 2",
     [](Module& m) {
       std::vector<ir::ExprId>& bodies = inst(m, t).get<ir::Compute>().bodies;
       bodies.push_back(bodies[0]);
     }},
    // types
    {"the result `%n` is `i64`, not `i32`",
     [](Module& m) { inst(m, n).attribute = Scalar::integer(DType::i32, 3); }},
    {"`lt` takes 2 operands, not 1", [](Module& m) { inst(m, c).args.pop_back(); }},
    {"operand 1 of `lt` is `i64`, not `f32`",
     [](Module& m) { inst(m, c).args[1] = value(m, "f"); }},
    {"operand `%t` is no scalar",
     [](Module& m) { main_of(m).blocks[1].insts[0].args[1] = value(m, "t"); }},
    {"the result `%c` is `bool`, not `i64`",
     [](Module& m) { inst(m, c).attribute = ScalarOp::add; }},
    {"`floor` does not take `i64`",
     [](Module& m) {
       inst(m, c).attribute = ScalarOp::floor;
       inst(m, c).args.pop_back();
     }},
    {"only scalars are converted", [](Module& m) { inst(m, g).args[0] = value(m, "t"); }},
    {"the result `%t` is `f32[4]`, not `f32[5]`",
     [](Module& m) { inst(m, t).get<ir::Compute>().extents = {5}; }},
    {"does not have 3 elements", [](Module& m) { inst(m, p).args.push_back(value(m, "f")); }},
    {"element `%n` is `i64`, not `f32`", [](Module& m) { inst(m, p).args[0] = value(m, "n"); }},
    {"`%t` has rank 1, but 2 subscripts are given",
     [](Module& m) { inst(m, e).args.push_back(value(m, "n")); }},
    {"subscript `%f` is `f32`, not `i64`", [](Module& m) { inst(m, e).args[1] = value(m, "f"); }},
    {"the new part `%n` is `i64`, not `f32`",
     [](Module& m) { inst(m, w).args[2] = value(m, "n"); }},
    {"the new part `%p` is `f32[2]`, not `f32[4]`",
     [](Module& m) { inst(m, o).args.back() = value(m, "p"); }},
    {"the new part `%t` is `f32[4]`, not `f32[3]`",
     [](Module& m) {
       inst(m, o).get<ir::Part>().open = {true, false};
     }},
    {"`%s` has rank 2, but 3 subscripts are given",
     [](Module& m) { inst(m, o).get<ir::Part>().open.push_back(true); }},
    {"`%s` has rank 2, but 1 subscripts are given",
     [](Module& m) { inst(m, o).get<ir::Part>().open.pop_back(); }},
    {"`%n` has rank 0, but 2 subscripts are given",
     [](Module& m) { inst(m, o).args[0] = value(m, "n"); }},
    {"subscript `%f` is `f32`, not `i64`", [](Module& m) { inst(m, o).args[1] = value(m, "f"); }},
    {"it refers to what the function does not have",
     [](Module& m) {
       inst(m, o).get<ir::Part>().open = {true, true};
     }},
    {"it refers to what the function does not have", [](Module& m) { inst(m, o).args.clear(); }},
    {"it carries an attribute of the wrong kind", [](Module& m) { inst(m, o).attribute = {}; }},
    {"the result `%w` is `f32[4]`, not `f32[2]`",
     [](Module& m) { inst(m, w).args[0] = value(m, "p"); }},
    {"`@half` takes 1 arguments, but 0 are given", [](Module& m) { inst(m, h).args.clear(); }},
    {"argument `%n` is `i64`, not `f32`", [](Module& m) { inst(m, h).args[0] = value(m, "n"); }},
    {"`@half` gives 1 values, not 0",
     [](Module& m) {
       inst(m, say).attribute = m.find("half");
       inst(m, say).args = {value(m, "e")};
     }},
    {"`@pair` gives 2 values, not 1", [](Module& m) { inst(m, pair).results.pop_back(); }},
    {"the result `%second` is `i64`, not `f32`",
     [](Module& m) { std::swap(inst(m, pair).results[0], inst(m, pair).results[1]); }},
    {"`%first` is defined twice",
     [](Module& m) { inst(m, pair).results[1] = inst(m, pair).results[0]; }},
    {"a pure function calls `@say`", [](Module& m) { main_of(m).pure = true; }},
    {"a pure function has an effect", [](Module& m) { m.function(m.find("say")).pure = true; }},
    {"its file holds one tensor without a name",
     [](Module& m) { inst(m, l).get<ir::LoadFrom>().name = "w"; }},
    {"the ending of its file's name tells no known format",
     [](Module& m) { inst(m, l).get<ir::LoadFrom>().path = "a.txt"; }},
    {"it does not write an i8 tensor of rank 1",
     [](Module& m) { inst(m, write).args[0] = value(m, "l"); }},
    {"it does not have one text more than values", [](Module& m) { inst(m, print).args.clear(); }},
    {"the condition `%n` is `i64`, not `bool`",
     [](Module& m) { inst(m, assert_).args[0] = value(m, "n"); }},
    {"the condition `%n` is `i64`, not `bool`",
     [](Module& m) { inst(m, branch).args[0] = value(m, "n"); }},
    {"scalars have no owners", [](Module& m) { inst(m, share).args[0] = value(m, "n"); }},
    {"scalars have no owners", [](Module& m) { inst(m, drop).args[0] = value(m, "n"); }},
    {"it has 1 targets, not 2",
     [](Module& m) { inst(m, branch).get<std::vector<Edge>>().pop_back(); }},
    {"it goes to the entry block",
     [](Module& m) { inst(m, branch).get<std::vector<Edge>>()[1].target = {0}; }},
    {"block `left` takes 1 arguments, but 0 are given",
     [](Module& m) { inst(m, branch).get<std::vector<Edge>>()[0].args.clear(); }},
    {"argument `%f` is `f32`, not `i64`",
     [](Module& m) { inst(m, branch).get<std::vector<Edge>>()[0].args[0] = value(m, "f"); }},
    {"returns 1 values, not 0", [](Module& m) { m.functions[0].blocks[0].insts[2].args.clear(); }},
    {"returns 0 values, not 1",
     [](Module& m) { main_of(m).blocks[2].insts[0].args = {value(m, "n")}; }},
    {"returns 2 values, not 1",
     [](Module& m) { m.function(m.find("pair")).blocks[0].insts.back().args.pop_back(); }},
    {"the returned `%x` is `f32`, not `i64`",
     [](Module& m) {
       std::vector<ValueId>& args = m.function(m.find("pair")).blocks[0].insts.back().args;
       args[1] = args[0];
     }},
    {"a result has no type", [](Module& m) { m.function(m.find("pair")).results[1] = {}; }},
    // dominance
    {"`%second` is not defined on every path",
     [](Module& m) { inst(m, c).args[1] = value(m, "second"); }},
    {"`%m` is not defined on every path", [](Module& m) { inst(m, save).args[0] = value(m, "m"); }},
    {"`%e` is not defined on every path", [](Module& m) { inst(m, p).args[0] = value(m, "e"); }},
    {"`%l` is not defined on every path", [](Module& m) { std::swap(inst(m, l), inst(m, save)); }},
    {"`%n` has no definition",
     [](Module& m) {
       auto& insts = main_of(m).blocks[0].insts;
       insts.erase(insts.begin());
     }},
    {"the function can reach itself, but is not marked recursive",
     [](Module& m) {
       Function& half = m.functions[0];
       Inst& division = half.blocks[0].insts[1];
       division = {Op::call, division.results, {division.args[0]}, m.find("half"), {}};
     }},
};

TEST_CASE("the valid module is valid") {
  valid_ir(kValid);
}

TEST_CASE("every single edit is refused with its message") {
  for (const Corruption& corruption : kCorruptions) {
    CAPTURE(corruption.message);
    Module module = parse_ir(kValid);
    corruption.edit(module);
    bool found = false;
    std::string all;
    for (const ir::Violation& v : ir::verify(module)) {
      found |= v.message.find(corruption.message) != std::string::npos;
      all += "\n" + v.where + ": " + v.message;
    }
    CHECK_MESSAGE(found, all);
  }
}

TEST_CASE("a violation names function, block and instruction") {
  Module module = parse_ir(kValid);
  inst(module, p).args[0] = value(module, "n");
  const auto found = ir::verify(module);
  REQUIRE(found.size() == 1);
  CHECK(found[0].where == "@main, block entry: %p = pack [%n, %f] : f32[2]");
}

/// Verifies `compute [i: 4] { body }` with a body made by hand; its first violation.
template <class Make>
std::string body_violation(DType type, Make make) {
  Module module = parse_ir(
      "func @bad(%x: i64) effects {\na:\n  ret\n}\nfunc @two(%x: i64, %y: i64) -> i64 {\na:\n  ret "
      "%x\n}\nfunc @pair(%x: i64) -> (i64, i64) {\na:\n  ret %x, %x\n}\n" +
      ir_function("%x: i64, %b: bool, %t: f32[4]", "  %r = compute [i: 4] { i }"));
  Function& function = module.functions.back();
  Inst& compute = function.blocks[0].insts[0];
  compute.get<ir::Compute>().bodies[0] = make(function.exprs, function.params);
  function.value(compute.result()).type = module.types.intern({type, {4}});
  const auto found = ir::verify(module);
  return found.empty() ? "none" : found[0].message;
}

TEST_CASE("bodies are checked") {
  using ir::Exprs;
  using Params = std::vector<ValueId>;
  const auto whole = [](int64_t v) { return Scalar::integer(DType::i64, v); };
  CHECK(body_violation(DType::i64, [](Exprs& x, Params) { return x.index(0); }) == "none");
  CHECK(body_violation(DType::i64, [](Exprs& x, Params) { return x.index(1); }) ==
        "index `j` is not bound where it is used");
  CHECK(body_violation(DType::f32, [](Exprs& x, Params p) { return x.value(p[2], DType::f32); }) ==
        "tensor `%t` has no subscripts");
  CHECK(body_violation(DType::f32, [](Exprs& x, Params p) { return x.value(p[0], DType::f32); }) ==
        "a node of type `i64` is marked `f32`");
  CHECK(body_violation(DType::f32, [](Exprs& x, Params p) {
          return x.read(p[2], DType::f32, {x.index(0), x.index(0)});
        }) == "`%t` has rank 1, but 2 subscripts are given");
  CHECK(body_violation(DType::f32, [](Exprs& x, Params p) {
          return x.read(p[2], DType::f32, {x.value(p[1], DType::bool_)});
        }) == "a subscript is `bool`, not `i64`");
  CHECK(body_violation(DType::i64, [](Exprs& x, Params p) {
          return x.apply(ScalarOp::add, {x.value(p[1], DType::bool_), x.index(0)});
        }) == "operand 1 of `add` is `bool`, not `i64`");
  CHECK(body_violation(DType::i64, [](Exprs& x, Params) {
          return x.if_(x.index(0), x.index(0), x.index(0));
        }) == "a condition is `i64`, not `bool`");
  CHECK(body_violation(DType::i64, [](Exprs& x, Params p) {
          return x.if_(x.value(p[1], DType::bool_), x.index(0), x.value(p[1], DType::bool_));
        }) == "the branch after `else` is `bool`, not `i64`");
  CHECK(body_violation(DType::i64, [&](Exprs& x, Params) {
          const ir::ExprId zero = x.constant(whole(0)), two = x.constant(whole(2));
          return x.reduce(ir::Reduction::argmax, 1, {zero, two, zero, two}, x.index(1));
        }) == "`argmax` takes one index, not 2");
  CHECK(body_violation(DType::bool_, [&](Exprs& x, Params p) {
          return x.reduce(ir::Reduction::sum, 1, {x.constant(whole(0)), x.constant(whole(2))},
                          x.value(p[1], DType::bool_));
        }) == "`sum` does not reduce `bool`");
  CHECK(body_violation(DType::i64, [&](Exprs& x, Params) {
          return x.reduce(ir::Reduction::any, 1, {x.constant(whole(0)), x.constant(whole(2))},
                          x.index(0));
        }) == "`any` does not reduce `i64`");
  CHECK(body_violation(DType::i64, [&](Exprs& x, Params) {
          return x.reduce(ir::Reduction::sum, 2, {x.constant(whole(0)), x.constant(whole(2))},
                          x.index(0));
        }) == "a reduction under 1 indices binds level 2 next");
  CHECK(body_violation(DType::i64, [&](Exprs& x, Params) {
          return x.reduce(ir::Reduction::sum, 1, {x.constant(whole(0)), x.index(1)}, x.index(0));
        }) == "index `j` is not bound where it is used");
  CHECK(body_violation(DType::i64, [&](Exprs& x, Params) {
          return x.call(ir::FuncId{0}, DType::i64, {x.index(0)});
        }) == "`@bad` has effects");
  CHECK(body_violation(DType::i64, [&](Exprs& x, Params) {
          return x.call(ir::FuncId{1}, DType::i64, {x.index(0)});
        }) == "`@two` takes 2 arguments, but 1 are given");
  CHECK(body_violation(DType::i64, [&](Exprs& x, Params p) {
          return x.call(ir::FuncId{1}, DType::i64, {x.index(0), x.value(p[1], DType::bool_)});
        }) == "argument 2 of `@two` does not fit");
  CHECK(body_violation(DType::i64, [&](Exprs& x, Params) {
          const ir::ExprId zero = x.constant(whole(0)), two = x.constant(whole(2));
          const auto sum = [&](uint32_t level) {
            return x.reduce(ir::Reduction::sum, level, {zero, two}, x.index(0));
          };
          return x.apply(ScalarOp::add, {sum(1), sum(2)});
        }) == "reductions under equally many indices have different levels");
  CHECK(body_violation(DType::i64, [&](Exprs& x, Params) {
          return x.call(ir::FuncId{2}, DType::i64, {x.index(0)});
        }) == "`@pair` does not return one `i64`");
  CHECK(body_violation(DType::i64, [&](Exprs& x, Params) {
          ir::ExprId deep = x.index(0);
          for (int i = 0; i < 5000; ++i) deep = x.apply(ScalarOp::neg, {deep});
          return deep;
        }) == "the body is nested more than 4000 levels deep");
}

TEST_CASE("mutual recursion needs a mark somewhere") {
  const std::string text = R"(func @a() {
x:
  call @b()
  ret
}
func @b() {
x:
  call @a()
  ret
}
)";
  CHECK(ir::verify(parse_ir(text)).size() == 1);
  std::string marked = text;
  marked.replace(marked.find("@b() {"), 6, "@b() recursive {");
  valid_ir(marked);
}

TEST_CASE("what a compute works out for itself is one tensor, in order, and does not fail") {
  const auto violation = [](void (*edit)(std::vector<Inst>&)) {
    Module module = parse_ir(R"(func @f(%x: f32[20]) -> f32[10] {
entry:
  %y = compute %s = unchecked [i: 20] { %x[i] + 1.0 } in %h = unchecked [i: 15] { %s[i + 6] } in [i: 10] { %h[i] }
  ret %y
}
)");
    edit(module.functions[0].blocks[0].insts[0].get<ir::Compute>().producers);
    const auto violations = ir::verify(module);
    return violations.empty() ? std::string("none") : violations[0].message;
  };
  CHECK(violation([](std::vector<Inst>&) {}) == "none");
  CHECK(contains(violation([](std::vector<Inst>& all) { all[0].get<ir::Compute>().extents.clear(); }),
                 "what it computes for itself is not one tensor"));
  CHECK(contains(violation([](std::vector<Inst>& all) { std::swap(all[0], all[1]); }), ", which is computed later"));
  CHECK(contains(violation([](std::vector<Inst>& all) { all[1].unchecked = false; }),
                 "is computed inside another and may fail"));
}

}  // namespace
}  // namespace tenon::tests
