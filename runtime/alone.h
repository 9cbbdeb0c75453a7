// What code that was compiled ahead of time calls besides abi.h: to begin and end a call from C, or
// a whole program. Here, too, a context belongs to one call, so that calls may run side by side.
#pragma once
#include <stdint.h>

#include "runtime/abi.h"

extern "C" {

/// A place in the source that a fault can name, as it is shown.
struct tn_place {
  const char* where;    ///< "layer.tn:3:12"; empty if there is none
  const char* excerpt;  ///< the source line, underlined, with a line break at its end; may be empty
};

struct tn_places {
  int64_t count;
  const tn_place* all;  ///< by the numbers that faults carry
};

/// As the headers of libraries declare it.
struct tn_error {
  int32_t code;       ///< 701 for E0701
  char message[508];  ///< zero-terminated, cut off where it is longer
};

/// For one call; null when memory runs out. `data_dir` is where load() looks unless the environment
/// variable TENON_DATA says otherwise; null where nothing is loaded. The variable TENON_THREADS
/// says how many threads a call may use; otherwise there is one for each core.
tn_context* tn_enter(const char* data_dir);
/// Records that an argument is a null pointer.
void tn_null_argument(tn_context* context);
/// Whether `bytes` bytes at `prepared`, which a function is about to fill, are as many as `needed`, and aligned
/// as tn_alloc does: 0; otherwise it records what is wrong with them. What was there counts no more.
int32_t tn_begin_prepared(tn_context* context, void* prepared, int64_t bytes, int64_t needed);
/// Notes in what has been filled for whom that is; nobody's is 0.
void tn_end_prepared(void* prepared, int64_t whose);
/// Whether `prepared` has been filled for that one: 0; otherwise it records that it has not.
int32_t tn_check_prepared(tn_context* context, const void* prepared, int64_t whose);
/// A caller's tensor for generated code to read: itself, or if it is not aligned as tn_alloc does,
/// or if the program will `keep` it, a copy with an owner. Null when memory runs out.
const void* tn_borrow(tn_context* context, const void* data, int64_t bytes, int32_t keep);
/// Where a result is to be written: its place itself, or if that is not aligned, a block.
void* tn_place_result(tn_context* context, void* place, int64_t bytes);
/// Brings a result to its place, if it is not there.
void tn_deliver(void* place, const void* result, int64_t bytes);
/// Ends the call: 0, or the code of what went wrong, described in `error` unless that is null.
int32_t tn_leave(tn_context* context, const tn_places* places, tn_error* error);

/// A whole program, which takes no arguments: its exit status. Faults go to standard error.
int32_t tn_main(int32_t argc, char** argv, int32_t (*program)(tn_context*), const tn_places* places,
                const char* data_dir);
}

namespace tenon::runtime {
/// What tn_leave gives in the place of a code.
inline constexpr int32_t kNullArgument = -1, kBadPrepared = -2;
}
