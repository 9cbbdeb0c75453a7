// The reader of .npy files.
#include "runtime/npy.h"

#include "tests/fuzz/target.h"

namespace tenon::fuzz {

LengthField length_field(std::string_view file) {
  return {8, file.size() > 6 && file[6] == 1 ? 2u : 4u};
}

}  // namespace tenon::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenon::fuzz;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try_reader(bytes, tenon::runtime::load_npy, [&](const Loaded& loaded) {
    require(bytes.size() >= 10 + loaded.data.size(), "the data lies behind a header");
  });
  return 0;
}
