// Source files, and spans: which stretch of which file something came from.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::lexer {

// [snippet span]
/// Bytes [begin, end) of file number `file` of the SourceMap.
struct Span {
  static constexpr uint32_t kNoFile = 0xffffffff;
  uint32_t file = kNoFile;
  uint32_t begin = 0, end = 0;

  bool known() const { return file != kNoFile; }
  bool operator==(const Span&) const = default;
};
// [end]

/// From the start of `a` to the end of `b`; both in one file.
Span join(Span a, Span b);

/// 1-based; columns count UTF-8 characters, not bytes.
struct Position {
  uint32_t line = 1, column = 1;
};

inline constexpr size_t kMaxSourceBytes = 16u << 20;

class SourceFile {
 public:
  SourceFile(std::string name, std::string text);
  const std::string& name() const { return name_; }  ///< as the user gave it
  std::string_view text() const { return text_; }
  Position position(uint32_t offset) const;      ///< offsets past the end count as the end
  std::string_view line(uint32_t number) const;  ///< without its line break
  uint32_t line_begin(uint32_t number) const;    ///< the number is clamped to the lines there are

 private:
  uint32_t characters_before(uint32_t offset) const;

  std::string name_, text_;
  std::vector<uint32_t> line_begins_;
  std::vector<uint32_t> block_characters_;  ///< how many characters begin before each block
};

/// Every file of one compilation. References to files stay valid.
class SourceMap {
 public:
  uint32_t add(std::string name, std::string text);
  const SourceFile& file(uint32_t id) const { return files_[id]; }
  size_t size() const { return files_.size(); }
  std::string_view text(Span span) const;

 private:
  std::deque<SourceFile> files_;
};

}  // namespace tenon::lexer
