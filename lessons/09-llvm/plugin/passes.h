// Two passes for LLVM's functions.
#pragma once
#include <llvm/IR/PassManager.h>

namespace tenon::lessons {

/// `count`: prints how many instructions of each kind a function has; changes nothing.
// [snippet pass]
struct Count : llvm::PassInfoMixin<Count> {
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager&);
  static bool isRequired() { return true; }  // also where a function says optnone
};
// [end]

/// `shifts`: products with powers of two, and unsigned quotients by them, become shifts.
struct Shifts : llvm::PassInfoMixin<Shifts> {
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager&);
};

}  // namespace tenon::lessons
