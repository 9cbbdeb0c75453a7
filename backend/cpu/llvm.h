// The C interface of libtenon-llvm.so, the one part of Tenon that is linked to LLVM. It is opened
// by hand (jit.cpp), so that nothing else needs LLVM, not even to start.
//
// Texts that it gives are freed with `free_text`; a function that fails gives null and a message.
#pragma once
#include <stddef.h>

extern "C" {

struct TenonProgram;  ///< machine code in memory

struct TenonOptions {
  int level;     ///< 0 to 3, of the code generator
  int optimize;  ///< whether LLVM's passes run too (from level 1)
  const char *triple, *cpu;  ///< null: this machine's
  int debug;     ///< machine code in memory is shown to debuggers
};

struct TenonText {  ///< a module
  const char* text;  ///< zero-terminated LLVM IR
  int final_form;    ///< needs none of LLVM's passes
};

struct TenonTimes {  ///< milliseconds; those of modules that are compiled at once add up
  double parse, passes, codegen, link;
};

struct TenonSymbol {  ///< what the program may call; a list ends with a null name
  const char* name;
  void* address;
};

struct TenonLlvm {
  char* (*version)();
  /// The modules may call each other. They are compiled on as many threads as there are cores.
  TenonProgram* (*compile)(const TenonText* texts, size_t count, const TenonOptions* options,
                           const TenonSymbol* symbols, TenonTimes* times, char** error);
  void* (*find)(TenonProgram* program, const char* name, char** error);
  void (*dispose)(TenonProgram* program);
  char* (*assembly)(const TenonText* text, const TenonOptions* options, char** error);
  /// The object file that the linker takes, of `*bytes` bytes.
  char* (*object)(const TenonText* text, const TenonOptions* options, size_t* bytes, char** error);
  /// PTX for a GPU, `sm_80`, of a module for one; or null. Its passes run at -O2 always.
  char* (*ptx)(const char* text, const char* processor, char** error);
  void (*free_text)(char* text);
};

/// The one symbol that is looked up.
__attribute__((visibility("default"))) const TenonLlvm* tenon_llvm();
}
