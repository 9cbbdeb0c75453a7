// A fuzz target: one reader of files, tried on bytes that may be anything. npy.cpp and
// safetensors.cpp each define one; runner.cpp, or clang's libFuzzer in its place, calls it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "runtime/file.h"
#include "runtime/tensor.h"

/// Returns 0; whatever is wrong with the reader ends the process.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace tenon::fuzz {

/// Where the format says how long its header is: a little-endian number of so many bytes.
struct LengthField {
  size_t at, bytes;
};
LengthField length_field(std::string_view file);

/// What was read, with the type and shape that were asked for.
struct Loaded {
  runtime::DType type;
  const runtime::Shape& shape;
  std::string_view data;
};
using Load = std::function<void(const std::filesystem::path&, runtime::DType, const runtime::Shape&,
                                const runtime::Allocate&)>;

/// Reads `bytes` as a file, wanted as each of a few types and shapes (those of the corpus) until
/// one is what it holds. Requires that the reader asks for memory once, for no more than the file
/// has, and fails with a short, printable text. `check` gets what was read.
void try_reader(std::string_view bytes, const Load& load,
                const std::function<void(const Loaded&)>& check);

/// Ends the process where it does not hold.
void require(bool holds, const char* what);

}  // namespace tenon::fuzz
