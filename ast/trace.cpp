#include "ast/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cctype>

#include "runtime/print.h"

namespace tenon::ast::typed {
namespace {

constexpr size_t kMaxText = 60;  ///< characters of source on a line

std::string list(std::span<const int64_t> numbers) {
  return fmt::format("[{}]", fmt::join(numbers, ", "));
}

/// `h[2, 0]` or `layer.h[2, 0]` taken apart.
struct Wanted {
  std::string function, name;  ///< function empty: any
  std::vector<int64_t> subscripts;
};

Wanted read(std::string_view text) {
  const BadTrace refusal{
      fmt::format("--trace {}: it is written --trace 'NAME[i, j]' or 'FUNCTION.NAME[i, j]'", text)};
  const size_t open = text.find('[');
  if (open == std::string_view::npos || text.back() != ']') throw refusal;
  Wanted wanted;
  const std::string_view path = text.substr(0, open);
  const size_t dot = path.find('.');
  if (dot != std::string_view::npos) wanted.function = path.substr(0, dot);
  wanted.name = path.substr(dot == std::string_view::npos ? 0 : dot + 1);

  const char* at = text.data() + open + 1;
  const char* const end = text.data() + text.size() - 1;
  while (true) {
    while (at != end && *at == ' ') ++at;
    const auto [behind, error] = std::from_chars(at, end, wanted.subscripts.emplace_back());
    if (error != std::errc()) throw refusal;
    at = std::find_if(behind, end, [](char c) { return c != ' '; });
    if (at == end) break;
    if (*at++ != ',') throw refusal;
  }
  if (wanted.name.empty()) throw refusal;
  return wanted;
}

/// Calls take(define, compute) for each index definition among the statements, in order.
template <class Take>
void for_each_definition(const std::vector<Stmt>& stmts, const Take& take) {
  for (const Stmt& stmt : stmts) {
    if (const auto* define = std::get_if<Define>(&stmt.node)) {
      const auto* compute = std::get_if<Compute>(&define->value.node);
      if (compute && !compute->indices.empty()) take(*define, *compute);
    } else if (const auto* branch = std::get_if<If>(&stmt.node)) {
      for_each_definition(branch->then, take);
      for_each_definition(branch->otherwise, take);
    } else if (const auto* loop = std::get_if<While>(&stmt.node)) {
      for_each_definition(loop->body, take);
    } else if (const auto* loop = std::get_if<For>(&stmt.node)) {
      for_each_definition(loop->body, take);
    }
  }
}

/// Row-major; nothing if it is outside.
std::optional<int64_t> offset_in(const Compute& compute, const std::vector<int64_t>& subscripts) {
  if (subscripts.size() != compute.indices.size()) return {};
  int64_t offset = 0;
  for (size_t axis = 0; axis < subscripts.size(); ++axis) {
    const int64_t extent = compute.indices[axis].extent.value();
    if (subscripts[axis] < 0 || subscripts[axis] >= extent) return {};
    offset = offset * extent + subscripts[axis];
  }
  return offset;
}

bool has_blank(std::string_view text) { return text.find(' ') != std::string_view::npos; }

/// Of the expressions inside this one, the ones that only say where: subscripts, bounds.
bool only_says_where(const Expr& parent, const Expr& child) {
  if (const auto* element = std::get_if<Element>(&parent.node)) {
    return &child != element->otherwise.get();
  }
  const auto* reduce = std::get_if<Reduce>(&parent.node);
  return reduce && &child != reduce->body.get();
}

}  // namespace

Trace::Trace(const Program& program, const lexer::SourceMap& sources,
             std::string_view element)
    : sources_(sources) {
  find_targets(program, element);
}

void Trace::find_targets(const Program& program, std::string_view element) {
  const Wanted wanted = read(element);
  wanted_ = (wanted.function.empty() ? "" : wanted.function + ".") + wanted.name +
            list(wanted.subscripts);
  std::vector<std::string> namesakes, others;
  for (const auto& function : program.functions) {
    for_each_definition(function->body, [&](const Define& define, const Compute& compute) {
      const Var& var = function->vars[define.var];
      if (var.name.empty()) return;
      const bool is_namesake = var.name == wanted.name && (wanted.function.empty() ||
                                                           wanted.function == function->name);
      (is_namesake ? namesakes : others)
          .push_back(fmt::format("`{}.{}` is {}", function->name, var.name, var.type.text()));
      const auto offset = offset_in(compute, wanted.subscripts);
      if (is_namesake && offset) {
        targets_.push_back({function.get(), define.var, &compute, wanted.subscripts, *offset});
      }
    });
  }
  if (!targets_.empty()) return;
  std::vector<std::string>& known = namesakes.empty() ? others : namesakes;
  if (known.size() > 5) known.resize(5);
  throw BadTrace{fmt::format("--trace {}: no index definition has this element{}{}", element,
                             known.empty() ? "" : "; ", fmt::join(known, ", "))};
}

// ---- what the interpreter tells

void Trace::begin(const Compute& node, int64_t offset) {
  if (done_) return;
  if (target_) {
    ++inside_;
    return;
  }
  for (const Target& target : targets_) {
    if (target.compute != &node || target.offset != offset) continue;
    target_ = &target;
    open_.push_back({nullptr, add_line(wanted_), true});
    depth_ = 1;
  }
}

void Trace::end(const Compute&) {
  if (!target_ || done_) return;
  if (inside_ > 0) {
    --inside_;
    return;
  }
  done_ = true;
  open_.pop_back();
}

void Trace::call(const Function&) {
  if (target_ && !done_) ++inside_;
}
void Trace::back(const Function&) {
  if (target_ && !done_) --inside_;
}

void Trace::enter(const Expr& expr) {
  if (!watching()) return;
  const Open& parent = open_.back();
  const bool where_only =
      parent.where_only || (parent.expr && only_says_where(*parent.expr, expr));
  // What the checker added stands where its source stands, and that has been shown.
  const bool is_added = parent.expr && parent.expr->span == expr.span &&
                        !std::holds_alternative<Element>(expr.node);
  const bool has_line = !is_added && deserves_line(expr, where_only);
  open_.push_back({&expr, has_line ? add_line(source(expr.span)) : kNoLine, has_line, where_only});
  depth_ += has_line;
}

void Trace::leave(const Expr&, const Scalar& value) {
  if (!watching()) return;
  const Open left = std::move(open_.back());
  open_.pop_back();
  elide(left);
  depth_ -= left.is_indented;
  const std::string shown = runtime::to_text(value);
  if (open_.size() == 1) lines_[0].text += fmt::format(" = {}{}", shown, indices_text());
  if (left.line == kNoLine) return;
  std::string& text = lines_[left.line].text;
  if (!left.looked_up.empty() && text != left.looked_up) text += " = " + left.looked_up;
  text += " = " + shown;
}

void Trace::look_up(const Element& node, std::span<const int64_t> subscripts) {
  if (!watching()) return;
  const Expr* operand = operand_of(*node.tensor);
  std::string tensor = source(operand ? operand->span : node.tensor->span);
  if (has_blank(tensor)) tensor = "(" + tensor + ")";
  const runtime::Shape shape = node.tensor->type.concrete_shape();
  const int64_t last = subscripts.back(), extent = shape[subscripts.size() - 1];
  const bool is_outside = node.otherwise && (last < 0 || last >= extent);
  Open& element = open_.back();
  element.looked_up = tensor + list(subscripts) + (is_outside ? " (outside)" : "");
  if (operand && element.line != kNoLine) lines_[element.line].text = element.looked_up;
}

void Trace::step(const Reduce& node, std::span<const int64_t> point) {
  if (!watching()) return;
  Open& reduction = open_.back();
  if (reduction.steps > kFirstSteps) lines_.resize(std::min(lines_.size(), reduction.step_begin));
  ++reduction.steps;
  reduction.step_begin = lines_.size();
  std::string text;
  for (size_t i = 0; i < point.size(); ++i) {
    const std::string& name = target_->function->vars[node.indices[i].var].name;
    text += fmt::format("{}{} = {}", i == 0 ? "" : ", ", name.empty() ? "_" : name, point[i]);
  }
  add_line(std::move(text));
  ++depth_;
}

void Trace::taken(const Reduce&, const std::optional<Scalar>& so_far) {
  if (!watching()) return;
  --depth_;
  const size_t line = open_.back().step_begin;
  if (line < lines_.size() && so_far) {
    lines_[line].text += ", so far " + runtime::to_text(*so_far);
  }
}

// ---- lines

bool Trace::deserves_line(const Expr& expr, bool where_only) const {
  if (std::holds_alternative<Constant>(expr.node)) return false;
  if (where_only) {
    return std::holds_alternative<Element>(expr.node) ||
           std::holds_alternative<Reduce>(expr.node) ||
           std::holds_alternative<Call>(expr.node);
  }
  const auto* variable = std::get_if<Variable>(&expr.node);
  return !variable || target_->function->vars[variable->var].kind != VarKind::index;
}

/// What the definition names before its first element, if `tensor` is such a name.
const Expr* Trace::operand_of(const Expr& tensor) const {
  const auto* variable = std::get_if<Variable>(&tensor.node);
  if (!variable) return nullptr;
  for (const Operand& operand : target_->compute->operands) {
    if (operand.var == variable->var) return operand.value.get();
  }
  return nullptr;
}

size_t Trace::add_line(std::string text) {
  if (lines_.size() == kMaxLines) {
    is_cut_ = true;
    return kNoLine;
  }
  lines_.push_back({depth_, std::move(text)});
  return lines_.size() - 1;
}

/// Between the first steps of a reduction and its last one stands how many are not shown.
void Trace::elide(const Open& reduction) {
  const int64_t hidden = reduction.steps - kFirstSteps - 1;
  if (hidden <= 0 || reduction.step_begin >= lines_.size()) return;
  lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(reduction.step_begin),
                {depth_, fmt::format("… {} more step{}", hidden, hidden == 1 ? "" : "s")});
}

/// `, where n = 2, o = 0`
std::string Trace::indices_text() const {
  std::string text;
  for (size_t axis = 0; axis < target_->subscripts.size(); ++axis) {
    const ComputeIndex& index = target_->compute->indices[axis];
    const std::string& name = target_->function->vars[index.var].name;
    if (name.empty()) continue;
    text += fmt::format("{}{} = {}", text.empty() ? ", where " : ", ", name,
                        index.lo + target_->subscripts[axis]);
  }
  return text;
}

/// On one line, without comments, shortened.
std::string Trace::source(lexer::Span span) const {
  std::string text;
  const std::string_view all = sources_.text(span);
  for (size_t at = 0; at < all.size(); ++at) {
    if (all.substr(at, 2) == "//") at = std::min(all.find('\n', at), all.size() - 1);
    const bool is_blank = std::isspace(static_cast<unsigned char>(all[at]));
    if (!is_blank) {
      text += all[at];
    } else if (!text.empty() && text.back() != ' ') {
      text += ' ';
    }
  }
  if (text.size() > kMaxText) text = text.substr(0, kMaxText - 2) + " …";
  return text;
}

std::string Trace::text() const {
  if (!target_) return fmt::format("{} was not computed in this run\n", wanted_);
  std::vector<Line> lines = lines_;
  for (const Open& unfinished : open_) {
    if (unfinished.line == kNoLine) continue;
    std::string& text = lines[unfinished.line].text;
    if (!unfinished.looked_up.empty()) text += " = " + unfinished.looked_up;
    text += " failed";
  }
  std::string out;
  for (const Line& line : lines) out += fmt::format("{:{}}{}\n", "", 2 * line.depth, line.text);
  if (is_cut_) out += fmt::format("… and more: {} lines are shown\n", kMaxLines);
  return out;
}

}  // namespace tenon::ast::typed
