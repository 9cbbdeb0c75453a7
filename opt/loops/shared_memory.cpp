#include "opt/loops/shared_memory.h"

#include <algorithm>

#include "ir/loops_launch.h"
#include "opt/loops/nest.h"
#include "runtime/device.h"

namespace tenon::opt::loops {
namespace {

struct Model {
  int capability;
  int64_t shared_bytes;
};
constexpr Model kModels[] = {
#define GPU(name, sm, sms, warps, blocks, registers, shared_of_sm, shared_of_block, ghz, gb_s, tensor, lanes) \
  {sm, shared_of_block},
#include "runtime/sim/gpu_models.def"
};

/// Whether loops over all threads of a block change numbers from outside: their threads put these together.
bool adds_up(const Kernel& kernel, const Block& block) {
  return std::ranges::any_of(block, [&](const Stmt& stmt) {
    const auto* loop = std::get_if<For>(&stmt.node);
    if (loop != nullptr && loop->kind == LoopKind::thread)
      return std::ranges::any_of(changed_by(loop->body),
                                 [&](LocalId local) { return kernel.locals[local].is_scalar(); });
    bool found = false;
    for_each_block(stmt, [&](const Block& inner) { found = found || adds_up(kernel, inner); });
    return found;
  });
}

}  // namespace

bool SharedMemory::is_dynamic() const { return bytes > runtime::kSharedBytes; }

SharedMemory shared_memory(const Kernel& kernel) {
  SharedMemory memory;
  const auto take = [&](std::optional<int64_t> bytes) {
    const int64_t start = memory.bytes;
    int64_t end;
    const bool fits = bytes && !__builtin_add_overflow(start, *bytes, &end) && end <= INT64_MAX - kSharedAligned;
    memory.bytes = fits ? (end + kSharedAligned - 1) / kSharedAligned * kSharedAligned : INT64_MAX;
    return start;
  };
  std::set<LocalId> declared;
  for_each_stmt(kernel.body, [&](const Stmt& stmt) {
    const auto* set = std::get_if<SetLocal>(&stmt.node);
    if (set != nullptr && set->declares && kernel.shared.contains(set->local)) declared.insert(set->local);
  });
  for (const LocalId local : declared)
    memory.arrays[local] = take(runtime::byte_count(kernel.locals[local].dtype, kernel.locals[local].shape));
  if (launch_of(kernel).threads > kWarp && adds_up(kernel, kernel.body)) memory.parts = take(kWarp * kPartBytes);
  return memory;
}

int64_t most_shared_bytes(const Mode& mode) {
  if (mode.shared_bytes > 0) return mode.shared_bytes;
  Model most{0, runtime::kSharedBytes};
  for (const Model& model : kModels)
    if (model.capability <= mode.capability && model.capability > most.capability) most = model;
  return most.shared_bytes;
}

}  // namespace tenon::opt::loops
