// The oracle behind a wall: cases by the batch in child processes, and what came of them.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/differential/generator/program.h"
#include "tests/differential/oracle/oracle.h"

namespace tenon::differential {

/// What many programs had in them, and what became of them.
struct Statistics {
  uint64_t programs = 0, failing = 0, exact = 0, lines = 0, largest = 0;
  std::map<std::string, uint64_t> features;  ///< programs that have it
  std::map<std::string, uint64_t> rewrites;  ///< times it was done
  std::map<std::string, double> seconds;
  std::string text() const;
};

class Judge {
 public:
  Judge();
  using Found = std::function<void(uint64_t, const Case&, const Finding&)>;

  /// Judges one case in a child.
  std::optional<Finding> judge(const Case& test);

  /// Judges cases first … first + count - 1, many to a child. `found` is called for each one that
  /// has a finding; `progress` after every batch, and stops the rest where it returns false.
  void judge_all(uint64_t first, uint64_t count, const std::function<Program(uint64_t)>& program,
                 const Found& found, const std::function<bool(uint64_t done)>& progress);

  Statistics statistics;
  const Oracle& oracle() const { return oracle_; }

 private:
  struct Shared;
  /// Writes and reads what a child has to say.
  void store(const std::optional<Finding>& finding);
  std::optional<Finding> stored(const std::string& ended) const;
  void add(const Program& program, const Verdict& verdict);
  void run_batch(uint64_t end, const std::function<Program(uint64_t)>& program);
  uint64_t judge_group(const std::function<Program(uint64_t)>& program, const Found& found);
  void collect();  ///< the statistics

  Oracle oracle_;
  Shared& shared_;
};

/// The case of a program: its shuffled list is chosen by `salt`.
Case case_of(const Program& program, uint64_t salt);

}  // namespace tenon::differential
