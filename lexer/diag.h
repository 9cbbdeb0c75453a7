// Diagnostics: what a compiler phase has to say about the program, as data. Phases report, the
// driver renders (diag_render.cpp).
#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "lexer/source.h"

namespace tenon::lexer {

enum class Diag : uint16_t {
#define DIAG(name, code, message) name,
#include "lexer/diag.def"
};

struct DiagRow {
  std::string_view name, code, message;
};
inline constexpr DiagRow kDiags[] = {
#define DIAG(name, code, message) {#name, code, message},
#include "lexer/diag.def"
};
constexpr const DiagRow& row(Diag diag) { return kDiags[static_cast<int>(diag)]; }

/// A second place and what it contributed.
struct Note {
  Span span;  ///< may be unknown: then only the text is shown
  std::string text;
};

/// Lists that stand below each other, as the extents of shapes do, and the columns where they clash.
struct Alignment {
  struct Row {
    std::string head, lead;          ///< `x`, f32
    std::vector<std::string> cells;  ///< 64, 128
    size_t column = 0;               ///< of the first cell
  };
  std::vector<Row> rows;
  std::vector<size_t> marked;  ///< columns, ascending
  std::string label;           ///< what stands behind the marks
};

/// New text for what `span` holds; that may be nothing.
struct Edit {
  Span span;
  std::string text;
};

struct Hint {
  std::string text;
  std::vector<Edit> edits;  ///< do what it says, where that is certain to be meant; else none
};

struct Diagnostic {
  std::string code;     ///< "E0301"
  Span span;            ///< the primary place
  std::string message;  ///< lower case, no full stop, code in backticks
  std::string label = {};     ///< what stands under the underline; may be empty
  Alignment alignment = {};   ///< of the shapes that clash, if any do
  std::vector<Note> notes = {};
  std::vector<Hint> hints = {};

  Diagnostic& with_label(std::string text) { label = std::move(text); return *this; }
  Diagnostic& note(Span where, std::string text) {
    notes.push_back({where, std::move(text)});
    return *this;
  }
  Diagnostic& hint(std::string text, std::vector<Edit> edits = {}) {
    hints.push_back({std::move(text), std::move(edits)});
    return *this;
  }
};

inline constexpr size_t kMaxErrors = 20;  ///< after these a phase stops looking

/// Collects the diagnostics of one compilation. A second error at the very same place is dropped.
class Diagnostics {
 public:
  /// Reports row `diag` with its message's {} filled in. The reference is valid until the next one.
  template <class... Args>
  Diagnostic& report(Diag diag, Span span, const Args&... args) {
    return add({std::string(row(diag).code), span,
                fmt::format(fmt::runtime(row(diag).message), args...)});
  }
  Diagnostic& add(Diagnostic diagnostic);
  /// From now on reports of `diag` go nowhere.
  void ignore(Diag diag) { ignored_ = row(diag).code; }

  bool any() const { return !all_.empty(); }
  bool full() const { return all_.size() >= kMaxErrors; }
  const std::vector<Diagnostic>& all() const { return all_; }

 private:
  std::vector<Diagnostic> all_;
  Diagnostic dropped_;
  std::string_view ignored_;
};

enum class DiagFormat { human, short_, json };

/// The text of a diagnostic: `file:line:col: error[E0301]: message`, the source line underlined,
/// shapes, notes and hints (`help` where an edit goes with them). Never fails, whatever the spans are.
std::string render(const Diagnostic& diagnostic, const SourceMap& sources,
                   DiagFormat format = DiagFormat::human, bool color = false);
/// What was done about a diagnostic: `file:line:col: fixed[E0201]: write …`.
std::string render_fixed(const Diagnostic& diagnostic, const Hint& done, const SourceMap& sources,
                         DiagFormat format);

}  // namespace tenon::lexer
