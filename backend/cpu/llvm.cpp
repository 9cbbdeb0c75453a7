// LLVM IR text to machine code, through LLVM's C interface alone: that stays put, so that this file
// builds against every LLVM from 19 to 22 without a question about the version. Modules never enter
// ORC, whose interface for them changed; the object that a target machine emits does.
#include "backend/cpu/llvm.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Error.h>
#include <llvm-c/IRReader.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/LLJITUtils.h>
#include <llvm-c/Orc.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

/// What went wrong, on its way to the caller.
struct Failure {
  std::string message;
};

template <auto dispose>
struct Disposer {
  template <class T> void operator()(T* object) const { dispose(object); }
};
template <class Ref, auto dispose>
using Owned = std::unique_ptr<std::remove_pointer_t<Ref>, Disposer<dispose>>;

using Context = Owned<LLVMContextRef, LLVMContextDispose>;
using Module = Owned<LLVMModuleRef, LLVMDisposeModule>;
using Machine = Owned<LLVMTargetMachineRef, LLVMDisposeTargetMachine>;
using Buffer = Owned<LLVMMemoryBufferRef, LLVMDisposeMemoryBuffer>;
using PassOptions = Owned<LLVMPassBuilderOptionsRef, LLVMDisposePassBuilderOptions>;
using TargetData = Owned<LLVMTargetDataRef, LLVMDisposeTargetData>;
using Text = Owned<char*, LLVMDisposeMessage>;

void check(LLVMErrorRef error) {
  if (error == nullptr) return;
  char* text = LLVMGetErrorMessage(error);
  Failure failure{text};
  LLVMDisposeErrorMessage(text);
  throw failure;
}

/// Of the functions that say "true" for failure and give a message.
void check(LLVMBool failed, char* message) {
  const Text text(message);
  if (failed) throw Failure{text != nullptr ? text.get() : "LLVM gives no reason"};
}

class Stopwatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double, std::milli>(now - std::exchange(start_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void initialize_target() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNativeTarget();
    LLVMInitializeNativeAsmPrinter();
  });
}

/// The machines of opt/loops/machines.def: only for those who ask for another one.
void initialize_all_targets() {
  static std::once_flag once;
  std::call_once(once, [] {
#define TARGET(name)               \
  LLVMInitialize##name##TargetInfo(); \
  LLVMInitialize##name##Target();     \
  LLVMInitialize##name##TargetMC();   \
  LLVMInitialize##name##AsmPrinter();
    TARGET(X86)
    TARGET(AArch64)
#undef TARGET
  });
}

Machine machine_for(const TenonOptions& options) {
  constexpr LLVMCodeGenOptLevel kLevels[] = {LLVMCodeGenLevelNone, LLVMCodeGenLevelLess,
                                             LLVMCodeGenLevelDefault, LLVMCodeGenLevelAggressive};
  const bool here = options.triple == nullptr;
  here ? initialize_target() : initialize_all_targets();
  const Text triple(LLVMGetDefaultTargetTriple()), cpu(LLVMGetHostCPUName()),
      features(LLVMGetHostCPUFeatures());
  const char* wanted = here ? triple.get() : options.triple;
  LLVMTargetRef target;
  char* message = nullptr;
  const LLVMBool failed = LLVMGetTargetFromTriple(wanted, &target, &message);
  check(failed, message);
  return Machine(LLVMCreateTargetMachine(target, wanted, here ? cpu.get() : options.cpu,
                                         here ? features.get() : "", kLevels[options.level],
                                         LLVMRelocPIC, LLVMCodeModelDefault));
}

/// The GPU `sm_80` or the like.
Machine gpu_machine(const char* processor) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  constexpr const char* kTriple = "nvptx64-nvidia-cuda";
  LLVMTargetRef target;
  char* message = nullptr;
  const LLVMBool failed = LLVMGetTargetFromTriple(kTriple, &target, &message);
  check(failed, message);
  // The matrix units of sm_75 are of a later version than LLVM writes for it.
  const char* features = std::string_view(processor) == "sm_75" ? "+ptx65" : "";
  return Machine(LLVMCreateTargetMachine(target, kTriple, processor, features, LLVMCodeGenLevelAggressive,
                                         LLVMRelocPIC, LLVMCodeModelDefault));
}

// [snippet compilation]
/// One text on its way through LLVM.
class Compilation {
 public:
  Compilation(const TenonText& text, const TenonOptions& options, TenonTimes& times)
      : Compilation(text, options, times, machine_for(options)) {}

  Compilation(const TenonText& text, const TenonOptions& options, TenonTimes& times, Machine machine)
      : context_(LLVMContextCreate()), machine_(std::move(machine)) {
    Stopwatch watch;
    parse(text.text);
    times.parse = watch.lap();
    if (options.optimize && options.level > 0 && !text.final_form) optimize(options.level);
    times.passes = watch.lap();
  }

  Buffer emit(LLVMCodeGenFileType type) {
    LLVMMemoryBufferRef buffer = nullptr;
    char* message = nullptr;
    const LLVMBool failed = LLVMTargetMachineEmitToMemoryBuffer(machine_.get(), module_.get(), type,
                                                                &message, &buffer);
    check(failed, message);
    return Buffer(buffer);
  }
  // [end]

 private:
  void parse(const char* text) {
    LLVMModuleRef module = nullptr;
    char* message = nullptr;
    // Takes the buffer over, whatever happens.
    const LLVMMemoryBufferRef buffer =
        LLVMCreateMemoryBufferWithMemoryRange(text, strlen(text), "tenon.ll", true);
    LLVMBool failed = LLVMParseIRInContext(context_.get(), buffer, &module, &message);
    check(failed, message);
    module_.reset(module);

    const Text triple(LLVMGetTargetMachineTriple(machine_.get()));
    LLVMSetTarget(module, triple.get());
    const TargetData layout(LLVMCreateTargetDataLayout(machine_.get()));
    LLVMSetModuleDataLayout(module, layout.get());
    message = nullptr;
    failed = LLVMVerifyModule(module, LLVMReturnStatusAction, &message);
    check(failed, message);
  }

  void optimize(int level) {
    const PassOptions options(LLVMCreatePassBuilderOptions());
    const std::string passes = "default<O" + std::to_string(level) + ">";
    check(LLVMRunPasses(module_.get(), passes.c_str(), machine_.get(), options.get()));
  }

  Context context_;
  Machine machine_;
  Module module_;  // before its context goes
};

}  // namespace

struct TenonProgram {
  LLVMOrcLLJITRef jit = nullptr;

  TenonProgram() {
    initialize_target();
    check(LLVMOrcCreateLLJIT(&jit, nullptr));
    LLVMOrcExecutionSessionSetErrorReporter(LLVMOrcLLJITGetExecutionSession(jit), note, this);
  }
  ~TenonProgram() {
    if (jit != nullptr) LLVMConsumeError(LLVMOrcDisposeLLJIT(jit));
  }

  /// Line tables go to debuggers that are attached, by gdb's interface for compilers in memory. LLVM looks
  /// for its own part in that among the symbols that all libraries see.
  void show_to_debuggers() {
    Dl_info library;
    if (dladdr(reinterpret_cast<void*>(&LLVMOrcCreateLLJIT), &library) != 0)
      dlopen(library.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
    check(LLVMOrcLLJITEnableDebugSupport(jit));
  }

  // [snippet jit]
  void define(const TenonSymbol* symbols) {
    std::vector<LLVMOrcCSymbolMapPair> pairs;
    for (const TenonSymbol* s = symbols; s->name != nullptr; ++s) {
      const LLVMJITSymbolFlags flags{
          LLVMJITSymbolGenericFlagsExported | LLVMJITSymbolGenericFlagsCallable, 0};
      pairs.push_back({LLVMOrcLLJITMangleAndIntern(jit, s->name),
                       {reinterpret_cast<LLVMOrcExecutorAddress>(s->address), flags}});
    }
    check(LLVMOrcJITDylibDefine(library(), LLVMOrcAbsoluteSymbols(pairs.data(), pairs.size())));
    // What LLVM itself may call: memcpy, fma and their like.
    LLVMOrcDefinitionGeneratorRef process;
    check(LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
        &process, LLVMOrcLLJITGetGlobalPrefix(jit), nullptr, nullptr));
    LLVMOrcJITDylibAddGenerator(library(), process);
  }

  void link(Buffer object) {
    check(LLVMOrcLLJITAddObjectFile(jit, library(), object.release()));
  }
  // [end]

  void* find(const char* name) {
    LLVMOrcExecutorAddress address = 0;
    reported.clear();
    try {
      check(LLVMOrcLLJITLookup(jit, &address, name));
    } catch (Failure& failure) {
      throw Failure{failure.message + reported};
    }
    return reinterpret_cast<void*>(address);
  }

 private:
  LLVMOrcJITDylibRef library() const { return LLVMOrcLLJITGetMainJITDylib(jit); }

  /// ORC says here which symbols are missing; the error that it returns does not.
  static void note(void* self, LLVMErrorRef error) {
    char* text = LLVMGetErrorMessage(error);
    static_cast<TenonProgram*>(self)->reported += std::string("; ") + text;
    LLVMDisposeErrorMessage(text);
  }
  std::string reported;
};

namespace {

/// Runs `body`; where that fails, null and a message.
template <class Body>
auto guarded(char** error, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const Failure& failure) {
    *error = strdup(failure.message.c_str());
    return nullptr;
  }
}

char* version() {
  unsigned major, minor, patch;
  LLVMGetVersion(&major, &minor, &patch);
  const std::string text =
      std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  return strdup(text.c_str());
}

/// A module as machine code, or why not.
struct Compiled {
  Buffer object;
  TenonTimes times{};
  Failure failure;
};

void compile_one(const TenonText& text, const TenonOptions& options, Compiled& compiled) {
  try {
    Compilation compilation(text, options, compiled.times);
    Stopwatch watch;
    compiled.object = compilation.emit(LLVMObjectFile);
    compiled.times.codegen = watch.lap();
  } catch (const Failure& failure) {
    compiled.failure = failure;
  }
}

/// The modules with most to do come first: those with passes to run, then the long ones. So nobody is left
/// with a large one at the end (R. Graham, "Bounds on Multiprocessing Timing Anomalies", 1969).
std::vector<size_t> largest_first(const TenonText* texts, size_t count) {
  std::vector<size_t> order(count), length(count);
  for (size_t i = 0; i < count; ++i) order[i] = i, length[i] = strlen(texts[i].text);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(texts[a].final_form, length[b]) < std::pair(texts[b].final_form, length[a]);
  });
  return order;
}

/// Whoever is free takes the next module.
std::vector<Compiled> compile_all(const TenonText* texts, size_t count,
                                  const TenonOptions& options) {
  std::vector<Compiled> compiled(count);
  const std::vector<size_t> order = largest_first(texts, count);
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++)
      compile_one(texts[order[i]], options, compiled[order[i]]);
  };
  {
    std::vector<std::jthread> helpers;
    const size_t wanted = std::min<size_t>(count, std::thread::hardware_concurrency());
    try {
      while (helpers.size() + 1 < wanted) helpers.emplace_back(work);
    } catch (const std::system_error&) {  // then with fewer
    }
    work();
  }
  return compiled;
}

TenonProgram* compile(const TenonText* texts, size_t count, const TenonOptions* options,
                      const TenonSymbol* symbols, TenonTimes* times, char** error) {
  return guarded(error, [&] {
    std::vector<Compiled> compiled = compile_all(texts, count, *options);
    *times = {};
    for (const Compiled& c : compiled) {
      if (c.object == nullptr) throw c.failure;
      times->parse += c.times.parse;
      times->passes += c.times.passes;
      times->codegen += c.times.codegen;
    }
    Stopwatch watch;
    auto program = std::make_unique<TenonProgram>();
    if (options->debug) program->show_to_debuggers();
    program->define(symbols);
    for (Compiled& c : compiled) program->link(std::move(c.object));
    times->link = watch.lap();
    return program.release();
  });
}

void* find(TenonProgram* program, const char* name, char** error) {
  return guarded(error, [&] { return program->find(name); });
}

void dispose(TenonProgram* program) { delete program; }

char* assembly(const TenonText* text, const TenonOptions* options, char** error) {
  return guarded(error, [&] {
    TenonTimes times;
    Compilation compilation(*text, *options, times);
    const Buffer written = compilation.emit(LLVMAssemblyFile);
    return strndup(LLVMGetBufferStart(written.get()), LLVMGetBufferSize(written.get()));
  });
}

char* object(const TenonText* text, const TenonOptions* options, size_t* bytes, char** error) {
  return guarded(error, [&] {
    TenonTimes times;
    Compilation compilation(*text, *options, times);
    const Buffer written = compilation.emit(LLVMObjectFile);
    *bytes = LLVMGetBufferSize(written.get());
    char* copy = static_cast<char*>(malloc(*bytes));
    if (copy == nullptr) throw Failure{"no memory for the object file"};
    memcpy(copy, LLVMGetBufferStart(written.get()), *bytes);
    return copy;
  });
}

/// -O0 is not for this target: its code for tensor cores and barriers needs the passes.
char* ptx(const char* text, const char* processor, char** error) {
  return guarded(error, [&] {
    TenonTimes times;
    constexpr TenonOptions kOptions{.level = 2, .optimize = 1, .triple = nullptr, .cpu = nullptr, .debug = 0};
    Compilation compilation({text, 0}, kOptions, times, gpu_machine(processor));
    const Buffer written = compilation.emit(LLVMAssemblyFile);
    return strndup(LLVMGetBufferStart(written.get()), LLVMGetBufferSize(written.get()));
  });
}

void free_text(char* text) { free(text); }

constexpr TenonLlvm kInterface = {version,  compile, find, dispose,
                                  assembly, object,  ptx,  free_text};

}  // namespace

const TenonLlvm* tenon_llvm() { return &kInterface; }
