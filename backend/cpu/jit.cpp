// Machine code in memory: opens libtenon-llvm.so, has it compile the text, runs the entry.
#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "backend/backend.h"
#include "backend/cpu/llvm.h"
#include "runtime/abi.h"

namespace tenon::backend::cpu {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLibrary = "libtenon-llvm.so";
constexpr const char* kMissing =
    "the target cpu needs LLVM (19 to 22), which Tenon was built without or which is gone: install "
    "the packages llvm-19-dev and libllvm19 and build Tenon again";

/// Next to the executable's folder (bin/tenon, lib/libtenon-llvm.so), or in it.
std::vector<fs::path> places() {
  std::error_code ignored;
  const fs::path folder = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  return {folder / ".." / "lib" / kLibrary, folder / kLibrary};
}

struct Library {
  const TenonLlvm* llvm = nullptr;
  std::string problem;  ///< why it is null
};

Library open_library() {
  Library library;
  for (const fs::path& path : places()) {
    std::error_code ignored;
    if (!fs::exists(path, ignored)) continue;
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* symbol = handle == nullptr ? nullptr : dlsym(handle, "tenon_llvm");
    if (symbol != nullptr) return {reinterpret_cast<const TenonLlvm* (*)()>(symbol)(), ""};
    library.problem = dlerror();
  }
  if (library.problem.empty()) library.problem = fmt::format("there is no {}", kLibrary);
  return library;
}

/// Opened once, by whoever comes first; others wait.
const Library& library() {
  static const Library opened = open_library();
  return opened;
}

const TenonLlvm& llvm() {
  if (library().llvm == nullptr)
    throw BackendError{fmt::format("{} ({})", kMissing, library().problem), true};
  return *library().llvm;
}

/// A text of the library's as a string of ours.
std::string take(char* text) {
  std::string copy = text == nullptr ? "no reason is given" : text;
  if (text != nullptr) llvm().free_text(text);
  return copy;
}

BackendError refused(char* error) { return {"LLVM refuses what Tenon wrote: " + take(error)}; }

/// The modules that are to be compiled.
std::vector<TenonText> texts_of(const Generated& generated) {
  if (generated.parts.empty()) return {{generated.text.c_str(), 0}};
  std::vector<TenonText> texts;
  for (const Generated::Part& part : generated.parts)
    texts.push_back({part.text.c_str(), part.final_form ? 1 : 0});
  return texts;
}

TenonOptions to_c(const Options& options) {
  // The names come from a table, where a zero stands behind each.
  const opt::loops::NamedMachine* target = options.target;
  return {options.level, options.llvm_opt ? 1 : 0, target != nullptr ? target->triple.data() : nullptr,
          target != nullptr ? target->cpu.data() : nullptr,
          options.lines != nullptr && options.gpu.empty() ? 1 : 0};
}

}  // namespace

void preload() { library(); }

struct Executable::Impl {
  TenonProgram* program = nullptr;
  int32_t (*entry)(tn_context*) = nullptr;
  std::vector<lexer::Span> sites;

  ~Impl() {
    if (program != nullptr) llvm().dispose(program);  // there may be no LLVM
  }
};

Executable::Executable(const Generated& generated, const Options& options,
                       std::vector<PhaseTime>* times)
    : impl_(std::make_unique<Impl>()) {
  std::vector<TenonSymbol> symbols;
  for (const runtime::AbiSymbol* s = runtime::kAbiSymbols; s->name != nullptr; ++s)
    symbols.push_back({s->name, s->address});
  symbols.push_back({nullptr, nullptr});

  const TenonOptions c_options = to_c(options);
  TenonTimes took{};
  char* error = nullptr;
  const std::vector<TenonText> texts = texts_of(generated);
  impl_->program = llvm().compile(texts.data(), texts.size(), &c_options, symbols.data(), &took,
                                  &error);
  if (impl_->program == nullptr) throw refused(error);
  void* entry = llvm().find(impl_->program, "tenon_main", &error);
  if (entry == nullptr) throw refused(error);
  impl_->entry = reinterpret_cast<int32_t (*)(tn_context*)>(entry);
  impl_->sites = generated.sites;
  if (times != nullptr)
    times->insert(times->end(), {{"llvm parse", took.parse},
                                 {"llvm passes", took.passes},
                                 {"llvm codegen", took.codegen},
                                 {"link", took.link}});
}

Executable::~Executable() = default;

void Executable::run(runtime::Context& context) const {
  context.fault.reset();
  impl_->entry(reinterpret_cast<tn_context*>(&context));
  if (!context.fault) return;
  // A fault without a failure is possible too: what print could not write.
  const uint32_t site = context.fault->site;
  throw ast::RunError{*context.fault,
                      site < impl_->sites.size() ? impl_->sites[site] : lexer::Span{}};
}

std::string assembly(const Generated& generated, const Options& options) {
  const TenonOptions c_options = to_c(options);
  std::string all;
  for (const TenonText& module : texts_of(generated)) {
    char* error = nullptr;
    char* text = llvm().assembly(&module, &c_options, &error);
    if (text == nullptr) throw refused(error);
    all += (all.empty() ? "" : "\n") + take(text);
  }
  return all;
}

std::string ptx(const std::string& text, const std::string& processor) {
  char* error = nullptr;
  char* written = llvm().ptx(text.c_str(), processor.c_str(), &error);
  if (written == nullptr) throw refused(error);
  return take(written);
}

std::vector<std::string> objects(const Generated& generated, const Options& options) {
  const TenonOptions c_options = to_c(options);
  std::vector<std::string> all;
  for (const TenonText& module : texts_of(generated)) {
    char* error = nullptr;
    size_t bytes = 0;
    char* data = llvm().object(&module, &c_options, &bytes, &error);
    if (data == nullptr) throw refused(error);
    all.emplace_back(data, bytes);
    llvm().free_text(data);
  }
  return all;
}

std::string llvm_version() {
  if (library().llvm == nullptr) return library().problem;
  return take(library().llvm->version());
}

}  // namespace tenon::backend::cpu
