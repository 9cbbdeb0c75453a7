// Control and data flow of a function: where lanes that parted at a branch meet again, which
// registers are live where, and so how few places its registers fit into.
#pragma once
#include "runtime/sim/program.h"

namespace tenon::runtime::sim {

/// What a place of the frame is for, before it has an offset.
struct FlowSlot {
  enum class Kind : uint8_t { reg, constant, special, address, local } kind = Kind::reg;
  uint8_t width = 32;
  uint64_t value = 0;  ///< of a constant
  Special special{};
  uint32_t variable = 0;  ///< of an address
  int64_t offset = 0;     ///< of an address; of a local: in local memory
  std::string name{};     ///< of a register
};

/// Which slots an instruction reads and writes.
struct InstRefs {
  std::vector<uint32_t> uses, defs;
};

/// A function while it is decoded: its instructions are code[first …], their operands numbers of
/// slots.
struct FunctionFlow {
  uint32_t first = 0;
  std::vector<FlowSlot> slots;
  std::vector<InstRefs> refs;  ///< of each instruction
};

/// Fills in Inst::join, gives slots their offsets, and says so in the instructions and in
/// `function`. False if what is live where does not fit in memory.
bool finish_flow(Program& program, Function& function, FunctionFlow& flow);

}  // namespace tenon::runtime::sim
