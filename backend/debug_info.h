// Where instructions come from, as LLVM's metadata: functions and lines, no variables. On the CPU they become
// tables (DWARF), so that gdb, perf and `objdump -dl` speak of lines of the program; PTX has them as `.loc`.
#pragma once
#include <map>
#include <string>
#include <tuple>

#include "lexer/source.h"

namespace tenon::backend {

class DebugInfo {
 public:
  enum class Kind { tables, directives };
  DebugInfo(const lexer::SourceMap& sources, Kind kind) : sources_(sources), kind_(kind) {}

  /// The number of a new function's node.
  int subprogram(std::string_view name, const lexer::Span& span);
  /// That of a place in it.
  int location(int function, const lexer::Span& span);

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
  Kind kind_;
  std::map<std::string, int> files_;
  std::map<std::tuple<int, std::string, uint32_t, uint32_t>, int> locations_;
  std::string nodes_;
  int next_ = kFirst + 3;
  std::map<int, std::string> file_of_;  ///< by function
};

}  // namespace tenon::backend
