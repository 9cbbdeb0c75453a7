// The reader of .safetensors files. What it accepts is compared with what a whole JSON document of
// the header says, which the reader does without.
#include "runtime/safetensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/fuzz/target.h"

namespace tenon::fuzz {
namespace {

using namespace runtime;

const std::string kName = "w";  // in every file of the corpus that is to be accepted

void load(const std::filesystem::path& path, DType type, const Shape& shape,
          const Allocate& allocate) {
  load_safetensors(path, kName, type, shape, allocate);
}

void check(std::string_view file, const Loaded& loaded) {
  uint64_t length = 0;
  std::copy_n(file.data(), sizeof length, reinterpret_cast<char*>(&length));
  const auto header = nlohmann::json::parse(file.substr(sizeof length, length));
  const std::string_view data = file.substr(sizeof length + length);

  std::vector<std::pair<size_t, size_t>> ranges;
  for (const auto& [name, entry] : header.items()) {
    if (name != "__metadata__") ranges.push_back(entry.at("data_offsets"));
  }
  std::ranges::sort(ranges);
  size_t end = 0;
  for (const auto& [from, to] : ranges) {
    require(from == end && to >= from, "tensors lie one behind the other");
    end = to;
  }
  require(end == data.size(), "tensors take all the data");

  const auto& entry = header.at(kName);
  require(entry.at("shape").get<Shape>() == loaded.shape, "the shape is the header's");
  const std::pair<size_t, size_t> range = entry.at("data_offsets");
  std::string expected(data.substr(range.first, range.second - range.first));
  if (loaded.type == DType::bool_) {
    for (char& byte : expected) byte = byte != 0;
  }
  require(loaded.data == expected, "the data is the file's");
}

}  // namespace

LengthField length_field(std::string_view) {
  return {0, kSafetensorsPrefix};
}

}  // namespace tenon::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenon::fuzz;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try_reader(bytes, load, [&](const Loaded& loaded) { check(bytes, loaded); });
  return 0;
}
