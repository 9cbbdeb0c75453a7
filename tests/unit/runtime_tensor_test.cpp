// Sizes, sharing and memory of tensors, and the texts of faults.
#include <doctest/doctest.h>

#include <cstdint>

#include "runtime/fault.h"
#include "runtime/memory.h"
#include "runtime/print.h"
#include "runtime/tensor.h"

namespace tenon::runtime {
namespace {

constexpr int64_t kHuge = int64_t{1} << 40;

TEST_CASE("sizes that fit") {
  CHECK(element_count({}) == 1);
  CHECK(element_count({3, 4}) == 12);
  CHECK(element_count({3, 0, 4}) == 0);
  CHECK(byte_count(DType::f64, {3, 4}) == 96);
  CHECK(byte_count(DType::bool_, {INT64_MAX}) == INT64_MAX);
}

TEST_CASE("sizes that do not") {
  CHECK_FALSE(element_count({-1}));
  CHECK_FALSE(element_count({0, -1}));
  CHECK_FALSE(element_count({kHuge, kHuge}));
  CHECK_FALSE(element_count({0, kHuge, kHuge}));  // its strides would not fit
  CHECK_FALSE(byte_count(DType::i32, {INT64_MAX / 2}));
}

TEST_CASE("types are spelt as in programs") {
  CHECK(type_text(DType::f32, {64, 10}) == "f32[64, 10]");
  CHECK(type_text(DType::bool_, {}) == "bool");
}

TEST_CASE("a new tensor is zero, and aligned") {
  for (const DType type :
       {DType::bool_, DType::i8, DType::i32, DType::i64, DType::f16, DType::bf16, DType::f32,
        DType::f64}) {
    const Tensor tensor(type, {3, 5});
    CHECK(tensor.count() == 15);
    CHECK(tensor.rank() == 2);
    CHECK(reinterpret_cast<uintptr_t>(tensor.data()) % kAlignment == 0);
    for (int64_t i = 0; i < 15; ++i) CHECK(tensor.at(i) == convert(type, Scalar{}));
  }
  CHECK(Tensor(DType::f32, {0}).data() != nullptr);
}

TEST_CASE("elements are what was set") {
  Tensor tensor(DType::i64, {2});
  tensor.set(1, Scalar::integer(DType::i64, INT64_MIN + 1));  // no f64 holds it
  CHECK(tensor.at(0).i == 0);
  CHECK(tensor.at(1).i == INT64_MIN + 1);
  CHECK(Tensor::scalar(Scalar::floating(DType::f32, 0.1)).at(0).f == static_cast<double>(0.1f));
}

TEST_CASE("a write to a copy is not seen in the original") {
  Tensor original(DType::i32, {2});
  original.set(0, Scalar::integer(DType::i32, 7));
  Tensor copy = original;
  CHECK(copy.data() == original.data());  // shared so far
  copy.set(0, Scalar::integer(DType::i32, 8));
  CHECK(copy.data() != original.data());
  CHECK(to_text(original) == "[7, 0]");
  CHECK(to_text(copy) == "[8, 0]");
}

TEST_CASE("a write to the only owner is in place") {
  Tensor tensor(DType::i32, {2});
  const std::byte* data = tensor.data();
  { const Tensor copy = tensor; }
  tensor.set(0, Scalar::integer(DType::i32, 1));
  CHECK(tensor.data() == data);
}

void check_out_of_memory(const Shape& shape, int64_t bytes) {
  try {
    const Tensor tensor(DType::f32, shape);
    FAIL("there was memory");
  } catch (const Fault& fault) {
    CHECK(fault.kind == FaultKind::out_of_memory);
    CHECK(fault.a == bytes);
  }
}

TEST_CASE("more memory than the machine has is a fault") {
  check_out_of_memory({kHuge * 1024}, kHuge * 4096);
  check_out_of_memory({kHuge, kHuge}, INT64_MAX);
  check_out_of_memory({memory_limit() / 4 + 1}, (memory_limit() / 4 + 1) * 4);
}

TEST_CASE("the limit is on all tensors together, and what is released can be had again") {
  const int64_t most = memory_limit() / 2 + 1;  // untouched, so it takes no memory
  for (int round = 0; round < 3; ++round) {
    std::byte* data = allocate(most);
    CHECK_THROWS_AS(allocate(most), Fault);
    release(data, most);
  }
}

TEST_CASE("every fault's message takes its values") {
  for (size_t i = 0; i < std::size(kFaults); ++i) {
    CAPTURE(kFaults[i].name);
    const std::string message = Fault{static_cast<FaultKind>(i), 5, 7, "that"}.message();
    CHECK(message.find('{') == std::string::npos);
    CHECK_FALSE(message.empty());
  }
  CHECK(Fault{FaultKind::subscript_out_of_range, 5, 3}.message() ==
        "subscript 5 is out of range for extent 3");
  CHECK(Fault{FaultKind::division_by_zero}.message() == "division by zero");
  CHECK(Fault{FaultKind::empty_reduction, 0, 0, "max"}.message() ==
        "max over an empty range has no value");
  CHECK(Fault{FaultKind::assertion_failed, 0, 0, "{0} {"}.message() == "assertion failed: {0} {");
}

}  // namespace
}  // namespace tenon::runtime
