// The C interface over the runtime's own functions. No exception leaves: it becomes the context's
// fault. What concerns blocks is in context.cpp, the mathematics in math.cpp.
#include "runtime/abi.h"

#include <new>
#include <utility>

#include "runtime/context.h"
#include "runtime/npy.h"
#include "runtime/print.h"
#include "runtime/tensor_file.h"

namespace tenon::runtime {
namespace {

Context& of(tn_context* context) {
  return *reinterpret_cast<Context*>(context);
}

void record(Context& context, Fault fault) {
  if (!context.fault) context.fault = std::move(fault);
}

/// Runs `body`; what it throws is recorded at `site`. Whether it came through.
template <class F>
bool guarded(tn_context* c, uint32_t site, F body) noexcept {
  try {
    body(of(c));
    return true;
  } catch (Fault& fault) {
    fault.site = site;
    record(of(c), std::move(fault));
  } catch (const std::bad_alloc&) {  // a string or a path, so few bytes that nobody counted them
    record(of(c), {FaultKind::out_of_memory, 1});
  }
  return false;
}

void add_to_line(tn_context* c, std::string_view piece) {
  of(c).line += piece;
}

Shape shape_of(int32_t rank, const int64_t* shape) {
  return Shape(shape, shape + rank);
}

}  // namespace
}  // namespace tenon::runtime

using namespace tenon::runtime;

void tn_fail(tn_context* c, int32_t kind, int32_t site, int64_t a, int64_t b, const char* text) {
  guarded(c, site, [&](Context&) {
    throw Fault{static_cast<FaultKind>(kind), a, b, text == nullptr ? "" : text};
  });
}

void tn_print_text(tn_context* c, const char* text, int64_t length) {
  guarded(c, kNoSite, [&](Context&) { add_to_line(c, {text, static_cast<size_t>(length)}); });
}

void tn_print_int(tn_context* c, int32_t dtype, int64_t value) {
  guarded(c, kNoSite, [&](Context&) {
    add_to_line(c, to_text(Scalar::integer(static_cast<DType>(dtype), value)));
  });
}

void tn_print_float(tn_context* c, int32_t dtype, double value) {
  guarded(c, kNoSite, [&](Context&) {
    add_to_line(c, to_text(Scalar::floating(static_cast<DType>(dtype), value)));
  });
}

void tn_print_tensor(tn_context* c, int32_t dtype, int32_t rank, const int64_t* shape,
                     const void* data) {
  guarded(c, kNoSite, [&](Context&) {
    add_to_line(c, to_text(static_cast<DType>(dtype), shape_of(rank, shape),
                           static_cast<const std::byte*>(data)));
  });
}

void tn_print_end(tn_context* c) {
  guarded(c, kNoSite, [&](Context& context) {
    std::string line = std::exchange(context.line, {});
    if (!context.fault) write_line(context, line);
  });
}

void tn_write(tn_context* c, const void* bytes, int64_t count) {
  guarded(c, kNoSite, [&](Context& context) {
    if (!context.fault) write_bytes(context, static_cast<const std::byte*>(bytes), count);
  });
}

void* tn_load(tn_context* c, int32_t site, const char* path, const char* name, int32_t dtype,
              int32_t rank, const int64_t* shape) {
  void* data = nullptr;
  const auto allocate = [&](int64_t bytes) {
    data = tn_alloc(c, bytes, site);
    if (data == nullptr) throw Fault{FaultKind::out_of_memory, bytes};
    return static_cast<std::byte*>(data);
  };
  const bool loaded = guarded(c, site, [&](Context& context) {
    load_tensor(context.data_dir / path, name == nullptr ? "" : name, static_cast<DType>(dtype), shape_of(rank, shape),
                allocate);
  });
  if (loaded) return data;
  tn_drop(c, data);
  return nullptr;
}

int32_t tn_save(tn_context* c, int32_t site, const char* path, int32_t dtype, int32_t rank,
                const int64_t* shape, const void* data) {
  const bool saved = guarded(c, site, [&](Context&) {
    save_npy(path, static_cast<DType>(dtype), shape_of(rank, shape),
             static_cast<const std::byte*>(data));
  });
  return saved ? 0 : 1;
}

#define SYMBOL(name) {#name, reinterpret_cast<void*>(&name)},
#define MATH_SYMBOLS(name) SYMBOL(tn_##name##_f32) SYMBOL(tn_##name##_f64)

// clang-format off
const AbiSymbol tenon::runtime::kAbiSymbols[] = {
    SYMBOL(tn_alloc)        SYMBOL(tn_share)       SYMBOL(tn_drop)       SYMBOL(tn_own)
    SYMBOL(tn_fail)         SYMBOL(tn_print_text)  SYMBOL(tn_print_int)  SYMBOL(tn_print_float)
    SYMBOL(tn_print_tensor) SYMBOL(tn_print_end)   SYMBOL(tn_load)       SYMBOL(tn_save)
    SYMBOL(tn_write)        SYMBOL(tn_parallel)    SYMBOL(tn_launch)      SYMBOL(tn_to_host)
    SYMBOL(tn_copy_run)   SYMBOL(tn_clock)        SYMBOL(tn_profile)
    TN_MATH(MATH_SYMBOLS)   MATH_SYMBOLS(pow)
    {nullptr, nullptr},
};
