// tenon build FILE -o OUT: code that runs without Tenon. The ending of OUT says which form it has.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "driver/c_names.h"
#include "driver/commands.h"
#include "driver/cpu.h"
#include "driver/gpu.h"
#include "driver/ir_module.h"
#include "driver/link.h"
#include "driver/optimize.h"
#include "driver/output.h"

namespace tenon::driver {
namespace {

namespace fs = std::filesystem;

/// A folder beside the output for what is on its way there; gone in the end, whatever happens.
class Workplace {
 public:
  explicit Workplace(const fs::path& output)
      : output_(output), folder_(fmt::format("{}.{}.part", output.string(), getpid())) {
    std::error_code failed;
    if (!fs::create_directory(folder_, failed) || failed)
      throw UsageError{fmt::format("cannot write {}: {}", output.string(),
                                   failed ? failed.message() : "there is a " + folder_.string())};
  }
  ~Workplace() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  fs::path file(const std::string& name) const { return folder_ / name; }
  /// Ends the invocation if that failed.
  void expect_fine(const std::error_code& outcome) const {
    if (!outcome) return;
    fmt::print(stderr, "tenon: cannot write {}: {}\n", output_.string(), outcome.message());
    throw Exit{kProgramWrong};
  }
  /// Puts a finished file in the output's place.
  void finish(const fs::path& file) const {
    std::error_code outcome;
    fs::rename(file, output_, outcome);
    expect_fine(outcome);
  }

 private:
  fs::path output_, folder_;
};

// ---- the forms

/// Whether the code is for another kind of processor.
bool is_foreign(const Options& options) {
  const opt::loops::NamedMachine* machine = opt::loops::find_machine(options.cpu);
  return machine != nullptr && !machine->is_of_this_kind();
}

using Command = std::vector<std::string>;

struct Build {
  Session& session;
  const ir::Module& module;
  fs::path output;

  /// For other kinds of machines in one part: the linker here does not know them.
  backend::Generated generate() const {
    backend::Generated generated = generate_alone(session, module);
    if (is_foreign(session.options)) generated.parts.clear();
    return generated;
  }
  /// Object files, written where the work is done.
  Command objects(const Workplace& work) const;
};

Command Build::objects(const Workplace& work) const {
  const backend::Generated generated = generate();
  const std::vector<std::string> contents = session.timed("compiling with LLVM", [&] {
    return backend::cpu::objects(generated, backend_options(session));
  });
  Command files;
  for (const std::string& content : contents) {
    files.push_back(work.file(fmt::format("part{}.o", files.size())).string());
    write_output(files.back(), content);
  }
  return files;
}

void append(Command& command, const Command& more) {
  command.insert(command.end(), more.begin(), more.end());
}

void write_ll(const Build& build) {
  write_output(build.output.string(), build.generate().text);
}

/// As one module: assembly has no names that parts of it do not see.
void write_s(const Build& build) {
  const backend::Generated whole{build.generate().text, {}, {}};
  write_output(build.output.string(),
               backend::cpu::assembly(whole, backend_options(build.session)));
}

void write_kernels(const Build& build) {
  backend::Options options = backend_options(build.session);
  options.gpu = gpu_arch(build.session);
  const auto generated = with_schedules(
      build.session, [&] { return backend::gpu::generate_for_gpu(build.module, options); });
  write_output(build.output.string(), write_ptx(build.session, generated));
}

/// One object file, in which parts see each other, and others see only the functions for C.
fs::path write_object(const Build& build, const Workplace& work) {
  constexpr const char* kNeededFor = "to make object files";
  const Command parts = build.objects(work);
  const fs::path whole = work.file(build.output.stem().string() + ".o");
  if (parts.size() == 1) {
    std::error_code outcome;
    fs::rename(parts[0], whole, outcome);
    work.expect_fine(outcome);
    return whole;
  }
  Command command = {"ld", "-r", "-o", whole.string()};
  append(command, parts);
  run_tool(command, kNeededFor);
  run_tool({"objcopy", "--localize-hidden", whole.string()}, kNeededFor);
  return whole;
}

void write_o(const Build& build) {
  const Workplace work(build.output);
  work.finish(write_object(build, work));
}

/// The runtime's archive with one member more, so that nothing else need be found.
void write_a(const Build& build) {
  const Workplace work(build.output);
  const fs::path object = write_object(build, work), archive = work.file("all.a");
  std::error_code outcome;
  fs::copy_file(runtime_archive(), archive, outcome);
  work.expect_fine(outcome);
  fs::permissions(archive, fs::perms::owner_write, fs::perm_options::add, outcome);
  work.expect_fine(outcome);
  run_tool({"ar", "rcs", archive.string(), object.string()}, "to make archives");
  work.finish(archive);
}

void link(const Build& build, const Command& how) {
  const Workplace work(build.output);
  const fs::path linked = work.file("linked");
  Command command = {"cc", "-o", linked.string()};
  append(command, build.objects(work));
  command.push_back(runtime_archive().string());
  append(command, how);
  append(command, libraries_of_runtime());
  build.session.timed("linking",
                      [&] { run_tool(command, "to link programs and shared libraries"); });
  work.finish(linked);
}

/// Only the entries are seen from outside, and what is called inside is the library's own.
void write_so(const Build& build) {
  link(build, {"-shared", "-Wl,-Bsymbolic", "-Wl,--exclude-libs,ALL"});
}

void write_program(const Build& build) {
  link(build, {});
}

/// What the header says on linking, a line each.
using Advice = std::vector<std::string> (*)(const std::string& file);

std::vector<std::string> advice_so(const std::string& file) {
  return {fmt::format("Link with it: cc main.c ./{}", file)};
}
std::vector<std::string> advice_a(const std::string& file) {
  return {fmt::format("Link with: cc main.c {} {}", file, fmt::join(libraries_of_runtime(), " "))};
}
std::vector<std::string> advice_o(const std::string& file) {
  return {fmt::format("Link with: cc main.c {} libtenon_runtime.a {}", file,
                      fmt::join(libraries_of_runtime(), " ")),
          "libtenon_runtime.a is in the folder lib of the build of Tenon that made this file."};
}

struct Form {
  std::string_view ending;
  void (*write)(const Build&);
  Advice advice;  ///< null: no header
  std::string_view meaning;
  bool is_program = false;  ///< of `main`, not of functions for C
};
constexpr Form kForms[] = {
    {".so", write_so, advice_so, "a shared library"},
    {".a", write_a, advice_a, "an archive, the runtime included"},
    {".o", write_o, advice_o, "an object file"},
    {".ll", write_ll, nullptr, "LLVM IR"},
    {".s", write_s, nullptr, "assembly"},
    {".ptx", write_kernels, nullptr, "the kernels of a program for a GPU", true},
    {"", write_program, nullptr, "a program", true},
};

const Form& form_of(const fs::path& output) {
  const std::string name = output.filename().string();
  const std::string ending = output.extension().string();
  if (name.empty() || name[0] == '.' || output.string() == "-")
    throw UsageError{fmt::format("-o {}: it names a file", output.string())};
  const Form* form = std::ranges::find(kForms, ending, &Form::ending);
  if (form != std::end(kForms)) return *form;
  std::string known;
  for (const Form& f : kForms)
    known += fmt::format("{}{} ({})", known.empty() ? "" : ", ",
                         f.ending.empty() ? "no ending" : f.ending, f.meaning);
  throw UsageError{fmt::format("-o {}: the ending says what to make: {}", output.string(), known)};
}

// ---- what goes with the code

/// There is a runtime for this kind of machine only; on others whoever links brings one.
void check_machine(const Options& options, const Form& form) {
  const bool links = form.ending.empty() || form.ending == ".so" || form.ending == ".a";
  if (links && is_foreign(options))
    throw UsageError{fmt::format(
        "--cpu {}: the runtime is here for this machine only: -o OUT.o, OUT.s or OUT.ll", options.cpu)};
}

void check_output(const fs::path& output) {
  std::error_code ignored;
  if (fs::is_directory(output, ignored))
    throw UsageError{fmt::format("cannot write {}: it is a folder", output.string())};
}

}  // namespace

void command_build(Session& session) {
  const fs::path output = session.options.output;
  const Form& form = form_of(output);
  check_output(output);
  check_machine(session.options, form);
  session.library = !form.is_program;
  if (!session.library && !session.options.exports.empty())
    throw UsageError{"--export is for libraries: -o OUT.so, OUT.a or OUT.o"};
  if (!session.library && !session.options.constants.empty())
    throw UsageError{"--constant is for functions of libraries: -o OUT.so, OUT.a or OUT.o"};
  ir::Module module = load_owned(session);
  if (session.library) {
    check_exported_names(module);
    module.main = {};  // IR text may have one beside what it exports
  } else if (!module.main) {
    throw UsageError{"a program starts at `main`, and this IR text has none"};
  }
  with_llvm([&] {
    const Build build{session, module, output};
    form.write(build);
    if (!form.advice) return;
    const std::string header = fs::path(output).replace_extension(".h").string();
    const std::string source = fs::path(session.options.file).filename().string();
    write_output(header, backend::c_header(module, {fs::path(header).filename().string(), source,
                                                    form.advice(output.filename().string())}));
  });
}

}  // namespace tenon::driver
