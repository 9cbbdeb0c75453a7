#include "driver/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "driver/session.h"

namespace tenon::driver {

namespace {

std::string cannot_write(const std::string& path, int error) {
  return fmt::format("cannot write {}: {}", path, std::strerror(error));
}

/// The errno of what failed, or 0; the file is closed.
int write_and_close(std::FILE* file, std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int error = written ? 0 : errno;
  return std::fclose(file) != 0 && error == 0 ? errno : error;
}

std::FILE* open_to_write(const std::string& path, const std::string& meant) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (!file) throw UsageError{cannot_write(meant, errno)};
  return file;
}

/// The command line is right; the disk is full, or something else has failed.
[[noreturn]] void stop_as_failed(const std::string& path, int error) {
  fmt::print(stderr, "tenon: {}\n", cannot_write(path, error));
  throw Exit{kProgramWrong};
}

}  // namespace

void write_output(const std::string& path, std::string_view text) {
  if (path.empty() || path == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return;
  }
  std::error_code unknown;
  if (std::filesystem::exists(path, unknown) && !std::filesystem::is_regular_file(path, unknown)) {
    // A device or a pipe is written to, never replaced.
    if (const int error = write_and_close(open_to_write(path, path), text)) stop_as_failed(path, error);
    return;
  }
  // Of a link, the file that it leads to is replaced; a file keeps its permissions.
  std::filesystem::path target = std::filesystem::canonical(path, unknown);
  if (unknown) target = path;
  const auto old = std::filesystem::status(target, unknown);
  const std::string part = fmt::format("{}.{}.part", target.string(), getpid());
  int error = write_and_close(open_to_write(part, path), text);
  if (error == 0 && std::filesystem::exists(old)) {
    std::filesystem::permissions(part, old.permissions(), unknown);
    error = unknown.value();
  }
  if (error == 0 && std::rename(part.c_str(), target.c_str()) != 0) error = errno;
  if (error == 0) return;
  std::remove(part.c_str());
  stop_as_failed(path, error);
}

bool finish_output() {
  // A write that failed earlier has emptied the buffer: then flushing works, and only the mark is left.
  const bool lost = std::ferror(stdout) != 0;
  const bool flushed = std::fflush(stdout) == 0;
  if (flushed && !lost) return true;
  fmt::print(stderr, "tenon: cannot write standard output{}{}\n", flushed ? "" : ": ",
             flushed ? "" : std::strerror(errno));
  return false;
}

}  // namespace tenon::driver
