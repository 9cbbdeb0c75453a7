#include "opt/pipelines.h"

#include <fmt/format.h>

#include <algorithm>

namespace tenon::opt {
namespace {

/// By -O level; higher levels than there are get the last. What the order is for:
///   evaluate   before `inline`, which takes apart the calls that it would evaluate
///   inline     before what looks at one function at a time: it sees through calls then
///   sccp       before `gvn`: values agree more often where fewer edges come together
///   gvn        before `fuse`, so that one producer is not put into a consumer twice under two names,
///              and after it, for what then is equal
///   simplify_cfg  behind those that decide branches, before `dce`, which drops what it left unused
///   range_checks  before what only moves or drops what cannot fail, and before `unroll`, as of one turn
///              among others less is known; at the end again, for the computes that were made since
///   unroll     before another round of those that compute constants, which counters then are
///   forward    behind `gvn`, which makes equal subscripts one value
///   licm       before `fuse`, which puts nothing into a loop
///   strength_reduce  behind those that recognize products
///   checks_first  behind all that moves: what it leaves unchecked has to stay behind the checks
///   dce        before `fuse`, as a producer with a user that is dead would seem to be used twice
constexpr std::string_view kPipelines[] = {
    "own",
    "simplify,gvn,fuse,simplify_subscripts,gvn,simplify_cfg,dce,own",
    "simplify,evaluate,inline,sccp,simplify,gvn,simplify_cfg,dce,range_checks,unroll,sccp,simplify,gvn,"
    "forward,simplify_cfg,dce,licm,reorder_chains,dce,fuse,simplify_subscripts,strength_reduce,simplify,"
    "gvn,simplify_cfg,dce,fuse_siblings,range_checks,checks_first,own",
};

constexpr Constraint kConstraints[] = {
    {"own", kAnyOther,
     "`own` has given each tensor owners for the uses that it has, and other passes make, move and take "
     "away uses"},
    {"at", kAnyButOwn, "`at` has put computes into others, where other passes do not look"},
    {"at_on_gpu", kAnyButOwn, "like `at`, it has put computes into others"},
    {"fuse", "reorder_chains", "`fuse` puts products into formulas, where chains are not seen any more"},
    {"fuse_siblings", "fuse", "`fuse` does not take a result out of a compute that has several"},
};

bool forbids(const Constraint& constraint, std::string_view earlier, std::string_view later) {
  if (constraint.first != earlier || earlier == later) return false;
  if (constraint.second == kAnyButOwn) return later != "own";
  return constraint.second == later || constraint.second == kAnyOther;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string all_names() {
  std::string names;
  for (const PassRow& pass : passes())
    names += fmt::format("{}{}", names.empty() ? "" : ", ", pass.name);
  return names;
}

void check_order(std::span<const PassRow* const> order) {
  for (size_t later = 0; later < order.size(); ++later) {
    for (size_t earlier = 0; earlier < later; ++earlier) {
      for (const Constraint& constraint : kConstraints) {
        if (!forbids(constraint, order[earlier]->name, order[later]->name)) continue;
        throw BadPipeline{fmt::format("`{}` cannot run after `{}`: {}", order[later]->name,
                                      order[earlier]->name, constraint.reason)};
      }
    }
  }
}

/// The pass of that name, or the passes of the level: `O2`.
void append(std::vector<const PassRow*>& order, std::string_view name) {
  if (name.size() == 2 && name[0] == 'O' && name[1] >= '0' && name[1] <= '3') {
    for (const PassRow* pass : parse_pipeline(pipeline(name[1] - '0'))) order.push_back(pass);
    return;
  }
  const PassRow* pass = find_pass(name);
  if (!pass)
    throw BadPipeline{fmt::format("there is no pass `{}`; there are {}", name, all_names())};
  order.push_back(pass);
}

}  // namespace

std::string pipeline(int level) {
  const int last = static_cast<int>(std::size(kPipelines)) - 1;
  return std::string(kPipelines[std::clamp(level, 0, last)]);
}

std::string pipeline(int level, std::span<const PassRow> added) {
  std::string all = pipeline(level);
  for (const PassRow& pass : added)
    if (level >= pass.level) all.insert(all.rfind(pass.before), fmt::format("{},", pass.name));
  return all;
}

std::span<const Constraint> constraints() {
  return kConstraints;
}

std::vector<const PassRow*> parse_pipeline(std::string_view text) {
  std::vector<const PassRow*> order;
  if (trimmed(text).empty()) return order;
  for (;;) {
    const size_t comma = std::min(text.find(','), text.size());
    append(order, trimmed(text.substr(0, comma)));
    if (comma == text.size()) break;
    text.remove_prefix(comma + 1);
  }
  check_order(order);
  return order;
}

}  // namespace tenon::opt
