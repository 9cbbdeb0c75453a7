#include "runtime/safetensors_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/nearest.h"
#include "runtime/safetensors.h"

namespace tenon::runtime {
namespace {

using Json = nlohmann::json;

/// Listens to the JSON parser, which calls a function for each thing it meets and keeps nothing: a
/// document would lose the second of two equal keys, and would cost many times the header's size.
class HeaderReader {
 public:
  HeaderReader(std::string_view header, int64_t data_bytes, std::string_view name,
               const NamedFile& file)
      : header_(header), data_bytes_(data_bytes), wanted_(name), file_(file) {}

  SafetensorsEntry result() {
    check_names();
    check_layout();
    if (!found_) fail_not_found();
    return std::move(*found_);
  }

  // ---- what the parser calls

  bool start_object(size_t) {
    switch (state_) {
      case State::outside: return enter(State::header);
      case State::before_metadata: return enter(State::metadata);
      case State::before_tensor:
        entry_ = {};
        seen_ = {};
        offsets_.clear();
        return enter(State::tensor);
      default: unexpected("an object");
    }
  }

  bool key(std::string& key) {
    if (state_ == State::metadata) {
      metadata_keys_.push_back(std::move(key));
      return enter(State::metadata_value);
    }
    if (state_ == State::header) {
      if (key != "__metadata__") {
        name_ = std::move(key);
        return enter(State::before_tensor);
      }
      if (std::exchange(has_metadata_, true)) refuse("a second '__metadata__'");
      return enter(State::before_metadata);
    }
    const auto field = std::ranges::find(kFields, key, &Field::name);
    if (field == std::end(kFields))
      refuse(fmt::format("'{}' is not a field of tensors", shown(key)));
    if (std::exchange(seen_[field - kFields], true))
      refuse(fmt::format("a second '{}'", field->name));
    return enter(field->value);
  }

  bool end_object() {
    switch (state_) {
      case State::tensor: finish_tensor(); return enter(State::header);
      case State::metadata: return enter(State::header);
      default: return enter(State::outside);
    }
  }

  bool start_array(size_t) {
    if (state_ == State::before_shape) return enter(State::shape);
    if (state_ == State::before_offsets) return enter(State::offsets);
    unexpected("a list");
  }

  bool end_array() {
    if (state_ == State::offsets && offsets_.size() != 2)
      refuse(fmt::format("'data_offsets' are two numbers, not {}", offsets_.size()));
    return enter(State::tensor);
  }

  bool string(std::string& text) {
    if (state_ == State::metadata_value) return enter(State::metadata);
    if (state_ != State::before_dtype) unexpected("a string");
    entry_.dtype = std::move(text);
    return enter(State::tensor);
  }

  bool number_unsigned(uint64_t value) {
    if (state_ != State::shape && state_ != State::offsets) unexpected("a number");
    if (value > INT64_MAX) refuse(fmt::format("{} is beyond 64 bits", value));
    std::vector<int64_t>& list = state_ == State::shape ? entry_.shape : offsets_;
    const size_t most = state_ == State::shape ? kMaxFileRank : 2;
    if (list.size() == most) refuse(fmt::format("more than {} numbers in a list", most));
    list.push_back(static_cast<int64_t>(value));
    return true;
  }

  bool number_integer(int64_t) { unexpected("a negative number"); }
  bool number_float(double, const std::string&) {
    unexpected("a fraction or a number beyond 64 bits");
  }
  bool null() { unexpected("null"); }
  bool boolean(bool) { unexpected("true or false"); }
  bool binary(Json::binary_t&) { unexpected("binary data"); }

  bool parse_error(size_t position, const std::string&, const Json::exception&) {
    // The position counts what was read, the offending byte included.
    const size_t at = std::max<size_t>(position, 1) - 1;
    if (at >= header_.size()) file_.refuse(": its header ends within the JSON");
    file_.refuse(fmt::format(", byte {}: no JSON from here on: {}", kSafetensorsPrefix + at,
                             shown(header_.substr(at))));
  }

 private:
  /// Where in the header the reader is: at a value that is to come, or among an object's keys or a
  /// list's numbers.
  enum class State : uint8_t {
    outside,
    header,
    before_metadata,
    metadata,
    metadata_value,
    before_tensor,
    tensor,
    before_dtype,
    before_shape,
    shape,
    before_offsets,
    offsets,
  };
  struct Field {
    std::string_view name;
    State value;
  };
  static constexpr Field kFields[] = {{"dtype", State::before_dtype},
                                      {"shape", State::before_shape},
                                      {"data_offsets", State::before_offsets}};

  struct Range {
    std::string name;
    int64_t begin, end;
  };

  bool enter(State state) {
    state_ = state;
    return true;
  }

  void finish_tensor() {
    for (size_t i = 0; i < std::size(kFields); ++i) {
      if (!seen_[i]) refuse(fmt::format("the field '{}' is missing", kFields[i].name));
    }
    entry_.begin = offsets_[0];
    entry_.end = offsets_[1];
    if (entry_.begin > entry_.end)
      refuse(fmt::format("its data ends at {}, before it begins at {}", entry_.end, entry_.begin));
    if (entry_.end > data_bytes_)
      refuse(fmt::format("its data ends at {}, but the file has {} bytes of data", entry_.end,
                         data_bytes_));
    check_size();
    ranges_.push_back({name_, entry_.begin, entry_.end});
    if (name_ == wanted_) found_ = std::move(entry_);
  }

  void check_size() const {
    const auto type = safetensors_type(entry_.dtype);
    if (!type) return;  // what it takes is not known, and nothing of it will be read
    const auto bytes = byte_count(*type, entry_.shape);
    if (!bytes)
      refuse(fmt::format("claims {}, more than memory has addresses", entry_.type_text()));
    if (*bytes != entry_.end - entry_.begin)
      refuse(fmt::format("has {} bytes of data, but {} takes {}", entry_.end - entry_.begin,
                         entry_.type_text(), *bytes));
  }

  void check_names() {
    std::ranges::sort(metadata_keys_);
    const auto key = std::ranges::adjacent_find(metadata_keys_);
    if (key != metadata_keys_.end())
      file_.refuse(fmt::format(", '__metadata__': a second '{}'", shown(*key)));
    std::ranges::sort(ranges_, {}, &Range::name);
    const auto range = std::ranges::adjacent_find(ranges_, {}, &Range::name);
    if (range != ranges_.end())
      file_.refuse(fmt::format(": two tensors are called '{}'", shown(range->name)));
  }

  /// The tensors lie one behind the other, from the first byte of the data to the last.
  void check_layout() {
    std::vector<const Range*> order;
    for (const Range& range : ranges_) order.push_back(&range);
    std::ranges::sort(order, {}, [](const Range* r) { return std::pair(r->begin, r->end); });
    int64_t end = 0;
    for (const Range* range : order) {
      if (range->begin < end)
        file_.refuse(fmt::format(": tensor '{}' begins at byte {} of the data, within another",
                                 shown(range->name), range->begin));
      check_no_hole(end, range->begin);
      end = range->end;
    }
    check_no_hole(end, data_bytes_);
  }

  void check_no_hole(int64_t from, int64_t to) const {
    if (from == to) return;
    file_.refuse(fmt::format(": bytes {} to {} of the data belong to no tensor", from, to));
  }

  [[noreturn]] void fail_not_found() const {
    constexpr size_t kListed = 5;
    std::vector<std::string> names;
    for (const Range& range : ranges_) names.push_back(range.name);
    std::string text = fmt::format(" has no '{}'", shown(wanted_));
    if (const std::string near = nearest(std::string(wanted_), names); !near.empty())
      text += fmt::format(", did you mean '{}'?", shown(near));
    const size_t listed = std::min(names.size(), kListed);
    std::vector<std::string> texts;
    for (size_t i = 0; i < listed; ++i) texts.push_back(fmt::format("'{}'", shown(names[i])));
    if (names.size() > listed) texts.push_back(fmt::format("{} more", names.size() - listed));
    if (names.empty()) texts.push_back("no tensor");
    text += fmt::format(" (it holds {})", fmt::join(texts, ", "));
    file_.fail(FaultKind::no_such_tensor, text);
  }

  [[noreturn]] void unexpected(std::string_view what) const {
    const auto wanted = [&]() -> std::string_view {
      switch (state_) {
        case State::before_metadata: return "an object of strings";
        case State::metadata_value: return "a string";
        case State::before_tensor: return "an object, the tensor's fields,";
        case State::before_dtype: return "a string, the type,";
        case State::before_shape: return "a list of extents";
        case State::before_offsets: return "a list of two numbers";
        case State::shape:
        case State::offsets: return "a whole number";
        default: return "an object of tensors";
      }
    };
    refuse(fmt::format("{} stands where {} is wanted", what, wanted()));
  }

  [[noreturn]] void refuse(std::string_view why) const {
    const bool in_tensor = state_ >= State::before_tensor;
    const bool in_metadata = state_ >= State::before_metadata && !in_tensor;
    file_.refuse(in_tensor     ? fmt::format(", tensor '{}': {}", shown(name_), why)
                 : in_metadata ? fmt::format(", '__metadata__': {}", why)
                               : fmt::format(": {}", why));
  }

  const std::string_view header_;
  const int64_t data_bytes_;
  const std::string_view wanted_;
  const NamedFile& file_;

  State state_ = State::outside;
  std::string name_;  ///< of the tensor that is being read, like the next three
  SafetensorsEntry entry_;
  std::array<bool, std::size(kFields)> seen_ = {};
  std::vector<int64_t> offsets_;

  bool has_metadata_ = false;
  std::vector<std::string> metadata_keys_;
  std::vector<Range> ranges_;
  std::optional<SafetensorsEntry> found_;
};

}  // namespace

std::string SafetensorsEntry::type_text() const {
  return runtime::type_text(safetensors_type(dtype), dtype, shape);
}

std::optional<DType> safetensors_type(std::string_view dtype) {
  const auto row = std::ranges::find(kDTypes, dtype, &DTypeRow::safetensors);
  if (row == std::end(kDTypes)) return std::nullopt;
  return static_cast<DType>(row - kDTypes);
}

SafetensorsEntry find_tensor(std::string_view header, int64_t data_bytes, std::string_view name,
                             const NamedFile& file) {
  // The parser would skip a byte-order mark, and takes a zero byte for the end of the text.
  if (!header.starts_with('{')) file.refuse(": its header does not start with '{'");
  if (const size_t zero = header.find('\0'); zero != header.npos)
    file.refuse(fmt::format(", byte {}: a zero byte in the header", kSafetensorsPrefix + zero));
  HeaderReader reader(header, data_bytes, name, file);
  Json::sax_parse(header, &reader);
  return reader.result();
}

}  // namespace tenon::runtime
