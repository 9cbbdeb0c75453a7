#include "ir/parse_atoms.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "runtime/decimal.h"

namespace tenon::ir {

using runtime::row;

namespace {

/// The members of an enumeration by what they are called; those that are called nothing are left out.
template <class Enum>
class ByName {
 public:
  template <class NameOf>
  ByName(size_t count, NameOf name_of) {
    for (size_t i = 0; i < count; ++i)
      if (const std::string_view name = name_of(i); !name.empty()) members_.emplace(name, static_cast<Enum>(i));
  }
  std::optional<Enum> find(std::string_view name) const {
    const auto found = members_.find(name);
    return found == members_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::unordered_map<std::string_view, Enum> members_;
};

}  // namespace

std::optional<DType> dtype_named(std::string_view text) {
  static const ByName<DType> types(std::size(runtime::kDTypes), [](size_t i) { return runtime::kDTypes[i].text; });
  return types.find(text);
}

std::optional<ScalarOp> scalar_op_named(std::string_view text) {
  static const ByName<ScalarOp> ops(std::size(runtime::kScalarOps),
                                    [](size_t i) { return runtime::kScalarOps[i].text; });
  return ops.find(text);
}

std::optional<Reduction> reduction_named(std::string_view text) {
  static const ByName<Reduction> reductions(static_cast<size_t>(Reduction::argmin) + 1,
                                            [](size_t i) { return ast::text(static_cast<Reduction>(i)); });
  return reductions.find(text);
}

namespace {

/// The whole of `digits` as a T.
template <class T>
std::optional<T> read_whole(std::string_view digits) {
  T value{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<Scalar> read_number(DType type, std::string_view digits) {
  if (type == DType::bool_) return std::nullopt;
  if (runtime::is_integer(type)) {
    const auto value = read_whole<int64_t>(digits);
    if (!value || *value < runtime::lowest(type) || *value > runtime::highest(type))
      return std::nullopt;
    return Scalar::integer(type, *value);
  }
  if (!read_whole<double>(digits)) return std::nullopt;
  const Scalar value = runtime::read_decimal(type, std::string(digits));
  return std::isinf(value.f) ? std::nullopt : std::optional(value);
}

/// `nan`, `inf`, `nanf64`, …: the type of the special number that a name is, if it is one.
std::optional<DType> special_number_type(std::string_view name) {
  if (!name.starts_with("nan") && !name.starts_with("inf")) return std::nullopt;
  if (name.size() == 3) return DType::f32;
  const auto type = dtype_named(name.substr(3));
  return type && runtime::is_floating(*type) ? type : std::nullopt;
}

}  // namespace

bool is_reserved(std::string_view name) {
  return dtype_named(name) || scalar_op_named(name) || reduction_named(name) ||
         special_number_type(name) || name == "if" || name == "true" || name == "false";
}

std::optional<ScalarOp> infix_op(const Token& token) {
  static const ByName<ScalarOp> ops(std::size(runtime::kScalarOps), [](size_t i) {
    const auto& op = runtime::kScalarOps[i];
    return op.arity == 2 ? op.infix : std::string_view();
  });
  if (token.kind != TokenKind::symbol && token.kind != TokenKind::name) return std::nullopt;
  return ops.find(token.text);
}

int64_t parse_extent(TextScanner& scanner) {
  const Token token = scanner.expect(TokenKind::number, "an extent");
  const auto value = read_whole<int64_t>(token.text);
  if (!value) scanner.fail(token.span, fmt::format("`{}` is not an extent", token.text));
  return *value;
}

Type parse_type(TextScanner& scanner) {
  const Token name = scanner.expect(TokenKind::name, "a type");
  const auto dtype = dtype_named(name.text);
  if (!dtype) scanner.fail(name.span, fmt::format("there is no type `{}`", name.text));
  Type type{*dtype, {}};
  if (scanner.accept("[")) {
    do type.shape.push_back(parse_extent(scanner));
    while (scanner.accept(","));
    scanner.expect("]");
  }
  if (!runtime::byte_count(type.dtype, type.shape))
    scanner.fail(name.span, fmt::format("`{}` is too large for memory", type.text()));
  return type;
}

bool at_constant(const TextScanner& scanner) {
  const Token& token = scanner.peek();
  if (token.kind == TokenKind::name)
    return token.text == "true" || token.text == "false" || special_number_type(token.text);
  return token.kind == TokenKind::number || scanner.at("-");
}

Scalar parse_constant(TextScanner& scanner, DType integer, DType floating) {
  const Span begin = scanner.peek().span;
  const bool negative = scanner.accept("-");
  const Token token = scanner.peek();
  if (!negative && (token.text == "true" || token.text == "false"))
    return Scalar::boolean(scanner.take().text == "true");
  if (token.kind == TokenKind::name) {
    if (const auto type = special_number_type(token.text)) {
      scanner.take();
      const DType wanted = token.text.size() == 3 ? floating : *type;
      const double magnitude = token.text[0] == 'n' ? std::numeric_limits<double>::quiet_NaN()
                                                    : std::numeric_limits<double>::infinity();
      return Scalar::floating(wanted, negative ? -magnitude : magnitude);
    }
  }
  scanner.expect(TokenKind::number, "a constant");
  // Where the number ends and its type begins; an `e` before a digit is an exponent.
  size_t end = 0;
  const std::string_view text = token.text;
  while (end < text.size() && (text[end] < 'a' || text[end] > 'z' || text[end] == 'e')) ++end;
  const std::string digits = (negative ? "-" : "") + std::string(text.substr(0, end));
  const bool is_float = digits.find_first_of(".e") != std::string::npos;
  const auto type = end < text.size() ? dtype_named(text.substr(end))
                                      : std::optional(is_float ? floating : integer);
  const auto value =
      type && runtime::is_floating(*type) == is_float ? read_number(*type, digits) : std::nullopt;
  if (!value) {
    scanner.fail(lexer::join(begin, token.span),
                 fmt::format("`{}{}` is not a constant of any type", negative ? "-" : "", text));
  }
  return *value;
}

std::string parse_string(TextScanner& scanner) {
  const Token token = scanner.expect(TokenKind::string, "a string");
  const std::string_view text = token.text.substr(1, token.text.size() - 2);
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    const char escape = text[++i];  // a backslash never ends a string token
    uint8_t code = 0;
    const std::string_view hex = text.substr(i + 1, 2);
    if (escape == 'n') {
      bytes += '\n';
    } else if (escape == 't') {
      bytes += '\t';
    } else if (escape == '"' || escape == '\\') {
      bytes += escape;
    } else if (escape == 'x' && hex.size() == 2 &&
               std::from_chars(hex.data(), hex.data() + 2, code, 16).ptr == hex.data() + 2) {
      bytes += static_cast<char>(code);
      i += 2;
    } else {
      scanner.fail(token.span, fmt::format("unknown escape `\\{}` in a string", escape));
    }
  }
  return bytes;
}

FuncId parse_callee(TextScanner& scanner, const Names& names) {
  const Token token = scanner.expect(TokenKind::function, "a function");
  const auto found = names.functions.find(token.text);
  if (found == names.functions.end())
    scanner.fail(token.span, fmt::format("there is no function `@{}`", token.text));
  return found->second;
}

ValueId parse_value(TextScanner& scanner, const Names& names) {
  const Token token = scanner.expect(TokenKind::value, "a value");
  const auto found = names.values.find(token.text);
  if (found == names.values.end())
    scanner.fail(token.span, fmt::format("`%{}` is not defined before this", token.text));
  return found->second;
}

void check_operands(TextScanner& scanner, Span span, ScalarOp op, size_t count, const Type& type) {
  if (count != static_cast<size_t>(row(op).arity)) {
    scanner.fail(
        span, fmt::format("`{}` takes {} operand{}, but {} {} given", row(op).text, row(op).arity,
                          row(op).arity == 1 ? "" : "s", count, count == 1 ? "is" : "are"));
  }
  if (!type.is_scalar() || !runtime::accepts(op, type.dtype))
    scanner.fail(span, fmt::format("`{}` does not take `{}`", row(op).text, type.text()));
}

}  // namespace tenon::ir
