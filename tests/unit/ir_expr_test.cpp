// Index expressions: interning, substitution, walks.
#include "tests/unit/ir_helpers.h"

namespace tenon::tests {
namespace {

using ir::ExprId;
using ir::Exprs;
using ir::Reduction;
using runtime::DType;
using runtime::Scalar;
using runtime::ScalarOp;

ExprId whole(Exprs& x, int64_t value) {
  return x.constant(Scalar::integer(DType::i64, value));
}

TEST_CASE("equal nodes are one, different ones are not") {
  Exprs x;
  CHECK(whole(x, 3) == whole(x, 3));
  CHECK(whole(x, 3) != x.constant(Scalar::integer(DType::i32, 3)));
  CHECK(x.constant(Scalar::floating(DType::f32, 0.0)) !=
        x.constant(Scalar::floating(DType::f32, -0.0)));
  CHECK(x.apply(ScalarOp::add, {x.index(0), whole(x, 3)}) ==
        x.apply(ScalarOp::add, {x.index(0), whole(x, 3)}));
  CHECK(x.apply(ScalarOp::add, {x.index(0), whole(x, 3)}) !=
        x.apply(ScalarOp::add, {whole(x, 3), x.index(0)}));
  CHECK(x.find_index(0) == x.index(0));
  CHECK_FALSE(x.find_index(7).has_value());
}

TEST_CASE("a shared graph is walked and substituted as a graph") {
  Exprs x;
  ExprId doubled = x.index(0);
  for (int i = 0; i < 100; ++i) doubled = x.apply(ScalarOp::add, {doubled, doubled});
  CHECK(x[doubled].tree_size == 0xffffffff);
  CHECK(x[doubled].depth == 101);
  int nodes = 0;
  ir::for_each_node(x, doubled, [&](ExprId) { ++nodes; });
  CHECK(nodes == 101);
  const size_t before = x.size();
  const ExprId seven = whole(x, 7);
  const ExprId moved = ir::substitute(x, doubled, std::vector{seven}, 0);
  CHECK(x[moved].depth == 101);
  CHECK(x.size() == before + 101);
}

/// `producer` of rank r put in the place of `%p[…]` in `consumer`, both computes of one function.
std::string inlined(std::string_view producer, std::string_view consumer) {
  ir::Module module =
      parse_ir(ir_function("%t: f32[9], %n: i64", "  %p = compute " + std::string(producer) +
                                                      "\n  %c = compute " + std::string(consumer)));
  ir::Function& f = module.functions[0];
  Exprs& x = f.exprs;
  const ir::ValueId tensor = f.blocks[0].insts[0].result();
  const ExprId body = f.blocks[0].insts[0].get<ir::Compute>().bodies[0];
  ir::Compute& target = f.blocks[0].insts[1].get<ir::Compute>();
  // One read is looked for, and how many indices are bound around it.
  std::function<ExprId(ExprId, int)> put = [&](ExprId id, int depth) -> ExprId {
    const ir::Expr node = x[id];
    std::vector<ExprId> args;
    for (size_t i = 0; i < node.args.size(); ++i) {
      const bool in_body = node.kind == ir::ExprKind::reduce && i + 1 == node.args.size();
      args.push_back(
          put(node.args[i], in_body ? depth + static_cast<int>(node.reduce_rank()) : depth));
    }
    if (node.kind == ir::ExprKind::read && node.value == tensor)
      return ir::substitute(x, body, args, depth - static_cast<int>(args.size()));
    return x.with_args(id, args);
  };
  target.bodies[0] = put(target.bodies[0], static_cast<int>(target.extents.size()));
  for (const ir::Violation& v : ir::verify(module)) FAIL_CHECK(v.where, ": ", v.message);
  return ir::print(module, f, target.bodies[0]);
}

TEST_CASE("substitution puts producers into consumers without capture") {
  CHECK(inlined("[i: 3, j: 4] { i * 10 + j }", "[i: 4, j: 3] { %p[j, i] }") == "j * 10 + i");
  CHECK(inlined("[i: 3] { sum[j: 5](i * j) }", "[i: 4, j: 3] { %p[j] + i }") ==
        "sum[k: 5](j * k) + i");
  CHECK(inlined("[i: 3] { sum[j: 5](i * j) }", "[i: 3] { sum[j: 3](%p[j] * i) }") ==
        "sum[j: 3](sum[k: 5](j * k) * i)");
  CHECK(inlined("[i: 3, j: 3] { i - j }", "[i: 2] { %p[i, i + 1] }") == "i - (i + 1)");
  CHECK(inlined("[] { 7 }", "[i: 2] { i }") == "i");
  // A subscript with a reduction lands inside a reduction of the producer, and moves up.
  CHECK(inlined("[i: 9] { sum[j: i](i + j) }", "[i: 2] { %p[sum[j: 3](i * j)] }") ==
        "sum[j: sum[j: 3](i * j)](sum[k: 3](i * k) + j)");
  // Down, too: a producer of high rank into a consumer of low rank.
  CHECK(inlined("[i: 3, j: 3, k: 3] { sum[l: 2](i + j + k + l) }", "[i: 3] { %p[i, 0, 1] }") ==
        "sum[j: 2](i + 0 + 1 + j)");
}

TEST_CASE("map_uses replaces values in bodies and keeps the sites") {
  ir::Module module = parse_ir(ir_function("%t: f32[9], %u: f32[9], %n: i64",
                                           "  %c = compute [i: 3] { %t[i + %n] + %t[0] }"));
  ir::Function& f = module.functions[0];
  ir::Inst& inst = f.blocks[0].insts[0];
  const auto sites = inst.get<ir::Compute>().sites;
  ir::map_uses(f, inst, [&](ir::ValueId v) { return v == f.params[0] ? f.params[1] : v; });
  CHECK(ir::print(module, f, inst) == "%c = compute [i: 3] { %u[i + %n] + %u[0] }");
  std::vector<ir::ValueId> uses;
  ir::for_each_use(f, inst, [&](ir::ValueId v) { uses.push_back(v); });
  CHECK(std::count(uses.begin(), uses.end(), f.params[0]) == 0);
  REQUIRE(inst.get<ir::Compute>().sites.size() == sites.size());
  for (size_t i = 0; i < sites.size(); ++i) {
    const auto& [id, span] = inst.get<ir::Compute>().sites[i];
    CHECK(f.exprs[id].value == f.params[1]);
    CHECK(span == sites[i].second);
  }
}

TEST_CASE("names are made unique and proper") {
  ir::Module module;
  ir::Function f;
  const ir::TypeId type = module.types.scalar(DType::f32);
  auto name = [&](std::string_view hint) { return f.value(f.add_value(type, hint)).name; };
  CHECK(name("x") == "x");
  CHECK(name("x") == "x1");
  CHECK(name("x1") == "x11");
  CHECK(name("x") == "x2");
  CHECK(name("") == "v");
  CHECK(ir::is_name(name("1 + 2")));
  CHECK(ir::is_name(name("a..b")));
  CHECK(name("f.4x5") == "f.4x5");
  CHECK(module.types.intern({DType::f32, {2}}) == module.types.intern({DType::f32, {2}}));
  CHECK(module.types.intern({DType::f32, {2}}) != module.types.intern({DType::f32, {2, 2}}));
}

}  // namespace
}  // namespace tenon::tests
