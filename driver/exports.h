// Which functions a library offers: what --export says.
#pragma once
#include <vector>

#include "ast/check.h"
#include "ast/tree.h"
#include "driver/session.h"

namespace tenon::driver {

/// The --export options as the checker takes them; `trees` holds what they point to.
struct WantedExports {
  std::vector<ast::Program> trees;
  std::vector<ast::Export> exports;
};

/// Reads each as `F`, `F[N = 64]` or `NAME=F[N = 64]`. Throws UsageError for what is none of them.
WantedExports read_exports(Session& session);
/// Whether all that was reported is about --export: then it is not the program that is wrong.
bool only_exports_are_wrong(const Session& session);

}  // namespace tenon::driver
