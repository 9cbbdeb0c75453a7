// Products of matrix units: each lane of a warp brings its elements of the operands, and has its own of the
// result (opt/loops/fragments.cpp says which). Operands lie in shared memory as `ldmatrix` hands them out: a
// matrix is 8 rows of 16 bytes, whose addresses 8 lanes name, and a lane gets 4 bytes of one row; transposed, 2
// elements of one column. What it cannot hand out so is loaded element by element.
#include <algorithm>

#include "backend/kernel_writer.h"
#include "opt/loops/matrix.h"

namespace tenon::backend {

using namespace ir::loops;
using opt::loops::kFragment;
using opt::loops::MatrixProduct;
using opt::loops::MatrixUnit;

namespace {

constexpr int64_t kMatrixBytes = 16;  ///< of a row of the matrices that are loaded

}  // namespace

/// i64, the same for all turns.
std::string KernelWriter::lane_part(std::string_view hint, const std::string& line) {
  return once(depth(), hint, line);
}

/// lane / by % of, times a factor.
Value KernelWriter::of_lane(int64_t by, int64_t of, int64_t factor) {
  std::string part = lane_part("lane", fmt::format("and i64 {}, {}", special_register("tid"), kWarp - 1));
  if (by > 1) part = lane_part("part", fmt::format("udiv i64 {}, {}", part, by));
  if (by * of < kWarp) part = lane_part("part", fmt::format("urem i64 {}, {}", part, of));
  if (factor > 1) part = lane_part("part", fmt::format("mul i64 {}, {}", part, factor));
  return made(part, false);
}

Value KernelWriter::both(const Value& a, const Value& b) {
  return made(lane_part("at", fmt::format("add i64 {}, {}", a.text, b.text)), false);
}

void KernelWriter::matrix(const For& loop) {
  if (const auto product = opt::loops::matrix_product(loop)) add_products(*product);
  else exchange(std::get<SetLocal>(std::get<For>(loop.body[0].node).body[0].node));
}

void KernelWriter::add_products(const MatrixProduct& product) {
  const MatrixUnit& unit = *opt::loops::matrix_unit(product.element, out_.module.capability);
  const Fragment left = fragment(product.left, product.element, {product.rows, product.summed, true}),
                 right = fragment(product.right, product.element, {product.columns, product.summed, false});
  const ir::Type& type = kernel_.locals[product.step->local];
  const size_t first = register_at(places_[product.step->local], type, product.step->subscripts).index;
  const int64_t steps = opt::loops::matrix_summed(product.element) / unit.summed;
  const size_t halves = left.size() / 2 / static_cast<size_t>(steps);  // of the summed index in a step
  for (size_t columns = 0; columns < 2; ++columns) {
    for (size_t step = 0; step < static_cast<size_t>(steps); ++step) {
      const std::span<const std::string> a(left.data() + 2 * step * halves, 2 * halves),
          b(right.data() + 2 * columns + step * halves, halves);
      add_product(unit, a, b, places_[product.step->local], first + 4 * columns);
    }
  }
}

/// registers[first …] += a * b, by one instruction.
void KernelWriter::add_product(const MatrixUnit& unit, std::span<const std::string> a,
                               std::span<const std::string> b, Place& to, size_t first) {
  const std::string_view word = unit.element == DType::f16 ? "<2 x half>" : "i32";
  std::string args;
  for (const auto& operand : {a, b}) {
    for (const std::string& held : operand) {
      std::string text = held;
      if (unit.element == DType::f16) {
        text = out_.fresh("pair");
        out_.line("{} = bitcast i32 {} to {}", text, held, word);
      }
      args += fmt::format("{} {}, ", word, text);
    }
  }
  for (size_t i = 0; i < 4; ++i)
    args += fmt::format("{}float {}", i > 0 ? ", " : "", to.registers[first + i].text);
  const std::string sums = out_.fresh("sums");
  constexpr std::string_view kFour = "{ float, float, float, float }";
  out_.line("{} = call {} @llvm.nvvm.mma.m16n8k{}.row.col.{}({})", sums, kFour, unit.summed, unit.operands,
            args);
  for (size_t i = 0; i < 4; ++i) {
    const std::string sum = out_.fresh("sum");
    out_.line("{} = extractvalue {} {}, {}", sum, kFour, sums, i);
    to.registers[first + i] = made(sum, false);
  }
}

/// A tile as its lanes have it into one that they have in strips (opt/loops/fragments.cpp): lanes beside each other
/// give each other half of their elements, the even ones those of the second 8 columns.
void KernelWriter::exchange(const SetLocal& copy) {
  const auto& tile = std::get<Local>(copy.value->node);
  const ir::Type &from = kernel_.locals[tile.local], &to = kernel_.locals[copy.local];
  const size_t first = register_at(places_[tile.local], from, tile.subscripts).index;
  const std::string is_odd = lane_part("odd", fmt::format("icmp ne i64 {}, 0", of_lane(1, 2, 1).text));
  const auto chosen = [&](const std::string& odd, const std::string& even) {
    return named("chosen", fmt::format("select i1 {}, float {}, float {}", is_odd, odd, even));
  };
  const auto set = [&](int64_t element, const std::string& text) {
    Place& strips = places_[copy.local];
    const auto width = static_cast<int64_t>(strips.lanes.width);
    const auto index = static_cast<size_t>(element / width);
    const auto lane = static_cast<uint32_t>(element % width);
    set_register(strips, to, {index, lane, false, kFragment - element}, made(text, false));
  };
  for (int64_t row = 0; row < 2; ++row)
    for (int64_t column = 0; column < 2; ++column) {
      const size_t here = first + static_cast<size_t>(2 * row + column);
      const std::string &low = places_[tile.local].registers[here].text,
                        &high = places_[tile.local].registers[here + 4].text;
      const std::string got = shuffled(DType::f32, chosen(low, high), 1);
      set(opt::loops::kStrip * row + column, chosen(got, low));
      set(opt::loops::kStrip * row + 2 + column, chosen(high, got));
    }
}

/// Four registers of an operand: of the left one rows 0 and 8 of the first half of the summed index, then of the
/// second; of the right one both halves of columns 0, then of columns 8.
KernelWriter::Fragment KernelWriter::fragment(const ExprPtr& operand, DType element, FragmentLoops loops) {
  scopes_.emplace_back();  // the loops are elsewhere for the other operand
  const auto close = [&](Fragment held) {
    scopes_.pop_back();
    return held;
  };
  const auto* array = std::get_if<Local>(&operand->node);
  const bool shared = array != nullptr && kernel_.shared.contains(array->local);
  if (shared) {
    const auto form = opt::loops::linear_form(array->subscripts.back());
    const bool along_sum = form && form->factor(loops.summed) == 1 && form->factor(loops.outside) == 0;
    const bool across = form && form->factor(loops.outside) == 1 && form->factor(loops.summed) == 0;
    if (along_sum || (across && element != DType::f32))
      return close(loaded_matrices(*array, element, loops, along_sum));
  }
  return close(loaded_elements(operand, element, loops));
}

KernelWriter::Fragment KernelWriter::loaded_matrices(const Local& array, DType element, FragmentLoops loops,
                                                     bool along_sum) {
  const int64_t columns = kMatrixBytes / runtime::row(element).bytes;
  // The order of the four matrices: down the rows first, or along them.
  const bool down = loops.left == along_sum;
  const Value row = down ? of_lane(1, 16, 1) : both(of_lane(1, 8, 1), of_lane(16, 2, 8));
  const Value column = down ? of_lane(16, 2, columns) : of_lane(8, 2, columns);
  loops_[along_sum ? loops.outside : loops.summed] = row;
  loops_[along_sum ? loops.summed : loops.outside] = column;
  const Memory memory = memory_of_array(array.local);
  const std::string at = element_place(memory, offset_in(memory, sums(array.subscripts))).address;
  const std::string key = fmt::format("{} {} {}", out_.current_label(), at, along_sum);
  if (const auto known = fragments_.find(key); known != fragments_.end()) return known->second;

  const std::string place = out_.fresh("rows"), all = out_.fresh("matrices");
  constexpr std::string_view kFour = "{ i32, i32, i32, i32 }";
  out_.line("{} = addrspacecast ptr {} to ptr addrspace(3)", place, at);
  out_.line("{} = call {} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.{}b16.p3(ptr addrspace(3) {})", all, kFour,
            along_sum ? "" : "trans.", place);
  Fragment held;
  for (int i = 0; i < 4; ++i) {
    held.push_back(out_.fresh("held"));
    out_.line("{} = extractvalue {} {}, {}", held.back(), kFour, all, i);
    if (element == DType::f32) held.back() = rounded_to_tf32(held.back());
  }
  return fragments_[key] = held;
}

/// 4 bytes for each register: of f32 one element, of others the two that follow in the summed index.
KernelWriter::Fragment KernelWriter::loaded_elements(const ExprPtr& operand, DType element,
                                                     FragmentLoops loops) {
  const bool pairs = element != DType::f32;
  const int64_t half = pairs ? 8 : 4;
  Fragment held;
  for (int64_t i = 0; i < 4; ++i) {
    const int64_t outside = 8 * (loops.left ? i % 2 : i / 2), summed = half * (loops.left ? i / 2 : i % 2);
    std::string word;
    for (int64_t e = 0; e < (pairs ? 2 : 1); ++e) {
      scopes_.emplace_back();
      // [snippet operands]
      loops_[loops.outside] = both(of_lane(4, 8, 1), constant(Scalar::integer(DType::i64, outside)));
      loops_[loops.summed] =
          both(of_lane(1, 4, pairs ? 2 : 1), constant(Scalar::integer(DType::i64, summed + e)));
      // [end]
      const std::string read = value(operand).text;
      scopes_.pop_back();
      if (!pairs) {
        word = out_.fresh("bits");
        out_.line("{} = bitcast float {} to i32", word, read);
        word = rounded_to_tf32(word);
        continue;
      }
      const std::string wide = out_.fresh("wide");
      out_.line("{} = zext i16 {} to i32", wide, read);
      if (e == 0) {
        word = wide;
        continue;
      }
      const std::string high = out_.fresh("high"), both = out_.fresh("pair");
      out_.line("{} = shl i32 {}, 16", high, wide);
      out_.line("{} = or i32 {}, {}", both, high, word);
      word = both;
    }
    held.push_back(word);
  }
  return held;
}

/// To 10 bits behind the leading one, ties away from zero. LLVM has no name for it that all versions know.
std::string KernelWriter::rounded_to_tf32(const std::string& bits) {
  const std::string rounded = out_.fresh("tf32");
  out_.line("{} = call i32 asm \"cvt.rna.tf32.f32 $0, $1;\", \"=r,r\"(i32 {})", rounded, bits);
  return rounded;
}

}  // namespace tenon::backend
