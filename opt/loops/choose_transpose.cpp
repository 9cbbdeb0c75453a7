// Nests without sums whose result is contiguous along one loop and what they read along another, as in
// y[i, j] = x[j, i]. Whichever loop is innermost, one side goes through memory in long steps and takes a cache line
// for each element: so both loops are cut into pieces of some lines, and a piece is turned in registers
// (backend/loop_stores.cpp), read by vectors along one loop and stored by vectors along the other.
//
//     for jo, io: for ji in 0..16: for ii in lanes: y[io * 16 + ii, jo * 16 + ji] = x[jo * 16 + ji, io * 16 + ii]
//
// Where something is read along the result's loop as well, that one goes into lanes: then only what is turned is
// read element by element, from lines that stay in the cache for a piece.
#include <algorithm>
#include <ranges>

#include "opt/loops/access.h"
#include "opt/loops/choose.h"

namespace tenon::opt::loops {
namespace {

using ir::DirectiveKind;

constexpr int64_t kLineBytes = 64;    ///< of the caches
constexpr int64_t kFewestStored = 4;  ///< fewer are not worth turning

class Transpose {
 public:
  Transpose(const Kernel& kernel, const Machine& machine) : kernel_(kernel), machine_(machine) {}

  ir::Schedule run() { return find() ? schedule() : ir::Schedule(); }

 private:
  bool find();
  ir::Schedule schedule() const;
  const std::string& name(const For& loop) const { return kernel_.loops[loop.loop]; }

  const Kernel& kernel_;
  const Machine& machine_;
  std::vector<const For*> loops_;
  const For *read_along_ = nullptr, *stored_along_ = nullptr;
  bool has_rows_ = false;              ///< something is read along the latter as well
  int64_t bytes_ = 1;                  ///< of the widest element
};

bool Transpose::find() {
  const std::vector<Site> sites = sites_of(kernel_.body);
  const Store* store = sites.size() == 1 ? std::get_if<Store>(&sites[0].stmt->node) : nullptr;
  if (store == nullptr) return false;
  loops_ = sites[0].loops;
  if (!std::ranges::all_of(loops_, [](const For* loop) { return turns_of(*loop).has_value(); })) return false;
  const auto goes_along = [&](const std::optional<Strides>& strides) {
    const For* along = nullptr;
    for (const For* loop : loops_)
      if (strides && strides->contains(loop->loop) && strides->at(loop->loop) == 1) along = loop;
    return along;
  };
  stored_along_ = goes_along(strides_of(kernel_.buffers[store->buffer].type.shape, store->subscripts));
  if (stored_along_ == nullptr || *turns_of(*stored_along_) < kFewestStored) return false;
  bytes_ = runtime::row(kernel_.buffers[store->buffer].type.dtype).bytes;
  bool all = true;
  for (const Access& read : reads_of(kernel_, store->value)) {
    bytes_ = std::max<int64_t>(bytes_, runtime::row(kernel_.buffers[read.buffer].type.dtype).bytes);
    all = all && read.strides;
    const For* along = goes_along(read.strides);
    if (!all || along == nullptr || !read.strides->contains(stored_along_->loop)) continue;
    if (along == stored_along_) has_rows_ = true;
    else read_along_ = along;
  }
  return all && read_along_ != nullptr && *turns_of(*read_along_) > kWidestStep;
}

ir::Schedule Transpose::schedule() const {
  FreshNames names(kernel_);
  const std::string ro = names.fresh(name(*read_along_) + "o"), ri = names.fresh(name(*read_along_) + "i"),
                    so = names.fresh(name(*stored_along_) + "o"), si = names.fresh(name(*stored_along_) + "i");
  ir::Schedule schedule = {{DirectiveKind::split_, {name(*read_along_)}, {ro, ri}, machine_.lanes(bytes_)},
                           {DirectiveKind::split_, {name(*stored_along_)}, {so, si}, kLineBytes / bytes_}};
  Directive order{DirectiveKind::order_};
  for (const For* loop : loops_)
    if (loop != read_along_ && loop != stored_along_) order.loops.push_back(name(*loop));
  std::string top = *turns_of(*stored_along_) > kLineBytes / bytes_ ? so : ro;
  for (const For* loop : loops_ | std::views::reverse)
    if (loop != read_along_ && loop != stored_along_ && *turns_of(*loop) > 1) top = name(*loop);
  const auto& [turns, in_lanes] = has_rows_ ? std::pair(ri, si) : std::pair(si, ri);
  for (const std::string& loop : {so, ro, turns, in_lanes}) order.loops.push_back(loop);
  schedule.push_back(std::move(order));
  schedule.push_back({DirectiveKind::vectorize_, {in_lanes}, {}, machine_.lanes(bytes_)});
  if (!has_rows_) schedule.push_back({DirectiveKind::unroll_, {turns}});
  if (is_worth_threads(kernel_)) schedule.push_back({DirectiveKind::parallel_, {top}});
  return schedule;
}

}  // namespace

ir::Schedule choose_transpose(const Kernel& kernel, const Machine& machine, Mode) {
  return Transpose(kernel, machine).run();
}

}  // namespace tenon::opt::loops
