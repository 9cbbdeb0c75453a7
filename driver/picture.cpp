#include "driver/picture.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

extern char** environ;

namespace tenon::driver {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File temporary_file() {
  File file(std::tmpfile(), std::fclose);
  if (!file) throw UsageError{fmt::format("--svg: no temporary file: {}", std::strerror(errno))};
  return file;
}

std::string contents(std::FILE* file) {
  std::rewind(file);
  std::string text;
  char buffer[1 << 16];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, n);
  return text;
}

/// Runs `dot -Tsvg`. Its input and output are files, so that neither side waits for the other.
std::string draw_svg(const std::string& dot) {
  const File in = temporary_file(), out = temporary_file();
  std::fwrite(dot.data(), 1, dot.size(), in.get());
  std::fflush(in.get());
  std::rewind(in.get());

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(in.get()), 0);
  posix_spawn_file_actions_adddup2(&actions, fileno(out.get()), 1);
  char program[] = "dot", svg[] = "-Tsvg";
  char* argv[] = {program, svg, nullptr};
  pid_t child = 0;
  const int failed = posix_spawnp(&child, program, &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (failed == 0) waitpid(child, &status, 0);
  if (failed == ENOENT || (WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
    throw UsageError{
        "--svg draws with Graphviz, and there is no `dot` on the PATH; --dot gives the picture as "
        "text"};
  }
  if (failed != 0)
    throw UsageError{fmt::format("--svg: cannot run dot: {}", std::strerror(failed))};
  if (status != 0) throw UsageError{"--svg: Graphviz could not draw this; --dot gives it as text"};
  return contents(out.get());
}

}  // namespace

bool wants_picture(const Options& options) {
  return !options.dot.empty() || !options.svg.empty();
}

std::string picture_name(const Options& options) {
  const std::string& name = options.dot.empty() ? options.svg : options.dot;
  return name == "default" ? "" : name;
}

std::string finish_picture(const Options& options, const std::string& dot) {
  return options.svg.empty() ? dot : draw_svg(dot);
}

}  // namespace tenon::driver
