// What SSA functions do besides giving values: files, output, assertions.
#include "backend/elements.h"
#include "backend/function_writer.h"
#include "backend/scalar_to_llvm.h"

namespace tenon::backend {
namespace {

int dtype_number(DType type) {
  return static_cast<int>(type);
}

}  // namespace

void FunctionWriter::write_load(const Inst& inst) {
  const Type& result = type(inst.result());
  const std::string block = result.is_scalar() ? out_.fresh("loaded") : name(inst.result());
  const auto& [path, tensor] = inst.get<ir::LoadFrom>();
  const std::string file = out_.module.string_constant(path);
  const std::string named = tensor.empty() ? "null" : out_.module.string_constant(tensor);
  out_.line("{} = call ptr @tn_load(ptr %context, i32 {}, ptr {}, ptr {}, i32 {}, i32 {}, ptr {})",
            block, out_.module.site(inst.span), file, named, dtype_number(result.dtype),
            result.shape.size(), out_.module.shape_constant(result.shape));
  fail_if_null(block);
  if (!result.is_scalar()) return;
  backend::write_load(out_, name(inst.result()), result.dtype, block);
  drop(block);
}

void FunctionWriter::write_save(const Inst& inst) {
  const Type& saved = type(inst.args[0]);
  std::string data = arg(inst, 0);
  if (saved.is_scalar()) {
    data = stack_slot(saved.dtype);
    write_store(out_, saved.dtype, arg(inst, 0), data);
  }
  to_host(inst.args[0]);
  const std::string status = out_.fresh("status"), failed = out_.fresh("failed");
  out_.line("{} = call i32 @tn_save(ptr %context, i32 {}, ptr {}, i32 {}, i32 {}, ptr {}, ptr {})",
            status, out_.module.site(inst.span),
            out_.module.string_constant(inst.get<std::string>()), dtype_number(saved.dtype),
            saved.shape.size(), out_.module.shape_constant(saved.shape), data);
  out_.line("{} = icmp ne i32 {}, 0", failed, status);
  out_.fail_if(failed);
}

void FunctionWriter::write_write(const Inst& inst) {
  to_host(inst.args[0]);
  out_.line("call void @tn_write(ptr %context, ptr {}, i64 {})", arg(inst, 0),
            type(inst.args[0]).shape[0]);
}

void FunctionWriter::write_print(const Inst& inst) {
  const auto& texts = inst.get<std::vector<std::string>>();
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!texts[i].empty())
      out_.line("call void @tn_print_text(ptr %context, ptr {}, i64 {})",
                out_.module.string_constant(texts[i]), texts[i].size());
    if (i == inst.args.size()) break;
    const Type& printed = type(inst.args[i]);
    const int dtype = dtype_number(printed.dtype);
    if (!printed.is_scalar()) {
      to_host(inst.args[i]);
      out_.line("call void @tn_print_tensor(ptr %context, i32 {}, i32 {}, ptr {}, ptr {})", dtype,
                printed.shape.size(), out_.module.shape_constant(printed.shape), arg(inst, i));
      continue;
    }
    const bool floating = runtime::is_floating(printed.dtype);
    const DType wide = floating ? DType::f64 : DType::i64;
    const std::string number = out_.fresh("printed");
    backend::write_convert(out_, number, printed.dtype, wide, arg(inst, i));
    out_.line("call void @tn_print_{}(ptr %context, i32 {}, {} {})", floating ? "float" : "int",
              dtype, register_type(wide), number);
  }
  out_.line("call void @tn_print_end(ptr %context)");
}

void FunctionWriter::write_assert_(const Inst& inst) {
  out_.fail_unless(arg(inst, 0), runtime::FaultKind::assertion_failed, inst.span, "0", "0",
                   inst.get<std::string>());
}

}  // namespace tenon::backend
