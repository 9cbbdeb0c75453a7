// Writes a program in its canonical layout. Three steps: format_pieces.cpp finds out what each
// token is there for, format_lines.cpp where lines begin, and this file writes: it knows the
// column, so it indents, and lays out `if` expressions.
#include "parser/format.h"

#include <algorithm>
#include <stdexcept>

#include "lexer/utf8.h"
#include "parser/format_lines.h"
#include "parser/parser.h"

namespace tenon::parser {

using lexer::Diag;
using enum lexer::TokenKind;

namespace {

/// What lies behind a bracket farther right than this is indented like a block, not below it.
constexpr uint32_t kMaxAligned = 60;

struct TooLarge {};

class Writer {
 public:
  explicit Writer(const Pieces& pieces) : pieces_(pieces), lines_(pieces) {
    frames_.push_back({Frame::block, 0, kContinued, 0, pieces.count()});
  }

  std::string write() {
    for (uint32_t i = 0; i < pieces_.count(); ++i) {
      begin_arm(i);
      write_gap(i);
      begin_statement(i);
      if (pieces_[i].role == Role::value_if) begin_if(i);
      append(pieces_.text(i));
      follow_brackets(i);
    }
    return std::move(out_);
  }

 private:
  /// How the lines are indented inside of a construct.
  struct Frame {
    enum Kind { block, bracket, if_value } kind;
    uint32_t inner;      // the first line of what it holds
    uint32_t continued;  // the further lines
    uint32_t outer;      // its end
    uint32_t stop;       // a piece behind the line that begins with it, as far as that is known
  };
  /// An `if` expression: in a line; or each arm in one; or like statements, `{` ending its line.
  enum class Form : uint8_t { line, arms, blocks };
  struct If {
    Form form;
    uint32_t column, last;
  };

  const Piece& piece(uint32_t i) const { return pieces_[i]; }

  // ---- gaps

  bool begins_line(uint32_t i) const {
    if (lines_.begins(i)) return true;
    if (piece(i).role == Role::value_else) return ifs_.back().form == Form::arms;
    if (i < flat_until_) return false;
    if (!ifs_.empty() && ifs_.back().form == Form::blocks &&
        (piece(i).role == Role::branch_end || piece(i - 1).role == Role::branch)) {
      return true;
    }
    return piece(i).role == Role::value_if && is_head_of_value(i) &&
           !fits(i, last_of_if(i), column_ + 1);
  }

  /// An `if` that is the whole right side of a statement may begin a line of its own.
  bool is_head_of_value(uint32_t i) const {
    const auto before = piece(i - 1).kind;
    return frames_.back().kind == Frame::block && (is_assignment(before) || before == kw_return);
  }

  /// Where piece `i` stands if it begins a line.
  uint32_t indentation(uint32_t i) const {
    const Frame& frame = frames_.back();
    const Piece& p = piece(i);
    switch (p.role) {
      case Role::statement:
      case Role::field:
      case Role::directive:
      case Role::block: return frame.inner;
      case Role::block_end:
      case Role::branch_end:
      case Role::fields_end:
      case Role::directives_end: return frame.outer;
      case Role::value_else: return ifs_.back().column;
      default: break;
    }
    if (p.kind == right_paren || p.kind == right_bracket) return frame.outer;
    if (i > 0 && (piece(i - 1).role == Role::block_end || piece(i - 1).role == Role::branch)) {
      return frame.inner;
    }
    return frame.continued;
  }

  static bool closes(const Piece& piece) {
    return piece.kind == right_paren || piece.kind == right_bracket || piece.kind == right_brace ||
           piece.kind == end_of_file;
  }
  static bool opens(const Piece& piece) {
    return piece.kind == left_paren || piece.kind == left_bracket || piece.kind == left_brace;
  }

  /// Empty lines are kept between statements, items and the like, and nowhere else.
  bool keeps_blank_lines(uint32_t i) const {
    switch (piece(i).role) {
      case Role::statement:
      case Role::field:
      case Role::directive:
      case Role::block_end:
      case Role::directives_end: return true;
      default: return i > 0 && piece(i - 1).kind == comma;
    }
  }

  /// Comments, and the blank or the line break before piece `i`.
  void write_gap(uint32_t i) {
    const Piece& p = piece(i);
    const bool listed = keeps_blank_lines(i);
    const uint32_t indent = indentation(i);
    const uint32_t comment_indent = closes(p) ? frames_.back().inner : indent;
    bool may_be_blank = i > 0 && listed && !opens(piece(i - 1));
    for (uint32_t c = p.first_comment; c < pieces_.comments_end(i); ++c) {
      const Comment& comment = pieces_.comments[c];
      if (comment.own_line) {
        new_line(comment_indent, comment.blank_line && may_be_blank);
      } else {
        append("  ");
      }
      append(pieces_.source.substr(comment.begin, comment.end - comment.begin));
      may_be_blank = listed;
    }
    if (begins_line(i)) {
      new_line(indent, p.blank_line && may_be_blank && !closes(p));
    } else if (p.blank) {
      append(p.role == Role::directive && piece(i - 1).kind == semicolon ? "  " : " ");
    }
  }

  void new_line(uint32_t indent, bool blank_line) {
    if (!out_.empty()) append(blank_line ? "\n\n" : "\n");
    append(std::string(indent, ' '));
    column_ = line_indent_ = indent;
  }

  void append(std::string_view text) {
    if (out_.size() + text.size() > lexer::kMaxSourceBytes) throw TooLarge{};
    out_ += text;
    column_ += lexer::display_width(text);
  }

  // ---- what is open

  void begin_statement(uint32_t i) {
    if (piece(i).role != Role::statement) return;
    const auto kind = piece(i).kind;
    const bool has_block =
        kind == kw_fn || kind == kw_if || kind == kw_while || kind == kw_for || kind == kw_struct;
    Frame& frame = frames_.back();
    frame.continued = frame.inner + (has_block ? kContinuedHead : kContinued);
    if (!lines_.begins_within(i, piece(i).partner) &&
        column_ + lines_.width(i, piece(i).partner) <= kWidth) {
      flat_until_ = std::max(flat_until_, piece(i).partner + 1);
    }
  }

  void follow_brackets(uint32_t i) {
    switch (piece(i).kind) {
      case left_paren:
      case left_bracket: open_bracket(i); break;
      case left_brace: open_brace(i); break;
      case right_paren:
      case right_bracket: frames_.pop_back(); break;
      case right_brace:
        frames_.pop_back();
        if (piece(i).role == Role::branch_end && ifs_.back().last == i) {
          ifs_.pop_back();
          frames_.pop_back();
        }
        break;
      default: break;
    }
  }

  /// Lines stand below what follows the bracket; if nothing does, like a block.
  void open_bracket(uint32_t i) {
    uint32_t inner = column_;
    if (lines_.begins(i + 1) || inner > kMaxAligned) inner = line_indent_ + kIndent;
    frames_.push_back({Frame::bracket, inner, inner, line_indent_, frames_.back().stop});
  }

  void open_brace(uint32_t i) {
    const Frame frame = frames_.back();
    if (piece(i).role == Role::branch) {
      const If& around = ifs_.back();
      const uint32_t inner = around.column + kIndent;
      const uint32_t stop = around.form == Form::blocks ? piece(i).partner : frame.stop;
      frames_.push_back({Frame::block, inner, inner + kContinued, around.column, stop});
    } else {
      const uint32_t outer = piece(i).role == Role::directives ? line_indent_ : frame.inner;
      const uint32_t inner = outer + kIndent;
      frames_.push_back({Frame::block, inner, inner + kContinued, outer, frame.stop});
    }
  }

  // ---- `if` expressions

  /// The `}` of the arm that begins with the `if` or `else` at `i`.
  uint32_t end_of_arm(uint32_t i) const { return piece(piece(i).partner).partner; }
  uint32_t last_of_if(uint32_t i) const {
    uint32_t last = end_of_arm(i);
    while (piece(last + 1).role == Role::value_else) last = end_of_arm(last + 1);
    return last;
  }

  /// Whether pieces `first` to `last`, and what then follows in the line, fit behind `column`.
  bool fits(uint32_t first, uint32_t last, uint32_t column) const {
    const uint32_t stop = std::min(lines_.next(last + 1), frames_.back().stop);
    return !lines_.begins_within(first, last) && column + lines_.width(first, stop - 1) <= kWidth;
  }

  Form form_of(uint32_t i, uint32_t last) const {
    if (i < flat_until_ || fits(i, last, column_)) return Form::line;
    if (lines_.begins_within(i, last)) return Form::blocks;
    for (uint32_t arm = i; arm < last; arm = end_of_arm(arm) + 1) {
      const uint32_t end = end_of_arm(arm);
      const bool is_fit =
          end == last ? fits(arm, end, column_) : column_ + lines_.width(arm, end) <= kWidth;
      if (!is_fit) return Form::blocks;
    }
    return Form::arms;
  }

  void begin_if(uint32_t i) {
    const uint32_t last = last_of_if(i);
    const Form form = form_of(i, last);
    const uint32_t column = column_ > kMaxAligned ? line_indent_ + kContinued : column_;
    ifs_.push_back({form, column, last});
    frames_.push_back({Frame::if_value, column, column + kContinuedHead, column, 0});
    set_arm(i);
    if (form == Form::line) flat_until_ = std::max(flat_until_, last + 1);
  }

  void begin_arm(uint32_t i) {
    if (piece(i).role == Role::value_else) set_arm(i);
  }

  void set_arm(uint32_t i) {
    const If& around = ifs_.back();
    if (around.form == Form::arms) flat_until_ = end_of_arm(i) + 1;
    frames_.back().stop = piece(i).partner + 1;
  }

  const Pieces& pieces_;
  Lines lines_;
  std::string out_;
  uint32_t column_ = 0, line_indent_ = 0;
  uint32_t flat_until_ = 0;  // up to this piece all is one line
  std::vector<Frame> frames_;
  std::vector<If> ifs_;
};

/// The formatter must never change what a program says; this makes sure, each time.
void require_same_tokens(const Pieces& before, std::string_view text) {
  lexer::SourceMap sources;
  const Pieces after = pieces_of(sources, sources.add("", std::string(text)));
  bool same = after.count() == before.count() && after.comments.size() == before.comments.size();
  for (uint32_t i = 0; same && i < after.count(); ++i) {
    same = after[i].kind == before[i].kind && after.text(i) == before.text(i);
  }
  if (!same) throw std::logic_error("the formatter changed the program");
}

bool is_program(const lexer::SourceMap& sources, uint32_t file, lexer::Diagnostics& diagnostics) {
  lexer::Diagnostics found;
  found.ignore(Diag::not_supported);
  parse(sources, file, found);
  for (const lexer::Diagnostic& diagnostic : found.all()) diagnostics.add(diagnostic);
  return !found.any();
}

}  // namespace

std::optional<std::string> format(const lexer::SourceMap& sources, uint32_t file,
                                  lexer::Diagnostics& diagnostics) {
  if (!is_program(sources, file, diagnostics)) return std::nullopt;
  const Pieces pieces = pieces_of(sources, file);
  try {
    std::string text = Writer(pieces).write();
    require_same_tokens(pieces, text);
    return text;
  } catch (const TooLarge&) {
    diagnostics.report(Diag::source_too_large, {}, sources.file(file).name() + ", formatted,",
                       lexer::kMaxSourceBytes >> 20);
    return std::nullopt;
  }
}

}  // namespace tenon::parser
