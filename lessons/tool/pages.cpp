#include "lessons/tool/pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "lessons/tool/automaton.h"
#include "lessons/tool/markers.h"
#include "lessons/tool/parser_states.h"
#include "lessons/tool/pictures.h"
#include "tests/support/golden_case.h"
#include "tests/support/process.h"

namespace tenon::lessons {
namespace {

namespace fs = std::filesystem;
using tests::kSkipped;
using tests::split_lines;
using tests::split_words;
using tests::trim;

/// What a page may run besides tenon.
const std::set<std::string> kPrograms = {
    "bison", "cat",        "llc-19",       "opt-19",      "re2c",         "sed",
    "tail", "tenon_ladder", "tenon_mend", "tenon_plugin", "tenon_rules"};
/// Another LLVM writes other code: without this one, what the page says is left as it is.
const std::set<std::string> kMayBeMissing = {"llc-19", "opt-19"};

#ifndef TENON_LLVM_VERSION
#define TENON_LLVM_VERSION ""
#endif
/// Whether a stage prints what LLVM wrote, or counts it, and it is another than the one the pages are written with.
bool is_of_another_llvm(const std::vector<std::string>& stage) {
  const bool prints = stage.size() > 2 && stage[0] == "tenon" && stage[1] == "emit" &&
                      (stage[2] == "ptx" || stage[2] == "asm");
  const bool counts = stage.size() > 2 && stage[0] == "tenon_ladder" && stage[1] != "tile";
  return (prints || counts) && !std::string_view(TENON_LLVM_VERSION).starts_with("19.");
}

constexpr double kTimeout = 60;  ///< seconds

// ---- commands

std::vector<std::vector<std::string>> split_pipeline(const std::string& text) {
  std::vector<std::vector<std::string>> stages(1);
  for (const std::string& word : split_words(text)) {
    if (word == "|")
      stages.emplace_back();
    else if (word != "2>&1")
      stages.back().push_back(word);
  }
  return stages;
}

/// Bison says so when it has searched for two seconds: that is about the machine, not the grammar.
std::string without_progress(std::string text) {
  constexpr std::string_view kProgress =
      "Productions leading up to the conflict state found.  Still finding a possible unifying counterexample...";
  for (size_t at; (at = text.find(kProgress)) != text.npos;) text.erase(at, kProgress.size());
  return text;
}

/// Runs a stage that is no filter on the lines of the one before it.
std::vector<std::string> run_program(const fs::path& root, const std::string& tenon,
                                     const std::vector<std::string>& stage,
                                     const std::vector<std::string>& lines, int status,
                                     std::string& problem) {
  if (stage.empty() || (stage[0] != "tenon" && !kPrograms.contains(stage[0]))) {
    problem =
        fmt::format("pages run tenon, {} and the filters head -n N, tail -n N, grep TEXT only",
                    fmt::join(kPrograms, ", "));
    return {};
  }
  if (is_of_another_llvm(stage)) {
    problem = fmt::format("{}it is LLVM 19 whose PTX the page shows", kSkipped);
    return {};
  }
  tests::Command child{stage, root, tests::join_lines(lines), kTimeout};
  if (stage[0].starts_with("tenon"))  // the others lie beside it
    child.argv[0] = std::filesystem::path(tenon).replace_filename(stage[0]).string();
  const tests::Outcome outcome = tests::run(child);
  if (outcome.status == 127 && kMayBeMissing.contains(stage[0])) {
    problem = fmt::format("{}there is no {}", kSkipped, stage[0]);
    return {};
  }
  if (outcome.timed_out || outcome.status != status) {
    problem = fmt::format("{}, expected exit status {}: {}\n{}", tests::describe(outcome), status,
                          tests::spelled(stage), outcome.err);
  }
  return split_lines(without_progress(outcome.out + outcome.err));
}

/// `head -n N`, `tail -n N` or `grep TEXT` on lines; false for anything else.
bool filter(const std::vector<std::string>& stage, std::vector<std::string>& lines) {
  const std::string name = stage.empty() ? "" : stage[0];
  if (name == "grep" && stage.size() == 2) {
    std::erase_if(lines, [&](const std::string& line) { return !tests::contains(line, stage[1]); });
    return true;
  }
  size_t count = 0;
  if (stage.size() != 3 || stage[1] != "-n") return false;
  const char* end = stage[2].data() + stage[2].size();
  if (std::from_chars(stage[2].data(), end, count).ptr != end) return false;
  const size_t surplus = lines.size() - std::min(lines.size(), count);
  if (name == "head") lines.erase(lines.end() - static_cast<std::ptrdiff_t>(surplus), lines.end());
  if (name == "tail")
    lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(surplus));
  return name == "head" || name == "tail";
}

std::vector<std::string> output_lines(const fs::path& root, const std::string& tenon,
                                      const PageCommand& command, std::string& problem) {
  std::vector<std::string> lines;
  const std::vector<std::vector<std::string>> stages = split_pipeline(command.text);
  // The status that the page says is that of the last program; those in front of it end with 0.
  const auto is_filter = [](const std::vector<std::string>& stage) {
    std::vector<std::string> none;
    return filter(stage, none);
  };
  const auto last = std::find_if_not(stages.rbegin(), stages.rend() - 1, is_filter).base() - 1;
  for (size_t i = 0; i < stages.size() && problem.empty(); ++i) {
    if (i > 0 && filter(stages[i], lines)) continue;
    const int status = stages.begin() + static_cast<std::ptrdiff_t>(i) == last ? command.status : 0;
    lines = run_program(root, tenon, stages[i], lines, status, problem);
  }
  return lines;
}

// ---- the markers of a page

/// What stands between `<!-- NAME` and `-->`, if the line is such a comment.
std::optional<std::string> comment(std::string_view line) {
  line = trim(line);
  if (!line.starts_with("<!--") || !line.ends_with("-->") || line.size() < 7) return {};
  return std::string(trim(line.substr(4, line.size() - 7)));
}

/// `run: …`, `demo: …` or `live: …`, each with an exit status as in `run(1): …`.
std::optional<PageCommand> page_command(const std::string& text) {
  const size_t colon = text.find(": ");
  if (colon == std::string::npos) return {};
  const std::string name = text.substr(0, text.find_first_of("(:"));
  if (name != "run" && name != "demo" && name != "live") return {};
  const bool live = name == "live";
  PageCommand command{std::string(trim(text.substr(colon + 1))), 0, live || name == "demo", live};
  if (text[name.size()] == '(') {
    std::from_chars(text.data() + name.size() + 1, text.data() + colon, command.status);
  }
  return command;
}

// ---- links

/// Calls take(target) for each link of a line; what stands in `code` is none.
template <class Take>
void for_each_link(std::string_view line, const Take& take) {
  bool in_code = false;
  for (size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '`') in_code = !in_code;
    if (in_code || line.substr(at, 2) != "](") continue;
    const size_t end = line.find(')', at);
    if (end == std::string_view::npos) return;
    take(std::string(line.substr(at + 2, end - at - 2)));
  }
}

bool is_local(const std::string& target) {
  return !target.empty() && target[0] != '#' && !tests::contains(target, "://") &&
         !target.starts_with("mailto:");
}

// ---- one page

class PageReader {
 public:
  PageReader(const fs::path& root, const fs::path& path, const std::string& tenon, bool update)
      : root_(root), tenon_(tenon), update_(update) {
    page_.path = path;
    lines_ = split_lines(tests::read_file(root / path));
  }

  Page read() && {
    bool fenced = false;
    while (at_ < lines_.size()) {
      const std::string line = lines_[at_++];
      page_.lines.push_back(line);
      if (trim(line).starts_with("```")) {
        fenced = !fenced;
      } else if (!fenced) {
        for_each_link(line, [&](const std::string& target) { check_link(target); });
        if (const auto text = comment(line)) read_marker(*text);
      }
    }
    return std::move(page_);
  }

 private:
  void complain(const std::string& what) {
    page_.problems.push_back(fmt::format("{}:{}: {}", page_.path.string(), at_, what));
  }

  void check_link(std::string target) {
    if (!is_local(target)) return;
    ++page_.checked;
    target.erase(std::min(target.find_first_of("# "), target.size()));
    if (!fs::exists(root_ / page_.path.parent_path() / target)) complain("no file " + target);
  }

  void read_marker(const std::string& text) {
    const std::vector<std::string> words = split_words(text);
    if (!words.empty() && words[0] == "snippet") return quote(words);
    if (!words.empty() && words[0] == "automaton:") return draw_automaton_of(words);
    if (!words.empty() && words[0] == "parser:") return draw_parser_of(words);
    if (!words.empty() && words[0] == "moves:") return show_moves(words);
    if (!words.empty() && words[0] == "picture:") return draw_output_of(text);
    if (const auto command = page_command(text)) return show_output(*command);
  }

  void quote(const std::vector<std::string>& words) {
    if (words.size() != 3) return complain("a snippet marker has a file and a name");
    if (const auto text = snippet_text(words[1], words[2], false)) block(*text, "cpp");
  }

  std::optional<std::string> snippet_text(const std::string& path, const std::string& name,
                                          bool with_solutions) {
    if (!fs::is_regular_file(root_ / path)) return complain("no file " + path), std::nullopt;
    const MarkedFile file = read_marked(root_, path);
    const Region* region = file.find("snippet", name);
    if (!region) return complain(fmt::format("{} has no [snippet {}]", path, name)), std::nullopt;
    page_.used_snippets.insert(path + " " + name);
    if (!file.problems.empty()) return complain(file.problems[0]), std::nullopt;
    return snippet(file, *region, with_solutions);
  }

  /// The picture beside the page ends with its stamp, or is drawn anew.
  template <class Draw>
  void picture(const std::string& name, const std::string& stamp, const Draw& draw) {
    ++page_.checked;
    const fs::path path = root_ / page_.path.parent_path() / name;
    if (fs::exists(path) && tests::read_file(path).ends_with(stamp)) return;
    if (!update_) return complain(name + " was drawn from something else (`make lessons-update`)");
    tests::write_file(path, draw());
  }

  void draw_automaton_of(const std::vector<std::string>& words) {
    if (words.size() < 5)
      return complain("an automaton marker has a picture, a file, a snippet, shapes");
    const auto definitions = snippet_text(words[2], words[3], true);
    if (!definitions) return;
    const std::vector<std::string> shapes(words.begin() + 4, words.end());
    picture(words[1], picture_stamp(*definitions, shapes),
            [&] { return draw_automaton(*definitions, shapes); });
  }

  void draw_parser_of(const std::vector<std::string>& words) {
    if (words.size() != 3) return complain("a parser marker has a picture and a grammar");
    const fs::path path = root_ / page_.path.parent_path() / words[2];
    if (!fs::is_regular_file(path)) return complain("no file " + words[2]);
    const std::string grammar = tests::read_file(path);
    picture(words[1], picture_stamp(grammar),
            [&] { return draw_dot(parser_dot(make_parser(grammar))) + picture_stamp(grammar); });
  }

  /// `picture: NAME.svg COMMAND`, where the command prints a graph in Graphviz's language, or a
  /// picture.
  void draw_output_of(const std::string& text) {
    const size_t name = text.find_first_not_of(' ', text.find(':') + 1);
    const size_t command = text.find(' ', std::min(name, text.size()));
    if (command == std::string::npos)
      return complain("a picture marker has a picture and a command");
    std::string problem;
    const std::string dot =
        tests::join_lines(output_lines(root_, tenon_, {text.substr(command + 1)}, problem));
    if (!problem.empty()) return complain(problem);
    picture(text.substr(name, command - name), picture_stamp(dot),
            [&] { return (dot.starts_with("<svg") ? dot : draw_dot(dot)) + picture_stamp(dot); });
  }

  void show_moves(const std::vector<std::string>& words) {
    const fs::path path = root_ / page_.path.parent_path() / (words.size() > 1 ? words[1] : "");
    if (!fs::is_regular_file(path)) return complain("a moves marker has a grammar and tokens");
    const std::vector<std::string> tokens(words.begin() + 2, words.end());
    block(parser_moves(make_parser(tests::read_file(path)), tokens), "text");
  }

  void show_output(const PageCommand& command) {
    page_.commands.push_back(command);
    std::string problem;
    const std::string output = run_page_command(root_, tenon_, command, problem);
    if (const std::string why = tests::skip_reason(problem); !why.empty())
      return page_.skipped.push_back({command.text, why});
    if (!problem.empty()) return complain(problem);
    block(command.is_live ? fmt::format("$ {}\n", command.text) : output, "console");
  }

  /// Puts `content` into the fenced block that follows, which is made if there is none.
  void block(const std::string& content, const std::string& language) {
    ++page_.checked;
    std::string fence = "```" + language, old;
    if (at_ < lines_.size() && trim(lines_[at_]).starts_with("```")) {
      fence = lines_[at_++];
      while (at_ < lines_.size() && !trim(lines_[at_]).starts_with("```"))
        old += lines_[at_++] + "\n";
      ++at_;
    } else {
      page_.changed = true;
    }
    if (old != content) page_.changed = true;
    if (old != content && !update_) {
      complain("the block is not as it should be (`make lessons-update` sets it)\n" +
               tests::difference(old, content));
    }
    if (tests::contains(content, "```")) complain("the block's content holds a fence");
    page_.lines.push_back(fence);
    for (const std::string& line : split_lines(content)) page_.lines.push_back(line);
    page_.lines.push_back("```");
  }

  const fs::path& root_;
  const std::string& tenon_;
  const bool update_;
  Page page_;
  std::vector<std::string> lines_;
  size_t at_ = 0;  ///< the next line
};

// ---- all of them

/// A snippet that no page quotes is a marker that somebody forgot.
void check_markers(const fs::path& root, const std::set<std::string>& used, tests::Tally& tally) {
  for (const fs::path& path : sources(root)) {
    const MarkedFile file = read_marked(root, path);
    for (const std::string& problem : file.problems) tally.fail(path.string(), problem);
    for (const Region& region : file.regions) {
      if (region.kind != "snippet") continue;
      const std::string name = path.string() + " " + region.name;
      used.contains(name) ? tally.pass() : tally.fail(name, "no page quotes this snippet");
    }
  }
}

}  // namespace

std::string run_page_command(const fs::path& root, const std::string& tenon,
                             const PageCommand& command, std::string& problem) {
  const std::vector<std::string> lines = output_lines(root, tenon, command, problem);
  if (problem.empty() && !lines.empty() && lines[0].starts_with(kSkipped)) problem = lines[0];
  if (!problem.empty()) return {};
  return "$ " + command.text + "\n" + tests::join_lines(lines);
}

Page read_page(const fs::path& root, const fs::path& path, const std::string& tenon, bool update) {
  return PageReader(root, path, tenon, update).read();
}

void check_pages(const fs::path& root, const std::string& tenon, bool update, tests::Tally& tally) {
  std::set<std::string> used;
  for (const fs::path& path : project_files(root, {".md"})) {
    const Page page = read_page(root, path, tenon, update);
    used.insert(page.used_snippets.begin(), page.used_snippets.end());
    for (const std::string& problem : page.problems) tally.fail(path.string(), problem);
    for (const auto& [command, why] : page.skipped)
      tally.skip(fmt::format("{}: {}", path.string(), command), why);
    if (page.problems.empty() && page.checked > 0) tally.pass();
    if (update && page.changed) {
      tests::write_file(root / path, tests::join_lines(page.lines));
      fmt::print("updated {}\n", path.string());
    }
  }
  check_markers(root, used, tally);
}

}  // namespace tenon::lessons
