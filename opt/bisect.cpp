#include "opt/bisect.h"

#include "ir/text.h"
#include "opt/diff.h"

namespace tenon::opt {
namespace {

class Search {
 public:
  Search(const ir::Module& module, std::span<const PassRow* const> list, bool strict)
      : module_(module), list_(list), strict_(strict) {}

  /// The module after the first `count` passes with so many rewrites allowed.
  ir::Module run(int64_t allowed, size_t count) {
    ir::Module copy = module_;
    PipelineOptions options;
    options.strict = strict_;
    options.bisect = allowed;
    result = run_passes(copy, list_.first(count), options);
    return copy;
  }

  PipelineResult result;  ///< of the latest run

 private:
  const ir::Module& module_;
  const std::span<const PassRow* const> list_;
  const bool strict_;
};

}  // namespace

std::optional<WrongRewrite> find_wrong_rewrite(
    const ir::Module& module, std::span<const PassRow* const> list, bool strict,
    const std::function<bool(const ir::Module&)>& is_right) {
  Search search(module, list, strict);
  if (is_right(search.run(-1, list.size()))) return {};
  const int64_t all = search.result.rewrites;
  WrongRewrite found;
  found.of = all;
  if (!is_right(search.run(0, list.size()))) return found;

  int64_t right = 0, wrong = all;  // allowed rewrites for which it is
  while (wrong - right > 1) {
    const int64_t middle = right + (wrong - right) / 2;
    (is_right(search.run(middle, list.size())) ? right : wrong) = middle;
  }
  search.run(wrong, list.size());
  const PipelineResult at = search.result;
  found.number = wrong;
  found.pass = list[at.pass]->name;
  found.function = at.function;
  found.rewrite = at.rewrite;
  const std::string without = ir::print(search.run(wrong - 1, at.pass + 1));
  found.diff = unified_diff(without, ir::print(search.run(wrong, at.pass + 1)));
  return found;
}

}  // namespace tenon::opt
