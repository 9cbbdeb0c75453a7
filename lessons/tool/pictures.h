// What all pictures share: a tool draws them, and each says what it was drawn from, so that a check
// needs neither tool nor any version of it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tenon::lessons {

/// The last line of a picture that was drawn from this text, and of no other one.
std::string picture_stamp(std::string_view source);

/// What a tool prints; throws std::runtime_error if it is missing or refuses.
std::string output_of(const std::vector<std::string>& argv, const std::string& input);

/// Graphviz's picture of a graph in its language, as SVG.
std::string draw_dot(const std::string& dot);

}  // namespace tenon::lessons
