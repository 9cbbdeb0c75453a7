// The whole driver, and passes that are wrong: each in one way, at a function named @victim.
#include <csignal>
#include <stdexcept>

#include "driver/commands.h"
#include "opt/pass.h"

namespace tenon::tests {
namespace {

using Wrong = void (*)(ir::Function&);

template <Wrong wrong>
void at_victim(ir::Module& module, opt::PassContext& context) {
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (function.name == "victim") wrong(function);
  }
}

void throw_something(ir::Function&) {
  throw std::out_of_range("planted");
}
void read_nowhere(ir::Function&) {
  std::raise(SIGSEGV);
}
void abort_it(ir::Function&) {
  std::raise(SIGABRT);
}
/// Leaves a block without its terminator, which only the verifier sees.
void break_ir(ir::Function& function) {
  function.blocks[0].insts.pop_back();
}

/// Lets additions by constants be multiplications, a rewrite each: the second of them shows.
void add_as_mul(ir::Module& module, opt::PassContext& context) {
  for (ir::Function& function : module.functions) {
    context.enter(function);
    for (ir::Block& block : function.blocks) {
      for (ir::Inst& inst : block.insts) {
        if (inst.op != ir::Op::apply || inst.get<ir::ScalarOp>() != ir::ScalarOp::add) continue;
        if (context.may_rewrite("add as mul")) inst.attribute = ir::ScalarOp::mul;
      }
    }
  }
}

constexpr opt::PassRow kWrong[] = {
    {"throws", at_victim<throw_something>, 0, 0, ""},
    {"segfaults", at_victim<read_nowhere>, 0, 0, ""},
    {"aborts", at_victim<abort_it>, 0, 0, ""},
    {"breaks", at_victim<break_ir>, 0, 0, ""},
    {"add-as-mul", add_as_mul, 0, 0, ""},
};

}  // namespace
}  // namespace tenon::tests

int main(int argc, char** argv) {
  tenon::opt::add_passes(tenon::tests::kWrong);
  return tenon::driver::run_driver(argc, argv);
}
