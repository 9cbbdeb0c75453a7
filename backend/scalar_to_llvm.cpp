// A recipe per scalar operation: LLVM text in which
//   $a $b $c  are the operands       $t  their type           $s  its name in intrinsics (i32, f32)
//   %r        is the result          $w  its width less one   $i  the integer type of that width
//   %other    are registers of the recipe's own               $n  the bits of the canonical NaN
//   $F        is the float type of that width                 $f  the fast-math flags
#include "backend/scalar_to_llvm.h"

#include <bit>
#include <cctype>

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

#define LIBRARY(name) {ScalarOp::name, "", "%r = call $t @tn_" #name "_$s($t $a)"}
#define COMPARE(name, integers, floats) \
  {ScalarOp::name, "%r = icmp " integers " $t $a, $b", "%r = fcmp " floats " $t $a, $b"}

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
    {ScalarOp::abs, "%r = call $t @llvm.abs.$s($t $a, i1 false)",
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
    {ScalarOp::shl, "%count = and $t $b, $w\n%r = shl $t $a, %count", ""},
    {ScalarOp::shr, "%count = and $t $b, $w\n%r = ashr $t $a, %count", ""},
    {ScalarOp::ushr, "%count = and $t $b, $w\n%r = lshr $t $a, %count", ""},
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

constexpr int64_t kCanonicalNan32 = 0x7fc00000;
constexpr int64_t kCanonicalNan64 = 0x7ff8000000000000;

std::string flags(FastMath fast) {
  return std::string(fast.reassoc ? " reassoc" : "") + (fast.contract ? " contract" : "");
}

/// One recipe being written out.
class Expansion {
 public:
  Expansion(FunctionText& out, const std::string& result, DType type,
            std::span<const std::string> args, FastMath fast)
      : out_(out), type_(type), args_(args), fast_(fast) {
    registers_["r"] = result;
  }

  void write(std::string_view recipe) {
    while (!recipe.empty()) {
      const size_t end = std::min(recipe.find('\n'), recipe.size());
      out_.line("{}", expand(recipe.substr(0, end)));
      recipe.remove_prefix(std::min(end + 1, recipe.size()));
    }
  }

 private:
  std::string expand(std::string_view line) {
    std::string text;
    for (size_t at = 0; at < line.size(); ++at) {
      if (line[at] == '$') {
        text += input(line[++at]);
      } else if (line[at] == '%') {
        size_t end = at + 1;
        while (end < line.size() && std::isalpha(static_cast<unsigned char>(line[end]))) ++end;
        text += register_named(line.substr(at + 1, end - at - 1));
        at = end - 1;
      } else {
        text += line[at];
      }
    }
    return text;
  }

  std::string input(char letter) const {
    const int width = runtime::bits_of(type_);
    switch (letter) {
      case 'a': return args_[0];
      case 'b': return args_[1];
      case 'c': return args_[2];
      case 't': return std::string(register_type(type_));
      case 's': return std::string(runtime::row(type_).text);
      case 'w': return std::to_string(width - 1);
      case 'i': return fmt::format("i{}", width);
      case 'F': return width == 32 ? "float" : "double";
      case 'n': return std::to_string(width == 32 ? kCanonicalNan32 : kCanonicalNan64);
      case 'f': return flags(fast_);
    }
    return {};
  }

  const std::string& register_named(std::string_view name) {
    std::string& known = registers_[std::string(name)];
    if (known.empty()) known = out_.fresh(name);
    return known;
  }

  FunctionText& out_;
  DType type_;
  std::span<const std::string> args_;
  FastMath fast_;
  std::map<std::string, std::string> registers_;
};

/// A division of integers by a positive constant. False if it is none.
bool write_division_by_constant(FunctionText& out, const std::string& result, ScalarOp op,
                                DType type, std::span<const std::string> args) {
  const bool divides = op == ScalarOp::div, takes_rest = op == ScalarOp::mod;
  if ((!divides && !takes_rest) || !runtime::is_integer(type) || args[1][0] == '%') return false;
  const int64_t divisor = std::stoll(args[1]);
  if (divisor <= 0) return false;
  std::string operands[] = {args[0], args[1]};
  std::string_view recipe = divides ? kDivideByPositive : kRemainderByPositive;
  const auto bits = static_cast<uint64_t>(divisor);
  if (std::has_single_bit(bits)) {
    recipe = divides ? kShiftRight : kMask;
    operands[1] = std::to_string(divides ? std::countr_zero(bits) : bits - 1);
  }
  Expansion(out, result, type, operands, {}).write(recipe);
  return true;
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

const SmallFloatRecipe& recipe_of(DType small) { return small == DType::f16 ? kF16 : kBf16; }

/// A register with what the recipe, of a fixed type, makes of `args`.
std::string made(FunctionText& out, std::string_view hint, std::string_view recipe,
                 std::initializer_list<std::string> args) {
  const std::string result = out.fresh(hint);
  Expansion(out, result, DType::f32, {args.begin(), args.size()}, {}).write(recipe);
  return result;
}

void write_narrow(FunctionText& out, const std::string& result, DType to, const std::string& arg) {
  Expansion(out, result, to, {&arg, 1}, {}).write(recipe_of(to).narrow);
}
void write_widen(FunctionText& out, const std::string& result, DType from, const std::string& arg) {
  Expansion(out, result, from, {&arg, 1}, {}).write(recipe_of(from).widen);
}

std::string converted(FunctionText& out, DType from, DType to, const std::string& arg) {
  const std::string result = out.fresh(runtime::row(to).text);
  write_convert(out, result, from, to, arg);
  return result;
}

/// A number as a float that may be rounded again.
std::string float_to_odd(FunctionText& out, DType from, const std::string& arg) {
  if (from == DType::f32) return arg;
  if (from != DType::i64) return made(out, "odd", kToOdd, {converted(out, from, DType::f64, arg)});
  const std::string high = out.fresh("high"), low = out.fresh("low");
  out.line("{} = and i64 {}, -4294967296", high, arg);
  out.line("{} = and i64 {}, 4294967295", low, arg);
  const std::string sum = made(out, "sum", kSumToOdd, {converted(out, from, DType::f64, high),
                                                       converted(out, from, DType::f64, low)});
  return made(out, "odd", kToOdd, {sum});
}

/// On floats, and rounded at the end. In an fma the product is exact as a double.
void write_small_scalar(FunctionText& out, const std::string& result, ScalarOp op, DType type,
                        std::span<const std::string> args) {
  std::vector<std::string> wide;
  const DType in = op == ScalarOp::fma ? DType::f64 : DType::f32;
  for (const std::string& arg : args) wide.push_back(converted(out, type, in, arg));
  if (op == ScalarOp::fma) {
    const std::string product = out.fresh("product");
    write_scalar(out, product, ScalarOp::mul, in, wide);
    const std::string sum = made(out, "sum", kSumToOdd, {product, wide[2]});
    write_narrow(out, result, type, made(out, "odd", kToOdd, {sum}));
  } else if (runtime::row(op).result != runtime::Result::same) {
    write_scalar(out, result, op, in, wide);
  } else {
    const std::string exact = out.fresh(runtime::row(op).text);
    write_scalar(out, exact, op, in, wide);
    write_narrow(out, result, type, exact);
  }
}

}  // namespace

void write_scalar(FunctionText& out, const std::string& result, ScalarOp op, DType type,
                  std::span<const std::string> args, FastMath fast) {
  if (runtime::is_small_float(type) && op != ScalarOp::select)
    return write_small_scalar(out, result, op, type, args);
  if (write_division_by_constant(out, result, op, type, args)) return;
  const Recipe& recipe = kRecipes[static_cast<int>(op)];
  Expansion(out, result, type, args, fast)
      .write(runtime::is_floating(type) ? recipe.floating : recipe.integer);
}

void write_convert(FunctionText& out, const std::string& result, DType from, DType to,
                   const std::string& arg) {
  const std::string_view source = register_type(from), target = register_type(to);
  if (from == to) {
    out.line("{} = bitcast {} {} to {}", result, source, arg, target);
  } else if (runtime::is_small_float(from)) {
    if (to == DType::f32) return write_widen(out, result, from, arg);
    write_convert(out, result, DType::f32, to, converted(out, from, DType::f32, arg));
  } else if (runtime::is_small_float(to)) {
    write_narrow(out, result, to, float_to_odd(out, from, arg));
  } else if (to == DType::bool_) {
    const bool floating = runtime::is_floating(from);
    out.line("{} = {} {} {}, {}", result, floating ? "fcmp une" : "icmp ne", source, arg,
             floating ? "0.0" : "0");
  } else if (runtime::is_floating(from) && runtime::is_integer(to)) {
    out.line("{} = call {} @llvm.fptosi.sat.{}.{}({} {})", result, target, runtime::row(to).text,
             runtime::row(from).text, source, arg);
  } else {
    out.line("{} = {} {} {} to {}", result, conversion(from, to), source, arg, target);
  }
}

void write_load(FunctionText& out, const std::string& result, DType type, const std::string& from) {
  if (type != DType::bool_) {
    out.line("{} = load {}, ptr {}", result, memory_type(type), from);
    return;
  }
  const std::string byte = out.fresh("byte");
  out.line("{} = load i8, ptr {}", byte, from);
  out.line("{} = icmp ne i8 {}, 0", result, byte);
}

void write_store(FunctionText& out, DType type, const std::string& value, const std::string& to) {
  std::string stored = value;
  if (type == DType::bool_) {
    stored = out.fresh("byte");
    out.line("{} = zext i1 {} to i8", stored, value);
  }
  out.line("store {} {}, ptr {}", memory_type(type), stored, to);
}

std::string write_address(FunctionText& out, const ir::Type& tensor, const std::string& base,
                          std::span<const std::string> subscripts) {
  if (subscripts.empty()) return base;
  std::string steps;
  for (const std::string& s : subscripts) steps += ", i64 " + s;
  const std::string address = out.fresh(base.substr(1) + ".at");
  out.line("{} = getelementptr inbounds {}, ptr {}{}", address, row_type(tensor), base, steps);
  return address;
}

}  // namespace tenon::backend
