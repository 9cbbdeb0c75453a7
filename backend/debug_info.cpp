#include "backend/debug_info.h"

#include <fmt/format.h>

namespace tenon::backend {
namespace {

/// As a string of metadata.
std::string metadata_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool shown = byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
    out += shown ? std::string(1, c) : fmt::format("\\{:02X}", byte);
  }
  return out + "\"";
}

}  // namespace

DebugInfo::Place DebugInfo::place_of(const lexer::Span& span) const {
  if (span.file >= sources_.size()) return {};
  const lexer::SourceFile& file = sources_.file(span.file);
  const lexer::Position position = file.position(span.begin);
  return {file.name(), position.line, position.column};
}

int DebugInfo::node(const std::string& content) {
  nodes_ += fmt::format("!{} = {}\n", next_, content);
  return next_++;
}

int DebugInfo::file(const std::string& name) {
  const auto known = files_.find(name);
  if (known != files_.end()) return known->second;
  return files_[name] = node(fmt::format("!DIFile(filename: {}, directory: \"\")", metadata_string(name)));
}

int DebugInfo::subprogram(std::string_view name, const lexer::Span& span) {
  const Place place = place_of(span);
  const int in = file(place.file);
  const int function = node(fmt::format("distinct !DISubprogram(name: {}, scope: !{}, file: !{}, line: {}, type: !{}, "
                            "spFlags: DISPFlagDefinition, unit: !{})",
                            metadata_string(name), in, in, place.line, kType, kUnit));
  file_of_[function] = place.file;
  return function;
}

/// A place in another file than the function's, as a fused definition has it, is in a block of that file.
int DebugInfo::location(int function, const lexer::Span& span) {
  const Place place = place_of(span);
  const auto [at, added] = locations_.try_emplace({function, place.file, place.line, place.column}, 0);
  if (!added) return at->second;
  int scope = function;
  if (place.file != file_of_[function])
    scope = node(fmt::format("!DILexicalBlockFile(scope: !{}, file: !{}, discriminator: 0)", function,
                             file(place.file)));
  return at->second = node(fmt::format("!DILocation(line: {}, column: {}, scope: !{})", place.line,
                                       place.column, scope));
}

std::string DebugInfo::text() const {
  if (files_.empty()) return {};
  return fmt::format(
      "!llvm.dbg.cu = !{{!{0}}}\n!llvm.module.flags = !{{!{2}}}\n"
      "!{0} = distinct !DICompileUnit(language: DW_LANG_C, file: !{3}, producer: \"tenon\", isOptimized: "
      "true, runtimeVersion: 0, emissionKind: {5})\n"
      "!{1} = !DISubroutineType(types: !{{}})\n"
      "!{2} = !{{i32 2, !\"Debug Info Version\", i32 3}}\n{4}",
      kUnit, kType, kVersion, files_.begin()->second, nodes_,
      kind_ == Kind::tables ? "FullDebug" : "DebugDirectivesOnly");
}

}  // namespace tenon::backend
