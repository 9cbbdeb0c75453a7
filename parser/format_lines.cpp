#include "parser/format_lines.h"

#include "lexer/utf8.h"

namespace tenon::parser {

using lexer::TokenKind;
using enum TokenKind;

Lines::Lines(const Pieces& pieces) : pieces_(pieces), begins_(pieces.count()) {
  measure();
  keep_breaks();
  count();
  break_blocks();
  count();
}

void Lines::measure() {
  width_.push_back(0);
  for (uint32_t i = 0; i < pieces_.count(); ++i) {
    width_.push_back(width_.back() + pieces_[i].blank + lexer::display_width(pieces_.text(i)));
  }
}

void Lines::count() {
  count_.assign(1, 0);
  for (const bool begins : begins_) count_.push_back(count_.back() + begins);
  next_.assign(begins_.size(), 0);
  uint32_t next = pieces_.count() - 1;
  for (uint32_t i = pieces_.count(); i-- > 0; next_[i] = next) {
    if (begins_[i]) next = i;
  }
}

/// The breaks that stay whatever fits. What stands alone in its block is not broken off yet: the
/// whole may fit in a line.
void Lines::keep_breaks() {
  begins_[0] = true;
  for (uint32_t i = 1; i < pieces_.count(); ++i) {
    const Piece& piece = pieces_[i];
    const Piece& before = pieces_[i - 1];
    begins_[i] = pieces_.has_comments(i) || piece.kind == kw_schedule;
    switch (piece.role) {
      case Role::statement:
        if (piece.new_line || before.role != Role::block || piece.kind == kw_if ||
            piece.kind == kw_while || piece.kind == kw_for) {
          begins_[i] = true;
        }
        break;
      case Role::field:
      case Role::directive:
        if (piece.new_line) begins_[i] = true;
        break;
      default:
        if (is_kept(i)) begins_[i] = true;
    }
  }
}

/// Whether the writer's line break before piece `i`, inside of a statement, is kept.
bool Lines::is_kept(uint32_t i) const {
  const Piece& piece = pieces_[i];
  const Piece& before = pieces_[i - 1];
  // An operator stands in front of its right operand, so the break goes before it.
  if (is_infix(piece))
    return piece.new_line || (pieces_[i + 1].new_line && !pieces_.has_comments(i + 1));
  if (piece.kind == right_paren || piece.kind == right_bracket)
    return piece.partner + 1 < i && begins_[piece.partner + 1];
  if (!piece.new_line) return false;
  if (piece.kind == arrow || piece.kind == kw_wrt) return true;
  if (piece.kind == kw_else) return before.kind != right_brace;
  return before.kind == comma || before.kind == left_paren || before.kind == left_bracket ||
         before.role == Role::indices_end ||
         (is_assignment(before.kind) && piece.role != Role::value_if);
}

/// Breaks the blocks of each statement that does not stay in a line.
void Lines::break_blocks() {
  // Of the file, and of each open block: whether the statement that we are in there has broken
  // blocks.
  std::vector<bool> broken(1);
  for (uint32_t i = 0; i + 1 < pieces_.count(); ++i) {
    const auto depth = static_cast<uint32_t>(broken.size()) - 1;
    const Piece& piece = pieces_[i];
    switch (piece.role) {
      case Role::statement:
        broken.back() =
            begins_within(i, piece.partner) || kIndent * depth + width(i, piece.partner) > kWidth;
        break;
      case Role::block:
      case Role::fields:
        if (piece.partner > i + 1 && broken.back()) {
          begins_[i + 1] = begins_[piece.partner] = true;
        }
        broken.push_back(broken.back());
        break;
      case Role::field:
        if (broken.back()) begins_[i] = true;
        break;
      case Role::block_end:
      case Role::fields_end: broken.pop_back(); break;
      case Role::directives: break_directives(i, depth); break;
      default: break;
    }
  }
}

/// A schedule in a line if it is one directive; else as many in a line as the writer put there and
/// as fit.
void Lines::break_directives(uint32_t brace, uint32_t depth) {
  const uint32_t end = pieces_[brace].partner;
  if (end == brace + 1) return;
  uint32_t directives = 0;
  for (uint32_t i = brace + 1; i < end; ++i) directives += pieces_[i].role == Role::directive;
  uint32_t head = brace;
  while (pieces_[head].kind != kw_schedule) --head;
  const uint32_t indent = kIndent * depth + kContinued;
  if (directives == 1 && !begins_within(head, end) && indent + width(head, end) <= kWidth) return;

  begins_[brace + 1] = begins_[end] = true;
  uint32_t column = 0;
  for (uint32_t i = brace + 1; i < end;) {
    uint32_t last = i;
    while (pieces_[last + 1].role != Role::directive && last + 1 < end) ++last;
    const uint32_t needed = width(i, last);
    if (!begins_[i] && column + 2 + needed > kWidth) begins_[i] = true;
    column = begins_[i] ? indent + kIndent + needed : column + 2 + needed;
    i = last + 1;
  }
}

}  // namespace tenon::parser
