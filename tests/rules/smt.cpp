#include "tests/rules/smt.h"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace tenon::tests {

using namespace ir;
using opt::Rule;
using opt::RuleSet;
using opt::Variable;

namespace {

class Writer {
 public:
  Writer(const RuleSet& rules, const Encoding& encoding) : rules_(rules), encoding_(encoding) {}

  std::vector<Question> with_theorems(const Rule& rule) {
    by_hand_ = true;
    if (rule.guard) find_multiples(rule.guard);
    const Question whole = write(rule);
    std::vector<Question> questions;
    if (divisions_.empty()) return questions;
    for (const std::string& theorem : theorems()) {
      questions.push_back(whole);
      questions.back().text += theorem;
    }
    return questions;
  }

  Question write(const Rule& rule) {
    const std::string left = expr(rule.left), right = expr(rule.right);
    const std::string guard = rule.guard ? expr(rule.guard) : "true";
    std::string zero = "false";
    for (const std::string& divisor : divisors_) zero = fmt::format("(or {} {})", zero, divisor);
    Question result;
    for (const auto& [name, sort] : variables_) {
      result.text += fmt::format("(declare-const {} {})\n", name, sort);
      result.names.push_back(name);
    }
    result.text += quotients();
    const std::string sort = this->sort(rules_[rule.left].type);
    result.text += fmt::format("(define-fun left () {} {})\n", sort, left);
    result.text += fmt::format("(define-fun right () {} {})\n", sort, right);
    result.text += fmt::format("(assert {})\n(assert (or {} (not (= left right))))\n", guard, zero);
    result.names.insert(result.names.end(), {"left", "right"});
    return result;
  }

 private:
  std::string sort(DType type) const {
    if (type == DType::bool_) return "Bool";
    if (encoding_.unbounded()) return "Int";
    return fmt::format("(_ BitVec {})", width(type));
  }
  int width(DType type) const { return encoding_.widths.at(type); }

  std::string number(DType type, int64_t value) const {
    if (encoding_.unbounded())
      return value < 0 ? fmt::format("(- {})", -static_cast<__int128>(value))
                       : std::to_string(value);
    const int bits = width(type);
    const uint64_t mask = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    return fmt::format("(_ bv{} {})", static_cast<uint64_t>(value) & mask, bits);
  }

  std::string expr(ExprId id) {
    const Expr& node = rules_[id];
    switch (node.kind) {
      case ExprKind::constant:
        if (node.type == DType::bool_) return node.constant.i != 0 ? "true" : "false";
        return number(node.type, node.constant.i);
      case ExprKind::value: return variable(rules_.variable(node));
      case ExprKind::if_:
        return fmt::format("(ite {} {} {})", expr(node.args[0]), expr(node.args[1]),
                           expr(node.args[2]));
      case ExprKind::convert: return convert(node.type, node.args[0]);
      default: return apply(node);
    }
  }

  std::string variable(const Variable& v) {
    const auto ends = [&](bool lowest) {
      const int64_t bottom = static_cast<int64_t>(~uint64_t{0} << (width(v.type) - 1));
      return number(v.type, lowest ? bottom : ~bottom);
    };
    switch (v.kind) {
      case Variable::width: return number(v.type, width(v.type));
      case Variable::lowest: return ends(true);
      case Variable::highest: return ends(false);
      default: variables_[v.name] = sort(v.type); return multiple(v.name);
    }
  }

  std::string convert(DType to, ExprId operand) {
    const DType from = rules_[operand].type;
    const std::string x = expr(operand);
    if (to == from) return x;
    if (from == DType::bool_) return fmt::format("(ite {} {} {})", x, number(to, 1), number(to, 0));
    if (to == DType::bool_) return fmt::format("(not (= {} {}))", x, number(from, 0));
    const int difference = width(to) - width(from);
    if (difference >= 0) return fmt::format("((_ sign_extend {}) {})", difference, x);
    return fmt::format("((_ extract {} 0) {})", width(to) - 1, x);
  }

  std::string apply(const Expr& node) {
    std::vector<std::string> args;
    for (const ExprId arg : node.args) args.push_back(expr(arg));
    const DType type = rules_[node.args.back()].type;
    const bool ints = encoding_.unbounded();
    const std::string a = args[0], b = args.size() > 1 ? args[1] : "";
    const auto call = [&](std::string_view bits, std::string_view integers) {
      return fmt::format("({} {} {})", ints ? integers : bits, a, b);
    };
    const auto less = [&] { return call("bvslt", "<"); };
    switch (node.op) {
      case ScalarOp::add: return call("bvadd", "+");
      case ScalarOp::sub: return call("bvsub", "-");
      case ScalarOp::mul: return call("bvmul", "*");
      case ScalarOp::div:
      case ScalarOp::mod: return division(node.op, type, a, b);
      case ScalarOp::neg: return fmt::format("({} {})", ints ? "-" : "bvneg", a);
      case ScalarOp::abs:
        return fmt::format("(ite ({} {} {}) ({} {}) {})", ints ? "<" : "bvslt", a, number(type, 0),
                           ints ? "-" : "bvneg", a, a);
      case ScalarOp::eq: return fmt::format("(= {} {})", a, b);
      case ScalarOp::ne: return fmt::format("(not (= {} {}))", a, b);
      case ScalarOp::lt: return less();
      case ScalarOp::le: return call("bvsle", "<=");
      case ScalarOp::gt: return call("bvsgt", ">");
      case ScalarOp::ge: return call("bvsge", ">=");
      case ScalarOp::min: return fmt::format("(ite {} {} {})", less(), a, b);
      case ScalarOp::max: return fmt::format("(ite {} {} {})", less(), b, a);
      case ScalarOp::and_: return fmt::format("(and {} {})", a, b);
      case ScalarOp::or_: return fmt::format("(or {} {})", a, b);
      case ScalarOp::not_: return fmt::format("(not {})", a);
      case ScalarOp::select: return fmt::format("(ite {} {} {})", a, b, args[2]);
      default: break;
    }
    if (ints) fail(node.op);
    // Modulo the width, which is a power of two.
    const std::string count =
        b.empty() ? "" : fmt::format("(bvand {} {})", b, number(type, width(type) - 1));
    switch (node.op) {
      case ScalarOp::bit_and: return fmt::format("(bvand {} {})", a, b);
      case ScalarOp::bit_or: return fmt::format("(bvor {} {})", a, b);
      case ScalarOp::bit_xor: return fmt::format("(bvxor {} {})", a, b);
      case ScalarOp::shl: return fmt::format("(bvshl {} {})", a, count);
      case ScalarOp::shr: return fmt::format("(bvashr {} {})", a, count);
      case ScalarOp::ushr: return fmt::format("(bvlshr {} {})", a, count);
      default: fail(node.op);
    }
  }

  [[noreturn]] static void fail(ScalarOp op) {
    throw std::logic_error(fmt::format("no question is made of `{}`", runtime::row(op).text));
  }

  /// Toward minus infinity. `bvsmod` is that remainder, and `bvsdiv` rounds toward zero; over the
  /// unbounded integers `div` is the floor where the divisor is positive, and x / y is -x / -y.
  std::string division(ScalarOp op, DType type, const std::string& a, const std::string& b) {
    divisors_.insert(fmt::format("(= {} {})", b, number(type, 0)));
    if (by_hand_) return quotient(op, a, b);
    if (encoding_.unbounded()) {
      const std::string floor =
          fmt::format("(ite (> {1} 0) (div {0} {1}) (div (- {0}) (- {1})))", a, b);
      return op == ScalarOp::div ? floor : fmt::format("(- {0} (* {1} {2}))", a, b, floor);
    }
    if (op == ScalarOp::mod) return fmt::format("(bvsmod {} {})", a, b);
    return fmt::format(
        "(let ((q (bvsdiv {0} {1})) (r (bvsrem {0} {1}))) (ite (and (not (= r {2})) "
        "(not (= (bvslt {0} {2}) (bvslt {1} {2})))) (bvsub q {3}) q))",
        a, b, number(type, 0), number(type, 1));
  }

  // ---- proofs by hand, for quotients of unbounded integers

  /// `A % B == 0` for two constants: then A is B times an integer, and is written so.
  void find_multiples(ExprId id) {
    const Expr& node = rules_[id];
    for (const ExprId arg : node.args) find_multiples(arg);
    if (node.op != ScalarOp::eq || node.kind != ExprKind::apply) return;
    const Expr &mod = rules_[node.args[0]], &zero = rules_[node.args[1]];
    if (mod.op != ScalarOp::mod || mod.args.size() != 2 || zero.kind != ExprKind::constant) return;
    const Expr &a = rules_[mod.args[0]], &b = rules_[mod.args[1]];
    if (zero.constant.i != 0 || a.kind != ExprKind::value || b.kind != ExprKind::value) return;
    multiple_of_[rules_.variable(a).name] = rules_.variable(b).name;
  }

  std::string multiple(const std::string& name) const {
    const auto found = multiple_of_.find(name);
    return found == multiple_of_.end() ? name : fmt::format("(* {} k_{})", found->second, name);
  }

  std::string quotient(ScalarOp op, const std::string& a, const std::string& b) {
    for (const auto& [name, divisor] : multiple_of_)
      if (a == multiple(name) && b == divisor)
        return op == ScalarOp::div ? fmt::format("k_{}", name) : "0";
    const auto known = std::ranges::find(divisions_, std::pair(a, b));
    const auto number = known - divisions_.begin();
    if (known == divisions_.end()) divisions_.emplace_back(a, b);
    return fmt::format("{}{}", op == ScalarOp::div ? "q" : "r", number);
  }

  bool one_divisor() const {
    return std::ranges::all_of(divisions_,
                               [&](const auto& d) { return d.second == divisions_[0].second; });
  }

  /// What quotient q and remainder r are, a = b * q + r; where there are several divisors, also
  /// times each positive constant.
  std::string quotients() const {
    std::string text;
    for (const auto& [name, divisor] : multiple_of_)
      text += fmt::format("(declare-const k_{} Int)\n", name);
    for (size_t i = 0; i < divisions_.size(); ++i)
      text += fmt::format("(declare-const q{0} Int)\n(declare-const r{0} Int)\n", i);
    for (size_t i = 0; i < divisions_.size(); ++i) {
      const auto& [a, b] = divisions_[i];
      text += fmt::format(
          "(assert (> {1} 0))\n(assert (= {0} (+ (* {1} q{2}) r{2})))\n"
          "(assert (and (<= 0 r{2}) (< r{2} {1})))\n",
          a, b, i);
      for (const auto& [c, sort] : variables_) {
        if (c[0] != 'c' || multiple_of_.contains(c) || one_divisor()) continue;
        text += fmt::format(
            "(assert (=> (> {3} 0) (and (= (* {3} {0}) (+ (* {3} {1} q{2}) (* {3} r{2}))) "
            "(<= 0 (* {3} r{2})) (<= (* {3} r{2}) (- (* {3} {1}) {3})))))\n",
            a, b, i, c);
      }
    }
    return text;
  }

  /// Two theorems. Of one divisor b: if a = a' + b * m, then q = q' + m and r = r'. Of others: a
  /// multiple d * b is at least b away from 0 unless d is 0. Which m, and which difference d of two
  /// quotients, helps is found out by trying.
  std::vector<std::string> theorems() const {
    std::vector<std::string> multiples{"0"};
    for (const auto& [name, divisor] : multiple_of_) {
      multiples.push_back(fmt::format("k_{}", name));
      multiples.push_back(fmt::format("(- k_{})", name));
    }
    for (const auto& [name, sort] : variables_) {
      if (name[0] == 'c') continue;
      multiples.push_back(name);
      for (const auto& [c, divisor] : multiple_of_)
        multiples.push_back(fmt::format("(* {} k_{})", name, c));
    }
    for (const auto& [c, divisor] : multiple_of_)
      for (size_t i = 0; i < divisions_.size(); ++i)
        multiples.push_back(fmt::format("(* k_{} q{})", c, i));
    std::reverse(multiples.begin() + 1, multiples.end());  // what is likelier first
    std::vector<std::string> found, others;
    for (size_t i = 0; i < divisions_.size(); ++i) {
      for (size_t j = 0; j < std::max<size_t>(divisions_.size(), 2); ++j) {
        if (i == j) continue;
        const bool two = j < divisions_.size();
        const std::string& b = divisions_[i].second;
        for (const std::string& m : multiples) {
          if (!two || divisions_[j].second == b) {
            const std::string number = std::to_string(j);
            found.push_back(fmt::format(
                "(assert (=> (= {} (+ {} (* {} {}))) (and (= q{} (+ {} {})) (= r{} {}))))\n",
                divisions_[i].first, two ? divisions_[j].first : "0", b, m, i,
                two ? "q" + number : "0", m, i, two ? "r" + number : "0"));
          } else {
            others.push_back(fmt::format(
                "(assert (let ((d (- q{} q{} {})) (b {})) (and (=> (>= d 1) (>= (* b d) b)) "
                "(=> (<= d (- 1)) (<= (* b d) (- b))) (=> (= d 0) (= (* b d) 0)))))\n",
                i, j, m, b));
          }
        }
      }
    }
    found.insert(found.end(), others.begin(), others.end());
    return found;
  }

  const RuleSet& rules_;
  const Encoding& encoding_;
  std::map<std::string, std::string> variables_;  ///< their sorts
  bool by_hand_ = false;
  std::map<std::string, std::string> multiple_of_;              ///< by hand: constants by name
  std::vector<std::pair<std::string, std::string>> divisions_;  ///< by hand: a and b
  std::set<std::string> divisors_;                              ///< "a divisor is 0"
};

}  // namespace

Question question(const RuleSet& rules, const Rule& rule, const Encoding& encoding) {
  return Writer(rules, encoding).write(rule);
}

std::vector<Question> with_theorems(const RuleSet& rules, const Rule& rule) {
  const Encoding unbounded;
  return Writer(rules, unbounded).with_theorems(rule);
}

}  // namespace tenon::tests
