// The second round of the parser of the text form: the blocks of one function, and their instructions.
#pragma once
#include <string_view>
#include <vector>

#include "ir/parse_expr.h"
#include "ir/text.h"

namespace tenon::ir {

/// What the first round learns of a block.
struct BlockOutline {
  Token name;
  TextPosition begin;
  std::vector<std::string_view> targets;
};

struct FunctionOutline {
  FuncId id;
  Names names;  ///< its parameters
  std::vector<BlockOutline> blocks;
};

/// `%x: f32[4]`, … up to `)`, each defined in `names`.
std::vector<ValueId> parse_params(TextScanner& scanner, Module& module, Function& function, Names& names);

/// The blocks of a function whose header is there, each after those that dominate it. `names`: its parameters, and
/// all functions.
void parse_blocks(TextScanner& scanner, Module& module, const FunctionOutline& outline, Names& names);

}  // namespace tenon::ir
