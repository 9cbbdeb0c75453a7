#include "tests/fuzz/target.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "runtime/fault.h"

/// No reader needs more for files of some kilobytes; more is reported like any other finding.
extern "C" const char* __asan_default_options() {
  return "max_allocation_size_mb=64";
}

namespace tenon::fuzz {
namespace {

using namespace runtime;

/// A regular file that is nowhere but in memory, as readers take paths.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("fuzz", MFD_CLOEXEC)) {}

  std::filesystem::path hold(std::string_view bytes) const {
    const bool written = ftruncate(descriptor_.number(), 0) == 0 &&
                         pwrite(descriptor_.number(), bytes.data(), bytes.size(), 0) ==
                             static_cast<ssize_t>(bytes.size());
    require(written, "a file in memory can be written");
    return "/proc/self/fd/" + std::to_string(descriptor_.number());
  }

 private:
  Descriptor descriptor_;
};

struct Wanted {
  DType type;
  Shape shape;
};
const Wanted kWanted[] = {
    {DType::f32, {2, 3}}, {DType::bool_, {4}}, {DType::i64, {}},
    {DType::f64, {0, 3}}, {DType::i32, {3}},   {DType::i8, {2, 2, 2}},
};

void check_fault(const Fault& fault) {
  constexpr FaultKind kExpected[] = {FaultKind::not_a_tensor_file, FaultKind::no_such_tensor,
                                     FaultKind::file_holds_other_type};
  require(std::ranges::find(kExpected, fault.kind) != std::end(kExpected), "a fault of the file");
  require(fault.text.size() < 2000, "a short message");
  require(std::ranges::all_of(fault.text, [](char c) { return c >= ' ' && c <= '~'; }),
          "a printable message");
}

/// Whether the file holds something else than `wanted`.
bool holds_other(std::string_view bytes, const std::filesystem::path& path, const Wanted& wanted,
                 const Load& load, const std::function<void(const Loaded&)>& check) {
  std::unique_ptr<std::byte[]> data;  // just as large as asked for, so that sanitizers see its end
  size_t size = 0;
  const auto allocate = [&](int64_t asked) {
    require(data == nullptr, "memory is asked for once");
    require(asked >= 0 && asked <= static_cast<int64_t>(bytes.size()), "no more than the file has");
    size = static_cast<size_t>(asked);
    data = std::make_unique<std::byte[]>(size);
    return data.get();
  };
  try {
    load(path, wanted.type, wanted.shape, allocate);
  } catch (const Fault& fault) {
    check_fault(fault);
    return fault.kind == FaultKind::file_holds_other_type;
  }
  require(data != nullptr, "memory was asked for");
  const std::string_view read(reinterpret_cast<const char*>(data.get()), size);
  require(wanted.type != DType::bool_ ||
              read.find_first_not_of(std::string_view("\0\1", 2)) == std::string_view::npos,
          "bools are 0 or 1");
  check({wanted.type, wanted.shape, read});
  return false;
}

}  // namespace

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

void try_reader(std::string_view bytes, const Load& load,
                const std::function<void(const Loaded&)>& check) {
  static const MemoryFile file;
  const std::filesystem::path path = file.hold(bytes);
  for (const Wanted& wanted : kWanted) {
    if (!holds_other(bytes, path, wanted, load, check)) return;
  }
}

}  // namespace tenon::fuzz
