// tenon explain E0501: the page of an error code. The pages are docs/errors/*.md.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <span>

#include "driver/commands.h"
#include "driver/output.h"

namespace tenon::driver {

std::span<const std::pair<std::string_view, std::string_view>> explain_pages();

void command_explain(Session& session) {
  std::string code = session.options.code;
  std::transform(code.begin(), code.end(), code.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  for (auto& [name, text] : explain_pages())
    if (name == code) return write_output("", text);
  throw UsageError{
      fmt::format("there is no error code {}; codes look like E0501", session.options.code)};
}

}  // namespace tenon::driver
