// reorder_chains: a chain of matrix products a @ b @ c … may be computed in any order of its
// products, and the orders differ widely in their multiplications: of a 1000 x 10, a 10 x 1000 and a
// 1000 x 1 matrix (a vector), (a @ b) @ v takes 11 million, a @ (b @ v) 20 thousand. The best order
// is found by dynamic programming over the parts of the chain (Cormen et al., "Introduction to
// Algorithms", 14.2, matrix-chain multiplication).
//
// When it may: for integers, whose arithmetic modulo 2^n is associative and distributive without
// rounding, so that every order gives the same bits. Not for floats: the language lets a sum combine
// its elements in any order, but (a @ b) @ c and a @ (b @ c) do not have the same elements; it forbids
// to reassociate operations otherwise, in default mode too. A product of which there is another use
// is computed anyhow, and is a factor of the chain, no part of it.
//
// When it pays: where the multiplications become fewer.
#include <algorithm>
#include <limits>
#include <set>

#include "opt/analysis/contraction.h"
#include "opt/pass.h"
#include "opt/rewrite.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// The search is cubic in the length of a chain; what a longer one has beyond stays as it is.
constexpr size_t kMaxFactors = 24;

/// A tensor as a matrix. A vector is a column, without an axis of columns; a transposed one is a row.
struct Factor {
  ValueId tensor;
  bool transposed = false;
  std::optional<int64_t> rows, columns;

  Factor flipped() const { return {tensor, !transposed, columns, rows}; }
};
struct Product {
  Factor left, right;
  uint32_t block;
};

double size(std::optional<int64_t> extent) { return static_cast<double>(extent.value_or(1)); }

/// How many multiplications the parts of a chain take at best, and where to divide them for that.
class ChainOrder {
 public:
  explicit ChainOrder(const std::vector<Factor>& factors)
      : best_(factors.size(), std::vector<double>(factors.size(), 0)),
        split_(factors.size(), std::vector<size_t>(factors.size(), 0)) {
    for (size_t length = 2; length <= factors.size(); ++length) {
      for (size_t i = 0; i + length <= factors.size(); ++i) search(factors, i, i + length - 1);
    }
  }
  double best() const { return best_.front().back(); }
  /// Factors i … j are best divided behind this one.
  size_t split(size_t i, size_t j) const { return split_[i][j]; }

 private:
  void search(const std::vector<Factor>& factors, size_t i, size_t j) {
    best_[i][j] = std::numeric_limits<double>::infinity();
    for (size_t k = i; k < j; ++k) {
      const double last = size(factors[i].rows) * size(factors[k].columns) * size(factors[j].columns);
      const double all = best_[i][k] + best_[k + 1][j] + last;
      if (all < best_[i][j]) best_[i][j] = all, split_[i][j] = k;
    }
  }
  std::vector<std::vector<double>> best_;
  std::vector<std::vector<size_t>> split_;
};

class ReorderChains {
 public:
  ReorderChains(Module& module, Function& function, PassContext& context)
      : module_(module), function_(function), exprs_(function.exprs), context_(context) {}

  void run() {
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      for (const Inst& inst : function_.blocks[b].insts) {
        for_each_use(function_, inst, [&](ValueId value) { ++users_[value]; });
        if (inst.op == Op::update) overwritten_.insert(inst.args[0]);
        if (const auto product = product_of(inst, b)) products_.emplace(inst.result(), *product);
      }
    }
    for (const auto& [value, product] : products_) {
      for (const Factor& factor : {product.left, product.right})
        if (is_own(factor, product.block)) parts_.insert(factor.tensor);
    }
    for (uint32_t b = 0; b < function_.blocks.size(); ++b) {
      std::vector<Inst> before;
      before.swap(function_.blocks[b].insts);
      for (Inst& inst : before) {
        const auto product = products_.find(inst.result());
        const bool whole = product != products_.end() && !parts_.contains(inst.result());
        if (!whole || !reorder(product->second, inst)) after_.push_back(std::move(inst));
      }
      function_.blocks[b].insts.swap(after_);
      after_.clear();
    }
  }

 private:
  // ---- products

  /// A sum over one index of two reads, one at row and index, the other at index and column.
  std::optional<Product> product_of(const Inst& inst, uint32_t block) const {
    if (inst.op != Op::compute || inst.results.size() != 1) return {};
    const Compute& compute = inst.get<Compute>();
    const auto rank = static_cast<uint32_t>(compute.extents.size());
    if (compute.schedule) return {};  // its loops are wanted as they are
    const auto found = contraction_of(exprs_, compute.bodies[0]);
    if (!found || rank > 2 || found->summed.size() != 1) return {};
    if (!runtime::is_integer(exprs_[compute.bodies[0]].type)) return {};
    const Level row = rank > 0 ? Level(0) : Level(), column = rank > 1 ? Level(1) : Level();
    for (const auto& [a, b] : {std::pair{found->left, found->right}, {found->right, found->left}}) {
      const auto left = factor(a, row, rank), right = factor(b, rank, column);
      if (left && right && covers(compute, *left, *right)) return Product{*left, *right, block};
    }
    return {};
  }

  using Level = std::optional<uint32_t>;

  /// A read whose subscripts are just these indices.
  std::optional<Factor> factor(ExprId id, Level row, Level column) const {
    const Expr& read = exprs_[id];
    if (read.kind != ExprKind::read) return {};
    const auto reads_at = [&](std::vector<Level> levels) {
      std::erase(levels, std::nullopt);
      return std::ranges::equal(read.args, levels, [&](ExprId arg, Level level) {
        return exprs_[arg].kind == ExprKind::index && exprs_[arg].level == *level;
      });
    };
    const Shape& shape = module_.type(function_, read.value).shape;
    if (reads_at({row, column})) {
      Factor factor{read.value, !row, {}, {}};
      if (row) factor.rows = shape.front();
      if (column) factor.columns = shape.back();
      return factor;
    }
    if (!reads_at({column, row})) return {};
    return Factor{read.value, true, shape.back(), shape.front()};
  }

  /// Whether nothing of the factors is left out.
  bool covers(const Compute& compute, const Factor& left, const Factor& right) const {
    const Expr& sum = exprs_[compute.bodies[0]];
    const Expr &lo = exprs_[sum.args[0]], &hi = exprs_[sum.args[1]];
    if (lo.kind != ExprKind::constant || hi.kind != ExprKind::constant) return false;
    Shape whole;
    for (const auto& extent : {left.rows, right.columns})
      if (extent) whole.push_back(*extent);
    return lo.constant.i == 0 && hi.constant.i == left.columns && left.columns == right.rows &&
           whole == compute.extents;
  }

  // ---- chains

  struct Chain {
    std::vector<Factor> factors;
    double cost = 0;  ///< multiplications in the present order
  };

  /// Whether a factor is a product that nothing else uses.
  bool is_own(const Factor& factor, uint32_t block) const {
    const auto inner = products_.find(factor.tensor);
    return inner != products_.end() && users_.at(factor.tensor) == 1 &&
           inner->second.block == block;
  }

  /// The factors of a product from the left, those of its own factors in their place: (a b)' is b' a'.
  Chain flatten(const Product& product) const {
    Chain chain;
    std::vector<Factor> todo;  // from the right
    const auto push = [&](const Product& p, bool transposed) {
      chain.cost += size(p.left.rows) * size(p.left.columns) * size(p.right.columns);
      todo.push_back(transposed ? p.left.flipped() : p.right);
      todo.push_back(transposed ? p.right.flipped() : p.left);
    };
    push(product, false);
    while (!todo.empty()) {
      const Factor factor = todo.back();
      todo.pop_back();
      const bool room = chain.factors.size() + todo.size() + 2 <= kMaxFactors;
      if (room && is_own(factor, product.block)) {
        push(products_.at(factor.tensor), factor.transposed);
      } else {
        chain.factors.push_back(factor);
      }
    }
    return chain;
  }

  bool reorder(const Product& product, const Inst& inst) {
    const Chain chain = flatten(product);
    // What is read later must not be overwritten before: it would have to be copied.
    const bool overwritten = std::ranges::any_of(
        chain.factors, [&](const Factor& f) { return overwritten_.contains(f.tensor); });
    if (chain.factors.size() < 3 || overwritten) return false;
    const ChainOrder order(chain.factors);
    if (order.best() >= chain.cost || !context_.may_rewrite("chain of products")) return false;
    emit(chain, order, 0, chain.factors.size() - 1, inst);
    return true;
  }

  /// Factors i … j multiplied; all of them are the value of `inst`.
  Factor emit(const Chain& chain, const ChainOrder& order, size_t i, size_t j, const Inst& inst) {
    if (i == j) return chain.factors[i];
    const size_t split = order.split(i, j);
    const Factor left = emit(chain, order, i, split, inst);
    const Factor right = emit(chain, order, split + 1, j, inst);
    Compute compute;
    if (left.rows) compute.extents.push_back(*left.rows);
    if (right.columns) compute.extents.push_back(*right.columns);
    const auto rank = static_cast<uint32_t>(compute.extents.size());
    const Level row = left.rows ? Level(0) : Level();
    const Level column = right.columns ? Level(rank - 1) : Level();
    const ExprId element =
        exprs_.apply(ScalarOp::mul, {read(left, row, rank), read(right, rank, column)});
    const ExprId zero = exprs_.constant(Scalar::integer(DType::i64, 0));
    const ExprId end = exprs_.constant(Scalar::integer(DType::i64, *left.columns));
    compute.bodies = {exprs_.reduce(Reduction::sum, rank, {zero, end}, element)};

    const bool whole = i == 0 && j + 1 == chain.factors.size();
    const TypeId type = module_.types.intern({exprs_[element].type, compute.extents});
    const ValueId result = whole ? inst.result() : function_.add_value(type, "product");
    after_.push_back({Op::compute, {result}, {}, std::move(compute), inst.span});
    return {result, !left.rows, left.rows, right.columns};
  }

  ExprId read(const Factor& factor, Level row, Level column) {
    if (factor.transposed) std::swap(row, column);
    std::vector<ExprId> subscripts;
    if (row) subscripts.push_back(exprs_.index(*row));
    if (column) subscripts.push_back(exprs_.index(*column));
    return exprs_.read(factor.tensor, module_.type(function_, factor.tensor).dtype, subscripts);
  }

  Module& module_;
  Function& function_;
  Exprs& exprs_;
  PassContext& context_;
  std::unordered_map<ValueId, int> users_;
  std::unordered_map<ValueId, Product> products_;
  std::set<ValueId> parts_;  ///< products that belong to another's chain
  std::set<ValueId> overwritten_;
  std::vector<Inst> after_;  ///< the block being written
};

}  // namespace

void reorder_chains(ir::Module& module, PassContext& context) {
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (!has_owners(function)) ReorderChains(module, function, context).run();
  }
}

}  // namespace tenon::opt
