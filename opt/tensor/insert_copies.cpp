// An update of a tensor that is needed afterwards works on a copy. The runtime would make the copy
// when the program gets to the update and finds another owner; here it becomes an instruction, so
// that everybody sees that the update then is in place. (Copy insertion for functional arrays,
// Hudak and Bloss, POPL 1985; MLIR's one-shot bufferization decides the same.)
//
//   %u = update %t[%i] = %x        =>    %c = compute [i: 9] { %t[i] }
//   print %t                             %u = update %c[%i] = %x
//                                        print %t
//
// - At an update this costs nothing: the copy is made in any case.
// - In front of a loop that updates what it was passed, it saves the question "has it another owner?"
//   on every turn. If the loop then never gets to the update, the copy was in vain; so it is made
//   there for small tensors only, and for those that are one constant throughout, which cost no
//   more to make again than to copy.
#include "opt/tensor/insert_copies.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "opt/analysis/liveness.h"
#include "opt/analysis/loops.h"
#include "opt/analysis/overwritten.h"

namespace tenon::opt {
namespace {

using namespace ir;

constexpr int64_t kSmallBytes = 1024;

class InsertCopies {
 public:
  InsertCopies(const Module& module, Function& function)
      : module_(module),
        function_(function),
        loops_(function),
        liveness_(function, [&](ValueId value) { return is_tensor(value); }),
        written_(find_overwritten(function)) {}

  void run() {
    find_fills();
    const size_t blocks = function_.blocks.size();
    for (uint32_t b = 0; b < blocks; ++b) {
      copy_for_updates({b});
      copy_for_loop({b});
    }
  }

 private:
  bool is_tensor(ValueId value) const { return !module_.type(function_, value).is_scalar(); }
  bool is_param(ValueId value) const {
    return std::ranges::find(function_.params, value) != function_.params.end();
  }

  void find_fills() {
    for (const Block& block : function_.blocks) {
      for (const Inst& inst : block.insts) {
        if (inst.op != Op::compute || inst.results.size() != 1) continue;
        const ExprId body = inst.get<Compute>().bodies[0];
        if (function_.exprs[body].kind == ExprKind::constant) fills_[inst.result()] = body;
      }
    }
  }

  // ---- updates

  void copy_for_updates(BlockId block) {
    std::unordered_set<ValueId> live;  // what is defined further down does not matter here
    for (const Edge& edge : successors(function_.block(block))) {
      const std::vector<ValueId>& at_start = liveness_.at_start(edge.target);
      live.insert(at_start.begin(), at_start.end());
    }
    std::vector<Inst>& insts = function_.block(block).insts;
    for (size_t i = insts.size(); i-- > 0;) {
      const bool needed = insts[i].op == Op::update &&
                          (live.contains(insts[i].args[0]) || is_param(insts[i].args[0]));
      for_each_use(function_, insts[i], [&](ValueId used) {
        if (is_tensor(used)) live.insert(used);
      });
      if (!needed) continue;
      const Inst copy = make_copy(insts[i].args[0], insts[i].span);
      insts[i].args[0] = copy.result();
      insts.insert(insts.begin() + static_cast<std::ptrdiff_t>(i), copy);
    }
  }

  // ---- loops

  void copy_for_loop(BlockId from) {
    Inst& end = function_.block(from).insts.back();
    if (end.op != Op::jump) return;
    const BlockId header = end.get<std::vector<Edge>>()[0].target;
    const LoopId loop = loops_.around(header);
    if (!loop || loops_[loop].header != header || loops_.contains(loop, from)) return;
    const std::vector<ValueId>& needed = liveness_.at_start(header);
    std::vector<ValueId> args = end.get<std::vector<Edge>>()[0].args;
    std::vector<Inst> copies;
    for (size_t p = 0; p < args.size(); ++p) {
      const ValueId arg = args[p];
      if (!is_tensor(arg) || !written_[function_.block(header).params[p].index]) continue;
      const ir::Type& type = module_.type(function_, arg);
      const int64_t bytes = runtime::byte_count(type.dtype, type.shape).value_or(INT64_MAX);
      if (bytes > kSmallBytes && !fills_.contains(arg)) continue;
      const bool shared = is_param(arg) || std::ranges::count(args, arg) > 1 ||
                          std::ranges::find(needed, arg) != needed.end();
      if (!shared) continue;
      copies.push_back(make_copy(arg, end.span));
      args[p] = copies.back().result();
    }
    end.get<std::vector<Edge>>()[0].args = std::move(args);
    std::vector<Inst>& insts = function_.block(from).insts;
    insts.insert(insts.end() - 1, copies.begin(), copies.end());
  }

  Inst make_copy(ValueId tensor, Span span) {
    const auto [type, name] = function_.value(tensor);
    const ir::Type& shape = module_.types[type];
    if (const auto fill = fills_.find(tensor); fill != fills_.end()) {
      const ValueId again = function_.add_value(type, name);
      return {Op::compute, {again}, {}, Compute{shape.shape, {fill->second}, {}}, span};
    }
    std::vector<ExprId> indices;
    for (uint32_t level = 0; level < shape.shape.size(); ++level)
      indices.push_back(function_.exprs.index(level));
    const ExprId body = function_.exprs.read(tensor, shape.dtype, std::move(indices));
    return {Op::compute, {function_.add_value(type, name)}, {}, Compute{shape.shape, {body}, {}}, span};
  }

  const Module& module_;
  Function& function_;
  Loops loops_;
  Liveness liveness_;
  std::vector<bool> written_;  ///< by value
  std::unordered_map<ValueId, ExprId> fills_;  ///< tensors of one constant, and that
};

}  // namespace

void insert_copies(const ir::Module& module, ir::Function& function) {
  InsertCopies(module, function).run();
}

}  // namespace tenon::opt
