#include "driver/commands.h"
#include "driver/ir_module.h"
#include "ir/text.h"

namespace tenon::driver {

std::string emit_ir(Session& session) {
  return ir::print(load_module(session));
}

std::string emit_opt_ir(Session& session) {
  return ir::print(load_optimized(session));
}

}  // namespace tenon::driver
