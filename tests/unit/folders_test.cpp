// The rule of the folders: what each may include is what the tenon_folder lines of the top
// CMakeLists.txt say (a folder's own users included), and each has a README of the same five parts.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = root();

using Folders = std::map<std::string, std::set<std::string>>;

/// `tenon_folder(parser LESSON 2 USES lexer ast)` → parser: {parser, lexer, ast}.
Folders declared() {
  Folders folders;
  for (const std::string& line : split_lines(read_file(kRoot / "CMakeLists.txt"))) {
    const std::string_view call = trim(line);
    constexpr std::string_view kCall = "tenon_folder(";
    if (!call.starts_with(kCall)) continue;
    const size_t end = std::min(call.find(')'), call.size());
    const std::vector<std::string> words =
        split_words(call.substr(kCall.size(), end - kCall.size()));
    std::set<std::string>& uses = folders[words[0]];
    uses.insert(words[0]);
    uses.insert(std::find(words.begin(), words.end(), "USES"), words.end());
    uses.erase("USES");
  }
  return folders;
}

/// With what the used ones use.
Folders closed(Folders folders) {
  for (bool grown = true; grown;) {
    grown = false;
    for (auto& [name, uses] : folders) {
      for (const std::string& used : std::set(uses)) {
        for (const std::string& further : folders[used]) grown |= uses.insert(further).second;
      }
    }
  }
  return folders;
}

bool is_source(const fs::path& path) {
  static const std::set<std::string> kEndings = {".h", ".cpp", ".def", ".re", ".yy"};
  return kEndings.contains(path.extension().string());
}

/// The path between the quotes of `#include "…"`; empty for other lines.
std::string quoted_include(std::string_view line) {
  line = trim(line);
  if (!line.starts_with("#")) return {};
  line = trim(line.substr(1));
  if (!line.starts_with("include")) return {};
  line = trim(line.substr(7));
  if (!line.starts_with('"')) return {};
  line.remove_prefix(1);
  return std::string(line.substr(0, line.find('"')));
}

TEST_CASE("a folder includes only what it may use") {
  const Folders folders = closed(declared());
  REQUIRE(folders.size() >= 8);
  int includes = 0;
  for (const auto& [name, uses] : folders) {
    for (const fs::path& path : files_below(kRoot / name)) {
      if (!is_source(path)) continue;
      for (const std::string& line : split_lines(read_file(path))) {
        const std::string include = quoted_include(line);
        if (include.empty()) continue;
        ++includes;
        CAPTURE(path.lexically_relative(kRoot).string());
        CAPTURE(include);
        CHECK_MESSAGE(uses.contains(include.substr(0, include.find('/'))),
                      "not a folder that the USES of tenon_folder allow");
      }
    }
  }
  CHECK(includes > 0);
}

TEST_CASE("a quoted include is found and nothing else") {
  CHECK(quoted_include("#include \"ir/ir.h\"  // why") == "ir/ir.h");
  CHECK(quoted_include("  # include \"ir/ir.h\"") == "ir/ir.h");
  CHECK(quoted_include("#include <vector>").empty());
  CHECK(quoted_include("// #include \"ir/ir.h\"").empty());
}

TEST_CASE("every folder has a README with the five parts") {
  for (const auto& [name, uses] : declared()) {
    const fs::path path = kRoot / name / "README.md";
    CAPTURE(path.string());
    REQUIRE(fs::exists(path));
    std::vector<std::string> headings;
    for (const std::string& line : split_lines(read_file(path))) {
      if (line.starts_with("## ")) headings.push_back(line.substr(3));
    }
    for (const std::string_view part : {"In", "Out", "Files", "How to add", "How to look"}) {
      CAPTURE(part);
      CHECK(std::any_of(headings.begin(), headings.end(),
                        [&](const std::string& heading) { return heading.starts_with(part); }));
    }
  }
}

}  // namespace
}  // namespace tenon::tests
