// Texts, files and the tally: what all test runners share.
#pragma once
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::tests {

/// The bytes of a file; throws std::runtime_error that names it.
std::string read_file(const std::filesystem::path& path);
/// Writes the file and the folders above it; throws std::runtime_error that names it.
void write_file(const std::filesystem::path& path, std::string_view text);

/// The lines without their line breaks; a last line without one counts too.
std::vector<std::string> split_lines(std::string_view text);
/// Each line with its line break.
std::string join_lines(const std::vector<std::string>& lines);
/// The words of a line; a stretch in single or double quotes is one word.
std::vector<std::string> split_words(std::string_view line);
std::string_view trim(std::string_view text);
bool contains(std::string_view text, std::string_view part);

/// Every file below `folder` (none if there is no such folder), sorted.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder);
/// Every folder of that name below `folder`, sorted.
std::vector<std::filesystem::path> folders_below(const std::filesystem::path& folder,
                                                 const std::string& name);
/// `folder/name.tn`: what tells a file from its namesakes in other folders.
std::string folder_and_name(const std::filesystem::path& path);
/// What stands directly in `folder`, sorted; nothing if there is no such folder.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);

/// The first lines in which two texts differ, as `-` (expected) and `+` (actual) with line numbers.
std::string difference(std::string_view expected, std::string_view actual);

/// A folder of its own that goes away with this object.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Counts what passed, failed and was skipped; any thread may report.
class Tally {
 public:
  explicit Tally(std::string name) : name_(std::move(name)) {}
  void pass();
  void fail(std::string_view what, std::string_view why);
  void skip(std::string_view what, std::string_view why);
  size_t failed() const { return failed_.size(); }
  /// The failures in order of name, then `NAME: 3 passed, 0 failed`, which scripts/test.sh adds up.
  /// Returns the exit status: 0 only if something passed and nothing failed.
  int close();

 private:
  struct Entry {
    std::string what, why;
  };
  std::string name_;
  std::mutex mutex_;
  size_t passed_ = 0;
  std::vector<Entry> failed_, skipped_;
};

}  // namespace tenon::tests
