// One run of a kernel, statement by statement: what loops_interpret.h promises is done here.
#pragma once
#include <deque>
#include <unordered_set>

#include "ir/loops_interpret.h"
#include "ir/loops_walk.h"

namespace tenon::ir::loops {

using runtime::Tensor;

/// Elements in memory: of a tensor, or of a local with a shape.
struct Memory {
  Tensor tensor;
  std::vector<bool> set;  ///< of a local: which elements are
  uint64_t address = 0;   ///< in the simulated memory
};

/// One run of a kernel. `shared`: the expression objects that are met again while they are known.
class KernelRun {
 public:
  KernelRun(Caller& caller, const Kernel& kernel, const std::unordered_set<const Expr*>& shared,
            const std::vector<bool>& in_registers, KernelCounts& counts, Caches* caches)
      : caller_(caller),
        kernel_(kernel),
        shared_(shared),
        in_registers_(in_registers),
        counts_(counts),
        caches_(caches),
        buffers_(kernel.buffers.size()),
        arrays_(kernel.locals.size()),
        locals_(kernel.locals.size()),
        loops_(kernel.loops.size()) {}

  /// The address behind the last one that it takes, from `next` on.
  uint64_t lay_out(uint64_t next);
  std::vector<Tensor> run(std::vector<Tensor> inputs, std::vector<Scalar> scalars);

 private:
  void block(const Block& stmts);
  void exec(const For& loop);
  void exec(const SetLocal& set);
  void exec(const If& branch);
  void exec(const Store& store);
  void exec(const Prefetch& prefetch);
  void exec(const Check& check);
  void exec(const CallInto& call);
  void exec(const Await& await);
  void exec(const Barrier&) {}  // every loop ends before the next begins

  Scalar eval(const ExprPtr& e);
  Scalar eval_anew(const Expr& e);
  Scalar value(const Expr&, const Constant& constant) { return constant.value; }
  Scalar value(const Expr& e, const Loop& loop);
  Scalar value(const Expr& e, const Local& local);
  Scalar value(const Expr&, const Scalar_& scalar) { return scalars_[scalar.param]; }
  Scalar value(const Expr& e, const Read& read);
  Scalar value(const Expr& e, const Apply& apply);
  Scalar value(const Expr& e, const Convert& convert);
  Scalar value(const Expr& e, const Select& select);

  /// Row-major; nothing outside of the tensor.
  std::optional<int64_t> offset(const Memory& memory, const Subscripts& subscripts);
  void put(LocalId local, int64_t at, Scalar value);
  template <class Name>
  int64_t element(const Memory& memory, const Subscripts& subscripts, const Name& name);
  void touch(const Memory& memory, int64_t offset);
  std::string name_of(BufferId buffer) const { return "%" + kernel_.buffers[buffer].name; }
  [[noreturn]] void broken(const std::string& what) const;

  /// The value of a shared object: what it was in block number `point`, at `depth` of open blocks.
  struct Known {
    Scalar value;
    size_t depth = 0;
    int64_t point = -1;
  };

  Caller& caller_;
  const Kernel& kernel_;
  const std::unordered_set<const Expr*>& shared_;
  const std::vector<bool>& in_registers_;
  KernelCounts& counts_;
  /// The vectorized loop that is running: where each access to memory went in its last turn.
  struct Lanes {
    int64_t turn = 0;
    size_t next = 0;  ///< of the turn's accesses
    std::vector<uint64_t> addresses;
    int64_t scattered = 0;  ///< accesses that a vector does not save

    void note(uint64_t address, uint64_t bytes);
  };

  /// A copy that is on its way to an element of an array: it arrives as late as it may.
  struct Copy {
    LocalId array;
    int64_t at;
    Scalar value;
  };

  Caches* caches_;
  std::optional<Lanes> lanes_;
  std::deque<std::vector<Copy>> copies_{{}};  ///< group by group, the open one last
  std::vector<Memory> buffers_, arrays_;
  std::vector<Scalar> locals_, scalars_;
  std::vector<int64_t> loops_;  ///< their variables
  std::unordered_map<const Expr*, Known> known_;
  std::vector<int64_t> points_;  ///< of the open blocks
  int64_t last_point_ = 0;
};

}  // namespace tenon::ir::loops
