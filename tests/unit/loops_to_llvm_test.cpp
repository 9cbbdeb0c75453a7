// Unrolled loops and loops side by side as machine code, against the same arithmetic done one
// number at a time.
#include <sys/mman.h>

#include <cmath>

#include "tests/unit/nest_helpers.h"

namespace tenon::tests {
namespace {

// ---- unrolled

TEST_CASE("an unrolled loop is its body with constants, one turn is no loop at all") {
  Nest nest("rows");
  const Tensor x = nest.input("x", DType::f32, {12, 8}), y = nest.output("y", DType::f32, {12, 8});
  nest.loop(LoopKind::serial, 0, 4, [&](const E& i) {
    nest.loop(LoopKind::unrolled, 0, 3, [&](const E& r) {
      nest.loop(LoopKind::serial, 5, 6, [&](const E& j) {
        nest.store(y, {i * 3 + r, j}, x(i * 3 + r, j - 2) * number(DType::f32, 2));
      });
    });
  });
  const std::string text = text_of(nest.kernel);
  CAPTURE(text);
  CHECK_FALSE(contains(text, "loop.1"));
  CHECK(contains(text, "getelementptr float, ptr %x.at, i64 3\n"));
  CHECK(contains(text, "getelementptr float, ptr %x.at, i64 11\n"));
  CHECK(contains(text, "getelementptr float, ptr %x.at, i64 19\n"));
  if (!has_llvm()) return;
  Elements<float> in(96), out(96);
  for (size_t i = 0; i < 96; ++i) in[i] = static_cast<float>(i);
  run_nest(nest, {in.begin(), out.begin()});
  for (size_t i = 0; i < 12; ++i) CHECK(out[i * 8 + 5] == 2 * in[i * 8 + 3]);
}

TEST_CASE("what depends on an unrolled loop alone is folded: branches, checks, subscripts") {
  Nest nest("folded");
  const Tensor y = nest.output("y", DType::i64, {4});
  nest.loop(LoopKind::unrolled, 0, 4, [&](const E& i) {
    nest.check(operation(ScalarOp::lt, {i, E(4)}), runtime::FaultKind::subscript_out_of_range, i);
    nest.branch(operation(ScalarOp::ge, {i, E(2)}), [&] { nest.store(y, {i}, i * i + 1); });
  });
  const std::string text = text_of(nest.kernel);
  CAPTURE(text);
  CHECK_FALSE(contains(text, "icmp"));
  CHECK(contains(text, "store i64 5,"));
  CHECK(contains(text, "store i64 10,"));
}

// ---- lanes

/// y[i] = body(x[i]) over `count` turns, `kind`.
template <class Body>
Nest elementwise(LoopKind kind, int64_t count, DType from, DType to, const Body& body) {
  Nest nest("elementwise");
  const Tensor x = nest.input("x", from, {3, count}), y = nest.output("y", to, {count});
  nest.loop(kind, 0, count, [&](const E& i) { nest.store(y, {i}, body(x, i)); });
  return nest;
}

/// Bit patterns of a type, all kinds of numbers among them.
Elements<uint8_t> patterns(DType type, size_t count) {
  const int bytes = runtime::row(type).bytes;
  Elements<uint8_t> data(count * static_cast<size_t>(bytes));
  uint64_t state = 88172645463325252u;
  for (size_t i = 0; i < count; ++i) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    uint64_t bits = state >> 3;
    if (i % 3 == 0) bits = i % 6 == 0 ? i / 3 : ~uint64_t{0} - i / 3;  // small integers
    if (i % 3 == 1 && type == DType::f32) bits = 0x3f000000 + (bits & 0x80ffffff);
    if (i % 3 == 1 && type == DType::f64) bits = 0x3fe0000000000000 + (bits & 0x801fffffffffffff);
    if (type == DType::bool_) bits &= 1;
    std::memcpy(data.begin() + i * static_cast<size_t>(bytes), &bits, static_cast<size_t>(bytes));
  }
  return data;
}

/// That lanes give the bits that turns one after the other give.
template <class Body>
void check_lanes(int64_t count, DType from, DType to, const Body& body) {
  Elements<uint8_t> in = patterns(from, static_cast<size_t>(3 * count));
  const auto bytes = static_cast<size_t>(count * runtime::row(to).bytes);
  Elements<uint8_t> serial(bytes + 64, 0xaa), lanes(bytes + 64, 0xaa);
  run_nest(elementwise(LoopKind::serial, count, from, to, body), {in.begin(), serial.begin()},
           true);
  run_nest(elementwise(LoopKind::vectorized, count, from, to, body), {in.begin(), lanes.begin()},
           true);
  CHECK(serial == lanes);  // the bytes behind the tensor are untouched too
}

E one_of(ScalarOp op, const Tensor& x, const E& i) {
  std::vector<E> args;
  for (int a = 0; a < runtime::row(op).arity; ++a) args.push_back(x(E(a), i));
  const bool divides = op == ScalarOp::div || op == ScalarOp::mod;
  if (divides && runtime::is_integer(x.type)) {  // never by zero
    const E zero = number(x.type, 0);
    args[1] = select(operation(ScalarOp::eq, {args[1], zero}), number(x.type, 3), args[1]);
  }
  if (op == ScalarOp::select) return select(operation(ScalarOp::lt, {i, E(7)}), args[1], args[2]);
  return operation(op, args);
}

TEST_CASE("every scalar operation gives the same bits in 16 lanes, and in 13") {
  if (!has_llvm()) return;
  for (size_t t = 0; t < std::size(runtime::kDTypes); ++t) {
    const auto type = static_cast<DType>(t);
    for (size_t o = 0; o < std::size(runtime::kScalarOps); ++o) {
      const auto op = static_cast<ScalarOp>(o);
      if (!runtime::accepts(op, type)) continue;
      CAPTURE(runtime::row(type).text);
      CAPTURE(runtime::row(op).text);
      for (int64_t count : {16, 13})
        check_lanes(count, type, runtime::result_type(op, type),
                    [&](const Tensor& x, const E& i) { return one_of(op, x, i); });
    }
  }
}

TEST_CASE("every conversion gives the same bits in lanes") {
  if (!has_llvm()) return;
  for (size_t from = 0; from < std::size(runtime::kDTypes); ++from)
    for (size_t to = 0; to < std::size(runtime::kDTypes); ++to) {
      CAPTURE(runtime::kDTypes[from].text);
      CAPTURE(runtime::kDTypes[to].text);
      check_lanes(
          16, static_cast<DType>(from), static_cast<DType>(to),
          [&](const Tensor& x, const E& i) { return convert(static_cast<DType>(to), x(E(0), i)); });
    }
}

TEST_CASE("division by constants, also of the turn itself") {
  if (!has_llvm()) return;
  for (DType type : {DType::i8, DType::i32, DType::i64})
    for (int by : {1, 2, 3, 8, 100, -1, -7})
      for (ScalarOp op : {ScalarOp::div, ScalarOp::mod}) {
        CAPTURE(by);
        check_lanes(16, type, type, [&](const Tensor& x, const E& i) {
          return operation(op, {x(E(0), i), number(type, by)}) +
                 convert(type, operation(op, {i - E(5), E(by)}));
        });
      }
}

TEST_CASE("any number of turns, nothing written behind them") {
  if (!has_llvm()) return;
  for (DType type : {DType::bool_, DType::i8, DType::bf16, DType::f32, DType::f64})
    for (int64_t count : {1, 2, 3, 5, 7, 8, 13, 33, 64}) {
      CAPTURE(count);
      check_lanes(count, type, type, [](const Tensor& x, const E& i) { return x(E(1), i); });
    }
}

TEST_CASE("elements side by side, the same for all, apart by a constant, anywhere") {
  if (!has_llvm()) return;
  for (int64_t n : {16, 11}) {
    for (LoopKind kind : {LoopKind::serial, LoopKind::vectorized}) {
      Nest nest("places");
      const Tensor x = nest.input("x", DType::f32, {64, 64}),
                   at = nest.input("at", DType::i64, {64});
      const Tensor y = nest.output("y", DType::f32, {6, 64}),
                   z = nest.output("z", DType::f32, {64, 3});
      nest.loop(LoopKind::serial, 0, 3, [&](const E& r) {
        nest.loop(kind, 0, n, [&](const E& i) {
          nest.store(y, {E(0), i}, x(r, i + r));
          nest.store(y, {E(1), i}, x(i, r));
          nest.store(y, {E(2), E(20) - i}, x(r + 3, E(20) - i) + x(r, r));
          nest.store(y, {E(3), i}, x(at(i), at(i + 3)));
          nest.store(y, {E(4), at(i) + E(40)}, x(at(i) + r, i * 2));
          nest.store(y, {E(5), r}, x(i, i));
          nest.store(z, {i * 2, r}, x(E(9), i) * convert(DType::f32, i));
        });
      });
      Elements<float> in(64 * 64), out(6 * 64, -1), more(64 * 3, -1);
      Elements<int64_t> places(64);
      for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i);
      for (size_t i = 0; i < 64; ++i) places[i] = static_cast<int64_t>(i * 5 % 17);
      run_nest(nest, {in.begin(), places.begin(), out.begin(), more.begin()});
      for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
        CHECK(out[i] == in[2 * 64 + i + 2]);
        CHECK(out[64 + i] == in[i * 64 + 2]);
        CHECK(out[128 + 20 - i] == in[5 * 64 + 20 - i] + in[2 * 64 + 2]);
        CHECK(out[192 + i] == in[i * 5 % 17 * 64 + (i + 3) * 5 % 17]);
        CHECK(out[256 + i * 5 % 17 + 40] == in[(i * 5 % 17 + 2) * 64 + i * 2]);
        for (size_t r = 0; r < 3; ++r)
          CHECK(more[i * 6 + r] == in[9 * 64 + i] * static_cast<float>(i));
      }
      const auto last = static_cast<size_t>(n - 1);
      CHECK(out[320] == in[last * 65]);
    }
  }
}

/// A tensor whose last element ends a page behind which nothing may be touched.
template <class T>
class AtPageEnd {
 public:
  explicit AtPageEnd(size_t count) : count_(count) {
    pages_ = mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pages_ != MAP_FAILED);
    REQUIRE(mprotect(static_cast<char*>(pages_) + kPage, kPage, PROT_NONE) == 0);
  }
  ~AtPageEnd() { munmap(pages_, 2 * kPage); }
  T* begin() { return reinterpret_cast<T*>(static_cast<char*>(pages_) + kPage) - count_; }

 private:
  static constexpr size_t kPage = 4096;
  size_t count_;
  void* pages_;
};

/// y[0, i] = x[i * step + from], and y[1, i] the same of what lies within x, else 0.
template <class T>
void check_steps(DType type, int64_t step, int64_t turns) {
  CAPTURE(step);
  CAPTURE(turns);
  constexpr int64_t kBefore = 5;
  const int64_t count = (turns - 1) * step + 1 + (63 - (turns - 1) * step % 64);  // whole lines
  const int64_t from = count - 1 - (turns - 1) * step;
  Nest nest("steps");
  const Tensor x = nest.input("x", type, {count}), y = nest.output("y", type, {2, turns});
  nest.loop(LoopKind::vectorized, 0, turns, [&](const E& i) {
    nest.store(y, {E(0), i}, x(i * step + from));
    const E at = i * (step + 1) - kBefore;  // out at both ends
    const E inside = select(operation(ScalarOp::ge, {at, E(0)}), operation(ScalarOp::lt, {at, E(count)}),
                            E(Scalar::boolean(false)));
    nest.store(y, {E(1), i}, E(type, loops::Read{x.id, exprs({at}), inside.expr}));
  });
  AtPageEnd<T> in(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) in.begin()[i] = static_cast<T>(3 * i + 1);
  Elements<T> out(static_cast<size_t>(2 * turns), static_cast<T>(-1));
  run_nest(nest, {in.begin(), out.begin()});
  for (int64_t i = 0; i < turns; ++i) {
    CHECK(out[static_cast<size_t>(i)] == in.begin()[i * step + from]);
    const int64_t at = i * (step + 1) - kBefore;
    CHECK(out[static_cast<size_t>(turns + i)] == (at >= 0 && at < count ? in.begin()[at] : T{}));
  }
}

TEST_CASE("elements a few apart, up to the end of a tensor, and where there are none") {
  if (!has_llvm()) return;
  for (int64_t step = 1; step <= 5; ++step)
    for (int64_t turns : {4, 8, 11, 16, 32}) {
      check_steps<float>(DType::f32, step, turns);
      check_steps<double>(DType::f64, step, turns);
      check_steps<int32_t>(DType::i32, step, turns);
      check_steps<int64_t>(DType::i64, step, turns);
      check_steps<int8_t>(DType::i8, step, turns);
    }
}

}  // namespace
}  // namespace tenon::tests
