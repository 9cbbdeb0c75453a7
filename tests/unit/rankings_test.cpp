// What the model of opt/loops/tile.cpp says of tiles, against what was measured (bench/cpu/rankings.py).
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <regex>
#include <sstream>

#include "ir/text.h"
#include "opt/loops/product.h"
#include "tests/support/root.h"
#include "tests/support/text.h"

namespace tenon::tests {
namespace {

using opt::loops::Product;
using opt::loops::Tile;

constexpr int64_t kLanes = 16;

struct Measured {
  Tile tile;
  double microseconds, price;
};

/// `a: f32[2, 3], b: f32[3, 4]` and a definition of them, as the one product that the compiler would see.
Product product_of(const std::string& tensors, const std::string& definition) {
  const std::string params = std::regex_replace(tensors, std::regex("(\\w+):"), "%$1:");
  const std::string text =
      fmt::format("func @f({}) {{\nentry:\n  %out = compute {}\n  ret\n}}\n", params, definition);
  lexer::SourceMap sources;
  lexer::Diagnostics diagnostics;
  const ir::Module module = ir::parse(sources, sources.add("rankings.ir", text), diagnostics);
  REQUIRE_FALSE(diagnostics.any());
  const ir::Function& function = module.functions[0];
  const ir::loops::Kernel kernel = ir::loops::lower(module, function, function.blocks[0].insts[0], "f.0");
  const std::optional<Product> product = opt::loops::find_product(kernel);
  REQUIRE(product.has_value());
  return *product;
}

/// Of all pairs that clearly differ in time, those that the model has in the same order.
double agreement(const std::vector<Measured>& tiles) {
  int pairs = 0, same = 0;
  for (const Measured& a : tiles)
    for (const Measured& b : tiles) {
      if (a.microseconds > 0.9 * b.microseconds) continue;
      ++pairs;
      same += a.price < b.price;
    }
  return pairs == 0 ? 1 : static_cast<double>(same) / pairs;
}

}  // namespace

TEST_CASE("the model of tiles ranks them as their times do") {
  std::vector<std::pair<std::string, std::vector<Measured>>> workloads;
  std::optional<Product> product;
  for (const std::string& line : split_lines(read_file(root() / "bench/results/rankings.txt"))) {
    std::smatch words;
    if (std::regex_match(line, words, std::regex("workload: (.*): (\\[.*)"))) {
      product = product_of(words[1], words[2]);
      workloads.push_back({words[2], {}});
      continue;
    }
    std::istringstream numbers(line);
    Measured measured{};
    if (!(numbers >> measured.tile.rows >> measured.tile.vectors >> measured.microseconds)) continue;
    measured.price = opt::loops::price(*product, measured.tile, kLanes);
    workloads.back().second.push_back(measured);
  }
  CHECK(workloads.size() >= 10);
  for (const auto& [name, tiles] : workloads) {
    CAPTURE(name);
    REQUIRE(tiles.size() >= 20);
    const auto fastest = std::ranges::min_element(tiles, {}, &Measured::microseconds);
    const auto chosen = std::ranges::min_element(tiles, {}, &Measured::price);
    CAPTURE(fastest->tile.rows);
    CAPTURE(fastest->tile.vectors);
    CAPTURE(chosen->tile.rows);
    CAPTURE(chosen->tile.vectors);
    CHECK(chosen->microseconds <= 1.1 * fastest->microseconds);
    CHECK(agreement(tiles) >= 0.75);
  }
}

}  // namespace tenon::tests
