// Where instructions come from, as LLVM's metadata: lines alone, which PTX has as `.loc`.
#pragma once
#include <map>
#include <string>
#include <tuple>

#include "lexer/source.h"

namespace tenon::backend {

class DebugInfo {
 public:
  explicit DebugInfo(const lexer::SourceMap& sources) : sources_(sources) {}

  /// The number of a new function's node, in which locations are from then on.
  int subprogram(std::string_view name, const lexer::Span& span);
  int location(const lexer::Span& span);

  /// All nodes, from kFirst on.
  std::string text() const;

 private:
  static constexpr int kFirst = 100'000;  ///< behind what else a module numbers
  static constexpr int kUnit = kFirst, kType = kFirst + 1, kVersion = kFirst + 2;

  /// As debuggers name it; lines and columns count from 1, 0 is not known.
  struct Place {
    std::string file;
    uint32_t line = 0, column = 0;
  };
  Place place_of(const lexer::Span& span) const;
  int file(const std::string& name);
  int node(const std::string& content);

  const lexer::SourceMap& sources_;
  std::map<std::string, int> files_;
  std::map<std::tuple<int, std::string, uint32_t, uint32_t>, int> locations_;
  std::string nodes_;
  int next_ = kFirst + 3, scope_ = 0;
  std::string scope_file_;
};

}  // namespace tenon::backend
