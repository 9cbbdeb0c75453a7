#include <pthread.h>
#include <sys/mman.h>

#include <cstddef>
#include <exception>

#include "runtime/context.h"

namespace tenon::runtime {
namespace {

constexpr size_t kLargest = size_t{1} << 30;   // the kernel gives pages only as they are touched
constexpr size_t kSmallest = size_t{1} << 23;  // what a main thread usually has
constexpr size_t kGuard = size_t{1} << 16;     // a whole page on every machine

/// A stack with an unreadable stretch below it, so that overflow stops the program instead of
/// overwriting something.
class Stack {
 public:
  explicit Stack(size_t bytes) : bytes_(bytes) {
    base_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base_ != MAP_FAILED) mprotect(base_, kGuard, PROT_NONE);
  }
  ~Stack() {
    if (base_ != MAP_FAILED) munmap(base_, bytes_);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  bool valid() const { return base_ != MAP_FAILED; }
  void* usable() const { return static_cast<std::byte*>(base_) + kGuard; }
  size_t usable_bytes() const { return bytes_ - kGuard; }

 private:
  size_t bytes_;
  void* base_;
};

struct Call {
  const std::function<void()>& body;
  std::exception_ptr thrown = nullptr;
};

/// Whether this thread was made for its stack. A second one would wait, as every thread that starts, for
/// a library that is being opened meanwhile.
thread_local bool has_large_stack = false;

void* run(void* argument) {
  auto& call = *static_cast<Call*>(argument);
  has_large_stack = true;
  try {
    call.body();
  } catch (...) {
    call.thrown = std::current_exception();
  }
  return nullptr;
}

/// False if the system did not grant the thread; then `call` has not run.
bool run_on(const Stack& stack, Call& call) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  const bool started =
      pthread_attr_setstack(&attributes, stack.usable(), stack.usable_bytes()) == 0 &&
      pthread_create(&thread, &attributes, run, &call) == 0;
  pthread_attr_destroy(&attributes);
  if (started) pthread_join(thread, nullptr);
  return started;
}

}  // namespace

void run_on_large_stack(const std::function<void()>& body) {
  if (has_large_stack) return body();
  Call call{body};
  for (size_t bytes = kLargest; bytes >= kSmallest; bytes /= 2) {
    const Stack stack(bytes);
    if (!stack.valid() || !run_on(stack, call)) continue;
    if (call.thrown) std::rethrow_exception(call.thrown);
    return;
  }
  throw Fault{FaultKind::out_of_memory, static_cast<int64_t>(kSmallest)};
}

}  // namespace tenon::runtime
