// The C interface that generated code calls. Tensors are plain pointers to their row-major data;
// a small header before the data counts owners (Context::Block in context.cpp). A context belongs
// to one thread; a parallel loop gives each stretch of its turns one.
//
// A function that can fail returns 1 for "failed" (or null where it returns a pointer), with the
// fault recorded in the context; generated code then returns at once.
#pragma once
#include <stdint.h>

extern "C" {

struct tn_context;  ///< tenon::runtime::Context under its C name; a pointer cast leads to either

/// An uninitialized block of `bytes` with one owner, 64-byte aligned; null when memory runs out.
void* tn_alloc(tn_context* context, int64_t bytes, int32_t site);
void tn_share(void* data);                       ///< one more owner
void tn_drop(tn_context* context, void* data);   ///< one owner less; the last frees; null is fine
/// `data` itself if it has one owner, else a fresh copy (which replaces that ownership); null when
/// memory runs out.
void* tn_own(tn_context* context, void* data, int64_t bytes, int32_t site);

/// Nanoseconds, as tn_profile takes them.
int64_t tn_clock();
/// A kernel has run since `begin`.
void tn_profile(tn_context* context, int32_t kernel, int64_t begin);

/// Records a fault of kind `kind` (faults.def) at `site`. The first one recorded stays.
/// `text` may be null; otherwise it is zero-terminated.
void tn_fail(tn_context* context, int32_t kind, int32_t site, int64_t a, int64_t b,
             const char* text);

/// The turns [first, end) of a parallel loop; `env` has what they use from around it.
typedef int32_t (*tn_turns)(tn_context* context, void* env, int64_t first, int64_t end);
/// Has all of [first, end) done, in stretches, each on some thread and in a context of its own. Of
/// failures the lowest turn's is recorded in `context`.
int32_t tn_parallel(tn_context* context, tn_turns turns, void* env, int64_t first, int64_t end);

/// Launches a kernel (DeviceSession::launch): 0 done, 1 failed, 2 the host is to run it.
int32_t tn_launch(tn_context* context, int32_t kernel, void* const* slots, int32_t site);
/// Before the host reads a tensor that a kernel may have written; or changes it.
void tn_to_host(tn_context* context, void* data, int32_t writes);
/// Copies `bytes` from a place in tensor `source` to one in tensor `data`: on the device, if that has both.
void tn_copy_run(tn_context* context, void* data, void* to, void* source, const void* from, int64_t bytes);

/// One line of print(): what each call gives is put together as it is; tn_print_end writes the line.
/// A line whose making failed is not written; the fault is recorded.
void tn_print_text(tn_context* context, const char* text, int64_t length);
void tn_print_int(tn_context* context, int32_t dtype, int64_t value);
void tn_print_float(tn_context* context, int32_t dtype, double value);
void tn_print_tensor(tn_context* context, int32_t dtype, int32_t rank, const int64_t* shape,
                     const void* data);
void tn_print_end(tn_context* context);

/// write(): the bytes of an i8 tensor up to the first zero.
void tn_write(tn_context* context, const void* bytes, int64_t count);

/// A block as by tn_alloc, or null; relative paths start at the context's data_dir. `name` is the
/// tensor's in a file that holds several; may be null.
void* tn_load(tn_context* context, int32_t site, const char* path, const char* name, int32_t dtype,
              int32_t rank, const int64_t* shape);
int32_t tn_save(tn_context* context, int32_t site, const char* path, int32_t dtype, int32_t rank,
                const int64_t* shape, const void* data);

/// The scalar operations of scalar_ops.def that are library functions rather than instructions.
#define TN_MATH(X) X(exp) X(log) X(log2) X(sin) X(cos) X(tanh) X(erf)
#define TN_DECLARE(name) float tn_##name##_f32(float); double tn_##name##_f64(double);
TN_MATH(TN_DECLARE)
#undef TN_DECLARE
float tn_pow_f32(float, float);
double tn_pow_f64(double, double);
}

namespace tenon::runtime {
/// Where the number of a tensor's owners lies, an i64: so many bytes behind its data's address.
inline constexpr int64_t kOwnersOffset = -48;

struct AbiSymbol {
  const char* name;
  void* address;
};
/// Every function above by name, for a JIT to resolve; ends with a null name.
extern const AbiSymbol kAbiSymbols[];
}  // namespace tenon::runtime
