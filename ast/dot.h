// Pictures in Graphviz's language: how texts are quoted in it, and the tree.
#pragma once
#include <string>
#include <string_view>

namespace tenon::ast {

/// A text as a label, in quotes: every character stands for itself; a line break ends a line of the
/// picture, flush left with `left`, else centred. Bytes that are no UTF-8 are shown as \xff.
std::string dot_label(std::string_view text, bool left = false);

/// The tree that print() indents, one box for each line, in its order.
std::string tree_dot(std::string_view printed);

}  // namespace tenon::ast
