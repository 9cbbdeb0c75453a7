#include "tests/support/text.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace tenon::tests {
namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || fs::is_directory(path)) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const fs::path& path, std::string_view text) {
  if (path.has_parent_path()) fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (const char c : line) {
    if (quote ? c == quote : c == '"' || c == '\'') {
      quote = quote ? 0 : c;
      if (!in_word) words.emplace_back();
      in_word = true;
    } else if (!quote && (c == ' ' || c == '\t')) {
      in_word = false;
    } else {
      if (!in_word) words.emplace_back();
      in_word = true;
      words.back() += c;
    }
  }
  return words;
}

std::string_view trim(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::is_directory(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<fs::path> folders_below(const fs::path& folder, const std::string& name) {
  std::vector<fs::path> folders;
  if (!fs::is_directory(folder)) return folders;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_directory() && entry.path().filename() == name) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  if (!fs::is_directory(folder)) return entries;
  for (const auto& entry : fs::directory_iterator(folder)) entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

std::string folder_and_name(const fs::path& path) {
  return (path.parent_path().filename() / path.filename()).string();
}

std::string difference(std::string_view expected, std::string_view actual) {
  constexpr size_t kShown = 8, kWidth = 200;
  const std::vector<std::string> old_lines = split_lines(expected), new_lines = split_lines(actual);
  const size_t shorter = std::min(old_lines.size(), new_lines.size());
  size_t first = 0;
  while (first < shorter && old_lines[first] == new_lines[first]) ++first;

  std::string text;
  auto show = [&](char sign, const std::vector<std::string>& lines) {
    for (size_t i = first; i < std::min(first + kShown, lines.size()); ++i) {
      text += fmt::format("  {} {:>4}: {}\n", sign, i + 1, lines[i].substr(0, kWidth));
    }
    if (lines.size() == first) text += fmt::format("  {} {:>4}: (the end)\n", sign, first + 1);
  };
  if (first == old_lines.size() && first == new_lines.size()) {
    return "  they differ only in the last line break\n";
  }
  show('-', old_lines);
  show('+', new_lines);
  return text;
}

ScratchFolder::ScratchFolder() {
  std::string name = (fs::temp_directory_path() / "tenon-test-XXXXXX").string();
  if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a folder " + name);
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void Tally::pass() {
  std::lock_guard lock(mutex_);
  ++passed_;
}

void Tally::fail(std::string_view what, std::string_view why) {
  std::lock_guard lock(mutex_);
  failed_.push_back({std::string(what), std::string(trim(why))});
}

void Tally::skip(std::string_view what, std::string_view why) {
  std::lock_guard lock(mutex_);
  skipped_.push_back({std::string(what), std::string(why)});
}

int Tally::close() {
  std::lock_guard lock(mutex_);
  auto by_name = [](const Entry& a, const Entry& b) { return a.what < b.what; };
  std::sort(failed_.begin(), failed_.end(), by_name);
  std::sort(skipped_.begin(), skipped_.end(), by_name);
  for (const Entry& entry : skipped_) fmt::print("skipped: {}: {}\n", entry.what, entry.why);
  for (const Entry& entry : failed_) fmt::print("FAILED: {}\n  {}\n", entry.what, entry.why);
  // A runner that found nothing to run has not shown that anything works.
  if (passed_ + failed_.size() == 0) {
    fmt::print("FAILED: {}: nothing was run\n", name_);
    failed_.push_back({});
  }
  fmt::print("{}: {} passed, {} failed", name_, passed_, failed_.size());
  if (!skipped_.empty()) fmt::print(", {} skipped", skipped_.size());
  fmt::print("\n");
  return failed_.empty() ? 0 : 1;
}

}  // namespace tenon::tests
