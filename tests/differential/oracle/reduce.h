// From a program that finds something to a small one that finds the same, and to the one rewrite
// that is wrong.
#pragma once
#include <functional>
#include <span>
#include <string>

#include "opt/pass.h"
#include "tests/differential/oracle/oracle.h"

namespace tenon::differential {

/// Shorter and with smaller bytes, as long as `holds`.
std::string reduce_bytes(std::string bytes, const std::function<bool(const std::string&)>& holds);

/// Fewer lines, and then smaller expressions in them, as long as `holds`.
std::string reduce_text(std::string text, const std::function<bool(const std::string&)>& holds);

/// The first rewrite of the finding's passes with which the IR does something else than the
/// program: its number, pass and name, and what it did to the IR as a diff. Empty if no single one
/// is to blame.
std::string blame(const Frontend& frontend, const std::string& text,
                  std::span<const opt::PassRow* const> passes);
std::string blame(const Frontend& frontend, const std::string& text, const std::string& passes);

}  // namespace tenon::differential
