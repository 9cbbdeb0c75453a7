#include "runtime/recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace tenon::runtime {
namespace {

constexpr std::string_view kFirstLine = "tenon recording 2";
constexpr std::string_view kUses[] = {"reads", "writes", "fails"};  // as LaunchArgument::Use has them

// ---- to text

std::string text_of(Recording::Data data) { return data ? fmt::format("@{}", *data) : "-"; }
std::string text_of(Recording::Place place) { return fmt::format("{} {}", place.buffer, place.offset); }

std::string text_of(const Recording::Argument& argument) {
  const LaunchArgument& value = argument.value;
  if (!value.tensor) return fmt::format("  value {} {:x}\n", value.bytes, value.bits);
  const LaunchArgument::Tensor& tensor = *value.tensor;
  return fmt::format("  {} {} {} {} {}{}\n", kUses[static_cast<size_t>(tensor.use)], argument.name, argument.buffer,
                     row(tensor.type).text, tensor.bytes,
                     tensor.use == LaunchArgument::Use::reads ? "" : " " + text_of(argument.data));
}

struct CallText {
  std::string operator()(const Recording::Allocate& c) const {
    return fmt::format("allocate {} {}\n", c.buffer, c.bytes);
  }
  std::string operator()(const Recording::Release& c) const { return fmt::format("release {}\n", c.buffer); }
  std::string operator()(const Recording::CopyIn& c) const {
    return fmt::format("copy_in {} {} {}\n", text_of(c.to), c.bytes, text_of(c.data));
  }
  std::string operator()(const Recording::CopyOut& c) const {
    return fmt::format("copy_out {} {} {}\n", text_of(c.from), c.bytes, text_of(c.data));
  }
  std::string operator()(const Recording::Copy& c) const {
    return fmt::format("copy {} {} {}\n", text_of(c.to), text_of(c.from), c.bytes);
  }
  std::string operator()(const Recording::Launch& c) const {
    std::string text = fmt::format("launch {} {} {} {}\n", c.kernel, c.size.blocks, c.size.threads, c.size.shared_bytes);
    for (const Recording::Argument& argument : c.arguments) text += text_of(argument);
    for (const Recording::Count& count : c.counts)
      text += fmt::format("  counts {} {}\n", count.value, count.counter);
    return text;
  }
};

// ---- from text

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty()) return words;
    words.push_back(line.substr(0, line.find(' ')));
    line.remove_prefix(words.back().size());
  }
}

class Reader {
 public:
  Reader(std::string ptx, std::string data) {
    recording_.ptx = std::move(ptx);
    recording_.data = std::move(data);
  }

  Recording read(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      const size_t end = std::min(text.find('\n'), text.size());
      read_line(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (line_ < 2) fail("it ends before it says which GPU it is for");
    return std::move(recording_);
  }

 private:
  using Words = std::vector<std::string_view>;

  [[noreturn]] void fail(std::string_view reason) const { throw RecordingError{line_, std::string(reason)}; }

  void read_line(std::string_view line) {
    if (line_ == 1) {
      if (line != kFirstLine) fail(fmt::format("a recording begins with `{}`", kFirstLine));
      return;
    }
    const Words words = words_of(line);
    if (words.empty()) fail("the line is empty");
    if (line_ == 2) {
      if (words[0] != "gpu") fail("the second line says which GPU it is for: gpu sm_80");
      take(words, 2);
      recording_.gpu = words[1];
      return;
    }
    for (const auto& [name, read] : kLines)
      if (words[0] == name) return (this->*read)(words);
    fail(fmt::format("there is no call `{}`", words[0].substr(0, 40)));
  }

  void take(const Words& words, size_t count) const {
    if (words.size() != count) fail(fmt::format("`{}` has {} words, not {}", words[0], count, words.size()));
  }

  template <class Number>
  Number number(std::string_view word, int base = 10) const {
    Number value{};
    const auto [at, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
    if (error != std::errc() || at != word.data() + word.size() || value < Number{})
      fail(fmt::format("`{}` is no number that can stand here", word.substr(0, 40)));
    return value;
  }

  /// A buffer that is there, and `bytes` of it from `offset` on.
  Recording::Place place(std::string_view buffer, int64_t offset, int64_t bytes) const {
    const auto number_of = number<int32_t>(buffer);
    const auto found = buffers_.find(number_of);
    if (found == buffers_.end()) fail(fmt::format("there is no buffer {} here", number_of));
    if (offset > found->second || bytes > found->second - offset)
      fail(fmt::format("buffer {} has {} bytes, not {} behind the first {}", number_of, found->second, bytes, offset));
    return {number_of, offset};
  }

  Recording::Data data(std::string_view word, int64_t bytes) const {
    if (word == "-") return {};
    if (!word.starts_with('@')) fail("what lies there is written @OFFSET, or -");
    const auto offset = number<int64_t>(word.substr(1));
    const auto size = static_cast<int64_t>(recording_.data.size());
    if (offset > size || bytes > size - offset) fail(fmt::format("there are only {} bytes of data", size));
    return offset;
  }

  void allocate(const Words& words) {
    take(words, 3);
    const auto buffer = number<int32_t>(words[1]);
    if (buffer != next_++) fail("buffers are numbered from 0 up");
    buffers_.emplace(buffer, number<int64_t>(words[2]));
    recording_.calls.push_back(Recording::Allocate{buffer, buffers_.at(buffer)});
  }
  void release(const Words& words) {
    take(words, 2);
    const Recording::Place whole = place(words[1], 0, 0);
    buffers_.erase(whole.buffer);
    recording_.calls.push_back(Recording::Release{whole.buffer});
  }
  template <class Way>
  void move(const Words& words) {
    take(words, 5);
    const auto bytes = number<int64_t>(words[3]);
    recording_.calls.push_back(
        Way{place(words[1], number<int64_t>(words[2]), bytes), bytes, data(words[4], bytes)});
  }
  void copy(const Words& words) {
    take(words, 6);
    const auto bytes = number<int64_t>(words[5]);
    recording_.calls.push_back(Recording::Copy{place(words[1], number<int64_t>(words[2]), bytes),
                                               place(words[3], number<int64_t>(words[4]), bytes), bytes});
  }
  void launch(const Words& words) {
    take(words, 5);
    recording_.calls.push_back(Recording::Launch{
        std::string(words[1]), {number<int64_t>(words[2]), number<int32_t>(words[3]), number<int32_t>(words[4])}});
  }

  Recording::Launch& launched() {
    auto* last = recording_.calls.empty() ? nullptr : std::get_if<Recording::Launch>(&recording_.calls.back());
    if (last == nullptr) fail("this belongs to a launch, and there is none above");
    return *last;
  }
  void tensor(const Words& words) {
    using Use = LaunchArgument::Use;
    const auto use = static_cast<Use>(std::ranges::find(kUses, words[0]) - std::begin(kUses));
    take(words, use == Use::reads ? 5 : 6);
    const auto type = std::ranges::find(kDTypes, words[3], &DTypeRow::text);
    if (type == std::end(kDTypes)) fail(fmt::format("there is no type `{}`", words[3].substr(0, 40)));
    const auto bytes = number<int64_t>(words[4]);
    if (bytes % type->bytes != 0) fail(fmt::format("an element of {} has {} bytes", type->text, type->bytes));
    if (use == Use::fails && bytes != 4) fail("the word that tells of a failure has 4 bytes");
    const LaunchArgument::Tensor tensor{use, static_cast<DType>(type - std::begin(kDTypes)), bytes, {}};
    launched().arguments.push_back({{0, 8, tensor}, place(words[2], 0, bytes).buffer, std::string(words[1]),
                                    use == Use::reads ? Recording::Data() : data(words[5], bytes)});
  }
  void value(const Words& words) {
    take(words, 3);
    const auto bytes = number<int32_t>(words[1]);
    if (bytes < 1 || bytes > 8) fail("a value has 1 to 8 bytes");
    launched().arguments.push_back({{number<uint64_t>(words[2], 16), bytes}});
  }
  void counts(const Words& words) {
    take(words, 3);
    launched().counts.push_back({std::string(words[2]), number<uint64_t>(words[1])});
  }

  struct Line {
    std::string_view name;
    void (Reader::*read)(const Words&);
  };
  static const std::array<Line, 11> kLines;

  Recording recording_;
  std::map<int32_t, int64_t> buffers_;  ///< that are there, with their bytes
  int32_t next_ = 0;
  int line_ = 0;
};

const std::array<Reader::Line, 11> Reader::kLines = {{
    {"allocate", &Reader::allocate},
    {"release", &Reader::release},
    {"copy_in", &Reader::move<Recording::CopyIn>},
    {"copy_out", &Reader::move<Recording::CopyOut>},
    {"copy", &Reader::copy},
    {"launch", &Reader::launch},
    {"reads", &Reader::tensor},
    {"writes", &Reader::tensor},
    {"fails", &Reader::tensor},
    {"value", &Reader::value},
    {"counts", &Reader::counts},
}};

}  // namespace

std::string text_of(const Recording& recording) {
  std::string text = fmt::format("{}\ngpu {}\n", kFirstLine, recording.gpu);
  for (const Recording::Call& call : recording.calls) text += std::visit(CallText{}, call);
  return text;
}

Recording parse_recording(std::string_view calls, std::string ptx, std::string data) {
  return Reader(std::move(ptx), std::move(data)).read(calls);
}

}  // namespace tenon::runtime
