#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <cctype>
#include <iterator>

namespace tenon::fuzz {
namespace {

size_t below(size_t bound, Random& random) {
  return bound == 0 ? 0 : random() % bound;
}

bool one_in(size_t n, Random& random) {
  return below(n, random) == 0;
}

template <class List>
auto& any_of(const List& list, Random& random) {
  return list[below(std::size(list), random)];
}

constexpr std::string_view kNumbers[] = {
    "0",
    "1",
    "-1",
    "-0",
    "2",
    "8",
    "007",
    "1.0",
    "1e1",
    "1e999",
    "2147483648",
    "4294967297",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
    "NaN",
    "0x10",
    "1L",
};
constexpr std::string_view kWords[] = {
    "\"w\":",
    "\"__metadata__\":{}",
    "\"shape\":",
    "\"dtype\":",
    "\"data_offsets\":",
    "\"F32\"",
    "\"BOOL\"",
    "\"U8\"",
    "\"F8_E4M3\"",
    "null",
    "true",
    "\\u0000",
    "\\ud800",
    "\\u0077",
    "\\",
    "\xff",
    "\xc3\x28",
    "\xef\xbb\xbf",
    "'descr':",
    "'shape':",
    "'fortran_order':",
    "True",
    "'>f4'",
    "'|b1'",
    "'<f8'",
    "(3,)",
    "(,)",
    "[[[[",
    "{{{{",
    "}}}}",
    ",",
    "  ",
    "\n",
};
constexpr std::string_view kPunctuation = "{}[](),:'\"\\ \n-.+\0";

uint64_t read_length(const std::string& file, LengthField field) {
  uint64_t length = 0;
  for (size_t i = 0; i < field.bytes && field.at + i < file.size(); ++i)
    length |= static_cast<uint64_t>(static_cast<uint8_t>(file[field.at + i])) << 8 * i;
  return length;
}

void write_length(std::string& file, LengthField field, uint64_t length) {
  for (size_t i = 0; i < field.bytes && field.at + i < file.size(); ++i)
    file[field.at + i] = static_cast<char>(length >> 8 * i);
}

struct Stretch {
  size_t at, size;
};

Stretch any_stretch(const std::string& file, Random& random) {
  const size_t at = below(file.size(), random);
  return {at, std::min(file.size() - at, 1 + below(one_in(4, random) ? 256 : 16, random))};
}

/// A run of digits at or behind a random place; empty where none follows.
Stretch any_number(const std::string& file, Random& random) {
  const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  const auto from = file.begin() + static_cast<ptrdiff_t>(below(file.size(), random));
  const auto begin = std::find_if(from, file.end(), digit);
  const auto end = std::find_if_not(begin, file.end(), digit);
  return {static_cast<size_t>(begin - file.begin()), static_cast<size_t>(end - begin)};
}

std::string number_near(std::string_view digits, Random& random) {
  if (digits.empty() || digits.size() > 18 || one_in(2, random))
    return std::string(any_of(kNumbers, random));
  const auto value = std::stoll(std::string(digits));
  return std::to_string(value + static_cast<int64_t>(below(9, random)) - 4);
}

void change(std::string& file, Random& random) {
  const Stretch stretch = any_stretch(file, random);
  switch (below(9, random)) {
    case 0: file[stretch.at] ^= static_cast<char>(1u << below(8, random)); break;
    case 1: file[stretch.at] = static_cast<char>(random()); break;
    case 2: file[stretch.at] = any_of(kPunctuation, random); break;
    case 3: file.insert(stretch.at, 1, any_of(kPunctuation, random)); break;
    case 4: file.insert(stretch.at, any_of(kWords, random)); break;
    case 5: file.erase(stretch.at, stretch.size); break;
    case 6: file.insert(below(file.size(), random), file.substr(stretch.at, stretch.size)); break;
    default: {
      const Stretch number = any_number(file, random);
      file.replace(number.at, number.size,
                   number_near(std::string_view(file).substr(number.at, number.size), random));
    }
  }
}

}  // namespace

void mutate(std::string& file, Random& random) {
  if (file.empty()) file.assign(16, '{');
  const LengthField field = length_field(file);
  const uint64_t length = read_length(file, field);
  if (one_in(16, random)) {
    write_length(file, field,
                 one_in(2, random) ? random() >> below(64, random) : length + below(9, random) - 4);
    return;
  }
  const size_t before = file.size();
  change(file, random);
  file.resize(std::min(file.size(), kMaxInput));
  // Changes in the data move no end; as a header is most of a small file, the guess is mostly
  // right.
  if (!one_in(4, random)) write_length(file, field, length + file.size() - before);
}

}  // namespace tenon::fuzz
