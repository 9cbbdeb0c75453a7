// What generated code calls, and the stack that programs run on.
#include <doctest/doctest.h>

#include <cstring>
#include <set>
#include <stdexcept>

#include "runtime/abi.h"
#include "runtime/context.h"
#include "runtime/npy.h"
#include "runtime/print.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::runtime {
namespace {

tn_context* c_name(Context& context) {
  return reinterpret_cast<tn_context*>(&context);
}
int32_t number(DType type) {
  return static_cast<int32_t>(type);
}

TEST_CASE("blocks are counted, aligned and freed with their last owner") {
  Context context;
  tn_context* c = c_name(context);
  void* a = tn_alloc(c, 100, 0);
  void* b = tn_alloc(c, 0, 0);
  CHECK(reinterpret_cast<uintptr_t>(a) % 64 == 0);
  CHECK(reinterpret_cast<uintptr_t>(b) % 64 == 0);
  CHECK(context.live_bytes == 100);
  tn_share(a);
  tn_drop(c, a);
  CHECK(context.live_bytes == 100);
  tn_drop(c, a);
  CHECK(context.live_bytes == 0);
  CHECK(context.peak_bytes == 100);
  tn_drop(c, nullptr);
  tn_drop(c, b);
  CHECK(context.blocks == nullptr);
}

TEST_CASE("tn_own copies only what others own too") {
  Context context;
  tn_context* c = c_name(context);
  auto* data = static_cast<int32_t*>(tn_alloc(c, 8, 0));
  data[0] = 1, data[1] = 2;
  CHECK(tn_own(c, data, 8, 0) == data);
  tn_share(data);
  auto* own = static_cast<int32_t*>(tn_own(c, data, 8, 0));
  REQUIRE(own != data);
  own[0] = 9;
  CHECK(data[0] == 1);
  CHECK(own[1] == 2);
  tn_drop(c, data);  // its last owner, as the other's place was taken by the copy
  CHECK(context.live_bytes == 8);
}

TEST_CASE("blocks may be freed in any order") {
  Context context;
  tn_context* c = c_name(context);
  void* blocks[5];
  for (void*& block : blocks) block = tn_alloc(c, 16, 0);
  for (const int i : {2, 0, 4, 1}) tn_drop(c, blocks[i]);
  CHECK(context.live_bytes == 16);  // the last is the context's to free
}

TEST_CASE("small blocks are taken again, in sizes that fit") {
  Context context;
  tn_context* c = c_name(context);
  void* a = tn_alloc(c, 65, 0);
  tn_drop(c, a);
  CHECK(tn_alloc(c, 200, 0) != a);
  void* b = tn_alloc(c, 128, 0);
  CHECK(b == a);
  CHECK(context.live_bytes == 328);
  std::memset(b, 1, 128);
  tn_drop(c, b);
  void* blocks[100];
  for (void*& block : blocks) block = tn_alloc(c, 1000, 0);
  for (void* block : blocks) tn_drop(c, block);
  CHECK(context.live_bytes == 200);
}

TEST_CASE("no memory: null, and a fault at the site") {
  Context context;
  for (const int64_t bytes : {INT64_MAX, INT64_MAX - 64, int64_t{1} << 60}) {
    context.fault.reset();
    CHECK(tn_alloc(c_name(context), bytes, 12) == nullptr);
    REQUIRE(context.fault);
    CHECK(context.fault->kind == FaultKind::out_of_memory);
    CHECK(context.fault->site == 12);
  }
  CHECK(context.live_bytes == 0);
}

TEST_CASE("the first fault stays") {
  Context context;
  tn_fail(c_name(context), static_cast<int32_t>(FaultKind::subscript_out_of_range), 3, 5, 4,
          nullptr);
  tn_fail(c_name(context), static_cast<int32_t>(FaultKind::assertion_failed), 4, 0, 0, "later");
  REQUIRE(context.fault);
  CHECK(context.fault->site == 3);
  CHECK(context.fault->message() == "subscript 5 is out of range for extent 4");
}

/// What `body` prints through a context.
template <class F>
std::string printed(F body) {
  Context context;
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  context.out = file;
  body(context);
  flush(context);
  std::string text(static_cast<size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  CHECK(std::fread(text.data(), 1, text.size(), file) == text.size());
  std::fclose(file);
  return text;
}

TEST_CASE("a line of print is its pieces, blanks included") {
  const std::string text = printed([](Context& context) {
    tn_context* c = c_name(context);
    const int64_t shape[] = {2, 1};
    const float data[] = {0.5f, -1.0f};
    tn_print_text(c, "x y ", 4);
    tn_print_int(c, number(DType::bool_), 1);
    tn_print_text(c, " ", 1);
    tn_print_int(c, number(DType::i8), -3);
    tn_print_text(c, " ", 1);
    tn_print_float(c, number(DType::f32), 0.1f);
    tn_print_text(c, " ", 1);
    tn_print_tensor(c, number(DType::f32), 2, shape, data);
    tn_print_end(c);
    tn_print_end(c);
    tn_print_text(c, "", 0);
    tn_print_text(c, " ", 1);
    tn_print_end(c);
    tn_write(c, "ab\0c", 4);
    write_line(context, "direct");
  });
  CHECK(text == "x y true -3 0.1 [[0.5],\n [-1.0]]\n\n \nabdirect\n");
}

TEST_CASE("output that goes nowhere is a fault") {
  Context context;
  std::FILE* full = std::fopen("/dev/full", "w");
  if (full == nullptr) return;  // not every system has one
  context.out = full;
  write_line(context, "text");
  try {
    flush(context);
    FAIL("it was written");
  } catch (const Fault& fault) {
    CHECK(fault.message() == "cannot write the output: No space left on device");
  }
  std::fclose(full);
}

TEST_CASE("generated code saves and loads") {
  tests::ScratchFolder scratch;
  Context context;
  context.data_dir = scratch.path();
  tn_context* c = c_name(context);
  const int64_t shape[] = {3};
  const int32_t data[] = {4, 5, 6};
  const std::string path = (scratch.path() / "t.npy").string();
  CHECK(tn_save(c, 1, path.c_str(), number(DType::i32), 1, shape, data) == 0);
  auto* loaded = static_cast<int32_t*>(tn_load(c, 2, "t.npy", nullptr, number(DType::i32), 1, shape));
  REQUIRE(loaded != nullptr);
  CHECK(std::memcmp(loaded, data, sizeof data) == 0);
  tn_drop(c, loaded);
  CHECK(context.live_bytes == 0);
  CHECK_FALSE(context.fault);
}

TEST_CASE("generated code fails to load and to save") {
  Context context;
  const int64_t shape[] = {3};
  const int32_t data[] = {4, 5, 6};
  CHECK(tn_load(c_name(context), 8, "no/such.npy", nullptr, number(DType::i32), 1, shape) == nullptr);
  REQUIRE(context.fault);
  CHECK(context.fault->site == 8);
  CHECK(context.fault->message() == "cannot read no/such.npy: No such file or directory");
  context.fault.reset();
  CHECK(tn_save(c_name(context), 9, "no/such.npy", number(DType::i32), 1, shape, data) == 1);
  REQUIRE(context.fault);
  CHECK(context.fault->message() == "cannot write no/such.npy: No such file or directory");
}

TEST_CASE("the symbol table holds every function of abi.h") {
  std::set<std::string> listed;
  for (const AbiSymbol* symbol = kAbiSymbols; symbol->name != nullptr; ++symbol) {
    CHECK(symbol->address != nullptr);
    CHECK(listed.insert(symbol->name).second);
  }
  const std::string header = tests::read_file(tests::root() / "runtime/abi.h");
  size_t declared = 0;
  for (size_t at = header.find("tn_"); at != std::string::npos; at = header.find("tn_", at + 1)) {
    const size_t end = header.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789", at);
    if (header[end] != '(') continue;  // a type, a comment, or the pattern of the mathematics
    CAPTURE(header.substr(at, end - at));
    CHECK(listed.contains(header.substr(at, end - at)));
    ++declared;
  }
  size_t mathematics = 0;
#define COUNT(name) mathematics += 2;
  TN_MATH(COUNT)
#undef COUNT
  CHECK(listed.size() == declared + mathematics);
}

/// Uses about `kilobytes` of stack.
int dig(int kilobytes) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(kilobytes);
  return kilobytes == 0 ? 0 : dig(kilobytes - 1) + (frame[0] == static_cast<char>(kilobytes));
}

TEST_CASE("the large stack is large") {
  int depth = 0;
  run_on_large_stack([&] { depth = dig(100'000); });  // ten times what a main thread has
  CHECK(depth == 100'000);
}

TEST_CASE("what is thrown on the large stack arrives") {
  try {
    run_on_large_stack([] { throw Fault{FaultKind::recursion_too_deep, kMaxCallDepth}; });
    FAIL("nothing arrived");
  } catch (const Fault& fault) {
    CHECK(fault.message() == "recursion is more than 1000 calls deep");
  }
  CHECK_THROWS_AS(run_on_large_stack([] { throw std::runtime_error("x"); }), std::runtime_error);
}

}  // namespace
}  // namespace tenon::runtime
