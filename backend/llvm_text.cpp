#include "backend/llvm_text.h"

#include <algorithm>
#include <bit>
#include <cctype>

#include "backend/debug_info.h"
#include "runtime/small_float.h"

namespace tenon::backend {
namespace {

constexpr std::string_view kRegisterTypes[] = {"i1",  "i8",  "i32",   "i64",
                                               "i16", "i16", "float", "double"};
static_assert(std::size(kRegisterTypes) == std::size(runtime::kDTypes));

/// Some of LLVM's passes take time by the square of the loops in a function (2,000 of them: minutes):
/// functions so long are only translated.
constexpr std::ptrdiff_t kMaxOptimizedLines = 5000;
constexpr std::ptrdiff_t kMaxFinalLines = 40'000;  ///< of those that no pass but the code generator's sees

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '$';
}

/// The inside of a c"…" or "…" of LLVM.
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool shown = byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
    out += shown ? std::string(1, c) : fmt::format("\\{:02X}", byte);
  }
  return out;
}

}  // namespace

std::string_view register_type(DType type) { return kRegisterTypes[static_cast<int>(type)]; }
std::string_view memory_type(DType type) {
  return type == DType::bool_ ? "i8" : register_type(type);
}
std::string_view value_type(const ir::Type& type) {
  return type.is_scalar() ? register_type(type.dtype) : "ptr";
}

std::string literal(Scalar value) {
  if (value.type == DType::bool_) return value.i != 0 ? "true" : "false";
  if (!runtime::is_floating(value.type)) return std::to_string(value.i);
  if (value.type == DType::f16) return std::to_string(runtime::Half(value.f).bits());
  if (value.type == DType::bf16) return std::to_string(runtime::BFloat(value.f).bits());
  return fmt::format("0x{:016X}", std::bit_cast<uint64_t>(value.f));
}

std::string symbol(std::string_view name) {
  bool plain = !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0]));
  for (char c : name) plain = plain && is_plain(c);
  return plain ? fmt::format("@{}", name) : fmt::format("@\"{}\"", escaped(name));
}

std::string row_type(const ir::Type& tensor) {
  std::string type(memory_type(tensor.dtype));
  for (size_t axis = tensor.shape.size(); axis-- > 1;)
    type = fmt::format("[{} x {}]", tensor.shape[axis], type);
  return type;
}

// ---- modules

int32_t ModuleText::site(Span span) {
  if (sites_.empty() || sites_.back() != span) sites_.push_back(span);
  return static_cast<int32_t>(sites_.size() - 1);
}

std::string ModuleText::constant(std::string_view hint, std::string type_and_value) {
  const auto [at, added] = names_.emplace(std::move(type_and_value), "");
  if (added) {
    at->second = fmt::format("@{}.{}", hint, names_.size() - 1);
    constants_ += fmt::format("{} = private unnamed_addr constant {}\n", at->second, at->first);
  }
  return at->second;
}

std::string ModuleText::string_constant(std::string_view text) {
  return constant("text", fmt::format("[{} x i8] c\"{}\\00\"", text.size() + 1, escaped(text)));
}

std::string ModuleText::shape_constant(const Shape& shape) {
  if (shape.empty()) return "null";
  std::string extents;
  for (int64_t extent : shape)
    extents += fmt::format("{}i64 {}", extents.empty() ? "" : ", ", extent);
  return constant("shape", fmt::format("[{} x i64] [{}]", shape.size(), extents));
}

std::string ModuleText::data_constant(std::span<const Scalar> elements) {
  const std::string_view type = memory_type(elements.front().type);
  std::string data;
  for (const Scalar& element : elements) {
    const bool is_bool = element.type == DType::bool_;
    data += fmt::format("{}{} {}", data.empty() ? "" : ", ", type,
                        is_bool ? std::to_string(element.i) : literal(element));
  }
  return constant("data", fmt::format("[{} x {}] [{}]", elements.size(), type, data));
}

// ---- functions

std::string FunctionText::fresh(std::string_view hint) {
  std::string base = "%";
  for (char c : hint) base += is_plain(c) ? c : '_';
  if (base.size() == 1 || std::isdigit(static_cast<unsigned char>(base[1]))) base.insert(1, "_");
  std::string name = base;
  while (!names_.emplace(name, 1).second) name = fmt::format("{}.{}", base, names_[base]++);
  return name;
}

void FunctionText::at(Span span, std::string_view function) {
  if (module.debug == nullptr) return;
  if (function_ == 0) function_ = module.debug->subprogram(function, span);
  location_ = fmt::format(", !dbg !{}", module.debug->location(function_, span));
}

void FunctionText::label(const std::string& name) {
  pieces_.back() += name.substr(1) + ":\n";
  label_ = name;
}

size_t FunctionText::leave_space() {
  pieces_.resize(pieces_.size() + 2);
  return pieces_.size() - 2;
}

void FunctionText::branch_off(const std::string& condition, const std::string& off, bool off_if) {
  const std::string on = fresh("ok");
  line("br i1 {}, label {}, label {}", condition, off_if ? off : on, off_if ? on : off);
  label(on);
}

void FunctionText::fail_unless(const std::string& holds, runtime::FaultKind fault, Span span,
                               std::string_view a, std::string_view b, std::string_view text) {
  const std::string recorded = fresh(runtime::row(fault).name);
  branch_off(holds, recorded, false);
  if (failed_label_.empty()) failed_label_ = fresh("failed");
  faults_ += fmt::format(
      "{}:\n"
      "  call void @tn_fail(ptr %context, i32 {}, i32 {}, i64 {}, i64 {}, ptr {})\n"
      "  br label {}\n",
      recorded.substr(1), static_cast<int>(fault), module.site(span), a, b,
      text.empty() ? "null" : module.string_constant(text), failed_label_);
}

void FunctionText::fail_if(const std::string& failed) {
  if (failed_label_.empty()) failed_label_ = fresh("failed");
  branch_off(failed, failed_label_, true);
}

std::string FunctionText::definition(std::string_view signature, std::string_view failed,
                                     Inline inlined, bool final_form) {
  std::string body;
  for (const std::string& piece : pieces_) body += piece;
  body += faults_;
  if (!failed_label_.empty()) body += fmt::format("{}:\n  {}\n", failed_label_.substr(1), failed);

  const bool optimized = std::count(body.begin(), body.end(), '\n') <=
                         (final_form ? kMaxFinalLines : kMaxOptimizedLines);
  return fmt::format("define {} nounwind{}{}{} {{\n{}}}\n", signature,
                     inlined == Inline::may && optimized ? "" : " noinline", optimized ? "" : " optnone",
                     function_ == 0 ? "" : fmt::format(" !dbg !{}", function_), body);
}

}  // namespace tenon::backend
