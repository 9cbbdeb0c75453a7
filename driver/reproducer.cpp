#include "driver/reproducer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string_view>

namespace tenon::driver {
namespace {

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

void say(std::string_view text) {
  write_all(2, text);
}

}  // namespace

Reproducer::Reproducer(std::string text, std::vector<std::string> passes,
                       std::vector<std::string> options, bool advance)
    : text_(std::move(text)),
      path_(fmt::format("tenon-bug-{}.ir", getpid())),
      names_(std::move(passes)),
      done_(names_.size()),
      rest_(names_.size()),
      advance_(advance) {
  for (size_t i = 1; i < names_.size(); ++i)
    done_[i] = (i == 1 ? "--passes=" : done_[i - 1] + ",") + names_[i - 1];
  for (size_t i = names_.size(); i-- > 0;)
    rest_[i] =
        "--passes=" + names_[i] + (i + 1 == names_.size() ? "" : "," + rest_[i + 1].substr(9));
  for (const std::string& option : options) options_ += " " + option;
}

bool Reproducer::write_text() const {
  const int file = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (file < 0) return false;
  const bool fine = write_all(file, text_);
  return close(file) == 0 && fine;
}

/// Runs `tenon opt FILE --passes=DONE -o FILE`.
bool Reproducer::advance_to(size_t pass) const {
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    sigset_t none;  // the signal whose handler this may be is blocked, and would stay so
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    const char* argv[] = {"tenon", "opt",         path_.c_str(), done_[pass].c_str(),
                          "-o",    path_.c_str(), nullptr};
    execv("/proc/self/exe", const_cast<char**>(argv));
    _exit(127);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void Reproducer::leave() const {
  if (progress.at >= names_.size()) return;
  say("It is in pass ");
  say(names_[progress.at]);
  if (!progress.function.empty()) {
    say(", at function @");
    say(progress.function);
  }
  if (!write_text()) return say(".\n");
  const bool advanced = advance_ && progress.at > 0 && advance_to(progress.at);
  say(". To see it again:\n  tenon opt ");
  say(path_);
  say(" ");
  say(rest_[advanced ? progress.at : 0]);
  say(options_);
  say("\n");
}

}  // namespace tenon::driver
