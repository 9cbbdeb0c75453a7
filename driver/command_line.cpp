#include "driver/command_line.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>

#include "runtime/nearest.h"

namespace tenon::driver {

namespace {

constexpr const char* kVersion = "tenon 0.1";

const std::vector<std::string> kCommands = {
#define COMMAND(name, lesson, summary) #name,
#include "driver/commands.def"
};

bool is_command(std::string_view name) {
  return std::ranges::count(kCommands, name) != 0;
}

/// What may have been meant by a first word that is no command.
std::string advice(const std::string& word) {
  if (word.ends_with(".tn")) return fmt::format("`tenon run {}` runs a program", word);
  const std::string near = runtime::nearest(word, kCommands);
  return near.empty() ? "`tenon --help` lists them" : fmt::format("did you mean `{}`?", near);
}

/// Prints what is wrong with the words of a command, or the help that they ask for.
Status end_as_told(const CLI::App& app, const CLI::ParseError& end, const std::string& command) {
  if (end.get_exit_code() == 0) return app.exit(end), kFine;
  fmt::print(stderr, "tenon: {}; `tenon{} --help` says what may stand there\n", end.what(), command);
  return kUsageWrong;
}

void add_program_options(CLI::App& app, Options& o) {
  app.add_option("file", o.file, "the program; - is standard input")->required()->type_name("FILE");
  app.add_option("-O", o.level, "optimization level, 0 to 3")
      ->check(CLI::Range(0, 3))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("-D", o.defines, "replaces a const")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all();
  app.add_option("--data", o.data, "where load() looks; default: the program's folder")
      ->type_name("DIR");
  app.add_flag("--strict", o.strict,
               "fixed summation order, no fused multiply-add: same bits everywhere");
  app.add_option("--schedule", o.schedule, "schedules by call path, as `emit schedule` prints them")
      ->type_name("FILE");
  app.add_option_function<std::string>(
         "--llvm-opt", [&o](const std::string& v) { o.llvm_opt = v == "on"; },
         "off leaves out LLVM's own middle-end passes")
      ->check(CLI::IsMember({"on", "off"}));
}

void add_lines_option(CLI::App& app, Options& o) {
  app.add_flag("-g", o.debug, "line tables, so that gdb, perf and objdump -dl speak of the program");
}

void add_cpu_option(CLI::App& app, Options& o) {
  std::vector<std::string> cpus = {"host"};
#define MACHINE(name, ...) cpus.push_back(name);
#include "opt/loops/machines.def"
  app.add_option("--cpu", o.cpu, "for which processors: host, x86-64, x86-64-v3, x86-64-v4 or aarch64")
      ->check(CLI::IsMember(cpus))
      ->capture_default_str()
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
void add_pass_options(CLI::App& app, Options& o) {
  const auto add = [&](auto* option) { return option->group("Passes"); };
  add(app.add_option("--passes", o.passes,
                     "the passes in order, as in simplify,gvn,dce; O2 stands for a level's"))
      ->type_name("LIST");
  add(app.add_flag("--verify-each", o.verify_each, "verify the IR after each pass"));
  add(app.add_flag("--print-changed", o.print_changed, "what each pass changed, as a diff"));
  add(app.add_option("--print-before", o.print_before, "the IR before this pass, or before all"))
      ->type_name("P")
      ->expected(1)
      ->take_all();
  add(app.add_option("--print-after", o.print_after, "the IR after this pass, or after all"))
      ->type_name("P")
      ->expected(1)
      ->take_all();
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

void add_gpu_option(CLI::App& app, Options& o) {
  app.add_option("--gpu-arch", o.gpu_arch, "the GPU that kernels are for; default: this one, or sm_80")
      ->check(CLI::IsMember({"sm_75", "sm_80", "sm_90"}))
      ->type_name("SM");
  app.add_flag("--tf32", o.tf32, "lets products of f32 use tf32 matrix units");
}

void add_target_option(CLI::App& app, Options& o) {
  std::vector<std::string> names;
#define TARGET(name, lesson, summary) names.push_back(#name);
#include "driver/targets.def"
  app.add_option("--target", o.target, "interp, ir, loops, cpu, gpu or sim")
      ->check(CLI::IsMember(names))
      ->capture_default_str()
      ->type_name("T");
  add_gpu_option(app, o);
}

void add_export_option(CLI::App& app, Options& o) {
  app.add_option("--export", o.exports,
                 "a function for C; default: every one without open parameters")
      ->type_name("[NAME=]F[N = 3]")
      ->expected(1)
      ->take_all();
  app.add_option("--constant", o.constants,
                 "parameters of a function for C that stay the same, also a pattern as in w*: F_prepare takes "
                 "them, once for all calls")
      ->type_name("F.X[,Y]")
      ->expected(1)
      ->take_all();
}

/// Flags that may have a value, `--dot=dominators`, and never take the next word for it.
void add_picture_options(CLI::App& app, Options& o) {
  const CLI::IsMember pictures({"default", "cfg", "dominators", "dataflow"});
  app.add_flag("--dot{default}", o.dot,
               "the graph behind ast, types, ir, opt-ir for Graphviz: cfg, dominators or dataflow")
      ->check(pictures);
  app.add_flag("--svg{default}", o.svg, "the same, drawn; of memory, the time line")->check(pictures);
  app.add_option("--function", o.function, "ir, opt-ir: that function alone")->type_name("NAME");
}

void add_copies_option(CLI::App& app, Options& o) {
  app.add_flag("--early-copies", o.early_copies, "on sim: cp.async arrives at once, not as late as it may");
}

void add_options(CLI::App& app, std::string_view command, Options& o) {
  if (command == "run") {
    add_program_options(app, o);
    add_target_option(app, o);
    add_cpu_option(app, o);
    add_lines_option(app, o);
    add_pass_options(app, o);
    app.add_option("--call", o.call, "call F instead of main; brackets may follow: F[N = 3]")
        ->type_name("F");
    app.add_option("--in", o.inputs, "an argument of F, x=x.npy; dimensions come from the files")
        ->type_name("X=FILE")
        ->expected(1)
        ->take_all();
    app.add_option("--out", o.outputs, "where F's result goes, a .npy file for each part of it")
        ->type_name("FILE")
        ->expected(1)
        ->take_all();
    app.add_option("--threads", o.threads, "default: all cores; results do not depend on it")
        ->check(CLI::Range(1, 4096))
        ->type_name("N");
    app.add_option("--time", o.time_runs, "run N times after one warm-up and print the median")
        ->check(CLI::Range(1, 1'000'000))
        ->type_name("N");
    app.add_flag("--profile{table}", o.profile,
                 "on cpu: time, FLOP/s, bytes/s and share of the roofline by kernel, with FILE.json a trace "
                 "for Perfetto; on ir, loops: instructions, elements moved, cache "
                 "misses; on sim: the counters of each kernel");
    app.add_option("--record", o.record,
                   "on gpu, sim: what the GPU is asked for and what comes out, into PREFIX.ptx, .calls and .data")
        ->type_name("PREFIX");
    app.add_flag("--no-tensors", o.no_tensors,
                 "with --record: nothing of tensors but the first 4,096 bytes of each that goes in");
    app.add_flag("--dry-run", o.dry_run,
                 "on sim, with --record: without doing it; what comes out is zeros; implies --no-tensors");
    add_copies_option(app, o);
    app.add_option("--trace", o.trace,
                   "on interp: how that element came about, on standard error, as in 'h[2, 0]'")
        ->type_name("NAME[i, j]");
  } else if (command == "emit") {
    std::vector<std::string> stages;
#define STAGE(name, text, lesson, summary) stages.push_back(text);
#include "driver/stages.def"
    app.add_option("stage", o.stage, "tokens ast types ir opt-ir loops schedule memory llvm ptx asm")
        ->required()
        ->check(CLI::IsMember(stages))
        ->type_name("STAGE");
    add_program_options(app, o);
    add_target_option(app, o);
    add_cpu_option(app, o);
    add_lines_option(app, o);
    add_pass_options(app, o);
    add_picture_options(app, o);
    app.add_option("-o", o.output, "instead of standard output")->type_name("FILE");
    add_export_option(app, o);
  } else if (command == "build") {
    add_program_options(app, o);
    add_cpu_option(app, o);
    add_lines_option(app, o);
    add_pass_options(app, o);
    add_export_option(app, o);
    add_gpu_option(app, o);
    app.add_option("-o", o.output, "OUT.so, .a, .o (and OUT.h), .ll, .s, .ptx; no ending: a program")
        ->required()
        ->type_name("OUT");
  } else if (command == "check") {
    app.add_option("file", o.file, "the program; - is standard input")
        ->required()
        ->type_name("FILE");
    app.add_option("-D", o.defines, "replaces a const")
        ->type_name("NAME=VALUE")
        ->expected(1)
        ->take_all();
    app.add_option_function<std::string>(
           "--format",
           [&o](const std::string& v) {
             o.format = v == "json"    ? lexer::DiagFormat::json
                        : v == "short" ? lexer::DiagFormat::short_
                                       : lexer::DiagFormat::human;
           },
           "human, short or json")
        ->check(CLI::IsMember({"human", "short", "json"}))
        ->type_name("F");
    app.add_flag("--fix", o.fix, "make the changes that are certain, then check what is left");
    add_gpu_option(app, o);
  } else if (command == "fmt") {
    app.add_option("files", o.files, "programs; - formats standard input to standard output")
        ->required()
        ->type_name("FILE");
    app.add_flag("--check", o.check, "change nothing; name the files that would change, exit 1");
  } else if (command == "opt") {
    app.add_option("file", o.file, "IR text, or loop nests in a .loops file; - is standard input")
        ->required()
        ->type_name("FILE.ir");
    app.add_flag("--strict", o.strict, "without the rules that change bits");
    add_cpu_option(app, o);
    app.add_option("--directive", o.directives,
                   "of loop nests: a directive, 'split i by 8 as io, ii'; repeated, one after the other")
        ->type_name("D")
        ->expected(1)
        ->take_all();
    add_pass_options(app, o);
    app.add_option("-o", o.output, "instead of standard output")->type_name("FILE");
  } else if (command == "sim") {
    app.add_option("file", o.file, "PTX; - is standard input")->required()->type_name("FILE.ptx");
    app.add_option("--launch", o.launch,
                   "as in saxpy:8:256:2.0,x.npy,f32[2048]; none: list the kernels")
        ->type_name("K:GRID:BLOCK:ARGS");
    app.add_option("--shared", o.shared_bytes, "dynamic shared memory of a block")
        ->type_name("BYTES");
    app.add_option("--out", o.outputs, "where the third argument's buffer goes, as in 3=y.npy")
        ->type_name("N=FILE")
        ->expected(1)
        ->take_all();
    app.add_option("--gpu", o.gpu, "the card that occupancy and the limit are for: H200, A100, T4")
        ->type_name("NAME");
    app.add_flag("--steps{text}", o.steps,
                 "instead of what it costs: each instruction of each warp, with its lanes; --steps=svg "
                 "draws them")
        ->check(CLI::IsMember({"text", "svg"}));
    add_copies_option(app, o);
  } else if (command == "explain") {
    app.add_option("code", o.code, "as in E0501")->required()->type_name("CODE");
  }
  app.add_option("--color", o.color, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
}

/// The words behind the program's name, last first, as CLI11 wants them. It would take the next word
/// for the value in `--passes= -o F`; a blank is the empty list too, and is seen.
std::vector<std::string> words(int argc, char** argv) {
  std::vector<std::string> reversed;
  for (int i = argc - 1; i > 0; --i) {
    if (std::string_view(argv[i]) == "--profile" && !reversed.empty() &&
        reversed.back().ends_with(".json")) {
      reversed.back() = "--profile=" + reversed.back();  // what else follows is the program
      continue;
    }
    reversed.emplace_back(argv[i]);
    if (reversed.back().starts_with("--") && reversed.back().ends_with("=")) reversed.back() += ' ';
  }
  return reversed;
}

}  // namespace

std::optional<Status> read_command_line(int argc, char** argv, std::string& command,
                                        Options& options) {
  CLI::App app("Tenon: a tensor language and its compiler, as a course.", "tenon");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
#define COMMAND(name, lesson, summary) \
  add_options(*app.add_subcommand(#name, summary), #name, options);
#include "driver/commands.def"
  if (argc == 1) {
    fmt::print(stderr, "tenon: a command is wanted; `tenon --help` lists them\n");
    return kUsageWrong;
  }
  if (argv[1][0] != '-' && !is_command(argv[1])) {
    fmt::print(stderr, "tenon: there is no command `{}`; {}\n", argv[1], advice(argv[1]));
    return kUsageWrong;
  }
  try {
    app.parse(words(argc, argv));
  } catch (const CLI::ParseError& e) {
    return end_as_told(app, e, is_command(argv[1]) ? fmt::format(" {}", argv[1]) : "");
  }
  command = app.get_subcommands()[0]->get_name();
  return std::nullopt;
}

}  // namespace tenon::driver
