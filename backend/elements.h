// Elements of tensors in memory. A bool is a byte there and a bit in a register.
#pragma once
#include <span>
#include <string>

#include "backend/lanes.h"

namespace tenon::backend {

void write_load(FunctionText& out, const std::string& result, DType type, const std::string& from);
void write_store(FunctionText& out, DType type, const std::string& value, const std::string& to,
                 uint32_t align = 0);
/// The address of an element whose subscripts are in range.
std::string write_address(FunctionText& out, const ir::Type& tensor, const std::string& base,
                          std::span<const std::string> subscripts);

/// Where the elements of several lanes are: one behind the other from an address, a multiple of
/// `align` bytes, on; or (`<16 x ptr>`) each at its own. Of one element, 0 is what its type asks for.
struct LanesPlace {
  std::string address;
  uint32_t align = 0;
  bool apart = false;
  std::string guard = {};  ///< `<16 x i1>`: lanes that touch no memory and are zero; empty: none
};
/// What stands behind `=` where such elements are loaded; of bools, their bytes. Lanes that are not
/// used touch no memory.
std::string load_line(DType type, const LanesPlace& from, Lanes lanes);
/// A register with a value as it is in memory: of bools, their bytes.
std::string write_in_memory(FunctionText& out, DType type, const std::string& value, Lanes lanes);
/// Past the caches if `stream`, where the place is aligned for that. Whether it was.
bool write_store(FunctionText& out, DType type, const std::string& value, const LanesPlace& to,
                 Lanes lanes, bool stream);

}  // namespace tenon::backend
