#include "driver/fix.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "ast/check.h"
#include "driver/frontend.h"
#include "driver/output.h"

namespace tenon::driver {

namespace {

using lexer::Edit;
using lexer::Span;

struct Change {
  const lexer::Diagnostic* diagnostic;
  const lexer::Hint* hint;
};

/// Two insertions at one place overlap as well: nobody knows which comes first.
bool overlap(Span a, Span b) {
  if (a.file != b.file) return false;
  return a.begin == b.begin || (a.begin < b.end && b.begin < a.end);
}

/// Of changes that overlap the first is made; the others have their turn in the next round, if they
/// are still right then. The prelude is not the user's to change.
std::vector<Change> certain_changes(const Session& session) {
  std::vector<Change> changes;
  std::vector<Edit> taken;
  for (const lexer::Diagnostic& diagnostic : session.diagnostics.all()) {
    auto hint = std::ranges::find_if(diagnostic.hints, [](auto& h) { return !h.edits.empty(); });
    if (hint == diagnostic.hints.end()) continue;
    const bool fits = std::ranges::all_of(hint->edits, [&](const Edit& edit) {
      return edit.span.known() && edit.span.file >= session.root &&
             std::ranges::none_of(taken, [&](const Edit& t) { return overlap(t.span, edit.span); });
    });
    if (!fits) continue;
    changes.push_back({&diagnostic, &*hint});
    taken.insert(taken.end(), hint->edits.begin(), hint->edits.end());
  }
  return changes;
}

/// `edits` do not overlap.
std::string edited(std::string_view text, std::vector<Edit> edits) {
  std::ranges::sort(edits, {}, [](const Edit& edit) { return edit.span.begin; });
  std::string result;
  size_t at = 0;
  for (const Edit& edit : edits) {
    result += text.substr(at, edit.span.begin - at);
    result += edit.text;
    at = edit.span.end;
  }
  return result += text.substr(at);
}

/// Whether anything was changed.
bool fix_once(const Options& options) {
  Session session(options);
  try {
    diagnose_program(session, false);
  } catch (const ast::BadDefine&) {
    return false;  // the check that follows says so
  }
  const std::vector<Change> changes = certain_changes(session);
  std::map<uint32_t, std::vector<Edit>> by_file;
  for (const Change& change : changes) {
    for (const Edit& edit : change.hint->edits) by_file[edit.span.file].push_back(edit);
  }
  for (auto& [file, edits] : by_file) {
    const lexer::SourceFile& source = session.sources.file(file);
    write_output(source.name(), edited(source.text(), std::move(edits)));
  }
  for (const Change& change : changes) {
    fmt::print(stderr, "{}",
               render_fixed(*change.diagnostic, *change.hint, session.sources, options.format));
  }
  return !changes.empty();
}

}  // namespace

void apply_fixes(const Options& options) {
  constexpr int kMaxRounds = 16;  // a change may uncover others; each round makes at least one
  if (options.file == "-") throw UsageError{"--fix changes files; standard input is none"};
  for (int round = 0; round < kMaxRounds && fix_once(options); ++round) {
  }
}

}  // namespace tenon::driver
