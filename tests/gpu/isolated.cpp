#include "tests/gpu/isolated.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>

namespace tenon::gpu_tests {
namespace {

[[noreturn]] void child(int to, const std::function<int(const Say&)>& work) {
  const int status = work([to](const std::string& line) {
    const std::string text = line + "\n";
    for (size_t done = 0; done < text.size();) {
      const ssize_t written = write(to, text.data() + done, text.size() - done);
      if (written < 0 && errno != EINTR) _exit(1);  // nobody listens
      if (written > 0) done += static_cast<size_t>(written);
    }
  });
  std::fflush(nullptr);
  _exit(status);
}

/// The next bytes; false at the end, or after `patience` seconds without any.
bool hear(int from, int patience, std::string& text, bool& late) {
  pollfd ready{from, POLLIN, 0};
  int answer;
  do answer = poll(&ready, 1, patience * 1000);
  while (answer < 0 && errno == EINTR);
  late = answer == 0;
  if (answer <= 0) return false;
  char buffer[4096];
  ssize_t count;
  do count = read(from, buffer, sizeof buffer);
  while (count < 0 && errno == EINTR);
  if (count <= 0) return false;
  text.append(buffer, static_cast<size_t>(count));
  return true;
}

}  // namespace

End isolated(const std::function<int(const Say&)>& work, const std::function<void(const std::string&)>& heard,
             int patience) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("there is no pipe to be had");
  std::fflush(nullptr);
  const pid_t process = fork();
  if (process < 0) throw std::runtime_error("there is no process to be had");
  if (process == 0) {
    close(ends[0]);
    child(ends[1], work);
  }
  close(ends[1]);
  std::string text;
  bool late = false;
  while (hear(ends[0], patience, text, late)) {
    for (size_t end; (end = text.find('\n')) != text.npos; text.erase(0, end + 1)) heard(text.substr(0, end));
  }
  close(ends[0]);
  if (late) kill(process, SIGKILL);
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (late) return {Ended::by_time, SIGKILL};
  if (WIFSIGNALED(status)) return {Ended::by_signal, WTERMSIG(status)};
  return {Ended::by_itself, WEXITSTATUS(status)};
}

}  // namespace tenon::gpu_tests
