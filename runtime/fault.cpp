#include "runtime/fault.h"

#include <fmt/format.h>

namespace tenon::runtime {

std::string Fault::message() const {
  return fmt::format(fmt::runtime(row(kind).message), a, b, text);
}

}  // namespace tenon::runtime
