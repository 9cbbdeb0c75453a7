// mma i, j, k: the turns of three loops are those of a warp's matrix units, 16 rows by 16 columns by 16 (of
// f32, as tf32, 8) products in each sum. It takes what `split` and `order` leave behind: the three loops in
// each other around the one step, and wherever else the tile is used, as where it starts from zero and where
// it is stored, its rows and columns in each other. The units add in an order of their own, so it is not for
// --strict; and they round f32 to 11 bits, which only --tf32 allows.
#include <fmt/format.h>

#include <algorithm>

#include "opt/loops/matrix.h"

namespace tenon::opt::loops {
namespace {

using runtime::DType;
using runtime::ScalarOp;

constexpr MatrixUnit kUnits[] = {
#define MMA(element, capability, summed, operands) {DType::element, capability, summed, operands},
#include "opt/loops/mma.def"
};

/// What is converted to f32, or is f32.
ExprPtr element_of(const ExprPtr& operand) {
  const auto* convert = std::get_if<Convert>(&operand->node);
  return convert != nullptr ? convert->operand : operand;
}

const For* inner_loop(const For& loop) {
  return loop.body.size() == 1 ? std::get_if<For>(&loop.body[0].node) : nullptr;
}

/// Whether an axis of the tile is that loop's, and only that one.
bool has_axis(const SetLocal& step, LoopId loop) {
  return std::ranges::count_if(step.subscripts, [&](const ExprPtr& s) {
           const auto* variable = std::get_if<Loop>(&s->node);
           return variable != nullptr && variable->loop == loop;
         }) == 1;
}

class Marking {
 public:
  Marking(Kernel& kernel, const Directive& directive, Mode mode) : kernel_(kernel), mode_(mode) {
    if (directive.loops.size() != 3) throw Refused{"it takes three loops: rows, columns, the summed one"};
    for (const std::string& name : directive.loops) loops_.push_back(find_loop(kernel, name));
  }

  void run() {
    if (mode_.strict) throw Refused{"the matrix units add in an order of their own, which --strict forbids"};
    look(kernel_.body);
    if (!found_) throw Refused{"the three loops are not in each other"};
    mark(kernel_.body);
  }

 private:
  bool is_ours(const For& loop) const { return std::ranges::count(loops_, loop.loop) != 0; }
  std::string name(LoopId loop) const { return quoted(kernel_.loops[loop]); }

  void look(const Block& block) {
    for (const Stmt& stmt : block) {
      const auto* loop = std::get_if<For>(&stmt.node);
      if (loop == nullptr || !is_ours(*loop)) {
        for_each_block(stmt, [&](const Block& inner) { look(inner); });
        continue;
      }
      if (contains_loop(loop->body, loops_[2])) check_product(*loop);
      else check_elements(*loop);
    }
  }

  void check_product(const For& outermost) {
    const std::optional<MatrixProduct> product = matrix_product(outermost);
    if (!product || product->rows != loops_[0] || product->columns != loops_[1] || product->summed != loops_[2])
      throw Refused{fmt::format("loops {}, {} and {} are not those of a product, with nothing else in them",
                                name(loops_[0]), name(loops_[1]), name(loops_[2]))};
    const DType element = product->element;
    if (element == DType::f32 && !mode_.tf32)
      throw Refused{"the matrix units round f32 to tf32, which --tf32 allows"};
    if (matrix_unit(element, mode_.capability) == nullptr)
      throw Refused{fmt::format("sm_{} has no matrix unit for {}", mode_.capability, runtime::row(element).text)};
    if (!has_axis(*product->step, loops_[0]) || !has_axis(*product->step, loops_[1]))
      throw Refused{"what it adds to has no axis for its rows, or none for its columns"};
    if (!steps_of(kernel_, outermost.body, product->step->local, mode_))
      throw Refused{"its steps may not be taken in another order"};
    const int64_t wanted[] = {kMatrixRows, kMatrixColumns, matrix_summed(element)};
    const For* loop = &outermost;
    for (int depth = 0; depth < 3; ++depth, loop = inner_loop(*loop)) {
      const auto which = std::ranges::find(loops_, loop->loop) - loops_.begin();
      check_turns(*loop, wanted[which]);
    }
    found_ = true;
  }

  /// Where the tile is set or stored.
  void check_elements(const For& outer) const {
    const For* inner = nullptr;
    for (const Stmt& stmt : outer.body)
      if (const auto* loop = std::get_if<For>(&stmt.node)) inner = inner == nullptr ? loop : &outer;
    if (inner == nullptr || inner == &outer || !is_ours(*inner))
      throw Refused{fmt::format("loops {} and {} are not in each other where there is no sum",
                                name(loops_[0]), name(loops_[1]))};
    check_turns(outer, kMatrixRows);
    check_turns(*inner, kMatrixColumns);
  }

  void check_turns(const For& loop, int64_t turns) const {
    if (loop.kind != LoopKind::serial) throw Refused{fmt::format("loop {} is marked already", name(loop.loop))};
    if (constant_of(loop.lo) != 0 || turns_of(loop) != turns)
      throw Refused{fmt::format("loop {} does not have the {} turns that a matrix unit takes",
                                name(loop.loop), turns)};
  }

  void mark(Block& block) const {
    for (Stmt& stmt : block) {
      if (auto* branch = std::get_if<If>(&stmt.node)) mark(branch->then), mark(branch->otherwise);
      auto* loop = std::get_if<For>(&stmt.node);
      if (loop == nullptr) continue;
      if (is_ours(*loop)) loop->kind = LoopKind::mma;
      mark(loop->body);
    }
  }

  Kernel& kernel_;
  const Mode mode_;
  std::vector<LoopId> loops_;
  bool found_ = false;
};

}  // namespace

std::optional<MatrixProduct> matrix_product(const For& outermost) {
  const For *second = inner_loop(outermost), *third = second != nullptr ? inner_loop(*second) : nullptr;
  if (third == nullptr || third->body.size() != 1) return {};
  const auto* step = std::get_if<SetLocal>(&third->body[0].node);
  const auto* sum = step == nullptr || step->value == nullptr ? nullptr : std::get_if<Apply>(&step->value->node);
  if (sum == nullptr || sum->op != ScalarOp::add || step->value->type != DType::f32) return {};
  const auto* so_far = std::get_if<Local>(&sum->args[0]->node);
  const auto* factors = std::get_if<Apply>(&sum->args[1]->node);
  if (so_far == nullptr || so_far->local != step->local || factors == nullptr || factors->op != ScalarOp::mul)
    return {};
  // The outer one of the two that are not summed is that of the rows; products commute.
  const ExprPtr operands[] = {element_of(factors->args[0]), element_of(factors->args[1])};
  MatrixProduct product{0, 0, 0, step, nullptr, nullptr, DType::f32};
  int rows = 0, columns = 0, summed = 0;
  for (const For* loop : {&outermost, second, third}) {
    const bool in[] = {mentions_loop(operands[0], loop->loop), mentions_loop(operands[1], loop->loop)};
    if (in[0] && in[1]) {
      product.summed = loop->loop, ++summed;
    } else if (in[0] != in[1] && rows == 0) {
      product.rows = loop->loop, ++rows;
      product.left = operands[in[0] ? 0 : 1], product.right = operands[in[0] ? 1 : 0];
    } else if (in[0] != in[1] && mentions_loop(product.right, loop->loop)) {
      product.columns = loop->loop, ++columns;
    }
  }
  if (rows != 1 || columns != 1 || summed != 1) return {};
  product.element = product.left->type;
  const auto is_element = [](const ExprPtr& e) {
    return std::holds_alternative<Local>(e->node) || std::holds_alternative<Read>(e->node);
  };
  if (product.right->type != product.element || !is_element(product.left) || !is_element(product.right))
    return {};
  return product;
}

const MatrixUnit* matrix_unit(DType element, int capability) {
  const MatrixUnit* found = nullptr;
  for (const MatrixUnit& unit : kUnits)
    if (unit.element == element && unit.capability <= capability) found = &unit;
  return found;
}

int64_t matrix_summed(DType element) { return element == DType::f32 ? 8 : 16; }

void mma(Kernel& kernel, const Directive& directive, Mode mode) { Marking(kernel, directive, mode).run(); }

}  // namespace tenon::opt::loops
