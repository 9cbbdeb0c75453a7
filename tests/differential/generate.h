// Programs for differential testing, made from a number. Each is well-typed, ends, does not fail,
// and prints what it has computed; so two engines that disagree on it differ in what a program
// means.
#pragma once
#include <cstdint>
#include <string>

namespace tenon::tests {

/// The same program for the same seed, on every machine.
std::string generate(uint64_t seed);

}  // namespace tenon::tests
