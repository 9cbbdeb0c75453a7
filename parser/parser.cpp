#include "parser/parser.h"

#include "parser/builder.h"
#include "parser/grammar.h"  // made by Bison

namespace tenon::parser {

ast::Program parse(const lexer::SourceMap& sources, uint32_t file,
                   lexer::Diagnostics& diagnostics) {
  ast::Program program;
  TokenFeed tokens(sources, file, diagnostics);
  Builder build(tokens, program);
  BisonParser(tokens, build).parse();
  return program;
}

}  // namespace tenon::parser
