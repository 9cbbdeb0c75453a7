// Locals of loop nests as machine code: sums over lanes, registers, memory; and loops on threads.
#include "ir/text.h"
#include "tests/unit/nest_helpers.h"

namespace tenon::tests {
namespace {

// ---- locals

TEST_CASE("sums, products and extremes over lanes") {
  if (!has_llvm()) return;
  for (int64_t n : {16, 7, 2}) {
    Nest nest("folds");
    const Tensor x = nest.input("x", DType::i32, {16}), f = nest.input("f", DType::f32, {16});
    const Tensor y = nest.output("y", DType::i32, {5}), g = nest.output("g", DType::f32, {5});
    const ScalarOp ops[] = {ScalarOp::add, ScalarOp::mul, ScalarOp::min, ScalarOp::max};
    for (int o = 0; o < 4; ++o) {
      const Variable a = nest.local(number(DType::i32, 3)), b = nest.local(number(DType::f32, 3));
      nest.loop(LoopKind::vectorized, 0, n, [&](const E& i) {
        nest.set(a, operation(ops[o], {a(), x(i)}));
        nest.set(b, operation(ops[o], {f(i), b()}));
      });
      nest.store(y, {E(o)}, a());
      nest.store(g, {E(o)}, b());
    }
    const Variable all = nest.local(E(Scalar::boolean(true)));
    nest.loop(LoopKind::vectorized, 0, n, [&](const E& i) {
      nest.set(all, operation(ScalarOp::and_,
                              {all(), operation(ScalarOp::gt, {x(i), number(DType::i32, -9)})}));
    });
    nest.store(y, {E(4)}, convert(DType::i32, all()));
    Elements<int32_t> in(16), out(5);
    Elements<float> floats(16), folded(5);
    for (int i = 0; i < 16; ++i) floats[i] = static_cast<float>(in[i] = (i * 7 + 3) % 9 - 4);
    run_nest(nest, {in.begin(), floats.begin(), out.begin(), folded.begin()});
    int sum = 3, product = 3, least = 3, most = 3;
    for (int i = 0; i < n; ++i) {
      sum += in[i], product *= in[i];
      least = std::min(least, in[i]), most = std::max(most, in[i]);
    }
    CHECK(out[0] == sum);
    CHECK(out[1] == product);
    CHECK(out[2] == least);
    CHECK(out[3] == most);
    CHECK(out[4] == 1);
    for (int o = 0; o < 4; ++o) CHECK(folded[o] == static_cast<float>(out[o]));
  }
}

TEST_CASE("a serial loop inside lanes: its local is a vector, what is the same stays a scalar") {
  Nest nest("columns");
  const Tensor x = nest.input("x", DType::f32, {10, 16}), y = nest.output("y", DType::f32, {16});
  nest.loop(LoopKind::vectorized, 0, 16, [&](const E& j) {
    const Variable a = nest.local(number(DType::f32, 0)), n = nest.local(number(DType::f32, 1));
    nest.loop(LoopKind::serial, 0, 10, [&](const E& k) {
      nest.set(a, a() + x(k, j) * n());
      nest.set(n, n() + number(DType::f32, 1));
    });
    nest.store(y, {j}, a());
  });
  const std::string text = text_of(nest.kernel);
  CAPTURE(text);
  CHECK(contains(text, "= phi <16 x float> [ splat (float 0x0000000000000000), "));
  CHECK(contains(text, "= phi float [ 0x3FF0000000000000, "));
  CHECK(contains(text, "fmul contract <16 x float>"));
  if (!has_llvm()) return;
  Elements<float> in(160), out(16);
  for (size_t i = 0; i < 160; ++i) in[i] = static_cast<float>(i % 11);
  run_nest(nest, {in.begin(), out.begin()});
  for (size_t j = 0; j < 16; ++j) {
    float sum = 0;
    for (size_t k = 0; k < 10; ++k) sum += in[k * 16 + j] * static_cast<float>(k + 1);
    CHECK(out[j] == sum);
  }
}

TEST_CASE("what lanes cannot do is done turn by turn") {
  if (!has_llvm()) return;
  Nest nest("branches");
  const Tensor x = nest.input("x", DType::i64, {16}), y = nest.output("y", DType::i64, {16});
  const Variable last = nest.local(E(0));
  nest.loop(LoopKind::vectorized, 0, 16, [&](const E& i) {
    nest.branch(operation(ScalarOp::gt, {x(i), E(4)}), [&] { nest.set(last, i); });
    nest.store(y, {i}, last());
  });
  Elements<int64_t> in(16), out(16);
  for (size_t i = 0; i < 16; ++i) in[i] = static_cast<int64_t>(i * 5 % 9);
  run_nest(nest, {in.begin(), out.begin()});
  int64_t want = 0;
  for (size_t i = 0; i < 16; ++i)
    CHECK(out[i] == (want = in[i] > 4 ? static_cast<int64_t>(i) : want));
}

/// c[m, n] = sum of a[m, k] * b[k, n], `rows` by `vectors` vectors of `width` lanes at a time; the
/// last vector has `tail` lanes.
Nest product(int64_t m, int64_t n, int64_t k, int64_t rows, int64_t vectors, int64_t width,
             bool by_tiles = true) {
  Nest nest("product");
  const DType f32 = DType::f32;
  const Tensor a = nest.input("a", f32, {m, k}), b = nest.input("b", f32, {k, n});
  const Tensor c = nest.output("c", f32, {m, n});
  nest.loop(LoopKind::serial, 0, n / (vectors * width), [&](const E& jo) {
    nest.loop(LoopKind::serial, 0, m / rows, [&](const E& io) {
      const Variable t = nest.local(f32, {rows, vectors * width});
      const auto tile = [&](const auto& body) {
        nest.loop(LoopKind::unrolled, 0, rows, [&](const E& i) {
          nest.loop(LoopKind::unrolled, 0, vectors, [&](const E& v) {
            nest.loop(LoopKind::vectorized, 0, width, [&](const E& l) { body(i, v * width + l); });
          });
        });
      };
      tile([&](const E& i, const E& j) { nest.set(t, {i, j}, number(f32, 0)); });
      nest.loop(LoopKind::serial, 0, k, [&](const E& p) {
        const Variable line = nest.local(f32, {vectors * width});
        nest.loop(LoopKind::unrolled, 0, vectors, [&](const E& v) {
          nest.loop(LoopKind::vectorized, 0, width, [&](const E& l) {
            nest.set(line, {v * width + l}, b(p, jo * (vectors * width) + v * width + l));
          });
        });
        nest.loop(LoopKind::unrolled, 0, rows, [&](const E& i) {
          const Variable x = nest.local(a(io * rows + i, p));
          nest.loop(LoopKind::unrolled, 0, vectors, [&](const E& v) {
            nest.loop(LoopKind::vectorized, 0, width, [&](const E& l) {
              const E j = v * width + l;
              nest.set(t, {i, j}, t(i, j) + x() * line(j));
            });
          });
        });
      });
      tile([&](const E& i, const E& j) {
        nest.store(c, {io * rows + i, jo * (vectors * width) + j}, t(i, j), !by_tiles);
      });
    });
  });
  return nest;
}

void check_product(int64_t m, int64_t n, int64_t k, const Nest& nest) {
  Elements<float> a(static_cast<size_t>(m * k)), b(static_cast<size_t>(k * n)),
      c(static_cast<size_t>(m * n), -1);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i * 7 % 13) - 6;
  for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i * 5 % 11) - 5;
  run_nest(nest, {a.begin(), b.begin(), c.begin()});
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      float sum = 0;
      for (int64_t p = 0; p < k; ++p)
        sum += a[static_cast<size_t>(i * k + p)] * b[static_cast<size_t>(p * n + j)];
      REQUIRE(c[static_cast<size_t>(i * n + j)] == sum);
    }
}

TEST_CASE("a tile of accumulators stays in registers") {
  const Nest nest = product(12, 128, 20, 6, 4, 16);
  const std::string text = text_of(nest.kernel);
  CAPTURE(text);
  size_t phis = 0;
  for (size_t at = text.find("phi <16 x float>"); at != text.npos;
       at = text.find("phi <16 x float>", at + 1))
    ++phis;
  CHECK(phis == 24);
  CHECK_FALSE(contains(text, "alloca"));
  if (!has_llvm()) return;
  check_product(12, 128, 20, nest);
  check_product(12, 96, 9, product(12, 96, 9, 4, 3, 16));
  check_product(6, 20, 9, product(6, 20, 9, 3, 2, 10));
  check_product(6, 26, 9, product(6, 26, 9, 3, 1, 13));
}

TEST_CASE("the innermost loop of a product: vectors loaded, one element spread and used at once") {
  const std::string text = text_of(product(4, 64, 8, 2, 2, 16).kernel);
  const std::string_view expected = R"(
loop.2:
  %i5 = phi i64 [ 0, %loop.1 ], [ %next, %loop.2 ]
  %a.1 = phi <16 x float> [ splat (float 0x0000000000000000), %loop.1 ], [ %add, %loop.2 ]
  %a.2 = phi <16 x float> [ splat (float 0x0000000000000000), %loop.1 ], [ %add.1, %loop.2 ]
  %a.3 = phi <16 x float> [ splat (float 0x0000000000000000), %loop.1 ], [ %add.2, %loop.2 ]
  %a.4 = phi <16 x float> [ splat (float 0x0000000000000000), %loop.1 ], [ %add.3, %loop.2 ]
  %i5.by = mul i64 %i5, 64
  %b.at.1 = getelementptr float, ptr %b.at, i64 %i5.by
  %b.elements = load <16 x float>, ptr %b.at.1, align 64
  %b.at.2 = getelementptr float, ptr %b.at.1, i64 16
  %b.elements.1 = load <16 x float>, ptr %b.at.2, align 64
  %a.at.1 = getelementptr float, ptr %a.at, i64 %i5
  %a.element = load float, ptr %a.at.1
  %a.element.lane = insertelement <16 x float> poison, float %a.element, i64 0
  %a.element.all = shufflevector <16 x float> %a.element.lane, <16 x float> poison, <16 x i32> zeroinitializer
  %mul = fmul contract <16 x float> %a.element.all, %b.elements
  %add = fadd contract <16 x float> %a.1, %mul
  %mul.1 = fmul contract <16 x float> %a.element.all, %b.elements.1
  %add.1 = fadd contract <16 x float> %a.2, %mul.1
  %a.at.2 = getelementptr float, ptr %a.at.1, i64 8
  %a.element.1 = load float, ptr %a.at.2
  %a.element.1.lane = insertelement <16 x float> poison, float %a.element.1, i64 0
  %a.element.1.all = shufflevector <16 x float> %a.element.1.lane, <16 x float> poison, <16 x i32> zeroinitializer
  %mul.2 = fmul contract <16 x float> %a.element.1.all, %b.elements
  %add.2 = fadd contract <16 x float> %a.3, %mul.2
  %mul.3 = fmul contract <16 x float> %a.element.1.all, %b.elements.1
  %add.3 = fadd contract <16 x float> %a.4, %mul.3
  %next = add nuw nsw i64 %i5, 1
  %more = icmp slt i64 %next, 8
  br i1 %more, label %loop.2, label %done.2
)";
  const size_t begin = text.find("\nloop.2:"), end = text.find("done.2:");
  CHECK_MESSAGE(text.substr(begin, end - begin) == expected,
                difference(expected, text.substr(begin, end - begin)));
}

TEST_CASE("registers of an array in parts: tails, single elements, what stands behind them") {
  if (!has_llvm()) return;
  Nest nest("parts");
  const Tensor x = nest.input("x", DType::i32, {64}), y = nest.output("y", DType::i32, {64});
  const Variable t = nest.local(DType::i32, {64});
  nest.loop(LoopKind::unrolled, 0, 4, [&](const E& v) {
    nest.loop(LoopKind::vectorized, 0, 16,
              [&](const E& l) { nest.set(t, {v * 16 + l}, x(v * 16 + l)); });
  });
  nest.loop(LoopKind::serial, 0, 3, [&](const E& i) {  // with phis
    nest.loop(LoopKind::vectorized, 0, 13,
              [&](const E& l) { nest.set(t, {l + 48}, t(l + 48) + convert(DType::i32, i)); });
    nest.loop(LoopKind::vectorized, 0, 4,
              [&](const E& l) { nest.set(t, {l + 20}, t(l + 20) * number(DType::i32, 2)); });
    nest.set(t, {E(3)}, t(E(3)) - t(E(63)));
    nest.branch(operation(ScalarOp::eq, {i, E(1)}), [&] { nest.set(t, {E(40)}, t(E(41))); });
  });
  nest.loop(LoopKind::unrolled, 0, 64, [&](const E& i) { nest.store(y, {i}, t(i)); });
  CHECK_FALSE(contains(text_of(nest.kernel), "alloca"));
  Elements<int32_t> in(64), out(64), want(64);
  for (int i = 0; i < 64; ++i) want[i] = in[i] = i * i - 7 * i;
  run_nest(nest, {in.begin(), out.begin()});
  for (int l = 0; l < 13; ++l) want[48 + l] += 0 + 1 + 2;
  for (int l = 0; l < 4; ++l) want[20 + l] *= 8;
  want[3] -= 3 * in[63];
  want[40] = in[41];
  CHECK(out == want);
}

/// y = x transposed by way of an array of n by n.
Nest turned(int64_t n, LoopKind kind) {
  Nest nest("turned");
  const Tensor x = nest.input("x", DType::f32, {n, n}), y = nest.output("y", DType::f32, {n, n});
  nest.loop(LoopKind::serial, 0, 2, [&](const E&) {
    const Variable t = nest.local(DType::f32, {n, n});
    nest.loop(LoopKind::serial, 0, n, [&](const E& i) {
      nest.loop(kind, 0, n, [&](const E& j) { nest.set(t, {i, j}, x(i, j)); });
    });
    nest.loop(LoopKind::serial, 0, n, [&](const E& i) {
      nest.loop(kind, 0, n, [&](const E& j) { nest.store(y, {i, j}, t(j, i)); });
    });
  });
  return nest;
}

TEST_CASE("arrays in memory: small ones on the stack, large ones the runtime's, given back") {
  CHECK(contains(text_of(turned(16, LoopKind::serial).kernel), "alloca [1024 x i8], align 64"));
  CHECK(contains(text_of(turned(100, LoopKind::serial).kernel),
                 "call ptr @tn_alloc(ptr %context, i64 40000,"));
  if (!has_llvm()) return;
  for (int64_t n : {16, 100})
    for (LoopKind kind : {LoopKind::serial, LoopKind::vectorized}) {
      const auto count = static_cast<size_t>(n);
      Elements<float> in(count * count), out(count * count);
      for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i);
      run_nest(turned(n, kind), {in.begin(), out.begin()});
      for (size_t i = 0; i < in.size(); ++i)
        CHECK(out[i / count * count + i % count] == in[i % count * count + i / count]);
    }
}

TEST_CASE("memory that is not to be had is a fault") {
  if (!has_llvm()) return;
  Nest nest("huge");
  const Tensor y = nest.output("y", DType::f32, {1});
  const Variable t = nest.local(DType::f32, {int64_t{1} << 40, 1000});
  nest.loop(LoopKind::serial, 0, 1000, [&](const E& i) {
    nest.set(t, {i, E(0)}, number(DType::f32, 1));
  });
  nest.store(y, {E(0)}, t(E(1), E(0)));
  Elements<float> out(1);
  const std::optional<runtime::Fault> fault = run(generated(nest.kernel, {out.begin()}), kOptions);
  REQUIRE(fault.has_value());
  CHECK(fault->kind == runtime::FaultKind::out_of_memory);
}

// ---- stores past the caches, prefetches

TEST_CASE("stores go past the caches where they are known to be aligned; then there is a fence") {
  const auto stored = [](int64_t columns) {
    Nest nest("copied");
    const Tensor x = nest.input("x", DType::f32, {4, columns});
    const Tensor y = nest.output("y", DType::f32, {4, columns});
    nest.loop(LoopKind::serial, 0, 4, [&](const E& i) {
      nest.prefetch(x, {i + 1, E(0)});
      nest.loop(LoopKind::vectorized, 0, 16, [&](const E& j) {
        nest.store(y, {i, j}, x(i, j), true);
      });
    });
    return nest;
  };
  const std::string aligned = text_of(stored(32).kernel), not_aligned = text_of(stored(20).kernel);
  CAPTURE(aligned);
  CHECK(contains(aligned, "align 64, !nontemporal !0"));
  CHECK(contains(aligned, "fence seq_cst\n  ret void"));
  CHECK(contains(aligned, "call void @llvm.prefetch.p0(ptr %x.at.1, i32 0, i32 2, i32 1)"));
  CHECK_FALSE(contains(not_aligned, "!nontemporal"));
  CHECK_FALSE(contains(not_aligned, "fence"));
  if (!has_llvm()) return;
  Elements<float> in(128), out(128);
  for (size_t i = 0; i < 128; ++i) in[i] = static_cast<float>(i);
  run_nest(stored(32), {in.begin(), out.begin()});
  for (size_t i = 0; i < 128; ++i) CHECK(out[i] == (i % 32 < 16 ? in[i] : 0));
}

// ---- threads

/// y[r, i] = x[r, i] * r + s[r], row by row in parallel, with an array and locals from outside.
Nest rows_in_parallel(int64_t rows, int64_t array) {
  Nest nest("rows");
  const Tensor x = nest.input("x", DType::f32, {rows, 16}),
               y = nest.output("y", DType::f32, {rows, 16});
  const Variable s = nest.local(DType::f32, {rows});
  const Variable two = nest.local(x(E(0), E(2)));
  const E before = two();  // evaluated here: what it was
  nest.store(y, {E(0), E(0)}, before);
  nest.set(two, two() + number(DType::f32, 1));
  nest.loop(LoopKind::serial, 0, rows, [&](const E& r) { nest.set(s, {r}, x(r, E(1)) * two()); });
  nest.loop(LoopKind::serial, 0, 2, [&](const E& again) {
    nest.loop(LoopKind::parallel, 0, rows, [&](const E& r) {
      const Variable t = nest.local(DType::f32, {array});
      nest.loop(LoopKind::serial, 0, 16,
                [&](const E& i) { nest.set(t, {i}, x(r, i) * convert(DType::f32, r)); });
      nest.set(s, {r}, s(r) + convert(DType::f32, again));
      nest.loop(LoopKind::vectorized, 0, 16, [&](const E& i) {
        nest.store(y, {r, i}, t(i) + s(r) * before);
      });
    });
  });
  return nest;
}

TEST_CASE("a parallel loop gives the same bits on any number of threads") {
  if (!has_llvm()) return;
  for (int64_t array : {16, 20'000}) {
    const Nest nest = rows_in_parallel(37, array);
    Elements<float> in(37 * 16), want(37 * 16);
    for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i % 29);
    for (size_t i = 0; i < in.size(); ++i) {
      const size_t r = i / 16;
      want[i] = in[i] * static_cast<float>(r) + (in[r * 16 + 1] * (in[2] + 1) + 1) * in[2];
    }
    for (int threads : {1, 2, 7, 0}) {
      CAPTURE(threads);
      Elements<float> out(37 * 16);
      run_nest(nest, {in.begin(), out.begin()}, false, threads);
      CHECK(out == want);
    }
  }
}

TEST_CASE("of several faults in a parallel loop the lowest turn's is reported") {
  if (!has_llvm()) return;
  Nest nest("checked");
  const Tensor x = nest.input("x", DType::i64, {1000}), y = nest.output("y", DType::i64, {1000});
  nest.loop(LoopKind::parallel, 0, 1000, [&](const E& i) {
    nest.check(operation(ScalarOp::lt, {x(i), E(5)}), runtime::FaultKind::subscript_out_of_range,
               i);
    nest.store(y, {i}, x(i));
  });
  for (const size_t lowest : {0u, 3u, 499u, 500u, 501u, 998u}) {
    Elements<int64_t> in(1000), out(1000);
    for (size_t i = lowest; i < 1000; i += 1 + i % 200) in[i] = 7;
    const backend::Generated text = generated(nest.kernel, {in.begin(), out.begin()});
    for (int threads : {1, 2, 7, 0}) {
      const std::optional<runtime::Fault> fault = run(text, kOptions, threads);
      REQUIRE(fault.has_value());
      CHECK(fault->a == static_cast<int64_t>(lowest));
    }
  }
}

TEST_CASE("recursive functions called in parallel: as deep as elsewhere, and no deeper") {
  if (!has_llvm()) return;
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const ir::Module module = ir::parse(sources, sources.add("test.ir", R"(
func @down(%n: i64) -> i64 recursive {
entry:
  %zero = const 0
  %more = gt %n, %zero
  branch %more, deeper, done
deeper:
  %one = const 1
  %m = sub %n, %one
  %r = call @down(%m)
  %s = add %r, %one
  ret %s
done:
  ret %zero
}
)"),
                                      diagnostics);
  REQUIRE(diagnostics.all().empty());
  Nest nest("calls");
  const Tensor x = nest.input("x", DType::i64, {40}), y = nest.output("y", DType::i64, {40});
  nest.loop(LoopKind::parallel, 0, 40, [&](const E& i) {
    const Variable depth = nest.call({0}, DType::i64, {x(i)});
    nest.store(y, {i}, depth());
  });
  Elements<int64_t> in(40, 900), out(40);
  for (int threads : {1, 2, 7}) {
    CHECK_FALSE(
        run(generated(nest.kernel, {in.begin(), out.begin()}, false, module), kOptions, threads));
    CHECK(out == in);
  }
  in[30] = 1000;
  const auto fault =
      run(generated(nest.kernel, {in.begin(), out.begin()}, false, module), kOptions);
  REQUIRE(fault.has_value());
  CHECK(fault->kind == runtime::FaultKind::recursion_too_deep);
}

}  // namespace
}  // namespace tenon::tests
