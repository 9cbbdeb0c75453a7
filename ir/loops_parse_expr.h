// Parsing of expressions of loop nests, and what names mean in them.
#pragma once
#include <unordered_map>

#include "ir/loops.h"
#include "ir/parse_expr.h"

namespace tenon::ir::loops {

/// The local that print() calls so: a … h, then a1 … h1, and so on.
std::optional<LocalId> local_named(std::string_view name);

/// What names mean at a place in a nest.
struct NestNames {
  std::unordered_map<std::string_view, BufferId> buffers;
  std::unordered_map<std::string_view, uint32_t> scalars;
  std::unordered_map<std::string_view, LoopId> loops;  ///< of the kernel, so far
  std::vector<LoopId> open_loops;                      ///< around the place
  std::vector<bool> declared;                          ///< locals, anywhere before it
};

class NestExprParser {
 public:
  NestExprParser(TextScanner& scanner, const Kernel& kernel, const NestNames& names)
      : scanner_(scanner), kernel_(kernel), names_(names) {}

  ExprPtr expr() { return infix(0).expr; }
  /// Expressions with commas between, up to `close`, which is taken.
  std::vector<ExprPtr> list(std::string_view close);
  /// `%x[i, k]`
  Read element();
  /// `a`, `a[k, ji]`
  Local local();

 private:
  /// With how deep it is: what walks over it recurses so deep.
  struct Parsed {
    ExprPtr expr;
    uint32_t depth;
  };
  Parsed infix(int at_least);
  Parsed operand();
  Parsed value();
  Parsed call();
  Parsed loop();
  Parsed made(Span begin, DType type, decltype(Expr::node) node, uint32_t depth);
  std::vector<ExprPtr> list(std::string_view close, uint32_t& depth);
  std::vector<ExprPtr> items(std::string_view close, uint32_t& depth);
  BufferId buffer();
  LocalId declared_local();

  TextScanner& scanner_;
  const Kernel& kernel_;
  const NestNames& names_;
  uint32_t nesting_ = 0;
};

}  // namespace tenon::ir::loops
