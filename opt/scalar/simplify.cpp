// simplify: computes what is constant, and replaces operations by simpler equal ones, as the rules
// in opt/rules/*.rules say; in SSA instructions and in bodies of computes alike.
//
//   %two = const 2                             %t = const 6
//   %a = mul %x, %two                 ->       %b = mul %x, %t
//   %three = const 3
//   %b = mul %a, %three
//
// Arithmetic is the interpreter's own (runtime::eval), so that a constant cannot differ from what
// the program would have computed; each rule is proved by `make verify-rules`. One walk over the
// blocks, definitions before uses, is enough: operands are in normal form when an operation is
// reached (rules/normal_form.h). What fails at run time is left to fail there. Always pays.
//
// F. Baader, T. Nipkow, "Term Rewriting and All That", 1998, is the book on rules; N. Lopes, D.
// Menendez, S. Nagarakatte, J. Regehr, "Provably Correct Peephole Optimizations with Alive", 2015,
// on proving them in a compiler.
#include "ir/dominators.h"
#include "ir/range_prover.h"
#include "opt/pass.h"
#include "opt/rewrite.h"
#include "opt/rules/normal_form.h"
#include "opt/scalar/simplify_body.h"

namespace tenon::opt {
namespace {

using namespace ir;

/// The SSA values of a function, and behind them terms that are not instructions yet.
class SsaTerms : public Terms {
 public:
  SsaTerms(const Module& module, const Function& function) : uses_(function.values.size()) {
    for (const Value& value : function.values) add({.type = module.types[value.type].dtype});
    for (const Block& block : function.blocks) {
      for (const Inst& inst : block.insts)
        for_each_use(function, inst, [&](ValueId used) { ++uses_[used.index]; });
    }
  }

  void define(ValueId value, TermNode node) { values_[value.index] = node; }
  TermNode node(Term term) const override {
    return is_new(term) ? new_[term - kFirstNew] : values_[term];
  }
  /// Nothing but the type is known of a value yet: what finds out more of SSA values is asked here.
  Range range(Term term) override {
    const TermNode known = node(term);
    if (known.kind == ExprKind::constant) return {known.constant.i, known.constant.i};
    return range_of_type(known.type);
  }
  /// Its instruction has been executed, and stays where it is.
  bool may_fail(Term) const override { return false; }
  bool is_shared(Term term) const override { return term < uses_.size() && uses_[term] > 1; }

  Term constant(Scalar value) override {
    return add_new({.kind = ExprKind::constant, .type = value.type, .constant = value});
  }
  Term apply(ScalarOp op, std::vector<Term> args) override {
    const DType type = runtime::result_type(op, node(args.back()).type);
    return add_new(with_args({.kind = ExprKind::apply, .type = type, .op = op}, args));
  }
  Term convert(DType to, Term operand) override {
    return add_new(with_args({.kind = ExprKind::convert, .type = to}, {operand}));
  }
  Term if_(Term condition, Term then, Term otherwise) override {
    return apply(ScalarOp::select, {condition, then, otherwise});
  }

  static bool is_new(Term term) { return term >= kFirstNew; }
  void add(TermNode node) { values_.push_back(node); }
  void forget_new() { new_.clear(); }

 private:
  static constexpr Term kFirstNew = 1u << 31;

  static TermNode with_args(TermNode node, const std::vector<Term>& args) {
    node.arity = static_cast<uint32_t>(args.size());
    std::copy(args.begin(), args.end(), node.args.begin());
    return node;
  }
  Term add_new(TermNode node) {
    new_.push_back(node);
    return kFirstNew + static_cast<Term>(new_.size() - 1);
  }

  std::vector<TermNode> values_;  ///< by number
  std::vector<uint32_t> uses_;    ///< before the pass; values that it makes have one
  std::vector<TermNode> new_;
};

class Simplify {
 public:
  Simplify(Module& module, Function& function, PassContext& context)
      : module_(module), function_(function), context_(context), terms_(module, function) {}

  void run() {
    for (uint32_t block : reverse_postorder(control_flow(function_))) {
      std::vector<Inst> before = std::move(function_.blocks[block].insts);
      now_.clear();
      for (Inst& inst : before) {
        replacements_.apply(function_, inst);
        simplify(std::move(inst));
      }
      function_.blocks[block].insts = std::move(now_);
    }
    replacements_.apply(function_);  // for blocks that nothing reaches, and edges that close loops
    if (took_branch_) remove_unreachable(function_);
  }

 private:
  void simplify(Inst inst) {
    switch (inst.op) {
      case Op::constant:
        terms_.define(inst.result(), {.kind = ExprKind::constant,
                                      .type = inst.get<Scalar>().type,
                                      .constant = inst.get<Scalar>()});
        break;
      case Op::apply:
      case Op::convert: return simplify_term(std::move(inst));
      case Op::compute: simplify_compute(inst); break;
      case Op::branch: simplify_branch(inst); break;
      default: break;
    }
    now_.push_back(std::move(inst));
  }

  void simplify_term(Inst inst) {
    const ValueId result = inst.result();
    TermNode node{.kind = ExprKind::convert, .type = module_.type(function_, result).dtype};
    if (inst.op == Op::apply) {
      node.kind = ExprKind::apply;
      node.op = inst.get<ScalarOp>();
    }
    for (const ValueId arg : inst.args) node.args[node.arity++] = arg.index;
    terms_.define(result, node);

    const Term simpler = normal_form(terms_, result.index, built_in_matcher(), context_);
    if (simpler == result.index) {
      now_.push_back(std::move(inst));
    } else if (SsaTerms::is_new(simpler)) {
      emit(simpler, result, inst.span);
    } else {
      replacements_.add(result, ValueId{simpler});
    }
    terms_.forget_new();
  }

  /// Makes instructions of a new term and what it is made of; `result` becomes its value.
  void emit(Term term, ValueId result, Span span) {
    TermNode node = terms_.node(term);
    Inst inst{Op::apply, {result}, {}, node.op, span};
    if (node.kind == ExprKind::constant) inst.op = Op::constant, inst.attribute = node.constant;
    if (node.kind == ExprKind::convert) inst.op = Op::convert, inst.attribute = {};
    for (uint32_t i = 0; i < node.arity; ++i) {
      ValueId arg{node.args[i]};
      if (SsaTerms::is_new(node.args[i])) {
        const DType type = terms_.node(node.args[i]).type;
        arg = function_.add_value(module_.types.scalar(type), function_.value(result).name);
        terms_.add({.type = type});
        emit(node.args[i], arg, span);
      }
      inst.args.push_back(arg);
      node.args[i] = arg.index;
    }
    terms_.define(result, node);
    now_.push_back(std::move(inst));
  }

  std::optional<Scalar> constant_of(ValueId value) const {
    const TermNode node = terms_.node(value.index);
    return node.kind == ExprKind::constant ? std::optional(node.constant) : std::nullopt;
  }

  void simplify_branch(Inst& inst) {
    const auto condition = constant_of(inst.args[0]);
    if (!condition || !context_.may_rewrite("branch")) return;
    Edge taken = inst.get<std::vector<Edge>>()[condition->i ? 0 : 1];
    inst = {Op::jump, {}, {}, std::vector<Edge>{std::move(taken)}, inst.span};
    took_branch_ = true;
  }

  void simplify_compute(Inst& inst) {
    Compute& compute = inst.get<Compute>();
    simplify_body(module_, function_, compute, context_,
                  [&](ValueId value) { return constant_of(value); });
    if (!compute.extents.empty() || compute.bodies.size() > 1) return;
    const Expr& body =
        function_.exprs[compute.bodies[0]];  // a scalar: it may be no compute any more
    if (body.kind == ExprKind::constant && context_.may_rewrite("scalar compute")) {
      inst = {Op::constant, {inst.result()}, {}, body.constant, inst.span};
      terms_.define(inst.result(), {.kind = ExprKind::constant,
                                    .type = inst.get<Scalar>().type,
                                    .constant = inst.get<Scalar>()});
    } else if (body.kind == ExprKind::value && context_.may_rewrite("scalar compute")) {
      replacements_.add(inst.result(), body.value);
    }
  }

  Module& module_;
  Function& function_;
  PassContext& context_;
  SsaTerms terms_;
  std::vector<Inst> now_;  ///< of the block at hand
  Replacements replacements_;
  bool took_branch_ = false;
};

}  // namespace

void simplify(ir::Module& module, PassContext& context) {
  for (ir::Function& function : module.functions) {
    context.enter(function);
    if (!has_owners(function)) Simplify(module, function, context).run();
  }
}

}  // namespace tenon::opt
