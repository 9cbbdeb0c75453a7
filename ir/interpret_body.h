// Values of the SSA interpreter, and how it evaluates the body of a compute.
#pragma once
#include <memory>
#include <vector>

#include "ast/run_error.h"
#include "ir/counts.h"
#include "ir/ir.h"

namespace tenon::ir {

/// A tensor at run time. Values that are one tensor (a parameter and what was passed) share it.
struct TensorObject {
  runtime::Tensor tensor;
  int64_t owners = 1;  ///< as share and drop count them; none: it is gone
};

/// What a value is: `object` of tensors, else `scalar`.
struct Slot {
  Scalar scalar;
  std::shared_ptr<TensorObject> object;
};
using Frame = std::vector<Slot>;  ///< by ValueId

/// The tensor that a value is. Throws std::logic_error if its last owner gave it up.
const runtime::Tensor& tensor_of(const Function& function, const Frame& frame, ValueId id);

class Caller {
 public:
  virtual ~Caller() = default;
  /// Runs a function and gives its results; throws ast::RunError, for too deep a recursion at
  /// `span`.
  virtual std::vector<Slot> call(FuncId callee, std::vector<Slot> args, Span span) = 0;

  struct OutOfSteps {};
  /// Counts `times` evaluations of `nodes` each, if there is a limit. Throws OutOfSteps beyond it.
  void take_steps(int64_t times, int64_t nodes) {
    if (steps_ == nullptr) return;
    if (nodes > 0 && times > *steps_ / nodes) throw OutOfSteps{};
    *steps_ -= times * nodes;
  }

 protected:
  int64_t* steps_ = nullptr;  ///< what is left of them; none: no limit
};

/// Evaluates one compute. It walks the tree node by node: operands from the left, a branch of an if
/// only where it is taken, indices in row-major order. Nodes that are shared, reductions and calls are
/// evaluated once for all inner loops that they do not depend on, as in the loop nests.
class BodyInterpreter {
 public:
  BodyInterpreter(Caller& caller, Counts& counts, const Function& function, const Frame& frame,
                  const Inst& inst)
      : caller_(caller),
        counts_(counts),
        function_(function),
        exprs_(function.exprs),
        frame_(frame),
        inst_(inst),
        compute_(inst.get<Compute>()) {
    find_kept();
  }

  /// One for each body; of a compute of rank 0 they are scalars.
  std::vector<runtime::Tensor> tensors();
  std::vector<Scalar> scalars();

 private:
  struct Bounds {
    int64_t lo, hi;
  };

  /// The value of a node when the innermost index that it needs had last been changed at `change`.
  struct Known {
    uint32_t levels;  ///< that it needs
    Scalar value = {};
    int64_t change = -1;
  };

  void find_kept();
  int64_t last_change(uint32_t levels) const { return levels == 0 ? 0 : changes_[levels - 1]; }
  Scalar eval(ExprId id);
  Scalar eval_anew(ExprId id);
  Scalar apply(ExprId id, const Expr& node);
  Scalar read(ExprId id, const Expr& node);
  Scalar reduce(ExprId id, const Expr& node);
  Scalar call(ExprId id, const Expr& node);
  template <class Visit>
  void for_each_point(size_t level, std::span<const Bounds> bounds, const Visit& visit);
  [[noreturn]] void fail(ExprId id, runtime::FaultKind kind, int64_t a = 0, int64_t b = 0,
                         std::string_view text = {}) const;
  Span span_of(ExprId id) const;

  Caller& caller_;
  Counts& counts_;
  const Function& function_;
  const Exprs& exprs_;
  const Frame& frame_;
  const Inst& inst_;
  const Compute& compute_;
  std::vector<int64_t> levels_;   ///< values of the bound indices
  std::vector<int64_t> changes_;  ///< by level: the number of its index's last change
  int64_t change_ = 0;
  std::unordered_map<ExprId, Known> kept_;
};

}  // namespace tenon::ir
