#include "driver/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "driver/session.h"

namespace tenon::driver {

void write_output(const std::string& path, std::string_view text) {
  if (path.empty() || path == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return;
  }
  std::error_code unknown;
  if (std::filesystem::exists(path, unknown) && !std::filesystem::is_regular_file(path, unknown)) {
    // A device or a pipe is written to, never replaced.
    std::FILE* file = std::fopen(path.c_str(), "wb");
    bool fine = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    if (file && std::fclose(file) != 0) fine = false;
    if (!fine) throw UsageError{fmt::format("cannot write {}: {}", path, std::strerror(errno))};
    return;
  }
  // Of a link, the file that it leads to is replaced; a file keeps its permissions.
  std::filesystem::path target = std::filesystem::canonical(path, unknown);
  if (unknown) target = path;
  const auto old = std::filesystem::status(target, unknown);
  std::string part = fmt::format("{}.{}.part", target.string(), getpid());
  std::FILE* file = std::fopen(part.c_str(), "wb");
  bool fine = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file && std::fclose(file) != 0) fine = false;
  if (fine && std::filesystem::exists(old)) {
    std::filesystem::permissions(part, old.permissions(), unknown);
    fine = !unknown;
  }
  if (fine && std::rename(part.c_str(), target.c_str()) == 0) return;
  std::string reason = std::strerror(errno);
  std::remove(part.c_str());
  throw UsageError{fmt::format("cannot write {}: {}", path, reason)};
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
