// Elements and their subscripts, ranges, reductions.
#include <algorithm>

#include "tests/differential/generator/generator.h"

namespace tenon::differential {

// ---- subscripts

std::string Generator::any_integer(int depth) {
  const DType type = type_accepted(runtime::Operands::integer);
  return scalar(type, depth);
}

/// In range whatever happens, or nothing if there is no such subscript here.
std::string Generator::subscript(const Extent& extent, int depth) {
  std::vector<std::string> fitting;
  const auto add = [&](std::string text) { fitting.push_back(std::move(text)); };
  for (const Index& index : indices_) {
    const bool just_fits = index.extent.text == extent.text;
    const bool inside = extent.known && index.known && index.high <= extent.least;
    if (just_fits || (inside && !index.exact)) add(index.name);
    if (just_fits) add(fmt::format("{} - 1 - {}", extent.text, index.name));
    if (inside && index.high < extent.least) {
      add(fmt::format("{} + {}", index.name, extent.least - index.high));
    }
    if (inside && 2 * index.high <= extent.least) add(fmt::format("2 * {} + 1", index.name));
    if (index.known && index.low > 0 && index.high - index.low <= extent.least && extent.known) {
      add(fmt::format("{} - {}", index.name, index.low));
    }
  }
  if (extent.least > 0) {
    add(fmt::format("{}", choices_.below(extent.least)));
    if (depth > 0) {
      // With a positive divisor the remainder is in range.
      if (fitting.size() > 1 && !chance(80)) return choices_.among(fitting);
      if (may_fail_ && chance(24)) {  // a constant that is out of range is not even compiled
        const Variable* whole = any_variable({type_accepted(runtime::Operands::integer), {}});
        if (whole != nullptr) return whole->name;
      }
      const std::string whole = any_integer(depth - 1);
      return fmt::format("i64({}) % {}", whole, extent.text);
    }
  }
  return fitting.empty() ? "" : choices_.among(fitting);
}

/// Anywhere near the range: for a subscript with `else`.
std::string Generator::near_subscript(const Extent& extent, int depth) {
  if (indices_.empty() || chance(32)) {
    if (depth > 0 && chance(96)) return any_integer(depth - 1);
    return fmt::format("{}", static_cast<int>(choices_.below(extent.least + 3)) - 1);
  }
  const std::string& name = choices_.among(indices_).name;
  static constexpr std::string_view kForms[] = {"{0}",         "{0} - 1",      "{0} + 1", "{0} + 2",
                                                "2 * {0} - 1", "1 - {0}",      "{0} / 2", "{0} % 2",
                                                "{0} + {1}",   "{0} - 2 * {1}"};
  return fmt::format(fmt::runtime(choices_.among(kForms)), name, choices_.among(indices_).name);
}

/// Those of an element that is there; nothing if they cannot be given.
std::string Generator::subscripts(const Shape& shape, int depth) {
  std::vector<std::string> all;
  for (const Extent& each : shape) {
    all.push_back(subscript(each, depth));
    if (all.back().empty()) return {};
  }
  return joined(all);
}

std::string Generator::scalar_element(DType type, int depth) {
  const Variable* tensor = any_tensor_variable(type);
  if (tensor == nullptr) return {};
  const Variable copy = *tensor;  // what is made below may declare more
  if (!chance(80)) {
    const std::string inside = subscripts(copy.type.shape, depth);
    if (!inside.empty()) return fmt::format("{}[{}]", copy.name, inside);
  }
  std::vector<std::string> all;
  for (const Extent& each : copy.type.shape) all.push_back(near_subscript(each, depth));
  return fmt::format("{}[{} else {}]", copy.name, joined(all), scalar(type, depth));
}

// ---- ranges

std::string Generator::bind(const Extent& extent, std::string_view letter) {
  indices_.push_back({new_name(letter), extent, 0, extent.least, extent.known});
  work_ *= std::max(extent.least, 1);
  return fmt::format("{}: {}", indices_.back().name, extent.text);
}

std::string Generator::bind(std::string_view letter, bool may_be_empty) {
  static constexpr int kCounts[] = {2, 3, 1, 4, 5, 8, 17};
  const int count = static_cast<int>(tired() ? 1 : choices_.among(kCounts));
  const size_t kind = choices_.below(8);
  if (kind < 4) return bind(extent(count), letter);
  Index index{"", {"", 0, true}, 0, count, true};
  std::string range;
  if (kind == 4) {
    index.low = 1 + static_cast<int>(choices_.below(3));
    index.high = index.low + count;
    range = fmt::format("{}..{}", index.low, index.high);
  } else if (kind == 5 && !indices_.empty()) {  // a triangle
    const Index outer = choices_.among(indices_);
    if (!outer.known) return bind(extent(count), letter);
    index.high = outer.high + 1;
    range = fmt::format("0..{}{}", outer.name, may_be_empty && chance(128) ? "" : " + 1");
  } else {
    const std::string whole = any_integer(1);
    index.high = count + 1;
    range = fmt::format("0..i64({}) % {} + {}", whole, count, may_be_empty ? 0 : 1);
  }
  index.name = new_name(letter);
  work_ *= std::max(index.high - index.low, 1);
  indices_.push_back(index);
  return fmt::format("{}: {}", index.name, range);
}

// ---- reductions

std::string Generator::scalar_reduction(DType type, int depth) {
  static constexpr std::string_view kNumbers[] = {"sum", "max", "min", "prod"};
  static constexpr std::string_view kBools[] = {"any", "all"};
  const std::string_view name =
      type == DType::bool_ ? choices_.among(kBools) : choices_.among(kNumbers);
  const bool may_be_empty = (name != "max" && name != "min") || (may_fail_ && chance(40));
  const Mark before = mark();
  const size_t work = work_;
  std::vector<std::string> ranges;
  std::vector<Index> bound;
  for (size_t i = 1 + choices_.below(5) / 3; i > 0; --i) {
    ranges.push_back(bind("k", may_be_empty));
    bound.push_back(indices_.back());
    indices_.pop_back();  // not in scope in the next one's range
  }
  indices_.insert(indices_.end(), bound.begin(), bound.end());
  std::string body = scalar(type, depth);
  if (name == "sum") body = small(type, body);
  if (name == "prod") body = small(type, body, 2);
  back_to({variables_.size(), before.indices});  // a range may have defined tensors
  work_ = work;
  return fmt::format("({}[{}] ({}))", name, joined(ranges), body);
}

std::string Generator::scalar_best(DType type, int depth) {
  if (!runtime::is_integer(type)) return {};
  const Mark before = mark();
  const size_t work = work_;
  const std::string range = bind("k", may_fail_ && chance(40));
  const std::string body = scalar(number_type(), depth);
  back_to({variables_.size(), before.indices});  // a range may have defined tensors
  work_ = work;
  const std::string_view name = chance(128) ? "argmin" : "argmax";
  return fmt::format("{}({}[{}] ({}))", runtime::row(type).text, name, range, body);
}

}  // namespace tenon::differential
