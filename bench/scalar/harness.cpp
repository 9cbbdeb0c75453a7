// Around the object file of a Tenon program: what `tenon run` does, less compiling.
#include "bench/scalar/harness.h"
#include "runtime/context.h"

extern "C" int tenon_main(tenon::runtime::Context* context);

static int program() {
  tenon::runtime::Context context;
  const int failed = tenon_main(&context);
  tenon::runtime::flush(context);
  return failed;
}

int main(int argc, char** argv) { return run_and_time(argc, argv, program); }
