// pack w at jo: at the beginning of each turn of the loop `jo`, what the turn reads of %w is copied into
// an array of its own, in the order of the loops that read it; then it is read there, one element
// after the other. That pays where elements are read many times, and far apart: a panel of a matrix
// whose rows are long takes a page of memory for every row, and a transposed one goes by columns.
//
//     for jo { for k { for ji { … %w[k, jo * 32 + ji] … } } }
//
//     for jo {
//       local b: f32[64, 32]
//       for k { for ji { b[k, ji] = %w[k, jo * 32 + ji] } }
//       for k { for ji { … b[k, ji] … } }
//     }
//
// (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", TOMS 2008.)
#include <fmt/format.h>

#include <map>

#include "opt/loops/nest.h"

namespace tenon::opt::loops {
namespace {

class Packing {
 public:
  Packing(Kernel& kernel, BufferId buffer, const For& at)
      : kernel_(kernel), buffer_(buffer), at_(at) {}

  Block run();

 private:
  void find(const Block& block);
  void note(const Subscripts& subscripts);
  const ir::Shape shape() const;

  Kernel& kernel_;
  BufferId buffer_;
  const For& at_;
  std::vector<For> open_;      ///< the loops around the statement being looked at, inside `at`
  Subscripts subscripts_;      ///< of every read
  std::vector<LoopId> loops_;  ///< that are in them, outermost first: the axes of the array
  std::vector<std::vector<For>> chains_;  ///< those loops, with each set of bounds that they have
};

/// Whether two expressions are written alike.
bool same(const ExprPtr& a, const ExprPtr& b) {
  if (a == b) return true;
  if (a->type != b->type || a->node.index() != b->node.index()) return false;
  if (const auto* x = std::get_if<Constant>(&a->node)) return x->value == std::get<Constant>(b->node).value;
  if (const auto* x = std::get_if<Loop>(&a->node)) return x->loop == std::get<Loop>(b->node).loop;
  if (const auto* x = std::get_if<Scalar_>(&a->node)) return x->param == std::get<Scalar_>(b->node).param;
  const auto* x = std::get_if<Apply>(&a->node);
  if (x == nullptr) return false;
  const auto& y = std::get<Apply>(b->node);
  if (x->op != y.op || x->args.size() != y.args.size()) return false;
  for (size_t i = 0; i < x->args.size(); ++i)
    if (!same(x->args[i], y.args[i])) return false;
  return true;
}

void Packing::find(const Block& block) {
  for (const Stmt& stmt : block) {
    const std::function<void(const ExprPtr&)> walk = [&](const ExprPtr& e) {
      if (e == nullptr) return;
      for_each_operand(*e, walk);
      const auto* read = std::get_if<Read>(&e->node);
      if (read != nullptr && read->buffer == buffer_) note(read->subscripts);
    };
    for_each_expr(stmt, walk);
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop != nullptr) open_.push_back({loop->loop, loop->lo, loop->hi, {}, loop->kind});
    for_each_block(stmt, [&](const Block& inner) { find(inner); });
    if (loop != nullptr) open_.pop_back();
  }
}

void Packing::note(const Subscripts& subscripts) {
  const std::string& name = kernel_.buffers[buffer_].name;
  std::vector<For> chain;
  std::vector<LoopId> loops;
  for (const For& loop : open_) {
    bool used = false;
    for (const ExprPtr& s : subscripts) used |= mentions_loop(s, loop.loop);
    if (!used) continue;
    if (!turns_of(loop))
      throw Refused{fmt::format("the number of turns of loop {}, which reads %{}, is not constant",
                                quoted(kernel_.loops[loop.loop]), name)};
    chain.push_back(loop);
    loops.push_back(loop.loop);
  }
  if (subscripts_.empty()) subscripts_ = subscripts, loops_ = loops;
  bool alike = loops == loops_;
  for (size_t i = 0; alike && i < subscripts.size(); ++i) alike = same(subscripts[i], subscripts_[i]);
  if (!alike) throw Refused{fmt::format("%{} is read at several places", name)};
  for (const std::vector<For>& known : chains_) {
    bool equal = true;
    for (size_t i = 0; i < chain.size(); ++i)
      equal = equal && constant_of(known[i].lo) == constant_of(chain[i].lo) &&
              constant_of(known[i].hi) == constant_of(chain[i].hi);
    if (equal) return;
  }
  chains_.push_back(std::move(chain));
}

const ir::Shape Packing::shape() const {
  constexpr int64_t kMostElements = int64_t{1} << 28;
  ir::Shape shape(loops_.size(), 1);
  int64_t elements = 1;
  for (size_t axis = 0; axis < loops_.size(); ++axis) {
    for (const std::vector<For>& chain : chains_)
      shape[axis] = std::max(shape[axis], *constant_of(chain[axis].hi));
    if (shape[axis] > kMostElements / elements)
      throw Refused{fmt::format("what is read of %{} there is too large to be copied",
                                kernel_.buffers[buffer_].name)};
    elements *= shape[axis];
  }
  return shape;
}

Block Packing::run() {
  find(at_.body);
  if (chains_.empty() || loops_.empty()) return {Stmt{at_}};
  const LocalId array = add_local(kernel_, kernel_.buffers[buffer_].type.dtype, shape());
  Subscripts places;
  for (const LoopId loop : loops_) places.push_back(variable(loop));

  For result = at_;
  result.body = {Stmt{SetLocal{array, nullptr, true}}};
  for (const std::vector<For>& chain : chains_) {
    const ExprPtr element =
        make(kernel_.locals[array].dtype, Read{buffer_, subscripts_});
    Block block{Stmt{SetLocal{array, element, false, false, places}}};
    for (size_t i = chain.size(); i-- > 0;) {
      For loop = chain[i];
      loop.body = std::move(block);
      block = Block{Stmt{std::move(loop)}};
    }
    result.body.push_back(std::move(block[0]));
  }
  Copier copier([&](const ExprPtr& e) {
    const auto* read = std::get_if<Read>(&e->node);
    return read != nullptr && read->buffer == buffer_ ? get(kernel_, array, places) : e;
  });
  for (Stmt& stmt : copier.block(at_.body)) result.body.push_back(std::move(stmt));
  return {Stmt{std::move(result)}};
}

}  // namespace

void pack(Kernel& kernel, const Directive& directive, Mode) {
  const LoopId loop = find_loop(kernel, directive.loops[0]);
  std::optional<BufferId> buffer;
  for (BufferId b = 0; b < kernel.buffer_values.size(); ++b)
    if (kernel.buffers[b].name == directive.operand) buffer = b;
  if (!buffer) throw Refused{fmt::format("the kernel reads no tensor {}", quoted(directive.operand))};
  replace_loops(kernel.body, loop,
                [&](const For& found) { return Packing(kernel, *buffer, found).run(); });
}

}  // namespace tenon::opt::loops
