// The passes on loops and on stores: before and after, and that the result is the same.
#include <algorithm>

#include "opt/memory/plan.h"
#include "tests/unit/opt_helpers.h"

namespace tenon::tests {
namespace {

// ---- licm

/// A loop that counts %i from 0 to `end`, with `lines` in it.
std::string counting_loop(std::string_view end, std::string_view lines) {
  return fmt::format(R"(func @f(%x: i64, %y: i64, %t: i64[4]) effects {{
entry:
  %zero = const 0
  %end = {}
  jump loop(%zero)
loop(%i: i64):
  %more = lt %i, %end
  branch %more, body, done
body:
{}  %one = const 1
  %next = add %i, %one
  jump loop(%next)
done:
  ret
}}
)",
                     end, lines);
}
/// Whether %q has left it.
bool moves(std::string_view end, std::string_view lines) {
  const std::string moved = after("licm", counting_loop(end, lines));
  return moved.find("%q") < moved.find("loop(%i");
}

TEST_CASE("licm moves what may fail only where it surely would have run") {
  const std::string divides = "  %q = div %x, %y\n  print %q\n";
  CHECK(moves("const 5", divides));
  CHECK_FALSE(moves("const 0", divides));
  CHECK_FALSE(moves("add %x, %y", divides));
  CHECK_FALSE(moves("const 5", "  print %i\n" + divides));
  CHECK_FALSE(moves("const 5", "  %e = element %t[%i]\n" + divides));
  CHECK(moves("const 5", "  %m = mul %i, %i\n" + divides));
  CHECK(moves("const 5", "  %e = element %t[%x]\n" + divides));  // moves itself, before
  CHECK(moves("add %x, %y", "  print %i\n  %q = mul %x, %y\n  print %q\n"));
}

TEST_CASE("licm leaves tensors where moving them would cost") {
  CHECK(moves("const 5",
              "  %q = compute [k: 9] { k * %x }\n  %e = element %q[%i]\n  print %e\n"));
  CHECK(moves("const 5", "  print %i\n  %q = pack [%x, %y] : i64[2]\n  print %q\n"));
  CHECK(moves("const 5", "  print %i\n  %q = compute [k: 4] { %t[k] }\n  print %q\n"));
  CHECK_FALSE(moves("const 5", "  %q = compute [k: 9] { k * %x }\n"
                               "  %u = update %q[%i] = %x\n  print %u\n"));
  CHECK_FALSE(moves("const 5", "  print %i\n  %q = compute [k: 9] { %t[k] }\n  print %q\n"));
  CHECK_FALSE(moves("const 5", "  %c = lt %i, %x\n  branch %c, rarely, step\nrarely:\n"
                               "  %q = compute [k: 9] { k * %x }\n  print %q\n  jump step\n"
                               "step:\n"));
}

TEST_CASE("licm moves what is unchecked only where the proof holds") {
  CHECK(moves("const 5", "  %q = element unchecked %t[%x]\n  print %q\n"));  // surely runs
  CHECK_FALSE(moves("const 5",
                    "  print %i\n  %q = element unchecked %t[%x]\n  print %q\n"));
  CHECK(moves("const 5", "  print %i\n  %three = const 3\n  %m = mod %x, %three\n"
                         "  %q = element unchecked %t[%m]\n  print %q\n"));
}

TEST_CASE("licm makes the preheader that it needs") {
  CHECK(after("licm", R"(func @f(%n: i64, %c: bool) -> i64 {
entry:
  branch %c, loop(%n), left
left:
  %zero = const 0
  jump loop(%zero)
loop(%i: i64):
  %square = mul %n, %n
  %more = lt %i, %square
  branch %more, body, done
body:
  %next = add %i, %square
  jump loop(%next)
done:
  ret %i
}
)") == R"(func @f(%n: i64, %c: bool) -> i64 {
entry:
  branch %c, preheader(%n), left
left:
  %zero = const 0
  jump preheader(%zero)
loop(%i: i64):
  %more = lt %i, %square
  branch %more, body, done
body:
  %next = add %i, %square
  jump loop(%next)
done:
  ret %i
preheader(%i1: i64):
  %square = mul %n, %n
  jump loop(%i1)
}
)");
}

// ---- unroll

/// The lines of main of a program after passes that tidy up, too.
std::string main_after(const std::string& passes, const std::string& lines) {
  const Source source(in_main(lines));
  ir::Module module = ir::lower(source.program);
  run(module, passes);
  CHECK(executed(source, module) == interpreted(source));
  return ir::print(module, module.function(module.main));
}
int count(const std::string& text, std::string_view part) {
  int found = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_CASE("unroll writes short loops out") {
  const std::string unrolled = main_after(
      "unroll,simplify_cfg,simplify,simplify_cfg,dce", "var s: i64 = 0; for i in 0..4 { s += i * i; } print(s);");
  CHECK(count(unrolled, "const 14") == 1);
  CHECK(count(unrolled, "\n") == 6);
  CHECK(count(main_after("unroll,simplify_cfg,simplify,simplify_cfg,dce",
                         "for i in 0..3 { for j in i..3 { print(i, j); } }"), "print") == 6);
  CHECK(count(main_after("unroll,simplify_cfg,simplify,simplify_cfg,dce", "var n: i64 = 10; while n > 0 { print(n); n += -3; }"),
              "print") == 4);
  CHECK(count(main_after("unroll,simplify_cfg,simplify,simplify_cfg,dce", "for i in 0..4 { if i == 2 { break; } print(i); }"),
              "print") == 2);
}

TEST_CASE("unroll writes part of a loop out if its turns wait for each other") {
  const std::string waits = main_after(
      "unroll,simplify_cfg,simplify,simplify_cfg,dce", "var s = 0.0; for i in 0..960 { s += f32(i); } print(s);");
  CHECK(count(waits, "convert") == 8);
  CHECK(count(waits, "branch") == 1);
  CHECK(count(main_after("unroll,simplify_cfg,simplify,simplify_cfg,dce",
                         "var s = 0.0; for i in 0..963 { s += f32(i); } print(s);"),
              "convert") == 3);
  const std::string free = "var s: i64 = 0; for i in 0..960 { s += i; } print(s);";
  CHECK(main_after("unroll", free) == main_after("", free));
}

TEST_CASE("unroll leaves alone what it does not know or what is long") {
  for (const std::string lines :
       {"var n: i64 = 1; while n < 100 { print(n); n *= 3; }",
        "var n: i64 = 0; while true { n += 1; if n * n > 50 { break; } } print(n);",
        "for i in 0..200 { print(i, i + 1, i + 2); }"}) {
    CHECK(main_after("unroll", lines) == main_after("", lines));
  }
}

// ---- strength_reduce

TEST_CASE("strength_reduce adds instead of multiplying") {
  const std::string lines = "for i in 0..90 { print(i * 12345 + 7); }";
  const std::string reduced = main_after("licm,strength_reduce,simplify,simplify_cfg,dce", lines);
  CHECK(reduced.find("mul") > reduced.find("loop("));
  CHECK(count(reduced, "mul") == 0);
  CHECK(count(reduced, "add") == 2);
  for (const std::string other :
       {"for i in 0..90 { print(i * 8); }",                    // a shift
        "for i in 0..90 { if i % 7 == 0 { print(i * 12345); } }",  // not on every turn
        "for i in 0..90 { print(i * i); }"}) {
    CHECK(main_after("licm,strength_reduce", other) == main_after("licm", other));
  }
}

// ---- forward

TEST_CASE("forward finds what was stored") {
  const std::string params = "%t: i64[4], %x: i64, %y: i64, %i: i64, %j: i64";
  CHECK(lines_after("forward", params,
                    "  %u = update %t[%i] = %x\n  %a = element %u[%i]\n  print %a, %u") ==
        "  %u = update %t[%i] = %x\n  print %x, %u\n");
  CHECK(lines_after("forward", params,
                    "  %one = const 1\n  %k = add %i, %one\n  %u = update %t[%i] = %x\n"
                    "  %v = update %u[%k] = %y\n  %a = element %v[%i]\n  print %a, %v") ==
        "  %one = const 1\n  %k = add %i, %one\n  %u = update %t[%i] = %x\n"
        "  %v = update %u[%k] = %y\n  print %x, %v\n");
  CHECK(lines_after("forward", params,
                    "  %b = element %t[%j]\n  %one = const 1\n  %k = sub %j, %one\n"
                    "  %u = update %t[%k] = %x\n  %a = element %u[%j]\n  print %a, %b, %u") ==
        "  %b = element %t[%j]\n  %one = const 1\n  %k = sub %j, %one\n"
        "  %u = update %t[%k] = %x\n  print %b, %b, %u\n");
  SUBCASE("but not where subscripts may be equal, and never reads an older version instead") {
    for (const std::string lines :
         {"  %u = update %t[%i] = %x\n  %v = update %u[%j] = %y\n  %a = element %v[%i]\n"
          "  print %a, %v\n",
          "  %one = const 1\n  %k = add %i, %one\n  %u = update %t[%i] = %x\n"
          "  %a = element %u[%k]\n  print %a, %u\n"}) {
      CHECK(lines_after("forward", params, lines) == lines);
    }
  }
}

TEST_CASE("forward removes updates that the next one overwrites") {
  const std::string params = "%t: i64[4], %x: i64, %y: i64, %i: i64, %j: i64";
  CHECK(lines_after("forward", params,
                    "  %u = update %t[%i] = %x\n  %v = update %u[%i] = %y\n  print %v") ==
        "  %v = update %t[%i] = %y\n  print %v\n");
  for (const std::string lines :
       {"  %u = update %t[%i] = %x\n  %v = update %u[%i] = %y\n  print %u, %v\n",
        "  %u = update %t[%i] = %x\n  print %x\n  %v = update %u[%i] = %y\n  print %v\n",
        "  %u = update %t[%i] = %x\n  %v = update %u[%j] = %y\n  print %v\n"}) {
    CHECK(lines_after("forward", params, lines) == lines);
  }
  // The check passes on to the one that is left.
  CHECK(lines_after("forward", params,
                    "  %u = update %t[%i] = %x\n  %v = update unchecked %u[%i] = %y\n  print %v") ==
        "  %v = update %t[%i] = %y\n  print %v\n");
}

// ---- updates in place

/// The updates of a program that may have to copy, after passes.
std::string updates_that_may_copy(const std::string& text,
                                  const std::string& passes = opt::pipeline(2)) {
  const Source source(text);
  ir::Module module = ir::lower(source.program);
  run(module, passes);
  const opt::UniqueOwners owners(module);
  std::string copies;
  for (uint32_t f = 0; f < module.functions.size(); ++f)
    for (const ir::Block& block : module.functions[f].blocks)
      for (const ir::Inst& inst : block.insts)
        if (inst.op == ir::Op::update && !owners.is_unique({f}, inst.args[0]))
          copies += ir::print(module, module.functions[f], inst) + "\n";
  CHECK(executed(source, module) == interpreted(source));
  return copies;
}

TEST_CASE("loops that store elements run in place") {
  CHECK(updates_that_may_copy(in_main(
            "var composite: bool[100] = full(false); for i in 2..100 { if not composite[i] {"
            " var j = i * i; while j < 100 { composite[j] = true; j += i; } } }"
            " print(composite);")) == "");
  CHECK(updates_that_may_copy(in_main(
            "var t: i64[9] = zeros(); for i in 0..9 { t[i] = i; } for i in 0..4 {"
            " let a = t[i]; t[i] = t[8 - i]; t[8 - i] = a; } print(t);")) == "");
  CHECK(updates_that_may_copy(in_main(
            "var d: i64[9, 9] = zeros(); for i in 1..9 { for j in 1..9 {"
            " d[i, j] = max(d[i - 1, j], d[i, j - 1]) + 1; } } print(d);")) == "");
  CHECK(updates_that_may_copy("fn counted() -> i64[4] { var t: i64[4] = zeros();"
                              " for i in 0..4 { t[i] = i; } return t; }\n"
                              "fn main() { var t = counted(); for i in 0..4 { t[i] += 1; }"
                              " print(t); }") == "");
}

TEST_CASE("where somebody else may own the tensor, that is asked when the program runs") {
  CHECK(updates_that_may_copy("fn same(t: i64[4]) -> i64[4] { return t; }\n"
                              "fn main() { var t: i64[4] = ones(); let s = same(t); t[1] = 7;"
                              " print(s, t); }", "own") != "");
  CHECK(updates_that_may_copy("fn set(t: i64[400]) -> i64[400] { var u = t;"
                              " for i in 0..400 { u[i] = i; } return u; }\n"
                              "fn main() { let t: i64[400] = ones(); print(set(t)[9]); }",
                              "own") != "");
}

// ---- copies

TEST_CASE("own copies what an update overwrites and somebody needs") {
  CHECK(lines_after("own", "%x: i64",
                    "  %t = compute [i: 4] { i }\n  %u = update %t[%x] = %x\n  print %t, %u") ==
        "  %t = compute [i: 4] { i }\n  %t1 = compute [i: 4] { %t[i] }\n"
        "  %u = update %t1[%x] = %x\n  print %t, %u\n  drop %t\n  drop %u\n");
  CHECK(lines_after("own", "%t: i64[2, 2], %r: i64[2], %x: i64",
                    "  %u = update %t[%x, :] = %r\n  print %u") ==
        "  %t1 = compute [i: 2, j: 2] { %t[i, j] }\n  %u = update %t1[%x, :] = %r\n"
        "  print %u\n  drop %u\n");
  SUBCASE("in front of a loop, if the tensor is small") {
    const std::string small = "var t: i64[9] = ones(); let s = t; for i in 0..9 { t[i] = i; }"
                              " print(s, t);";
    CHECK(count(main_after("simplify,gvn,simplify_cfg,dce,own", small), "compute") == 2);
    CHECK(updates_that_may_copy(in_main(small)) == "");
    const std::string large = "let s[k: 999] = k * k; var t = s; for i in 0..9 { t[i] = i; }"
                              " print(s, t);";
    CHECK(count(main_after("simplify,gvn,simplify_cfg,dce,own", large), "compute") == 1);
    const std::string constant = "let s: i64[999] = ones(); var t = s;"
                                 " for i in 0..9 { t[i] = i; } print(s, t);";
    CHECK(count(main_after("simplify,gvn,simplify_cfg,dce,own", constant), "compute") == 2);
    CHECK(updates_that_may_copy(in_main(constant)) == "");
  }
}

// ---- tensors in the frame

/// The names of the tensors of main that may lie in its frame.
std::string stack_tensors(std::string_view lines) {
  ir::Module module = valid_ir(fmt::format("func @main() effects {{\nentry:\n{}}}\n", lines));
  run(module, "own");
  const ir::Function& function = module.functions[0];
  const opt::UniqueOwners owners(module);
  const opt::memory::MemoryPlan plan(module, owners, ir::loops::lower(module));
  std::string names;
  for (uint32_t v = 0; v < function.values.size(); ++v)
    if (plan.of({0}).places[v].home == opt::memory::Home::stack) names += function.values[v].name + " ";
  return names;
}

TEST_CASE("small tensors that do not leave lie in the frame") {
  const std::string head = "  %k = const 1\n  %c = const true\n";
  CHECK(stack_tensors(head + "  %t = compute [i: 4] { i }\n  %u = update %t[%k] = %k\n"
                      "  print %u\n  ret\n") == "t u ");
  CHECK(stack_tensors(head + "  %t = compute [i: 4000] { i }\n  print %t\n  ret\n") == "");
  CHECK(stack_tensors(head + "  %t = load \"t.npy\" : i64[4]\n  print %t\n  ret\n") == "");
  CHECK(stack_tensors(head + "  %t = compute [i: 4] { i }\n  %u = update %t[%k] = %k\n"
                      "  print %t, %u\n  ret\n") == "t u t1 ");
  SUBCASE("made anew on each turn, when none of it is needed") {
    CHECK(stack_tensors(head + "  jump loop\nloop:\n  %t = compute [i: 4] { i }\n"
                        "  %u = update %t[%k] = %k\n  print %u\n"
                        "  branch %c, again, done\nagain:\n  jump loop\ndone:\n  ret\n") ==
          "t u ");
    // The last turn's is still read while this turn's is made, or after it.
    CHECK(stack_tensors(head + "  %s = compute [i: 4] { i }\n  jump loop(%s)\n"
                        "loop(%p: i64[4]):\n  %t = compute [i: 4] { %p[3 - i] }\n  print %t\n"
                        "  branch %c, again, done\nagain:\n  jump loop(%t)\ndone:\n  ret\n") ==
          "");
    CHECK(stack_tensors(head + "  %s = compute [i: 4] { i }\n  jump loop(%s)\n"
                        "loop(%p: i64[4]):\n  %t = compute [i: 4] { i }\n  print %p\n"
                        "  branch %c, again, done\nagain:\n  jump loop(%t)\ndone:\n  ret\n") ==
          "");
  }
}

}  // namespace
}  // namespace tenon::tests
