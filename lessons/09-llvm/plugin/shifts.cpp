// shifts: x * 2^k becomes x << k, and the unsigned x / 2^k becomes x >> k.
#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>

#include "lessons/09-llvm/plugin/passes.h"

namespace tenon::lessons {
namespace {

using llvm::BinaryOperator;
using llvm::Instruction;
using llvm::Value;

/// The constant among the operands, which is the second one unless the order does not matter.
const llvm::ConstantInt* constant_operand(const BinaryOperator& inst, Value*& other) {
  for (unsigned i : {1u, 0u}) {
    other = inst.getOperand(1 - i);
    if (const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(inst.getOperand(i)))
      return constant;
    if (!inst.isCommutative()) break;
  }
  return nullptr;
}

/// What the instruction computes, as a value that is there already or as a new instruction in front
/// of it; null if it is no case for a shift.
Value* shifted(BinaryOperator& inst) {
  // [exercise shifts]
  // [starter] (void)inst;
  // [starter] return nullptr;
  const bool multiplies = inst.getOpcode() == Instruction::Mul;
  if (!multiplies && inst.getOpcode() != Instruction::UDiv) return nullptr;
  Value* number = nullptr;
  const llvm::ConstantInt* factor = constant_operand(inst, number);
  if (factor == nullptr || !factor->getValue().isPowerOf2()) return nullptr;
  const unsigned count = factor->getValue().logBase2();
  if (count == 0) return number;

  auto* shift = BinaryOperator::Create(multiplies ? Instruction::Shl : Instruction::LShr, number,
                                       llvm::ConstantInt::get(inst.getType(), count));
  shift->insertBefore(inst.getIterator());
  if (multiplies) {
    // The highest bit alone is the lowest number: times 1 it does not overflow, but a 1 that is
    // shifted there changes the sign.
    const bool to_sign = count + 1 == factor->getBitWidth();
    shift->setHasNoUnsignedWrap(inst.hasNoUnsignedWrap());
    shift->setHasNoSignedWrap(inst.hasNoSignedWrap() && !to_sign);
  } else {
    shift->setIsExact(inst.isExact());
  }
  return shift;
  // [end]
}

}  // namespace

// [snippet run]
llvm::PreservedAnalyses Shifts::run(llvm::Function& function, llvm::FunctionAnalysisManager&) {
  bool changed = false;
  for (llvm::BasicBlock& block : function) {
    for (Instruction& inst : llvm::make_early_inc_range(block)) {
      auto* operation = llvm::dyn_cast<BinaryOperator>(&inst);
      Value* instead = operation != nullptr ? shifted(*operation) : nullptr;
      if (instead == nullptr) continue;
      if (!instead->hasName()) instead->takeName(operation);
      operation->replaceAllUsesWith(instead);
      operation->eraseFromParent();
      changed = true;
    }
  }
  if (!changed) return llvm::PreservedAnalyses::all();
  llvm::PreservedAnalyses preserved;
  preserved.preserveSet<llvm::CFGAnalyses>();
  return preserved;
}
// [end]

}  // namespace tenon::lessons
