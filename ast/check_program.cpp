// Items: the functions and consts of prelude and program, and the instances that main needs.
//
// A function of the program is checked twice: once for all that its parameters can stand for, whether
// it is called or not, so that most mistakes are found where they are; and once for each combination
// that they take, where everything is decided. Instances wait in a list, not on the stack.
//
// "For all" means with symbols for dimensions, with every element type in turn that a type parameter
// admits, and with runs of no, one and two dimensions.
#include <algorithm>
#include <tuple>

#include "ast/function_checker.h"

namespace tenon::ast {

namespace {

/// All types, those that most programs mean first: their messages are the ones to show.
const std::vector<DType>& sample_types() {
  static const std::vector<DType> kTypes = [] {
    std::vector<DType> types{DType::f32, DType::i32};
    for (size_t t = 0; t < std::size(runtime::kDTypes); t++) {
      const auto type = static_cast<DType>(t);
      if (std::ranges::find(types, type) == types.end()) types.push_back(type);
    }
    return types;
  }();
  return kTypes;
}

/// Whether an error lies in an item. One at an item's first word is about what stands before it.
bool holds(Span item, Span error) {
  return item.file == error.file && item.begin < error.begin && error.begin <= item.end;
}

}  // namespace

typed::Program check(const Program& prelude, const Program& program, const CheckOptions& options,
                     Diagnostics& diagnostics, Unreached* unreached) {
  ProgramChecker checker(options, diagnostics);
  typed::Program checked = checker.check(prelude, program);
  if (unreached && !diagnostics.any() && options.syntax_errors.empty())
    *unreached = checker.check_unreached();
  return checked;
}

ProgramChecker::ProgramChecker(const CheckOptions& options, Diagnostics& diagnostics)
    : options_(options), diagnostics_(diagnostics) {}

typed::Program ProgramChecker::check(const Program& prelude, const Program& program) {
  collect(prelude, true);
  collect(program, false);
  lost_items_ = std::ranges::any_of(options_.syntax_errors, [&](Span error) {
    const auto has_error = [&](const auto& item) { return holds(item.span, error); };
    return std::ranges::none_of(program.functions, has_error) &&
           std::ranges::none_of(program.consts, has_error) &&
           std::ranges::none_of(program.records, has_error);
  });
  apply_defines();
  collect_callees();
  spread_effects();
  find_recursion();
  check_records();
  for (auto& [name, info] : user_.consts) const_value(info);
  for (FunctionInfo* info : in_source_order(user_)) check_for_all(*info);
  check_schedules(program);
  if (options_.checks_prelude) {
    for (FunctionInfo* info : in_source_order(prelude_)) check_for_all(*info);
  }

  const FunctionInfo* main = options_.exports ? nullptr : find_function("main", false);
  if (!main && options_.needs_main && !options_.exports && !lost_items_) diagnostics_.report(Diag::no_main, Span{});
  if (diagnostics_.any() || !options_.syntax_errors.empty()) return {};
  if (options_.exports) instantiate_exports();
  if (main) program_.main = instantiate(*main, {}, main->tree->name.span, diagnostics_);
  check_instances(0, diagnostics_);
  return std::exchange(program_, {});
}

/// The first word of a schedule's path from outside.
void ProgramChecker::report_no_function(const Name& word) {
  auto& d = diagnostics_.report(Diag::schedule_directive, word.span,
                                fmt::format("there is no function {}", quoted(word.text)));
  std::vector<std::string> names;
  for (const auto& [name, info] : user_.functions) names.push_back(name);
  suggest(d, word.text, word.span, names);
}

/// What stands outside of definitions belongs into a file of its own.
void ProgramChecker::check_schedules(const Program& program) {
  for (const Schedule& schedule : program.schedules) {
    if (lost_items_) break;  // the definition may be what is lost
    diagnostics_.report(Diag::schedule_directive, schedule.span, "a schedule without a definition")
        .hint("put it before the `;` of a definition, or into a file for `--schedule`");
  }
  typed::Function scratch;
  FunctionChecker checker(*this, nullptr, {}, false, false, scratch, diagnostics_);
  for (const Schedule& schedule : options_.schedules) {
    if (schedule.path.empty())
      diagnostics_.report(Diag::schedule_directive, schedule.span, "a schedule without a definition")
          .hint("say which: `schedule main.y { … }`");
    else if (!find_function(schedule.path[0].text, false))
      report_no_function(schedule.path[0]);
    program_.schedules.push_back(checker.check_schedule(schedule, nullptr));
  }
}

namespace {

/// `f32`, or `T` where that is an element type.
bool is_scalar(const Function& f, const TypeExpr& type) {
  if (!type.args.empty()) return false;
  if (std::holds_alternative<DType>(type.head)) return true;
  auto* name = std::get_if<Name>(&type.head);
  return name && find_parameter(f.parameters, name->text, ParameterKind::type);
}

}  // namespace

bool ProgramChecker::is_broken(Span item) const {
  return std::ranges::any_of(options_.syntax_errors,
                             [&](Span error) { return holds(item, error); });
}

void ProgramChecker::collect(const Program& program, bool is_prelude) {
  Names& names = is_prelude ? prelude_ : user_;
  // The `main` of an imported file is checked, and has a name that nobody can call.
  auto runs = [&](const Function& f) {
    return f.name.text != "main" || f.span.file == options_.root_file.value_or(f.span.file);
  };
  std::vector<const Name*> all;  // in the order of the text, whatever they name; the root's come last
  for (const Const& c : program.consts) all.push_back(&c.name);
  for (const Record& r : program.records) all.push_back(&r.name);
  for (const Function& f : program.functions) {
    if (runs(f)) all.push_back(&f.name);
  }
  std::ranges::stable_sort(all, {}, [&](const Name* name) {
    return std::tuple(name->span.file == options_.root_file, name->span.file, name->span.begin);
  });
  std::map<std::string, const Name*> first;
  for (const Name* name : all) {
    auto [it, fresh] = first.emplace(name->text, name);
    if (fresh) continue;
    clashing_.insert(name->text);
    diagnostics_.report(Diag::duplicate_name, name->span, name->text)
        .note(it->second->span, "it is first defined here");
  }
  auto claim = [&](const Name& name) { return first[name.text] == &name; };
  for (const Const& c : program.consts) {
    if (claim(c.name)) names.consts.emplace(c.name.text, ConstInfo{&c, is_prelude});
  }
  for (const Record& r : program.records) {
    if (claim(r.name)) names.records.emplace(r.name.text, RecordInfo{&r, is_prelude});
  }
  for (const Function& f : program.functions) {
    if (runs(f) && !claim(f.name)) continue;
    bool all_scalar = !f.result || is_scalar(f, *f.result);
    for (const Param& p : f.params) all_scalar &= is_scalar(f, p.type);
    names.functions.emplace(
        runs(f) ? f.name.text : fmt::format("main of file {}", f.span.file),
        FunctionInfo{&f, is_prelude, is_broken(f.span), all_scalar, {}, {}, {}});
  }
}

std::vector<FunctionInfo*> ProgramChecker::in_source_order(Names& names) {
  std::vector<FunctionInfo*> functions;
  for (auto& [name, info] : names.functions) functions.push_back(&info);
  std::ranges::sort(functions, {}, [](const FunctionInfo* f) {
    return std::pair(f->tree->span.file, f->tree->span.begin);
  });
  return functions;
}

std::vector<FunctionInfo*> ProgramChecker::all_functions() {
  std::vector<FunctionInfo*> all = in_source_order(prelude_);
  std::ranges::copy(in_source_order(user_), std::back_inserter(all));
  return all;
}

const FunctionInfo* ProgramChecker::find_function(const std::string& name,
                                                  bool from_prelude) const {
  if (!from_prelude) {
    if (auto it = user_.functions.find(name); it != user_.functions.end()) return &it->second;
  }
  auto it = prelude_.functions.find(name);
  return it == prelude_.functions.end() ? nullptr : &it->second;
}

void ProgramChecker::add_function_names(std::vector<std::string>& names, bool from_prelude) const {
  for (auto& [name, info] : prelude_.functions) names.push_back(name);
  if (from_prelude) return;
  for (auto& [name, info] : user_.functions) names.push_back(name);
}

bool ProgramChecker::check_parameters(const std::vector<Parameter>& parameters) {
  bool fine = true;
  std::map<std::string, Span> seen;
  for (const Parameter& p : parameters) {
    auto [it, fresh] = seen.emplace(p.name.text, p.name.span);
    if (!fresh) {
      diagnostics_.report(Diag::duplicate_name, p.name.span, p.name.text)
          .note(it->second, "it is first defined here");
      fine = false;
    }
    if (p.kind == ParameterKind::type && !is_bound(p.bound.text)) {
      diagnostics_.report(Diag::unknown_type, p.bound.span, p.bound.text)
          .hint("a type parameter is `float`, `int` or `num`");
      fine = false;
    }
  }
  return fine;
}

Substitution ProgramChecker::sample(const std::vector<Parameter>& parameters, size_t type, size_t rank,
                                    const std::function<Extent(const std::string&)>& extent) {
  Substitution out;
  for (const Parameter& p : parameters) {
    const std::string& name = p.name.text;
    switch (p.kind) {
      case ParameterKind::dimension: out.dimensions.emplace(name, extent(name)); break;
      case ParameterKind::type: {
        std::vector<DType> admitted;
        for (DType t : sample_types()) {
          if (admits(p.bound.text, t)) admitted.push_back(t);
        }
        out.types.emplace(name, admitted[type % admitted.size()]);
        break;
      }
      case ParameterKind::run:
        for (size_t axis = 0; axis < rank; axis++) {
          out.runs[name].push_back(extent(fmt::format("{}.{}", name, axis + 1)));
        }
        out.runs[name];
        break;
    }
  }
  return out;
}

std::vector<Substitution> ProgramChecker::samples(const std::vector<Parameter>& parameters) {
  constexpr size_t kRanks = 3;
  const auto symbols = [&](size_t type, size_t rank) {
    return sample(parameters, type, rank, Extent::parameter);
  };
  const auto has = [&](ParameterKind kind) {
    return std::ranges::any_of(parameters, [&](const Parameter& p) { return p.kind == kind; });
  };
  std::vector<Substitution> all;
  const size_t types = has(ParameterKind::type) ? sample_types().size() : 1;
  for (size_t type = 0; type < types; type++) all.push_back(symbols(type, 1));
  if (has(ParameterKind::run)) {
    for (size_t rank = 0; rank < kRanks; rank++) {
      if (rank != 1) all.push_back(symbols(0, rank));
    }
  }
  return all;
}

void ProgramChecker::check_for_all(const FunctionInfo& info) {
  const Function& f = *info.tree;
  if (f.name.text == "main" && (!f.params.empty() || f.result || !f.parameters.empty())) {
    diagnostics_.report(Diag::main_signature, f.name.span);
  }
  if (!check_parameters(f.parameters)) return;
  for (const Substitution& sample : samples(f.parameters)) {
    typed::Function scratch;
    Diagnostics found;
    FunctionChecker checker(*this, &info, sample, true, info.in_prelude, scratch, found);
    checker.signature();
    if (!info.broken) checker.body();
    for (Diagnostic d : found.all()) {
      for (const Parameter& p : f.parameters) {
        if (p.kind == ParameterKind::dimension) continue;
        d.note(p.name.span, fmt::format("where {} is {}", quoted(p.name.text),
                                        quoted(sample.text(p.name.text))));
      }
      diagnostics_.add(std::move(d));
    }
    if (found.any()) return;  // others would say the same
  }
}

// ---- instances

typed::Function* ProgramChecker::instantiate(const FunctionInfo& info, const Substitution& parameters,
                                             Span call, Diagnostics& found) {
  std::string key = (info.in_prelude ? "prelude " : "") + info.tree->name.text;
  for (const Parameter& p : info.tree->parameters) key += "," + parameters.text(p.name.text);
  if (auto it = by_key_.find(key); it != by_key_.end()) return it->second;
  if (instances_.size() == kMaxInstances) {
    found.report(Diag::program_too_large, call, kMaxInstances);
    return nullptr;
  }
  auto& f = *program_.functions.emplace_back(std::make_unique<typed::Function>());
  f.name = info.tree->name.text;
  f.span = info.tree->span;
  f.pure = info.pure();
  f.recursive = info.recursion.has_value();
  for (const Parameter& p : info.tree->parameters) {
    f.arguments.emplace_back(p.name.text, parameters.text(p.name.text));
  }
  by_key_[key] = &f;
  instances_.push_back({&info, parameters, &f, call, present_, std::move(key)});
  return &f;
}

// [snippet instances]
void ProgramChecker::check_instances(size_t first, Diagnostics& found) {
  for (size_t i = first; i < instances_.size() && !found.any(); i++) check_instance(instances_[i], found);
}
// [end]

void ProgramChecker::check_instance(const Instance& instance, Diagnostics& found) {
  present_ = &instance;
  Diagnostics in_body;
  FunctionChecker checker(*this, instance.info, instance.parameters, false,
                          instance.info->in_prelude, *instance.function, in_body);
  if (checker.signature()) checker.body();
  constexpr size_t kMaxNotes = 8;
  for (Diagnostic d : in_body.all()) {
    // What only an instance shows is explained by the calls that led to it.
    for (const Instance* i = &instance; i->caller && d.notes.size() < kMaxNotes; i = i->caller) {
      d.note(i->call, fmt::format("in {}, called here", quoted(i->function->text())));
    }
    found.add(std::move(d));
  }
  present_ = nullptr;
}

}  // namespace tenon::ast
