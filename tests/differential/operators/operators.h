// Programs of one operator, of a shape that nobody chose: what schedules are made for, at sizes where they have
// tails, margins and single elements. Operands hold small whole numbers, so that every order of summation gives
// the same bits; only where nothing is summed, NaN, infinities and -0.0 as well.
#pragma once
#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/scalar.h"
#include "tests/differential/generator/choices.h"

namespace tenon::differential {

/// The program that the bytes choose; without bytes, the smallest.
std::string operator_program(std::string_view bytes);

/// An index and how far it runs.
struct Axis {
  std::string index;
  int64_t extent;
};
using Axes = std::vector<Axis>;
/// How they are written where they are bound: `i: 9, j: 4`.
std::string bounds(const Axes& axes);
/// `i, j`
std::string indices(const Axes& axes);
inline std::string_view text_of(runtime::DType type) { return runtime::row(type).text; }

class Operators {
 public:
  explicit Operators(std::span<const uint8_t> bytes) : choices_(bytes) {}
  std::string run();

 private:
  using DType = runtime::DType;
  struct Tensor {
    std::string name;
    DType type;
    Axes axes;
    std::string elements;  ///< an expression over a0, a1, …: the subscripts
  };

  // Shapes. The number of all combinations of indices is bounded: the tree interpreter is slow.
  int64_t extent(int64_t most = kMostExtent);
  Axis axis(std::string_view letter, int64_t most = kMostExtent);
  Axes axes(std::string_view letter, size_t least, size_t most);
  Axes shuffled(Axes axes);
  Axes subset(const Axes& axes);
  bool chance(size_t parts) { return choices_.chance(parts); }
  int64_t between(int64_t low, int64_t high);

  // Operands and what is made of them.
  void choose_types(bool small_floats = true);
  Tensor operand(Axes axes);
  Tensor special_operand(Axes axes);
  Tensor subscripts_into(const Axis& axis, int64_t extent);
  std::string zero() const { return runtime::is_floating(type_) ? "0.0" : "0"; }
  /// `x[i, j]`, converted if the sum is of another type; `margin`: the value outside.
  std::string read(const Tensor& tensor, const std::vector<std::string>& subscripts,
                   std::string_view margin = "") const;
  std::string read(const Tensor& tensor) const;
  std::string range(const Axis& axis, const Axes& out);
  /// Something elementwise around a value: a bias, a maximum.
  std::string finished(std::string value, const Axes& axes);
  void define(const Axes& axes, std::string_view value);
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    body_ += "  " + fmt::format(format, std::forward<Args>(args)...) + "\n";
  }
  std::string text() const;

#define OPERATOR(name, weight, meaning) void name();
#include "tests/differential/operators/forms.def"
  struct Window;
  Window window(std::string_view out, std::string_view at, bool may_pad);
  std::vector<Window> windows(bool may_pad);

  static constexpr int64_t kMostExtent = 400, kMostWork = 150'000;

  Choices choices_;
  int64_t work_ = 1;
  DType stored_ = DType::f32, type_ = DType::f32;  ///< of operands; what is computed with
  std::vector<Tensor> operands_;
  std::string body_;
  Tensor result_;
};

}  // namespace tenon::differential
