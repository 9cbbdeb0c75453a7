// Writing LLVM IR as text: types, constants and names as LLVM spells them, a module's shared
// constants, and the body of one function.
#pragma once
#include <fmt/format.h>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/ir.h"
#include "runtime/fault.h"

namespace tenon::backend {

using ir::Shape;
using lexer::Span;
using runtime::DType;
using runtime::Scalar;

/// A number in a register: i1, i8, i32, i64, float, double; of f16 and bf16 the bits, as i16. In
/// memory a bool takes an i8.
std::string_view register_type(DType type);
std::string_view memory_type(DType type);
/// What an SSA value is to LLVM: a register, or the `ptr` to a tensor's data.
std::string_view value_type(const ir::Type& type);
/// A constant; float and double as the hexadecimal bits of the double, which is exact.
std::string literal(Scalar value);
/// `@name`, quoted if LLVM wants it.
std::string symbol(std::string_view name);
/// The type of memory that one step of a tensor's outermost subscript passes over.
std::string row_type(const ir::Type& tensor);

/// What debuggers are told of where instructions come from (debug_info.h).
class DebugInfo;

/// What the functions of a module share: the places of faults, and constants.
class ModuleText {
 public:
  DebugInfo* debug = nullptr;  ///< null: nothing is said
  int capability = 0;          ///< of the GPU that it is for
  int32_t site(Span span);
  std::string string_constant(std::string_view text);  ///< a ptr to it, zero-terminated
  std::string shape_constant(const Shape& shape);      ///< a ptr to its extents; null for rank 0
  /// A ptr to what a tensor of these elements, of one type and at least one, holds.
  std::string data_constant(std::span<const Scalar> elements);
  /// Functions that others call, whatever module those come to stand in: `name` is `@f`.
  bool has_function(const std::string& name) const { return functions_.contains(name); }
  void add_function(const std::string& name, std::string definition) {
    functions_.emplace(name, std::move(definition));
  }
  const std::map<std::string, std::string>& functions() const { return functions_; }
  const std::string& constants() const { return constants_; }
  const std::vector<Span>& sites() const { return sites_; }
  std::vector<Span> take_sites() { return std::move(sites_); }

 private:
  std::string constant(std::string_view hint, std::string type_and_value);
  std::string constants_;
  std::map<std::string, std::string> names_;      ///< type and value -> global
  std::map<std::string, std::string> functions_;  ///< name -> definition
  std::vector<Span> sites_;
};

/// One function while it is being written.
class FunctionText {
 public:
  explicit FunctionText(ModuleText& module) : module(module), pieces_(1) {}
  ModuleText& module;

  /// A name that nothing else here has: `%hint`, with a number behind it if that is taken.
  std::string fresh(std::string_view hint);

  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    pieces_.back() += "  " + fmt::format(format, std::forward<Args>(args)...) + location_ + "\n";
  }
  /// Where what is written from here on comes from; the first time, the function itself.
  void at(Span span, std::string_view function);
  /// Begins a block, after a terminator of the one before.
  void label(const std::string& name);
  const std::string& current_label() const { return label_; }

  /// Lines to be written later, when what they name is known: phis. At most once each.
  size_t leave_space();
  void fill(size_t space, std::string lines) { pieces_[space] = std::move(lines); }

  /// Goes on where `holds`; else records the fault and returns "failed". `a` and `b` are i64.
  void fail_unless(const std::string& holds, runtime::FaultKind fault, Span span,
                   std::string_view a = "0", std::string_view b = "0", std::string_view text = {});
  /// Returns "failed" where the i1 `failed` is set: who was called has recorded the fault.
  void fail_if(const std::string& failed);

  /// The whole function, of which `signature` is what stands between `define` and its attributes.
  /// `failed` is the instruction that returns "failed".
  enum class Inline { may, never };
  std::string definition(std::string_view signature, std::string_view failed,
                         Inline inlined = Inline::may, bool final_form = false);

 private:
  void branch_off(const std::string& condition, const std::string& off, bool off_if);

  std::vector<std::string> pieces_;
  std::string faults_;  ///< the blocks that record one, written last: the way on reads straight
  std::string label_, failed_label_;
  std::string location_;     ///< `, !dbg !7` behind an instruction
  int function_ = 0;         ///< the number of its node, if anything is said
  std::unordered_map<std::string, uint32_t> names_;  ///< taken -> next number to try
};

}  // namespace tenon::backend
