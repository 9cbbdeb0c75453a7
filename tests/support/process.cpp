#include "tests/support/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <stdexcept>

namespace tenon::tests {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    // Close-on-exec, or a child started by another thread would hold this pipe open.
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe to be had");
    read_end = ends[0], write_end = ends[1];
  }
  ~Pipe() { close_read(), close_write(); }
  void close_read() { close_once(read_end); }
  void close_write() { close_once(write_end); }

 private:
  static void close_once(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
};

// Between fork and exec only async-signal-safe calls are allowed: the caller may have threads.
[[noreturn]] void become(const Command& command, char* const* argv, const char* folder, Pipe& in,
                         Pipe& out, Pipe& err) {
  setpgid(0, 0);                     // so that a time-out ends its children too,
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // and it does not outlive us
  dup2(in.read_end, STDIN_FILENO);
  dup2(out.write_end, STDOUT_FILENO);
  dup2(err.write_end, STDERR_FILENO);
  if (command.memory_limit) {
    rlimit limit{command.memory_limit, command.memory_limit};
    setrlimit(RLIMIT_AS, &limit);
  }
  rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (chdir(folder) == 0) execvp(argv[0], argv);
  _exit(127);
}

void read_some(int fd, std::string& into, bool& open) {
  char buffer[1 << 16];
  const ssize_t count = read(fd, buffer, sizeof buffer);
  if (count <= 0) {
    open = false;
  } else if (into.size() < kMaxOutput) {
    into.append(buffer, static_cast<size_t>(count));
  }
}

// Feeds the input and collects both outputs until the child has closed them or time is up.
bool exchange(const Command& command, Pipe& in, Pipe& out, Pipe& err, Outcome& outcome) {
  const auto deadline = Clock::now() + std::chrono::duration<double>(command.timeout);
  size_t fed = 0;
  bool out_open = true, err_open = true;
  if (command.input.empty()) in.close_write();
  while (out_open || err_open) {
    const double left = std::chrono::duration<double>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd fds[3] = {{out_open ? out.read_end : -1, POLLIN, 0},
                     {err_open ? err.read_end : -1, POLLIN, 0},
                     {in.write_end, POLLOUT, 0}};  // poll skips negative descriptors
    if (poll(fds, 3, static_cast<int>(left * 1000) + 1) < 0) continue;
    if (fds[0].revents) read_some(out.read_end, outcome.out, out_open);
    if (fds[1].revents) read_some(err.read_end, outcome.err, err_open);
    if (fds[2].revents) {
      const ssize_t count =
          write(in.write_end, command.input.data() + fed, command.input.size() - fed);
      if (count > 0) fed += static_cast<size_t>(count);
      if (count < 0 || fed == command.input.size()) in.close_write();
    }
  }
  return true;
}

// Waits for the child until the deadline (it may have closed its outputs and still be running).
bool finish(pid_t child, double timeout, int& status, rusage& usage) {
  const auto deadline = Clock::now() + std::chrono::duration<double>(timeout);
  while (wait4(child, &status, WNOHANG, &usage) == 0) {
    if (Clock::now() > deadline) return false;
    usleep(500);
  }
  return true;
}

double seconds(timeval time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

}  // namespace

Outcome run(const Command& command) {
  signal(SIGPIPE, SIG_IGN);  // a child that does not read its input is no reason to die
  std::vector<char*> argv;
  for (const std::string& word : command.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const std::string folder = command.folder.string();

  Pipe in, out, err;
  // Not blocking: a large input must not stop us from reading the output.
  fcntl(in.write_end, F_SETFL, O_NONBLOCK);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("cannot start a process");
  if (child == 0) become(command, argv.data(), folder.c_str(), in, out, err);
  in.close_read(), out.close_write(), err.close_write();

  Outcome outcome;
  int status = 0;
  rusage usage{};
  outcome.timed_out =
      !exchange(command, in, out, err, outcome) || !finish(child, command.timeout, status, usage);
  if (outcome.timed_out) {
    kill(-child, SIGKILL);
    wait4(child, &status, 0, &usage);
  }
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  outcome.peak_bytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  return outcome;
}

std::string describe(const Outcome& outcome) {
  if (outcome.timed_out) return fmt::format("killed after {:.1f} s of work", outcome.cpu_seconds);
  if (outcome.status == 127) return "the program was not found";
  if (outcome.status > 128) {
    const int signal = outcome.status - 128;
    return fmt::format("killed by signal {} ({})", signal, strsignal(signal));
  }
  return fmt::format("exit status {}", outcome.status);
}

std::string spelled(const std::vector<std::string>& argv) {
  std::string text;
  for (const std::string& word : argv) {
    const bool plain = !word.empty() && word.find_first_of(" \t\"'$*;&|<>()") == std::string::npos;
    text += (text.empty() ? "" : " ") + (plain ? word : "'" + word + "'");
  }
  return text;
}

}  // namespace tenon::tests
