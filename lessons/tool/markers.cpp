#include "lessons/tool/markers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tests/support/text.h"

namespace tenon::lessons {
namespace {

namespace fs = std::filesystem;
using tests::trim;

/// A marker line taken apart: `  // [snippet scan]` is {"  //", "snippet", "scan"}.
struct Marker {
  std::string lead;  ///< indentation and comment sign
  std::string word;  ///< snippet, exercise, starter, end; empty: the line is no marker
  std::string rest;  ///< the name, or what the starter has
  bool is_unmarked = false;
};

Marker marker(const std::string& line) {
  const std::string_view text = trim(line);
  for (const std::string_view sign : {"//", "#", ";"}) {
    if (!text.starts_with(sign)) continue;
    const std::string_view body = trim(text.substr(sign.size()));
    const size_t close = body.find(']');
    if (!body.starts_with('[') || close == std::string_view::npos) return {};
    const std::string lead = line.substr(0, line.find(sign)) + std::string(sign);
    const std::string_view inside = body.substr(1, close - 1),
                           behind = trim(body.substr(close + 1));
    const std::vector<std::string> words = tests::split_words(inside);
    if (words == std::vector<std::string>{"starter"}) return {lead, "starter", std::string(behind)};
    if (!behind.empty()) return {};
    if (words == std::vector<std::string>{"end"}) return {lead, "end", ""};
    if (words.size() == 2 && (words[0] == "snippet" || words[0] == "exercise")) {
      return {lead, words[0], words[1]};
    }
    if (words.size() == 3 && words[0] == "exercise" && words[2] == "unmarked")
      return {lead, words[0], words[1], true};
  }
  return {};
}

size_t indentation(const std::string& line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

}  // namespace

const Region* MarkedFile::find(const std::string& kind, const std::string& name) const {
  auto fits = [&](const Region& region) { return region.kind == kind && region.name == name; };
  const auto it = std::find_if(regions.begin(), regions.end(), fits);
  return it == regions.end() ? nullptr : &*it;
}

const Region* MarkedFile::find_at(const std::string& kind, size_t begin) const {
  const auto it = std::ranges::find_if(
      regions, [&](const Region& region) { return region.kind == kind && region.begin == begin; });
  return it == regions.end() ? nullptr : &*it;
}

MarkedFile read_marked(const fs::path& root, const fs::path& path) {
  MarkedFile file;
  file.path = path;
  file.lines = tests::split_lines(tests::read_file(root / path));
  auto complain = [&](size_t line, const std::string& what) {
    file.problems.push_back(fmt::format("{}:{}: {}", path.string(), line + 1, what));
  };
  std::vector<Region> open;
  for (size_t i = 0; i < file.lines.size(); ++i) {
    const Marker found = marker(file.lines[i]);
    if (found.word == "snippet" || found.word == "exercise") {
      if (found.word == "snippet" && file.find("snippet", found.rest)) {
        complain(i, fmt::format("a second snippet `{}`", found.rest));
      }
      open.push_back({found.word, found.rest, i + 1, 0});
    } else if (found.word == "end" && open.empty()) {
      complain(i, "[end] without a beginning");
    } else if (found.word == "end") {
      open.back().end = i;
      file.regions.push_back(open.back());
      open.pop_back();
    }
  }
  for (const Region& region : open) {
    complain(region.begin - 1, fmt::format("[{} {}] has no [end]", region.kind, region.name));
  }
  return file;
}

std::vector<fs::path> project_files(const fs::path& root, const std::set<std::string>& endings) {
  std::vector<fs::path> paths;
  for (const fs::path& top : tests::entries_of(root)) {
    const std::string name = top.filename().string();
    if (name.starts_with(".") || name.starts_with("build") || name == "my") continue;
    std::vector<fs::path> files = tests::files_below(top);
    if (fs::is_regular_file(top)) files.push_back(top);
    for (const fs::path& path : files) {
      if (endings.contains(path.extension().string()))
        paths.push_back(path.lexically_relative(root));
    }
  }
  return paths;
}

std::vector<fs::path> sources(const fs::path& root) {
  std::vector<fs::path> paths = project_files(
      root, {".h", ".cpp", ".def", ".re", ".yy", ".tn", ".ir", ".ptx", ".rules", ".sched", ".cmake", ".py", ".sh"});
  // This tool speaks about markers without meaning them.
  std::erase_if(paths,
                [](const fs::path& path) { return path.string().starts_with("lessons/tool/"); });
  return paths;
}

std::string snippet(const MarkedFile& file, const Region& region, bool with_solutions) {
  std::vector<std::string> lines;
  size_t margin = std::string::npos;
  for (size_t i = region.begin; i < region.end; ++i) {
    std::string line = file.lines[i];
    const Marker found = marker(line);
    if (found.word == "exercise" && !with_solutions) {
      i = file.find_at("exercise", i + 1)->end;
      line = fmt::format("{} … yours: exercise `{}`", found.lead, found.rest);
    } else if (!found.word.empty()) {
      continue;
    }
    if (!trim(line).empty()) margin = std::min(margin, indentation(line));
    lines.push_back(std::move(line));
  }
  for (std::string& line : lines) line.erase(0, std::min(margin, line.size()));
  return tests::join_lines(lines);
}

std::string starter(const MarkedFile& file, const std::string& exercise) {
  std::vector<std::string> lines;
  auto in_region = [&](size_t i) {
    return std::any_of(file.regions.begin(), file.regions.end(), [&](const Region& region) {
      return region.kind == "exercise" && region.name == exercise && region.begin <= i &&
             i < region.end;
    });
  };
  for (size_t i = 0; i < file.lines.size(); ++i) {
    const Marker found = marker(file.lines[i]);
    if (found.word == "exercise" && found.rest == exercise) {
      if (!found.is_unmarked) lines.push_back(found.lead + " Your code here");
    } else if (found.word == "starter" && in_region(i)) {
      lines.push_back(file.lines[i].substr(0, indentation(file.lines[i])) + found.rest);
    } else if (found.word.empty() && !in_region(i)) {
      lines.push_back(file.lines[i]);
    }
  }
  return tests::join_lines(lines);
}

}  // namespace tenon::lessons
