#include "ast/dot.h"
#include "driver/commands.h"
#include "driver/frontend.h"
#include "driver/picture.h"

namespace tenon::driver {

namespace {

/// The tree as text, or its picture.
std::string show(const Session& session, std::string printed) {
  if (!wants_picture(session.options)) return printed;
  if (!picture_name(session.options).empty())
    throw UsageError{"a tree has one picture: --dot or --svg alone"};
  return finish_picture(session.options, ast::tree_dot(printed));
}

}  // namespace

std::string emit_ast(Session& session) {
  ast::Program program = parse_root(session);
  session.stop_if_wrong();
  return show(session, ast::print(program, session.sources));
}

std::string emit_types(Session& session) {
  return show(session, ast::typed::print(check_program(session)));
}

}  // namespace tenon::driver
