// The whole program: an invocation from its command line to how it ends.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <exception>

#include "driver/command_line.h"
#include "driver/commands.h"
#include "driver/output.h"
#include "driver/whose_bug.h"
#include "runtime/context.h"

namespace tenon::driver {

namespace {

template <int lesson>
void need_lesson(std::string_view what) {
  if constexpr (lesson > TENON_UPTO)
    throw UsageError{fmt::format("`{}` comes with lesson {}; this driver was built up to lesson {}",
                                 what, lesson, TENON_UPTO)};
}

void dispatch(std::string_view command, Session& session) {
#define COMMAND(name, lesson, summary)                           \
  if (command == #name) {                                        \
    need_lesson<lesson>(#name);                                  \
    if constexpr (lesson <= TENON_UPTO) command_##name(session); \
    return;                                                      \
  }
#include "driver/commands.def"
}

/// A bug of ours: says so, names the phase, and leaves what reproduces it.
void report_internal_error(Session& session, int argc, char** argv, std::string_view what) {
  std::string reproducer = fmt::format("; the command line\n; ");
  for (int i = 0; i < argc; i++) reproducer += fmt::format("{} ", argv[i]);
  reproducer += fmt::format("\n; {}: {}\n", session.phase, what);
  for (uint32_t i = 0; i < session.sources.size(); i++)
    reproducer += fmt::format("; file {}\n{}\n", session.sources.file(i).name(),
                              session.sources.file(i).text());
  std::string path = fmt::format("tenon-bug-{}.txt", getpid());
  fmt::print(stderr, "tenon: internal error while {}: {}\n{}", session.phase, what, whose_bug());
  try {
    write_output(path, reproducer);
    fmt::print(stderr, " together with the file {}, which holds what reproduces it.\n", path);
  } catch (const UsageError&) {
    fmt::print(stderr, ".\n");
  } catch (const Exit&) {  // which has said why
  }
  if (session.after_crash) session.after_crash();
}

const Session* g_session = nullptr;  ///< for on_crash

void on_crash(int) {
  auto say = [](std::string_view text) {
    [[maybe_unused]] auto n = write(2, text.data(), text.size());
  };
  say("tenon: internal error: crashed while ");
  if (g_session) say(g_session->phase);
  say("\n");
  say(whose_bug());
  say(".\n");
  if (g_session && g_session->after_crash) g_session->after_crash();
  _exit(kInternalError);
}

/// Crashes too end with status 70; a stack overflow needs a stack of its own to say so.
void catch_crashes(const Session& session) {
#if !defined(__SANITIZE_ADDRESS__)
  g_session = &session;
  static char stack[1 << 16];
  stack_t alternate{};
  alternate.ss_sp = stack;
  alternate.ss_size = sizeof stack;
  sigaltstack(&alternate, nullptr);
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK;
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigaction(signal, &action, nullptr);
#else
  (void)session;
#endif
}

int run_command(std::string_view command, Session& session, int argc, char** argv) {
  int status = kFine;
  catch_crashes(session);
  try {
    runtime::run_on_large_stack([&] {
      catch_crashes(session);  // the alternate stack belongs to a thread
      dispatch(command, session);
    });
  } catch (const Exit& exit) {
    status = exit.status;
  } catch (const UsageError& e) {
    fmt::print(stderr, "tenon: {}\n", e.message);
    status = kUsageWrong;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "tenon: out of memory while {}\n", session.phase);
    status = kProgramWrong;
  } catch (const std::exception& e) {
    report_internal_error(session, argc, argv, e.what());
    status = kInternalError;
  }
  if (session.options.time_passes) session.print_times();
  if (status == kFine && !finish_output()) status = kProgramWrong;
  return status;
}

}  // namespace

int run_driver(int argc, char** argv) {
  std::string command;
  Options options;
  if (const auto status = read_command_line(argc, argv, command, options)) return *status;
  Session session(std::move(options));
  return run_command(command, session, argc, argv);
}

}  // namespace tenon::driver
