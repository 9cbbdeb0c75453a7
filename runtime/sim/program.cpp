#include "runtime/sim/program.h"

#include <fmt/format.h>

#include "runtime/nearest.h"

namespace tenon::runtime::sim {

std::optional<Type> type_named(std::string_view name) {
  for (size_t i = 0; i < std::size(kTypes); ++i) {
    if (kTypes[i].name == name) return static_cast<Type>(i);
  }
  return std::nullopt;
}

static constexpr OpRow kOps[] = {
#define PTX_OP(id, name, group, decoder, forms) {name, Class::group, forms},
#include "runtime/sim/ptx_ops.def"
};

const OpRow& row(Op op) {
  return kOps[static_cast<size_t>(op)];
}

std::optional<Op> op_named(std::string_view name) {
  static const auto* const ops = [] {
    auto* map = new std::unordered_map<std::string_view, Op>;
    for (size_t i = 0; i < std::size(kOps); ++i) map->emplace(kOps[i].name, static_cast<Op>(i));
    return map;
  }();
  auto found = ops->find(name);
  return found == ops->end() ? std::nullopt : std::optional(found->second);
}

std::string nearest_op(std::string_view name) {
  std::vector<std::string> names;
  for (const OpRow& op : kOps) names.emplace_back(op.name);
  return nearest(name, names);
}

Place Program::place(uint32_t site) const {
  if (site >= sites.size()) return {};
  const Site& from = sites[site];
  return {from.ptx_line, from.file == 0 ? std::string() : files[from.file],
          from.file == 0 ? 0 : from.line, from.column};
}

}  // namespace tenon::runtime::sim
