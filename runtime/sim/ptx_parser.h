// The parser of PTX: text in, tree out (ptx_grammar.yy, made into C++ by Bison).
#pragma once
#include <string>

#include "runtime/sim/ptx_tree.h"

namespace tenon::runtime::sim::ptx {

/// The tree's names are views into `text`. Throws PtxError at the first mistake.
Tree parse_tree(std::string_view text, const std::string& file);

}  // namespace tenon::runtime::sim::ptx
