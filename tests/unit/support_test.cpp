// The tools that judge are judged: running processes, golden cases, and the course's markers.
#include <doctest/doctest.h>

#include "lessons/tool/automaton.h"
#include "lessons/tool/markers.h"
#include "lessons/tool/pages.h"
#include "lessons/tool/parser_states.h"
#include "lessons/tool/pictures.h"
#include "lessons/tool/prove.h"
#include "tests/support/golden_case.h"
#include "tests/support/pending.h"
#include "tests/support/process.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

Outcome shell(const std::string& script, double timeout = 10, const std::string& input = "") {
  return run({{"sh", "-c", script}, ".", input, timeout});
}

TEST_CASE("a process's outputs and status are told apart") {
  const Outcome outcome = shell("echo out; echo err >&2; exit 3");
  CHECK(outcome.out == "out\n");
  CHECK(outcome.err == "err\n");
  CHECK(outcome.status == 3);
  CHECK(recorded(outcome) == "out\n--- stderr\nerr\n");
}

TEST_CASE("an input larger than a pipe arrives") {
  const std::string input(1u << 20, 'x');
  CHECK(shell("cat", 10, input).out == input);
  CHECK(shell("exit 0", 10, input).status == 0);  // one that does not read it is fine too
}

TEST_CASE("a process that hangs is killed, with its children") {
  const Outcome outcome = shell("sleep 60 & sleep 60; wait", 0.2);
  CHECK(outcome.timed_out);
  CHECK(contains(describe(outcome), "killed after"));
}

TEST_CASE("crashes and missing programs are named") {
  CHECK(contains(describe(shell("kill -SEGV $$")), "signal 11"));
  CHECK(contains(describe(run({{"./no-such-program"}, ".", ""})), "not found"));
}

TEST_CASE("a golden case reads its directives") {
  ScratchFolder scratch;
  const fs::path input = scratch.path() / "x.tn";
  write_file(input, "//@ emit ir -D 'N=1 2'\n//@ exit 1\n//@ title a clash\nfn main() {}\n");
  const GoldenCase test = read_case(input);
  CHECK(test.problem.empty());
  CHECK(test.arguments == std::vector<std::string>{"emit", "ir", "-D", "N=1 2"});
  CHECK(test.status == 1);
  CHECK(test.title == "a clash");
  CHECK(command_of(test, "tenon").argv.back() == "x.tn");
  write_file(input, "fn main() {}\n");
  CHECK_FALSE(read_case(input).problem.empty());
}

TEST_CASE("a pending program may fail, and must not pass") {
  ScratchFolder scratch;
  const fs::path list = scratch.path() / "pending.txt", program = "right/x.tn";
  write_file(list, "# a comment\nright/x.tn  tuples\n");
  const Pending pending(list);
  CHECK(pending.holds(program));
  CHECK_FALSE(pending.holds("wrong/x.tn"));
  auto status = [&](const fs::path& path, const std::string& problem) {
    Tally tally("PENDING");  // capitals: scripts/test.sh does not count it
    tally.pass();
    pending.settle(tally, path, problem);
    return tally.close();
  };
  CHECK(status(program, "fails") == 0);
  CHECK(status(program, "") == 1);
  CHECK(status("wrong/x.tn", "fails") == 1);
  CHECK(status("wrong/x.tn", "") == 0);
  Tally tally("PENDING");
  tally.pass();
  pending.check_entries(tally, scratch.path());
  CHECK(tally.close() == 1);  // there is no such program
  write_file(list, "right/x.tn\n");
  CHECK_THROWS(Pending(list));
}

TEST_CASE("a difference shows the first lines that differ") {
  CHECK(difference("a\nb\nc\n", "a\nx\nc\n") ==
        "  -    2: b\n  -    3: c\n  +    2: x\n  +    3: c\n");
  CHECK(difference("a\n", "a") == "  they differ only in the last line break\n");
  CHECK(contains(difference("a\n", ""), "(the end)"));
}

TEST_CASE("a starter lacks the solution and a snippet lacks the markers") {
  ScratchFolder scratch;
  write_file(scratch.path() / "x.cpp",
             "int f() {\n"
             "  // [snippet body]\n"
             "  int x = 1;\n"
             "  // [exercise double]\n"
             "  // [starter] return 0;\n"
             "  return 2 * x;\n"
             "  // [end]\n"
             "  // [end]\n"
             "}\n");
  const lessons::MarkedFile file = lessons::read_marked(scratch.path(), "x.cpp");
  CHECK(file.problems.empty());
  REQUIRE(file.find("snippet", "body"));
  CHECK(lessons::snippet(file, *file.find("snippet", "body")) ==
        "int x = 1;\n// … yours: exercise `double`\n");
  CHECK(lessons::snippet(file, *file.find("snippet", "body"), true) == "int x = 1;\nreturn 2 * x;\n");
  CHECK(lessons::starter(file, "double") ==
        "int f() {\n  int x = 1;\n  // Your code here\n  return 0;\n}\n");
}

TEST_CASE("a starter does not tell where an unmarked part is missing") {
  ScratchFolder scratch;
  write_file(scratch.path() / "x.ptx",
             "  // [exercise race unmarked]\n"
             "  // [starter] st.shared.u32 [%a], %x;\n"
             "  red.shared.add.u32 [%a], 1;\n"
             "  // [end]\n"
             "  ret;\n");
  const lessons::MarkedFile file = lessons::read_marked(scratch.path(), "x.ptx");
  CHECK(file.problems.empty());
  CHECK(lessons::starter(file, "race") == "  st.shared.u32 [%a], %x;\n  ret;\n");
}

TEST_CASE("markers that do not match are problems") {
  ScratchFolder scratch;
  write_file(scratch.path() / "x.re", "// [snippet a]\n");
  CHECK(lessons::read_marked(scratch.path(), "x.re").problems.size() == 1);
  write_file(scratch.path() / "x.re", "# [end]\n");
  CHECK(lessons::read_marked(scratch.path(), "x.re").problems.size() == 1);
  write_file(scratch.path() / "x.re", "; [snippet a]\n; [end]\n; [snippet a]\n; [end]\n");
  CHECK(lessons::read_marked(scratch.path(), "x.re").problems.size() == 1);
}

TEST_CASE("a mistake fits its reference exactly once") {
  const std::string mistake = "why: x\n--- replace\nb\n--- with\nB\nB\n";
  CHECK(lessons::apply_mistake("a\nb\nc\n", mistake) == "a\nB\nB\nc\n");
  CHECK_THROWS(lessons::apply_mistake("a\nc\n", mistake));
  CHECK_THROWS(lessons::apply_mistake("b\nb\n", mistake));
}

TEST_CASE("a drawn automaton has the states that accept, and none of re2c's own") {
  // What re2c makes of one shape "a" [0-9]*, in line 3: 5 and 2 are its own, 3 and 7 are actions.
  const std::string dot = lessons::automaton_dot(
      "digraph re2c {\n1 -> 2 [label=\"[0x00-`][b-0xFF]\"]\n1 -> 5 [label=\"[a]\"]\n2 -> 3\n"
      "3 [label=\"x.re:4\"]\n5 -> 6\n6 -> 7 [label=\"[0x00-/][:-0xFF]\"]\n"
      "6 -> 5 [label=\"[0-9][_]\"]\n7 [label=\"x.re:3\"]\n}\n",
      {"", "", "", "word", ""});
  CHECK(contains(dot, "1 -> 6 [label=\"a\"]"));
  CHECK(contains(dot, "6 -> 6 [label=\"0-9 _\"]"));
  CHECK(contains(dot, "6 [shape=box style=rounded peripheries=2 label=\"word\"]"));
  for (const char* own : {"-> 2", "-> 3", "-> 5", "-> 7"}) CHECK_FALSE(contains(dot, own));
}

TEST_CASE("a picture of other definitions is stale") {
  ScratchFolder scratch;
  write_file(scratch.path() / "x.re", "// [snippet s]\nw = [a-z];\n// [end]\n");
  write_file(scratch.path() / "p.md", "<!-- automaton: p.svg x.re s w -->\n");
  CHECK(lessons::read_page(scratch.path(), "p.md", "tenon", false).problems.size() == 1);
  write_file(scratch.path() / "p.svg", "<svg/>\n" + lessons::picture_stamp("w = [a-z];\n", {"w"}));
  CHECK(lessons::read_page(scratch.path(), "p.md", "tenon", false).problems.empty());
  write_file(scratch.path() / "x.re", "// [snippet s]\nw = [a-y];\n// [end]\n");
  CHECK(lessons::read_page(scratch.path(), "p.md", "tenon", false).problems.size() == 1);
}

TEST_CASE("a picture of another graph is stale") {
  ScratchFolder scratch;
  write_file(scratch.path() / "g.dot", "digraph { a -> b }\n");
  write_file(scratch.path() / "p.md", "<!-- picture: p.svg cat g.dot -->\n");
  const auto problems = [&] {
    return lessons::read_page(scratch.path(), "p.md", "tenon", false).problems.size();
  };
  CHECK(problems() == 1);
  write_file(scratch.path() / "p.svg", "<svg/>\n" + lessons::picture_stamp("digraph { a -> b }\n"));
  CHECK(problems() == 0);
  write_file(scratch.path() / "g.dot", "digraph { b -> a }\n");
  CHECK(problems() == 1);
  write_file(scratch.path() / "p.md", "<!-- picture: p.svg -->\n");
  CHECK(problems() == 1);
}

TEST_CASE("a parser is read from Bison's graph, drawn, and followed") {
  // What Bison makes of `e: e '+' "n" | %empty;`.
  const lessons::ParserTable parser = lessons::read_parser(
      "digraph \"g.yy\"\n{\n  node [shape = box]\n\n"
      "  0 [label=\"State 0\\n\\l  0 $accept: • e $end\\l\"]\n  0 -> 1 [style=dashed label=\"e\"]\n"
      "  0 -> \"0R2\" [style=solid]\n \"0R2\" [label=\"R2\", shape=diamond]\n"
      "  1 [label=\"State 1\\n\\l  0 $accept: e • $end\\l  1 e: e • '+' \\\"n\\\"\\l\"]\n"
      "  1 -> 2 [style=solid label=\"$end\"]\n  1 -> 3 [style=solid label=\"'+'\"]\n"
      "  2 [label=\"State 2\\n\\l  0 $accept: e $end •\\l\"]\n  2 -> \"2R0\" [style=solid]\n"
      "  3 [label=\"State 3\\n\\l  1 e: e '+' • \\\"n\\\"\\l\"]\n  3 -> 4 [style=solid label=\"\\\"n\\\"\"]\n"
      "  4 [label=\"State 4\\n\\l  1 e: e '+' \\\"n\\\" •\\l\"]\n"
      "  4 -> \"4R1\" [label=\"[$end, '+']\", style=solid]\n}\n");
  REQUIRE(parser.states.size() == 5);
  CHECK(parser.states[4].reduce == std::map<std::string, int>{{"$end", 1}, {"+", 1}});
  CHECK(parser.rules.at(1).parts == 3);
  const std::string dot = lessons::parser_dot(parser);
  CHECK(contains(dot, "  4 [label=\"4\\ne: e '+' \\\"n\\\" •\\l\" peripheries=2];\n"));
  CHECK(contains(dot, "  0 -> 1 [label=\"e\" style=dashed];\n"));
  CHECK(contains(dot, "  3 -> 4 [label=\"n\"];\n"));
}

TEST_CASE("a page's command may lead from one program to the next") {
  ScratchFolder scratch;
  write_file(scratch.path() / "x.txt", "a b\nc\n");
  std::string problem;
  CHECK(lessons::run_page_command(scratch.path(), "tenon",
                                  {"sed 's/a b/d/' x.txt | cat 2>&1 | head -n 1"}, problem) ==
        "$ sed 's/a b/d/' x.txt | cat 2>&1 | head -n 1\nd\n");
  CHECK(problem.empty());
  lessons::run_page_command(scratch.path(), "tenon", {"cat x.txt | rm x.txt"}, problem);
  CHECK(contains(problem, "pages run"));
}

TEST_CASE("a page keeps what this machine cannot print, and says so") {
  ScratchFolder scratch;
  write_file(scratch.path() / "x.txt", "skipped: no card\n");
  write_file(scratch.path() / "p.md", "<!-- run: cat x.txt -->\n```\nas it was\n```\n");
  const lessons::Page page = lessons::read_page(scratch.path(), "p.md", "tenon", true);
  CHECK(page.problems.empty());
  REQUIRE(page.skipped.size() == 1);
  CHECK(page.skipped[0].second == "no card");
  CHECK(page.lines[2] == "as it was");
}

TEST_CASE("of a live command the page has the command alone") {
  ScratchFolder scratch;
  write_file(scratch.path() / "x.txt", "7.3 ms\n");
  write_file(scratch.path() / "p.md", "<!-- live: cat x.txt -->\n<!-- live: cat y.txt -->\n");
  const lessons::Page page = lessons::read_page(scratch.path(), "p.md", "tenon", true);
  CHECK(page.problems.size() == 1);  // there is no y.txt
  CHECK(page.lines[1] == "```console");
  CHECK(page.lines[2] == "$ cat x.txt");
  CHECK(page.lines[3] == "```");
  CHECK(page.commands[0].is_demo);
}

TEST_CASE("a stale page is a problem, and an update mends it") {
  ScratchFolder scratch;
  write_file(scratch.path() / "x.txt", "one\ntwo\nthree\n");
  write_file(scratch.path() / "p.md",
             "<!-- run: cat x.txt | head -n 1 -->\n```\nstale\n```\n[x](x.txt) [y](y.txt) `a[i](z)`\n");
  const lessons::Page page = lessons::read_page(scratch.path(), "p.md", "tenon", false);
  CHECK(page.problems.size() == 2);  // the block, and the link to y.txt
  const lessons::Page mended = lessons::read_page(scratch.path(), "p.md", "tenon", true);
  CHECK(mended.lines[2] == "$ cat x.txt | head -n 1");
  CHECK(mended.lines[3] == "one");
  CHECK(mended.problems.size() == 1);
  CHECK(mended.changed);
}

}  // namespace
}  // namespace tenon::tests
