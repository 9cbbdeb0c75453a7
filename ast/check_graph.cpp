// Who calls whom: which functions have effects, and which can reach themselves.
#include <algorithm>

#include "ast/function_checker.h"

namespace tenon::ast {

namespace {

/// Every kind of node with what is directly below it, in the order of evaluation.
struct Children {
  const std::function<void(const Expr&)>& expr;
  const std::function<void(const Stmt&)>& stmt;

  void in(const ExprPtr& e) const {
    if (e) expr(*e);
  }
  void in(const std::vector<ExprPtr>& es) const {
    for (auto& e : es) in(e);
  }
  void in(const BracketArg& arg) const {
    if (auto* e = std::get_if<ExprPtr>(&arg.value)) in(*e);
  }
  void in(const std::vector<IndexBinding>& indices) const {
    for (auto& i : indices) in(i.lo), in(i.hi);
  }
  void in(const Block& block) const {
    for (auto& s : block) stmt(s);
  }

  void operator()(const NumberLiteral&) const {}
  void operator()(const BoolLiteral&) const {}
  void operator()(const StringLiteral&) const {}
  void operator()(const NameRef&) const {}
  void operator()(const ErrorExpr&) const {}
  void operator()(const Unary& n) const { in(n.operand); }
  void operator()(const Binary& n) const { in(n.left), in(n.right); }
  void operator()(const Matmul& n) const { in(n.left), in(n.right); }
  void operator()(const Colon&) const {}
  void operator()(const Run&) const {}
  void operator()(const BracketArg& n) const { in(n); }
  void operator()(const Field& n) const { in(n.base); }
  void operator()(const Tuple& n) const { in(n.elements); }
  void operator()(const Call& n) const {
    for (const BracketArg& arg : n.brackets) in(arg);
    in(n.args);
  }
  void operator()(const ast::Convert& n) const { in(n.operand); }
  void operator()(const Subscript& n) const { in(n.base), in(n.subscripts), in(n.otherwise); }
  void operator()(const Reduce& n) const { in(n.indices), in(n.body); }
  void operator()(const IfExpr& n) const { in(n.condition), in(n.then), in(n.otherwise); }
  void operator()(const TensorLiteral& n) const { in(n.elements); }
  void operator()(const Let& n) const {
    if (n.indices) in(*n.indices);
    in(n.value);
  }
  void operator()(const LetTuple& n) const { in(n.value); }
  void operator()(const Assign& n) const { in(n.target), in(n.value); }
  void operator()(const If& n) const { in(n.condition), in(n.then), in(n.otherwise); }
  void operator()(const While& n) const { in(n.condition), in(n.body); }
  void operator()(const For& n) const { in(n.lo), in(n.hi), in(n.body); }
  void operator()(const Break&) const {}
  void operator()(const Continue&) const {}
  void operator()(const Return& n) const { in(n.value); }
  void operator()(const Evaluate& n) const { in(n.value); }
};

/// Calls `visit` on every function call in a function's body.
void for_each_call(const Function& function, const std::function<void(const Call&)>& visit) {
  std::function<void(const Expr&)> expr = [&](const Expr& e) {
    if (auto* call = std::get_if<Call>(&e.node)) visit(*call);
    for_each_child(e, expr);
  };
  std::function<void(const Stmt&)> stmt = [&](const Stmt& s) { for_each_child(s, expr, stmt); };
  for (const Stmt& s : function.body) stmt(s);
}

}  // namespace

void for_each_child(const Expr& e, const std::function<void(const Expr&)>& visit) {
  const std::function<void(const Stmt&)> none = [](const Stmt&) {};
  std::visit(Children{visit, none}, e.node);
}

void for_each_child(const Stmt& s, const std::function<void(const Expr&)>& visit_expr,
                    const std::function<void(const Stmt&)>& visit_stmt) {
  std::visit(Children{visit_expr, visit_stmt}, s.node);
}

void ProgramChecker::collect_callees() {
  for (FunctionInfo* info : all_functions()) {
    std::set<const FunctionInfo*> seen;
    for_each_call(*info->tree, [&](const Call& call) {
      const std::string& name = call.callee.text;
      if (auto* callee = const_cast<FunctionInfo*>(find_function(name, info->in_prelude))) {
        if (seen.insert(callee).second) info->callees.push_back({callee, call.callee.span});
      } else if (builtin_kind(name) == BuiltinKind::effect && !info->effect) {
        info->effect = call.callee.span;
      }
    });
  }
}

void ProgramChecker::spread_effects() {
  struct Caller {
    FunctionInfo* function;
    Span call;
  };
  std::map<const FunctionInfo*, std::vector<Caller>> callers;
  std::vector<FunctionInfo*> work;
  for (FunctionInfo* f : all_functions()) {
    for (auto& callee : f->callees) callers[callee.function].push_back({f, callee.call});
    if (f->effect) work.push_back(f);
  }
  for (size_t next = 0; next < work.size(); next++) {
    for (const Caller& caller : callers[work[next]]) {
      if (caller.function->effect) continue;
      caller.function->effect = caller.call;
      work.push_back(caller.function);
    }
  }
}

namespace {

/// Tarjan, Depth-first search and linear graph algorithms (1972): the strongly connected components
/// in one walk. The walk's own stack is explicit, as call chains may be of any length.
class Components {
 public:
  explicit Components(const std::vector<FunctionInfo*>& all) {
    for (FunctionInfo* f : all) {
      if (!nodes_.contains(f)) walk(f);
    }
  }
  bool together(FunctionInfo* a, FunctionInfo* b) {
    return nodes_[a].component == nodes_[b].component;
  }

 private:
  struct Node {
    int order = 0, lowest = 0;  ///< lowest: of those reached by one edge back
    int component = -1;
    size_t next = 0;  ///< the callee to look at next
  };

  void enter(FunctionInfo* f) {
    int order = static_cast<int>(nodes_.size());
    nodes_[f] = {order, order, -1, 0};
    path_.push_back(f);
    unassigned_.push_back(f);
  }

  void walk(FunctionInfo* root) {
    enter(root);
    while (!path_.empty()) {
      FunctionInfo* f = path_.back();
      Node& node = nodes_[f];
      if (node.next == f->callees.size()) {
        leave(f, node);
        continue;
      }
      FunctionInfo* callee = f->callees[node.next++].function;
      auto it = nodes_.find(callee);
      if (it == nodes_.end())
        enter(callee);
      else if (it->second.component < 0)
        node.lowest = std::min(node.lowest, it->second.order);
    }
  }

  void leave(FunctionInfo* f, const Node& node) {
    path_.pop_back();
    if (node.lowest == node.order) {
      FunctionInfo* member;
      do {
        member = unassigned_.back();
        unassigned_.pop_back();
        nodes_[member].component = node.order;
      } while (member != f);
    } else if (!path_.empty()) {
      Node& caller = nodes_[path_.back()];
      caller.lowest = std::min(caller.lowest, node.lowest);
    }
  }

  std::map<FunctionInfo*, Node> nodes_;
  std::vector<FunctionInfo*> path_, unassigned_;
};

}  // namespace

void ProgramChecker::find_recursion() {
  std::vector<FunctionInfo*> all = all_functions();
  Components components(all);
  for (FunctionInfo* f : all) {
    auto back = std::ranges::find_if(f->callees, [&](const FunctionInfo::Callee& callee) {
      return components.together(f, callee.function);
    });
    if (back == f->callees.end()) continue;
    f->recursion = back->call;
    if (f->all_scalar) continue;
    diagnostics_.report(Diag::tensor_recursion, f->tree->name.span, f->tree->name.text)
        .note(back->call, "through this call")
        .hint("write a loop instead");
  }
}

}  // namespace tenon::ast
