// Markers in source files: which lines the pages quote and which lines an exercise leaves out.
//
//   // [snippet scan-number]      … // [end]    a page quotes these lines
//   // [exercise hex-numbers]     … // [end]    the starter of that task lacks these lines,
//   // [starter] return Token{};                and has this one instead, if there is one
//   // [exercise race unmarked]                 the same, and the starter does not say where
//
// The comment sign is `//`, `#` or `;`, whichever the file's language has; a marker fills its line.
// Regions may nest. Markers themselves are never shown.
#pragma once
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace tenon::lessons {

struct Region {
  std::string kind, name;  ///< "snippet" or "exercise"
  size_t begin, end;       ///< the lines between the markers, counted from 0; end excluded
};

struct MarkedFile {
  std::filesystem::path path;  ///< relative to the root
  std::vector<std::string> lines;
  std::vector<Region> regions;
  std::vector<std::string> problems;  ///< an end without a beginning, a beginning without an end

  const Region* find(const std::string& kind, const std::string& name) const;
  const Region* find_at(const std::string& kind, size_t begin) const;
};

MarkedFile read_marked(const std::filesystem::path& root, const std::filesystem::path& path);

/// The project's files with one of these endings, relative to the root: no builds, nothing hidden,
/// nothing of the student's.
std::vector<std::filesystem::path> project_files(const std::filesystem::path& root,
                                                 const std::set<std::string>& endings);

/// Every source file of the project that may hold markers, relative to the root.
std::vector<std::filesystem::path> sources(const std::filesystem::path& root);

/// The region's lines as a page shows them: without markers, moved to the left margin. A page does
/// not tell the solution of an exercise: a line stands for it. Of a file without problems.
std::string snippet(const MarkedFile& file, const Region& region, bool with_solutions = false);

/// The file as a student gets it: without the exercise's regions and without markers.
std::string starter(const MarkedFile& file, const std::string& exercise);

}  // namespace tenon::lessons
