// A directive as read, word by word, against the form of its row.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ast/schedule.h"
#include "lexer/diag.h"

namespace tenon::ast::typed {

/// The loops of a definition, and what directives have made of them so far.
struct LoopNames {
  std::set<std::string> present;
  std::map<std::string, Span> gone;                 ///< into what this directive makes
  std::map<std::string, std::vector<Span>> shared;  ///< of several reductions: their indices
};

class DirectiveMatch {
 public:
  /// `loops`: null where they are not known.
  DirectiveMatch(const ast::Directive& directive, const DirectiveRow& row, LoopNames* loops);

  /// What is wrong, and where.
  struct Mistake {
    Span span;
    std::string what;
    std::vector<lexer::Note> notes = {};
    bool in_form = true;         ///< else in the loops that it names
    std::string unknown = {};    ///< a loop that is not there
  };
  std::optional<Mistake> run();

  /// All but the factor: that is what `factor()`, if there is one, comes to.
  const Directive& result() const { return result_; }
  const DirectiveWord* factor() const { return factor_; }

 private:
  bool at_end() const { return next_ == directive_.words.size(); }
  const DirectiveWord& word() const { return directive_.words[next_]; }
  Span place() const;
  bool takes_sign(char sign);
  std::optional<Mistake> step(const std::string& want);
  std::optional<Mistake> loop();
  Mistake no_loop(const DirectiveWord& found) const;
  void make_loops();

  const ast::Directive& directive_;
  std::vector<std::string> form_;
  LoopNames* loops_;
  Directive result_;
  const DirectiveWord* factor_ = nullptr;
  size_t next_ = 0;
};

}  // namespace tenon::ast::typed
