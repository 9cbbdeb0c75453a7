// Statements with blocks in them, and what leaves those.
#include <algorithm>

#include "tests/differential/generator/generator.h"

namespace tenon::differential {

void Generator::block(int most) {
  const Mark before = mark();
  ++indent_;
  ++nesting_;
  statements(1 + static_cast<int>(choices_.below(most)));
  --nesting_;
  --indent_;
  back_to(before);
}

bool Generator::statement_if_() {
  if (nesting_ > 2) return false;
  // Now and then one that is known: dead code, with everything in it.
  static constexpr std::string_view kKnown[] = {"true", "false", "1 < 2", "2 + 2 == 5"};
  const std::string condition =
      chance(32) ? std::string(choices_.among(kKnown)) : this->condition(2);
  line("if {} {{", condition);
  block(3);
  if (chance(128)) {
    line("}} else {{");
    block(3);
  }
  line("}}");
  return true;
}

bool Generator::statement_for_() {
  if (nesting_ > 2 || loops_ > 1) return false;
  static constexpr int kTurns[] = {2, 3, 1, 4, 0, 6};
  const int turns = choices_.among(kTurns),
            low = chance(64) ? 1 + static_cast<int>(choices_.below(3)) : 0;
  Index index{"", extent(turns), low, low + turns, true};
  if (low != 0) index.extent.text.clear();
  std::string bounds = fmt::format("{}..{}", low, low + turns);
  if (chance(96)) {  // known when the program runs
    const std::string whole = any_integer(1);
    bounds = fmt::format("{}..{} + i64({}) % {}", low, low, whole, turns + 1);
    index.extent.text.clear();
  }
  index.name = new_name("n");
  line("for {} in {} {{", index.name, bounds);
  const Mark before = mark();
  const size_t work = work_;
  work_ *= std::max(turns, 1);
  indices_.push_back(index);
  ++loops_;
  block(4);
  --loops_;
  work_ = work;
  back_to(before);
  line("}}");
  return true;
}

/// Fuel bounds the turns, whatever the condition says.
bool Generator::statement_while_() {
  if (nesting_ > 2 || loops_ > 1) return false;
  const std::string fuel = new_name("fuel");
  const int turns = 1 + static_cast<int>(choices_.below(6));
  const std::string condition = chance(64) ? "true" : this->condition(2);
  line("var {} = {};", fuel, turns);
  declare(fuel, {DType::i32, {}});
  line("while {} > 0 and {} {{", fuel, condition);
  const size_t work = work_;
  work_ *= turns;
  ++loops_;
  ++indent_;
  line("{} -= 1;", fuel);
  --indent_;
  block(4);
  --loops_;
  work_ = work;
  line("}}");
  return true;
}

/// t[i, j] = e for all i and j: in place, and a definition in disguise.
bool Generator::statement_fill() {
  if (nesting_ > 1 || loops_ > 1) return false;
  const Variable* found = any_tensor_variable(any_type(), true);
  if (found == nullptr || found->type.shape.size() > 2) return false;
  const Variable variable = *found;
  const Mark before = mark();
  const size_t work = work_;
  std::vector<std::string> names;
  for (const Extent& each : variable.type.shape) {
    bind(each, "n");
    names.push_back(indices_.back().name);
    line("for {} in 0..{} {{", names.back(), each.text);
    ++indent_;
  }
  const DType type = variable.type.element;
  const std::string text = scalar(type, kDepth);
  if (chance(64)) statements(1);
  line("{}[{}] {} {};", variable.name, joined(names),
       type != DType::bool_ && chance(64) ? "+=" : "=", text);
  for (size_t i = 0; i < names.size(); ++i) {
    --indent_;
    line("}}");
  }
  back_to(before);
  work_ = work;
  return true;
}

bool Generator::statement_jump() {
  if (loops_ == 0) return false;
  const std::string condition = this->condition(2);
  line("if {} {{ {}; }}", condition, chance(128) ? "break" : "continue");
  return true;
}

bool Generator::statement_return_() {
  if (present_ == nullptr) return false;
  const std::string condition = this->condition(2);
  if (present_->results.empty()) {
    line("if {} {{ return; }}", condition);
    return true;
  }
  line("if {} {{", condition);
  const Mark before = mark();
  ++indent_;
  std::vector<std::string> values;
  for (const Type& each : present_->results) values.push_back(value(each, 2));
  const bool is_pair = values.size() > 1;
  line("return {}{}{};", is_pair ? "(" : "", joined(values), is_pair ? ")" : "");
  --indent_;
  back_to(before);
  line("}}");
  return true;
}

}  // namespace tenon::differential
