// What C calls: for each exported function one that takes plain pointers and gives a status, and
// main for a program (runtime/alone.h has the other side).
#pragma once
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/calls.h"
#include "opt/analysis/unique_owners.h"
#include "opt/memory/plan.h"

namespace tenon::backend {

class Exports {
 public:
  Exports(ModuleText& shared, const ir::Module& module, const Conventions& conventions,
          const opt::UniqueOwners& owners, const opt::memory::MemoryPlan& plan, const Alone& alone);

  /// The functions for C, and the table of places: when everything else is written.
  std::string write_all();

 private:
  std::string write_functions();
  std::string write_main();
  std::string write_places();

  ModuleText& shared_;
  const ir::Module& module_;
  const Conventions& conventions_;
  const opt::UniqueOwners& owners_;
  const opt::memory::MemoryPlan& plan_;
  const Alone& alone_;
  std::string data_dir_ = "null";                    ///< a ptr to its text
};

}  // namespace tenon::backend
