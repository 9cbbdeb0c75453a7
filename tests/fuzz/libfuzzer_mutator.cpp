// libFuzzer's own changes and ours by turns.
#include <algorithm>

#include "tests/fuzz/mutate.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  tenon::fuzz::Random random(seed);
  if (random() % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::string file(reinterpret_cast<const char*>(data), size);
  tenon::fuzz::mutate(file, random);
  file.resize(std::min(file.size(), max_size));
  std::copy(file.begin(), file.end(), data);
  return file.size();
}
