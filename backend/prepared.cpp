#include "backend/prepared.h"

#include "runtime/memory.h"

namespace tenon::backend {
namespace {

/// FNV-1a (Fowler, Noll, Vo).
uint64_t mixed(uint64_t hash, std::string_view text) {
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

}  // namespace

PreparedLayout prepared_layout(const ir::Module& module, const ir::Function& function) {
  PreparedLayout layout;
  layout.bytes = runtime::kAlignment;
  uint64_t hash = mixed(0xcbf29ce484222325, function.exported);
  for (size_t i = function.params.size() - *function.prepared; i < function.params.size(); ++i) {
    const ir::Type& type = module.type(function, function.params[i]);
    hash = mixed(hash, type.text() + function.value(function.params[i]).name);
    layout.offsets.push_back(layout.bytes);
    const int64_t bytes = runtime::byte_count(type.dtype, type.shape).value_or(INT64_MAX / 2);
    layout.bytes += (bytes + runtime::kAlignment - 1) / runtime::kAlignment * runtime::kAlignment;
  }
  layout.whose = static_cast<int64_t>(hash | 1);  // never 0
  return layout;
}

}  // namespace tenon::backend
