// What a measurement was made on, so that its numbers can be judged.
#pragma once
#include <string>

namespace tenon::bench {

/// "Xeon Gold 6448Y, 2 processors; g++ 12.2.0 -O2": processor and compiler, nothing that names the machine.
std::string machine();

}  // namespace tenon::bench
