// An SSA function while it is being written. The parts of the class stand in files of their own:
//   ssa_to_llvm.cpp    the function, its blocks, scalars, calls
//   ssa_branches.cpp   branches, and the phis for what they bring
//   ssa_tensors.cpp    tensors: their memory, and what is done with them
//   ssa_effects.cpp    files, output, assertions
//   gpu/launches.cpp   kernels on a GPU, and tensors that come from there
#pragma once
#include <optional>
#include <unordered_map>

#include "backend/calls.h"
#include "backend/gpu/placement.h"
#include "backend/recipe.h"
#include "opt/analysis/unique_owners.h"
#include "opt/memory/plan.h"

namespace tenon::backend {

using ir::Inst;
using ir::Type;
using ir::ValueId;
using ir::loops::Kernel;
using opt::memory::FunctionPlan;
using opt::memory::Home;
using opt::memory::MemoryPlan;

class FunctionWriter {
 public:
  FunctionWriter(ModuleText& module_text, const ir::Module& module, const Conventions& conventions,
                 const opt::UniqueOwners& owners, const MemoryPlan& plan,
                 const ir::Function& function, std::span<const Kernel> kernels, bool strict,
                 const gpu::Placement* on_gpu, std::optional<size_t> timed)
      : out_(module_text),
        module_(module),
        conventions_(conventions),
        owners_(owners),
        id_(module.find(function.name)),
        memory_(plan),
        plan_(plan.of(id_)),
        function_(function),
        kernels_(kernels),
        constants_(module, function),
        strict_(strict),
        on_gpu_(on_gpu),
        timed_(timed),
        convention_(conventions.of(id_)),
        names_(function.values.size()) {}

  std::string write();

 private:
  struct BlockText {
    std::string label;
    size_t phis;  ///< the space for them
  };
  /// What arrives at a block from one other.
  struct Arrival {
    std::string from;  ///< the label of the LLVM block that branches here
    std::vector<std::string> args;
  };

  // ---- ssa_to_llvm.cpp
  std::string parameters();
  void name_values();
  void name_nothing();
  void find_products();
  void write_block(uint32_t index);
  void write_inst(const Inst& inst);
  void write_constant(const Inst&) {}  // stands where it is used
  void write_apply(const Inst& inst);
  void write_convert(const Inst& inst);
  void write_call(const Inst& inst);
  void write_ret(const Inst& inst);
  bool write_fused(const Inst& inst);

  const Type& type(ValueId value) const { return module_.type(function_, value); }
  const std::string& name(ValueId value) const { return names_[value.index]; }
  const std::string& arg(const Inst& inst, size_t i) const { return name(inst.args[i]); }
  std::string typed(ValueId value) const {
    return fmt::format("{} {}", value_type(type(value)), name(value));
  }
  std::vector<std::string> names(std::span<const ValueId> values) const;

  // ---- ssa_branches.cpp
  void write_jump(const Inst& inst);
  void write_branch(const Inst& inst);
  void write_phis();
  void arrive(const ir::Edge& edge, std::vector<std::string> args);
  const std::string& label(const ir::Edge& edge) const { return blocks_[edge.target.index].label; }

  // ---- ssa_tensors.cpp
  void write_compute(const Inst& inst);
  void write_pack(const Inst& inst);
  void write_element(const Inst& inst);
  void write_update(const Inst& inst);
  void write_share(const Inst& inst) { out_.line("call void @tn_share(ptr {})", arg(inst, 0)); }
  void write_drop(const Inst& inst) {
    if (plan_.places[inst.args[0].index].home == Home::runtime) drop(arg(inst, 0));
  }
  int64_t bytes(const Type& type) const;
  void drop(const std::string& tensor) {
    out_.line("call void @tn_drop(ptr %context, ptr {})", tensor);
  }
  void fail_if_null(const std::string& pointer);
  void name_memory();
  void allocate(const Inst& inst, ValueId result);
  bool is_in_place(const Inst& update) const {
    return update.op == ir::Op::update && owners_.is_unique(id_, update.args[0]);
  }
  void own(const Inst& update);
  std::string stack_slot(DType type);
  void run_kernel(const Inst& inst, const Kernel& kernel, std::vector<std::string> args);
  bool write_as_block(const Inst& inst);
  ValueId copied(const ir::Compute& compute) const;
  std::optional<int> repeated_byte(const ir::Expr& body) const;
  void check_subscripts(const Inst& inst);

  // ---- ssa_effects.cpp
  void write_load(const Inst& inst);
  void write_save(const Inst& inst);
  void write_write(const Inst& inst);
  void write_print(const Inst& inst);
  void write_assert_(const Inst& inst);

  // ---- gpu/launches.cpp
  void launch(const Inst& inst, const Kernel& kernel, const std::vector<std::string>& args);
  /// The host is about to read a tensor, or to change it, that a kernel may have written.
  enum class Access : uint8_t { reads, changes };
  void to_host(ValueId tensor, Access access = Access::reads);

  FunctionText out_;
  const ir::Module& module_;
  const Conventions& conventions_;
  const opt::UniqueOwners& owners_;
  ir::FuncId id_;
  const MemoryPlan& memory_;
  const FunctionPlan& plan_;
  const ir::Function& function_;
  std::span<const Kernel> kernels_;
  Constants constants_;
  bool strict_;
  const gpu::Placement* on_gpu_;  ///< null: there is none
  std::optional<size_t> timed_;  ///< the number of the next kernel, if times are taken
  Convention convention_;
  std::vector<std::string> names_;  ///< of values: registers or constants, all from the start
  /// A product of which nothing but sums is made, and how many of them.
  struct Product {
    const Inst* inst;
    int sums = 0;
  };
  std::unordered_map<ValueId, Product> products_;
  std::vector<BlockText> blocks_;
  std::vector<std::vector<Arrival>> arrivals_;
  std::vector<std::string> result_memory_;  ///< by result: where it is wanted, if it is placed
  std::string depth_ = "0", frame_, stack_slots_;
};

}  // namespace tenon::backend
