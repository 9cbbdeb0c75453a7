#include "driver/commands.h"

int main(int argc, char** argv) {
  return tenon::driver::run_driver(argc, argv);
}
