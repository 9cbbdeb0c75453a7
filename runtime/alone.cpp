#include "runtime/alone.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "runtime/context.h"
#include "runtime/memory.h"

namespace tenon::runtime {
namespace {

/// A context, and what only calls from C can get wrong.
struct CallContext : Context {
  int32_t refused = 0;  ///< kNullArgument or kBadPrepared, if it was refused
  std::string why;
};

CallContext& of(tn_context* context) {
  return *static_cast<CallContext*>(reinterpret_cast<Context*>(context));
}

int32_t refuse(tn_context* context, int32_t code, std::string why) {
  of(context).refused = code;
  of(context).why = std::move(why);
  return code;
}

/// Of `prepared`, wherever it is an argument.
int32_t refuse_place(tn_context* context, const void* prepared) {
  if (prepared == nullptr) return refuse(context, kNullArgument, "an argument is a null pointer");
  if (reinterpret_cast<uintptr_t>(prepared) % kAlignment == 0) return 0;
  return refuse(context, kBadPrepared, fmt::format("`prepared` does not lie at a multiple of {} bytes", kAlignment));
}

int threads_wanted() {
  constexpr int kMost = 4096;  // as --threads has it
  const char* wanted = std::getenv("TENON_THREADS");
  return wanted == nullptr ? 0 : std::clamp(std::atoi(wanted), 0, kMost);
}

void set_up(Context& context, const char* data_dir) {
  static const int threads = threads_wanted();
  context.threads = threads;
  if (data_dir == nullptr) return;
  const char* wanted = std::getenv("TENON_DATA");
  context.data_dir = wanted != nullptr && *wanted != '\0' ? wanted : data_dir;
}

bool is_aligned(const void* data) {
  return reinterpret_cast<uintptr_t>(data) % kAlignment == 0;
}

/// 701 of "E0701".
int32_t number_of(std::string_view code) {
  return std::atoi(std::string(code.substr(1)).c_str());
}

tn_place place_of(const Fault& fault, const tn_places& places) {
  return fault.site < places.count ? places.all[fault.site] : tn_place{"", ""};
}

/// `layer.tn:3:12: error[E0701]: subscript 5 is out of range for extent 4`
std::string text_of(const Fault& fault, const tn_places& places) {
  const std::string where = place_of(fault, places).where;
  return fmt::format("{}{}error[{}]: {}", where, where.empty() ? "" : ": ", row(fault.kind).code,
                     fault.message());
}

int32_t report(tn_error* error, int32_t code, std::string_view message) {
  if (error == nullptr) return code;
  const size_t length = std::min(message.size(), sizeof error->message - 1);
  error->code = code;
  std::memcpy(error->message, message.data(), length);
  error->message[length] = '\0';
  return code;
}

int32_t report(tn_error* error, const Fault& fault, const tn_places& places) {
  return report(error, number_of(row(fault.kind).code), text_of(fault, places));
}

/// What a call printed reaches the system before the caller goes on.
void flush_if_fine(Context& context) {
  try {
    if (!context.fault) flush(context);
  } catch (const Fault& fault) {
    context.fault = fault;
  }
}

/// How a program ends: as under `tenon run`.
int32_t end_program(Context& context, const tn_places& places) {
  try {
    flush(context);
  } catch (const Fault& fault) {
    if (!context.fault) context.fault = fault;
  }
  if (!context.fault) return 0;
  fmt::print(stderr, "{}\n{}", text_of(*context.fault, places),
             place_of(*context.fault, places).excerpt);
  return 1;
}

}  // namespace
}  // namespace tenon::runtime

using namespace tenon::runtime;

tn_context* tn_enter(const char* data_dir) {
  try {
    auto* context = new CallContext;
    set_up(*context, data_dir);
    return reinterpret_cast<tn_context*>(static_cast<Context*>(context));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void tn_null_argument(tn_context* c) {
  refuse(c, kNullArgument, "an argument is a null pointer");
}

int32_t tn_begin_prepared(tn_context* c, void* prepared, int64_t bytes, int64_t needed) {
  if (const int32_t wrong = refuse_place(c, prepared)) return wrong;
  if (bytes < needed)
    return refuse(c, kBadPrepared, fmt::format("`prepared` has {} bytes, and {} are needed", bytes, needed));
  tn_end_prepared(prepared, 0);
  return 0;
}

void tn_end_prepared(void* prepared, int64_t whose) {
  std::memcpy(prepared, &whose, sizeof whose);
}

int32_t tn_check_prepared(tn_context* c, const void* prepared, int64_t whose) {
  if (const int32_t wrong = refuse_place(c, prepared)) return wrong;
  int64_t found;
  std::memcpy(&found, prepared, sizeof found);
  return found == whose ? 0 : refuse(c, kBadPrepared, "`prepared` was not filled for this function");
}

const void* tn_borrow(tn_context* c, const void* data, int64_t bytes, int32_t keep) {
  if (!keep && data != nullptr && is_aligned(data)) return data;
  void* copy = tn_alloc(c, bytes, static_cast<int32_t>(kNoSite));
  if (copy != nullptr && bytes > 0) std::memcpy(copy, data, static_cast<size_t>(bytes));
  return copy;
}

void* tn_place_result(tn_context* c, void* place, int64_t bytes) {
  return place != nullptr && is_aligned(place) ? place
                                               : tn_alloc(c, bytes, static_cast<int32_t>(kNoSite));
}

void tn_deliver(void* place, const void* result, int64_t bytes) {
  if (place != result && bytes > 0) std::memcpy(place, result, static_cast<size_t>(bytes));
}

int32_t tn_leave(tn_context* c, const tn_places* places, tn_error* error) {
  if (c == nullptr)
    return report(error, Fault{FaultKind::out_of_memory, sizeof(CallContext)}, *places);
  CallContext& context = of(c);
  flush_if_fine(context);
  int32_t status = 0;
  if (context.refused != 0)
    status = report(error, context.refused, context.why);
  else if (context.fault)
    status = report(error, *context.fault, *places);
  delete &context;
  return status;
}

int32_t tn_main(int32_t argc, char** argv, int32_t (*program)(tn_context*), const tn_places* places,
                const char* data_dir) {
  if (argc > 1) {
    fmt::print(stderr, "{}: {}: the program takes no arguments\n", argv[0], argv[1]);
    return 2;
  }
  Context context;
  set_up(context, data_dir);
  try {
    run_on_large_stack([&] { program(reinterpret_cast<tn_context*>(&context)); });
  } catch (const Fault& fault) {
    if (!context.fault) context.fault = fault;
  }
  return end_program(context, *places);
}
