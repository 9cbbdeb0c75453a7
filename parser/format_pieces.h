// A program as the formatter sees it: its tokens, what stood between them, what each is there for.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "lexer/scanner.h"

namespace tenon::parser {

/// What a token is there for, where its kind alone does not say it.
enum class Role : uint8_t {
  plain,
  statement,  ///< begins a statement or an item (or is the end of the file)
  field,
  directive,    ///< begins one
  prefix,       ///< a `-` without a left operand
  indices_end,  ///< the `]` behind the indices of a reduction: its body follows
  value_if,     ///< begins an `if` expression
  value_else,   ///< goes on with one
  block,
  branch,
  fields,
  directives,  ///< the `{` of each
  block_end,
  branch_end,
  fields_end,
  directives_end  ///< and the `}`
};

struct Comment {
  uint32_t begin, end;  ///< without blanks at the end of its line
  bool own_line;        ///< nothing but blanks stands before it on its line
  bool blank_line;      ///< an empty line stands before it
};

struct Piece {
  lexer::TokenKind kind;
  Role role = Role::plain;
  bool new_line = false;    ///< in the source it begins a line
  bool blank_line = false;  ///< in the source an empty line stands before it
  bool blank = false;       ///< a blank stands before it where it does not begin a line
  uint32_t begin = 0, end = 0;
  uint32_t first_comment = 0;  ///< its own comments end where those of the next piece begin
  /// Of a bracket: the other one. Of what begins a statement: the statement's last piece. Of an
  /// `if` expression's `if` and `else`: their `{`.
  uint32_t partner = 0;
};

/// The last piece is the end of the file. Every program has it, so `pieces[i + 1]` exists for all
/// others.
struct Pieces {
  std::string_view source;
  std::vector<Piece> all;
  std::vector<Comment> comments;

  const Piece& operator[](size_t i) const { return all[i]; }
  uint32_t count() const { return static_cast<uint32_t>(all.size()); }
  std::string_view text(size_t i) const {
    return source.substr(all[i].begin, all[i].end - all[i].begin);
  }
  uint32_t comments_end(size_t i) const {
    return i + 1 < all.size() ? all[i + 1].first_comment : static_cast<uint32_t>(comments.size());
  }
  bool has_comments(size_t i) const { return all[i].first_comment < comments_end(i); }
};

/// Cuts up a file that has no syntax errors.
Pieces pieces_of(const lexer::SourceMap& sources, uint32_t file);

/// An operator between two operands.
bool is_infix(const Piece& piece);
bool is_assignment(lexer::TokenKind kind);

}  // namespace tenon::parser
