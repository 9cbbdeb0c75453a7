// The formats of files of tensors, which the ending of a file's name tells.
#pragma once
#include <string_view>

namespace tenon::runtime {

struct FileFormat {
  std::string_view ending;
  bool named;  ///< holds tensors by name, rather than one without
};
inline constexpr FileFormat kNpy{".npy", false}, kSafetensors{".safetensors", true};

/// Null where the ending is none that `load` knows.
constexpr const FileFormat* file_format(std::string_view path) {
  for (const FileFormat* format : {&kNpy, &kSafetensors}) {
    if (path.ends_with(format->ending)) return format;
  }
  return nullptr;
}

}  // namespace tenon::runtime
