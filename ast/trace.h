// `tenon run --target interp --trace 'h[2, 0]'`: how one element of an index definition came about.
// Watches the interpreter and keeps a line for each subexpression of that element, with its value:
//
//   h[2, 0] = 8.25, where n = 2, o = 0
//     sum[i] x[n, i] * w[i, o] + b[o] = 8.25
//       sum[i] x[n, i] * w[i, o] = 8.0
//         i = 0, so far 5.0
//   …
//
// Calls show their arguments and their result; what happens inside them is left out. Of a long
// reduction the first steps and the last one are kept, and the whole never exceeds kMaxLines.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "ast/observer.h"
#include "lexer/source.h"

namespace tenon::ast::typed {

/// Thrown for an element that no index definition of the program has.
struct BadTrace {
  std::string message;
};

class Trace : public Observer {
 public:
  static constexpr size_t kMaxLines = 200;
  static constexpr int64_t kFirstSteps = 3;  ///< of a reduction, which are shown

  /// `element` is `h[2, 0]`, or `layer.h[2, 0]` for the one in the function `layer`; subscripts count
  /// from 0. Of several definitions the one that is computed first is traced. Throws BadTrace.
  Trace(const Program& program, const lexer::SourceMap& sources, std::string_view element);

  /// What has been seen; says so if the element was not computed.
  std::string text() const;

  void enter(const Expr& expr) override;
  void leave(const Expr& expr, const Scalar& value) override;
  void look_up(const Element& node, std::span<const int64_t> subscripts) override;
  void step(const Reduce& node, std::span<const int64_t> point) override;
  void taken(const Reduce& node, const std::optional<Scalar>& so_far) override;
  void begin(const Compute& node, int64_t offset) override;
  void end(const Compute& node) override;
  void call(const Function& callee) override;
  void back(const Function& callee) override;

 private:
  /// An index definition that has the element: where in row-major order it is there.
  struct Target {
    const Function* function;
    VarId var;
    const Compute* compute;
    std::vector<int64_t> subscripts;
    int64_t offset;
  };
  struct Line {
    int depth;
    std::string text;
  };
  /// An expression that is being evaluated; `line` is its own, or kNoLine.
  struct Open {
    const Expr* expr;
    size_t line;
    bool is_indented;        ///< what is inside it stands one level deeper
    bool where_only = false; ///< a subscript or a bound: only what it looks up is shown
    std::string looked_up = {};  ///< `x[2, 0]`
    int64_t steps = 0;       ///< of a reduction
    size_t step_begin = 0;   ///< the line at which its latest step begins
  };
  static constexpr size_t kNoLine = ~size_t{0};

  void find_targets(const Program& program, std::string_view element);
  bool watching() const { return target_ && !done_ && inside_ == 0; }
  bool deserves_line(const Expr& expr, bool where_only) const;
  const Expr* operand_of(const Expr& tensor) const;
  size_t add_line(std::string text);
  void elide(const Open& reduction);
  std::string indices_text() const;
  std::string source(lexer::Span span) const;

  const lexer::SourceMap& sources_;
  std::string wanted_;             ///< as the user wrote it
  std::vector<Target> targets_;
  const Target* target_ = nullptr; ///< the one that is, or was, computed
  bool done_ = false;
  int inside_ = 0;                 ///< calls and other tensors' elements that are not followed
  int depth_ = 0;
  std::vector<Line> lines_;
  std::vector<Open> open_;
  bool is_cut_ = false;            ///< kMaxLines were reached
};

}  // namespace tenon::ast::typed
