#include "lessons/tool/pictures.h"

#include <fmt/format.h>

#include <cstdint>
#include <stdexcept>

#include "tests/support/process.h"

namespace tenon::lessons {

std::string picture_stamp(std::string_view source) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : source) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("<!-- drawn by make lessons-update from {:016x} -->\n", hash);
}

std::string output_of(const std::vector<std::string>& argv, const std::string& input) {
  const tests::Outcome outcome = tests::run({argv, ".", input, 60});
  if (outcome.status == 0 && !outcome.timed_out) return outcome.out;
  throw std::runtime_error(
      fmt::format("{}: {}\n{}", tests::spelled(argv), tests::describe(outcome), outcome.err));
}

std::string draw_dot(const std::string& dot) {
  return output_of({"dot", "-Tsvg"}, dot);
}

}  // namespace tenon::lessons
