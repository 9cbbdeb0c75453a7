#include "tests/differential/edits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "ir/interpret.h"
#include "ir/lower.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "opt/pass.h"
#include "opt/pipelines.h"
#include "tests/differential/generator/choices.h"
#include "tests/differential/generator/program.h"
#include "tests/differential/oracle/engines.h"
#include "tests/differential/oracle/sandbox.h"
#include "tests/support/text.h"
#include "tests/support/time_limit.h"

namespace tenon::differential {
namespace {

constexpr unsigned kSeconds = 2;      ///< an edit may well make an endless loop
constexpr uint64_t kEditsOfOne = 40;  ///< of the IR of one program
constexpr size_t kMaxText = 20'000;   ///< larger ones are left out

/// Names, numbers, and single characters; what begins alike (`%`, `@`, a digit) is of one kind.
struct Token {
  size_t at, size;
  char kind;
};

std::vector<Token> tokens_of(std::string_view text) {
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
  };
  std::vector<Token> tokens;
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    const char first = text[at];
    if (is_word(first) || first == '%' || first == '@') {
      while (end < text.size() && is_word(text[end])) ++end;
    }
    const bool is_number = std::isdigit(static_cast<unsigned char>(first));
    if (!std::isspace(static_cast<unsigned char>(first))) {
      tokens.push_back({at, end - at, is_number ? '0' : is_word(first) ? 'a' : first});
    }
    at = end;
  }
  return tokens;
}

std::string with_other_token(std::string text, Random& random) {
  const std::vector<Token> tokens = tokens_of(text);
  const Token& old = tokens[random() % tokens.size()];
  std::vector<std::string> others;
  for (const Token& each : tokens) {
    if (each.kind == old.kind && &each != &old) others.push_back(text.substr(each.at, each.size));
  }
  if (old.kind == '0') others.insert(others.end(), {"0", "1", "1000000"});
  if (std::string_view("+-*<>").find(old.kind) != std::string_view::npos)
    others.insert(others.end(), {"+", "-", "*", "/"});
  return text.replace(old.at, old.size, others.empty() ? "" : others[random() % others.size()]);
}

std::string with_other_lines(const std::string& text, Random& random) {
  std::vector<std::string> lines = tests::split_lines(text);
  const auto at = lines.begin() + static_cast<std::ptrdiff_t>(random() % lines.size());
  switch (random() % 3) {
    case 0: lines.erase(at); break;
    case 1: lines.insert(at, std::string(*at)); break;
    default: std::swap(*at, lines[random() % lines.size()]);
  }
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

struct Counts {
  uint64_t refused, ran, failed, endless;
};

/// What is wrong with how a text is taken; nothing if it is refused in words, or runs.
std::string judge(const std::string& text, Counts& counts) {
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  ir::Module module = ir::parse(sources, sources.add("edited.ir", text), diagnostics);
  if (diagnostics.any() || !ir::verify(module).empty() || !module.main) {
    ++counts.refused;
    return {};
  }
  const auto run = [&] {
    return observe(sources, [&](runtime::Context& context) { ir::interpret(module, context); });
  };
  const Outcome expected = run();
  ++counts.ran;
  counts.failed += expected.fault.empty() ? 0 : 1;
  for (const opt::PassRow* pass : opt::parse_pipeline(opt::pipeline(3))) {
    opt::PassContext context;
    pass->run(module, context);
    if (!ir::verify(module).empty()) return fmt::format("after {} it does not verify", pass->name);
    if (context.rewrites == 0) continue;
    const Outcome outcome = run();
    if (!(outcome == expected)) {
      return fmt::format("after {} it does something else\n{}{}\n{}\n", pass->name,
                         tests::difference(expected.out, outcome.out), expected.fault,
                         outcome.fault);
    }
  }
  return {};
}

/// What a child leaves behind.
struct Shared {
  Counts counts;
  uint64_t at;  ///< the edit under way
  char text[2 * kMaxText], problem[4096];
};

void run_batch(const Frontend& frontend, uint64_t seed, Shared& shared) {
  std::string text;
  try {
    const Source source = frontend.check(generate(bytes_of(seed)).text);
    text = ir::print(ir::lower(source.typed));
  } catch (const Frontend::Refused&) {
    return;  // others look after that
  }
  if (text.size() > kMaxText) return;
  for (; shared.at < kEditsOfOne; ++shared.at) {
    Random random(seed * kEditsOfOne + shared.at);
    const std::string edited =
        random() % 4 == 0 ? with_other_lines(text, random) : with_other_token(text, random);
    shared.text[edited.copy(shared.text, sizeof shared.text - 1)] = '\0';
    tests::limit_processor_time(kSeconds);
    std::string problem;
    try {
      problem = judge(edited, shared.counts);
    } catch (const std::exception& error) {
      problem = fmt::format("an internal error: {}", error.what());
    }
    tests::limit_processor_time(0);
    if (problem.empty()) continue;
    shared.problem[problem.copy(shared.problem, sizeof shared.problem - 1)] = '\0';
    return;
  }
}

}  // namespace

int run_edits(uint64_t first, uint64_t count) {
  tests::Tally tally("edits");
  const Frontend frontend;
  Shared& shared = differential::shared<Shared>();
  for (uint64_t seed = first; seed < first + count; ++seed) {
    for (shared.at = 0; shared.at < kEditsOfOne; ++shared.at) {
      shared.problem[0] = '\0';
      std::string problem = in_child([&] { run_batch(frontend, seed, shared); });
      if (problem.empty()) problem = shared.problem;
      if (problem == kTookTooLong) {
        ++shared.counts.endless;
        problem.clear();
      }
      if (problem.empty() && shared.at >= kEditsOfOne) break;
      if (problem.empty()) continue;
      tally.fail(fmt::format("seed {}, edit {}", seed, shared.at),
                 fmt::format("{}\n{}", problem, shared.text));
    }
    tally.pass();
  }
  const Counts& counts = shared.counts;
  fmt::print("{} edits were refused, {} ran ({} of them into a run-time error), {} did not end\n",
             counts.refused, counts.ran, counts.failed, counts.endless);
  return tally.close();
}

}  // namespace tenon::differential
