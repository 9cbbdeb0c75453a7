#include "tests/differential/random_schedules.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "ir/loops_verify.h"
#include "opt/loops/choose.h"
#include "opt/pass.h"
#include "opt/tensor/at.h"
#include "tests/differential/generator/choices.h"

namespace tenon::differential {
namespace {

using ir::DirectiveKind;
using ir::loops::Kernel;

constexpr int64_t kFactors[] = {1, 2, 3, 4, 5, 8, 16};
/// More loops are no other case, and take long.
constexpr size_t kMostStatements = 400;

bool takes_two(DirectiveKind kind) { return kind == DirectiveKind::fuse_ || kind == DirectiveKind::keep_; }

class Drawing {
 public:
  Drawing(const ir::Module& module, Kernel kernel, Random& random, opt::loops::Mode mode)
      : module_(module), kernel_(std::move(kernel)), random_(random), mode_(mode) {}

  /// `schedule`: what is done already.
  ir::Schedule run(ir::Schedule schedule, size_t most, DrawnSchedules& tally) {
    for (const ir::Directive& directive : schedule) opt::loops::apply_directive(kernel_, directive, mode_);
    const size_t definitions = kernel_.definitions.size();
    const size_t tries = definitions * (mode_.gpu ? 6 : 1);
    for (size_t left = below(most + 1) + tries; left > 0 && statements() < kMostStatements; --left) {
      // What it is to compute itself has its turn early: it is refused once its loops are others. Then its loops go to
      // threads, or it would be as on a processor.
      const bool places = !kernel_.definitions.empty() && below(4) < definitions;
      const bool binds = mode_.gpu && definitions > 0 && below(2) == 0;
      const auto& row = places  ? ast::typed::row(DirectiveKind::at_)
                        : binds ? ast::typed::row(below(3) == 0 ? DirectiveKind::block_ : DirectiveKind::thread_)
                                : among(ast::typed::kDirectives);
      if (const std::optional<ir::Directive> directive = draw(row)) apply(*directive, schedule, tally);
    }
    return schedule;
  }

 private:
  void apply(const ir::Directive& directive, ir::Schedule& schedule, DrawnSchedules& tally) {
    Kernel changed = kernel_;
    try {
      opt::loops::apply_directive(changed, directive, mode_);
    } catch (const opt::Refused&) {
      ++tally.refused;
      return;
    }
    schedule.push_back(directive);
    ++tally.applied;
    for (const auto& v : ir::loops::verify(module_, changed))
      throw std::logic_error(fmt::format("`{}` breaks the nest: {}, in {}\n{}", print(directive), v.message, v.where,
                                         ir::loops::print(module_, kernel_)));
    kernel_ = std::move(changed);
  }

  size_t below(size_t n) { return static_cast<size_t>(random_() % n); }
  template <class Items>
  auto among(const Items& items) -> decltype(*std::data(items)) {
    return std::data(items)[below(std::size(items))];
  }

  std::vector<std::string> loops() const {
    std::set<std::string> names;
    ir::loops::for_each_stmt(kernel_.body, [&](const ir::loops::Stmt& stmt) {
      if (const auto* loop = std::get_if<ir::loops::For>(&stmt.node))
        names.insert(kernel_.loops[loop->loop]);
    });
    return {names.begin(), names.end()};
  }
  size_t statements() const {
    size_t count = 0;
    ir::loops::for_each_stmt(kernel_.body, [&](const ir::loops::Stmt&) { ++count; });
    return count;
  }

  /// By the form of a row; nothing where the nest has nothing for it.
  std::optional<ir::Directive> draw(const ast::typed::DirectiveRow& row) {
    ir::Directive directive{static_cast<DirectiveKind>(&row - ast::typed::kDirectives)};
    using ast::typed::DirectiveTarget;
    const bool elsewhere = row.target == (mode_.gpu ? DirectiveTarget::cpu : DirectiveTarget::gpu);
    std::vector<std::string> names = loops();
    if (elsewhere || directive.kind == DirectiveKind::inline_ || names.empty()) return {};
    std::istringstream form{std::string(row.form)};
    for (std::string word; form >> word;) {
      if (word == "loop") directive.loops.push_back(among(names));
      if (word == "loop]" && names.size() > 1 && below(2) == 0) {
        std::erase(names, directive.loops[0]);
        directive.loops.push_back(among(names));
      }
      if (word == "loops") directive.loops = several(names, takes_two(directive.kind));
      if (word == "new") directive.made.push_back(fmt::format("n{}", made_++));
      if (word == "factor" || (word == "factor]" && below(2) == 0)) directive.factor = among(kFactors);
      if (word == "operand") {
        const std::vector<std::string> operands = operands_of(directive.kind);
        if (operands.empty()) return {};
        directive.operand = among(operands);
      }
    }
    return directive;
  }

  std::vector<std::string> operands_of(DirectiveKind kind) const {
    std::vector<std::string> names;
    if (kind == DirectiveKind::at_)
      for (const auto& [local, name] : kernel_.definitions) names.push_back(name);
    else
      for (size_t b = 0; b < kernel_.buffer_values.size(); ++b) names.push_back(kernel_.buffers[b].name);
    return names;
  }

  std::vector<std::string> several(std::vector<std::string> names, bool two) {
    for (size_t i = names.size(); i > 1; --i) std::swap(names[i - 1], names[below(i)]);
    if (two || names.size() > 2) names.resize(two ? std::min<size_t>(2, names.size()) : 2 + below(names.size() - 1));
    return names;
  }

  const ir::Module& module_;
  Kernel kernel_;
  Random& random_;
  opt::loops::Mode mode_;
  size_t made_ = 0;
};

/// On a GPU the first few directives are the compiler's own: without blocks and threads there is nothing for the
/// others to be about. It has none that computes definitions.
ir::Schedule first_of_own(const Kernel& kernel, Random& random, opt::loops::Mode mode) {
  if (!mode.gpu || !kernel.definitions.empty()) return {};
  ir::Schedule own = opt::loops::choose_gpu(kernel, mode).schedule;
  own.resize(static_cast<size_t>(random() % (own.size() + 1)));
  return own;
}

/// What the nest as a whole refuses: that threads all change what is not theirs, say. Then what was drawn last is
/// left out.
ir::Schedule accepted(const Kernel& kernel, ir::Schedule schedule, opt::loops::Mode mode) {
  for (; !schedule.empty(); schedule.pop_back()) {
    Kernel changed = kernel;
    try {
      opt::loops::apply_schedule(changed, schedule, mode);
      return schedule;
    } catch (const opt::Refused&) {
    }
  }
  return schedule;
}

/// Some computes work out what they alone read, as with `at` in their schedules. Tensors then live otherwise: owners
/// are counted anew.
void take_in_some(ir::Module& module, Random& random) {
  bool owned = false;
  for (ir::Function& function : module.functions)
    for (ir::Block& block : function.blocks)
      owned |= std::erase_if(block.insts, [](const ir::Inst& inst) {
                 return row(inst.op).trait == ir::Trait::ownership;
               }) != 0;
  const opt::Purity purity(module);
  for (ir::Function& function : module.functions) {
    std::vector<std::pair<ir::ValueId, ir::ValueId>> pairs;  // reader, producer: later readers first
    for (const ir::Block& block : function.blocks)
      for (const ir::Inst& inst : block.insts)
        if (inst.op == ir::Op::compute && !inst.get<ir::Compute>().schedule)
          ir::for_each_use(function, inst, [&](ir::ValueId used) { pairs.emplace(pairs.begin(), inst.results[0], used); });
    std::map<ir::ValueId, ir::ValueId> home;  // into what each has been taken
    for (const auto& [reader, producer] : pairs) {
      const ir::ValueId into = home.contains(reader) ? home.at(reader) : reader;
      if (home.contains(producer) || random() % 2 == 0) continue;
      if (opt::obstacle_to_taking_in(module, function, purity, into, producer)) continue;
      opt::take_in(function, into, producer);
      home.emplace(producer, into);
    }
  }
  if (owned) opt::run_pipeline(module, "own", {});
}

}  // namespace

DrawnSchedules draw_schedules(ir::Module& module, uint64_t seed, opt::loops::Mode mode, size_t most) {
  DrawnSchedules tally;
  Random random(seed);
  take_in_some(module, random);
  for (ir::Function& function : module.functions)
    for (ir::Block& block : function.blocks)
      for (ir::Inst& inst : block.insts) {
        if (inst.op != ir::Op::compute || inst.get<ir::Compute>().schedule) continue;
        auto& compute = inst.get<ir::Compute>();
        compute.schedule.emplace();
        ir::keep_index_names(function.exprs, compute);
        Kernel kernel = ir::loops::lower(module, function, inst, "drawn.0");
        const ir::Schedule drawn =
            Drawing(module, kernel, random, mode).run(first_of_own(kernel, random, mode), most, tally);
        compute.schedule = accepted(kernel, drawn, mode);
      }
  return tally;
}

}  // namespace tenon::differential
