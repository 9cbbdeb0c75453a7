#include "runtime/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/small_float.h"

namespace tenon::runtime {
namespace {

constexpr size_t kMaxHeader = 64 << 10;
constexpr int64_t kChunk = 64 << 10;  ///< bytes; a multiple of every element's size

/// A .npy file whose header is read and whose size is what the header says.
class NpyFile {
 public:
  explicit NpyFile(const std::filesystem::path& path) : file_(path) { read_header(); }

  const NpyHeader& header() const { return header_; }

  void expect(DType type, const Shape& shape) const {
    if (row(type).npy.empty())
      file_.fail(
          FaultKind::file_holds_other_type,
          fmt::format(" holds {}, and no .npy file holds {}", header_.type_text(), row(type).text));
    const auto found = npy_type(header_.descr);
    if (!found || found->type != type || header_.shape != shape) {
      file_.fail(
          FaultKind::file_holds_other_type,
          fmt::format(" holds {}, but {} is wanted", header_.type_text(), type_text(type, shape)));
    }
  }

  /// The elements in C order as memory has them; `data` has room for what expect() was given.
  void read_data(std::byte* data) {
    const auto [type, big_endian] = npy_type(header_.descr).value();
    const int64_t count = element_count(header_.shape).value();
    const int64_t bytes = row(type).bytes;
    if (header_.fortran_order) {
      read_transposed(data, type, count);
    } else {
      file_.read_elements(type, data, count);
    }
    if (!big_endian) return;
    for (int64_t i = 0; i < count; ++i) std::reverse(data + i * bytes, data + (i + 1) * bytes);
  }

 private:
  void read_header() {
    char start[8];  // magic, then the version
    if (file_.left() < 10) file_.refuse(" is too short");
    file_.read(reinterpret_cast<std::byte*>(start), sizeof start);
    if (std::memcmp(start, "\x93NUMPY", 6) != 0) file_.refuse(" does not start with \\x93NUMPY");
    const int major = static_cast<uint8_t>(start[6]), minor = static_cast<uint8_t>(start[7]);
    if (major < 1 || major > 3 || minor != 0)
      file_.refuse(fmt::format(" has version {}.{}, known are 1.0, 2.0 and 3.0", major, minor));

    const size_t length = read_length(major == 1 ? 2 : 4);
    if (length > kMaxHeader)
      file_.refuse(
          fmt::format(" has a header of {} bytes, at most {} are read", length, kMaxHeader));
    if (static_cast<int64_t>(length) > file_.left()) file_.refuse(" ends within its header");
    const int64_t offset = file_.position();
    std::string text(length, '\0');
    file_.read(reinterpret_cast<std::byte*>(text.data()), static_cast<int64_t>(length));
    header_ = parse_npy_header(text, static_cast<size_t>(offset), file_.name());
    check_size();
  }

  size_t read_length(int bytes) {
    std::byte raw[4] = {};
    file_.read(raw, bytes);
    return std::bit_cast<uint32_t>(raw);
  }

  void check_size() const {
    const auto type = npy_type(header_.descr);
    if (!type) return;  // then nothing of it will be read
    const auto wanted = byte_count(type->type, header_.shape);
    if (!wanted)
      file_.refuse(fmt::format(" claims {}, more than memory has addresses", header_.type_text()));
    if (file_.left() != *wanted)
      file_.refuse(fmt::format(" has {} bytes of data, but {} takes {}", file_.left(),
                               header_.type_text(), *wanted));
  }

  /// Fortran order is the C order of the reversed axes: walks the file, and keeps the place in
  /// memory by an odometer whose first axis runs fastest.
  void read_transposed(std::byte* data, DType type, int64_t count) {
    const int64_t bytes = row(type).bytes;
    const Shape& shape = header_.shape;
    Shape index(shape.size(), 0), strides(shape.size(), bytes);
    for (size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];

    std::byte chunk[kChunk];
    std::byte* to = data;
    for (int64_t done = 0; done < count;) {
      const int64_t elements = std::min(count - done, kChunk / bytes);
      file_.read_elements(type, chunk, elements);
      for (int64_t i = 0; i < elements; ++i) {
        std::memcpy(to, chunk + i * bytes, static_cast<size_t>(bytes));
        for (size_t axis = 0; axis < shape.size(); ++axis) {
          to += strides[axis];
          if (++index[axis] < shape[axis]) break;
          to -= strides[axis] * shape[axis];
          index[axis] = 0;
        }
      }
      done += elements;
    }
  }

  InputFile file_;
  NpyHeader header_;
};

/// Of all the NaNs a computation may leave, the canonical one is saved, so that files compare.
template <class T>
void canonicalize(std::byte* data, int64_t bytes) {
  for (std::byte* end = data + bytes; data < end; data += sizeof(T)) {
    T value;
    std::memcpy(&value, data, sizeof value);
    if (!std::isnan(static_cast<double>(value))) continue;
    value = static_cast<T>(std::numeric_limits<double>::quiet_NaN());
    std::memcpy(data, &value, sizeof value);
  }
}

void canonicalize_nans(DType type, std::byte* data, int64_t bytes) {
  switch (type) {
#define DTYPE(name, text, cpp, size, kind, npy, safetensors)                    \
  case DType::name:                                                             \
    if constexpr (Kind::kind == Kind::floating) canonicalize<cpp>(data, bytes); \
    break;
#include "runtime/dtypes.def"
  }
}

}  // namespace

NpyHeader read_npy_header(const std::filesystem::path& path) {
  return NpyFile(path).header();
}

void load_npy(const std::filesystem::path& path, DType type, const Shape& shape,
              const Allocate& allocate) {
  NpyFile file(path);
  file.expect(type, shape);
  file.read_data(allocate(byte_count(type, shape).value()));
}

void save_npy(const std::filesystem::path& path, const Tensor& tensor) {
  save_npy(path, tensor.type(), tensor.shape(), tensor.data());
}

void save_npy(const std::filesystem::path& path, DType type, const Shape& shape,
              const std::byte* data) {
  FileInMaking file(path);
  if (row(type).npy.empty())
    file.fail(
        FaultKind::cannot_write,
        fmt::format(": .npy files have no {0}; `f32(x)` has every number of {0}", row(type).text));
  if (shape.size() > kMaxFileRank)
    file.fail(FaultKind::cannot_write, fmt::format(": more than {} axes", kMaxFileRank));
  const std::string beginning = npy_beginning(type, shape);
  file.write(beginning.data(), beginning.size());
  const int64_t bytes = byte_count(type, shape).value();
  std::byte chunk[kChunk];
  for (int64_t done = 0; done < bytes;) {
    const int64_t size = std::min(bytes - done, kChunk);
    std::memcpy(chunk, data + done, static_cast<size_t>(size));
    canonicalize_nans(type, chunk, size);
    file.write(chunk, static_cast<size_t>(size));
    done += size;
  }
  file.commit();
}

}  // namespace tenon::runtime
