// What the matrix units leave in the registers of a warp's lanes: of 16 rows and 16 columns each lane has 8
// elements, in two halves of 8 columns.
//
// [exercise fragment unmarked]
// With g = lane / 4 and t = lane % 4 element e is at
//
//     row g + 8 * (e / 2 % 2), column 2 t + e % 2 + 8 * (e / 4)
//
// [end]
// ("Matrix fragments for mma.m16n8k16" in NVIDIA's manual of PTX.)
#include <algorithm>

#include "opt/loops/matrix.h"

namespace tenon::opt::loops {
namespace {

using runtime::ScalarOp;

class Fragments {
 public:
  explicit Fragments(const Kernel& kernel) : kernel_(kernel) {
    find(kernel_.body);
    if (tiles_.empty()) return;
    lane_ = add_loop(kernel_, fresh_name(kernel_, "lane"));
    element_ = add_loop(kernel_, fresh_name(kernel_, "element"));
    for (const auto& [local, tile] : tiles_) {
      ir::Shape& shape = kernel_.locals[local].shape;
      for (const size_t axis : {std::max(tile.row_axis, tile.column_axis), std::min(tile.row_axis, tile.column_axis)})
        shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
      shape.push_back(kFragment);
    }
    kernel_.body = rewritten(kernel_.body);
  }
  Kernel take() { return std::move(kernel_); }

 private:
  struct Tile {
    LoopId rows, columns;
    size_t row_axis, column_axis;
  };

  void find(const Block& block) {
    for (const Stmt& stmt : block) {
      const auto* loop = std::get_if<For>(&stmt.node);
      const bool is_mma = loop != nullptr && loop->kind == LoopKind::mma;
      if (const auto product = is_mma ? matrix_product(*loop) : std::nullopt) {
        const auto axis = [&](LoopId of) {
          const Subscripts& all = product->step->subscripts;
          return static_cast<size_t>(std::ranges::find_if(all, [&](const ExprPtr& s) {
                                       const auto* variable = std::get_if<Loop>(&s->node);
                                       return variable != nullptr && variable->loop == of;
                                     }) - all.begin());
        };
        tiles_[product->step->local] = {product->rows, product->columns, axis(product->rows),
                                        axis(product->columns)};
      } else {
        for_each_block(stmt, [&](const Block& inner) { find(inner); });
      }
    }
  }

  Block rewritten(const Block& block) {
    Block result;
    for (Stmt stmt : block) {
      auto* loop = std::get_if<For>(&stmt.node);
      if (auto* branch = std::get_if<If>(&stmt.node)) {
        branch->then = rewritten(branch->then);
        branch->otherwise = rewritten(branch->otherwise);
      } else if (loop != nullptr && loop->kind != LoopKind::mma) {
        loop->body = rewritten(loop->body);
      } else if (loop != nullptr) {
        result.push_back(matrix_product(*loop) ? product(stmt) : elements(*loop));
        continue;
      }
      result.push_back(std::move(stmt));
    }
    return result;
  }

  /// The step reads and sets a whole fragment, of which it names the first element.
  Stmt product(const Stmt& stmt) { return of_fragments({stmt}, integer(0))[0]; }

  /// Every lane takes its elements, one after the other.
  Stmt elements(const For& outer) {
    Block body;
    LoopId inner = outer.loop;
    for (const Stmt& stmt : outer.body) {
      const auto* loop = std::get_if<For>(&stmt.node);
      if (loop == nullptr || loop->kind != LoopKind::mma) {
        body.push_back(stmt);
        continue;
      }
      inner = loop->loop;
      body.insert(body.end(), loop->body.begin(), loop->body.end());
    }
    body = of_fragments(body, variable(element_));
    const auto is_row = [&](LoopId loop) {
      return std::ranges::any_of(tiles_, [&](const auto& tile) { return tile.second.rows == loop; });
    };
    for (const LoopId loop : {outer.loop, inner}) body = with_loop(body, loop, is_row(loop) ? row() : column());
    For each{element_, integer(0), integer(kFragment), std::move(body), LoopKind::unrolled};
    return {For{lane_, integer(0), integer(32), {Stmt{std::move(each)}}, LoopKind::thread}};
  }

  /// Where in the tile the element `element_` of the lane `lane_` is.
  ExprPtr row() const {
    // [exercise fragment]
    // [starter] return integer(0);
    const ExprPtr half = apply(ScalarOp::mod, {divided(variable(element_), 2), integer(2)});
    return sum(divided(variable(lane_), 4), ir::loops::product(half, 8));
    // [end]
  }
  ExprPtr column() const {
    // [exercise fragment]
    // [starter] return integer(0);
    const ExprPtr pair = apply(ScalarOp::mod, {variable(lane_), integer(4)});
    const ExprPtr within = apply(ScalarOp::mod, {variable(element_), integer(2)});
    return sum(sum(ir::loops::product(pair, 2), within), ir::loops::product(divided(variable(element_), 4), 8));
    // [end]
  }
  static ExprPtr divided(ExprPtr e, int64_t by) { return apply(ScalarOp::div, {std::move(e), integer(by)}); }

  /// Tiles are subscripted by the element of a lane in the place of row and column.
  Block of_fragments(const Block& block, const ExprPtr& element) {
    return with_locals(block, [&](const Local& array) -> std::optional<Local> {
      const auto tile = tiles_.find(array.local);
      if (tile == tiles_.end()) return {};
      Subscripts left;
      for (size_t axis = 0; axis < array.subscripts.size(); ++axis)
        if (axis != tile->second.row_axis && axis != tile->second.column_axis) left.push_back(array.subscripts[axis]);
      left.push_back(element);
      return Local{array.local, std::move(left)};
    });
  }

  Kernel kernel_;
  std::map<LocalId, Tile> tiles_;
  LoopId lane_ = 0, element_ = 0;
};

}  // namespace

Kernel fragmented(const Kernel& kernel) { return Fragments(kernel).take(); }

}  // namespace tenon::opt::loops
