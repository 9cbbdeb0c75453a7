#include "lexer/diag.h"

#include <algorithm>

namespace tenon::lexer {

Diagnostic& Diagnostics::add(Diagnostic diagnostic) {
  bool again = diagnostic.span.known() && std::ranges::any_of(all_, [&](const Diagnostic& earlier) {
                 return earlier.span == diagnostic.span;
               });
  // Whoever reports may go on to attach notes; those of a dropped diagnostic go nowhere.
  if (again || full() || diagnostic.code == ignored_) return dropped_ = std::move(diagnostic);
  all_.push_back(std::move(diagnostic));
  return all_.back();
}

}  // namespace tenon::lexer
