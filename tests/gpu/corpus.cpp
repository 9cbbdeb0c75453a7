#include "tests/gpu/corpus.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <sstream>

namespace tenon::gpu_tests {

namespace fs = std::filesystem;

static std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || !text) throw CorpusError(fmt::format("{} cannot be read", path.string()));
  return text.str();
}

std::vector<Entry> read_list(const fs::path& folder) {
  const fs::path path = folder / "list";
  std::ifstream file(path);
  if (!file) throw CorpusError(fmt::format("there is no list of recordings {}", path.string()));
  std::vector<Entry> entries;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Entry entry{};
    std::string more;
    if (!(words >> entry.name >> entry.tolerance) || words >> more || entry.tolerance < 0)
      throw CorpusError(fmt::format("{}: `{}` is not a name and a tolerance", path.string(), line));
    entries.push_back(std::move(entry));
  }
  return entries;
}

runtime::Recording read_entry(const fs::path& folder, const Entry& entry) {
  const std::string prefix = (folder / entry.name).string();
  try {
    return runtime::parse_recording(read_file(prefix + ".calls"), read_file(prefix + ".ptx"),
                                    read_file(prefix + ".data"));
  } catch (const runtime::RecordingError& error) {
    throw CorpusError(fmt::format("{}.calls:{}: {}", prefix, error.line, error.reason));
  }
}

int capability_of(std::string_view gpu) {
  int capability = -1;
  if (gpu.starts_with("sm_")) std::from_chars(gpu.data() + 3, gpu.data() + gpu.size(), capability);
  return capability;
}

}  // namespace tenon::gpu_tests
