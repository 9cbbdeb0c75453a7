// Whoever wants to watch the tree interpreter at work: a trace (trace.h), or a bound on how long a
// program may run. Without an observer the interpreter says nothing and loses nothing.
#pragma once
#include <optional>
#include <span>

#include "ast/typed.h"

namespace tenon::ast::typed {

/// May throw whatever its owner catches: that ends the run.
// [snippet observer]
class Observer {
 public:
  virtual ~Observer() = default;

  /// Around a scalar expression. One that fails is not left.
  virtual void enter(const Expr&) {}
  virtual void leave(const Expr&, const Scalar&) {}
  /// The element is looked for where these subscripts say; with an `else`, up to the first outside.
  virtual void look_up(const Element&, std::span<const int64_t>) {}
  /// The body of a reduction is evaluated for these values of its indices, and has been taken in;
  /// now this is the result so far.
  virtual void step(const Reduce&, std::span<const int64_t>) {}
  virtual void taken(const Reduce&, const std::optional<Scalar>&) {}
  /// Around the element of a tensor at this row-major offset.
  virtual void begin(const Compute&, int64_t) {}
  virtual void end(const Compute&) {}
  /// Around the body of a function, whose arguments have been evaluated.
  virtual void call(const Function&) {}
  virtual void back(const Function&) {}
};
// [end]

}  // namespace tenon::ast::typed
