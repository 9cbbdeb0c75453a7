// Directives on a loop nest: each a function from nest to nest that checks the dependences it needs and
// refuses with the one that forbids it. A row of ast/directives.def, a file here.
//
// What may be reordered follows from what a kernel is: it reads its inputs, writes every element of its
// outputs once, and reads no output. So the only dependences are those through locals; and, where a
// kernel may fail, the order of its checks, for the first failing element is the one reported.
#pragma once
#include <string>

#include "ir/loops_walk.h"
#include "opt/refused.h"

namespace tenon::opt::loops {

using ir::Directive;
using namespace ir::loops;

using opt::Refused;

struct Mode {
  bool strict = false;  ///< float reductions in order
  bool gpu = false;     ///< directives about a GPU's hardware count
  bool tf32 = false;    ///< matrix units may round f32
  int capability = 80;  ///< of the GPU that a kernel is for: 75 of sm_75
  int64_t shared_bytes = 0;  ///< that its blocks share at most; 0: what GPUs of its capability have
};

/// 75 of `sm_75`; of anything else 80, the base that all newer ones have.
int capability_of(std::string_view gpu);

/// The kernel after one directive, or after all of them in order: those of a schedule that are about other
/// hardware are left out. Throws Refused.
void apply_directive(Kernel& kernel, const Directive& directive, Mode mode);
void apply_schedule(Kernel& kernel, const ir::Schedule& schedule, Mode mode);

// ---- one file each

void split(Kernel& kernel, const Directive& directive, Mode mode);
void order(Kernel& kernel, const Directive& directive, Mode mode);
void fuse(Kernel& kernel, const Directive& directive, Mode mode);
void vectorize(Kernel& kernel, const Directive& directive, Mode mode);
void unroll(Kernel& kernel, const Directive& directive, Mode mode);
void parallel(Kernel& kernel, const Directive& directive, Mode mode);
void rfactor(Kernel& kernel, const Directive& directive, Mode mode);
void keep(Kernel& kernel, const Directive& directive, Mode mode);
void speculate(Kernel& kernel, const Directive& directive, Mode mode);
void at(Kernel& kernel, const Directive& directive, Mode mode);
void pack(Kernel& kernel, const Directive& directive, Mode mode);
void stream(Kernel& kernel, const Directive& directive, Mode mode);
void block(Kernel& kernel, const Directive& directive, Mode mode);
void thread(Kernel& kernel, const Directive& directive, Mode mode);
void shared(Kernel& kernel, const Directive& directive, Mode mode);
void peel(Kernel& kernel, const Directive& directive, Mode mode);
void pad(Kernel& kernel, const Directive& directive, Mode mode);
void registers(Kernel& kernel, const Directive& directive, Mode mode);
void prefetch(Kernel& kernel, const Directive& directive, Mode mode);
void mma(Kernel& kernel, const Directive& directive, Mode mode);
void pipeline(Kernel& kernel, const Directive& directive, Mode mode);

}  // namespace tenon::opt::loops
