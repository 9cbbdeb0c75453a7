#include "runtime/npy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "runtime/fault.h"
#include "runtime/npy_header.h"
#include "runtime/small_float.h"

namespace tenon::runtime {
namespace {

static_assert(std::endian::native == std::endian::little, "files are written as memory is");

constexpr size_t kMaxHeader = 64 << 10;
constexpr int64_t kChunk = 64 << 10;  ///< bytes; a multiple of every element's size

/// An open file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  bool valid() const { return number_ >= 0; }
  int number() const { return number_; }
  /// False with errno where what was written did not arrive.
  bool close() { return number_ < 0 || ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

/// What is said about a file, for the messages of faults.
struct Named {
  std::string name;

  [[noreturn]] void fail(FaultKind kind, std::string_view what) const {
    throw Fault{kind, 0, 0, name + std::string(what)};
  }
  [[noreturn]] void fail_system(FaultKind kind, int error) const {
    fail(kind, fmt::format(": {}", std::strerror(error)));
  }
};

/// A .npy file whose header is read and whose size is what the header says.
class NpyFile : Named {
 public:
  explicit NpyFile(const std::filesystem::path& path)
      : Named{path.lexically_normal().string()},
        // Non-blocking: a pipe that nobody writes to must not hang the program.
        file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat info;
    if (!file_.valid() || fstat(file_.number(), &info) != 0) fail_system(cannot_read, errno);
    if (S_ISDIR(info.st_mode)) fail_system(cannot_read, EISDIR);
    if (!S_ISREG(info.st_mode)) fail(cannot_read, ": not a regular file");
    left_ = info.st_size;
    read_header();
  }

  void expect(DType type, const Shape& shape) const {
    if (row(type).npy.empty())
      fail(FaultKind::file_holds_other_type, fmt::format(" holds {}, and no .npy file holds {}",
                                                         header_.type_text(), row(type).text));
    const auto found = npy_type(header_.descr);
    if (!found || found->type != type || header_.shape != shape) {
      fail(FaultKind::file_holds_other_type,
           fmt::format(" holds {}, but {} is wanted", header_.type_text(), type_text(type, shape)));
    }
  }

  /// The elements in C order as memory has them; `data` has room for what expect() was given.
  void read_data(std::byte* data) {
    const auto [type, big_endian] = npy_type(header_.descr).value();
    const int64_t count = element_count(header_.shape).value();
    const int64_t bytes = row(type).bytes;
    if (header_.fortran_order) {
      read_transposed(data, count, bytes);
    } else {
      read(data, count * bytes);
    }
    for (int64_t i = 0; i < count; ++i) {
      std::byte* element = data + i * bytes;
      if (big_endian) std::reverse(element, element + bytes);
      if (type == DType::bool_) *element = std::byte{*element != std::byte{0}};
    }
  }

 private:
  static constexpr auto cannot_read = FaultKind::cannot_read;
  static constexpr auto not_npy = FaultKind::not_a_npy_file;

  void read_header() {
    char start[8];  // magic, then the version
    if (left_ < 10) fail(not_npy, " is too short");
    read(reinterpret_cast<std::byte*>(start), sizeof start);
    if (std::memcmp(start, "\x93NUMPY", 6) != 0) fail(not_npy, " does not start with \\x93NUMPY");
    const int major = static_cast<uint8_t>(start[6]), minor = static_cast<uint8_t>(start[7]);
    if (major < 1 || major > 3 || minor != 0)
      fail(not_npy, fmt::format(" has version {}.{}, known are 1.0, 2.0 and 3.0", major, minor));

    const size_t length = read_length(major == 1 ? 2 : 4);
    if (length > kMaxHeader)
      fail(not_npy,
           fmt::format(" has a header of {} bytes, at most {} are read", length, kMaxHeader));
    const int64_t offset = position_;
    std::string text(length, '\0');
    read(reinterpret_cast<std::byte*>(text.data()), static_cast<int64_t>(length));
    header_ = parse_npy_header(text, static_cast<size_t>(offset), name);
    check_size();
  }

  size_t read_length(int bytes) {
    std::byte raw[4] = {};
    read(raw, bytes);
    return std::bit_cast<uint32_t>(raw);
  }

  void check_size() const {
    const auto type = npy_type(header_.descr);
    if (!type) return;  // then nothing of it will be read
    const auto wanted = byte_count(type->type, header_.shape);
    if (!wanted)
      fail(not_npy, fmt::format(" claims {}, more than memory has addresses", header_.type_text()));
    if (left_ != *wanted)
      fail(not_npy, fmt::format(" has {} bytes of data, but {} takes {}", left_,
                                header_.type_text(), *wanted));
  }

  /// Fortran order is the C order of the reversed axes: walks the file, and keeps the place in
  /// memory by an odometer whose first axis runs fastest.
  void read_transposed(std::byte* data, int64_t count, int64_t bytes) {
    const Shape& shape = header_.shape;
    Shape index(shape.size(), 0), strides(shape.size(), bytes);
    for (size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];

    std::byte chunk[kChunk];
    std::byte* to = data;
    for (int64_t done = 0; done < count;) {
      const int64_t elements = std::min(count - done, kChunk / bytes);
      read(chunk, elements * bytes);
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

  /// All `bytes`, or a fault: the size was checked, but a file may shrink while it is read.
  void read(std::byte* to, int64_t bytes) {
    if (bytes > left_) fail(not_npy, " ends within its header");
    left_ -= bytes;
    position_ += bytes;
    while (bytes > 0) {
      const ssize_t got = ::read(file_.number(), to, static_cast<size_t>(bytes));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail_system(cannot_read, errno);
      if (got == 0) fail(cannot_read, ": it was cut short while being read");
      to += got;
      bytes -= got;
    }
  }

  Descriptor file_;
  int64_t left_ = 0, position_ = 0;  ///< bytes not yet read, and read
  NpyHeader header_;
};

/// A file that comes to be under its name when commit() is called, or not at all.
class FileInMaking : Named {
 public:
  explicit FileInMaking(const std::filesystem::path& path)
      : Named{path.lexically_normal().string()}, target_(target(path)), file_(create()) {
    if (!file_.valid()) fail_system(cannot_write, errno);
  }
  ~FileInMaking() {
    if (!committed_) ::unlink(temporary_.c_str());
  }

  using Named::fail;

  void write(const void* data, size_t bytes) {
    const char* from = static_cast<const char*>(data);
    while (bytes > 0) {
      const ssize_t done = ::write(file_.number(), from, bytes);
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail_system(cannot_write, errno);
      from += done;
      bytes -= static_cast<size_t>(done);
    }
  }

  void commit() {
    if (!file_.close()) fail_system(cannot_write, errno);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail_system(cannot_write, errno);
    committed_ = true;
  }

 private:
  static constexpr auto cannot_write = FaultKind::cannot_write;

  /// What `path` leads to: a link stays a link, and a device is not replaced by a file.
  std::filesystem::path target(const std::filesystem::path& path) const {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (status.type() == std::filesystem::file_type::directory) fail_system(cannot_write, EISDIR);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
      fail(cannot_write, ": not a regular file");
    const auto real = std::filesystem::canonical(path, error);
    return error ? path : real;
  }

  /// The descriptor of a new file beside the target, whose name no other process or thread has.
  int create() {
    static std::atomic<unsigned> serial = 0;
    temporary_ = target_;
    temporary_ += fmt::format(".{}-{}.tmp", ::getpid(), serial++);
    return ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  }

  std::filesystem::path target_, temporary_;
  Descriptor file_;
  bool committed_ = false;
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
#define DTYPE(name, text, cpp, size, kind, npy)                                 \
  case DType::name:                                                             \
    if constexpr (Kind::kind == Kind::floating) canonicalize<cpp>(data, bytes); \
    break;
#include "runtime/dtypes.def"
  }
}

}  // namespace

void load_npy(const std::filesystem::path& path, DType type, const Shape& shape,
              const std::function<std::byte*(int64_t)>& allocate) {
  NpyFile file(path);
  file.expect(type, shape);
  file.read_data(allocate(byte_count(type, shape).value()));
}

Tensor load_npy(const std::filesystem::path& path, DType type, const Shape& shape) {
  Tensor tensor;
  load_npy(path, type, shape, [&](int64_t) {
    tensor = Tensor(type, shape);
    return tensor.mutable_data();
  });
  return tensor;
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
  if (shape.size() > kMaxNpyRank)
    file.fail(FaultKind::cannot_write, fmt::format(": more than {} axes", kMaxNpyRank));
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
