// Terms become parameters, and constants numbers that the guard allows, which are looked for. Where
// the guard asks for ranges, terms become indices of a compute, which have some. The function is
// called with all kinds of values before and after `simplify`, and must print the same.
#include "tests/rules/instances.h"

#include <algorithm>
#include <cstdlib>

#include "ir/interpret.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "opt/pass.h"
#include "tests/rules/values.h"

namespace tenon::tests {
namespace {

using namespace ir;
using opt::Rule;
using opt::RuleSet;
using opt::Variable;

constexpr int64_t kConstants[] = {1, 2, 0, 3, 4, 6, -1, 12, -3, 7, 31, 60, 100};
constexpr double kFloats[] = {2.0, 0.5, 3.0, -1.0};
constexpr size_t kCalls = 24, kIndexForms = 3;

/// How the variables of a rule are filled in.
struct Filling {
  std::vector<size_t> choices;  ///< of each variable, which constant, or which form of index
  bool indices = false;         ///< terms are made of indices
};

class Builder {
 public:
  Builder(const RuleSet& rules, const Rule& rule, const std::vector<Variable>& variables,
          const Filling& filling)
      : rules_(rules), rule_(rule), variables_(variables), filling_(filling) {}

  /// The module's function, under this name, and what it takes.
  void build(Module& module, const std::string& name) {
    module_ = &module;
    Function f;
    f.name = name;
    f_ = &f;
    for (const Variable& v : variables_) {
      if (v.kind != Variable::term || (filling_.indices && runtime::is_integer(v.type))) continue;
      params_[v.slot] = f.add_value(module.types.scalar(v.type), v.name);
      f.params.push_back(params_[v.slot]);
    }
    f.add_block("entry");
    const bool body = filling_.indices || has_if(rule_.left);
    const ValueId result = body ? compute() : value(rule_.left);
    f.results = {f.value(result).type};
    emit(Op::ret, {}, {result}, {});
    module.functions.push_back(std::move(f));
  }

 private:
  bool has_if(ExprId id) const {
    const Expr& node = rules_[id];
    return node.kind == ExprKind::if_ ||
           std::ranges::any_of(node.args, [&](ExprId arg) { return has_if(arg); });
  }

  size_t choice(const Variable& variable) const {
    const auto at = std::ranges::find(variables_, variable.slot, &Variable::slot);
    return filling_.choices[static_cast<size_t>(at - variables_.begin())];
  }
  Scalar constant(const Variable& v) const {
    switch (v.kind) {
      case Variable::width: return Scalar::integer(v.type, runtime::bits_of(v.type));
      case Variable::lowest: return Scalar::integer(v.type, runtime::lowest(v.type));
      case Variable::highest: return Scalar::integer(v.type, runtime::highest(v.type));
      default: break;
    }
    if (runtime::is_floating(v.type))
      return Scalar::floating(v.type, kFloats[choice(v) % std::size(kFloats)]);
    return Scalar::integer(v.type, kConstants[choice(v)]);
  }

  ValueId emit(Op op, DType type, std::vector<ValueId> args, Attribute attribute) {
    Inst inst{op, {}, std::move(args), std::move(attribute), {}};
    if (row(op).result) inst.results = {f_->add_value(module_->types.scalar(type), "t")};
    f_->blocks[0].insts.push_back(inst);
    return inst.result();
  }

  /// As instructions.
  ValueId value(ExprId id) {
    const Expr& node = rules_[id];
    if (node.kind == ExprKind::constant) return emit(Op::constant, node.type, {}, node.constant);
    if (node.kind == ExprKind::value) {
      const Variable& v = rules_.variable(node);
      return v.kind == Variable::term ? params_.at(v.slot)
                                      : emit(Op::constant, v.type, {}, constant(v));
    }
    std::vector<ValueId> args;
    for (const ExprId arg : node.args) args.push_back(value(arg));
    if (node.kind == ExprKind::convert) return emit(Op::convert, node.type, args, {});
    return emit(Op::apply, node.type, args, node.op);
  }

  /// As the body of a compute.
  ValueId compute() {
    Compute compute;
    if (filling_.indices) compute.extents = {4, 3, 5};
    compute.bodies = {expr(rule_.left)};
    const TypeId type = module_->types.intern({rules_[rule_.left].type, compute.extents});
    Inst inst{Op::compute, {f_->add_value(type, "t")}, {}, compute, {}};
    f_->blocks[0].insts.push_back(inst);
    return inst.result();
  }
  ExprId expr(ExprId id) {
    const Expr& node = rules_[id];
    Exprs& exprs = f_->exprs;
    if (node.kind == ExprKind::constant) return exprs.constant(node.constant);
    if (node.kind == ExprKind::value) {
      const Variable& v = rules_.variable(node);
      if (v.kind != Variable::term) return exprs.constant(constant(v));
      if (params_.contains(v.slot)) return exprs.value(params_.at(v.slot), v.type);
      return index_form(v);
    }
    std::vector<ExprId> args;
    for (const ExprId arg : node.args) args.push_back(expr(arg));
    if (node.kind == ExprKind::convert) return exprs.convert(node.type, args[0]);
    if (node.kind == ExprKind::if_) return exprs.if_(args[0], args[1], args[2]);
    return exprs.apply(node.op, args);
  }
  /// An index, one that lies higher, or one below 0.
  ExprId index_form(const Variable& v) {
    Exprs& exprs = f_->exprs;
    const auto number = [&](int64_t n) { return exprs.constant(Scalar::integer(DType::i64, n)); };
    const ExprId index = exprs.index(v.slot % 3);
    const ExprId forms[kIndexForms] = {index, exprs.apply(ScalarOp::add, {index, number(20)}),
                                       exprs.apply(ScalarOp::sub, {index, number(20)})};
    const ExprId form = forms[choice(v)];
    return v.type == DType::i64 ? form : exprs.convert(v.type, form);
  }

  const RuleSet& rules_;
  const Rule& rule_;
  const std::vector<Variable>& variables_;
  const Filling& filling_;
  Module* module_ = nullptr;
  Function* f_ = nullptr;
  std::map<uint32_t, ValueId> params_;
};

/// A main that calls the module's function with values known for trouble, and prints what it gives.
void add_main(Module& module) {
  Function main;
  main.name = "main";
  main.pure = false;
  main.add_block("entry");
  const Function& f = module.functions[0];
  uint32_t random = 7;
  for (size_t call = 0; call < kCalls; ++call) {
    std::vector<ValueId> args;
    for (const ValueId param : f.params) {
      const DType type = module.type(f, param).dtype;
      const std::vector<Scalar> values = troublesome(type);
      random = random * 1664525 + 1013904223;
      args.push_back(main.add_value(module.types.scalar(type), "x"));
      main.blocks[0].insts.push_back(
          {Op::constant, {args.back()}, {}, values[(random >> 16) % values.size()], {}});
    }
    const ValueId result = main.add_value(f.results[0], "r");
    main.blocks[0].insts.push_back({Op::call, {result}, args, FuncId{0}, {}});
    main.blocks[0].insts.push_back({Op::print, {}, {result}, std::vector<std::string>{"", ""}, {}});
  }
  main.blocks[0].insts.push_back({Op::ret, {}, {}, {}, {}});
  module.main = FuncId{static_cast<uint32_t>(module.functions.size())};
  module.functions.push_back(std::move(main));
}

std::string printed(const Module& module) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  std::string failure;
  {
    runtime::Context context;
    context.out = out;
    try {
      ir::interpret(module, context);
      runtime::flush(context);
    } catch (const ast::RunError& error) {
      failure = error.fault.message();
    }
  }
  std::fclose(out);
  std::string result(text, size);
  std::free(text);
  return result + failure;
}

/// Whether the rule applies in the function; what it prints then must stay.
bool applies(const RuleSet& rules, const Rule& rule, const std::vector<Variable>& variables,
             const Filling& filling, std::string& problem) {
  Module module;
  Builder(rules, rule, variables, filling).build(module, "f");
  opt::PassContext context;
  Module simplified = module;
  opt::find_pass("simplify")->run(simplified, context);
  if (!context.counts.contains(rule.name)) return false;
  const std::vector<Violation> wrong = verify(simplified);
  if (!wrong.empty()) problem = wrong[0].message;
  add_main(module);
  add_main(simplified);
  if (const std::string before = printed(module), after = printed(simplified); before != after)
    problem =
        fmt::format("{}before\n{}after\n{}", print(module, module.functions[0]), before, after);
  return true;
}

std::optional<Filling> instance_of(const RuleSet& rules, const Rule& rule,
                                   const std::vector<Variable>& variables, std::string& problem) {
  for (const bool indices : {false, true}) {
    std::vector<size_t> counts;
    for (const Variable& v : variables) {
      const bool index = indices && v.kind == Variable::term && runtime::is_integer(v.type);
      counts.push_back(v.kind == Variable::constant ? std::size(kConstants)
                       : index                      ? kIndexForms
                                                    : 1);
    }
    std::optional<Filling> found;
    for_each_choice(counts, [&](const std::vector<size_t>& at) {
      const Filling filling{at, indices};
      if (applies(rules, rule, variables, filling, problem)) found = filling;
      return !found;
    });
    if (found) return found;
  }
  return std::nullopt;
}

}  // namespace

std::string try_instances(const RuleSet& rules, const std::vector<RuleLine>& lines, Tally& tally) {
  Module all;
  for (const RuleLine& line : lines) {
    bool shown = false;
    for (const Rule* rule : line.instances) {
      const std::vector<Variable> variables = variables_of(rules, *rule);
      std::string problem;
      const auto filling = instance_of(rules, *rule, variables, problem);
      if (!filling) problem = "never applies";
      if (!problem.empty()) {
        tally.fail(fmt::format("{} ({})", line.name, types_text(*rule)),
                   fmt::format("{}\n{}", line.text(), problem));
        continue;
      }
      tally.pass();
      if (!std::exchange(shown, true))
        Builder(rules, *rule, variables, *filling).build(all, line.name);
    }
  }
  return print(all);
}

}  // namespace tenon::tests
