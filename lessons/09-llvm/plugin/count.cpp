#include <llvm/IR/Function.h>
#include <llvm/IR/Instruction.h>
#include <llvm/Support/raw_ostream.h>

#include <map>
#include <string>

#include "lessons/09-llvm/plugin/passes.h"

namespace tenon::lessons {

// [snippet count]
llvm::PreservedAnalyses Count::run(llvm::Function& function, llvm::FunctionAnalysisManager&) {
  std::map<std::string, int> counts;
  for (const llvm::BasicBlock& block : function)
    for (const llvm::Instruction& inst : block) ++counts[inst.getOpcodeName()];

  llvm::errs() << function.getName() << ":";
  for (const auto& [name, count] : counts) llvm::errs() << " " << count << " " << name;
  llvm::errs() << "\n";
  return llvm::PreservedAnalyses::all();
}
// [end]

}  // namespace tenon::lessons
