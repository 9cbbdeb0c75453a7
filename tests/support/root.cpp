#include "tests/support/root.h"

namespace tenon::tests {

std::filesystem::path root() { return TENON_ROOT; }

}  // namespace tenon::tests
