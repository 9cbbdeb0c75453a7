#include "runtime/sim/ptx_parser.h"

#include "runtime/sim/ptx_grammar.h"  // made by Bison
#include "runtime/sim/simulator.h"

namespace tenon::runtime::sim::ptx {

Tree parse_tree(std::string_view text, const std::string& file) {
  if (text.size() > UINT32_MAX / 2) throw PtxError(file, 1, 1, "more than 2 GiB of text");
  Tree tree;
  Scanner scanner(text, file);
  BisonParser(scanner, tree).parse();
  return tree;
}

}  // namespace tenon::runtime::sim::ptx
