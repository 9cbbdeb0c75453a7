#include "runtime/safetensors.h"

#include <fmt/format.h>

#include "runtime/safetensors_header.h"

namespace tenon::runtime {
namespace {

std::string read_header(InputFile& file) {
  uint64_t length;
  static_assert(sizeof length == kSafetensorsPrefix);
  file.read(reinterpret_cast<std::byte*>(&length), sizeof length);
  if (length > kMaxSafetensorsHeader)
    file.refuse(fmt::format(" has a header of {} bytes, at most {} are read", length,
                            kMaxSafetensorsHeader));
  if (static_cast<int64_t>(length) > file.left()) file.refuse(" ends within its header");
  std::string header(length, '\0');
  file.read(reinterpret_cast<std::byte*>(header.data()), static_cast<int64_t>(length));
  return header;
}

}  // namespace

void load_safetensors(const std::filesystem::path& path, std::string_view name, DType type,
                      const Shape& shape, const Allocate& allocate) {
  InputFile file(path);
  const std::string header = read_header(file);
  const SafetensorsEntry entry = find_tensor(header, file.left(), name, file);
  if (safetensors_type(entry.dtype) != type || entry.shape != shape)
    file.fail(FaultKind::file_holds_other_type,
              fmt::format(", tensor '{}', holds {}, but {} is wanted", shown(name),
                          entry.type_text(), type_text(type, shape)));
  file.skip(entry.begin);
  file.read_elements(type, allocate(entry.end - entry.begin), element_count(shape).value());
}

}  // namespace tenon::runtime
