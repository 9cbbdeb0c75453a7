#include "driver/constants.h"

#include <fmt/format.h>

#include <map>

#include "ir/prepared.h"
#include "runtime/nearest.h"

namespace tenon::driver {
namespace {

/// `; did you mean layer?`, if something is near.
std::string suggestion(const std::string& wanted, const std::vector<std::string>& names) {
  const std::string near = runtime::nearest(wanted, names);
  return near.empty() ? "" : fmt::format("; did you mean `{}`?", near);
}

ir::FuncId find_exported(const ir::Module& module, const std::string& option, const std::string& name) {
  std::vector<std::string> names;
  for (uint32_t f = 0; f < module.functions.size(); ++f) {
    if (module.functions[f].exported == name) return {f};
    if (!module.functions[f].exported.empty()) names.push_back(module.functions[f].exported);
  }
  throw UsageError{fmt::format("--constant {}: no function is called `{}` in the library{}", option, name,
                               suggestion(name, names))};
}

/// Whether `pattern`, in which a `*` stands for any characters, is all of `text`: what does not fit goes back
/// to the last `*`, which takes one character more.
bool matches(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = pattern.npos, taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

/// Marks the parameters of a name or pattern, or all parts of one that is a record: `d` of %d.w and %d.b.
void mark(const ir::Function& function, const std::string& option, const std::string& name, std::vector<bool>& constant) {
  bool found = false;
  std::vector<std::string> names;
  for (size_t i = 0; i < constant.size(); ++i) {
    const std::string& param = function.value(function.params[i]).name;
    names.push_back(param);
    if (!matches(name, param) && !matches(name + ".*", param)) continue;
    constant[i] = found = true;
  }
  if (!found)
    throw UsageError{fmt::format("--constant {}: `{}` has no parameter `{}`{}", option, function.exported, name,
                                 suggestion(name, names))};
}

}  // namespace

void bind_constants(const Session& session, ir::Module& module) {
  std::map<uint32_t, std::vector<bool>> constant;  // by function
  for (const std::string& option : session.options.constants) {
    const size_t dot = option.find('.');
    if (dot == 0 || dot == option.npos || dot + 1 == option.size())
      throw UsageError{fmt::format("--constant {}: it is written F.X or F.X,Y", option)};
    const ir::FuncId id = find_exported(module, option, option.substr(0, dot));
    const ir::Function& function = module.function(id);
    std::vector<bool>& marked = constant[id.index];
    marked.resize(function.params.size());
    for (size_t begin = dot + 1; begin <= option.size();) {
      const size_t comma = std::min(option.find(',', begin), option.size());
      mark(function, option, option.substr(begin, comma - begin), marked);
      begin = comma + 1;
    }
  }
  for (const auto& [function, marked] : constant) {
    const std::string name = ir::preparing_name(module.functions[function].exported);
    for (const ir::Function& other : module.functions)
      if (other.exported == name)
        throw UsageError{fmt::format("--constant: the library has a function `{}` already; give one of the two "
                                     "another name: --export NAME=F", name)};
    ir::bind_constants(module, {function}, marked);
  }
}

}  // namespace tenon::driver
