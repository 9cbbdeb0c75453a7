// What the directives share: loops by name, what a block does to locals, changes in place.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string_view>

#include "opt/loops/directive.h"

namespace tenon::opt::loops {

/// The loop of that name. Throws Refused where there is none or it is not clear which.
LoopId find_loop(const Kernel& kernel, std::string_view name);
/// The input of that name. Throws Refused where there is none.
BufferId find_input(const Kernel& kernel, std::string_view name);
/// A new loop. Throws Refused where a loop has that name already.
LoopId add_loop(Kernel& kernel, std::string_view name);
/// A name for one that nobody has yet: `hint`, or with a number behind it.
std::string fresh_name(const Kernel& kernel, std::string_view hint);
LocalId add_local(Kernel& kernel, runtime::DType type, ir::Shape shape);

inline ExprPtr variable(LoopId loop) { return make(runtime::DType::i64, Loop{loop}); }
inline ExprPtr get(const Kernel& kernel, LocalId local, Subscripts subscripts) {
  return make(kernel.locals[local].dtype, Local{local, std::move(subscripts)});
}

/// Puts what `change` makes of it in the place of every loop `loop`.
void replace_loops(Block& block, LoopId loop, const std::function<Block(const For&)>& change);
/// Likewise; `around` is the innermost loop around it in the block, or null.
void replace_loops(Block& block, LoopId loop, const std::function<Block(const For&, const For* around)>& change);
/// Refuses a loop whose turns are not taken one after the other.
void require_serial(const Kernel& kernel, const For& loop);
/// Refuses a loop whose turns are lanes, or stand in such a loop.
void require_no_lanes(const Kernel& kernel, LoopId loop);
/// Whether `loop` stands in the block, at any depth.
bool contains_loop(const Block& block, LoopId loop);
/// Every loop `loop` that is there.
void for_each_loop(const Block& block, LoopId loop, const std::function<void(const For&)>& visit);

/// The loop that ends a block, where before it nothing stands but scalars that are declared, with what
/// they are, and changed by none of its turns; null if there is no such loop.
const For* loop_behind_declarations(const Block& block);

/// The locals that a block declares itself (not those of blocks inside it).
std::set<LocalId> declared_in(const Block& block);
/// The locals that a block, with those inside it, sets and does not declare.
std::set<LocalId> changed_by(const Block& block);
/// The locals that it reads, or sets, and does not declare.
std::set<LocalId> used_by(const Block& block);
bool mentions_loop(const ExprPtr& e, LoopId loop);

/// A copy in which arrays lie elsewhere: where one is read or set, `change` says what stands there in its place;
/// nothing where it stays.
Block with_locals(const Block& block, const std::function<std::optional<Local>(const Local&)>& change);

/// Whether two expressions are written alike; of what reads locals, never.
bool same_text(const ExprPtr& a, const ExprPtr& b);

/// A sum of multiples of loop variables and scalar parameters.
struct LinearForm {
  std::map<LoopId, int64_t> factors;    ///< none is 0
  std::map<uint32_t, int64_t> scalars;  ///< likewise, by parameter
  int64_t constant = 0;
  bool operator==(const LinearForm&) const = default;
  int64_t factor(LoopId loop) const {
    const auto found = factors.find(loop);
    return found == factors.end() ? 0 : found->second;
  }
};
/// Of an integer expression; nothing if it is something else, or a number leaves i64.
std::optional<LinearForm> linear_form(const ExprPtr& e);

/// Whether all that the block does to a local is steps of one operation that gives the same in any
/// order: a = a + e, where e does not have a. Of floats, only sums and products that the mode frees.
/// The operation; nothing if not.
std::optional<runtime::ScalarOp> steps_of(const Kernel& kernel, const Block& block, LocalId local,
                                          Mode mode);
/// Whether, while the loops outside stand still, all that the block does to an array in one turn of
/// `loop` is to elements that no other turn touches. `beside`: a loop that does not stand still.
bool own_element_each_turn(const Kernel& kernel, const Block& block, LocalId local, LoopId loop,
                           std::optional<LoopId> beside = {});

/// How messages call things: `a` for a local, `i` for a loop, each quoted.
std::string quoted(std::string_view name);
std::string quoted(const Kernel& kernel, LocalId local);

}  // namespace tenon::opt::loops
