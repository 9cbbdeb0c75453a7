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
//
// What the four lanes of a row store at once are 8 neighbours: of f32 a sector of 32 bytes, of f16 and bf16 half a
// one. There lanes exchange elements first, those of the second half of the columns for those of the first, so that
// each has strips of 4 neighbours in two rows, and four lanes all 16 columns. Element e of the tile in strips is at
//
//     row g + 8 * (e / 4), column 8 * (t % 2) + 4 * (t / 2) + e % 4
//
// In the numbers of places that is one bit of the lane's number for one of the element's. (Transposition in
// registers by such exchanges: Eklundh, "A fast computer method for matrix transposing", 1972.)
#include <algorithm>

#include "opt/loops/access.h"
#include "opt/loops/matrix.h"

namespace tenon::opt::loops {
namespace {

using runtime::DType;
using runtime::ScalarOp;

constexpr int64_t kSectorBytes = 32;  ///< of memory, what moves together

class Fragments {
 public:
  explicit Fragments(const Kernel& kernel) : kernel_(kernel) {
    find(kernel_.body);
    if (tiles_.empty()) return;
    lane_ = add_loop(kernel_, fresh_name(kernel_, "lane"));
    element_ = add_loop(kernel_, fresh_name(kernel_, "element"));
    strip_ = add_loop(kernel_, fresh_name(kernel_, "strip"));
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
        if (matrix_product(*loop)) result.push_back(product(stmt));
        else std::ranges::move(elements(*loop), std::back_inserter(result));
        continue;
      }
      result.push_back(std::move(stmt));
    }
    return result;
  }

  /// The step reads and sets a whole fragment, of which it names the first element.
  Stmt product(const Stmt& stmt) { return of_fragments({stmt}, integer(0))[0]; }

  /// Every lane takes its elements, one after the other, or as strips.
  Block elements(const For& outer) {
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
    const auto is_rows = [&](const auto& tile) { return tile.second.rows == outer.loop; };
    const bool rows_first = std::ranges::any_of(tiles_, is_rows);
    const LoopId rows = rows_first ? outer.loop : inner, columns = rows_first ? inner : outer.loop;
    if (leaves_sectors_half_full(body, columns)) return in_strips(std::move(body), rows, columns);
    body = with_loop(of_fragments(body, variable(element_)), rows, row());
    body = with_loop(body, columns, column());
    For each{element_, integer(0), integer(kFragment), std::move(body), LoopKind::unrolled};
    return {Stmt{For{lane_, integer(0), integer(32), {Stmt{std::move(each)}}, LoopKind::thread}}};
  }

  /// Whether all that the elements are for is stores, as narrow as that, side by side in the columns.
  bool leaves_sectors_half_full(const Block& body, LoopId columns) const {
    bool any = false;
    for (const Stmt& stmt : body) {
      const auto* set = std::get_if<SetLocal>(&stmt.node);
      const auto* store = std::get_if<Store>(&stmt.node);
      if (store == nullptr && (set == nullptr || !set->declares)) return false;
      if (store == nullptr) continue;
      const ir::Type& type = kernel_.buffers[store->buffer].type;
      const std::optional<Strides> strides = strides_of(type.shape, store->subscripts);
      if (!strides || !strides->contains(columns) || strides->at(columns) != 1) return false;
      any |= kMatrixColumns / 2 * static_cast<int64_t>(runtime::row(type.dtype).bytes) < kSectorBytes;
    }
    return any;
  }

  /// Tiles are copied into strips, by a loop of the matrix unit's: that is the exchange.
  Block in_strips(Block body, LoopId rows, LoopId columns) {
    Block result;
    std::vector<std::pair<ExprPtr, LocalId>> copies;
    const ExprPtr element = sum(ir::loops::product(variable(strip_), kStrip), variable(element_));
    body = with_locals(body, [&](const Local& array) -> std::optional<Local> {
      const std::optional<Local> tile = of_fragment(array, integer(0));
      if (!tile) return {};
      const ExprPtr whole = get(kernel_, tile->local, tile->subscripts);
      auto copy = std::ranges::find_if(copies, [&](const auto& made) {
        const Local& known = std::get<Local>(made.first->node);
        return known.local == tile->local && std::ranges::equal(known.subscripts, tile->subscripts, same_text);
      });
      if (copy == copies.end()) {
        const LocalId strips = add_local(kernel_, DType::f32, {kFragment});
        result.push_back({SetLocal{strips, nullptr, true}});
        Block set{{SetLocal{strips, whole, false, false, {integer(0)}}}};
        set = {{For{columns, integer(0), integer(kMatrixColumns), std::move(set), LoopKind::mma}}};
        result.push_back({For{rows, integer(0), integer(kMatrixRows), std::move(set), LoopKind::mma}});
        copy = copies.emplace(copies.end(), whole, strips);
      }
      return Local{copy->second, {element}};
    });
    const ExprPtr pair = apply(ScalarOp::mod, {variable(lane_), integer(4)});
    const ExprPtr half = ir::loops::product(apply(ScalarOp::mod, {pair, integer(2)}), kMatrixColumns / 2);
    const ExprPtr quarter = ir::loops::product(divided(pair, 2), kStrip);
    const ExprPtr lower = ir::loops::product(variable(strip_), kMatrixRows / 2);
    body = with_loop(body, rows, sum(divided(variable(lane_), 4), lower));
    body = with_loop(body, columns, sum(sum(half, quarter), variable(element_)));
    For strip{element_, integer(0), integer(kStrip), std::move(body), LoopKind::vectorized};
    For each{strip_, integer(0), integer(kFragment / kStrip), {Stmt{std::move(strip)}}, LoopKind::unrolled};
    result.push_back({For{lane_, integer(0), integer(32), {Stmt{std::move(each)}}, LoopKind::thread}});
    return result;
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
    return with_locals(block, [&](const Local& array) { return of_fragment(array, element); });
  }
  std::optional<Local> of_fragment(const Local& array, const ExprPtr& element) const {
    const auto tile = tiles_.find(array.local);
    if (tile == tiles_.end()) return {};
    Subscripts left;
    for (size_t axis = 0; axis < array.subscripts.size(); ++axis)
      if (axis != tile->second.row_axis && axis != tile->second.column_axis) left.push_back(array.subscripts[axis]);
    left.push_back(element);
    return Local{array.local, std::move(left)};
  }

  Kernel kernel_;
  std::map<LocalId, Tile> tiles_;
  LoopId lane_ = 0, element_ = 0, strip_ = 0;  ///< element_: of a fragment, or of a strip
};

}  // namespace

Kernel fragmented(const Kernel& kernel) { return Fragments(kernel).take(); }

}  // namespace tenon::opt::loops
