// The verifier of one function: first its structure, on which the rest relies; then types and dominance.
#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/verify.h"

namespace tenon::ir {

inline constexpr size_t kMaxViolations = 20;

class FunctionVerifier {
 public:
  FunctionVerifier(const Module& module, const Function& function, std::vector<Violation>& found)
      : module_(module), function_(function), found_(found) {}

  bool structure();
  void types_and_dominance();

 private:
  // ---- structure: each says whether what comes after may rely on it
  bool signature();
  bool values_and_names();
  bool blocks();
  bool inst_structure(const Inst& inst, bool is_last);
  bool producer_structure(const Inst& producer);
  bool define(ValueId value);
  bool is_value(ValueId id) const { return id.index < function_.values.size(); }
  bool is_type(TypeId id) const { return id.index < module_.types.size(); }

  // ---- types: a rule for each row of ops.def
#define OP(name, text, arity, result, trait, meaning) void check_##name(const Inst& inst);
#include "ir/ops.def"
  void types(const Inst& inst);
  void check_unchecked(const Inst& inst);
  void check_producers(const Compute& compute);
  void check_edges(const Inst& inst, size_t count);
  bool check_subscripts(const Inst& inst, size_t axes);
  void check_effect(FuncId callee);
  void want_type(ValueId value, const Type& type, std::string_view what);
  void want_bool(ValueId value, std::string_view what);
  const Type& type_of(ValueId id) const {
    return module_.type(function_, id);
  }
  std::string name_of(ValueId id) const {
    return fmt::format("`%{}`", function_.value(id).name);
  }

  // ---- dominance
  void dominance();

  void fail(std::string message);
  bool ensure(bool holds, std::string message) {
    if (!holds) fail(std::move(message));
    return holds;
  }

  const Module& module_;
  const Function& function_;
  std::vector<Violation>& found_;
  const Block* block_ = nullptr;  ///< what is being looked at, for messages
  const Inst* inst_ = nullptr;
  bool printable_ = false;  ///< instructions are well-formed enough to print
  std::vector<bool> defined_;
};

}  // namespace tenon::ir
