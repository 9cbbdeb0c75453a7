// Proves that the graders grade: for each task the starter fails, the reference passes, every
// seeded mistake is caught, and a file that cannot be compiled is not compiled.
//
// A mistake is a file in mistakes/ that says how the reference goes wrong; the text to replace
// occurs there exactly once:
//
//   why: the span ends one short
//   --- replace
//   {begin, end}
//   --- with
//   {begin, end - 1}
#pragma once
#include "lessons/tool/exercise.h"
#include "tests/support/text.h"

namespace tenon::lessons {

/// The reference with a mistake file's replacements; throws std::runtime_error if one does not fit.
std::string apply_mistake(const std::string& reference, const std::string& mistake);

/// Builds in `workshop.build`, with the students' files beside it.
void prove(const Workshop& workshop, const Task& task, tests::Tally& tally);

}  // namespace tenon::lessons
