// A shared object of passes, which `opt -load-pass-plugin` opens. It builds against LLVM 19 to 22.
#include <llvm/IR/Analysis.h>
#include <llvm/Passes/PassBuilder.h>
#if __has_include(<llvm/Plugins/PassPlugin.h>)
#include <llvm/Plugins/PassPlugin.h>
#else
#include <llvm/Passes/PassPlugin.h>
#endif

#include "lessons/09-llvm/plugin/passes.h"

namespace tenon::lessons {
namespace {

// [snippet register]
/// Whether `name`, from the text behind `-passes=`, is one of ours.
bool add(llvm::StringRef name, llvm::FunctionPassManager& manager,
         llvm::ArrayRef<llvm::PassBuilder::PipelineElement>) {
  if (name == "count")
    manager.addPass(Count());
  else if (name == "shifts")
    manager.addPass(Shifts());
  else
    return false;
  return true;
}

void add_passes(llvm::PassBuilder& builder) {
  builder.registerPipelineParsingCallback(add);
}
// [end]

}  // namespace
}  // namespace tenon::lessons

// [snippet entry]
extern "C" LLVM_ATTRIBUTE_WEAK llvm::PassPluginLibraryInfo llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "tenon", "1", tenon::lessons::add_passes};
}
// [end]
