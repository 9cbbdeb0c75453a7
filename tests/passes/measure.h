// What passes bring, counted: programs lowered once, optimized by lists of passes, interpreted.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "ir/counts.h"
#include "ir/ir.h"
#include "ir/loops_interpret.h"

namespace tenon::tests {

struct Cost {
  int64_t instructions = 0, bytes = 0;
  bool operator==(const Cost&) const = default;
};

/// A program as SSA, before any pass.
class Subject {
 public:
  /// Lowers the .tn file with the compiler `tenon`; throws std::runtime_error if it has an error.
  Subject(const std::string& tenon, const std::filesystem::path& program);

  /// What main takes after those passes. Lists that give the same IR are run once.
  Cost cost(std::string_view passes);
  /// The same of the nests that its computes become, by the schedules that the compiler chooses: what they
  /// issue, where all lanes of a vector are one instruction.
  Cost cost_of_nests(std::string_view passes) const;

 private:
  void run(const ir::Module& module, ir::Counts& counts, ir::loops::KernelEngine* engine = nullptr) const;

  std::filesystem::path folder_;
  ir::Module module_;
  std::map<std::string, Cost> known_;  ///< by IR text
};

/// "a,b,a,c" without "a" is "b,c".
std::string without(std::string_view passes, std::string_view pass);

}  // namespace tenon::tests
