// --bisect=auto: which rewrite of which pass is the first wrong one.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "driver/optimize.h"
#include "driver/output.h"
#include "driver/run.h"
#include "ir/interpret.h"
#include "ir/text.h"
#include "opt/bisect.h"
#include "opt/pipelines.h"

namespace tenon::driver {

namespace {

/// All that a run of a module shows.
struct Behaviour {
  std::string output, failure;
  bool operator==(const Behaviour&) const = default;
};

Behaviour behaviour(const Session& session, const ir::Module& module) {
  char* bytes = nullptr;
  size_t size = 0;
  std::FILE* out = open_memstream(&bytes, &size);
  if (!out) throw std::bad_alloc();
  Behaviour seen;
  try {
    runtime::Context context;
    context.out = out;
    context.data_dir = data_folder(session.options);
    try {
      ir::interpret(module, context);
    } catch (const ast::RunError& error) {
      seen.failure = fmt::format("{} at {}", error.fault.message(), error.span.begin);
    }
    runtime::flush(context);
  } catch (const std::exception& broken) {  // the module is no longer a right one
    seen.failure = broken.what();
  }
  std::fclose(out);
  seen.output.assign(bytes, size);
  std::free(bytes);
  return seen;
}

/// Whether the command of --bisect-with, {} being the module's file, ends with status 0.
bool command_is_content(const Session& session, const ir::Module& module) {
  const std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("tenon-bisect-{}.ir", getpid()))
          .string();
  write_output(path, ir::print(module));
  std::string command = session.options.bisect_with;
  for (size_t at = 0; (at = command.find("{}", at)) != std::string::npos; at += path.size())
    command.replace(at, 2, path);
  const int status = std::system(command.c_str());
  std::filesystem::remove(path);
  return status == 0;
}

}  // namespace

void bisect(Session& session, const ir::Module& module, std::string_view passes) {
  session.phase = "searching for the first wrong rewrite";
  const bool by_command = !session.options.bisect_with.empty();
  if (!by_command && !module.main)
    throw UsageError{
        "--bisect=auto runs main, and there is none; --bisect-with=CMD tells right from wrong"};
  const Behaviour expected = by_command ? Behaviour() : behaviour(session, module);
  const auto list = opt::parse_pipeline(passes);
  const auto found =
      opt::find_wrong_rewrite(module, list, session.options.strict, [&](const ir::Module& now) {
        return by_command ? command_is_content(session, now) : behaviour(session, now) == expected;
      });
  if (!found) {
    fmt::print("nothing is wrong with {}\n", passes.empty() ? "no pass" : passes);
    throw Exit{kFine};
  }
  if (found->number == 0) {
    fmt::print("it is wrong even where no rewrite is allowed\n");
  } else {
    fmt::print("rewrite {} of {} is the first wrong one: {} in pass {}{}\n{}", found->number,
               found->of, found->rewrite, found->pass,
               found->function.empty() ? "" : fmt::format(", @{}", found->function), found->diff);
  }
  throw Exit{kProgramWrong};
}

}  // namespace tenon::driver
