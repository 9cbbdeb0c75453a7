// What the header promises of modules and errors.
#include <fmt/format.h>

#include "runtime/sim/program.h"

namespace tenon::runtime::sim {

PtxError::PtxError(std::string file, uint32_t line, uint32_t column, const std::string& reason)
    : std::runtime_error(fmt::format("{}:{}:{}: {}", file, line, column, reason)),
      file(std::move(file)),
      reason(reason),
      line(line),
      column(column) {}

std::vector<KernelInfo> Module::kernels() const {
  return program_->kernels;
}

const KernelInfo* Module::kernel(std::string_view name) const {
  for (const KernelInfo& kernel : program_->kernels) {
    if (kernel.name == name) return &kernel;
  }
  return nullptr;
}

std::vector<std::byte> pack(const KernelInfo& kernel,
                            std::span<const std::span<const std::byte>> values) {
  if (values.size() != kernel.params.size()) {
    throw LaunchError(fmt::format("`{}` has {} parameters, but {} are given", kernel.name,
                                  kernel.params.size(), values.size()));
  }
  std::vector<std::byte> block(kernel.param_bytes);
  for (size_t i = 0; i < values.size(); ++i) {
    const Param& param = kernel.params[i];
    if (values[i].size() != param.size) {
      throw LaunchError(fmt::format("parameter {} of `{}` has {} bytes, but {} are given", i + 1,
                                    kernel.name, param.size, values[i].size()));
    }
    std::copy(values[i].begin(), values[i].end(), block.begin() + param.offset);
  }
  return block;
}

}  // namespace tenon::runtime::sim
