// tenon emit --dot and --svg: pictures in the place of a text.
#pragma once
#include <string>

#include "driver/session.h"

namespace tenon::driver {

/// Whether --dot or --svg is given.
bool wants_picture(const Options& options);
/// Which one: cfg, dominators or dataflow, or empty where that was left open.
std::string picture_name(const Options& options);
/// A picture in Graphviz's language: itself for --dot, drawn for --svg.
/// Throws UsageError where Graphviz is not there.
std::string finish_picture(const Options& options, const std::string& dot);

}  // namespace tenon::driver
