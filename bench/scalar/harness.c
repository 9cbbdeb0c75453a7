// Around a C kernel, whose main was renamed `program`.
#include "harness.h"

int program(void);

int main(int argc, char** argv) { return run_and_time(argc, argv, program); }
