#include "runtime/npy_header.h"

#include <fmt/ranges.h>

#include <cctype>

#include "runtime/fault.h"
#include "runtime/file.h"

namespace tenon::runtime {
namespace {

/// A reader of just the literals that a header is made of.
class Parser {
 public:
  Parser(std::string_view text, size_t offset, std::string_view file)
      : text_(text), offset_(offset), file_(file) {}

  NpyHeader header() {
    expect('{');
    while (!accept('}')) {
      entry();
      if (!accept(',') && next() != '}') fail("a comma or '}' is missing");
    }
    next();  // skips blanks
    if (at_ < text_.size()) fail("only blanks may follow the dictionary");
    if (!has_descr_) fail("the key 'descr' is missing");
    if (!has_order_) fail("the key 'fortran_order' is missing");
    if (!has_shape_) fail("the key 'shape' is missing");
    return std::move(header_);
  }

 private:
  void entry() {
    next();
    const size_t begin = at_;
    const std::string_view key = string("a key in quotes");
    expect(':');
    if (key == "descr") {
      once(has_descr_, key, begin);
      header_.descr = string("the element type in quotes (records have none)");
    } else if (key == "fortran_order") {
      once(has_order_, key, begin);
      header_.fortran_order = boolean();
    } else if (key == "shape") {
      once(has_shape_, key, begin);
      header_.shape = shape();
    } else {
      at_ = begin;
      fail(fmt::format("'{}' is not a key of .npy headers", shown(key)));
    }
  }

  void once(bool& seen, std::string_view key, size_t begin) {
    if (seen) {
      at_ = begin;
      fail(fmt::format("a second '{}'", key));
    }
    seen = true;
  }

  std::string_view string(std::string_view wanted) {
    const char quote = next();
    if (quote != '\'' && quote != '"') fail(fmt::format("{} is missing", wanted));
    const size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' || text_[at_] == '\n') fail("a plain character is wanted here");
      ++at_;
    }
    if (at_ == text_.size()) fail("the closing quote is missing");
    return text_.substr(begin, at_++ - begin);
  }

  bool boolean() {
    next();
    for (const auto& [word, value] : {std::pair{"True", true}, std::pair{"False", false}}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += std::string_view(word).size();
        return value;
      }
    }
    fail("True or False is missing");
  }

  Shape shape() {
    Shape shape;
    expect('(');
    bool comma = true;
    while (!accept(')')) {
      if (!comma) fail("a comma or ')' is missing");
      if (shape.size() == kMaxFileRank) fail(fmt::format("more than {} extents", kMaxFileRank));
      shape.push_back(extent());
      comma = accept(',');
    }
    if (shape.size() == 1 && !comma) fail("a shape of one extent ends with a comma");
    return shape;
  }

  int64_t extent() {
    if (next() == '-') fail("an extent is negative");
    const size_t begin = at_;
    int64_t value = 0;
    for (; at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])); ++at_) {
      if (__builtin_mul_overflow(value, 10, &value) ||
          __builtin_add_overflow(value, text_[at_] - '0', &value))
        fail("the extent is beyond 64 bits");
    }
    if (at_ == begin) fail("an extent is missing");
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2's long integers
    return value;
  }

  /// The next character that is no blank, or 0 at the end.
  char next() {
    while (at_ < text_.size() &&
           std::string_view(" \t\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (next() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("'{}' is missing", c));
  }

  [[noreturn]] void fail(std::string_view why) const {
    throw Fault{FaultKind::not_a_tensor_file, 0, 0,
                fmt::format("{}, byte {}: {}", file_, offset_ + at_, why)};
  }

  std::string_view text_;
  size_t offset_;
  std::string_view file_;
  size_t at_ = 0;
  NpyHeader header_;
  bool has_descr_ = false, has_order_ = false, has_shape_ = false;
};

/// As Python writes a tuple: `()`, `(3,)`, `(3, 4)`.
std::string tuple_text(const Shape& shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

}  // namespace

std::string NpyHeader::type_text() const {
  const auto known = npy_type(descr);
  return runtime::type_text(known ? std::optional(known->type) : std::nullopt, descr, shape);
}

std::optional<NpyType> npy_type(std::string_view descr) {
  // '=' is the machine's own order, '|' stands where there is none.
  const bool big_endian = descr.starts_with('>');
  if (!descr.empty() && std::string_view("<>=|").find(descr[0]) != std::string_view::npos)
    descr.remove_prefix(1);
  if (descr.empty()) return std::nullopt;
  for (size_t i = 0; i < std::size(kDTypes); ++i) {
    if (kDTypes[i].npy == descr) return NpyType{static_cast<DType>(i), big_endian};
  }
  return std::nullopt;
}

NpyHeader parse_npy_header(std::string_view text, size_t offset, std::string_view file) {
  return Parser(text, offset, file).header();
}

std::string npy_beginning(DType type, const Shape& shape) {
  std::string dict =
      fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': {}, }}",
                  row(type).bytes == 1 ? '|' : '<', row(type).npy, tuple_text(shape));
  // NumPy leaves room for the first extent to grow to 21 digits where it stands.
  if (!shape.empty()) dict.append(21 - fmt::formatted_size("{}", shape[0]), ' ');
  constexpr size_t kPrefix = 10;  // magic, version and length
  const size_t whole = (kPrefix + dict.size() + 1 + 63) / 64 * 64;
  dict.resize(whole - kPrefix - 1, ' ');
  dict += '\n';

  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(dict.size() & 0xff);
  out += static_cast<char>(dict.size() >> 8);
  return out + dict;
}

}  // namespace tenon::runtime
