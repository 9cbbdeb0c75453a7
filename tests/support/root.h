// Where the sources are. In a file of its own, so that no other depends on where that is.
#pragma once
#include <filesystem>

namespace tenon::tests {

std::filesystem::path root();

}  // namespace tenon::tests
