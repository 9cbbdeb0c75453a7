// A kernel while it is being written. The parts of the class stand in files of their own:
//   loops_to_llvm.cpp    the function, blocks, loops and branches
//   loop_values.cpp      expressions
//   loop_addresses.cpp   elements of tensors and of arrays in memory
//   loop_stores.cpp      stores, of what lanes have and memory wants side by side, too
//   loop_locals.cpp      locals: registers, and the phis that carry them around loops
//   loop_parallel.cpp    parallel loops: functions of their own, and what they use from around them
//   gpu/threads.cpp      loops over blocks and threads of a GPU
//   gpu/reduce.cpp       what the threads of a block put together
//   gpu/matrix.cpp       products of its matrix units
#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <unordered_map>

#include "backend/calls.h"
#include "backend/elements.h"
#include "backend/gpu/launch.h"
#include "backend/loops_to_llvm.h"
#include "backend/nest_facts.h"
#include "backend/recipe.h"
#include "opt/loops/matrix.h"
#include "opt/loops/shared_memory.h"

namespace tenon::backend {

using ir::loops::BufferId;
using ir::loops::Kernel;

/// What an expression is in the text.
struct Value {
  std::string text;                 ///< a register or a constant
  bool varies = false;              ///< a value for each lane of the vectorized loop
  std::optional<Scalar> constant = {};
  uint32_t depth = 0;               ///< how many serial loops are open where it is known
};

inline int64_t wrapping_product(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
inline int64_t wrapping_sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

/// constant + lane * (the turn of the vectorized loop) + factors * registers, all i64. It wraps, as
/// addresses do.
struct Sum {
  struct Term {
    Value value;
    int64_t factor;
  };
  int64_t constant = 0, lane = 0;
  std::vector<Term> terms;

  void add(int64_t factor, const Sum& other);
  bool is_constant() const { return lane == 0 && terms.empty(); }
  bool has_varying() const;
};

/// Where a local is. A scalar has one register, an array those of its elements (or of so many of them
/// along the last axis as they have lanes), or an address.
struct Place {
  Lanes lanes = {};               ///< of each register
  std::vector<Value> registers = {};
  std::string memory = {};
};

class KernelWriter {
 public:
  KernelWriter(ModuleText& module_text, const ir::Module& module, const Conventions& conventions,
               NestFacts& facts, bool strict, Processor processor);
  std::string write();

 private:
  // ---- loops_to_llvm.cpp
  std::string parameters();
  void finish();
  void block(const ir::loops::Block& stmts);
  void at(Span span) { out_.at(span.known() ? span : kernel_.span, kernel_.name); }
  void stmt(const ir::loops::For& loop);
  void stmt(const ir::loops::SetLocal& set);
  void stmt(const ir::loops::If& branch);
  void stmt(const ir::loops::Store& store);
  void stmt(const ir::loops::Prefetch& prefetch);
  void stmt(const ir::loops::Check& check);
  void stmt(const ir::loops::CallInto& call);
  void call_in_lanes(const ir::loops::CallInto& call);
  void stmt(const ir::loops::Barrier& barrier);
  void stmt(const ir::loops::Await& await);
  /// The registers or constants of a loop's bounds, and what is known of them.
  struct Bounds {
    std::string lo, hi;
    bool some, nonnegative;
  };
  void serial(const ir::loops::For& loop, const Bounds& bounds);
  void unrolled(const ir::loops::For& loop, Turns turns);
  void vectorized(const ir::loops::For& loop, Turns turns, const Varying& varying);

  // ---- loop_parallel.cpp
  explicit KernelWriter(KernelWriter& around);
  bool is_function(const ir::loops::For& loop) const;
  void parallel(const ir::loops::For& loop, const Bounds& bounds);
  std::string write_turns(const ir::loops::For& loop, const std::string& name);
  std::string environment_type() const;
  /// `text` as this function can name it: what is outside a parallel loop is fetched on first use.
  const std::string& here(std::string& text, std::string_view type);

  // ---- gpu/threads.cpp
  bool on_gpu() const { return processor_ == Processor::gpu; }
  bool is_bound(const ir::loops::For& loop) const;
  void bound(const ir::loops::For& loop);
  std::string entry_signature(const std::string& params) const;
  std::string special_register(std::string_view name);
  std::string coordinate(const ir::loops::For& loop);
  /// Whether a turn of the loop is this block's or thread's; empty where it surely is.
  std::string counted_once(runtime::ScalarOp op, DType type, const std::string& part, const ir::loops::For& loop);
  std::string takes_turn(const ir::loops::For& loop, const std::string& place);
  /// What one thread is to do, where all of them are: written between these two.
  struct Alone {
    std::string join = {};
  };
  Alone open_alone(bool in_each_block = false);
  void close_alone(const Alone& alone);
  std::string shared_memory_at(std::string_view what, int64_t at, int64_t bytes);
  const std::string& shared_memory_of(LocalId local);
  /// Whether the GPU copies into shared memory past the registers: from sm_80 on.
  bool copies_alone() const { return out_.module.capability >= 80; }
  bool copy_async(const ir::loops::SetLocal& set);

  // ---- gpu/reduce.cpp
  std::string across_threads(runtime::ScalarOp op, DType type, const std::string& part,
                             int64_t threads);
  std::string across_warps(runtime::ScalarOp op, DType type, const std::string& part, int64_t warps);
  std::string across_warp(runtime::ScalarOp op, DType type, std::string part, int64_t lanes);
  std::string lanes_together();
  std::string shuffled(DType type, const std::string& value, int64_t distance);
  std::string combined(runtime::ScalarOp op, DType type, const std::string& a, const std::string& b);
  /// Where warp or lane number `at` has its part, for as many warps as a block may have.
  std::string slot(const std::string& at);
  void only_where(const std::string& condition, const std::function<void()>& body);
  /// A register for `line`, what stands behind `=`.
  std::string named(std::string_view hint, const std::string& line);

  // ---- gpu/matrix.cpp
  using Fragment = std::vector<std::string>;  ///< registers, i32
  struct FragmentLoops {
    ir::loops::LoopId outside, summed;
    bool left;
  };
  void matrix(const ir::loops::For& loop);
  void add_products(const opt::loops::MatrixProduct& product);
  void exchange(const ir::loops::SetLocal& copy);
  void add_product(const opt::loops::MatrixUnit& unit, std::span<const std::string> a,
                   std::span<const std::string> b, Place& to, size_t first);
  Fragment fragment(const ExprPtr& operand, DType element, FragmentLoops loops);
  Fragment loaded_matrices(const ir::loops::Local& array, DType element, FragmentLoops loops, bool along_sum);
  Fragment loaded_elements(const ExprPtr& operand, DType element, FragmentLoops loops);
  std::string rounded_to_tf32(const std::string& bits);
  std::string lane_part(std::string_view hint, const std::string& line);
  Value of_lane(int64_t by, int64_t of, int64_t factor);
  Value both(const Value& a, const Value& b);

  // ---- loop_locals.cpp
  using Places = std::map<LocalId, Place>;  ///< of some of them
  Places places_of(const std::set<LocalId>& locals) const;
  void restore(const Places& places);
  /// Where two ways join: locals are as in `other` if it was by block `from`, as now if by `here`.
  void merge(const Places& other, const std::string& from, const std::string& here);
  /// Gives locals registers that phis define, which are written when it is known what comes around.
  Places open_phis(const Places& before);
  std::string phis(const Places& opened, const Places& before, const std::string& from,
                   const std::string& latch) const;
  void reserve_memory(const ir::loops::Block& body);
  const std::string& memory_of(LocalId local);
  void declare(LocalId local);
  Value read_local(const ir::loops::Local& local);
  void assign(const ir::loops::SetLocal& set, const Value& value);
  void combine(const ir::loops::SetLocal& set);
  struct RegisterAt {
    size_t index;
    uint32_t first;  ///< its lane
    bool vector;     ///< and those behind it are of the other turns
    int64_t behind;  ///< how many elements the axis has from here on
  };
  RegisterAt register_at(const Place& place, const ir::Type& type,
                         const std::vector<ExprPtr>& subscripts);
  Value read_register(const Place& place, const ir::Type& type, RegisterAt at);
  void set_register(Place& place, const ir::Type& type, RegisterAt at, const Value& value);

  // ---- loop_values.cpp
  Value value(const ExprPtr& e);
  std::vector<Value> values(std::span<const ExprPtr> exprs);
  Value constant(Scalar number) const;
  Value compute(const Expr& e, FastMath fast);
  Value compute_apply(const ir::loops::Apply& node, FastMath fast);
  Value compute_convert(DType to, const ir::loops::Convert& node);
  Value compute_select(DType type, const ir::loops::Select& node);
  Value* find_known(const Expr* e);
  FastMath fast_math(const Expr& e, bool self_fusible) const;
  Value made(std::string text, bool varies) const;
  Value splat(const Value& value, std::string_view type);
  /// Operands of one instruction: with lanes, all of them.
  struct Together {
    std::vector<std::string> texts = {};
    bool varies = false;
  };
  Together together(std::span<const Value> values, std::span<const DType> types);
  std::string reduced(runtime::ScalarOp op, DType type, const Value& value, FastMath fast);
  /// A register for `line`, what stands behind `=`: written the first time, and where all it takes is
  /// known, that is before the loops that change nothing of it.
  std::string once(uint32_t known_at, std::string_view hint, const std::string& line);

  // ---- loop_addresses.cpp
  Sum sum(const ExprPtr& e);
  Sum compute_sum(const ExprPtr& e);
  Sum sum_of(const Value& value) const;
  std::vector<Sum> sums(const std::vector<ExprPtr>& exprs);
  Sum flat(const ir::Type& type, const std::vector<Sum>& subscripts) const;
  Sum swizzled_offset(const ir::Type& type, const std::vector<Sum>& subscripts);
  Value value_of(const Sum& sum);
  void join_quotients(Sum& sum) const;
  static Sum at_lane(const Sum& offset, uint32_t lane);
  /// A tensor or array in memory, and where it starts.
  struct Memory {
    const ir::Type& type;
    const std::string& base;
    bool fixed = false;   ///< nothing changes it
    bool unread = false;  ///< nothing reads it, or nothing before waiting stores are done
    bool swizzled = false;
  };
  Memory memory_of_array(LocalId local) {
    return {kernel_.locals[local], here(places_[local].memory, "ptr"), false, waiting_ && !waiting_->read.contains(local),
            kernel_.swizzled.contains(local)};
  }
  Memory buffer(BufferId id) {
    const bool shared = facts_.is_shared(id), output = kernel_.is_output(id);
    return {kernel_.buffers[id].type, here(buffers_[id], "ptr"), !output && !shared, output && !shared};
  }
  /// Where an element lies, from there on.
  Sum offset_in(const Memory& memory, const std::vector<Sum>& subscripts);
  std::string address(const Memory& memory, const Sum& offset);
  static uint32_t alignment(const Memory& memory, const Sum& offset);
  std::string plain_address(const Memory& memory, const std::vector<ExprPtr>& subscripts);
  LanesPlace lanes_place(const Memory& memory, const Sum& offset);
  LanesPlace element_place(const Memory& memory, const Sum& offset);
  std::string load_at(const Memory& memory, const LanesPlace& place, Lanes lanes);
  Value load(const Memory& memory, const std::vector<ExprPtr>& subscripts);
  bool loads_wide(const Memory& memory, const Sum& offset) const;
  LanesPlace apart_place(const Memory& memory, const Sum& offset, Lanes lanes);
  /// What lanes are put into one by one.
  std::string no_lanes() const;
  std::string wide_load(const Memory& memory, const Sum& offset, const std::string& mask);
  Value guarded_load(const Memory& memory, const ir::loops::Read& read);
  std::string load_if(const Memory& memory, const std::string& guard, const std::string& address);

  // ---- loop_stores.cpp
  void store(const Memory& memory, const std::vector<ExprPtr>& subscripts, const Value& value,
             bool stream);
  /// Lanes that are stored a constant number of elements apart.
  struct ApartStore {
    Memory memory;
    Sum offset;
    Lanes lanes;
    std::string value;
  };
  void store_apart(const ApartStore& store);
  bool may_transpose(const ir::loops::For& loop) const;
  void store_waiting();
  void store_rows(std::span<const ApartStore* const> rows);

  /// A stretch of the text in which whatever is written stays known: the body of a serial loop, or a
  /// side of a branch. Before a loop is room for what does not change in it.
  struct Region {
    uint32_t depth;
    std::optional<size_t> before = {};
    std::string hoisted = {};
    std::unordered_map<std::string, std::string> written = {};
  };
  /// The expressions that have been evaluated in an open block.
  struct Scope {
    std::unordered_map<const Expr*, Value> values;
    std::unordered_map<const Expr*, Sum> sums;
  };
  /// A loop that is being written side by side.
  struct Vector {
    LoopId loop;
    Turns turns;
    Lanes lanes;
    const Varying* varying;
    std::set<LocalId> declared;  ///< inside it
  };

  uint32_t depth() const { return regions_.back().depth; }
  Lanes lanes() const { return vector_ ? vector_->lanes : Lanes{}; }
  Lanes lanes_if(bool varies) const { return varies ? lanes() : Lanes{}; }

  FunctionText out_;
  const ir::Module& module_;
  const Conventions& conventions_;
  NestFacts& facts_;
  const Kernel& kernel_;
  const bool strict_;
  const Processor processor_;
  const gpu::Launch launch_;
  const opt::loops::SharedMemory shared_;

  std::vector<std::string> buffers_, scalars_;
  std::vector<Value> loops_;
  std::vector<Place> places_;
  std::map<LocalId, std::string> memory_;  ///< that arrays have been given
  std::string reserved_;                   ///< what of it is on the stack
  std::string scratch_;                    ///< the runtime's, if there is any
  std::string depth_ = "0";                ///< how many recursive calls are active
  /// A register that is another one divided by a constant, or the rest of that.
  struct Quotient {
    Sum of;
    std::string text;  ///< the register, or constant, of `of`
    int64_t by;
    bool is_rest;
  };
  std::unordered_map<std::string, Quotient> quotients_;
  bool reassociable_ = false;  ///< the expression being written is a step of a reduction
  bool streams_ = false;       ///< stores have gone past the caches
  std::vector<Region> regions_{{0}};
  std::vector<Scope> scopes_;
  std::optional<Vector> vector_;
  /// For the end of an unrolled loop.
  struct Waiting {
    std::set<LocalId> read;  ///< arrays that the loop reads
    std::vector<ApartStore> stores = {};
  };
  std::optional<Waiting> waiting_ = {};
  std::string functions_;  ///< of parallel loops, in full; of a GPU's kernels, their shared memory
  bool in_block_ = false, in_thread_ = false;  ///< a loop over them is open
  /// How many blocks and threads do what is being written, for one turn of the loops that are open.
  int64_t blocks_at_once_ = launch_.blocks, threads_at_once_ = launch_.threads;
  int64_t lanes_together_ = gpu::kWarp;  ///< that put parts together now
  int parallel_loops_ = 0;
  std::map<std::string, Fragment> fragments_;  ///< that have been loaded since the last barrier, by place

  /// What a parallel loop's function fetches from around it, in this order.
  struct Fetched {
    std::string type, outside, here;
  };
  bool in_parallel_ = false;
  std::vector<Fetched> fetched_;
};

}  // namespace tenon::backend
