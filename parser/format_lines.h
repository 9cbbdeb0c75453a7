// Where lines begin, as far as that follows from the source and from what is known of widths before
// anything is written. (Only `if` expressions have to wait: their layout depends on their column.)
#pragma once
#include "parser/format_pieces.h"

namespace tenon::parser {

inline constexpr uint32_t kWidth = 100;    ///< columns of a line
inline constexpr uint32_t kIndent = 2;     ///< a block's statements are indented by this much more
inline constexpr uint32_t kContinued = 2;  ///< the second line of a statement
inline constexpr uint32_t kContinuedHead = 4;  ///< of one that has a block: more than its block's

/// What is kept of the writer's line breaks is such that formatting the result keeps the same: this
/// is what makes the formatter idempotent.
class Lines {
 public:
  explicit Lines(const Pieces& pieces);

  /// Piece `i` begins a line.
  bool begins(uint32_t i) const { return begins_[i]; }
  /// A line begins somewhere behind piece `first`, up to piece `last`.
  bool begins_within(uint32_t first, uint32_t last) const {
    return count_[last + 1] > count_[first + 1];
  }
  /// The first piece from `i` on that begins a line.
  uint32_t next(uint32_t i) const { return next_[i]; }
  /// Columns of the pieces `first` to `last` in one line.
  uint32_t width(uint32_t first, uint32_t last) const {
    return width_[last + 1] - width_[first] - pieces_[first].blank;
  }

 private:
  void measure();
  void keep_breaks();
  bool is_kept(uint32_t i) const;
  void break_blocks();
  void break_directives(uint32_t brace, uint32_t depth);
  void count();

  const Pieces& pieces_;
  std::vector<bool> begins_;
  std::vector<uint32_t> width_, count_;  // of all pieces in front of one
  std::vector<uint32_t> next_;
};

}  // namespace tenon::parser
