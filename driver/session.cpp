#include "driver/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

namespace tenon::driver {

using lexer::Diag;

namespace {

/// The whole file, but no more than one byte beyond the limit; nothing (and errno) if it cannot be
/// read.
std::optional<std::string> read_file(const std::string& path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> owned(nullptr, std::fclose);
  std::FILE* file = stdin;
  if (path != "-") {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
      errno = EISDIR;
      return std::nullopt;
    }
    owned.reset(file = std::fopen(path.c_str(), "rb"));
    if (!file) return std::nullopt;
  }
  std::string text;
  char buffer[1 << 16];
  while (size_t n = std::fread(buffer, 1, sizeof buffer, file)) {
    text.append(buffer, n);
    if (text.size() > lexer::kMaxSourceBytes) break;
  }
  if (std::ferror(file)) return std::nullopt;
  return text;
}

}  // namespace

std::optional<uint32_t> Session::open_imported(const std::string& path, lexer::Span from) {
  std::string name = path == "-" ? "<standard input>" : path;
  auto text = read_file(path);
  if (!text) {
    diagnostics.report(Diag::cannot_open, from, name, std::strerror(errno));
    return std::nullopt;
  }
  if (text->size() > lexer::kMaxSourceBytes) {
    diagnostics.report(Diag::source_too_large, from, name, lexer::kMaxSourceBytes >> 20);
    return std::nullopt;
  }
  return sources.add(name, std::move(*text));
}

uint32_t Session::open(const std::string& path) {
  auto file = open_imported(path, {});
  stop_if_wrong();
  return *file;
}

bool Session::color() const {
  if (options.color != "auto") return options.color == "always";
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(2) && (!no_color || !*no_color);
}

void Session::show(const lexer::Diagnostic& diagnostic) {
  std::string text = lexer::render(diagnostic, sources, options.format, color());
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void Session::stop_if_wrong(Status status) {
  // As a reader meets them, whichever phase found them.
  std::vector<lexer::Diagnostic> all = diagnostics.all();
  std::ranges::stable_sort(all, {}, [](const lexer::Diagnostic& d) {
    return std::pair(d.span.file, d.span.begin);
  });
  for (const lexer::Diagnostic& d : all) show(d);
  if (diagnostics.any()) throw Exit{status};
}

void Session::print_times() const {
  double total = 0;
  for (auto& [name, ms] : times_) total += ms;
  for (auto& [name, ms] : times_) fmt::print(stderr, "{:9.3f} ms  {}\n", ms, name);
  fmt::print(stderr, "{:9.3f} ms  total\n", total);
}

}  // namespace tenon::driver
