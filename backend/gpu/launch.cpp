#include "backend/gpu/launch.h"

#include <fmt/format.h>

#include <cctype>

#include "ir/loops_walk.h"

namespace tenon::backend::gpu {

using namespace ir::loops;

std::string entry_name(std::string_view kernel) {
  std::string name;
  const size_t last_dot = kernel.rfind('.');
  for (size_t i = 0; i < kernel.size(); ++i) {
    const auto byte = static_cast<unsigned char>(kernel[i]);
    if (std::isalnum(byte) != 0 || byte == '_') name += kernel[i];
    else name += i == last_dot ? "_" : fmt::format("${:02x}", byte);
  }
  return name;
}

bool takes_context(const Kernel& kernel) {
  bool asks = false;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    asks = asks || std::holds_alternative<Check>(stmt.node) ||
           std::holds_alternative<CallInto>(stmt.node);
  });
  return asks;
}

}  // namespace tenon::backend::gpu
