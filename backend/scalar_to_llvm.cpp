// A recipe per scalar operation and conversion.
#include "backend/scalar_to_llvm.h"

#include <bit>

#include "backend/small_float_recipes.h"

namespace tenon::backend {
namespace {

using runtime::Kind;
using runtime::ScalarOp;

struct Recipe {
  ScalarOp op;
  std::string_view integer;   ///< also of bools
  std::string_view floating;
};

// [snippet divide]
// The lowest integer divided by -1 traps on some machines and is undefined in LLVM: -1 goes as 1.
// LLVM rounds quotients toward zero; where the remainder is not zero and its sign is not the
// divisor's, the floor is one less.
#define DIVIDE                          \
  "%minus = icmp eq $t $b, -1\n"        \
  "%by = select i1 %minus, $t 1, $t $b\n" \
  "%rest = srem $t $a, %by\n"           \
  "%signs = xor $t %rest, %by\n"        \
  "%apart = icmp slt $t %signs, 0\n"    \
  "%inexact = icmp ne $t %rest, 0\n"    \
  "%down = and i1 %apart, %inexact\n"
// [end]

#define LIBRARY(name) {ScalarOp::name, "", "%r = call $t @tn_" #name "_$s($t $a)"}
#define COMPARE(name, integers, floats) \
  {ScalarOp::name, "%r = icmp " integers " $t $a, $b", "%r = fcmp " floats " $t $a, $b"}

// [snippet recipes]
constexpr Recipe kRecipes[] = {
    {ScalarOp::add, "%r = add $t $a, $b", "%r = fadd$f $t $a, $b"},
    {ScalarOp::sub, "%r = sub $t $a, $b", "%r = fsub$f $t $a, $b"},
    {ScalarOp::mul, "%r = mul $t $a, $b", "%r = fmul$f $t $a, $b"},
    {ScalarOp::div,
     DIVIDE
     "%quotient = sdiv $t $a, %by\n"
     "%less = sext i1 %down to $t\n"
     "%floor = add $t %quotient, %less\n"
     "%negated = sub $t 0, $a\n"
     "%r = select i1 %minus, $t %negated, $t %floor",
     "%r = fdiv $t $a, $b"},
    // [end]
    {ScalarOp::mod,
     DIVIDE
     "%more = select i1 %down, $t %by, $t 0\n"
     "%r = add $t %rest, %more",
     ""},
    {ScalarOp::neg, "%r = sub $t 0, $a", "%r = fneg $t $a"},
    COMPARE(eq, "eq", "oeq"),
    COMPARE(ne, "ne", "une"),
    COMPARE(lt, "slt", "olt"),
    COMPARE(le, "sle", "ole"),
    COMPARE(gt, "sgt", "ogt"),
    COMPARE(ge, "sge", "oge"),
    {ScalarOp::and_, "%r = and $t $a, $b", ""},
    {ScalarOp::or_, "%r = or $t $a, $b", ""},
    {ScalarOp::not_, "%r = xor $t $a, true", ""},
    {ScalarOp::select, "%r = select i1 $a, $t $b, $t $c", "%r = select i1 $a, $t $b, $t $c"},
    {ScalarOp::min, "%r = call $t @llvm.smin.$s($t $a, $t $b)",
     "%r = call $t @llvm.minimum.$s($t $a, $t $b)"},
    {ScalarOp::max, "%r = call $t @llvm.smax.$s($t $a, $t $b)",
     "%r = call $t @llvm.maximum.$s($t $a, $t $b)"},
    {ScalarOp::abs, "%r = call $t @llvm.abs.$s($t $a, $z)",
     "%r = call $t @llvm.fabs.$s($t $a)"},
    {ScalarOp::floor, "", "%r = call $t @llvm.floor.$s($t $a)"},
    {ScalarOp::ceil, "", "%r = call $t @llvm.ceil.$s($t $a)"},
    {ScalarOp::round, "", "%r = call $t @llvm.roundeven.$s($t $a)"},
    {ScalarOp::sqrt, "", "%r = call $t @llvm.sqrt.$s($t $a)"},
    {ScalarOp::rsqrt, "", "%root = call $t @llvm.sqrt.$s($t $a)\n%r = fdiv $t 1.0, %root"},
    LIBRARY(exp),
    LIBRARY(log),
    LIBRARY(log2),
    LIBRARY(sin),
    LIBRARY(cos),
    LIBRARY(tanh),
    LIBRARY(erf),
    {ScalarOp::pow, "", "%r = call $t @tn_pow_$s($t $a, $t $b)"},
    {ScalarOp::fma, "", "%r = call $t @llvm.fma.$s($t $a, $t $b, $t $c)"},
    {ScalarOp::isnan, "", "%r = fcmp uno $t $a, $a"},
    {ScalarOp::bit_and, "%r = and $t $a, $b", ""},
    {ScalarOp::bit_or, "%r = or $t $a, $b", ""},
    {ScalarOp::bit_xor, "%r = xor $t $a, $b", ""},
    // [snippet shifts]
    {ScalarOp::shl, "%count = and $t $b, $w\n%r = shl $t $a, %count", ""},
    {ScalarOp::shr, "%count = and $t $b, $w\n%r = ashr $t $a, %count", ""},
    {ScalarOp::ushr, "%count = and $t $b, $w\n%r = lshr $t $a, %count", ""},
    // [end]
    {ScalarOp::bits, "",
     "%nan = fcmp uno $t $a, $a\n"
     "%bits = bitcast $t $a to $i\n"
     "%r = select i1 %nan, $i $n, $i %bits"},
    {ScalarOp::from_bits, "%r = bitcast $t $a to $F", ""},
};

// By a positive number nothing can overflow, and the remainder's sign says whether to round down; by
// a power of two nothing is left to say.
constexpr std::string_view kDivideByPositive =
    "%quotient = sdiv $t $a, $b\n"
    "%rest = srem $t $a, $b\n"
    "%less = ashr $t %rest, $w\n"
    "%r = add $t %quotient, %less";
constexpr std::string_view kRemainderByPositive =
    "%rest = srem $t $a, $b\n"
    "%sign = ashr $t %rest, $w\n"
    "%more = and $t %sign, $b\n"
    "%r = add $t %rest, %more";
constexpr std::string_view kShiftRight = "%r = ashr $t $a, $b", kMask = "%r = and $t $a, $b";

constexpr bool in_order() {
  for (size_t i = 0; i < std::size(kRecipes); ++i)
    if (kRecipes[i].op != static_cast<ScalarOp>(i)) return false;
  return true;
}
static_assert(std::size(kRecipes) == std::size(runtime::kScalarOps) && in_order(),
              "a recipe for every row of scalar_ops.def, in its order");

/// What is to be written: the result's register, and what of.
struct Target {
  FunctionText& out;
  Lanes lanes;

  std::string fresh(std::string_view hint) const { return out.fresh(hint); }
  void recipe(const std::string& result, std::string_view recipe, DType type,
              std::span<const std::string> args, FastMath fast = {}) const {
    write_recipe(out, result, recipe, {type, args, fast, lanes});
  }
  /// A register with what the recipe, of fixed types, makes of `args`.
  std::string made(std::string_view hint, std::string_view recipe,
                   std::initializer_list<std::string> args) const {
    const std::string result = fresh(hint);
    this->recipe(result, recipe, DType::f32, {args.begin(), args.size()});
    return result;
  }
  std::string converted(DType from, DType to, const std::string& arg) const {
    const std::string result = fresh(runtime::row(to).text);
    write_convert(out, result, from, to, arg, lanes);
    return result;
  }
};

/// A division of integers by a positive constant. False if it is none.
bool write_division_by_constant(const Target& target, const std::string& result, ScalarOp op,
                                DType type, std::span<const std::string> args) {
  if (!is_constant(args[1]) || args[1] == "poison") return false;
  const int64_t divisor = std::stoll(args[1]);
  if (divisor <= 0) return false;
  const bool divides = op == ScalarOp::div;
  std::string operands[] = {args[0], args[1]};
  std::string_view recipe = divides ? kDivideByPositive : kRemainderByPositive;
  const auto bits = static_cast<uint64_t>(divisor);
  if (std::has_single_bit(bits)) {
    recipe = divides ? kShiftRight : kMask;
    operands[1] = std::to_string(divides ? std::countr_zero(bits) : bits - 1);
  }
  target.recipe(result, recipe, type, operands);
  return true;
}

/// In lanes that are not used a divisor may be zero, which traps: there it is 1.
void write_division(const Target& target, const std::string& result, ScalarOp op, DType type,
                    std::span<const std::string> args) {
  if (write_division_by_constant(target, result, op, type, args)) return;
  std::string operands[] = {args[0], args[1]};
  if (target.lanes.partial() && !is_constant(args[1])) {
    operands[1] = target.fresh("by");
    const std::string vector = lane_type(type, target.lanes);
    target.out.line("{} = select <{} x i1> {}, {} {}, {} {}", operands[1], target.lanes.width,
                    used_lanes(target.lanes), vector, args[1], vector,
                    operand(register_type(type), "1", target.lanes));
  }
  const Recipe& recipe = kRecipes[static_cast<int>(op)];
  target.recipe(result, recipe.integer, type, operands);
}

/// The C library knows one number at a time.
void write_lane_by_lane(const Target& target, const std::string& result, ScalarOp op, DType type,
                        std::span<const std::string> args) {
  std::string all = "poison";
  for (uint32_t lane = 0; lane < target.lanes.used; ++lane) {
    std::vector<std::string> ones;
    for (const std::string& arg : args)
      ones.push_back(is_constant(arg) ? arg
                                      : write_lane(target.out, register_type(type), arg,
                                                   target.lanes, lane));
    const std::string one = target.fresh(runtime::row(op).text);
    write_scalar(target.out, one, op, type, ones);
    all = write_with_lane(target.out, register_type(type), all, target.lanes, lane, one);
  }
  const std::string vector = lane_type(type, target.lanes);
  target.out.line("{} = bitcast {} {} to {}", result, vector, all, vector);
}

/// LLVM's instruction for the conversions that are one, between different types.
std::string_view conversion(DType from, DType to) {
  const Kind source = runtime::row(from).kind, target = runtime::row(to).kind;
  const bool narrows = runtime::bits_of(to) < runtime::bits_of(from);
  if (source == Kind::boolean) return target == Kind::integer ? "zext" : "uitofp";
  if (source == Kind::floating) return narrows ? "fptrunc" : "fpext";
  if (target == Kind::floating) return "sitofp";
  return narrows ? "trunc" : "sext";
}

/// From one type to another, neither of them a small float.
std::string convert_recipe(DType from, DType to) {
  const bool floating = runtime::is_floating(from);
  if (from == to) return "%r = bitcast $t $a to $o";
  if (to == DType::bool_) return floating ? "%r = fcmp une $t $a, 0.0" : "%r = icmp ne $t $a, 0";
  if (floating && runtime::is_integer(to)) return "%r = call $o @llvm.fptosi.sat.$q.$s($t $a)";
  return fmt::format("%r = {} $t $a to $o", conversion(from, to));
}

const SmallFloatRecipe& recipe_of(DType small) { return small == DType::f16 ? kF16 : kBf16; }

void write_narrow(const Target& target, const std::string& result, DType to,
                  const std::string& arg) {
  target.recipe(result, recipe_of(to).narrow, to, {&arg, 1});
}
void write_widen(const Target& target, const std::string& result, DType from,
                 const std::string& arg) {
  target.recipe(result, recipe_of(from).widen, from, {&arg, 1});
}

/// A number as a float that may be rounded again.
std::string float_to_odd(const Target& target, DType from, const std::string& arg) {
  if (from == DType::f32) return arg;
  if (from != DType::i64)
    return target.made("odd", kToOdd, {target.converted(from, DType::f64, arg)});
  const std::string high = target.made("high", "%r = and i64 $a, -4294967296", {arg});
  const std::string low = target.made("low", "%r = and i64 $a, 4294967295", {arg});
  const std::string sum = target.made("sum", kSumToOdd, {target.converted(from, DType::f64, high),
                                                         target.converted(from, DType::f64, low)});
  return target.made("odd", kToOdd, {sum});
}

/// On floats, and rounded at the end. In an fma the product is exact as a double.
void write_small_scalar(const Target& target, const std::string& result, ScalarOp op, DType type,
                        std::span<const std::string> args) {
  std::vector<std::string> wide;
  const DType in = op == ScalarOp::fma ? DType::f64 : DType::f32;
  for (const std::string& arg : args) wide.push_back(target.converted(type, in, arg));
  const auto write = [&](const std::string& to, ScalarOp what) {
    write_scalar(target.out, to, what, in, wide, {}, target.lanes);
  };
  if (op == ScalarOp::fma) {
    const std::string product = target.fresh("product");
    write(product, ScalarOp::mul);
    const std::string sum = target.made("sum", kSumToOdd, {product, wide[2]});
    write_narrow(target, result, type, target.made("odd", kToOdd, {sum}));
  } else if (runtime::row(op).result != runtime::Result::same) {
    write(result, op);
  } else {
    const std::string exact = target.fresh(runtime::row(op).text);
    write(exact, op);
    write_narrow(target, result, type, exact);
  }
}

}  // namespace

bool is_library(ScalarOp op) {
  return kRecipes[static_cast<int>(op)].floating.find("@tn_") != std::string_view::npos;
}

void write_scalar(FunctionText& out, const std::string& result, ScalarOp op, DType type,
                  std::span<const std::string> args, FastMath fast, Lanes lanes) {
  const Target target{out, lanes};
  if (runtime::is_small_float(type) && op != ScalarOp::select)
    return write_small_scalar(target, result, op, type, args);
  if (runtime::is_integer(type) && (op == ScalarOp::div || op == ScalarOp::mod))
    return write_division(target, result, op, type, args);
  if (!lanes.scalar() && is_library(op)) return write_lane_by_lane(target, result, op, type, args);
  const Recipe& recipe = kRecipes[static_cast<int>(op)];
  target.recipe(result, runtime::is_floating(type) ? recipe.floating : recipe.integer, type, args,
                fast);
}

void write_convert(FunctionText& out, const std::string& result, DType from, DType to,
                   const std::string& arg, Lanes lanes) {
  const Target target{out, lanes};
  if (from != to && runtime::is_small_float(from)) {
    if (to == DType::f32) return write_widen(target, result, from, arg);
    write_convert(out, result, DType::f32, to, target.converted(from, DType::f32, arg), lanes);
  } else if (from != to && runtime::is_small_float(to)) {
    write_narrow(target, result, to, float_to_odd(target, from, arg));
  } else {
    write_recipe(out, result, convert_recipe(from, to), {from, {&arg, 1}, {}, lanes, to});
  }
}

}  // namespace tenon::backend
