// tenon_tamper: reads IR, does to it what a wrong pass might do, and asks the verifier.
//
//   tenon_tamper verify FILE.ir        `accepted`, or a line per violation
//
// The text form is read in an order in which a definition comes before its uses, so some mistakes
// cannot be written down. Lines of the file say how to make them, in its last function:
//
//   ;! move %a to join 0              what defines %a goes in front of instruction 0 of block join
//   ;! in join 1 use %b for %a        in instruction 1 of block join
//   ;! remove %a                      what defines %a goes
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string>
#include <vector>

#include "ir/text.h"
#include "ir/verify.h"
#include "tests/support/text.h"

namespace tenon::lessons {
namespace {

using ir::Block;
using ir::Function;
using ir::Inst;
using ir::ValueId;
using Words = std::vector<std::string>;

size_t number(const std::string& text) {
  size_t value = 0;
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, value).ptr != end) {
    throw std::runtime_error(text + " is no number");
  }
  return value;
}

ValueId value_named(const Function& function, const std::string& name) {
  for (uint32_t i = 0; i < function.values.size(); ++i)
    if ("%" + function.values[i].name == name) return {i};
  throw std::runtime_error("there is no value " + name);
}

Block& block_named(Function& function, const std::string& name) {
  for (Block& block : function.blocks)
    if (block.name == name) return block;
  throw std::runtime_error("there is no block " + name);
}

/// Takes the instruction that defines the value out of its block.
Inst take(Function& function, ValueId value) {
  for (Block& block : function.blocks) {
    for (size_t i = 0; i < block.insts.size(); ++i) {
      if (block.insts[i].result() != value) continue;
      Inst taken = std::move(block.insts[i]);
      block.insts.erase(block.insts.begin() + static_cast<std::ptrdiff_t>(i));
      return taken;
    }
  }
  throw std::runtime_error("no instruction defines it alone");
}

void tamper(Function& function, const Words& words) {
  if (words.size() == 5 && words[0] == "move" && words[2] == "to") {
    Inst inst = take(function, value_named(function, words[1]));
    std::vector<Inst>& insts = block_named(function, words[3]).insts;
    const size_t place = std::min(number(words[4]), insts.size() - 1);
    insts.insert(insts.begin() + static_cast<std::ptrdiff_t>(place), std::move(inst));
  } else if (words.size() == 7 && words[0] == "in" && words[3] == "use" && words[5] == "for") {
    Inst& inst = block_named(function, words[1]).insts.at(number(words[2]));
    const ValueId to = value_named(function, words[4]), from = value_named(function, words[6]);
    map_uses(function, inst, [&](ValueId value) { return value == from ? to : value; });
  } else if (words.size() == 2 && words[0] == "remove") {
    take(function, value_named(function, words[1]));
  } else {
    throw std::runtime_error(
        "the lines are: move %a to BLOCK N, in BLOCK N use %b for %a, remove %a");
  }
}

int run(const std::string& path) {
  const std::string text = tests::read_file(path);
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  ir::Module module = ir::parse(sources, sources.add(path, text), diagnostics);
  if (diagnostics.any()) {
    throw std::runtime_error(lexer::render(diagnostics.all().front(), sources));
  }
  if (module.functions.empty()) throw std::runtime_error("there is no function");
  for (const std::string& line : tests::split_lines(text)) {
    if (line.starts_with(";! "))
      tamper(module.functions.back(), tests::split_words(line.substr(3)));
  }
  const std::vector<ir::Violation> violations = ir::verify(module);
  if (violations.empty()) fmt::print("accepted\n");
  for (const ir::Violation& violation : violations) {
    fmt::print("{}: {}\n", violation.where, violation.message);
  }
  return violations.empty() ? 0 : 1;
}

}  // namespace
}  // namespace tenon::lessons

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::string_view(argv[1]) == "verify") return tenon::lessons::run(argv[2]);
    fmt::print(stderr, "tenon_tamper verify FILE.ir\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "tenon_tamper: {}\n", error.what());
  }
  return 2;
}
