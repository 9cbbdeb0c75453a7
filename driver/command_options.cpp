// The options of each command.
#include "driver/command_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>

#include "runtime/nearest.h"

namespace tenon::driver {

namespace {

/// The value is one of these.
CLI::Validator one_of(std::vector<std::string> names) {
  return CLI::Validator(
      [names = std::move(names)](const std::string& text) -> std::string {
        if (std::ranges::find(names, text) != names.end()) return "";
        const std::string near = runtime::nearest(text, names);
        return fmt::format("`{}` is none of {}{}", text, fmt::join(names, ", "),
                           near.empty() ? "" : fmt::format("; did you mean `{}`?", near));
      },
      "");
}

/// The value is a whole number of this range.
CLI::Validator from_to(int64_t low, int64_t high) {
  return CLI::Validator(
      [low, high](const std::string& text) -> std::string {
        int64_t value = 0;
        const char* end = text.data() + text.size();
        const auto [at, failed] = std::from_chars(text.data(), end, value);
        if (failed == std::errc() && at == end && value >= low && value <= high) return "";
        return fmt::format("`{}` is no number from {} to {}", text, low, high);
      },
      "");
}

/// Given twice, it is two values; and it never takes the next word for a second one.
CLI::Option* repeatable(CLI::Option* option) {
  return option->expected(1)->take_all();
}

void add_file(CLI::App& app, Options& o) {
  app.add_option("file", o.file, "the program; - is standard input")->required()->type_name("FILE");
}

void add_defines(CLI::App& app, Options& o) {
  repeatable(app.add_option("-D", o.defines, "another value for a const"))->type_name("NAME=VALUE");
}

/// What is compiled, and how.
void add_program(CLI::App& app, Options& o) {
  add_file(app, o);
  app.add_option("-O", o.level, "level of optimization, 0 to 3; default: 2")
      ->check(from_to(0, 3))
      ->type_name("N");
  add_defines(app, o);
  app.add_option("--data", o.data, "where load() looks; default: the program's folder")
      ->type_name("DIR");
  app.add_flag("--strict", o.strict,
               "fixed summation order, no fused multiply-add: same bits everywhere");
  app.add_option("--schedule", o.schedule, "schedules by call path, as `emit schedule` prints them")
      ->type_name("FILE");
  app.add_option_function<std::string>(
         "--llvm-opt", [&o](const std::string& v) { o.llvm_opt = v == "on"; },
         "off leaves out LLVM's own middle-end passes")
      ->check(one_of({"on", "off"}))
      ->type_name("on|off");
}

void add_lines(CLI::App& app, Options& o) {
  app.add_flag("-g", o.debug, "line tables, so that gdb, perf and objdump -dl speak of the program");
}

void add_cpu(CLI::App& app, Options& o) {
  std::vector<std::string> cpus = {"host"};
#define MACHINE(name, ...) cpus.push_back(name);
#include "opt/loops/machines.def"
  app.add_option("--cpu", o.cpu, fmt::format("for which processors: {}", fmt::join(cpus, ", ")))
      ->check(one_of(cpus))
      ->type_name("CPU");
}

/// N, or `auto`.
std::string read_bisect(const std::string& text, Options& o) {
  o.bisect_auto = text == "auto";
  if (o.bisect_auto) return "";
  const char* end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, o.bisect);
  return failed == std::errc() && at == end && o.bisect >= 0 ? "" : "it is a number or auto";
}

/// What the pass manager is asked for, wherever passes run.
void add_passes(CLI::App& app, Options& o) {
  const auto add = [&](auto* option) { return option->group("Passes"); };
  add(app.add_option("--passes", o.passes,
                     "the passes in order, as in simplify,gvn,dce; O2 stands for a level's"))
      ->type_name("LIST");
  add(app.add_flag("--verify-each", o.verify_each, "verify the IR after each pass"));
  add(app.add_flag("--print-changed", o.print_changed, "what each pass changed, as a diff"));
  add(repeatable(app.add_option("--print-before", o.print_before,
                                "the IR before this pass, or before all")))
      ->type_name("P");
  add(repeatable(
          app.add_option("--print-after", o.print_after, "the IR after this pass, or after all")))
      ->type_name("P");
  add(app.add_option("--stop-after", o.stop_after, "leave out what comes after this pass"))
      ->type_name("P");
  add(app.add_flag("--stats", o.stats, "rewrites by name, per pass"));
  add(app.add_flag("--time-passes", o.time_passes, "where the time went, on standard error"));
  add(app.add_option("--bisect", "allow only the first N rewrites; auto finds the first wrong one"))
      ->type_name("N|auto")
      ->check([&o](const std::string& text) { return read_bisect(text, o); });
  add(app.add_option("--bisect-with", o.bisect_with,
                     "auto: the command that fails if the IR in {} is wrong; by default it is run"))
      ->type_name("CMD");
}

void add_gpu(CLI::App& app, Options& o) {
  const std::vector<std::string> gpus = {"sm_75", "sm_80", "sm_90"};
  app.add_option("--gpu-arch", o.gpu_arch,
                 fmt::format("for which GPUs: {}; default: this machine's, or sm_80", fmt::join(gpus, ", ")))
      ->check(one_of(gpus))
      ->type_name("SM");
  app.add_flag("--tf32", o.tf32, "lets products of f32 use tf32 matrix units");
}

void add_target(CLI::App& app, Options& o) {
  std::vector<std::string> names;
#define TARGET(name, lesson, summary) names.push_back(#name);
#include "driver/targets.def"
  app.add_option("--target", o.target, fmt::format("the engine: {}; default: cpu", fmt::join(names, ", ")))
      ->check(one_of(names))
      ->type_name("T");
  add_gpu(app, o);
}

void add_exports(CLI::App& app, Options& o) {
  repeatable(app.add_option("--export", o.exports,
                            "a function for C, also [NAME=]F[N = 3]; default: all without open parameters"))
      ->type_name("F");
  repeatable(app.add_option("--constant", o.constants,
                            "parameters that stay the same, also a pattern, w*: F_prepare takes them"))
      ->type_name("F.X[,Y]");
}

/// Flags that may have a value, `--dot=dominators`, and never take the next word for it.
void add_pictures(CLI::App& app, Options& o) {
  const CLI::Validator pictures = one_of({"default", "cfg", "dominators", "dataflow"});
  app.add_flag("--dot{default}", o.dot,
               "of ast, types, ir, opt-ir the graph, for Graphviz: cfg, dominators, dataflow")
      ->check(pictures)
      ->type_name("[=GRAPH]");
  app.add_flag("--svg{default}", o.svg, "the same, drawn; of memory, the time line")
      ->check(pictures)
      ->type_name("[=GRAPH]");
  app.add_option("--function", o.function, "of ir, opt-ir: that function alone")->type_name("NAME");
}

void add_early_copies(CLI::App& app, Options& o) {
  app.add_flag("--early-copies", o.early_copies, "on sim: cp.async arrives at once, not as late as it may");
}

void add_output(CLI::App& app, Options& o) {
  app.add_option("-o", o.output, "where it goes; default: standard output")->type_name("FILE");
}

// ---- the commands, in the order of commands.def

void add_options_of_run(CLI::App& app, Options& o) {
  add_program(app, o);
  add_target(app, o);
  add_cpu(app, o);
  add_lines(app, o);
  app.add_option("--call", o.call, "call F instead of main; brackets may follow: F[N = 3]")
      ->type_name("F");
  repeatable(app.add_option("--in", o.inputs, "an argument of F, x=x.npy; dimensions come from the files"))
      ->type_name("X=FILE");
  repeatable(app.add_option("--out", o.outputs, "where F's result goes, a .npy file for each part of it"))
      ->type_name("FILE");
  app.add_option("--threads", o.threads, "default: all cores; results do not depend on it")
      ->check(from_to(1, 4096))
      ->type_name("N");
  app.add_option("--time", o.time_runs, "run N times after one warm-up and print the median")
      ->check(from_to(1, 1'000'000))
      ->type_name("N");
  app.add_flag("--profile{table}", o.profile,
               "time by kernel, to FILE.json a trace; on ir, loops, sim: what is executed")
      ->type_name("[=FILE.json]");
  app.add_option("--record", o.record,
                 "on gpu, sim: what the GPU is asked for, into PREFIX.ptx, .calls and .data")
      ->type_name("PREFIX");
  app.add_flag("--no-tensors", o.no_tensors,
               "with --record: of tensors only the first 4,096 bytes of each that goes in");
  app.add_flag("--dry-run", o.dry_run,
               "on sim, with --record: do nothing, give zeros; implies --no-tensors");
  add_early_copies(app, o);
  app.add_option("--trace", o.trace, "on interp: how that element came about, as in 'h[2, 0]'")
      ->type_name("NAME[i, j]");
  add_passes(app, o);
}

void add_options_of_emit(CLI::App& app, Options& o) {
  std::vector<std::string> stages;
#define STAGE(name, text, lesson, summary) stages.push_back(text);
#include "driver/stages.def"
  app.add_option("stage", o.stage, fmt::format("{}", fmt::join(stages, " ")))
      ->required()
      ->check(one_of(stages))
      ->type_name("STAGE");
  add_program(app, o);
  add_target(app, o);
  add_cpu(app, o);
  add_lines(app, o);
  add_pictures(app, o);
  add_output(app, o);
  add_exports(app, o);
  add_passes(app, o);
}

void add_options_of_build(CLI::App& app, Options& o) {
  add_program(app, o);
  add_cpu(app, o);
  add_lines(app, o);
  add_exports(app, o);
  add_gpu(app, o);
  app.add_option("-o", o.output, "OUT.so, .a, .o (and OUT.h), .ll, .s, .ptx; no ending: a program")
      ->required()
      ->type_name("OUT");
  add_passes(app, o);
}

void add_options_of_check(CLI::App& app, Options& o) {
  add_file(app, o);
  add_defines(app, o);
  app.add_option_function<std::string>(
         "--format",
         [&o](const std::string& v) {
           o.format = v == "json"    ? lexer::DiagFormat::json
                      : v == "short" ? lexer::DiagFormat::short_
                                     : lexer::DiagFormat::human;
         },
         "of messages: human, short or json")
      ->check(one_of({"human", "short", "json"}))
      ->type_name("F");
  app.add_flag("--fix", o.fix, "make the changes that are certain, then check what is left");
  add_gpu(app, o);
}

void add_options_of_fmt(CLI::App& app, Options& o) {
  app.add_option("files", o.files, "programs; - formats standard input to standard output")
      ->required()
      ->type_name("FILE");
  app.add_flag("--check", o.check, "change nothing; name the files that would change, exit 1");
}

void add_options_of_opt(CLI::App& app, Options& o) {
  app.add_option("file", o.file, "IR text, or loop nests in a .loops file; - is standard input")
      ->required()
      ->type_name("FILE.ir");
  app.add_flag("--strict", o.strict, "without the rules that change bits");
  add_cpu(app, o);
  repeatable(app.add_option("--directive", o.directives,
                            "of loop nests, as in 'split i by 8 as io, ii'; several in their order"))
      ->type_name("D");
  add_output(app, o);
  add_passes(app, o);
}

void add_options_of_passes(CLI::App&, Options&) {}

void add_options_of_sim(CLI::App& app, Options& o) {
  app.add_option("file", o.file, "PTX; - is standard input")->required()->type_name("FILE.ptx");
  app.add_option("--launch", o.launch,
                 "as in saxpy:8:256:2.0,x.npy,f32[2048]; default: list the kernels")
      ->type_name("K:GRID:BLOCK:ARGS");
  app.add_option("--shared", o.shared_bytes, "shared memory of a block besides what the kernel declares")
      ->check(from_to(0, std::numeric_limits<uint32_t>::max()))
      ->type_name("BYTES");
  repeatable(app.add_option("--out", o.outputs, "where the third argument's buffer goes, as in 3=y.npy"))
      ->type_name("N=FILE");
  app.add_option("--gpu", o.gpu, "the card that occupancy and the limits are for: H200, A100, T4")
      ->type_name("NAME");
  app.add_flag("--steps{text}", o.steps,
               "instead of the cost: each instruction of each warp; --steps=svg draws them")
      ->check(one_of({"text", "svg"}))
      ->type_name("[=svg]");
  add_early_copies(app, o);
}

void add_options_of_explain(CLI::App& app, Options& o) {
  app.add_option("code", o.code, "as in E0501")->required()->type_name("CODE");
}

void add_options_of_doctor(CLI::App&, Options&) {}

}  // namespace

void add_commands(CLI::App& app, Options& o) {
#define COMMAND(name, lesson, summary)                                     \
  {                                                                        \
    CLI::App& command = *app.add_subcommand(#name, summary);               \
    add_options_of_##name(command, o);                                     \
    command.add_option("--color", o.color, "auto, always or never")        \
        ->check(one_of({"auto", "always", "never"}))                       \
        ->type_name("WHEN");                                               \
  }
#include "driver/commands.def"
}

}  // namespace tenon::driver
