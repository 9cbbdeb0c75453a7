#include <fmt/format.h>

#include <stdexcept>

#include "lessons/15-fast-on-a-gpu/ladder/ladder.h"
#include "opt/loops/banks.h"

namespace tenon::lessons {
namespace {

constexpr int64_t kLine = 8;        ///< pieces of 16 bytes that lie in all banks once
constexpr int64_t kMatrixRows = 8;  ///< that `ldmatrix` takes at once, a piece of each
constexpr int64_t kMostColumns = 256;
constexpr int kWide = 46, kHigh = 24, kLeft = 12, kTop = 62, kGap = 40;

/// One piece in its place: white, or dark if it is one of those that are taken together.
std::string cell(int64_t x, int64_t y, int64_t row, int64_t piece, bool wanted) {
  return fmt::format(
      "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" stroke=\"#888\"/>\n"
      "<text x=\"{}\" y=\"{}\" fill=\"{}\">{}, {}</text>\n",
      x, y, kWide, kHigh, wanted ? "#1f5f99" : "white", x + kWide / 2, y + 16, wanted ? "white" : "#555", row,
      piece);
}

}  // namespace

std::string tile_picture(int64_t columns) {
  const int64_t rows = 16;
  const ir::Type type{runtime::DType::bf16, {rows, columns}};
  if (columns < 1 || columns > kMostColumns || !opt::loops::can_swizzle(type))
    throw std::runtime_error(fmt::format("rows of {} bf16 have no pieces to exchange", columns));
  const opt::loops::Swizzle swizzle = opt::loops::swizzle_of(type);
  const int64_t pieces = columns / swizzle.elements, lines = rows * pieces / kLine;
  const int64_t panel = kLine * kWide, width = kLeft * 2 + panel * 2 + kGap, height = kTop + lines * kHigh + 12;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" font-family=\"sans-serif\" "
      "font-size=\"12\" text-anchor=\"middle\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      width, height);
  for (const bool exchanged : {false, true}) {
    const int64_t left = kLeft + (exchanged ? panel + kGap : 0);
    svg += fmt::format("<text x=\"{}\" y=\"22\" font-size=\"14\">{}</text>\n", left + panel / 2,
                       exchanged ? "pieces exchanged" : "as they come");
    for (int64_t at = 0; at < kLine; ++at)
      svg += fmt::format("<text x=\"{}\" y=\"{}\" fill=\"#555\">{}–{}</text>\n", left + at * kWide + kWide / 2,
                         kTop - 8, 4 * at, 4 * at + 3);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t piece = 0; piece < pieces; ++piece) {
        const int64_t key = exchanged ? row / swizzle.rows % swizzle.pieces : 0;
        const int64_t place = row * pieces + (piece ^ key);
        svg += cell(left + place % kLine * kWide, kTop + place / kLine * kHigh, row, piece,
                    piece == 0 && row < kMatrixRows);
      }
    }
  }
  return svg + "</svg>\n";
}

}  // namespace tenon::lessons
