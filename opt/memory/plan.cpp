#include "opt/memory/plan.h"

#include <algorithm>
#include <map>
#include <optional>

#include "opt/analysis/strong_components.h"
#include "opt/memory/in_place.h"
#include "opt/memory/lifetimes.h"
#include "opt/memory/webs.h"

namespace tenon::opt::memory {

using namespace ir;
using ir::loops::BufferId;
using ir::loops::Kernel;

std::string_view text(Why why) {
  static constexpr std::string_view kTexts[] = {
#define WHY(name, text) text,
#include "opt/memory/why.def"
  };
  return kTexts[static_cast<int>(why)];
}

namespace {

constexpr int64_t kMaxStackBytes = 1024;        ///< of a tensor on the stack
constexpr int64_t kMaxStackFrame = 16 * 1024;   ///< of all in one function
constexpr int64_t kMaxFrame = int64_t{1} << 32; ///< then the largest tensors are left to the runtime
constexpr size_t kMaxPieces = 10'000;           ///< packing them takes time by the square

/// A tensor that an instruction of the function makes.
struct Maker {
  const Inst* inst;
  ValueId result;
  int64_t moment;
  std::optional<size_t> kernel;
  BufferId output = 0;
};

/// An input of a kernel that dies where the result is made, and may be overwritten by it.
struct HandOver {
  const Maker* maker;
  ValueId from;
  BufferId input;
};

class Planner {
 public:
  using InPlace = MemoryPlan::InPlace;

  Planner(const Module& module, FuncId id, const UniqueOwners& owners,
          std::span<const Kernel> kernels, size_t first_kernel,
          std::span<const FunctionPlan> callees, bool may_be_many, bool reaches_itself)
      : module_(module),
        id_(id),
        function_(module.function(id)),
        owners_(owners),
        kernels_(kernels),
        callees_(callees),
        many_(may_be_many),
        reaches_itself_(reaches_itself),
        webs_(function_),
        lifetimes_(module, function_),
        why_(function_.values.size(), Why::planned),
        needed_(function_.values.size()),
        result_of_(function_.values.size(), -1) {
    plan_.places.resize(function_.values.size());
    plan_.result_is_placed.resize(function_.results.size());
    plan_.steps = lifetimes_.steps();
    find_makers(first_kernel);
  }

  FunctionPlan run(std::vector<std::vector<InPlace>>& in_place) {
    find_left();
    find_hand_overs();
    find_remade();
    place_results();
    for (uint32_t v = 0; v < function_.values.size(); ++v)
      if (is_tensor({v}))
        needed_[webs_.of({v})] = united(needed_[webs_.of({v})], lifetimes_.of({v}));
    take_over(in_place);
    place_on_stack();
    place_in_frame();
    list_left();
    return std::move(plan_);
  }

 private:
  bool is_tensor(ValueId value) const { return !module_.type(function_, value).is_scalar(); }
  int64_t bytes(ValueId value) const {
    const Type& type = module_.type(function_, value);
    return std::max<int64_t>(
        runtime::byte_count(type.dtype, type.shape).value_or(INT64_MAX / 2), 1);
  }
  Why& why(ValueId value) { return why_[webs_.of(value)]; }
  void leave(ValueId value, Why reason) {
    if (why(value) == Why::planned) why(value) = reason;
  }
  bool is_planned(ValueId value) { return why(value) == Why::planned; }
  int& result_of(ValueId value) { return result_of_[webs_.of(value)]; }

  // ---- which webs can have a place

  static bool makes(const Inst& inst) { return inst.op == Op::compute || inst.op == Op::pack; }

  void find_makers(size_t kernel) {
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      const std::vector<Inst>& insts = function_.blocks[b].insts;
      for (size_t i = 0; i < insts.size(); ++i) {
        const Inst& inst = insts[i];
        const int64_t moment = lifetimes_.moment({b}, i);
        for (size_t r = 0; r < inst.results.size(); ++r) {
          const ValueId result = inst.results[r];
          if (!is_tensor(result) || inst.op == Op::update) continue;
          makers_.push_back({&inst, result, moment, {}});
          if (inst.op != Op::compute) continue;
          makers_.back().kernel = kernel;
          makers_.back().output =
              static_cast<BufferId>(kernels_[kernel].buffer_values.size() + r);
        }
        if (inst.op == Op::call) calls_.emplace_back(&inst, moment);
        if (inst.op == Op::compute) ++kernel;
      }
    }
  }

  void find_left() {
    for (ValueId param : function_.params) leave(param, Why::passed_in);
    for (const Maker& maker : makers_) {
      if (makes(*maker.inst)) continue;
      if (maker.inst->op != Op::call) leave(maker.result, Why::loaded);
      else if (!callee_places(*maker.inst, maker.result)) leave(maker.result, Why::callee);
    }
    for (uint32_t v = 0; v < function_.values.size(); ++v)
      if (is_tensor({v}) && !owners_.is_unique(id_, {v})) leave({v}, Why::shared);
  }

  bool callee_places(const Inst& call, ValueId result) const {
    const std::vector<bool>& placed = callees_[call.get<FuncId>().index].result_is_placed;
    const auto number = std::ranges::find(call.results, result) - call.results.begin();
    return !placed.empty() && placed[static_cast<size_t>(number)];
  }

  /// Small tensors are not worth the kernel's knowing less about its buffers.
  void find_hand_overs() {
    for (const Maker& maker : makers_) {
      if (!maker.kernel || bytes(maker.result) <= kMaxStackBytes) continue;
      const Kernel& kernel = kernels_[*maker.kernel];
      for (BufferId input = 0; input < kernel.buffer_values.size(); ++input) {
        const ValueId from = kernel.buffer_values[input];
        if (dies_at(from, maker.moment) && is_planned(from) && is_planned(maker.result) &&
            may_share(kernel, input, maker.output))
          hand_overs_.push_back({&maker, from, input});
      }
    }
  }

  bool dies_at(ValueId value, int64_t moment) const {
    return std::ranges::any_of(lifetimes_.of(value), [&](const Stretch& s) {
      return s.first <= moment && s.end == moment + 1;
    });
  }

  bool is_handed_over(const Maker& maker, ValueId from) const {
    return std::ranges::any_of(hand_overs_, [&](const HandOver& h) {
      return h.maker == &maker && h.from == from;
    });
  }

  /// Whether something of a web is needed when the web is made anew.
  void find_remade() {
    std::map<uint32_t, std::vector<ValueId>> members;
    for (uint32_t v = 0; v < function_.values.size(); ++v)
      if (is_tensor({v}) && is_planned({v})) members[webs_.of({v})].push_back({v});
    for (const Maker& maker : makers_) {
      const Stretches made{{maker.moment, maker.moment + 1}};
      int handed_over = 0;
      for (ValueId other : members[webs_.of(maker.result)]) {
        if (other == maker.result || common(lifetimes_.of(other), made).empty()) continue;
        if (!is_handed_over(maker, other) || ++handed_over > 1) leave(other, Why::remade);
      }
    }
  }

  /// Only the `ret` takes it from the function, and every one gives it as the same result.
  void place_results() {
    std::vector<std::vector<ValueId>> returned(function_.results.size());
    std::map<uint32_t, std::vector<size_t>> as;  // web -> results, by ret
    for (const Block& block : function_.blocks) {
      const Inst& end = block.insts.back();
      if (end.op != Op::ret) continue;
      for (size_t i = 0; i < end.args.size(); ++i)
        if (is_tensor(end.args[i])) returned[i].push_back(end.args[i]);
    }
    for (size_t i = 0; i < returned.size(); ++i)
      for (ValueId value : returned[i]) as[webs_.of(value)].push_back(i);
    for (size_t i = 0; i < returned.size(); ++i) {
      const auto is_it = [&](ValueId value) {
        const std::vector<size_t>& results = as[webs_.of(value)];
        return webs_.of(value) == webs_.of(returned[i][0]) && is_planned(value) &&
               std::ranges::count(results, i) == static_cast<std::ptrdiff_t>(results.size());
      };
      const bool placed =
          !reaches_itself_ && !returned[i].empty() && std::ranges::all_of(returned[i], is_it);
      plan_.result_is_placed[i] = placed;
      for (ValueId value : returned[i]) {
        if (placed) result_of(value) = static_cast<int>(i);
        else leave(value, Why::returned);
      }
    }
  }

  /// An operand and the result that overwrites it become one web, if the moment at which that happens
  /// is all that their webs have in common.
  void take_over(std::vector<std::vector<InPlace>>& in_place) {
    for (const HandOver& hand_over : hand_overs_) {
      const Maker& maker = *hand_over.maker;
      const ValueId from = hand_over.from, to = maker.result;
      if (!is_planned(from) || !is_planned(to)) continue;
      if (webs_.of(from) != webs_.of(to)) {
        if (result_of(from) >= 0 && result_of(to) >= 0) continue;
        Stretches &a = needed_[webs_.of(from)], &b = needed_[webs_.of(to)];
        if (common(a, b) != Stretches{{maker.moment, maker.moment + 1}}) continue;
        const Stretches both = united(a, b);
        const int result = std::max(result_of(from), result_of(to));
        webs_.join(from, to);
        needed_[webs_.of(to)] = both;
        result_of(to) = result;
      }
      in_place[*maker.kernel].push_back({hand_over.input, maker.output});
    }
  }

  // ---- places

  /// A place for the whole web of each.
  void put(const std::map<uint32_t, Place>& places) {
    for (uint32_t v = 0; v < function_.values.size(); ++v) {
      const auto found = places.find(webs_.of({v}));
      if (is_tensor({v}) && found != places.end()) plan_.places[v] = found->second;
    }
  }

  /// The first value of each planned web that has no place yet.
  std::vector<ValueId> without_place() {
    std::map<uint32_t, Place> seen;
    std::vector<ValueId> first;
    for (const Maker& maker : makers_)
      if (is_planned(maker.result) && result_of(maker.result) < 0 &&
          plan_.places[maker.result.index].home == Home::runtime &&
          seen.emplace(webs_.of(maker.result), Place{}).second)
        first.push_back(maker.result);
    return first;
  }

  void place_on_stack() {
    std::map<uint32_t, Place> places;
    for (const Maker& maker : makers_)
      if (is_planned(maker.result) && result_of(maker.result) >= 0)
        places[webs_.of(maker.result)] = {Home::result, result_of(maker.result)};
    put(places);
    if (reaches_itself_) return;  // its frames are many
    places.clear();
    int64_t all = 0;
    for (ValueId value : without_place()) {
      if (bytes(value) > kMaxStackBytes) continue;
      all += aligned(bytes(value));
      places[webs_.of(value)] = {Home::stack, webs_.of(value)};
    }
    if (all <= kMaxStackFrame) put(places);
  }

  void place_in_frame() {
    if (many_) {
      for (ValueId value : without_place()) leave(value, Why::many);
      return;
    }
    collect();
    leave_largest();
    std::vector<Piece> pieces;
    for (const Held& held : plan_.held) pieces.push_back(held.piece);
    const Packing packing = pack(pieces);
    plan_.frame_bytes = packing.bytes;
    std::map<uint32_t, Place> places;
    for (size_t i = 0; i < plan_.held.size(); ++i) {
      Held& held = plan_.held[i];
      held.offset = packing.offsets[i];
      if (held.value) places[webs_.of(held.value)] = {Home::frame, held.offset};
      else plan_.callee_frames[calls_[i].first] = held.offset;
    }
    put(places);
    find_most_live();
  }

  /// The frames of callees, which come first, and the webs.
  void collect() {
    std::erase_if(calls_, [&](const auto& call) {
      return callees_[call.first->template get<FuncId>().index].frame_bytes == 0;
    });
    for (const auto& [call, moment] : calls_) {
      const FuncId callee = call->get<FuncId>();
      plan_.held.push_back({{}, callee, {callees_[callee.index].frame_bytes, {{moment, moment + 1}}}});
    }
    for (ValueId value : without_place())
      plan_.held.push_back({value, {}, {bytes(value), needed_[webs_.of(value)]}});
  }

  /// Of the webs, not of the callees' frames.
  void leave_largest() {
    std::vector<Held> webs(plan_.held.begin() + static_cast<std::ptrdiff_t>(calls_.size()),
                           plan_.held.end());
    plan_.held.resize(calls_.size());
    std::ranges::stable_sort(webs, {}, [](const Held& held) { return held.piece.bytes; });
    int64_t all = 0;
    for (const Held& held : webs) {
      if (held.piece.bytes > kMaxFrame - all || plan_.held.size() >= kMaxPieces) {
        leave(held.value, Why::large);
      } else {
        all += aligned(held.piece.bytes);
        plan_.held.push_back(held);
      }
    }
  }

  void find_most_live() {
    std::vector<Piece> pieces;
    int64_t most = 0;
    for (const Held& held : plan_.held) {
      pieces.push_back(held.piece);
      if (held.callee) pieces.back().bytes = callees_[held.callee.index].live_bytes;
      if (held.piece.bytes > most) plan_.site = site_of(held), most = held.piece.bytes;
    }
    plan_.live_bytes = most_live(pieces);
  }

  lexer::Span site_of(const Held& held) const {
    if (!held.value) return callees_[held.callee.index].site;
    const auto made = std::ranges::find(makers_, held.value, &Maker::result);
    return made->inst->span;
  }

  void list_left() {
    std::map<uint32_t, bool> seen;
    for (const Maker& maker : makers_)
      if (!is_planned(maker.result) && seen.emplace(webs_.of(maker.result), true).second)
        plan_.left.push_back({maker.result, bytes(maker.result), why(maker.result)});
  }

  const Module& module_;
  FuncId id_;
  const Function& function_;
  const UniqueOwners& owners_;
  std::span<const Kernel> kernels_;
  std::span<const FunctionPlan> callees_;
  bool many_, reaches_itself_;
  Webs webs_;
  Lifetimes lifetimes_;
  std::vector<Maker> makers_;
  std::vector<std::pair<const Inst*, int64_t>> calls_;  ///< with their moments
  std::vector<HandOver> hand_overs_;
  std::vector<Why> why_;            ///< by web, as are the next two
  std::vector<Stretches> needed_;
  std::vector<int> result_of_;      ///< which result it is; less than none if it is none
  FunctionPlan plan_;
};

/// Which functions may be active several times at once.
struct Activity {
  std::vector<bool> many, reaches_itself;
};

Activity activity_of(const Module& module, const Graph& calls,
                     const std::vector<std::vector<uint32_t>>& components) {
  Activity activity{std::vector<bool>(calls.size()), std::vector<bool>(calls.size())};
  std::vector<uint32_t> work;
  const auto add = [&](uint32_t f) {
    if (!activity.many[f]) work.push_back(f);
    activity.many[f] = true;
  };
  for (const std::vector<uint32_t>& component : components) {
    for (const uint32_t f : component) {
      const bool calls_itself = std::ranges::find(calls[f], f) != calls[f].end();
      activity.reaches_itself[f] =
          component.size() > 1 || calls_itself || module.functions[f].recursive;
      if (activity.reaches_itself[f]) add(f);
    }
  }
  for (const Function& function : module.functions)
    for (const Block& block : function.blocks)
      for (const Inst& inst : block.insts)
        if (inst.op == Op::compute)
          for_each_callee(function, inst, [&](FuncId callee) { add(callee.index); });
  while (!work.empty()) {
    const uint32_t f = work.back();
    work.pop_back();
    std::ranges::for_each(calls[f], add);
  }
  return activity;
}

}  // namespace

MemoryPlan::MemoryPlan(const Module& module) : functions_(module.functions.size()) {
  for (size_t f = 0; f < functions_.size(); ++f) {
    functions_[f].places.resize(module.functions[f].values.size());
    functions_[f].result_is_placed.resize(module.functions[f].results.size());
  }
}

MemoryPlan::MemoryPlan(const Module& module, const UniqueOwners& owners,
                       std::span<const Kernel> kernels)
    : functions_(module.functions.size()), in_place_(kernels.size()) {
  std::vector<size_t> first_kernel;
  size_t kernel = 0;
  for (uint32_t f = 0; f < module.functions.size(); ++f) {
    first_kernel.push_back(kernel);
    const Function& function = module.functions[f];
    for (const Block& block : function.blocks)
      kernel += static_cast<size_t>(std::ranges::count(block.insts, Op::compute, &Inst::op));
  }
  const Graph calls = call_graph(module);
  const auto components = strong_components(calls);  // callees first
  const Activity activity = activity_of(module, calls, components);
  for (const std::vector<uint32_t>& component : components)
    for (const uint32_t f : component)
      functions_[f] = Planner(module, {f}, owners, kernels, first_kernel[f], functions_,
                              activity.many[f], activity.reaches_itself[f])
                          .run(in_place_);
}

}  // namespace tenon::opt::memory
