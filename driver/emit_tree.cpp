#include "driver/commands.h"
#include "driver/frontend.h"

namespace tenon::driver {

std::string emit_ast(Session& session) {
  ast::Program program = parse_root(session);
  session.stop_if_wrong();
  return ast::print(program, session.sources);
}

std::string emit_types(Session& session) {
  return ast::typed::print(check_program(session));
}

}  // namespace tenon::driver
