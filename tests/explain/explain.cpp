// The pages of `tenon explain`: every example in docs/errors/ does what its page says.
//
//   tenon_explain TENON
//
// A block ```tenon-wrong (or ```ir-wrong) draws the page's error; a block ```tenon (or ```ir) is
// fine. Run-time errors (E07..) are drawn by `tenon run`, errors in IR text by `tenon opt`, others
// by `tenon check`.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/arguments.h"
#include "tests/support/process.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

/// Pages whose error no short program can draw; tests/hostile/ and tests/unit/ draw them.
constexpr std::pair<std::string_view, std::string_view> kNoExample[] = {
    {"E0102", "is about bytes that no page can hold; tests/unit/lexer_test.cpp draws it"},
    {"E0706", "takes more memory than there is"},
    {"E0708", "is about another file's bytes; tests/golden/errors/running/E0708.tn draws it"},
    {"E0711", "takes a file that no program can write; tests/golden/errors/running/E0711.tn draws it"},
    {"E0801", "is about the file, not the text in it"},
    {"E0802", "takes a text of many megabytes"},
};

struct Block {
  std::string kind, text;
  size_t line;  ///< of the opening fence, from 1
};

std::vector<Block> fenced_blocks(const std::string& page) {
  std::vector<Block> blocks;
  bool inside = false;
  size_t number = 0;
  for (const std::string& line : split_lines(page)) {
    ++number;
    if (line.starts_with("```")) {
      inside = !inside;
      if (inside) blocks.push_back({std::string(trim(line.substr(3))), "", number});
    } else if (inside) {
      blocks.back().text += line + "\n";
    }
  }
  return blocks;
}

std::vector<std::string> command_for(const Block& block, const std::string& code) {
  if (block.kind.starts_with("ir")) return {"opt", "example.ir"};
  const bool when_run = code.starts_with("E07") || code == "E0305";  // `check` takes any file
  return {when_run ? "run" : "check", "example.tn"};
}

std::string check_block(const Block& block, const std::string& code, const std::string& tenon) {
  ScratchFolder scratch;
  const std::vector<std::string> words = command_for(block, code);
  write_file(scratch.path() / words.back(), block.text);
  Command command;
  command.folder = scratch.path();
  command.argv = {tenon};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  const Outcome outcome = run(command);
  const bool wrong = block.kind.ends_with("-wrong");
  if (outcome.timed_out || outcome.status != (wrong ? 1 : 0)) {
    return fmt::format("{} of a {} block\n{}", describe(outcome), block.kind, outcome.err);
  }
  if (wrong && !contains(outcome.err, "error[" + code + "]")) {
    return fmt::format("draws another error:\n{}", outcome.err);
  }
  return {};
}

void check_page(const fs::path& path, const std::string& tenon, Tally& tally) {
  const std::string code = path.stem().string();
  const std::string page = read_file(path);
  bool drawn = std::any_of(std::begin(kNoExample), std::end(kNoExample),
                           [&](const auto& exempt) { return exempt.first == code; });
  for (const Block& block : fenced_blocks(page)) {
    const bool wrong = block.kind == "tenon-wrong" || block.kind == "ir-wrong";
    if (!wrong && block.kind != "tenon" && block.kind != "ir") continue;
    drawn |= wrong;
    const std::string problem = check_block(block, code, tenon);
    const std::string what = fmt::format("{}:{}", path.filename().string(), block.line);
    problem.empty() ? tally.pass() : tally.fail(what, problem);
  }
  if (!drawn) tally.fail(path.filename().string(), "has no ```tenon-wrong block");
}

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  using namespace tenon::tests;
  const Arguments arguments = read_arguments(argc, argv);
  Tally tally("explain");
  std::vector<fs::path> pages = entries_of(root() / "docs/errors");
  std::erase_if(pages, [](const fs::path& path) {
    return path.extension() != ".md" || !path.filename().string().starts_with("E");
  });
  for_each_in_parallel(pages.size(),
                       [&](size_t i) { check_page(pages[i], arguments.tenon, tally); });
  return tally.close();
}
