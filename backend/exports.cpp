// A function for C, around one of ours:
//
//   define i32 @layer(ptr %x, float %scale, ptr %result, ptr %error)
//
// It borrows the caller's tensors, has results written where the caller wants them if that can be
// (opt/memory/plan.h), brings the others there, and renders what went wrong.
#include "backend/exports.h"

#include <algorithm>

#include "backend/elements.h"
#include "backend/prepared.h"
#include "backend/ssa_to_llvm.h"
#include "ir/prepared.h"

namespace tenon::backend {
namespace {

using ir::FuncId;
using ir::Function;
using ir::Inst;
using ir::Module;
using ir::Op;
using ir::Type;
using ir::ValueId;

template <class Visit>
void for_each_inst(const Function& function, const Visit& visit) {
  for (const ir::Block& block : function.blocks)
    for (const Inst& inst : block.insts) visit(inst);
}

bool loads(const Module& module) {
  bool found = false;
  for (const Function& function : module.functions)
    for_each_inst(function, [&](const Inst& inst) { found = found || inst.op == Op::load; });
  return found;
}

/// A scalar parameter as C passes it: small integers fill a register.
std::string_view c_parameter(DType type) {
  switch (type) {
    case DType::bool_: return "i8 zeroext";
    case DType::i8: return "i8 signext";
    case DType::f16:
    case DType::bf16: return "i16 zeroext";
    default: return register_type(type);
  }
}

/// One function for C while it is written.
class ExportWriter {
 public:
  ExportWriter(ModuleText& shared, const Module& module, const Conventions& conventions,
               const opt::UniqueOwners& owners, const opt::memory::FunctionPlan& plan, FuncId id)
      : out_(shared),
        module_(module),
        conventions_(conventions),
        owners_(owners),
        plan_(plan),
        id_(id),
        function_(module.function(id)) {}

  std::string write(const std::string& data_dir);

 private:
  struct Slot {
    std::string name;  ///< of the C function's parameter
    const Type* type;
    int64_t bytes;
    int64_t offset = -1;  ///< in `prepared`; -1: it lies elsewhere
  };

  std::string declare();
  void find_layout();
  void check_prepared();
  Slot slot(std::string_view hint, const Type& type);
  void refuse_null();
  void leave_if(const std::string& condition, std::string_view reason);
  std::string passed(size_t param);
  std::string place(const Slot& slot);
  bool is_kept(ValueId param) const;
  std::string leave() {
    return fmt::format("call i32 @tn_leave(ptr %context, ptr @tn.places, ptr {})", error_);
  }

  FunctionText out_;
  const Module& module_;
  const Conventions& conventions_;
  const opt::UniqueOwners& owners_;
  const opt::memory::FunctionPlan& plan_;
  FuncId id_;
  const Function& function_;
  std::vector<Slot> params_, results_;
  std::string error_;
  std::optional<PreparedLayout> layout_;  ///< if it takes or gives what is prepared
  bool prepares_ = false;
  std::string prepared_, bytes_;          ///< the C function's parameters for that
};

std::string ExportWriter::write(const std::string& data_dir) {
  out_.fresh("context");
  out_.at(function_.span, function_.exported);
  const std::string signature = declare(), no_context = out_.fresh("none"),
                    failed = out_.fresh("failure"), status = out_.fresh("status");
  out_.label(out_.fresh("entry"));
  out_.line("%context = call ptr @tn_enter(ptr {})", data_dir);
  out_.line("{} = icmp eq ptr %context, null", no_context);
  out_.fail_if(no_context);
  if (layout_) check_prepared();
  refuse_null();

  std::vector<std::string> args, results;
  if (plan_.frame_bytes > 0) args.push_back("ptr " + write_frame(out_, plan_));
  for (size_t i = 0; i < params_.size(); ++i) args.push_back(passed(i));
  for (size_t i = 0; i < results_.size(); ++i) {
    if (plan_.result_is_placed[i]) args.push_back("ptr " + place(results_[i]));
    results.push_back(out_.fresh("given"));
  }
  write_call(out_, symbol("fn." + function_.name), conventions_.of(id_), results,
             result_types(module_, function_), function_.recursive ? "1" : "0", args);
  for (size_t i = 0; i < results_.size(); ++i) {
    const auto& [name, type, bytes, offset] = results_[i];
    if (type->is_scalar())
      write_store(out_, type->dtype, results[i], name);
    else
      out_.line("call void @tn_deliver(ptr {}, ptr {}, i64 {})", name, results[i], bytes);
  }
  if (prepares_) out_.line("call void @tn_end_prepared(ptr {}, i64 {})", prepared_, layout_->whose);
  out_.line("{} = {}", status, leave());
  out_.line("ret i32 {}", status);
  return out_.definition(signature, fmt::format("{0} = {1}\n  ret i32 {0}", failed, leave()));
}

/// The signature; fills params_ and results_.
std::string ExportWriter::declare() {
  std::string text;
  find_layout();
  const size_t own = function_.params.size() - function_.prepared.value_or(0);
  for (ValueId param : function_.params) {
    const Type& type = module_.type(function_, param);
    params_.push_back(slot(function_.value(param).name, type));
    if (params_.size() > own) params_.back().offset = layout_->offsets[params_.size() - 1 - own];
    else
      text += fmt::format("{} {}, ", type.is_scalar() ? c_parameter(type.dtype) : "ptr",
                          params_.back().name);
  }
  if (layout_) prepared_ = out_.fresh("prepared"), text += fmt::format("ptr {}, ", prepared_);
  if (prepares_) bytes_ = out_.fresh("bytes"), text += fmt::format("i64 {}, ", bytes_);
  for (const ir::TypeId type : function_.results) {
    results_.push_back(slot("result", module_.types[type]));
    if (prepares_) results_.back().offset = layout_->offsets[results_.size() - 1];
    else text += fmt::format("ptr {}, ", results_.back().name);
  }
  error_ = out_.fresh("error");
  return fmt::format("i32 @{}({}ptr {})", function_.exported, text, error_);
}

ExportWriter::Slot ExportWriter::slot(std::string_view hint, const Type& type) {
  return {out_.fresh(hint), &type, runtime::byte_count(type.dtype, type.shape).value_or(INT64_MAX)};
}

void ExportWriter::find_layout() {
  const FuncId user = ir::prepared_for(module_, function_);
  prepares_ = static_cast<bool>(user);
  if (prepares_ || function_.prepared)
    layout_ = prepared_layout(module_, prepares_ ? module_.function(user) : function_);
}

/// Before anything else: then what lies in `prepared` has its address.
void ExportWriter::check_prepared() {
  const std::string wrong = out_.fresh("wrong"), is_wrong = out_.fresh("is_wrong");
  if (prepares_)
    out_.line("{} = call i32 @tn_begin_prepared(ptr %context, ptr {}, i64 {}, i64 {})", wrong, prepared_, bytes_,
              layout_->bytes);
  else
    out_.line("{} = call i32 @tn_check_prepared(ptr %context, ptr {}, i64 {})", wrong, prepared_, layout_->whose);
  out_.line("{} = icmp ne i32 {}, 0", is_wrong, wrong);
  leave_if(is_wrong, "");
  for (const std::vector<Slot>& slots : {params_, results_})
    for (const Slot& slot : slots)
      if (slot.offset >= 0) out_.line("{} = getelementptr i8, ptr {}, i64 {}", slot.name, prepared_, slot.offset);
}

/// A null pointer is told apart from everything that has an element.
void ExportWriter::refuse_null() {
  std::string any;
  const auto test = [&](const Slot& slot) {
    if (slot.bytes == 0 || slot.offset >= 0) return;
    const std::string null = out_.fresh("null"), both = out_.fresh("any");
    out_.line("{} = icmp eq ptr {}, null", null, slot.name);
    if (!any.empty()) out_.line("{} = or i1 {}, {}", both, any, null);
    any = any.empty() ? null : both;
  };
  for (const Slot& param : params_)
    if (!param.type->is_scalar()) test(param);
  for (const Slot& result : results_) test(result);
  if (!any.empty()) leave_if(any, "call void @tn_null_argument(ptr %context)");
}

/// Ends the call with what has been recorded, or what `reason` records.
void ExportWriter::leave_if(const std::string& condition, std::string_view reason) {
  const std::string refused = out_.fresh("refused"), fine = out_.fresh("fine"),
                    status = out_.fresh("status");
  out_.line("br i1 {}, label {}, label {}", condition, refused, fine);
  out_.label(refused);
  if (!reason.empty()) out_.line("{}", reason);
  out_.line("{} = {}", status, leave());
  out_.line("ret i32 {}", status);
  out_.label(fine);
}

/// An argument for our function, typed.
std::string ExportWriter::passed(size_t param) {
  const auto& [name, type, bytes, offset] = params_[param];
  if (type->is_scalar() && offset >= 0) {
    const std::string loaded = out_.fresh("loaded");
    write_load(out_, loaded, type->dtype, name);
    return fmt::format("{} {}", register_type(type->dtype), loaded);
  }
  if (!type->is_scalar()) {
    const std::string borrowed = out_.fresh("borrowed"), null = out_.fresh("null");
    out_.line("{} = call ptr @tn_borrow(ptr %context, ptr {}, i64 {}, i32 {})", borrowed, name,
              bytes, is_kept(function_.params[param]) ? 1 : 0);
    out_.line("{} = icmp eq ptr {}, null", null, borrowed);
    out_.fail_if(null);
    return "ptr " + borrowed;
  }
  if (type->dtype != DType::bool_) return fmt::format("{} {}", register_type(type->dtype), name);
  const std::string bit = out_.fresh("holds");
  out_.line("{} = icmp ne i8 {}, 0", bit, name);
  return "i1 " + bit;
}

std::string ExportWriter::place(const Slot& slot) {
  const std::string at = out_.fresh("at"), null = out_.fresh("null");
  out_.line("{} = call ptr @tn_place_result(ptr %context, ptr {}, i64 {})", at, slot.name,
            slot.bytes);
  out_.line("{} = icmp eq ptr {}, null", null, at);
  out_.fail_if(null);
  return at;
}

/// Whether the tensor gets another owner, so that it needs a block of the runtime's.
bool ExportWriter::is_kept(ValueId param) const {
  bool kept = false;
  for_each_inst(function_, [&](const Inst& inst) {
    const bool keeps =
        inst.op == Op::share || (inst.op == Op::call && owners_.keeps(inst.get<FuncId>()));
    kept = kept || (keeps && std::ranges::find(inst.args, param) != inst.args.end());
  });
  return kept;
}

}  // namespace

Exports::Exports(ModuleText& shared, const Module& module, const Conventions& conventions,
                 const opt::UniqueOwners& owners, const opt::memory::MemoryPlan& plan,
                 const Alone& alone)
    : shared_(shared),
      module_(module),
      conventions_(conventions),
      owners_(owners),
      plan_(plan),
      alone_(alone) {
  if (loads(module)) data_dir_ = shared.string_constant(alone.data_dir);
}

std::string Exports::write_all() {
  std::string text = write_functions();
  if (module_.main) text += write_main() + "\n";
  return text + write_places();
}

std::string Exports::write_functions() {
  std::string text;
  for (uint32_t f = 0; f < module_.functions.size(); ++f) {
    if (module_.functions[f].exported.empty()) continue;
    text +=
        ExportWriter(shared_, module_, conventions_, owners_, plan_.of({f}), {f}).write(data_dir_) +
        "\n";
  }
  return text;
}

std::string Exports::write_main() {
  return fmt::format(
      "define i32 @main(i32 %argc, ptr %argv) {{\n"
      "  %status = call i32 @tn_main(i32 %argc, ptr %argv, ptr @tenon_main, ptr @tn.places, ptr "
      "{})\n"
      "  ret i32 %status\n"
      "}}\n",
      data_dir_);
}

std::string Exports::write_places() {
  std::string rows;
  int64_t count = 0;
  for (const Span& span : shared_.sites()) {
    const Place place = alone_.place(span);
    rows +=
        fmt::format("{}  {{ ptr, ptr }} {{ ptr {}, ptr {} }}", rows.empty() ? "\n" : ",\n",
                    shared_.string_constant(place.where), shared_.string_constant(place.excerpt));
    ++count;
  }
  return fmt::format(
      "@tn.place = internal constant [{} x {{ ptr, ptr }}] [{}]\n"
      "@tn.places = internal constant {{ i64, ptr }} {{ i64 {}, ptr @tn.place }}\n",
      count, rows, count);
}

}  // namespace tenon::backend
