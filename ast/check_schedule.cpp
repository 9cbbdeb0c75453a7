// Schedules: known directives, in their form, about loops that are there.
#include <algorithm>
#include <sstream>

#include "ast/checker.h"

namespace tenon::ast {

namespace {

struct DirectiveRow {
  std::string_view name, form, meaning;
};
constexpr DirectiveRow kDirectives[] = {
#define DIRECTIVE(name, form, meaning) {#name, form, meaning},
#include "ast/directives.def"
};

/// The names of loops that a definition has: its indices, and those of reductions in it that are
/// unique.
std::set<std::string> loops_of(const Let& let) {
  std::map<std::string, int> count;
  auto add = [&](const std::vector<IndexBinding>& indices) {
    for (const IndexBinding& i : indices) count[i.name.text]++;
  };
  if (let.indices) add(*let.indices);
  std::function<void(const Expr&)> visit = [&](const Expr& e) {
    if (auto* reduce = std::get_if<Reduce>(&e.node)) add(reduce->indices);
    for_each_child(e, visit);
  };
  visit(*let.value);
  std::set<std::string> loops;
  for (auto& [name, times] : count) {
    if (times == 1) loops.insert(name);
  }
  return loops;
}

/// A form as it stands in a program: no blank before a comma.
std::string as_written(std::string_view form) {
  std::string text(form);
  for (size_t at; (at = text.find(" ,")) != text.npos;) text.erase(at, 1);
  return text;
}

/// One directive against its form.
class DirectiveMatch {
 public:
  DirectiveMatch(const Directive& directive, std::string_view form, std::set<std::string>* loops)
      : directive_(directive), loops_(loops) {
    std::istringstream words{std::string(form)};
    for (std::string word; words >> word;) form_.push_back(word);
  }

  /// What is wrong and where; nothing if all is well.
  struct Mistake {
    Span span;
    std::string what;
  };
  std::optional<Mistake> run() {
    bool optional = false;
    for (size_t i = 0; i < form_.size(); i++) {
      std::string word = form_[i];
      if (word.starts_with('[')) {
        if (at_end()) break;
        optional = true;
        word.erase(0, 1);
      }
      if (optional && word.ends_with(']')) word.pop_back();
      if (auto mistake = step(word)) return mistake;
    }
    if (!at_end()) return Mistake{word().span, "the directive should end here"};
    if (!loops_) return std::nullopt;
    for (const std::string& used : used_up_) loops_->erase(used);
    for (const std::string& made : made_) loops_->insert(made);
    return std::nullopt;
  }
  const std::vector<const DirectiveWord*>& factors() const { return factors_; }

 private:
  bool at_end() const { return next_ == directive_.words.size(); }
  const DirectiveWord& word() const { return directive_.words[next_]; }
  Span place() const { return at_end() ? directive_.name.span : word().span; }
  bool takes_sign(char sign) {
    if (at_end() || word().sign != sign) return false;
    next_++;
    return true;
  }

  std::optional<Mistake> step(const std::string& want) {
    if (want == "any") {
      if (at_end()) return Mistake{place(), "a directive with nothing behind it"};
      next_ = directive_.words.size();
      return std::nullopt;
    }
    if (want == "loops") {
      do {
        if (auto mistake = loop()) return mistake;
      } while (takes_sign(','));
      return std::nullopt;
    }
    if (want == "loop") return loop();
    if (want == ",") {
      return takes_sign(',') ? std::nullopt : std::optional(Mistake{place(), "expected `,`"});
    }
    if (want == "factor") {
      const bool is_factor = !at_end() && (word().factor || !word().name.empty());
      if (!is_factor) return Mistake{place(), "expected a factor"};
      factors_.push_back(&directive_.words[next_++]);
      return std::nullopt;
    }
    if (want == "operand") {
      if (at_end() || word().name.empty()) return Mistake{place(), "expected the name of a tensor"};
      next_++;
      return std::nullopt;
    }
    if (at_end() || word().name.empty()) return Mistake{place(), expected(want)};
    const DirectiveWord& found = directive_.words[next_++];
    if (want != "new") {
      return found.name == want ? std::nullopt : std::optional(Mistake{found.span, expected(want)});
    }
    if (loops_ && (loops_->contains(found.name) || std::ranges::count(made_, found.name))) {
      return Mistake{found.span, fmt::format("there is a loop `{}` already", found.name)};
    }
    made_.push_back(found.name);
    return std::nullopt;
  }

  static std::string expected(const std::string& want) {
    return want == "new" ? "expected a name for the new loop" : fmt::format("expected `{}`", want);
  }

  std::optional<Mistake> loop() {
    if (at_end() || word().name.empty()) return Mistake{place(), "expected the name of a loop"};
    const DirectiveWord& found = directive_.words[next_++];
    if (loops_ && !loops_->contains(found.name)) {
      return Mistake{found.span, fmt::format("there is no loop `{}`", found.name)};
    }
    if (std::ranges::count(seen_, found.name)) {
      return Mistake{found.span, fmt::format("loop `{}` is named twice", found.name)};
    }
    seen_.push_back(found.name);
    if (std::ranges::count(form_, "new")) used_up_.push_back(found.name);
    return std::nullopt;
  }

  const Directive& directive_;
  std::set<std::string>* loops_;  ///< null: those of another function, which are not known here
  std::vector<std::string> form_, seen_, used_up_, made_;
  std::vector<const DirectiveWord*> factors_;
  size_t next_ = 0;
};

}  // namespace

void FunctionChecker::check_schedule(const Let& let) {
  const Schedule& schedule = *let.schedule;
  if (!let.indices && schedule.path.empty()) {
    report(Diag::schedule_directive, schedule.span, "only an index definition has loops to schedule")
        .hint("name a definition inside the call by its path: `schedule f.y { … }`");
    return;
  }
  std::set<std::string> loops = loops_of(let);
  for (const Directive& directive : schedule.directives) {
    auto row = std::ranges::find(kDirectives, directive.name.text, &DirectiveRow::name);
    if (row == std::end(kDirectives)) {
      std::vector<std::string> names;
      for (const DirectiveRow& known : kDirectives) names.emplace_back(known.name);
      auto& d = report(Diag::schedule_directive, directive.name.span,
                       fmt::format("there is no directive {}", quoted(directive.name.text)));
      suggest(d, directive.name.text, directive.name.span, names);
      continue;
    }
    DirectiveMatch match(directive, row->form, schedule.path.empty() ? &loops : nullptr);
    if (auto mistake = match.run()) {
      report(Diag::schedule_directive, mistake->span, mistake->what)
          .hint(fmt::format("it is written `{} {}`", row->name, as_written(row->form)));
      continue;
    }
    for (const DirectiveWord* factor : match.factors()) check_factor(*factor);
  }
}

void FunctionChecker::check_factor(const DirectiveWord& factor) {
  const Expr name{factor.span, 1, NameRef{factor.name}};
  auto value = extent(factor.factor ? *factor.factor : name);
  auto number = value ? value->constant() : std::nullopt;
  if (number && *number < 1) {
    report(Diag::schedule_directive, factor.span, "a factor is at least 1");
  }
}

}  // namespace tenon::ast
