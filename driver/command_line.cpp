#include "driver/command_line.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <sstream>

#include "driver/command_options.h"
#include "driver/output.h"
#include "runtime/nearest.h"

namespace tenon::driver {

namespace {

constexpr const char* kVersion = "tenon 0.1";

const std::vector<std::string> kCommands = {
#define COMMAND(name, lesson, summary) #name,
#include "driver/commands.def"
};

bool is_command(std::string_view name) {
  return std::ranges::count(kCommands, name) != 0;
}

/// `; did you mean …?`, or what to ask where nothing is near.
std::string advice(const std::string& word, const std::vector<std::string>& candidates,
                   std::string_view otherwise) {
  const std::string near = runtime::nearest(word, candidates);
  return near.empty() ? fmt::format("; {}", otherwise) : fmt::format("; did you mean `{}`?", near);
}

/// What is wrong with a first word that is no command.
std::string no_command(const std::string& word) {
  if (word.ends_with(".tn"))
    return fmt::format("there is no command `{}`; `tenon run {}` runs a program", word, word);
  if (word.starts_with("-"))
    return fmt::format("there is no option `{}` in front of a command{}", word,
                       advice(word, {"--help", "--version"}, "`tenon --help` lists the commands"));
  return fmt::format("there is no command `{}`{}", word, advice(word, kCommands, "`tenon --help` lists them"));
}

/// The options of a command, as they are written.
std::vector<std::string> spellings(const CLI::App& command) {
  std::vector<std::string> all;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_snames()) all.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) all.push_back("--" + name);
  }
  return all;
}

/// What is wrong with a word that no option and no file of the command has taken.
std::string left_over(const CLI::App& command, const std::string& word) {
  const std::string more = fmt::format("`tenon {} --help` says what may stand there", command.get_name());
  if (!word.starts_with("-")) return fmt::format("`{}` has no place behind `{}`; {}", word, command.get_name(), more);
  const std::string name = word.substr(0, word.find('='));
  if (!word.starts_with("--")) return fmt::format("`{}` has no option `{}`; {}", command.get_name(), name, more);
  return fmt::format("`{}` has no option `{}`{}", command.get_name(), name, advice(name, spellings(command), more));
}

/// What is wrong with the words of a command.
std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = *app.get_subcommands().front();
  const std::vector<std::string> left = app.remaining(true);
  if (dynamic_cast<const CLI::ExtrasError*>(&error) && !left.empty()) return left_over(command, left.front());
  const std::string_view what = error.what();
  if (what.ends_with("?")) return std::string(what);
  return fmt::format("{}; `tenon {} --help` says what may stand there", what, command.get_name());
}

/// A line of help: the option, what it takes, what it means. No list of values: the meaning has it.
class Help : public CLI::Formatter {
 public:
  Help() { column_width(29); }

  std::string make_option(const CLI::Option* option, bool positional) const override {
    std::vector<std::string> names;
    if (positional) names.push_back(option->get_name(true));
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    std::string left = fmt::format("{}", fmt::join(names, ","));
    if (const std::string type = option->get_type_name(); !type.empty())
      left += (type.starts_with("[=") ? "" : " ") + type;
    return fmt::format("  {:<{}}{}\n", left, get_column_width() - 2, option->get_description());
  }

  std::string make_footer(const CLI::App*) const override { return ""; }
};

/// The words behind the program's name, last first, as CLI11 wants them. It would take the next word
/// for the value in `--passes= -o F`; a blank is the empty list too, and is seen.
std::vector<std::string> words(int argc, char** argv) {
  std::vector<std::string> reversed;
  for (int i = argc - 1; i > 0; --i) {
    if (std::string_view(argv[i]) == "--profile" && !reversed.empty() &&
        reversed.back().ends_with(".json")) {
      reversed.back() = "--profile=" + reversed.back();  // what else follows is the program
      continue;
    }
    reversed.emplace_back(argv[i]);
    if (reversed.back().starts_with("--") && reversed.back().ends_with("=")) reversed.back() += ' ';
  }
  return reversed;
}

Status usage_wrong(std::string_view what) {
  fmt::print(stderr, "tenon: {}\n", what);
  return kUsageWrong;
}

/// Prints the help or the version that was asked for.
Status tell(const CLI::App& app, const CLI::Success& asked) {
  std::ostringstream text;
  app.exit(asked, text, text);
  write_output("-", text.str());
  return finish_output() ? kFine : kProgramWrong;
}

}  // namespace

std::optional<Status> read_command_line(int argc, char** argv, std::string& command,
                                        Options& options) {
  if (argc == 1) return usage_wrong("a command is wanted; `tenon --help` lists them");
  CLI::App app("Tenon: a tensor language and its compiler, as a course.", "tenon");
  app.formatter(std::make_shared<Help>());
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  add_commands(app, options);
  try {
    app.parse(words(argc, argv));
  } catch (const CLI::Success& asked) {
    return tell(app, asked);
  } catch (const CLI::ParseError& error) {
    return usage_wrong(is_command(argv[1]) ? complaint(app, error) : no_command(argv[1]));
  }
  command = app.get_subcommands()[0]->get_name();
  return std::nullopt;
}

}  // namespace tenon::driver
