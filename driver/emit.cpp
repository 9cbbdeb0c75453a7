// tenon emit STAGE FILE: the forms between the layers, for people to read.
#include <fmt/format.h>

#include "driver/commands.h"
#include "driver/output.h"
#include "driver/picture.h"

namespace tenon::driver {

void command_emit(Session& session) {
  const std::string& stage = session.options.stage;
  const bool is_ir = stage == "ir" || stage == "opt-ir";
  const bool has_graph = is_ir || stage == "ast" || stage == "types";
  if (wants_picture(session.options) && !has_graph && stage != "memory")
    throw UsageError{
        fmt::format("there is no picture of `{}`, but of ast, types, ir, opt-ir and memory", stage)};
  if (stage == "memory" && !session.options.svg.empty() && session.options.svg != "default")
    throw UsageError{"a time line has one picture: --svg alone"};
  if (!session.options.function.empty() && !is_ir)
    throw UsageError{"--function picks a function of `emit ir` and `emit opt-ir`"};
#define STAGE(name, text, lesson, summary)                                                     \
  if (stage == text) {                                                                         \
    if constexpr (lesson <= TENON_UPTO)                                                        \
      return write_output(session.options.output, emit_##name(session));                       \
    else                                                                                       \
      throw UsageError{                                                                        \
          fmt::format("`emit {}` comes with lesson {}; this driver was built up to lesson {}", \
                      text, lesson, TENON_UPTO)};                                              \
  }
#include "driver/stages.def"
}

}  // namespace tenon::driver
