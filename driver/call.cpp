// tenon run --call F --in x=x.npy --out y.npy: a main is written in Tenon that loads the arguments
// from their files, calls F and saves what it gives. So nothing behind the front end knows of it, and
// dimensions are found as in any other call.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "ast/tree.h"
#include "driver/run.h"
#include "runtime/nearest.h"
#include "runtime/npy.h"
#include "runtime/npy_header.h"

namespace tenon::driver {

namespace {

std::string literal(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '\n' || c == '\r') throw UsageError{"a file's name holds a line break"};
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// `load` looks beside the program, but the command line's files are where the user is.
std::string from_here(const std::string& path) {
  return literal(std::filesystem::absolute(path).string());
}

const ast::Function& find_function(const ast::Program& program, const std::string& name) {
  std::vector<std::string> names;
  for (const ast::Function& f : program.functions) {
    if (f.name.text == name) return f;
    names.push_back(f.name.text);
  }
  const std::string near = runtime::nearest(name, names);
  throw UsageError{fmt::format("--call {}: the program has no function of that name{}", name,
                               near.empty() ? "" : fmt::format("; did you mean `{}`?", near))};
}

/// `name=path` for each --in.
std::map<std::string, std::string> inputs_by_name(const Options& options,
                                                  const ast::Function& function) {
  std::map<std::string, std::string> paths;
  for (const std::string& input : options.inputs) {
    const size_t equals = input.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == input.size()) {
      throw UsageError{fmt::format("--in {}: it is written --in NAME=FILE", input)};
    }
    const std::string name = input.substr(0, equals);
    const bool known = std::ranges::any_of(
        function.params, [&](const ast::Param& p) { return p.name.text == name; });
    if (!known) {
      throw UsageError{
          fmt::format("--in {}: `{}` has no parameter `{}`", input, function.name.text, name)};
    }
    if (!paths.emplace(name, input.substr(equals + 1)).second) {
      throw UsageError{fmt::format("--in {}: `{}` is given twice", input, name)};
    }
  }
  return paths;
}

/// The type of what a file holds; of one that holds tensors by name, the parameter's own.
std::string type_of(Session& session, const ast::Param& param, const std::string& path) {
  if (!path.ends_with(".npy")) return std::string(session.sources.text(param.type.span));
  try {
    const runtime::NpyHeader header = runtime::read_npy_header(path);
    if (!runtime::npy_type(header.descr))
      throw UsageError{fmt::format("--in {}={}: the file holds {}, which Tenon lacks", param.name.text, path,
                                   header.type_text())};
    return header.type_text();
  } catch (const runtime::Fault& fault) {
    show_failure(session, {fault, {}});
    throw Exit{kProgramWrong};
  }
}

std::string save_result(const ast::Function& function, const std::vector<std::string>& outputs) {
  for (const std::string& path : outputs) {
    if (!path.ends_with(".npy")) throw UsageError{fmt::format("--out {}: it ends in .npy", path)};
    if (std::ranges::count(outputs, path) > 1) throw UsageError{fmt::format("--out {}: two results go there", path)};
  }
  const auto* parts = function.result
                          ? std::get_if<std::vector<ast::TypeExpr>>(&function.result->head)
                          : nullptr;
  const size_t results = !function.result ? 0 : parts ? parts->size() : 1;
  if (!outputs.empty() && outputs.size() != results) {
    throw UsageError{fmt::format("`{}` gives {} result{}, but --out is given {} time{}",
                                 function.name.text, results, results == 1 ? "" : "s",
                                 outputs.size(), outputs.size() == 1 ? "" : "s")};
  }
  std::string names, text;
  for (size_t i = 0; i < results; ++i) {
    const std::string name = fmt::format("out_{}", i + 1);
    names += (i == 0 ? "" : ", ") + name;
    text += outputs.empty() ? fmt::format("  print({});\n", name)
                            : fmt::format("  save({}, {});\n", literal(outputs[i]), name);
  }
  if (results == 0) return text;
  if (results > 1) names = "(" + names + ")";
  return fmt::format("  let {} = called;\n{}", names, text);
}

}  // namespace

std::string call_text(Session& session, const ast::Program& program) {
  const Options& options = session.options;
  const std::string name = options.call.substr(0, options.call.find_first_of("[ "));
  const ast::Function& function = find_function(program, name);
  const std::map<std::string, std::string> paths = inputs_by_name(options, function);
  std::string text = "fn main() {\n", arguments;
  for (const ast::Param& param : function.params) {
    const auto path = paths.find(param.name.text);
    if (path == paths.end()) {
      throw UsageError{fmt::format("--call {}: say where `{}` comes from: --in {}=FILE", name,
                                   param.name.text, param.name.text)};
    }
    text += fmt::format("  let in_{}: {} = load({});\n", param.name.text,
                        type_of(session, param, path->second), from_here(path->second));
    arguments += (arguments.empty() ? "in_" : ", in_") + param.name.text;
  }
  text += fmt::format("  {}{}({});\n", function.result ? "let called = " : "", options.call,
                      arguments);
  return text + save_result(function, options.outputs) + "}\n";
}

}  // namespace tenon::driver
