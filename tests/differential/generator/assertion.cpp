// Assertions that hold, and what ends a program.
#include "tests/differential/generator/generator.h"

namespace tenon::differential {

bool Generator::statement_assert_() {
  if (present_ != nullptr && !present_->results.empty()) return false;
  const DType type = type_accepted(runtime::Operands::integer);
  const std::string x = scalar(type, 2);
  static constexpr std::string_view kTrue[] = {
      "{0} == {0}",       "{0} - {0} == 0", "{0} % 5 >= 0",           "min({0}, 3) <= 3",
      "not ({0} != {0})", "{0} % 3 < 3",    "bit_xor({0}, {0}) == 0", "bit_and({0}, 1) <= 1"};
  line("assert({}, \"holds\");", fmt::format(fmt::runtime(choices_.among(kTrue)), x));
  return true;
}

/// A product, summed in any order, errs by at most gamma_n times the sum of the magnitudes, gamma_n
/// = n u / (1 - n u) (N. Higham, Accuracy and Stability of Numerical Algorithms, section 3.1). The
/// program checks that by itself, in f64, whatever mode it runs in; of what is inexact nothing is
/// printed.
bool Generator::statement_bound() {
  if (present_ != nullptr || work_ > 4) return false;
  struct Row {
    DType type;
    std::string_view unit;
  };
  static constexpr Row kRows[] = {
      {DType::f32, "16777216.0"}, {DType::f16, "2048.0"}, {DType::bf16, "256.0"}};
  const Row& row = choices_.among(kRows);
  static constexpr int kCounts[] = {3, 8, 17, 33, 50};
  const int rows = 1 + static_cast<int>(choices_.below(3)), n = choices_.among(kCounts);
  const size_t salt = 1 + choices_.below(100);
  const std::string a = new_name("a"), b = new_name("b"), c = new_name("c");
  const std::string_view t = runtime::row(row.type).text;
  line("let {}[i: {}, k: {}] = {}((i * 7919 + k * 104729 + {}) % 1009 - 504) / 337.0;", a, rows, n,
       t, salt);
  line("let {}[k: {}] = {}((k * 7907 + {}) % 997 - 498) / 89.0;", b, n, t, salt);
  line("let {}[i] = sum[k] {}[i, k] * {}[k];", c, a, b);
  line("let {}_exact[i] = sum[k] f64({}[i, k]) * f64({}[k]);", c, a, b);
  line("let {}_size[i] = sum[k] abs(f64({}[i, k]) * f64({}[k]));", c, a, b);
  // One more than n: f16 and bf16 are rounded once at the end.
  line("let {0}_gamma: f64 = {1}.0 / {2} / (1.0 - {1}.0 / {2});", c, n + 1, row.unit);
  line("assert(all[i] (abs(f64({0}[i]) - {0}_exact[i]) <= {0}_gamma * {0}_size[i]), \"gamma_n\");",
       c);
  cost_ += static_cast<size_t>(10 * rows * n);
  return true;
}

bool Generator::statement_failure() {
  if (!may_fail_ || (present_ != nullptr && !present_->results.empty())) return false;
  const Variable* variable = any_variable({DType::i32, {}});
  if (variable == nullptr) {
    const std::string first = scalar(DType::i32, 2), name = new_name("v");
    line("var {} = {};", name, first);
    declare(name, {DType::i32, {}}, true);
    variable = &variables_.back();
  }
  // What is constant and wrong is not even compiled.
  const std::string whole = fmt::format("{} - {}", variable->name, choices_.below(3));
  const std::string name = new_name("s");
  switch (choices_.below(5)) {
    case 0: line("assert({} != {}, \"fails, perhaps\");", whole, literal(DType::i32)); break;
    case 1: line("let {} = i32(7) / ({});", name, whole); break;
    case 2: {
      const Variable* tensor = any_tensor_variable(any_type());
      if (tensor == nullptr || tensor->type.shape.size() != 1) return false;
      line("let {} = {}[{}];", name, tensor->name, whole);
      break;
    }
    case 3:
      line("let {} = max[k: 0..i64({})] f32(k);", name, fmt::format("({}) % 3", whole));
      break;
    default: {
      if (deep_.empty()) return false;
      const Function& function = choices_.among(deep_);
      const std::string rest = scalar(function.results[0].element, 1);
      line("let {} = {}({}, {});", name, function.name, chance(128) ? 2000 : 998, rest);
    }
  }
  return true;
}

}  // namespace tenon::differential
