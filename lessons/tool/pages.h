// Pages: what they quote and what they say a command prints is compared with the truth, or set to
// it.
//
//   <!-- snippet lexer/scanner.re scan-number -->     the fenced block below quotes those lines
//   <!-- run: tenon emit tokens demo.tn | head -n 5 --> the block below is the command and its
//   output
//   <!-- run(1): tenon check wrong.tn -->             … and its exit status is 1
//   <!-- demo: tenon emit tokens demo.tn -->          as run; `make lessonN` shows it too
//   <!-- live: tenon run --time 5 demo.tn -->         as demo, but the block is the command alone: what
//   it prints differs from one machine to the next
//   <!-- automaton: numbers.svg lexer/scanner.re … -->  that picture is up to date (automaton.h)
//   <!-- parser: layered.svg layered.yy -->              and that one (parser_states.h)
//   <!-- picture: flow.svg tenon emit ir --dot x.tn -->  the graph that a command prints, drawn; or the
//   picture that it prints
//   <!-- moves: layered.yy number + number -->           the block below is what that parser does
//
// Commands run in the root of the project, without a shell. A `|` leads from one program to the
// next, and the exit status is the last one's; `head -n N`, `tail -n N` and `grep TEXT` are done here. Standard error follows standard
// output, as if `2>&1` stood there (it may). Quotes keep a word together. Where a program is missing that
// need not be there, LLVM is another than the pages were written with, or the output begins with
// `skipped: `, the block stays as it is.
#pragma once
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/text.h"

namespace tenon::lessons {

struct PageCommand {
  std::string text;  ///< as the reader types it
  int status = 0;
  bool is_demo = false;  ///< `make lessonN` shows it
  bool is_live = false;
};

struct Page {
  std::filesystem::path path;           ///< relative to the root
  std::vector<std::string> lines;       ///< with every block as it should be
  std::vector<std::string> problems;    ///< each with its place
  std::set<std::string> used_snippets;  ///< "lexer/scanner.re scan-number"
  std::vector<PageCommand> commands;
  std::vector<std::pair<std::string, std::string>> skipped;  ///< a command, and why it was not run
  int checked = 0;       ///< blocks and links looked at
  bool changed = false;  ///< a block was not as it should be
};

/// The output of a page's command, or what went wrong in `problem` (which may be `skipped: …`).
std::string run_page_command(const std::filesystem::path& root, const std::string& tenon,
                             const PageCommand& command, std::string& problem);

/// Reads a page and works out what its blocks should hold. With `update` a wrong block is no
/// problem.
Page read_page(const std::filesystem::path& root, const std::filesystem::path& path,
               const std::string& tenon, bool update);

/// Checks (or updates) every .md file of the project, and that every snippet in the sources is
/// quoted by one.
void check_pages(const std::filesystem::path& root, const std::string& tenon, bool update,
                 tests::Tally& tally);

}  // namespace tenon::lessons
