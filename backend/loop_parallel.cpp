// Parallel loops: the body becomes a function of a stretch of turns, which the runtime calls on some
// thread. What it uses from around it, it finds in an environment: a struct on the caller's stack, into
// which everything goes that the body turns out to ask for while it is written.
#include "backend/kernel_writer.h"
#include "backend/loops_to_llvm.h"

namespace tenon::backend {

using namespace ir::loops;

namespace {

/// Before the name of a register that is another function's.
constexpr char kOutside = '^';

void mark(std::string& text) {
  if (!text.empty() && text[0] == '%') text[0] = kOutside;
}
void mark(Value& value) {
  mark(value.text);
  value.depth = 0;
}

}  // namespace

/// Knows all that is known around it, by names that here() replaces.
KernelWriter::KernelWriter(KernelWriter& around)
    : out_(around.out_.module),
      module_(around.module_),
      conventions_(around.conventions_),
      facts_(around.facts_),
      kernel_(around.kernel_),
      strict_(around.strict_),
      processor_(around.processor_),
      launch_(around.launch_),
      shared_(around.shared_),
      buffers_(around.buffers_),
      scalars_(around.scalars_),
      loops_(around.loops_),
      places_(around.places_),
      depth_(around.depth_),
      scopes_(around.scopes_),
      in_parallel_(true) {
  for (std::string& text : buffers_) mark(text);
  for (std::string& text : scalars_) mark(text);
  for (Value& loop : loops_) mark(loop);
  for (Place& place : places_) {
    mark(place.memory);
    for (Value& held : place.registers) mark(held);
  }
  for (Scope& scope : scopes_) {
    scope.sums.clear();  // they are made again of the values
    for (auto& [expr, value] : scope.values) mark(value);
  }
  mark(depth_);
}

bool KernelWriter::is_function(const For& loop) const {
  const std::optional<Turns> turns = constant_turns(loop);
  return loop.kind == LoopKind::parallel && !in_parallel_ && !(turns && turns->count() <= 1);
}

const std::string& KernelWriter::here(std::string& text, std::string_view type) {
  if (text.empty() || text[0] != kOutside) return text;
  const std::string outside = "%" + text.substr(1);
  const auto known = std::ranges::find(fetched_, outside, &Fetched::outside);
  if (known != fetched_.end()) return text = known->here;
  text = out_.fresh(text.substr(1));
  fetched_.push_back({std::string(type), outside, text});
  return text;
}

std::string KernelWriter::environment_type() const {
  std::string types;
  for (const Fetched& f : fetched_) types += (types.empty() ? "" : ", ") + f.type;
  return "{ " + types + " }";
}

void KernelWriter::parallel(const For& loop, const Bounds& bounds) {
  KernelWriter turns(*this);
  const std::string name = symbol(fmt::format("turns.{}.{}", kernel_.name, parallel_loops_++));
  functions_ += "\n" + turns.write_turns(loop, name);

  const std::string environment = out_.fresh("environment"), type = turns.environment_type();
  reserved_ += fmt::format("  {} = alloca {}, align {}\n", environment, type, kAligned);
  for (size_t i = 0; i < turns.fetched_.size(); ++i) {
    const std::string field = out_.fresh("field");
    out_.line("{} = getelementptr inbounds {}, ptr {}, i64 0, i32 {}", field, type, environment, i);
    out_.line("store {} {}, ptr {}", turns.fetched_[i].type, turns.fetched_[i].outside, field);
  }
  const std::string status = out_.fresh("status");
  out_.line("{} = call i32 @tn_parallel(ptr %context, ptr {}, ptr {}, i64 {}, i64 {})", status, name,
            environment, bounds.lo, bounds.hi);
  if (!conventions_.of(kernel_).fails) return;
  const std::string failed = out_.fresh("failed");
  out_.line("{} = icmp ne i32 {}, 0", failed, status);
  out_.fail_if(failed);
}

/// `i32 turns(context, environment, first, end)`, of at least one turn: whether one failed.
std::string KernelWriter::write_turns(const For& loop, const std::string& name) {
  out_.at(kernel_.span, name.substr(1));
  out_.fresh("context");
  const std::string environment = out_.fresh("environment"), first = out_.fresh("first"),
                    end = out_.fresh("end");
  out_.label(out_.fresh("entry"));
  const size_t entry = out_.leave_space();
  reserve_memory(loop.body);
  const std::optional<Turns> turns = constant_turns(loop);
  serial(loop, {first, end, true, turns && turns->lo >= 0});
  finish();
  out_.line("ret i32 0");
  for (size_t i = 0; i < fetched_.size(); ++i) {
    const std::string field = out_.fresh("field");
    reserved_ += fmt::format("  {} = getelementptr inbounds {}, ptr {}, i64 0, i32 {}\n", field,
                             environment_type(), environment, i);
    reserved_ += fmt::format("  {} = load {}, ptr {}\n", fetched_[i].here, fetched_[i].type, field);
  }
  out_.fill(entry, std::move(reserved_));
  return out_.definition(
      fmt::format("internal i32 {}(ptr %context, ptr {}, i64 {}, i64 {})", name, environment, first,
                  end),
      "ret i32 1", FunctionText::Inline::never, stands_alone(kernel_));
}

}  // namespace tenon::backend
