// Items: the functions and consts of prelude and program, and the instances that main needs.
//
// A function of the program is checked twice: once for all dimensions, whether it is called or not,
// so that most mistakes are found where they are; and once for each combination of numbers that its
// dimensions take, where everything is decided. Instances wait in a list, not on the stack.
#include <algorithm>

#include "ast/checker.h"

namespace tenon::ast {

typed::Program check(const Program& prelude, const Program& program, const CheckOptions& options,
                     Diagnostics& diagnostics) {
  return ProgramChecker(options, diagnostics).check(prelude, program);
}

ProgramChecker::ProgramChecker(const CheckOptions& options, Diagnostics& diagnostics)
    : options_(options), diagnostics_(diagnostics) {}

typed::Program ProgramChecker::check(const Program& prelude, const Program& program) {
  collect(prelude, true);
  collect(program, false);
  apply_defines();
  collect_callees();
  spread_effects();
  find_recursion();
  for (auto& [name, info] : user_.consts) const_value(info);
  for (FunctionInfo* info : in_source_order(user_)) check_for_all_dimensions(*info);

  const FunctionInfo* main = find_function("main", false);
  if (!main && options_.needs_main) diagnostics_.report(Diag::no_main, Span{});
  if (diagnostics_.any() || !main) return {};
  program_.main = instantiate(*main, {}, main->tree->name.span, diagnostics_);
  for (size_t i = 0; i < instances_.size() && !diagnostics_.any(); i++) {
    check_instance(instances_[i]);
  }
  return std::move(program_);
}

void ProgramChecker::collect(const Program& program, bool is_prelude) {
  Names& names = is_prelude ? prelude_ : user_;
  std::map<std::string, Span> places;
  auto claim = [&](const Name& name) {
    auto [it, fresh] = places.emplace(name.text, name.span);
    if (!fresh) {
      diagnostics_.report(Diag::duplicate_name, name.span, name.text)
          .note(it->second, "it is first defined here");
    }
    return fresh;
  };
  for (const Const& c : program.consts) {
    if (claim(c.name)) names.consts.emplace(c.name.text, ConstInfo{&c, is_prelude});
  }
  for (const Function& f : program.functions) {
    if (!claim(f.name)) continue;
    bool all_scalar = !f.result || f.result->extents.empty();
    for (const Param& p : f.params) all_scalar &= p.type.extents.empty();
    names.functions.emplace(f.name.text, FunctionInfo{&f, is_prelude, all_scalar, {}, {}, {}});
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

void ProgramChecker::check_for_all_dimensions(const FunctionInfo& info) {
  const Function& f = *info.tree;
  Dimensions symbols;
  for (const Name& d : f.dimensions) {
    if (symbols.emplace(d.text, Extent::parameter(d.text)).second) continue;
    auto first = std::ranges::find(f.dimensions, d.text, &Name::text);
    diagnostics_.report(Diag::duplicate_name, d.span, d.text)
        .note(first->span, "it is first defined here");
  }
  if (f.name.text == "main" && (!f.params.empty() || f.result || !f.dimensions.empty())) {
    diagnostics_.report(Diag::main_signature, f.name.span);
  }
  typed::Function scratch;
  FunctionChecker checker(*this, &info, symbols, true, info.in_prelude, scratch, diagnostics_);
  if (checker.signature()) checker.body();
}

// ---- instances

namespace {

Dimensions by_name(const Function& function, const std::vector<Extent>& dimensions) {
  Dimensions names;
  for (size_t i = 0; i < dimensions.size(); i++) {
    names.emplace(function.dimensions[i].text, dimensions[i]);
  }
  return names;
}

}  // namespace

const typed::Function* ProgramChecker::instantiate(const FunctionInfo& info,
                                                   const std::vector<Extent>& dimensions, Span call,
                                                   Diagnostics& found) {
  std::string key = (info.in_prelude ? "prelude " : "") + info.tree->name.text;
  for (const Extent& d : dimensions) key += "," + d.text();
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
  for (size_t i = 0; i < dimensions.size(); i++) {
    f.dimensions.emplace_back(info.tree->dimensions[i].text, dimensions[i].value());
  }
  by_key_[key] = &f;
  instances_.push_back({&info, dimensions, &f, call, present_});
  return &f;
}

void ProgramChecker::check_instance(const Instance& instance) {
  present_ = &instance;
  Diagnostics found;
  FunctionChecker checker(*this, instance.info, by_name(*instance.info->tree, instance.dimensions),
                          false, instance.info->in_prelude, *instance.function, found);
  if (checker.signature()) checker.body();
  constexpr size_t kMaxNotes = 8;
  for (Diagnostic d : found.all()) {
    // What only an instance shows is explained by the calls that led to it.
    for (const Instance* i = &instance; i->caller && d.notes.size() < kMaxNotes; i = i->caller) {
      d.note(i->call, fmt::format("in {}, called here", quoted(i->function->text())));
    }
    diagnostics_.add(std::move(d));
  }
}

}  // namespace tenon::ast
