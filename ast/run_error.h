// A run-time error together with its place: what an engine throws at whoever runs the program.
#pragma once
#include "lexer/source.h"
#include "runtime/fault.h"

namespace tenon::ast {

struct RunError {
  runtime::Fault fault;
  lexer::Span span;
};

}  // namespace tenon::ast
