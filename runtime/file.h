// Files as the system has them, for the formats of tensors: opened without hanging, read in parts,
// written whole or not at all.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/fault.h"
#include "runtime/tensor.h"

namespace tenon::runtime {

/// Memory for a tensor's data, asked for once nothing but the reading itself can fail.
using Allocate = std::function<std::byte*(int64_t bytes)>;

inline constexpr size_t kMaxFileRank = 64;  ///< of a tensor in a file: NumPy's own bound

/// Text of a file in a message: short, and nothing that a terminal obeys.
std::string shown(std::string_view text);

/// The type that a file says its tensor has: `f64[3, 4]`, or as spelled there, `'<c8'[3, 4]`, where
/// Tenon lacks it.
std::string type_text(std::optional<DType> type, std::string_view spelled, const Shape& shape);

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
  bool close();

 private:
  int number_;
};

/// What a file is called in the texts of faults.
class NamedFile {
 public:
  const std::string& name() const { return name_; }
  [[noreturn]] void fail(FaultKind kind, std::string_view what) const;
  /// Its content is not what its format asks for.
  [[noreturn]] void refuse(std::string_view why) const {
    fail(FaultKind::not_a_tensor_file, why);
  }

 protected:
  explicit NamedFile(const std::filesystem::path& path) : name_(path.lexically_normal().string()) {}
  [[noreturn]] void fail_system(FaultKind kind, int error) const;

 private:
  std::string name_;
};

/// A regular file to read. What its size is said to be is so at the start only: a file may shrink
/// while it is read, which is a fault cannot_read.
class InputFile : public NamedFile {
 public:
  explicit InputFile(const std::filesystem::path& path);

  int64_t position() const { return position_; }
  int64_t left() const { return size_ - position_; }  ///< bytes not yet read

  /// All `bytes`; where there are fewer the file is refused.
  void read(std::byte* to, int64_t bytes);
  void skip(int64_t bytes);  ///< at most left()
  /// Little-endian elements. A bool that is neither 0 nor 1 becomes 1, as in NumPy.
  void read_elements(DType type, std::byte* to, int64_t count);

 private:
  Descriptor file_;
  int64_t size_ = 0, position_ = 0;
};

/// A file that comes to be under its name when commit() is called, or not at all. Faults: cannot_write.
class FileInMaking : public NamedFile {
 public:
  explicit FileInMaking(const std::filesystem::path& path);
  ~FileInMaking();

  void write(const void* data, size_t bytes);
  void commit();

 private:
  std::filesystem::path target(const std::filesystem::path& path) const;
  int create();

  std::filesystem::path target_, temporary_;
  Descriptor file_;
  bool committed_ = false;
};

}  // namespace tenon::runtime
