// tenon emit STAGE FILE: the forms between the layers, for people to read.
#include <fmt/format.h>

#include "driver/commands.h"
#include "driver/output.h"

namespace tenon::driver {

void command_emit(Session& session) {
  const std::string& stage = session.options.stage;
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
