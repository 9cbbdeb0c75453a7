#include "parser/format_pieces.h"

#include <algorithm>
#include <stdexcept>

namespace tenon::parser {

using lexer::Token;
using lexer::TokenGroup;
using lexer::TokenKind;
using enum TokenKind;

bool is_infix(const Piece& piece) {
  if (piece.kind == minus) return piece.role != Role::prefix;
  return piece.kind == kw_and || piece.kind == kw_or ||
         (piece.kind >= equal && piece.kind <= star_star);
}

bool is_assignment(TokenKind kind) {
  return kind >= assign && kind <= percent_assign;
}

namespace {

/// What stands between two tokens of a program is blanks, line breaks and comments.
void read_gap(Pieces& pieces, uint32_t begin, Piece& piece) {
  const std::string_view source = pieces.source;
  uint32_t breaks = pieces.all.empty() ? 1 : 0;  // the first line begins behind one, so to say
  piece.first_comment = static_cast<uint32_t>(pieces.comments.size());
  for (uint32_t at = begin; at < piece.begin; ++at) {
    if (source[at] == '\n') ++breaks;
    if (source[at] != '/') continue;
    const auto line_end = static_cast<uint32_t>(std::min(source.find('\n', at), source.size()));
    const auto last = source.find_last_not_of(" \t\r", line_end - 1);
    pieces.comments.push_back({at, static_cast<uint32_t>(last) + 1, breaks > 0, breaks > 1});
    at = line_end - 1;
    breaks = 0;
  }
  piece.new_line = breaks > 0;
  piece.blank_line = breaks > 1;
}

/// Finds out what the tokens are there for, in one walk. As the program is known to be right, it is
/// enough to remember which brackets are open, and which headers (`while ...`) wait for their `{`.
class Reader {
 public:
  explicit Reader(Pieces& pieces) : pieces_(pieces) { open_.push_back({Role::block, 0, 0}); }

  void read() {
    for (uint32_t i = 0; i < pieces_.count(); ++i) {
      current_ = i;
      find_role();
      piece().blank = wants_blank();
      follow_brackets();
    }
  }

 private:
  struct Open {
    Role role;  // of a `{`; plain for other brackets
    uint32_t at;
    uint32_t statement;  // the first piece of the statement we are in
  };
  struct Header {
    Role role;  // of the `{` that it waits for
    uint32_t at;
  };

  Piece& piece() { return pieces_.all[current_]; }
  const Piece& previous() const { return pieces_[current_ - 1]; }
  bool is_first() const { return current_ == 0; }

  void find_role() {
    if (begins_statement()) {
      if (!is_first()) end_statement(current_);
      open_.back().statement = current_;
      piece().role = Role::statement;
    } else if (open_.back().role == Role::directives && piece().kind != right_brace &&
               (previous().role == Role::directives || previous().kind == semicolon)) {
      piece().role = Role::directive;
    } else if (open_.back().role == Role::fields && piece().kind != right_brace &&
               (previous().role == Role::fields || previous().kind == comma)) {
      piece().role = Role::field;
    } else if (piece().kind == minus && !ends_operand()) {
      piece().role = Role::prefix;
    }
    switch (piece().kind) {
      case kw_fn:
      case kw_while:
      case kw_for: headers_.push_back({Role::block, current_}); break;
      case kw_struct: headers_.push_back({Role::fields, current_}); break;
      case kw_schedule: headers_.push_back({Role::directives, current_}); break;
      case kw_if: find_role_of_if(); break;
      case kw_else: find_role_of_else(); break;
      default: break;
    }
  }

  bool begins_statement() const {
    if (piece_kind() == end_of_file || is_first()) return true;
    if (open_.back().role != Role::block || piece_kind() == right_brace) return false;
    switch (previous().role) {
      case Role::block:
      case Role::fields_end: return true;
      case Role::block_end: return piece_kind() != kw_else;
      case Role::directives_end: return piece_kind() == kw_schedule;  // in a file of them
      default: return previous().kind == semicolon;
    }
  }
  TokenKind piece_kind() const { return pieces_[current_].kind; }

  void end_statement(uint32_t next) {
    pieces_.all[open_.back().statement].partner = next == 0 ? 0 : next - 1;
  }

  void find_role_of_if() {
    const bool goes_on = !is_first() && previous().kind == kw_else && is_else_of_if(current_ - 1);
    if (piece().role == Role::statement || (goes_on && previous().role != Role::value_else)) {
      headers_.push_back({Role::block, current_});
    } else {
      if (!goes_on) piece().role = Role::value_if;
      headers_.push_back({Role::branch, current_});
    }
  }

  // In `x[i else 0.0]` an `else` belongs to no `if`, not even in `x[if c { 1 } else { 2 } else
  // 0.0]`.
  bool is_else_of_if(uint32_t at) const {
    const Piece& before = pieces_[at - 1];
    return before.role == Role::block_end ||
           (before.role == Role::branch_end && pieces_[before.partner - 1].kind != kw_else);
  }

  void find_role_of_else() {
    if (is_else_of_if(current_) && previous().role == Role::branch_end)
      piece().role = Role::value_else;
  }

  void follow_brackets() {
    switch (piece().kind) {
      case left_paren:
      case left_bracket: open_.push_back({Role::plain, current_, 0}); break;
      case left_brace: open_brace(); break;
      case right_paren:
      case right_bracket:
      case right_brace: close(); break;
      default: break;
    }
  }

  void open_brace() {
    if (previous().kind == kw_else) {
      piece().role = previous().role == Role::value_else ? Role::branch : Role::block;
      pieces_.all[current_ - 1].partner = current_;
    } else {
      if (headers_.empty()) throw std::logic_error("the formatter does not know what a `{` is for");
      const Header header = headers_.back();
      headers_.pop_back();
      piece().role = header.role;
      if (header.role == Role::branch) {
        pieces_.all[header.at].partner = current_;
        if (pieces_[header.at - 1].role == Role::value_else)
          pieces_.all[header.at - 1].partner = current_;
      }
    }
    open_.push_back({piece().role, current_, current_});
  }

  void close() {
    const Open open = open_.back();
    piece().partner = open.at;
    switch (open.role) {
      case Role::block:
        if (open.statement != open.at) end_statement(current_);
        piece().role = Role::block_end;
        break;
      case Role::branch: piece().role = Role::branch_end; break;
      case Role::fields: piece().role = Role::fields_end; break;
      case Role::directives: piece().role = Role::directives_end; break;
      default:
        if (piece().kind == right_bracket && begins_reduction(open.at))
          piece().role = Role::indices_end;
    }
    open_.pop_back();
    pieces_.all[open.at].partner = current_;
  }

  // Not in `s.max[i]`, where the word is a field's name.
  bool begins_reduction(uint32_t bracket) const {
    return bracket > 1 && row(pieces_[bracket - 1].kind).group == TokenGroup::reduction &&
           pieces_[bracket - 2].kind != dot;
  }

  /// Whether the previous token ends an operand, so that a bracket here is a call or a subscript,
  /// and a minus a subtraction. Words of types and reductions count: `f32(x)`, `s.max - 1`.
  bool ends_operand() const {
    if (is_first()) return false;
    switch (previous().kind) {
      case name:
      case integer:
      case floating:
      case string:
      case kw_true:
      case kw_false:
      case right_paren: return true;
      case right_bracket: return previous().role != Role::indices_end;
      case right_brace: return previous().role == Role::branch_end;
      default: {
        const TokenGroup group = row(previous().kind).group;
        return group == TokenGroup::type || group == TokenGroup::reduction;
      }
    }
  }

  bool wants_blank() const {
    if (is_first()) return false;
    switch (previous().kind) {
      case left_paren:
      case left_bracket:
      case dot:
      case dot_dot:
      case dot_dot_dot: return false;
      default:
        if (previous().role == Role::prefix) return piece_kind() == minus;  // `- -x` is no `--x`
    }
    switch (piece_kind()) {
      case right_paren:
      case right_bracket:
      case comma:
      case semicolon:
      case dot_dot:
      case end_of_file: return false;
      case dot: return previous().kind == integer;  // `1.x` would be a wrong number
      case colon: return previous().kind == comma;  // the open subscript of `x[i, :]`
      case left_paren: return !ends_operand() || open_.back().role == Role::directives;
      case left_bracket: return !ends_operand();
      case right_brace: return previous().kind != left_brace;
      default: return true;
    }
  }

  Pieces& pieces_;
  uint32_t current_ = 0;
  std::vector<Open> open_;
  std::vector<Header> headers_;
};

}  // namespace

Pieces pieces_of(const lexer::SourceMap& sources, uint32_t file) {
  lexer::Diagnostics none;
  lexer::Scanner scanner(sources, file, none);
  Pieces pieces{sources.file(file).text(), {}, {}};
  uint32_t end = 0;
  for (;;) {
    const Token token = scanner.next();
    Piece piece{token.kind};
    piece.begin = token.span.begin;
    piece.end = token.span.end;
    read_gap(pieces, end, piece);
    pieces.all.push_back(piece);
    end = piece.end;
    if (token.kind == end_of_file) break;
  }
  Reader(pieces).read();
  return pieces;
}

}  // namespace tenon::parser
