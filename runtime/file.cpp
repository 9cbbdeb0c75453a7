#include "runtime/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cctype>
#include <cerrno>
#include <cstring>

namespace tenon::runtime {

static_assert(std::endian::native == std::endian::little,
              "files are read and written as memory is");

std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 24)) {
    if (std::isprint(static_cast<unsigned char>(c))) {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return text.size() > 24 ? out + "..." : out;
}

std::string type_text(std::optional<DType> type, std::string_view spelled, const Shape& shape) {
  if (type) return type_text(*type, shape);
  const std::string element = fmt::format("'{}'", shown(spelled));
  return shape.empty() ? element : fmt::format("{}[{}]", element, fmt::join(shape, ", "));
}

bool Descriptor::close() {
  return number_ < 0 || ::close(std::exchange(number_, -1)) == 0;
}

void NamedFile::fail(FaultKind kind, std::string_view what) const {
  throw Fault{kind, 0, 0, name_ + std::string(what)};
}

void NamedFile::fail_system(FaultKind kind, int error) const {
  fail(kind, fmt::format(": {}", std::strerror(error)));
}

// ---- reading

InputFile::InputFile(const std::filesystem::path& path)
    : NamedFile(path),
      // Non-blocking: a pipe that nobody writes to must not hang the program.
      file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
  constexpr auto cannot_read = FaultKind::cannot_read;
  struct stat info;
  if (!file_.valid() || fstat(file_.number(), &info) != 0) fail_system(cannot_read, errno);
  if (S_ISDIR(info.st_mode)) fail_system(cannot_read, EISDIR);
  if (!S_ISREG(info.st_mode)) fail(cannot_read, ": not a regular file");
  size_ = info.st_size;
}

void InputFile::read(std::byte* to, int64_t bytes) {
  if (bytes > left()) refuse(" is too short");
  while (bytes > 0) {
    const ssize_t got = ::pread(file_.number(), to, static_cast<size_t>(bytes), position_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_system(FaultKind::cannot_read, errno);
    if (got == 0) fail(FaultKind::cannot_read, ": it was cut short while being read");
    to += got;
    bytes -= got;
    position_ += got;
  }
}

void InputFile::skip(int64_t bytes) {
  position_ += bytes;
}

void InputFile::read_elements(DType type, std::byte* to, int64_t count) {
  read(to, count * row(type).bytes);
  if (type != DType::bool_) return;
  for (int64_t i = 0; i < count; ++i) to[i] = std::byte{to[i] != std::byte{0}};
}

// ---- writing

FileInMaking::FileInMaking(const std::filesystem::path& path)
    : NamedFile(path), target_(target(path)), file_(create()) {
  if (!file_.valid()) fail_system(FaultKind::cannot_write, errno);
}

FileInMaking::~FileInMaking() {
  if (!committed_) ::unlink(temporary_.c_str());
}

void FileInMaking::write(const void* data, size_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::write(file_.number(), from, bytes);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail_system(FaultKind::cannot_write, errno);
    from += done;
    bytes -= static_cast<size_t>(done);
  }
}

void FileInMaking::commit() {
  if (!file_.close() || ::rename(temporary_.c_str(), target_.c_str()) != 0)
    fail_system(FaultKind::cannot_write, errno);
  committed_ = true;
}

/// What `path` leads to: a link stays a link, and a device is not replaced by a file.
std::filesystem::path FileInMaking::target(const std::filesystem::path& path) const {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::directory)
    fail_system(FaultKind::cannot_write, EISDIR);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    fail(FaultKind::cannot_write, ": not a regular file");
  const auto real = std::filesystem::canonical(path, error);
  return error ? path : real;
}

/// The descriptor of a new file beside the target, whose name no other process or thread has.
int FileInMaking::create() {
  static std::atomic<unsigned> serial = 0;
  temporary_ = target_;
  temporary_ += fmt::format(".{}-{}.tmp", ::getpid(), serial++);
  return ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

}  // namespace tenon::runtime
