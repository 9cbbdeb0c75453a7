#include "driver/link.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "driver/session.h"

extern char** environ;

namespace tenon::driver {

namespace fs = std::filesystem;

fs::path runtime_archive() {
  constexpr const char* kArchive = "libtenon_runtime.a";
  std::error_code ignored;
  const fs::path folder = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const fs::path& path : {folder.parent_path() / "lib" / kArchive, folder / kArchive})
    if (fs::exists(path, ignored)) return path;
  fmt::print(stderr, "tenon: {} is not in {}, where building Tenon puts it\n", kArchive,
             (folder.parent_path() / "lib").string());
  throw Exit{kProgramWrong};
}

const std::vector<std::string>& libraries_of_runtime() {
  static const std::vector<std::string> kLibraries = {
      "-ltbb",
      "-lstdc++",
      "-lm",
      "-pthread",
#ifdef __SANITIZE_ADDRESS__
      "-fsanitize=address,undefined",
#endif
  };
  return kLibraries;
}

void run_tool(const std::vector<std::string>& command, std::string_view needed_for) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::fflush(stderr);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, argv[0], nullptr, nullptr, argv.data(), environ);
  int status = 0;
  if (failed == 0) {
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (failed == ENOENT || (failed == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
    fmt::print(
        stderr,
        "tenon: there is no `{}` on the PATH, which is needed {}: install gcc and binutils\n",
        command[0], needed_for);
    throw Exit{kProgramWrong};
  }
  if (failed == 0 && status == 0) return;
  fmt::print(stderr, "tenon: `{}`, which is needed {}, {}\n", command[0], needed_for,
             failed != 0 ? fmt::format("cannot be run: {}", std::strerror(failed)) : "failed");
  throw Exit{kProgramWrong};
}

}  // namespace tenon::driver
