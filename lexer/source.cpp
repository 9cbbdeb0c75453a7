#include "lexer/source.h"

#include <algorithm>

#include "lexer/utf8.h"

namespace tenon::lexer {
namespace {

// Characters are counted once per block, so that a position costs the same on every line: a line
// may be all of a 16 MiB file.
constexpr uint32_t kBlock = 4096;

/// Bytes that begin a character; stray continuation bytes belong to the character before them.
uint32_t count_characters(std::string_view bytes) {
  // [exercise spans]
  // [starter] return static_cast<uint32_t>(bytes.size());
  return static_cast<uint32_t>(
      std::ranges::count_if(bytes, [](char byte) { return !is_continuation(byte); }));
  // [end]
}

}  // namespace

Span join(Span a, Span b) {
  return {a.file, a.begin, std::max(a.begin, b.end)};
}

SourceFile::SourceFile(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)), line_begins_{0}, block_characters_{0} {
  for (uint32_t at = 0; at < text_.size(); ++at) {
    if (text_[at] == '\n') line_begins_.push_back(at + 1);
  }
  for (size_t at = 0; at + kBlock <= text_.size(); at += kBlock) {
    block_characters_.push_back(block_characters_.back() +
                                count_characters(this->text().substr(at, kBlock)));
  }
}

uint32_t SourceFile::characters_before(uint32_t offset) const {
  uint32_t block = offset / kBlock;
  return block_characters_[block] +
         count_characters(text().substr(block * kBlock, offset - block * kBlock));
}

Position SourceFile::position(uint32_t offset) const {
  offset = std::min(offset, static_cast<uint32_t>(text_.size()));
  // [exercise spans]
  // [starter] return {1, offset + 1};
  auto next_line = std::ranges::upper_bound(line_begins_, offset);
  auto number = static_cast<uint32_t>(next_line - line_begins_.begin());
  return {number, characters_before(offset) - characters_before(line_begin(number)) + 1};
  // [end]
}

std::string_view SourceFile::line(uint32_t number) const {
  uint32_t begin = line_begin(number);
  uint32_t end = number < line_begins_.size() ? line_begins_[number] - 1 : text_.size();
  if (end > begin && text_[end - 1] == '\r') --end;
  return text().substr(begin, end - begin);
}

uint32_t SourceFile::line_begin(uint32_t number) const {
  size_t index = std::clamp<size_t>(number, 1, line_begins_.size()) - 1;
  return line_begins_[index];
}

uint32_t SourceMap::add(std::string name, std::string text) {
  files_.emplace_back(std::move(name), std::move(text));
  return static_cast<uint32_t>(files_.size() - 1);
}

std::string_view SourceMap::text(Span span) const {
  if (span.file >= files_.size()) return {};
  std::string_view all = files_[span.file].text();
  size_t begin = std::min<size_t>(span.begin, all.size());
  size_t end = std::clamp<size_t>(span.end, begin, all.size());
  return all.substr(begin, end - begin);
}

}  // namespace tenon::lexer
