// Work in a child process, so that a crash or a hang of the compiler, or of what it compiled, is a
// finding and not the end.
#pragma once
#include <functional>
#include <string>

namespace tenon::differential {

/// Memory that parent and children share; zeroed.
void* shared_memory(size_t bytes);
template <class T>
T& shared() {
  return *static_cast<T*>(shared_memory(sizeof(T)));
}

inline constexpr const char* kTookTooLong = "took too long";

/// Runs `work` in a child. What ended it, or nothing if it came through; `work` bounds its time by
/// limit_processor_time().
std::string in_child(const std::function<void()>& work);

}  // namespace tenon::differential
