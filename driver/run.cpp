// tenon run FILE: compile and run main() on one of the targets.
#include "driver/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

#include "driver/commands.h"

namespace tenon::driver {

std::filesystem::path data_folder(const Options& options) {
  if (!options.data.empty()) return options.data;
  if (options.file == "-") return ".";
  return std::filesystem::path(options.file).parent_path();
}

void show_failure(Session& session, const ast::RunError& error) {
  lexer::Diagnostic d;
  d.code = row(error.fault.kind).code;
  d.span = error.span;
  d.message = error.fault.message();
  session.show(d);
}

void execute(Session& session, const std::function<void(runtime::Context&)>& program) {
  auto run_once = [&](std::FILE* out) {
    runtime::Context context;
    context.out = out;
    context.data_dir = data_folder(session.options);
    context.threads = session.options.threads;
    auto start = std::chrono::steady_clock::now();
    try {
      program(context);
    } catch (...) {
      runtime::flush(context);  // what was printed before the failure comes before its message
      throw;
    }
    runtime::flush(context);
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
  };
  try {
    session.timed("running", [&] { return run_once(stdout); });
    if (int runs = session.options.time_runs) {
      std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"),
                                                              std::fclose);
      std::vector<double> times;
      for (int i = 0; i < runs; i++) times.push_back(run_once(nowhere ? nowhere.get() : stderr));
      std::sort(times.begin(), times.end());
      double median = (times[(runs - 1) / 2] + times[runs / 2]) / 2;
      fmt::print(stderr, "time: {:.3f} ms (min {:.3f}, {} runs)\n", median, times[0], runs);
    }
  } catch (const ast::RunError& error) {
    show_failure(session, error);
    throw Exit{kProgramWrong};
  } catch (const runtime::Fault& fault) {
    show_failure(session, {fault, {}});
    throw Exit{kProgramWrong};
  }
}

void command_run(Session& session) {
  const Options& o = session.options;
  const bool calls = !o.call.empty() && o.call != "main";  // that one runs anyway
  if (!calls && (!o.inputs.empty() || !o.outputs.empty())) {
    throw UsageError{"--in and --out go with --call F, and `main` has no parameters and no result"};
  }
  if (calls) {
    session.entry = [&](const ast::Program& program) { return call_text(session, program); };
  }
  const std::string& target = session.options.target;
  if (!session.options.trace.empty() && target != "interp") {
    throw UsageError{"--trace watches the tree interpreter: it needs --target interp"};
  }
  const std::string& profile = session.options.profile;
  if (!profile.empty() && target == "interp") {
    throw UsageError{
        "--profile takes times on --target cpu, counts on ir, on loops cache misses too, and on sim "
        "a GPU's counters"};
  }
  if (!profile.empty() && profile != kProfileTable && target != "cpu") {
    throw UsageError{"--profile FILE.json writes a trace of times: it needs --target cpu"};
  }
  if (!session.options.record.empty() && ((target != "gpu" && target != "sim") || session.options.time_runs > 0)) {
    throw UsageError{"--record writes down what a GPU is asked for: it needs --target gpu or sim, and one run"};
  }
  if (session.options.no_tensors && session.options.record.empty()) {
    throw UsageError{"--no-tensors goes with --record"};
  }
  if (session.options.dry_run && (session.options.record.empty() || target != "sim")) {
    throw UsageError{"--dry-run goes with --record and --target sim"};
  }
#define TARGET(name, lesson, summary)                                                              \
  if (target == #name) {                                                                           \
    if constexpr (lesson <= TENON_UPTO)                                                            \
      return run_##name(session);                                                                  \
    else                                                                                           \
      throw UsageError{                                                                            \
          fmt::format("`--target {}` comes with lesson {}; this driver was built up to lesson {}", \
                      #name, lesson, TENON_UPTO)};                                                 \
  }
#include "driver/targets.def"
}

}  // namespace tenon::driver
