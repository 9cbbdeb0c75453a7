// What a schedule asks for and may not have.
#pragma once
#include <string>

#include "lexer/source.h"

namespace tenon::opt {

/// Thrown by a directive that may not be applied; says why. `span` is the place of the directive, where
/// it has one.
struct Refused {
  std::string reason;
  lexer::Span span = {};
};

}  // namespace tenon::opt
