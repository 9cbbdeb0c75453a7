// Parsing of what instructions and expressions are made of: names, types, constants, strings.
#pragma once
#include <unordered_map>

#include "ir/ir.h"
#include "ir/text_scanner.h"

namespace tenon::ir {

/// What names mean at a place in the text.
struct Names {
  std::unordered_map<std::string_view, FuncId> functions;  ///< of the module
  std::unordered_map<std::string_view, ValueId> values;    ///< of the function, so far
};

std::optional<DType> dtype_named(std::string_view text);
std::optional<ScalarOp> scalar_op_named(std::string_view text);
std::optional<Reduction> reduction_named(std::string_view text);
/// Whether a name means something in every expression: a type, an operation, `inf`. No index is
/// called so.
bool is_reserved(std::string_view name);
/// The operator that a token is between operands.
std::optional<ScalarOp> infix_op(const Token& token);

/// `f32`, `i64[4, 0]`; an extent must not be negative, and the whole must fit memory.
Type parse_type(TextScanner& scanner);
/// An integer in 0 … highest i64.
int64_t parse_extent(TextScanner& scanner);
bool at_constant(const TextScanner& scanner);
/// A number that does not carry its type is one of these two.
Scalar parse_constant(TextScanner& scanner, DType integer = DType::i64,
                      DType floating = DType::f32);
/// The bytes that a string token stands for.
std::string parse_string(TextScanner& scanner);
FuncId parse_callee(TextScanner& scanner, const Names& names);
ValueId parse_value(TextScanner& scanner, const Names& names);
/// That `op` takes `count` operands, the last of them a `type`.
void check_operands(TextScanner& scanner, Span span, ScalarOp op, size_t count, const Type& type);

}  // namespace tenon::ir
